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
    file: str | None = field(
        default=None,
        metadata=key(
            "A BIND zone file, relative to this one: its record sets are declared as if they stood in"
            " `dns.records`. SOA and NS records of the zone itself are left out.",
            example="contoso.com.zone",
        ),
    )
    delegate: bool | None = field(
        default=None,
        metadata=key(
            "Write the zone's name servers into its parent, as NS records. By default where `dns.zones` has"
            " the parent; false: others do it, true: the parent must be there."
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A record set in one of the profile's zones, with values or with a target.

    SOA is the zone's own. DS, NAPTR and TLSA need a later API than azure-mgmt-dns 9 speaks (2018-05-01).
    """

    zone: str = field(metadata=key("Name of the zone, one of `dns.zones`.", pattern=ZONE_NAME))
    name: str = field(metadata=key("Name relative to the zone; @ for the zone itself.", pattern=RECORD_NAME))
    type: Literal["A", "AAAA", "CNAME", "TXT", "CAA", "MX", "NS", "PTR", "SRV"] = field(
        metadata=key("Record type.")
    )
    values: tuple[str, ...] = field(
        default=(),
        metadata=key(
            "The values as in a zone file, for MX `10 mail.contoso.com`; TXT without quotes.", maximum=20
        ),
    )
    target: str | None = field(
        default=None,
        metadata=key(
            "Instead of values: the resource id of what an alias record follows (a public IP address, a"
            " Traffic Manager profile, a Front Door or CDN endpoint, a record set of the same zone).",
            pattern=RESOURCE_ID,
        ),
    )
    ttl: int = field(
        default=3600, metadata=key("Seconds a resolver may cache it.", minimum=1, maximum=2147483647)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Dns:
    """Zones and records."""

    zones: Mapping[str, Zone] = field(default_factory=dict, metadata=key("Zones by name.", keys=ZONE_NAME))
    records: tuple[Record, ...] = field(default=(), metadata=key("Record sets of our own."))
