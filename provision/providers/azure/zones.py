"""DNS zones, public and private, and virtual network links."""

from __future__ import annotations

from collections.abc import AsyncIterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from azure.core import MatchConditions

from provision.apply.handler import Reading, Work
from provision.errors import ConflictError
from provision.plan.change import FieldChange
from provision.plan.orphans import Orphan
from provision.providers.azure.clients import Clients
from provision.providers.azure.errors import translating
from provision.providers.azure.reading import DIGEST_TAG, PROFILE_TAG, found, read_each, tags_of
from provision.providers.azure.record_bodies import body_of
from provision.providers.azure.record_sets import RecordSets
from provision.providers.azure.searching import Tagged, marked
from provision.providers.azure.zone_contents import listed, others
from provision.resources.arm import ArmId
from provision.resources.dns import DnsZone, PrivateDnsZone, VirtualNetworkLink
from provision.resources.observed import Absent, Observed, Present
from provision.resources.resource import Resource
from provision.resources.values import CaseInsensitive, Value


class DnsZones:
    """Public zones. Created at once by the service, deleted by a long operation."""

    def __init__(self, clients: Clients, tagged: Tagged | None = None) -> None:
        self._clients = clients
        self._tagged = tagged or Tagged(clients)

    async def read(self, resources: Sequence[DnsZone], profile: str) -> Reading:
        return await read_each(resources, self._read)

    async def _read(self, resource: DnsZone) -> Observed:
        arm = ArmId.parse(resource.id)
        client = self._clients.dns(arm.subscription)
        zone = await found(f"reading {resource.address}", client.zones.get(arm.group, arm.name))
        return Absent() if zone is None else _zone(zone, list(zone.name_servers or ()))

    async def search(self, resources: Sequence[Resource], profile: str) -> Reading:
        """Zones of ours that are not declared, and our record sets in them."""

        async def look(id_: str) -> Sequence[Orphan]:
            zone = DnsZone(name=ArmId.parse(id_).name, id=CaseInsensitive(id_))
            observed = await self._read(zone)
            if not marked(observed, zone, profile):
                return ()
            return (zone, observed), *await RecordSets(self._clients).left_in(zone, profile)

        return await self._tagged.search("Microsoft.Network/dnsZones", resources, profile, look)

    async def create(self, resource: DnsZone, work: Work) -> Present:
        from azure.mgmt.dns.models import Zone

        arm = ArmId.parse(resource.id)
        client = self._clients.dns(arm.subscription)
        body = Zone(location="global", tags=tags_of(work.mark), zone_type="Public")
        with translating(f"creating {resource.address}"):
            zone = await client.zones.create_or_update(arm.group, arm.name, body, if_none_match="*")
        return _zone(zone, list(zone.name_servers or ()))

    async def update(
        self, resource: DnsZone, observed: Present, fields: Sequence[FieldChange], work: Work
    ) -> Present:
        raise _nothing_to_update(resource)

    async def delete(self, resource: DnsZone, observed: Present, work: Work) -> None:
        """Refused while the zone holds records of somebody else."""
        arm = ArmId.parse(resource.id)
        client = self._clients.dns(arm.subscription)
        with translating(f"deleting {resource.address}"):
            await _refuse_if_used(resource, client.record_sets.list_all_by_dns_zone(arm.group, arm.name))
            await (await client.zones.begin_delete(arm.group, arm.name)).result()


class PrivateDnsZones:
    """Private zones. Everything is a long operation, preconditions fail late, inside the poll."""

    def __init__(self, clients: Clients, tagged: Tagged | None = None) -> None:
        self._clients = clients
        self._tagged = tagged or Tagged(clients)

    async def read(self, resources: Sequence[PrivateDnsZone], profile: str) -> Reading:
        return await read_each(resources, self._read)

    async def _read(self, resource: PrivateDnsZone) -> Observed:
        arm = ArmId.parse(resource.id)
        client = self._clients.private_dns(arm.subscription)
        zone = await found(f"reading {resource.address}", client.private_zones.get(arm.group, arm.name))
        return Absent() if zone is None else _zone(zone, [])

    async def search(self, resources: Sequence[Resource], profile: str) -> Reading:
        """Zones of ours that are not declared, and our record sets in them."""

        async def look(id_: str) -> Sequence[Orphan]:
            zone = PrivateDnsZone(name=ArmId.parse(id_).name, id=CaseInsensitive(id_))
            observed = await self._read(zone)
            if not marked(observed, zone, profile):
                return ()
            return (zone, observed), *await RecordSets(self._clients).left_in(zone, profile)

        return await self._tagged.search("Microsoft.Network/privateDnsZones", resources, profile, look)

    async def create(self, resource: PrivateDnsZone, work: Work) -> Present:
        from azure.mgmt.privatedns.models import PrivateZone

        arm = ArmId.parse(resource.id)
        client = self._clients.private_dns(arm.subscription)
        body = PrivateZone(location="global", tags=tags_of(work.mark))
        with translating(f"creating {resource.address}"):
            poller = await client.private_zones.begin_create_or_update(
                arm.group, arm.name, body, match_condition=MatchConditions.IfMissing
            )
            return _zone(await poller.result(), [])

    async def update(
        self, resource: PrivateDnsZone, observed: Present, fields: Sequence[FieldChange], work: Work
    ) -> Present:
        raise _nothing_to_update(resource)

    async def delete(self, resource: PrivateDnsZone, observed: Present, work: Work) -> None:
        """Refused while the zone holds records of somebody else."""
        arm = ArmId.parse(resource.id)
        client = self._clients.private_dns(arm.subscription)
        with translating(f"deleting {resource.address}"):
            await _refuse_if_used(resource, client.record_sets.list(arm.group, arm.name))
            await (await client.private_zones.begin_delete(arm.group, arm.name)).result()


class VirtualNetworkLinks:
    """Links between private zones and virtual networks."""

    def __init__(self, clients: Clients, tagged: Tagged | None = None) -> None:
        self._clients = clients
        self._tagged = tagged or Tagged(clients)

    async def read(self, resources: Sequence[VirtualNetworkLink], profile: str) -> Reading:
        return await read_each(resources, self._read)

    async def _read(self, resource: VirtualNetworkLink) -> Observed:
        arm = ArmId.parse(resource.id)
        links = self._clients.private_dns(arm.subscription).virtual_network_links
        link = await found(f"reading {resource.address}", links.get(arm.group, *arm.names))
        return Absent() if link is None else _link(link)

    async def search(self, resources: Sequence[Resource], profile: str) -> Reading:
        """Links of ours that are not declared, whether their zone is or not."""

        async def look(id_: str) -> Sequence[Orphan]:
            names = ArmId.parse(id_).names
            link = VirtualNetworkLink(name="/".join(names), id=CaseInsensitive(id_), virtual_network="")
            observed = await self._read(link)
            if not isinstance(observed, Present) or observed.owner != profile:
                return ()
            network = str(observed.properties["virtualNetwork"])
            # Ours are named after the network. One that AKS made, and gave its cluster's tags, is not.
            ours = names[-1].casefold() == network.rsplit("/", 1)[-1].casefold()
            return ((replace(link, virtual_network=network), observed),) if ours else ()

        kind = "Microsoft.Network/privateDnsZones/virtualNetworkLinks"
        return await self._tagged.search(kind, resources, profile, look)

    async def create(self, resource: VirtualNetworkLink, work: Work) -> Present:
        return await self._write(resource, work, {}, MatchConditions.IfMissing)

    async def update(
        self, resource: VirtualNetworkLink, observed: Present, fields: Sequence[FieldChange], work: Work
    ) -> Present:
        """PUT with If-Match on what the plan saw, with what others wrote in it as it was."""
        return await self._write(resource, work, observed.outputs, MatchConditions.IfNotModified)

    async def _write(
        self, resource: VirtualNetworkLink, work: Work, seen: Mapping[str, Value], condition: MatchConditions
    ) -> Present:
        from azure.mgmt.privatedns.models import SubResource, VirtualNetworkLinkProperties
        from azure.mgmt.privatedns.models import VirtualNetworkLink as Link

        arm = ArmId.parse(resource.id)
        links = self._clients.private_dns(arm.subscription).virtual_network_links
        tags = seen.get("tags")
        theirs = {name: str(text) for name, text in tags.items()} if isinstance(tags, Mapping) else {}
        policy = seen.get("resolutionPolicy")
        body = Link(
            location="global",
            tags={**theirs, **tags_of(work.mark)},
            properties=VirtualNetworkLinkProperties(
                virtual_network=SubResource(id=str(resource.virtual_network)),
                registration_enabled=resource.registration,
                resolution_policy=str(policy) if policy else None,
            ),
        )
        with translating(f"writing {resource.address}"):
            poller = await links.begin_create_or_update(
                arm.group,
                arm.names[0],
                arm.name,
                body,
                etag=str(seen["etag"]) if "etag" in seen else None,
                match_condition=condition,
            )
            return _link(await poller.result())

    async def delete(self, resource: VirtualNetworkLink, observed: Present, work: Work) -> None:
        arm = ArmId.parse(resource.id)
        links = self._clients.private_dns(arm.subscription).virtual_network_links
        with translating(f"deleting {resource.address}"):
            await (await links.begin_delete(arm.group, arm.names[0], arm.name)).result()


def _zone(zone: Any, name_servers: list[str]) -> Present:
    tags = zone.tags or {}
    return Present(
        outputs={"id": CaseInsensitive(zone.id or ""), "nameServers": tuple(name_servers)},
        owner=tags.get(PROFILE_TAG),
        digest=tags.get(DIGEST_TAG),
    )


def _link(link: Any) -> Present:
    tags = link.tags or {}
    link_properties = link.properties
    network = link_properties.virtual_network.id if link_properties.virtual_network else ""
    policy = link_properties.resolution_policy
    return Present(
        properties={
            "virtualNetwork": CaseInsensitive(network or ""),
            "registrationEnabled": bool(link_properties.registration_enabled),
        },
        outputs={
            "id": CaseInsensitive(link.id or ""),
            "etag": link.etag,
            "tags": dict(tags),
            "resolutionPolicy": getattr(policy, "value", policy),  # an enum where the SDK knows it
        },
        owner=tags.get(PROFILE_TAG),
        digest=tags.get(DIGEST_TAG),
    )


async def _refuse_if_used(resource: Resource, record_sets: AsyncIterable[Any]) -> None:
    """Raises ConflictError with the record sets that keep the zone from being deleted."""
    foreign = others([body_of(record_set) async for record_set in record_sets])
    if foreign:
        raise ConflictError(
            f"deleting {resource.address}",
            f"the zone holds {len(foreign)} record sets that are not ours: {listed(foreign)}",
            "Remove them first, or keep the zone.",
        )


def _nothing_to_update(resource: Resource) -> ConflictError:
    return ConflictError(f"updating {resource.address}", "a zone has no property that provision changes")
