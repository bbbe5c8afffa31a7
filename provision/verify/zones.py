"""Public zones that no host is in: whether they are delegated all the same."""

from __future__ import annotations

from collections.abc import Iterable

from provision.apply.together import together
from provision.resources.dns import DnsZone
from provision.resources.observed import Present, Unread
from provision.verify import names
from provision.verify.evidence import Delegation, Unknown
from provision.verify.links import HostReport
from provision.verify.needs import Planned, needs
from provision.verify.probes import Probes


async def bare_zones(walked: Iterable[str | None], planned: Planned, probes: Probes) -> list[HostReport]:
    """A report for each public zone of the plan that is none of `walked`, under the zone's name."""
    seen = set(walked)
    zones = [
        change.resource
        for change in planned.plan.changes
        if isinstance(change.resource, DnsZone) and change.address in planned.graph
    ]
    return await together(_report(zone, planned, probes) for zone in zones if zone.name not in seen)


async def _report(zone: DnsZone, planned: Planned, probes: Probes) -> HostReport:
    observed = planned.observation.objects[zone.address]
    delegation: Delegation | Unknown | None = None
    if isinstance(observed, Unread):
        delegation = Unknown(str(observed.error))
    elif isinstance(observed, Present):
        parent = await probes.parent_servers(zone.name)
        delegation = parent if isinstance(parent, Unknown) else Delegation(parent, servers(observed))
    return HostReport(zone.name, (*needs([zone.address], planned), names.delegation(zone.name, delegation)))


def servers(zone: Present) -> frozenset[str]:
    """The name servers that Azure gave a zone, without final dots, in lower case."""
    found = zone.outputs.get("nameServers")
    return frozenset(str(each).rstrip(".").casefold() for each in (found if isinstance(found, tuple) else ()))
