"""DNS zones and records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from provision.profile.keys import GROUP_NAME, GUID, RECORD_NAME, RESOURCE_ID, ZONE_NAME, key


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A virtual network that resolves a private zone."""

    virtual_network: str = field(metadata=key("Resource id of the virtual network.", pattern=RESOURCE_ID))
    registration: bool = field(default=False, metadata=key("Register its virtual machines in the zone."))


@dataclass(frozen=True, slots=True, kw_only=True)
class Zone:
    """A DNS zone in Azure DNS."""

    resource_group: str = field(metadata=key("The zone's resource group.", pattern=GROUP_NAME))
    visibility: Literal["public", "private"] = field(
        default="public", metadata=key("Public, or private to linked virtual networks.")
    )
    create: bool = field(
        default=True, metadata=key("Create the zone when it does not exist; false: it must exist.")
    )
    subscription: str | None = field(
        default=None, metadata=key("Its subscription; the cluster's without it.", pattern=GUID)
    )
    links: tuple[Link, ...] = field(default=(), metadata=key("Virtual networks of a private zone."))


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A record set in one of the profile's zones."""

    zone: str = field(metadata=key("Name of the zone, one of `dns.zones`.", pattern=ZONE_NAME))
    name: str = field(metadata=key("Name relative to the zone; @ for the zone itself.", pattern=RECORD_NAME))
    type: Literal["A", "AAAA", "CNAME", "TXT", "CAA", "MX", "NS"] = field(metadata=key("Record type."))
    values: tuple[str, ...] = field(
        metadata=key("The values as in a zone file, for MX `10 mail.contoso.com`.", minimum=1, maximum=20)
    )
    ttl: int = field(
        default=3600, metadata=key("Seconds a resolver may cache it.", minimum=1, maximum=2147483647)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Dns:
    """Zones and records."""

    zones: Mapping[str, Zone] = field(default_factory=dict, metadata=key("Zones by name.", keys=ZONE_NAME))
    records: tuple[Record, ...] = field(default=(), metadata=key("Record sets of our own."))
