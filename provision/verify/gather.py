"""Looks at every link of every host, all at once: only what needs a gateway's address waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from provision.ingress.hosts import HostChain
from provision.resources.certificate import Certificate
from provision.resources.dns import DnsZone, PrivateDnsZone
from provision.resources.manifest import CLUSTER_EXTERNAL_DNS, Manifest
from provision.resources.observed import Present, Unread
from provision.resources.resource import Resource
from provision.verify.evidence import (
    AzureGateway,
    CertificateWanted,
    Delegation,
    Evidence,
    Handshake,
    HttpAnswer,
    Live,
    Records,
    Unknown,
    Unreached,
    VaultVersion,
)
from provision.verify.names import is_name
from provision.verify.needs import Planned, named
from provision.verify.objects import gateway_addresses
from provision.verify.probes import InCluster, Probes
from provision.verify.zones import servers

_Answer = HttpAnswer | CertificateWanted | Unreached | Unknown
_Zoned = Delegation | tuple[str, ...] | None | Unknown


@dataclass(frozen=True, slots=True)
class _Shared:
    """Looks that are under way: records by host, what concerns several hosts by zone and certificate."""

    cluster: asyncio.Task[InCluster]
    records: Mapping[str, asyncio.Task[Records | Unknown | None]]
    zones: Mapping[str, asyncio.Task[_Zoned]]
    versions: Mapping[str, asyncio.Task[VaultVersion | Unknown | None]]
    gateways: Mapping[str, asyncio.Task[AzureGateway | Unknown | None]]


async def gather(chains: Sequence[HostChain], planned: Planned, probes: Probes) -> Mapping[str, Evidence]:
    """What is seen of each host, by its name. Raises what a probe raises: missing credentials."""
    looking = _Looking(planned, probes)
    zones = {chain.zone: chain for chain in chains if chain.zone is not None}
    certificates = {chain.certificate for chain in chains if chain.certificate is not None}
    outside = {chain.gateway: chain.internal for chain in chains if chain.gateway is not None}
    try:
        async with asyncio.TaskGroup() as group:
            shared = _Shared(
                group.create_task(looking.cluster(chains)),
                {chain.host: group.create_task(looking.records(chain)) for chain in chains},
                {zone: group.create_task(looking.zone(chain)) for zone, chain in zones.items()},
                {address: group.create_task(looking.version(address)) for address in certificates},
                {
                    each: group.create_task(looking.gateway(each, private))
                    for each, private in outside.items()
                },
            )
            tasks = {chain.host: group.create_task(looking.host(chain, shared)) for chain in chains}
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from failed.exceptions[0].__cause__
    return {host: task.result() for host, task in tasks.items()}


class _Looking:
    """One look at a profile's hosts."""

    def __init__(self, planned: Planned, probes: Probes) -> None:
        self._planned = planned
        self._probes = probes
        # Resources with every ref resolved that has a value.
        self._resources = {change.address: change.resource for change in planned.plan.changes}

    async def host(self, chain: HostChain, shared: _Shared) -> Evidence:
        """Everything seen of one host."""
        cluster = await shared.cluster
        front = cluster.objects.get(chain.front, self._unread(chain.front))
        wire, answer, redirect, anonymous = await self._dialled(chain, front)
        zoned = await shared.zones[chain.zone] if chain.zone is not None else None
        return Evidence(
            front=front,
            route=cluster.objects.get(chain.route, self._unread(chain.route)),
            records=await shared.records[chain.host],
            answer=answer,
            writer=next((cluster.objects.get(writer) for writer in self._writers(chain)), None),
            delegation=None if isinstance(zoned, tuple) else zoned,
            networks=None if isinstance(zoned, Delegation) else zoned,
            current=await shared.versions[chain.certificate] if chain.certificate is not None else None,
            secret=cluster.secrets.get(chain.secret) if chain.secret else None,
            wire=wire,
            redirect=redirect,
            anonymous=anonymous,
            gateway=await shared.gateways[chain.gateway] if chain.gateway is not None else None,
        )

    async def cluster(self, chains: Sequence[HostChain]) -> InCluster:
        """Gateways, Ingresses, routes and DNS controllers, as far as they can be looked up, and Secrets."""
        addresses = [each for chain in chains for each in (chain.front, chain.route, *self._writers(chain))]
        manifests = [
            resource
            for address in dict.fromkeys(addresses)
            if isinstance(resource := self._resources.get(address), Manifest) and not resource.lookup_refs()
        ]
        secrets = list(dict.fromkeys(chain.secret for chain in chains if chain.secret))
        if manifests:
            return await self._probes.in_cluster(manifests, secrets)
        why = self._unread(chains[0].front) if chains else None
        return InCluster(secrets=dict.fromkeys(secrets, why))

    async def zone(self, chain: HostChain) -> _Zoned:
        """A public zone's name servers, or the networks of a private zone."""
        resource, unread = self._zone(chain)
        if unread is not None or resource is None:
            return unread
        if isinstance(resource, PrivateDnsZone):
            return await self._probes.linked_networks(resource)
        parent = await self._probes.parent_servers(resource.name)
        own = self._servers(resource)
        return parent if isinstance(parent, Unknown) else Delegation(parent, own)

    async def gateway(self, address: str, private: bool) -> AzureGateway | Unknown | None:
        """The gateway in Azure, which is ours or which an object of ours tells of."""
        observed = self._planned.observation.objects.get(address)
        if isinstance(observed, Unread):
            return Unknown(str(observed.error))
        if not isinstance(observed, Present):
            return None
        id_ = observed.outputs.get("gateway") or observed.outputs.get("id")
        return await self._probes.azure_gateway(str(id_), private) if id_ else None

    async def version(self, address: str) -> VaultVersion | Unknown | None:
        """A certificate's current version."""
        resource = self._resources.get(address)
        observed = self._planned.observation.objects.get(address)
        if isinstance(observed, Unread):
            return Unknown(str(observed.error))
        if not isinstance(resource, Certificate) or not isinstance(observed, Present):
            return None
        return await self._probes.vault_version(resource)

    async def records(self, chain: HostChain) -> Records | Unknown | None:
        """What the host's name means."""
        if chain.zone is None:
            return await self._probes.public_records(chain.host, frozenset())
        zone, unread = self._zone(chain)
        if unread is not None or zone is None:
            return unread or Unknown(f"{chain.zone} does not exist")
        if isinstance(zone, PrivateDnsZone):
            return await self._probes.private_records(chain.host, zone)
        return await self._probes.public_records(chain.host, self._servers(zone))

    async def _dialled(
        self, chain: HostChain, front: Live | Unknown | None
    ) -> tuple[Handshake | Unreached | Unknown | None, _Answer, _Answer | None, _Answer | None]:
        """What is seen at the first of the gateway's addresses: the certificate, the answer, that to plain
        HTTP, and with mutual TLS that to a client without a certificate."""
        addresses = gateway_addresses(front)
        if not addresses:
            unknown = front if isinstance(front, Unknown) else Unknown("the gateway has no address")
            return unknown, unknown, None, unknown
        at = addresses[0]
        if not chain.secure:
            answer = await self._probes.request(at, chain.host, secure=False)
            return None, _told(chain, at, answer), None, None
        wire, answer, redirect = await asyncio.gather(
            self._probes.handshake(at, chain.host),
            self._probes.request(at, chain.host, secure=True, known=chain.mutual),
            self._probes.request(at, chain.host, secure=False),
        )
        anonymous = await self._probes.request(at, chain.host, secure=True) if chain.mutual else None
        return (
            _told(chain, at, wire),
            _told(chain, at, answer),
            _told(chain, at, redirect),
            None if anonymous is None else _told(chain, at, anonymous),
        )

    def _writers(self, chain: HostChain) -> list[str]:
        """The objects that make the host's DNS records be written."""
        return [
            address
            for address in chain.needs
            if isinstance(resource := self._resources.get(address), Manifest)
            and resource.api == CLUSTER_EXTERNAL_DNS
        ]

    def _zone(self, chain: HostChain) -> tuple[DnsZone | PrivateDnsZone | None, Unknown | None]:
        """The zone as far as it exists, or why that is not known."""
        kind = PrivateDnsZone if chain.visibility == "private" else DnsZone
        address = f"{kind.KIND}/{chain.zone}"
        observed = self._planned.observation.objects.get(address)
        if isinstance(observed, Unread):
            return None, Unknown(str(observed.error))
        resource = self._resources.get(address)
        if not isinstance(observed, Present) or not isinstance(resource, DnsZone | PrivateDnsZone):
            return None, None
        return resource, None

    def _servers(self, zone: Resource) -> frozenset[str]:
        observed = self._planned.observation.objects[zone.address]
        return servers(observed) if isinstance(observed, Present) else frozenset()

    def _unread(self, address: str) -> Unknown | None:
        """Why an object was not looked up, or None: it can't be there, since what it needs is not."""
        observed = self._planned.observation.objects.get(address)
        if isinstance(observed, Unread):
            return Unknown(str(observed.error))
        if observed is None:
            return Unknown(f"the profile leaves {named(address)} out")
        return None


_Seen = TypeVar("_Seen", Handshake | Unreached | Unknown, _Answer)


def _told(chain: HostChain, gateway: str, seen: _Seen) -> _Seen:
    """What was seen; that a gateway for inside has no address here says nothing about it.

    A private frontend's name has an address only in networks with a private endpoint to it.
    """
    has_name = is_name(gateway)
    if chain.internal and has_name and isinstance(seen, Unreached) and not seen.connected:
        return Unknown(f"{seen.why} here: ask from inside of a network with a private endpoint to it")
    return seen
