"""Record sets, public and private: one list call a zone serves all of its record sets."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from azure.core import MatchConditions

from provision.apply.handler import Mark, Reading, Work
from provision.apply.together import together
from provision.errors import ConflictError, CredentialError, ProvisionError
from provision.plan.change import FieldChange
from provision.plan.orphans import Orphan
from provision.providers.azure.clients import Clients
from provision.providers.azure.errors import translating
from provision.providers.azure.reading import absent_all, found
from provision.providers.azure.record_bodies import (
    DIGEST_KEY,
    PROFILE_KEY,
    body_of,
    present_of,
    rest_of,
    type_of,
)
from provision.providers.azure.searching import look_in_each
from provision.resources.arm import ArmId
from provision.resources.dns import DnsZone, PrivateDnsZone, RecordSet
from provision.resources.observed import Absent, Observed, Present, Unread
from provision.resources.resource import Resource
from provision.resources.values import CaseInsensitive, Value


@dataclass(frozen=True, slots=True)
class _Zone:
    """Where record sets live."""

    id: CaseInsensitive
    visibility: str

    @property
    def address(self) -> str:
        kind = DnsZone if self.visibility == "public" else PrivateDnsZone
        return f"{kind.KIND}/{ArmId.parse(self.id).name}"


class RecordSets:
    """Record sets of both kinds of zones."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients

    async def read(self, resources: Sequence[RecordSet], profile: str) -> Reading:
        """One list call a zone; what carries our mark and is not declared is an orphan."""
        by_zone: defaultdict[_Zone, list[RecordSet]] = defaultdict(list)
        for resource in resources:
            by_zone[_Zone(CaseInsensitive(resource.zone_id), resource.visibility)].append(resource)
        readings = await together(
            self._read_zone(zone, members, profile) for zone, members in by_zone.items()
        )
        objects: dict[str, Observed] = {}
        orphans: list[Orphan] = []
        for reading in readings:
            objects.update(reading.objects)
            orphans.extend(reading.orphans)
        return Reading(objects, tuple(orphans))

    async def search(self, resources: Sequence[Resource], profile: str) -> Reading:
        """Look into the zones in which no record set is declared."""
        read = {each.zone_id.casefold() for each in resources if isinstance(each, RecordSet)}
        zones = {each.address: each for each in resources if isinstance(each, DnsZone | PrivateDnsZone)}
        unread = {address: zone for address, zone in zones.items() if zone.id.casefold() not in read}

        async def look(zone: DnsZone | PrivateDnsZone) -> Iterable[Orphan]:
            return await self.left_in(zone, profile)

        return await look_in_each(unread, look)

    async def left_in(self, zone: DnsZone | PrivateDnsZone, profile: str) -> Sequence[Orphan]:
        """The record sets of ours in a zone of which none is declared. Raises ProvisionError."""
        where = _Zone(CaseInsensitive(zone.id), "public" if isinstance(zone, DnsZone) else "private")
        listed = await found(f"reading the records of {where.address}", self._list(where))
        return _orphans(where, listed or {}, profile)

    async def _read_zone(self, zone: _Zone, resources: Sequence[RecordSet], profile: str) -> Reading:
        try:
            listed = await found(f"reading the records of {zone.address}", self._list(zone))
        except CredentialError:
            raise
        except ProvisionError as error:
            return Reading({resource.address: Unread(error) for resource in resources})
        if listed is None:
            return Reading(absent_all(resources))
        objects: dict[str, Observed] = {
            resource.address: _compared(
                resource, listed.get(_key(resource.record_type, resource.record_name))
            )
            for resource in resources
        }
        declared = {_key(resource.record_type, resource.record_name) for resource in resources}
        undeclared = {key: present for key, present in listed.items() if key not in declared}
        return Reading(objects, _orphans(zone, undeclared, profile))

    async def _list(self, zone: _Zone) -> dict[tuple[str, str], Present]:
        arm = ArmId.parse(zone.id)
        pages: AsyncIterable[Any]
        if zone.visibility == "public":
            pages = self._clients.dns(arm.subscription).record_sets.list_all_by_dns_zone(arm.group, arm.name)
        else:
            pages = self._clients.private_dns(arm.subscription).record_sets.list(arm.group, arm.name)
        listed: dict[tuple[str, str], Present] = {}
        async for record_set in pages:
            body = body_of(record_set)
            record_type = type_of(body)
            listed[_key(record_type, body["name"])] = present_of(record_type, body)
        return listed

    async def create(self, resource: RecordSet, work: Work) -> Present:
        with translating(f"creating {resource.address}"):
            return await self._put(resource, work.mark, {}, MatchConditions.IfMissing, None)

    async def update(
        self, resource: RecordSet, observed: Present, fields: Sequence[FieldChange], work: Work
    ) -> Present:
        """PUT with If-Match on what the plan saw, so that a race is an error and not a lost update."""
        if observed.outputs.get("autoRegistered"):
            raise ConflictError(
                f"updating {resource.address}",
                "a virtual machine of a linked network registered this record, and would do so again",
                "Give the record another name, or link the network with registration: false.",
            )
        ttl = observed.properties.get("ttl")
        if resource.delegation and isinstance(ttl, int):
            resource = replace(resource, ttl=ttl)
        metadata = observed.outputs.get("metadata")
        etag = observed.outputs.get("etag")
        with translating(f"updating {resource.address}"):
            return await self._put(
                resource,
                work.mark,
                dict(metadata) if isinstance(metadata, Mapping) else {},
                MatchConditions.IfNotModified,
                str(etag),
            )

    async def delete(self, resource: RecordSet, observed: Present, work: Work) -> None:
        arm = ArmId.parse(resource.zone_id)
        etag = str(observed.outputs.get("etag"))
        with translating(f"deleting {resource.address}"):
            if resource.visibility == "public":
                await self._clients.dns(arm.subscription).record_sets.delete(
                    arm.group, arm.name, resource.record_name, resource.record_type, if_match=etag
                )
            else:
                await self._clients.private_dns(arm.subscription).record_sets.delete(
                    arm.group,
                    arm.name,
                    resource.record_type,
                    resource.record_name,
                    etag=etag,
                    match_condition=MatchConditions.IfNotModified,
                )

    async def _put(
        self,
        resource: RecordSet,
        mark: Mark,
        metadata: Mapping[str, Value],
        condition: MatchConditions,
        etag: str | None,
    ) -> Present:
        arm = ArmId.parse(resource.zone_id)
        body = rest_of(resource, {**metadata, PROFILE_KEY: mark.profile, DIGEST_KEY: mark.digest})
        if resource.visibility == "public":
            from azure.mgmt.dns.models import RecordSet as PublicRecordSet

            written: Any = await self._clients.dns(arm.subscription).record_sets.create_or_update(
                arm.group,
                arm.name,
                resource.record_name,
                resource.record_type,
                PublicRecordSet.deserialize(body),
                if_match=etag,
                if_none_match="*" if condition is MatchConditions.IfMissing else None,
            )
        else:
            from azure.mgmt.privatedns.models import RecordSet as PrivateRecordSet

            written = await self._clients.private_dns(arm.subscription).record_sets.create_or_update(
                arm.group,
                arm.name,
                resource.record_type,
                resource.record_name,
                PrivateRecordSet(body),
                etag=etag,
                match_condition=condition,
            )
        return present_of(resource.record_type, body_of(written))


def _key(record_type: str, name: str) -> tuple[str, str]:
    return record_type.upper(), name.casefold()


def _compared(resource: RecordSet, present: Present | None) -> Observed:
    """What was read as the resource is compared with it: an alias that is none any more loses its target."""
    if present is None:
        return Absent()
    target = present.properties.get("target")
    return present if resource.target or not target else replace(present, surplus={"target": target})


def _orphans(zone: _Zone, undeclared: Mapping[tuple[str, str], Present], profile: str) -> tuple[Orphan, ...]:
    return tuple(
        (_orphan(zone, *key, present), present)
        for key, present in undeclared.items()
        if present.owner == profile
    )


def _orphan(zone: _Zone, record_type: str, name: str, present: Present) -> RecordSet:
    ttl = present.properties["ttl"]
    values = present.properties["values"]
    return RecordSet(
        name=f"{ArmId.parse(zone.id).name}/{record_type}/{name}",
        zone_id=zone.id,
        visibility="public" if zone.visibility == "public" else "private",
        record_type=record_type,
        record_name=name,
        ttl=ttl if isinstance(ttl, int) else 0,
        values=values,
        target=str(present.properties.get("target") or ""),
    )
