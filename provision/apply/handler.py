"""What the edge offers for each kind: read many at once, create, update, delete."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from provision.errors import ProvisionError
from provision.plan.change import FieldChange
from provision.plan.orphans import Orphan
from provision.resources.observed import Observed, Present
from provision.resources.resource import Resource


@dataclass(frozen=True, slots=True)
class Mark:
    """What we write on an object to know it again: the profile and the digest of what was applied."""

    profile: str
    digest: str


@dataclass(frozen=True, slots=True)
class Work:
    """What a handler gets along with a resource: the mark to write, and where to tell of progress.

    With `release` a shared object is given back: the mark is taken off instead.
    """

    mark: Mark
    progress: Callable[[str], None]
    release: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """Objects by address, and what carries our mark though the profile no longer declares it.

    `unsearched` says of what else that may be, and why nobody could look.
    """

    objects: Mapping[str, Observed]
    orphans: tuple[Orphan, ...] = field(default=())
    unsearched: tuple[ProvisionError, ...] = field(default=())


class Handler(Protocol):
    """One kind at the edge. Refs are resolved before a resource gets here.

    Every method raises `ProvisionError` and nothing else; `read` puts what it could not read into the
    reading as `Unread` instead.
    """

    async def read(self, resources: Sequence[Any], profile: str) -> Reading: ...

    async def create(self, resource: Any, work: Work) -> Present: ...

    async def update(
        self, resource: Any, observed: Present, fields: Sequence[FieldChange], work: Work
    ) -> Present: ...

    async def delete(self, resource: Any, observed: Present, work: Work) -> None: ...


class Untouched:
    """The writing half of a handler whose kind is only looked at: a plan never asks for it."""

    async def create(self, resource: Any, work: Work) -> Present:
        raise _untouched("creating", resource)

    async def update(
        self, resource: Any, observed: Present, fields: Sequence[FieldChange], work: Work
    ) -> Present:
        raise _untouched("updating", resource)

    async def delete(self, resource: Any, observed: Present, work: Work) -> None:
        raise _untouched("deleting", resource)


def _untouched(doing: str, resource: Resource) -> ProvisionError:
    return ProvisionError(f"{doing} {resource.address}", "it is only looked at")


@runtime_checkable
class Searching(Protocol):
    """A handler that also looks where the profile declares nothing of its kind any more."""

    async def search(self, resources: Sequence[Resource], profile: str) -> Reading:
        """What carries our mark and is not among `resources`, except where `read` looks anyway.

        `resources` are those of every kind that are wanted, refs resolved as far as they are known. What
        could not be looked at is in the reading as `Unread`, by the address of the place.
        """
        ...


Handlers = Mapping[str, Handler]
"""Handlers by kind."""
