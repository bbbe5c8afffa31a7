"""Subnets, through the generic resources client: azure-mgmt-network takes longer to import than all the
others.

Source of the documents: "Subnets" and "Virtual Networks", Azure networking REST reference, 2026. az reads a
subnet and writes it whole, so that its other settings come back; so does this.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from provision.apply.handler import Reading, Untouched, Work
from provision.errors import ConflictError, ProvisionError, ServiceError
from provision.plan.change import FieldChange
from provision.providers.azure.clients import POLL_SECONDS, Clients
from provision.providers.azure.errors import translating
from provision.providers.azure.reading import found, read_each
from provision.resources.arm import ArmId
from provision.resources.network import DELEGATION, ClusterSubnet, Subnet
from provision.resources.observed import Absent, Observed, Present
from provision.resources.values import CaseInsensitive

API_VERSION = "2024-05-01"
"""Of Microsoft.Network: the oldest that has all fields in use."""

_ADDON_SUBNET = "aks-appgateway"
"""Source: "Deploy Application Gateway for Containers ALB Controller using AKS add-on", 2026-08-18."""
_PATIENCE = 600.0

Body = dict[str, Any]


class Subnets:
    """Subnets of other teams' networks, of which we own the delegation when the profile says so."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients

    async def read(self, resources: Sequence[Subnet], profile: str) -> Reading:
        return await read_each(resources, self._read)

    async def _read(self, resource: Subnet) -> Observed:
        network = await network_of(self._clients, resource.id, f"reading {resource.address}")
        subnet = None if network is None else _in(network, resource.id)
        return Absent() if subnet is None or network is None else _present(subnet, network)

    async def create(self, resource: Subnet, work: Work) -> Present:
        """Made with its delegation, everything else of the network left as it is."""
        if not resource.prefix:
            raise ConflictError(
                f"creating {resource.address}",
                "the profile gives it no address range",
                "Write ingress.subnetPrefix, such as 10.225.0.0/24, or have the subnet made.",
            )
        body: Body = {"properties": {"addressPrefix": resource.prefix, "delegations": [_delegation()]}}
        return await self._write(resource, body, "creating")

    async def update(
        self, resource: Subnet, observed: Present, fields: Sequence[FieldChange], work: Work
    ) -> Present:
        """Read anew and written whole with the delegation. Refused where another service has it."""
        doing = f"updating {resource.address}"
        network = await network_of(self._clients, resource.id, doing)
        subnet = None if network is None else _in(network, resource.id)
        if subnet is None:
            raise ConflictError(doing, "the subnet is gone", "Run plan again.")
        others = [each for each in _delegated(subnet) if each != DELEGATION]
        if others:
            raise ConflictError(
                doing, f"it is delegated to {', '.join(others)}", "Name a subnet that nothing else uses."
            )
        properties = {**(subnet.get("properties") or {}), "delegations": [_delegation()]}
        return await self._write(resource, {**subnet, "properties": properties}, "updating")

    async def _write(self, resource: Subnet, body: Body, doing: str) -> Present:
        resources = self._clients.resources(ArmId.parse(resource.id).subscription).resources
        with translating(f"{doing} {resource.address}"):
            poller = await resources.begin_create_or_update_by_id(
                str(resource.id).lstrip("/"), cast("Any", body), api_version=API_VERSION
            )
            await poller.result()
        observed = await self._read(resource)
        if not isinstance(observed, Present):
            raise ServiceError(f"{doing} {resource.address}", "it is not there after it was written")
        return observed

    async def delete(self, resource: Subnet, observed: Present, work: Work) -> None:
        raise ProvisionError(f"deleting {resource.address}", "subnets are not deleted by provision")


class ClusterSubnets(Untouched):
    """The subnet that AKS makes for the add-on."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients

    async def read(self, resources: Sequence[ClusterSubnet], profile: str) -> Reading:
        return await read_each(resources, self._read)

    async def _read(self, resource: ClusterSubnet) -> Observed:
        group = str(resource.group)
        subscription = group.split("/")[2]
        resources = self._clients.resources(subscription).resources
        listed = resources.list_by_resource_group(
            group.rsplit("/", 1)[-1], filter="resourceType eq 'Microsoft.Network/virtualNetworks'"
        )

        async def ids() -> list[str]:
            return [each.id or "" async for each in listed]

        doing = f"reading {resource.address}"
        for id_ in await found(doing, ids()) or ():
            network = await network_of(self._clients, f"{id_}/subnets/{_ADDON_SUBNET}", doing)
            subnet = network and _in(network, f"{id_}/subnets/{_ADDON_SUBNET}")
            if network and subnet:
                return _present(subnet, network)
        return Absent()

    async def create(self, resource: ClusterSubnet, work: Work) -> Present:
        """Waits for it."""
        waited = 0.0
        while waited < _PATIENCE:
            observed = await self._read(resource)
            if isinstance(observed, Present):
                return observed
            work.progress(f"waiting for AKS to make it ({waited:.0f} s of at most {_PATIENCE:.0f} s)")
            await self._clients.sleep(POLL_SECONDS)
            waited += POLL_SECONDS
        raise ServiceError(
            f"waiting for {resource.address}",
            f"no network of {resource.group} has the subnet {_ADDON_SUBNET} after {waited:.0f} s",
            "AKS makes it in its own network only: if the cluster's nodes are in a network of yours, name a"
            " subnet of it in ingress.subnet.",
        )


async def network_of(clients: Clients, subnet: str, doing: str) -> Body | None:
    """The network of a subnet: it tells its region, and what holds addresses of each subnet."""
    id_ = subnet.partition("/subnets/")[0]
    resources = clients.resources(ArmId.parse(id_).subscription).resources
    network = await found(doing, resources.get_by_id(id_.lstrip("/"), api_version=API_VERSION))
    return None if network is None else dict(network.as_dict())


def _in(network: Body, id_: str) -> Body | None:
    name = id_.rpartition("/")[2].casefold()
    subnets = (network.get("properties") or {}).get("subnets") or ()
    return next((each for each in subnets if str(each.get("name")).casefold() == name), None)


def _delegated(subnet: Body) -> list[CaseInsensitive]:
    delegations = (subnet.get("properties") or {}).get("delegations") or ()
    return [CaseInsensitive((each.get("properties") or {}).get("serviceName") or "") for each in delegations]


def _delegation() -> Body:
    return {"name": "0", "properties": {"serviceName": str(DELEGATION)}}


def _present(subnet: Body, network: Body) -> Present:
    properties: Mapping[str, Any] = subnet.get("properties") or {}
    prefixes = properties.get("addressPrefixes") or [properties.get("addressPrefix") or ""]
    delegated = frozenset(_delegated(subnet))
    return Present(
        properties={"delegations": delegated},
        outputs={
            "id": CaseInsensitive(subnet.get("id") or ""),
            "delegations": delegated,
            "prefix": str(prefixes[0]),
            "used": len(properties.get("ipConfigurations") or ()),
            "location": network.get("location"),
            "securityGroup": (properties.get("networkSecurityGroup") or {}).get("id"),
        },
    )
