"""What carries our mark though the profile no longer declares it: when it is deleted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from provision.plan.change import Action, Change
from provision.resources.dns import RecordSet
from provision.resources.graph import ResourceGraph
from provision.resources.observed import Present
from provision.resources.resource import Resource

Orphans = tuple[tuple[Resource, Present], ...]

_REASON = "ours, and no longer in the profile"


def with_orphans(changes: Iterable[Change], graph: ResourceGraph, orphans: Orphans) -> list[Change]:
    """The changes of a plan and those that delete orphans, each after what it waits for."""
    records = [orphan for orphan, _ in orphans if isinstance(orphan, RecordSet)]
    first: list[Change] = []
    last: list[Change] = []
    for change in changes:
        before = tuple(orphan.address for orphan in records if _gives_way(orphan, change))
        after = (*change.resource.after, *before)
        (last if before else first).append(replace(change, resource=replace(change.resource, after=after)))
    return [*first, *_deletions(graph, orphans), *last]


def _gives_way(orphan: RecordSet, change: Change) -> bool:
    """Whether an orphan has the name of a new record set: there can be nothing beside a CNAME (RFC 1034)."""
    record = change.resource
    return (
        change.action is Action.CREATE
        and isinstance(record, RecordSet)
        and orphan.zone_id.casefold() == record.zone_id.casefold()
        and orphan.record_name.casefold() == record.record_name.casefold()
    )


def _deletions(graph: ResourceGraph, orphans: Orphans) -> Iterator[Change]:
    shared = tuple(resource.address for resource in graph if resource.SHARED)
    for orphan, observed in orphans:
        # Only after the cluster stopped using it.
        waiting = replace(orphan, after=(*orphan.after, *shared))
        yield Change(waiting, observed, Action.DELETE, reason=_REASON)


def removals(graph: ResourceGraph, orphans: Orphans) -> Iterator[Change]:
    """Deletions for a destroy, which goes backwards: what holds an orphan waits for its going, since a
    zone with records can't be deleted."""
    for orphan, observed in orphans:
        holders = [each.address for each in graph if _is(each, orphan.inside())]
        held = replace(orphan, after=(*orphan.after, *holders))
        yield Change(held, observed, Action.DELETE, reason=_REASON)


def _is(resource: Resource, id_: str) -> bool:
    return bool(id_) and str(getattr(resource, "id", "")).casefold() == id_.casefold()
