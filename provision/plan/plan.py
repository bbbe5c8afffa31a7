"""Desired graph and observed objects → plan."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from provision.errors import ForeignError, NotFoundError, ProvisionError, UnsafePlanError
from provision.plan.change import Action, Change, FieldChange, digest
from provision.plan.diff import diff
from provision.plan.orphans import Orphans, unsearched, with_orphans
from provision.resources.graph import ResourceGraph
from provision.resources.managed_cluster import ZONES
from provision.resources.observed import Absent, Observed, Present, Unread
from provision.resources.ref import Lookup, Ref, refs
from provision.resources.resource import Resource
from provision.resources.values import Value


@dataclass(frozen=True, slots=True)
class Observation:
    """Everything read for one profile.

    `objects` maps each address of the graph to what was read. `orphans` carry our mark but the profile
    no longer declares them.
    """

    objects: Mapping[str, Observed]
    orphans: Orphans = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """What an apply will do, in an order in which it can be done; a value, nothing happens by making it.

    With `backwards` (destroy) a change waits for those that depend on it, not the other way round.
    """

    profile: str
    changes: tuple[Change, ...]
    warnings: tuple[str, ...] = ()
    backwards: bool = False
    refused: tuple[ProvisionError, ...] = ()
    """Further reasons why the plan can't be applied, of no single change."""
    unchecked: tuple[str, ...] = ()
    """Parts of the profile that were not looked at, and why; never to be shown as in sync."""

    def pending(self) -> tuple[Change, ...]:
        """Changes that do something."""
        return tuple(change for change in self.changes if change.action is not Action.NO_OP)

    def blocked(self) -> tuple[ProvisionError, ...]:
        """Why the plan can't be applied; empty when it can."""
        held_up = (change for change in self.changes if change.blocked and not change.awaits_others)
        return (*self.refused, *(change.blocked for change in held_up if change.blocked))

    def awaited(self) -> tuple[Change, ...]:
        """Changes that another team must make."""
        return tuple(change for change in self.changes if change.awaits_others)

    def unread(self) -> tuple[Change, ...]:
        """Changes about whose object nothing is known."""
        return tuple(change for change in self.changes if isinstance(change.observed, Unread))

    def count(self) -> Counter[Action]:
        """How many changes of each action."""
        return Counter(change.action for change in self.changes)


def known_outputs(observation: Observation) -> Lookup:
    """Resolves refs to outputs that are known before anything is done; leaves the others as they are."""

    def lookup(ref: Ref) -> Value:
        observed = observation.objects.get(ref.address)
        if isinstance(observed, Present | Absent) and observed.outputs.get(ref.output) is not None:
            return observed.outputs[ref.output]
        return ref

    return lookup


def plan(
    profile: str,
    graph: ResourceGraph,
    observation: Observation,
    *,
    adopt: bool = False,
    targets: Iterable[str] = (),
    warnings: Iterable[str] = (),
    unchecked: Iterable[str] = (),
) -> Plan:
    """The changes that make the observed world as the graph declares.

    `targets` are addresses: only they and what they depend on are planned. `adopt` takes over objects
    that differ and are not ours; without it such a change is blocked. `unchecked` names parts of the profile
    that were left out.
    """
    lookup = known_outputs(observation)
    chosen = graph.closure(targets) if targets else None
    resources = [
        resource
        for resource in graph
        if wanted(resource, lookup) and _chosen(resource, chosen) and not _moot(resource, observation)
    ]
    changes = list(_changes(profile, resources, observation, adopt))
    to_come = [f"{change.address}: {change.reason}" for change in changes if _is_to_come(change)]
    if chosen is None:
        changes = with_orphans(changes, graph, observation.orphans)
    searched = unsearched(observation.orphans) if chosen is None else ()
    return Plan(profile, tuple(changes), (*warnings, *to_come), unchecked=(*unchecked, *searched))


def wanted(resource: Resource, lookup: Lookup) -> bool:
    """Whether the resource's condition holds, as far as it can be told."""
    if resource.when is None:
        return True
    actual = lookup(resource.when.ref)
    # While the condition can't be told, the resource stays in the plan: what it depends on is blocked or
    # unread, and so is it.
    return isinstance(actual, Ref) or actual == resource.when.equals


def _moot(resource: Resource, observation: Observation) -> bool:
    """Whether the resource's condition can't be told because what decides it does not exist."""
    return resource.when is not None and isinstance(observation.objects[resource.when.ref.address], Absent)


def _chosen(resource: Resource, chosen: frozenset[str] | None) -> bool:
    return chosen is None or resource.address in chosen


def _changes(
    profile: str, resources: Iterable[Resource], observation: Observation, adopt: bool
) -> Iterator[Change]:
    """In the graph's order: what an update may give another value, such as the address of a gateway that
    moves, is not known before it was made."""
    known = known_outputs(observation)
    unsettled: set[Ref] = set()

    def lookup(ref: Ref) -> Value:
        return ref if ref in unsettled else known(ref)

    for resource in resources:
        if resource.LOOKED_AT and not isinstance(observation.objects[resource.address], Unread):
            continue
        change = _change(profile, resource, observation, lookup, adopt)
        if change.action is Action.UPDATE:
            outputs = resource.unsettled(field.path for field in change.fields)
            unsettled.update(Ref(resource.address, output) for output in outputs)
        yield replace(change, digest=digest(resource))


def _change(
    profile: str, resource: Resource, observation: Observation, lookup: Lookup, adopt: bool
) -> Change:
    resolved = resource.resolved(lookup)
    observed = observation.objects[resource.address]
    match observed:
        case Unread(error):
            return Change(resolved, observed, Action.NO_OP, reason="could not be read", blocked=error)
        case Absent():
            return _creation(resolved, observed, lookup)
        case Present():
            change = _update(profile, resolved, observed, adopt)
            return _not_compared(change, observation) or change


def _not_compared(change: Change, observation: Observation) -> Change | None:
    """No change when nothing is known to differ but what is made from something that could not be read."""
    unread = [
        ref.address
        for field in change.fields
        for ref in refs(field.after)
        if isinstance(observation.objects.get(ref.address), Unread)
    ]
    if not unread or len(unread) < len(change.fields):
        return None
    reason = f"not compared, since {unread[0]} could not be read"
    return Change(change.resource, change.observed, Action.NO_OP, reason=reason)


def _creation(resource: Resource, observed: Absent, lookup: Lookup) -> Change:
    fields = tuple(FieldChange(path, None, value) for path, value in resource.properties().items())
    if resource.must_exist():
        unknown = sorted(ref.address for ref in resource.lookup_refs() if isinstance(lookup(ref), Ref))
        if unknown:
            # It can't be made before that exists, so it must not stand in the way of making that.
            reason = f"to be made by others once {unknown[0]} exists"
            return Change(resource, observed, Action.NO_OP, reason=reason, awaits_others=True)
        return Change(
            resource,
            observed,
            Action.NO_OP,
            reason="does not exist",
            blocked=missing(resource),
            awaits_others=bool(resource.remedy()),
        )
    return Change(resource, observed, Action.CREATE, fields, observed.note or "does not exist")


def _is_to_come(change: Change) -> bool:
    return isinstance(change.observed, Absent) and change.action is Action.NO_OP and not change.blocked


def missing(resource: Resource) -> ProvisionError:
    """The error for something that must exist and does not, with the command that makes it, if any."""
    identity = getattr(resource, "id", "") or getattr(resource, "scope", "")
    remedy = resource.remedy()
    return NotFoundError(
        f"planning {resource.address}",
        f"this {resource.noun()} does not exist" + (f" ({identity})" if identity else ""),
        "Have it made:" if remedy else "Check name, resource group and subscription in the profile.",
        remedy,
    )


def _update(profile: str, resource: Resource, observed: Present, adopt: bool) -> Change:
    fields = (
        *diff(resource.declared(observed.properties), observed.properties),
        *(FieldChange(path, value, None) for path, value in observed.surplus.items()),
    )
    if not fields:
        return Change(resource, observed, Action.NO_OP)
    if resource.must_exist() and not resource.SHARED:
        return _kept_by_others(resource, observed, fields)
    fixed = sorted(resource.FIXED & {field.path for field in fields})
    if fixed:
        error = UnsafePlanError(
            f"planning {resource.address}",
            f"{', '.join(fixed)} can't be changed: the service fixes it when the object is made",
            "Bring the profile in line with it.",
        )
        return Change(resource, observed, Action.UPDATE, fields, "can't be changed", error)
    replaced = resource.IMMUTABLE & {field.path for field in fields}
    change = Change(resource, observed, Action.REPLACE if replaced else Action.UPDATE, fields)
    foreign = _foreign(profile, resource, observed, fields)
    reason = _reason(resource, observed, replaced)
    if foreign and adopt:
        return replace(change, reason=f"taken over: {foreign}")
    if foreign:
        return replace(change, reason=foreign, blocked=_not_ours(resource, foreign))
    return replace(change, reason=reason)


def _kept_by_others(resource: Resource, observed: Present, fields: tuple[FieldChange, ...]) -> Change:
    error = ForeignError(
        f"planning {resource.address}",
        f"it differs in {', '.join(field.path for field in fields)}, and it is kept by others",
        "Have it changed:" if resource.remedy() else "Bring the profile in line with it.",
        resource.remedy(),
    )
    return Change(
        resource, observed, Action.NO_OP, fields, "differs from the profile", error, awaits_others=True
    )


def _reason(resource: Resource, observed: Present, replaced: frozenset[str]) -> str:
    if replaced:
        return f"{', '.join(sorted(replaced))} can't be changed in place"
    return "differs from the profile"


def _foreign(profile: str, resource: Resource, observed: Present, fields: tuple[FieldChange, ...]) -> str:
    """Why the change would touch what is not ours; empty when it does not."""
    if observed.owner == profile:
        return _claimed(observed, fields)
    if observed.owner:
        return f"belongs to profile {observed.owner}"
    if not resource.SHARED:
        return "exists and does not carry our mark"
    dropped = _dropped_zones(fields)
    return f"has zones attached that the profile does not name: {', '.join(dropped)}" if dropped else ""


def _claimed(observed: Present, fields: tuple[FieldChange, ...]) -> str:
    """Another declarative manager of a field would set it back: two appliers would fight for ever."""
    claims = [
        (field.path, observed.claimed[field.path]) for field in fields if field.path in observed.claimed
    ]
    return "; ".join(f"{path} is declared by {manager} too" for path, manager in claims)


def _dropped_zones(fields: tuple[FieldChange, ...]) -> list[str]:
    for field in fields:
        if field.path == ZONES and isinstance(field.before, frozenset) and isinstance(field.after, frozenset):
            return sorted(str(zone).rsplit("/", 1)[-1] for zone in field.before - field.after)
    return []


def _not_ours(resource: Resource, why: str) -> ForeignError:
    return ForeignError(
        f"planning {resource.address}",
        why,
        "Bring the profile in line with it, or take it over with --adopt (or adopt: true in the profile).",
    )
