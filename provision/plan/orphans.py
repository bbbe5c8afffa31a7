"""What carries our mark though the profile no longer declares it: when it is deleted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from provision.errors import ProvisionError
from provision.plan import handover, host_records
from provision.plan.change import Action, Change
from provision.resources.dns import HostRecord, RecordSet
from provision.resources.graph import ResourceGraph
from provision.resources.identity import FederatedCredential, RoleAssignment
from provision.resources.manifest import CLUSTER_EXTERNAL_DNS, ROUTES, SERVICE_ACCOUNT, Manifest
from provision.resources.observed import Present
from provision.resources.resource import Resource

Orphan = tuple[Resource, Present]
"""An object of ours and the resource that it would be if it were declared."""

Orphans = tuple[Orphan | ProvisionError, ...]
"""What was found; an error stands for a place that could not be looked at."""

_REASON = "ours, and no longer in the profile"
_WRITERS = (CLUSTER_EXTERNAL_DNS, SERVICE_ACCOUNT)


def unsearched(orphans: Orphans) -> tuple[str, ...]:
    """Where what is ours may be that nobody has seen, and why: such a plan is not the whole truth."""
    return tuple(str(each) for each in orphans if isinstance(each, ProvisionError))


def with_orphans(changes: Iterable[Change], graph: ResourceGraph, orphans: Orphans) -> list[Change]:
    """The changes of a plan and those that delete orphans, each after what it waits for."""
    changes = list(changes)
    found = _found(orphans)
    left = host_records.left_over(graph, found)
    moves = handover.handovers(changes, found)
    if left or moves:
        changes = handover.arranged(list(host_records.awaited(changes, left)), found, moves)
        return in_order(_with_orphans(changes, graph, handover.waiting(found, moves), left))
    return _with_orphans(changes, graph, found, ())


def _with_orphans(
    changes: Iterable[Change], graph: ResourceGraph, found: Sequence[Orphan], left: Sequence[HostRecord]
) -> list[Change]:
    records = [orphan for orphan, _ in found if isinstance(orphan, RecordSet)]
    first: list[Change] = []
    last: list[Change] = []
    for change in changes:
        before = tuple(orphan.address for orphan in records if _gives_way(orphan, change))
        after = (*change.resource.after, *before)
        (last if before else first).append(replace(change, resource=replace(change.resource, after=after)))
    return [*first, *_deletions(graph, found, left), *last]


def _found(orphans: Orphans) -> list[Orphan]:
    """The objects: those of the cluster first, and each before the one that it is inside of."""
    found = [each for each in orphans if not isinstance(each, ProvisionError)]
    return sorted(found, key=lambda each: (not isinstance(each[0], Manifest), bool(_inside(each[0], found))))


def _inside(holder: Resource, orphans: Iterable[Orphan]) -> list[str]:
    return [each.address for each, _ in orphans if _is(holder, each.inside())]


def _gives_way(orphan: RecordSet, change: Change) -> bool:
    """Whether an orphan has the name of a new record set: there can be nothing beside a CNAME (RFC 1034)."""
    record = change.resource
    return (
        change.action is Action.CREATE
        and isinstance(record, RecordSet)
        and orphan.zone_id.casefold() == record.zone_id.casefold()
        and orphan.record_name.casefold() == record.record_name.casefold()
    )


def _deletions(
    graph: ResourceGraph, orphans: Sequence[Orphan], left: Sequence[HostRecord]
) -> Iterator[Change]:
    shared = tuple(resource.address for resource in graph if resource.SHARED)
    users = _users([*(orphan for orphan, _ in orphans), *left])
    tidied = tuple(record.address for record in left)
    for record in left:
        yield Change(record, Present(), Action.DELETE, reason=_REASON)
    for orphan, observed in orphans:
        # Only after the cluster stopped using it, and empty of what is ours.
        before = (*shared, *users, *_inside(orphan, orphans))
        if isinstance(orphan, Manifest):
            before = () if left and orphan.api in ROUTES else (*shared, *_without_routes(orphan, tidied))
        waiting = replace(orphan, after=(*orphan.after, *before))
        linger = orphan.linger if isinstance(orphan, Manifest) else 0
        later = f": goes {linger:.0f} s after its hosts are served anew" if linger else ""
        yield Change(waiting, observed, Action.DELETE, reason=f"{_REASON}{later}")


def _without_routes(orphan: Manifest, tidied: tuple[str, ...]) -> tuple[str, ...]:
    """What writes DNS records stays until it has taken them away, once the routes are gone."""
    return tidied if orphan.api in _WRITERS else ()


def removals(graph: ResourceGraph, orphans: Orphans) -> Iterator[Change]:
    """Deletions for a destroy, which goes backwards: what holds an orphan waits for its going, since a
    zone with records can't be deleted."""
    found = _found(orphans)
    left = host_records.left_over(graph, found)
    everything = [*graph, *(orphan for orphan, _ in found)]
    for record in left:
        writers = [each.address for each in everything if _helps_to_write(each, record)]
        waiting = replace(record, after=(*record.after, *writers), outlives=record.after)
        yield Change(waiting, Present(), Action.DELETE, reason=_REASON)
    users = _users([*everything, *left])
    for orphan, observed in found:
        holders = [each.address for each in everything if _is(each, orphan.inside())]
        before = orphan.after if isinstance(orphan, Manifest) else (*orphan.after, *users)
        held = replace(orphan, after=(*before, *holders), outlives=before)
        yield Change(held, observed, Action.DELETE, reason=_REASON)


def in_order(changes: Sequence[Change]) -> list[Change]:
    """The same changes, each after those that it waits for, otherwise in their order. Raises ValueError when
    they wait for each other."""
    by_address = {change.address: change for change in changes}
    placed: dict[str, Change] = {}

    def place(change: Change, waiting: tuple[str, ...]) -> None:
        if change.address in waiting:
            circle = (*waiting[waiting.index(change.address) :], change.address)
            raise ValueError(f"changes wait for each other: {' for '.join(circle)}")
        for address in sorted(change.resource.dependencies()):
            if address in by_address and address not in placed:
                place(by_address[address], (*waiting, change.address))
        placed.setdefault(change.address, change)

    for change in changes:
        place(change, ())
    return list(placed.values())


def _helps_to_write(resource: Resource, record: HostRecord) -> bool:
    """Whether the DNS controller needs it in order to take a record away."""
    if isinstance(resource, Manifest):
        return resource.api in _WRITERS
    writing = isinstance(resource, RoleAssignment | FederatedCredential) or resource.SHARED
    return writing or _is(resource, record.zone_id)


def _users(resources: Iterable[Resource]) -> tuple[str, ...]:
    """What works in the cluster with identities, roles, zones and certificates, and tidies up with them."""
    return tuple(each.address for each in resources if isinstance(each, Manifest | HostRecord))


def _is(resource: Resource, id_: str) -> bool:
    return bool(id_) and str(getattr(resource, "id", "")).casefold() == id_.casefold()
