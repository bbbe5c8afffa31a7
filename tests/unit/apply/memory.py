"""A strict provider in memory: it keeps objects, refuses what the services would refuse, and records calls.

Tests can hold a call at a gate until they open it, or have it refused.
"""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from provision.apply.handler import Handler, Reading, Work
from provision.errors import ConflictError, NotFoundError, ProvisionError, ServiceError
from provision.plan.change import FieldChange
from provision.plan.diff import same
from provision.providers.azure import managed_clusters as clusters
from provision.resources.certificate import Certificate
from provision.resources.dns import DnsZone, HostRecord, PrivateDnsZone, RecordSet, VirtualNetworkLink
from provision.resources.identity import FederatedCredential, RoleAssignment, UserAssignedIdentity
from provision.resources.managed_cluster import ManagedCluster
from provision.resources.manifest import Manifest
from provision.resources.mesh import IstioTraces
from provision.resources.observed import Absent, Observed, Present, Unread
from provision.resources.ref import refs
from provision.resources.resource import Resource
from provision.resources.vault import AccessPolicy, KeyVault

KINDS: tuple[type[Resource], ...] = (
    DnsZone,
    PrivateDnsZone,
    VirtualNetworkLink,
    RecordSet,
    HostRecord,
    Manifest,
    KeyVault,
    AccessPolicy,
    Certificate,
    UserAssignedIdentity,
    FederatedCredential,
    RoleAssignment,
    IstioTraces,
)

GRANTS = RoleAssignment, AccessPolicy
UNSEEN = frozenset({AccessPolicy.KIND, HostRecord.KIND, Manifest.KIND})
"""Kinds whose objects carry no mark, or are looked for where others of the kind are declared."""


@dataclass
class World:
    """Everything that exists: objects by address, with the resource each was made from."""

    objects: dict[str, Present] = field(default_factory=dict)
    made_from: dict[str, Resource] = field(default_factory=dict)
    clusters: dict[str, dict[str, Any]] = field(default_factory=dict)
    """REST bodies of clusters by address."""
    unreadable: set[str] = field(default_factory=set)
    refused: dict[str, ProvisionError] = field(default_factory=dict)
    """Errors with which writes to an address end."""
    gates: dict[str, asyncio.Event] = field(default_factory=dict)
    """Calls about an address wait here; `reached` tells that one does."""
    reached: dict[str, asyncio.Event] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    """`verb address`, in the order in which they began."""
    issued: int = 0

    def gate(self, address: str) -> asyncio.Event:
        """Hold the next call about an address until the returned event is set."""
        self.gates[address] = asyncio.Event()
        self.reached[address] = asyncio.Event()
        return self.gates[address]

    async def enter(self, verb: str, address: str) -> None:
        self.calls.append(f"{verb} {address}")
        if address in self.gates:
            self.reached[address].set()
            await self.gates[address].wait()
        if verb != "read" and address in self.refused:
            raise self.refused[address]

    def handlers(self) -> Mapping[str, Handler]:
        handlers: dict[str, Handler] = {kind.KIND: Objects(self, kind.KIND) for kind in KINDS}
        return {**handlers, ManagedCluster.KIND: Clusters(self)}


class Objects:
    """Every kind but clusters: an object has the properties it was written with, and outputs of its own."""

    def __init__(self, world: World, kind: str = "") -> None:
        self._world = world
        self._kind = kind

    async def read(self, resources: Sequence[Resource], profile: str) -> Reading:
        for resource in resources:
            assert not list(refs_of(resource, resource.LOOKUP)), f"{resource.address} can't be looked up yet"
            await self._world.enter("read", resource.address)
        addresses = {resource.address for resource in resources}
        manifests = any(isinstance(resource, Manifest) for resource in resources)
        orphans = tuple(
            (replace(self._world.made_from[address], after=(), outlives=()), present)
            for address, present in self._world.objects.items()
            if manifests and present.owner == profile and address not in addresses
            if made_as(address) == Manifest.KIND
        )
        return Reading({resource.address: self._observed(resource) for resource in resources}, orphans)

    async def search(self, resources: Sequence[Resource], profile: str) -> Reading:
        """What is ours and of this kind. Roles stay where others make them, or nobody."""
        declared = {resource.address for resource in resources}
        if self._kind == HostRecord.KIND:  # the cluster's DNS controller tidies up by itself
            for address in [each for each in self._world.objects if made_as(each) == self._kind]:
                if address not in declared:
                    del self._world.objects[address]
        gives_roles = any(isinstance(each, GRANTS) and each.managed for each in resources)
        if self._kind in UNSEEN or (self._kind == RoleAssignment.KIND and not gives_roles):
            return Reading({})
        orphans = (
            (replace(self._world.made_from[address], after=(), outlives=(), when=None), present)
            for address, present in self._world.objects.items()
            if present.owner == profile and address not in declared and made_as(address) == self._kind
        )
        return Reading({}, tuple(orphans))

    def _observed(self, resource: Resource) -> Observed:
        if resource.address in self._world.unreadable:
            return Unread(ServiceError(f"reading {resource.address}", "no answer"))
        return self._world.objects.get(resource.address, Absent())

    async def create(self, resource: Resource, work: Work) -> Present:
        await self._world.enter("create", resource.address)
        if resource.address in self._world.objects:
            raise ConflictError(f"creating {resource.address}", "exists")
        if resource.must_exist():
            raise ConflictError(f"creating {resource.address}", "is not ours to make")
        return self._write(resource, work)

    async def update(
        self, resource: Resource, observed: Present, fields: Sequence[FieldChange], work: Work
    ) -> Present:
        await self._world.enter("update", resource.address)
        current = self._existing(resource)
        stale = [each.path for each in fields if not same(current.properties.get(each.path), each.before)]
        if stale:
            raise ConflictError(f"updating {resource.address}", f"changed meanwhile: {stale}")
        if resource.IMMUTABLE & {each.path for each in fields}:
            raise ConflictError(f"updating {resource.address}", "can't be changed in place")
        return self._write(resource, work)

    async def delete(self, resource: Resource, observed: Present, work: Work) -> None:
        await self._world.enter("delete", resource.address)
        self._existing(resource)
        held = [
            address
            for address, each in self._world.made_from.items()
            if address in self._world.objects and is_id(each.inside(), resource)
            if not isinstance(each, RoleAssignment)  # Azure takes those away with what they are for
        ]
        if held and not isinstance(resource, UserAssignedIdentity):  # its credentials go with it
            raise ConflictError(f"deleting {resource.address}", f"holds {held}")
        del self._world.objects[resource.address]

    def _existing(self, resource: Resource) -> Present:
        if resource.address not in self._world.objects:
            raise NotFoundError(f"writing {resource.address}", "does not exist")
        return self._world.objects[resource.address]

    def _write(self, resource: Resource, work: Work) -> Present:
        unresolved = list(refs_of(resource))
        assert not unresolved, f"{resource.address} came with unresolved refs: {unresolved}"
        before = self._world.objects.get(resource.address, Present())
        self._world.issued += 1
        present = Present(
            resource.properties(),
            before.outputs or self._outputs(resource),
            work.mark.profile,
            work.mark.digest,
        )
        self._world.objects[resource.address] = present
        self._world.made_from[resource.address] = resource
        return present

    def _outputs(self, resource: Resource) -> dict[str, Any]:
        if isinstance(resource, UserAssignedIdentity):
            return {"principalId": f"principal-{self._world.issued}", "clientId": "client"}
        if isinstance(resource, Certificate):
            return {"uri": f"https://{resource.name}"}
        if isinstance(resource, Manifest):
            return {"address": f"20.0.0.{self._world.issued}"}
        return {"id": resource.address}


class Clusters:
    """Clusters as REST bodies, edited by the code that edits those of AKS."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def read(self, resources: Sequence[ManagedCluster], profile: str) -> Reading:
        for resource in resources:
            await self._world.enter("read", resource.address)
        return Reading({resource.address: self._observed(resource) for resource in resources})

    def _observed(self, resource: ManagedCluster) -> Observed:
        if resource.address in self._world.unreadable:
            return Unread(ServiceError(f"reading {resource.address}", "no answer"))
        body = self._world.clusters.get(resource.address)
        return Absent() if body is None else clusters._present(body)

    async def create(self, resource: ManagedCluster, work: Work) -> Present:
        raise ConflictError(f"creating {resource.address}", "clusters are not made here")

    async def delete(self, resource: ManagedCluster, observed: Present, work: Work) -> None:
        raise ConflictError(f"deleting {resource.address}", "clusters are not deleted here")

    async def update(
        self, resource: ManagedCluster, observed: Present, fields: Sequence[FieldChange], work: Work
    ) -> Present:
        await self._world.enter("update", resource.address)
        body = copy.deepcopy(self._world.clusters[resource.address])
        attached = [str(zone) for each in fields if isinstance(each.after, frozenset) for zone in each.after]
        for zone in attached:
            if not any(is_id(zone, each) for each in self._zones()):
                raise NotFoundError(f"updating {resource.address}", f"{zone} does not exist")
        edited = clusters._edited({**body, "writable": body}, fields, work)
        self._settle(edited["properties"])
        self._world.clusters[resource.address] = edited
        return clusters._present(edited)

    def _zones(self) -> list[Resource]:
        return [self._world.made_from[each] for each in self._world.objects if each in self._world.made_from]

    def _settle(self, properties: dict[str, Any]) -> None:
        """What AKS fills in once something is on, and takes away with it."""
        if (properties.get("oidcIssuerProfile") or {}).get("enabled"):
            properties["oidcIssuerProfile"]["issuerURL"] = "https://issuer.example/"
        app_routing = (properties.get("ingressProfile") or {}).get("webAppRouting")
        if app_routing:
            on = app_routing.get("enabled")
            app_routing["identity"] = {"objectId": "add-on", "clientId": "client"} if on else None
            if not on:
                app_routing["dnsZoneResourceIds"] = None


def refs_of(resource: Resource, names: frozenset[str] | None = None) -> list[Any]:
    from dataclasses import fields

    return [
        ref
        for item in fields(resource)
        if item.name not in ("after", "when", "outlives") and (names is None or item.name in names)
        for ref in refs(getattr(resource, item.name))
    ]


def made_as(address: str) -> str:
    return address.split("/", 1)[0]


def is_id(id_: str, resource: Resource) -> bool:
    return bool(id_) and str(getattr(resource, "id", "")).casefold() == id_.casefold()


def settled(resource: Resource, **outputs: Any) -> Present:
    """An object that has been there before, unmarked."""
    return replace(Present(resource.properties()), outputs=outputs)
