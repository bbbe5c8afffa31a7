"""Subnets of virtual networks, which belong to the network's team."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from provision.resources.resource import Resource
from provision.resources.values import CaseInsensitive, Value

DELEGATION = CaseInsensitive("Microsoft.ServiceNetworking/trafficControllers")
"""Who the subnet of an Application Gateway for Containers is given to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subnet(Resource):
    """A subnet. `name` is `network/subnet`.

    With `create` it is made, with `prefix`, or the one that is there is delegated; without it, it is only
    looked at. Outputs: `id`, `delegations`, `prefix`, `used` (addresses taken), `location` (its network's),
    `securityGroup`.
    """

    KIND: ClassVar[str] = "subnet"
    SHARED: ClassVar[bool] = True

    id: CaseInsensitive
    create: bool = False
    prefix: str = ""

    def must_exist(self) -> bool:
        return not self.create

    def properties(self) -> Mapping[str, Value]:
        return {"delegations": frozenset({DELEGATION})} if self.create else {}

    def stays(self) -> str:
        return "kept: a subnet belongs to its network"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterSubnet(Resource):
    """The subnet that the add-on makes for the gateway in the cluster's own network: waited for, never made.

    `group` is the resource group that AKS keeps for the cluster. Outputs: `id`.
    """

    KIND: ClassVar[str] = "cluster_subnet"
    LOOKUP: ClassVar[frozenset[str]] = frozenset({"group"})

    group: Value

    def stays(self) -> str:
        return "kept: AKS takes it away with the add-on"
