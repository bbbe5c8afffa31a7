"""Zones, their links and the record sets of our own: profile → resources."""

from __future__ import annotations

from collections.abc import Iterator

from provision.profile.model import Profile, Zone
from provision.resources.arm import resource_id
from provision.resources.dns import DnsZone, PrivateDnsZone, RecordSet, VirtualNetworkLink
from provision.resources.record_value import canonical
from provision.resources.resource import Resource
from provision.resources.values import CaseInsensitive


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
    """The record sets that the profile itself declares."""
    ids = zone_ids(profile)
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
            after=(zone_address(record.zone, zone),),
        )


def zone_address(name: str, zone: Zone) -> str:
    kind = DnsZone if zone.visibility == "public" else PrivateDnsZone
    return f"{kind.KIND}/{name}"
