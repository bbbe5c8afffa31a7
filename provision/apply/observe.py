"""Reads what is there: everything at once, then what needed an answer of the first round."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable

from provision.apply.handler import Handlers, Reading
from provision.plan.plan import Observation, known_outputs, wanted
from provision.resources.graph import ResourceGraph
from provision.resources.observed import Absent, Observed, Present, Unread
from provision.resources.ref import Lookup, Ref
from provision.resources.resource import Resource


async def observe(profile: str, graph: ResourceGraph, handlers: Handlers) -> Observation:
    """Read every resource of the graph, in as few rounds as its refs allow (two for a settled profile).

    A resource whose refs have no value yet can't be looked up: it is absent when what it refers to is,
    unread when that is unread.
    """
    observation = Observation({})
    waiting = list(graph)
    while waiting:
        lookup = known_outputs(observation)
        ready = [resource for resource in waiting if _readable(resource, lookup)]
        if not ready:
            break
        unwanted = Reading({resource.address: Absent() for resource in ready if not wanted(resource, lookup)})
        looked_up = [resource.resolved(lookup) for resource in ready if wanted(resource, lookup)]
        observation = _merged(observation, [unwanted, *await _read(profile, looked_up, handlers)])
        waiting = [resource for resource in waiting if resource.address not in observation.objects]
    objects = dict(observation.objects)
    for resource in graph:
        objects[resource.address] = _settled(resource, objects, known_outputs(observation))
    return Observation(objects, observation.orphans)


def _readable(resource: Resource, lookup: Lookup) -> bool:
    return not any(isinstance(lookup(ref), Ref) for ref in resource.lookup_refs())


async def _read(profile: str, resources: Iterable[Resource], handlers: Handlers) -> list[Reading]:
    by_kind: dict[str, list[Resource]] = defaultdict(list)
    for resource in resources:
        by_kind[resource.KIND].append(resource)
    return await asyncio.gather(*(handlers[kind].read(members, profile) for kind, members in by_kind.items()))


def _merged(observation: Observation, readings: Iterable[Reading]) -> Observation:
    objects = dict(observation.objects)
    orphans = list(observation.orphans)
    for reading in readings:
        objects.update(reading.objects)
        orphans.extend(reading.orphans)
    return Observation(objects, tuple(orphans))


def _settled(resource: Resource, objects: dict[str, Observed], lookup: Lookup) -> Observed:
    """What to hold of a resource in the light of what it depends on (which is settled before it)."""
    parents = [objects[address] for address in resource.dependencies()]
    own = objects.get(resource.address)
    if isinstance(own, Present):
        return own
    if any(isinstance(parent, Absent) for parent in parents) and not isinstance(own, Absent):
        return Absent()
    if own is not None:
        return own
    unread = next((parent for parent in parents if isinstance(parent, Unread)), None)
    return unread or Absent()
