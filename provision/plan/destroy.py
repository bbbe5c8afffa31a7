"""What is ours and has to go → plan."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from provision.plan.change import Action, Change
from provision.plan.diff import diff
from provision.plan.orphans import removals, unsearched
from provision.plan.plan import Observation, Plan, known_outputs, wanted
from provision.resources.graph import ResourceGraph
from provision.resources.observed import Absent, Present, Unread
from provision.resources.ref import Lookup
from provision.resources.resource import Resource


def destroy(
    profile: str, graph: ResourceGraph, observation: Observation, released: Iterable[Resource]
) -> Plan:
    """The changes that take away what is ours and give back the shared objects.

    `released` are shared resources with the settings to put back, by address of the graph.
    """
    lookup = known_outputs(observation)
    given_back = {resource.address: resource for resource in released}
    changes = [
        _removal(profile, given_back.get(resource.address, resource), observation, lookup)
        for resource in graph
        if wanted(resource, lookup) and not resource.LOOKED_AT
    ]
    changes.extend(removals(graph, observation.orphans))
    return Plan(profile, tuple(changes), backwards=True, unchecked=unsearched(observation.orphans))


def _removal(profile: str, resource: Resource, observation: Observation, lookup: Lookup) -> Change:
    observed = observation.objects[resource.address]
    # A ref that has its value orders nothing any more, and here everything has: what an object was made
    # from goes only after it.
    resolved = replace(resource.resolved(lookup), after=tuple(sorted(resource.dependencies())))
    if isinstance(observed, Unread):
        return Change(resolved, observed, Action.NO_OP, reason="could not be read", blocked=observed.error)
    if isinstance(observed, Absent):
        if observed.owner == profile and not resource.must_exist():
            return Change(resolved, Present(), Action.DELETE, reason=f"ours, though {observed.note}")
        return Change(resolved, observed, Action.NO_OP, reason="does not exist")
    if observed.owner != profile or (resource.must_exist() and not resource.SHARED):
        return Change(resolved, observed, Action.NO_OP, reason="not ours: kept")
    if resource.stays():
        return Change(resolved, observed, Action.NO_OP, reason=resource.stays())
    if resource.SHARED:
        fields = diff(resolved.properties(), observed.properties)
        return Change(resolved, observed, Action.UPDATE, fields, "put back as it was before", release=True)
    return Change(resolved, observed, Action.DELETE, reason="ours")
