"""DNS zones, virtual network links and record sets of Azure DNS."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from provision.resources.record_value import canonical
from provision.resources.resource import Resource
from provision.resources.values import CaseInsensitive, Value

CHANGES_A_MINUTE: Mapping[str, int] = {"public": 200, "private": 60}
"""Record sets of a zone that can be created, and as many updated or deleted. Source: "Azure subscription and
service limits", Azure DNS limits, Microsoft Learn, October 2024."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DnsZone(Resource):
    """A public zone. `name` is the domain. Outputs: `id`, `nameServers`."""

    KIND: ClassVar[str] = "dns_zone"

    id: str
    create: bool = True

    def must_exist(self) -> bool:
        return not self.create


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivateDnsZone(Resource):
    """A private zone. `name` is the domain. Outputs: `id`."""

    KIND: ClassVar[str] = "private_dns_zone"

    id: str
    create: bool = True

    def must_exist(self) -> bool:
        return not self.create


@dataclass(frozen=True, slots=True, kw_only=True)
class VirtualNetworkLink(Resource):
    """A virtual network that resolves a private zone. `name` is `zone/link`."""

    KIND: ClassVar[str] = "virtual_network_link"
    IMMUTABLE: ClassVar[frozenset[str]] = frozenset({"virtualNetwork"})

    id: str
    virtual_network: str
    registration: bool = False

    def inside(self) -> str:
        return self.id.rpartition("/virtualNetworkLinks/")[0]

    def properties(self) -> Mapping[str, Value]:
        return {"virtualNetwork": self.virtual_network, "registrationEnabled": self.registration}


@dataclass(frozen=True, slots=True, kw_only=True)
class HostRecord(Resource):
    """The address record of a host, which the cluster's DNS controller writes once a route asks for it.

    `name` is `zone/host`. We never write it: creating it means to wait for it, and deleting it to wait
    until it is gone, which is why it goes only after the routes. Without it a zone could be deleted
    under the controller, or the controller before it has tidied up.
    """

    KIND: ClassVar[str] = "host_record"

    zone_id: str
    visibility: Literal["public", "private"]
    record_name: str
    target: Value

    def inside(self) -> str:
        return self.zone_id

    def properties(self) -> Mapping[str, Value]:
        return {"address": self.target}


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordSet(Resource):
    """A record set. `name` is `zone/type/name`; `values` are as in a zone file; `ttl` in seconds.

    An alias has a `target`, a resource id, and no values. The values of a `delegation` are the name servers
    of a zone below; its TTL is chosen when it is made, and whoever changes it may.
    """

    KIND: ClassVar[str] = "record_set"

    zone_id: str
    visibility: Literal["public", "private"]
    record_type: str
    record_name: str
    ttl: int
    values: Value = frozenset()
    target: str = ""
    delegation: bool = False

    def inside(self) -> str:
        return self.zone_id

    def spelled(self) -> Value:
        """The values as a set, in the spelling that is compared; a ref while they are not known."""
        if isinstance(self.values, tuple):  # an output of another resource, as that has it
            return frozenset(canonical(self.record_type, str(value)) for value in self.values)
        return self.values

    def properties(self) -> Mapping[str, Value]:
        if self.target:
            return {"ttl": self.ttl, "values": frozenset(), "target": CaseInsensitive(self.target)}
        if self.delegation:
            return {"values": self.spelled()}
        return {"ttl": self.ttl, "values": self.spelled()}
