"""Reads what is there: everything at once, and what needs another's answer as soon as that is in."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence

from provision.apply.handler import Handlers, Reading
from provision.apply.together import together
from provision.plan.plan import Observation, known_outputs, wanted
from provision.resources.graph import ResourceGraph
from provision.resources.observed import Absent, Observed, Present, Unread
from provision.resources.ref import Ref
from provision.resources.resource import Resource


async def observe(profile: str, graph: ResourceGraph, handlers: Handlers) -> Observation:
    """Read every resource of the graph, one call to a handler for each kind that is ready together.

    A resource whose refs have no value yet can't be looked up: it is absent when what it refers to is,
    unread when that is unread.
    """
    reader = _Reader(profile, graph, handlers)
    readings = await together(reader.read(*group) for group in _groups(graph))
    orphans = tuple(orphan for reading in readings for orphan in reading.orphans)
    objects = reader.objects
    for resource in graph:
        objects[resource.address] = _settled(resource, objects)
    return Observation(objects, orphans)


def _groups(graph: ResourceGraph) -> list[tuple[frozenset[str], list[Resource]]]:
    """Resources of one kind that wait for the same addresses, which one call can read."""
    groups: defaultdict[tuple[str, frozenset[str]], list[Resource]] = defaultdict(list)
    for resource in graph:
        needs = frozenset(ref.address for ref in resource.lookup_refs())
        groups[resource.KIND, needs].append(resource)
    return [(needs, members) for (_, needs), members in groups.items()]


class _Reader:
    """Reads groups, each once what it needs was read."""

    def __init__(self, profile: str, graph: ResourceGraph, handlers: Handlers) -> None:
        self.objects: dict[str, Observed] = {}
        self._profile = profile
        self._handlers = handlers
        self._done = {resource.address: asyncio.Event() for resource in graph}

    async def read(self, needs: frozenset[str], resources: Sequence[Resource]) -> Reading:
        for address in needs:
            await self._done[address].wait()
        lookup = known_outputs(Observation(self.objects))
        fitting = [resource for resource in resources if wanted(resource, lookup)]
        known = [
            resource
            for resource in fitting
            if not any(isinstance(lookup(ref), Ref) for ref in resource.lookup_refs())
        ]
        reading = Reading({})
        if known:
            handler = self._handlers[known[0].KIND]
            reading = await handler.read([resource.resolved(lookup) for resource in known], self._profile)
        self.objects.update(reading.objects)
        self.objects.update({resource.address: Absent() for resource in resources if resource not in fitting})
        for resource in resources:
            self._done[resource.address].set()
        return reading


def _settled(resource: Resource, objects: Mapping[str, Observed]) -> Observed:
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
