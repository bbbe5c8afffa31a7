"""Zones, their links and delegations, and the record sets of our own: profile → resources."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from provision.profile.model import Profile, Record, Zone
from provision.resources.arm import resource_id
from provision.resources.dns import DnsZone, PrivateDnsZone, RecordSet, VirtualNetworkLink
from provision.resources.record_value import canonical
from provision.resources.ref import Ref
from provision.resources.resource import Resource
from provision.resources.values import CaseInsensitive, Value

DELEGATION_TTL = 3600
"""Seconds. Source: az CLI 2.91, `network dns zone create --parent-name`, so that what it delegated fits."""


def zone_ids(profile: Profile) -> dict[str, CaseInsensitive]:
    """Resource id of each zone of the profile."""
    return {name: zone_id(profile, name, zone) for name, zone in profile.dns.zones.items()}


def zone_id(profile: Profile, name: str, zone: Zone) -> CaseInsensitive:
    kind = "dnsZones" if zone.visibility == "public" else "privateDnsZones"
    subscription = zone.subscription or profile.azure.subscription
    return resource_id(subscription, zone.resource_group, f"Microsoft.Network/{kind}", name)


def zones(profile: Profile) -> Iterator[Resource]:
    """The zones, and the links of private ones."""
    ids = zone_ids(profile)
    for name, zone in profile.dns.zones.items():
        if zone.visibility == "public":
            yield DnsZone(name=name, id=ids[name], create=zone.create)
            continue
        private = PrivateDnsZone(name=name, id=ids[name], create=zone.create)
        yield private
        for link in zone.links:
            network = link.virtual_network.rsplit("/", 1)[-1]
            yield VirtualNetworkLink(
                name=f"{name}/{network}",
                id=f"{ids[name]}/virtualNetworkLinks/{network}",
                virtual_network=CaseInsensitive(link.virtual_network),
                registration=link.registration,
                after=(private.address,),
            )


def records(profile: Profile) -> Iterator[RecordSet]:
    """The record sets that the profile itself declares, and the delegations of zones below others."""
    ids = zone_ids(profile)
    sets = {record_id(ids, record): record for record in profile.dns.records}
    for record in profile.dns.records:
        zone = profile.dns.zones[record.zone]
        values = frozenset(canonical(record.type, value) for value in record.values)
        yield RecordSet(
            name=f"{record.zone}/{record.type}/{record.name}",
            zone_id=ids[record.zone],
            visibility=zone.visibility,
            record_type=record.type,
            record_name=record.name,
            ttl=record.ttl,
            values=values,
            target=record.target or "",
            after=(zone_address(record.zone, zone), *_followed(sets, record)),
        )
    yield from _delegations(profile, ids)


def record_id(ids: Mapping[str, str], record: Record) -> CaseInsensitive:
    """Resource id of a record set in the zone of its name."""
    return CaseInsensitive(f"{ids[record.zone]}/{record.type}/{record.name}")


def _followed(sets: Mapping[CaseInsensitive, Record], record: Record) -> tuple[str, ...]:
    """The record set that an alias follows must be there first."""
    target = sets.get(CaseInsensitive(record.target or ""))
    return (f"{RecordSet.KIND}/{target.zone}/{target.type}/{target.name}",) if target else ()


def _delegations(profile: Profile, ids: Mapping[str, CaseInsensitive]) -> Iterator[RecordSet]:
    """The NS records of each public zone in its parent, unless the profile writes or refuses them itself."""
    written = {(each.zone, each.name.lower()) for each in profile.dns.records if each.type == "NS"}
    for name, zone in profile.dns.zones.items():
        parent = parent_zone(profile, name)
        if zone.delegate is False or parent is None:
            continue
        relative = name.removesuffix(f".{parent}")
        if (parent, relative) not in written:
            yield RecordSet(
                name=f"{parent}/NS/{relative}",
                zone_id=ids[parent],
                visibility="public",
                record_type="NS",
                record_name=relative,
                ttl=DELEGATION_TTL,
                values=Ref(zone_address(name, zone), "nameServers"),
                delegation=True,
                after=(zone_address(parent, profile.dns.zones[parent]),),
            )


def parent_zone(profile: Profile, name: str) -> str | None:
    """The public zone of the profile that a public zone is below, the nearest; None without one."""
    zones_ = profile.dns.zones
    if zones_[name].visibility == "private":
        return None
    above = [
        each for each, zone in zones_.items() if zone.visibility == "public" and name.endswith(f".{each}")
    ]
    return max(above, key=len, default=None)


def zone_address(name: str, zone: Zone) -> str:
    kind = DnsZone if zone.visibility == "public" else PrivateDnsZone
    return f"{kind.KIND}/{name}"


def written_elsewhere(profile: Profile) -> frozenset[Value]:
    """Zones that must not be attached to the add-on: it writes the records of Ingresses into attached ones,
    with the same owner id as a ClusterExternalDNS has, so that each would remove the records of the other."""
    return frozenset(zone_ids(profile).values()) if profile.hosts else frozenset()
