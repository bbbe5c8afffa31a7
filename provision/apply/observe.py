"""Reads what is there: everything at once, and what needs another's answer as soon as that is in."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from provision.apply.handler import Handlers, Reading, Searching
from provision.apply.together import together
from provision.errors import ProvisionError
from provision.plan.orphans import Orphan
from provision.plan.plan import Observation, known_outputs, wanted
from provision.resources.arm import ArmId
from provision.resources.graph import ResourceGraph
from provision.resources.observed import Absent, Observed, Present, Unread
from provision.resources.ref import Ref
from provision.resources.resource import Resource


async def observe(profile: str, graph: ResourceGraph, handlers: Handlers) -> Observation:
    """Read every resource of the graph, one call to a handler for each kind that is ready together, and
    look for what is ours beside them.

    A resource whose refs have no value yet can't be looked up: it is absent when what it refers to is,
    unread when that is unread.
    """
    reader = _Reader(profile, graph, handlers)
    readings = [reader.read(*group) for group in _groups(graph)]
    searches = [
        reader.search(kind, handler) for kind, handler in handlers.items() if isinstance(handler, Searching)
    ]
    found = await together([*readings, *searches])
    objects = reader.objects
    lookup = known_outputs(Observation(objects))
    for resource in graph:
        # What the world does not want, such as the access policy of a vault with roles, is absent by right.
        parents = [objects[each] for each in resource.dependencies() if wanted(graph[each], lookup)]
        objects[resource.address] = _settled(objects.get(resource.address), parents)
    taken = {resource.address for resource in graph if wanted(resource, lookup)}
    orphans = [orphan for reading in found for orphan in reading.orphans]
    unsearched = [error for reading in found for error in reading.unsearched]
    unsearched += _unsearched(found[len(readings) :], objects)
    return Observation(objects, (*_distinct(orphans, taken), *unsearched))


def _groups(graph: ResourceGraph) -> list[tuple[frozenset[str], list[Resource]]]:
    """Resources of one kind that wait for the same addresses, which one call can read."""
    values = _values(graph)
    groups: defaultdict[tuple[str, frozenset[str]], list[Resource]] = defaultdict(list)
    for resource in graph:
        needs = frozenset(ref.address for ref in resource.lookup_refs())
        groups[resource.KIND, needs | values[resource.KIND]].append(resource)
    return [(needs, members) for (_, needs), members in groups.items()]


def _values(graph: ResourceGraph) -> defaultdict[str, frozenset[str]]:
    """By kind that is tried out: what gives values to any of that kind, since all are read together."""
    needs: defaultdict[str, frozenset[str]] = defaultdict(frozenset)
    for resource in graph:
        if resource.TRIED:
            made_by = {ref.address for ref in resource.references()}
            needs[resource.KIND] |= {each for each in made_by if graph[each].KIND != resource.KIND}
    return needs


class _Reader:
    """Reads groups, each once what it needs was read."""

    def __init__(self, profile: str, graph: ResourceGraph, handlers: Handlers) -> None:
        self.objects: dict[str, Observed] = {}
        self._profile = profile
        self._graph = graph
        self._handlers = handlers
        self._done = {resource.address: asyncio.Event() for resource in graph}
        self._known: tuple[int, list[Resource]] = (-1, [])
        # Most have no refs: a zone of thousands of record sets is looked through for every kind.
        self._fixed = {resource.address for resource in graph if not resource.references()}

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
        unwanted = {each.address for each in resources} - {each.address for each in fitting}
        self.objects.update(dict.fromkeys(unwanted, Absent()))
        for resource in resources:
            self._done[resource.address].set()
        return reading

    async def search(self, kind: str, handler: Searching) -> Reading:
        """Look for orphans of a kind, once it is known which of that kind are wanted."""
        needs = {
            ref.address for resource in self._graph if kind == resource.KIND for ref in resource.lookup_refs()
        }
        for address in needs:
            await self._done[address].wait()
        return await handler.search(self._resolved(), self._profile)

    def _resolved(self) -> list[Resource]:
        """What is wanted, with the refs replaced that are known by now: the same for most kinds, which are
        searched for when everything was read."""
        read = len(self.objects)
        if self._known[0] != read:
            lookup = known_outputs(Observation(self.objects))
            resources = [
                resource if resource.address in self._fixed else resource.resolved(lookup)
                for resource in self._graph
                if wanted(resource, lookup)
            ]
            self._known = read, resources
        return self._known[1]


def _distinct(orphans: Sequence[Orphan], taken: set[str]) -> Iterator[Orphan]:
    """Orphans under addresses of their own: one that moved to another resource group is declared under its
    old name."""
    for orphan, present in orphans:
        named = next(each for each in _spellings(orphan) if each.address not in taken)
        taken.add(named.address)
        yield named, present


def _spellings(orphan: Resource) -> Iterator[Resource]:
    yield orphan
    id_ = ArmId.parse(str(getattr(orphan, "id", "")) or orphan.inside())
    yield replace(orphan, name=f"{orphan.name}@{id_.group}")
    yield replace(orphan, name=f"{orphan.name}@{id_.subscription}/{id_.group}")


def _unsearched(searches: Sequence[Reading], objects: Mapping[str, Observed]) -> Iterable[ProvisionError]:
    """Why a place could not be looked at, each reason once. What is absent holds nothing, and of what could
    not be read itself the reason is told already."""
    errors = {
        str(unread.error): unread.error
        for reading in searches
        for address, unread in reading.objects.items()
        if isinstance(unread, Unread) and isinstance(objects.get(address), Present | None)
    }
    return errors.values()


def _settled(own: Observed | None, parents: Sequence[Observed]) -> Observed:
    """What to hold of a resource in the light of what it depends on (which is settled before it)."""
    if isinstance(own, Present):
        return own
    if any(isinstance(parent, Absent) for parent in parents) and not isinstance(own, Absent):
        return Absent()
    if own is not None:
        return own
    unread = next((parent for parent in parents if isinstance(parent, Unread)), None)
    return unread or Absent()
