"""The desired resources of a profile and the order between them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter

from provision.resources.resource import Resource


class ResourceGraph:
    """Resources by address, each after what it depends on. Immutable."""

    def __init__(self, resources: Iterable[Resource]) -> None:
        by_address: dict[str, Resource] = {}
        for resource in resources:
            if resource.address in by_address:
                raise ValueError(f"two resources have the address {resource.address}")
            by_address[resource.address] = resource
        edges = {address: self._known(resource, by_address) for address, resource in by_address.items()}
        try:
            self._order = tuple(TopologicalSorter(edges).static_order())
        except CycleError as error:
            raise ValueError(f"resources depend on each other in a circle: {error.args[1]}") from None
        self._resources = by_address

    @staticmethod
    def _known(resource: Resource, by_address: Mapping[str, Resource]) -> list[str]:
        missing = resource.dependencies() - by_address.keys()
        if missing:
            raise ValueError(
                f"{resource.address} depends on {', '.join(sorted(missing))}, which is not in the graph"
            )
        return sorted(resource.dependencies())  # a set's order differs between runs, and so would the plan's

    def __iter__(self) -> Iterator[Resource]:
        """Dependencies first."""
        return (self._resources[address] for address in self._order)

    def __len__(self) -> int:
        return len(self._order)

    def __getitem__(self, address: str) -> Resource:
        return self._resources[address]

    def __contains__(self, address: str) -> bool:
        return address in self._resources

    def closure(self, addresses: Iterable[str]) -> frozenset[str]:
        """The given addresses and everything they depend on."""
        found: set[str] = set()
        waiting = list(addresses)
        while waiting:
            address = waiting.pop()
            if address not in found:
                found.add(address)
                waiting.extend(self._resources[address].dependencies())
        return frozenset(found)
