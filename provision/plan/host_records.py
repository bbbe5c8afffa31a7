"""Records that the cluster's DNS controller wrote for hosts which the profile no longer has.

They carry no mark of ours; the routes that asked for them do. So a route that goes takes its host's record
with it: the controller removes it while it still has its credentials, its roles and the zone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from provision.plan.change import Action, Change
from provision.resources.arm import ArmId
from provision.resources.dns import DnsZone, HostRecord, PrivateDnsZone, RecordSet
from provision.resources.graph import ResourceGraph
from provision.resources.managed_cluster import ZONES, ManagedCluster
from provision.resources.manifest import CLUSTER_EXTERNAL_DNS, ROUTES, Manifest
from provision.resources.observed import Present
from provision.resources.resource import Resource

_Zone = DnsZone | PrivateDnsZone


def left_over(graph: ResourceGraph, orphans: Sequence[tuple[Resource, Present]]) -> list[HostRecord]:
    """The record of each host that only routes without a declaration ask for, in whatever zone has its name.

    Records that we write ourselves are no controller's.
    """
    everything = [*graph, *(orphan for orphan, _ in orphans)]
    zones = [each for each in everything if isinstance(each, _Zone)]
    taken = {
        (each.zone_id.casefold(), each.record_name.casefold())
        for each in everything
        if isinstance(each, HostRecord)
        or (isinstance(each, RecordSet) and each.record_type in ("A", "CNAME"))
    }
    found: dict[str, HostRecord] = {}
    for orphan, observed in orphans:
        for host in _hosts(orphan, observed):
            for zone in _zones_of(host, zones):
                record = _record(zone, host)
                if (zone.id.casefold(), record.record_name) not in taken:
                    before = found.get(record.address, record)
                    found[record.address] = replace(before, after=(*before.after, orphan.address))
    return list(found.values())


def awaited(changes: Iterable[Change], left: Sequence[HostRecord]) -> Iterator[Change]:
    """The changes; those that take a zone from its controller wait until that has tidied up there."""
    records = tuple(record.address for record in left)
    for change in changes:
        resource = change.resource
        if change.action in (Action.UPDATE, Action.REPLACE) and _takes_zones(change):
            resource = replace(resource, after=(*resource.after, *records))
        yield replace(change, resource=resource)


def _takes_zones(change: Change) -> bool:
    resource = change.resource
    if isinstance(resource, Manifest):
        return resource.api == CLUSTER_EXTERNAL_DNS
    return isinstance(resource, ManagedCluster) and any(each.path == ZONES for each in change.fields)


def _hosts(orphan: Resource, observed: Present) -> list[str]:
    hosts = observed.outputs.get("hosts")
    if not isinstance(orphan, Manifest) or orphan.api not in ROUTES or not isinstance(hosts, tuple):
        return []
    return [str(host).casefold() for host in hosts]


def _zones_of(host: str, zones: Sequence[_Zone]) -> list[_Zone]:
    """The zones of the longest name that a host ends with: two while a zone moves."""
    domains = {zone.address: _domain(zone) for zone in zones}
    within = [each for each in domains.values() if host == each or host.endswith(f".{each}")]
    nearest = max(within, key=len, default=None)
    return [zone for zone in zones if domains[zone.address] == nearest]


def _record(zone: _Zone, host: str) -> HostRecord:
    domain = _domain(zone)
    return HostRecord(
        name=f"{zone.name}/{host}",
        zone_id=zone.id,
        visibility="public" if isinstance(zone, DnsZone) else "private",
        record_name=host.removesuffix(domain).rstrip(".") or "@",
        target=None,
    )


def _domain(zone: _Zone) -> str:
    return ArmId.parse(zone.id).name.casefold()
