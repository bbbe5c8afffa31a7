"""Address records that the cluster's DNS controller writes: read here, waited for, never written.

The controller works through its routes every three minutes (Azure/aks-app-routing-operator, its default
`--dns-sync-interval`, 2026-06) and owns the records by TXT records beside them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from provision.apply.handler import Reading, Work
from provision.errors import ServiceError
from provision.plan.change import FieldChange
from provision.providers.azure.clients import EFFECTIVE, Clients
from provision.providers.azure.errors import translating
from provision.providers.azure.reading import found, read_each
from provision.resources.arm import ArmId
from provision.resources.dns import HostRecord
from provision.resources.observed import Absent, Observed, Present

_APEX = "@"
"""external-dns never removes it: its ownership record would lie outside the zone. So we do."""
_INTERVAL = 10.0
_PATIENCE = 420.0
"""Seconds: two rounds of the controller and what its own start takes."""


class HostRecords:
    """Records of hosts in public and private zones."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients

    async def read(self, resources: Sequence[HostRecord], profile: str) -> Reading:
        async def one(resource: HostRecord) -> Observed:
            addresses = await self._addresses(resource)
            if not addresses:
                return Absent()
            # Nobody's mark is on it, and the plan never changes it: it counts as the profile's.
            return Present({"address": ", ".join(addresses)}, owner=profile)

        return await read_each(resources, one)

    async def create(self, resource: HostRecord, work: Work) -> Present:
        return await self._awaited(resource, work)

    async def update(
        self, resource: HostRecord, observed: Present, fields: Sequence[FieldChange], work: Work
    ) -> Present:
        return await self._awaited(resource, work)

    async def delete(self, resource: HostRecord, observed: Present, work: Work) -> None:
        if resource.record_name == _APEX:
            await self._remove(resource)
            return
        await self._until(resource, work, lambda addresses: not addresses, "to be removed")

    async def _awaited(self, resource: HostRecord, work: Work) -> Present:
        wanted = str(resource.target)
        await self._until(resource, work, lambda addresses: addresses == [wanted], f"to be {wanted}")
        return Present({"address": wanted})

    async def _until(
        self, resource: HostRecord, work: Work, done: Callable[[list[str]], bool], what: str
    ) -> None:
        waited = 0.0
        while not done(addresses := await self._addresses(resource)):
            if waited >= self._patience():
                now = ", ".join(addresses) or "not there"
                raise ServiceError(
                    f"waiting for {resource.address} {what}",
                    f"after {waited:.0f} s it is {now}: the cluster's DNS controller did not change it"
                    " (nor will it ever if somebody else made the record)",
                    "See which link of the chain is missing:",
                    "provision verify PROFILE",
                )
            work.progress(f"the cluster's DNS controller looks every three minutes: {waited:.0f} s so far")
            await self._clients.sleep(_INTERVAL)
            waited += _INTERVAL

    def _patience(self) -> float:
        return _PATIENCE + EFFECTIVE if self._clients.assigned_roles else _PATIENCE

    async def _remove(self, resource: HostRecord) -> None:
        zone = ArmId.parse(resource.zone_id)
        with translating(f"deleting {resource.address}"):
            if resource.visibility == "public":
                records = self._clients.dns(zone.subscription).record_sets
                await records.delete(zone.group, zone.name, resource.record_name, "A")
            else:
                sets = self._clients.private_dns(zone.subscription).record_sets
                await sets.delete(zone.group, zone.name, "A", resource.record_name)

    async def _addresses(self, resource: HostRecord) -> list[str]:
        zone = ArmId.parse(resource.zone_id)
        doing = f"reading {resource.address}"
        record: Any
        if resource.visibility == "public":
            public = self._clients.dns(zone.subscription).record_sets
            record = await found(doing, public.get(zone.group, zone.name, resource.record_name, "A"))
            entries = record.a_records if record else None
        else:
            private = self._clients.private_dns(zone.subscription).record_sets
            record = await found(doing, private.get(zone.group, zone.name, "A", resource.record_name))
            entries = record.properties.a_records if record and record.properties else None
        return sorted(entry.ipv4_address for entry in entries or ())
