"""What every kind has in common: an address, dependencies, declared properties."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar, Self, cast

from provision.resources.ref import Lookup, Ref, holds_ref, refs, resolve
from provision.resources.values import Value


@dataclass(frozen=True, slots=True)
class Condition:
    """A resource is wanted only where `ref` turns out to be `equals` (known once its target was read)."""

    ref: Ref
    equals: Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One thing that a profile declares.

    `name` is unique among its kind; `after` lists addresses that must be done first although no value
    is taken from them; `mark` says which profile an object of ours belongs to.
    """

    KIND: ClassVar[str]
    IMMUTABLE: ClassVar[frozenset[str]] = frozenset()
    """Properties that the service can't change: a difference replaces the object."""
    FIXED: ClassVar[frozenset[str]] = frozenset()
    """Properties that can't be changed at all, since the object is too much to be replaced."""
    SHARED: ClassVar[bool] = False
    """The object belongs to somebody else and we own some of its properties only."""
    LOOKUP: ClassVar[frozenset[str]] = frozenset()
    """Fields that may hold a ref and without which the object can't be looked up."""
    TRIED: ClassVar[bool] = False
    """Reading also tries what is declared, for which it waits until every value is there that can be had."""
    MUST_EXIST: ClassVar[bool] = False
    """We never create it."""
    LOOKED_AT: ClassVar[bool] = False
    """Only looked at, because others go by it: no part of a plan unless it could not be read."""
    TOLD: ClassVar[tuple[str, ...]] = ()
    """Outputs that a reader wants to know once it is made."""

    name: str
    after: tuple[str, ...] = ()
    when: Condition | None = None
    outlives: tuple[str, ...] = ()
    """Addresses among the dependencies that a destroy takes away first, although it goes backwards."""

    @property
    def address(self) -> str:
        """`kind/name`, unique in a graph."""
        return f"{self.KIND}/{self.name}"

    def noun(self) -> str:
        """What such a thing is called."""
        return self.KIND.replace("_", " ")

    def properties(self) -> Mapping[str, Value]:
        """What we declare: property path → value. Nothing else is ever compared or changed."""
        return {}

    def declared(self, there: Mapping[str, Value]) -> Mapping[str, Value]:
        """What we declare, given the properties that are there: some may only have to lose something."""
        return self.properties()

    def must_exist(self) -> bool:
        """Whether the object is only used, never created."""
        return self.MUST_EXIST

    def remedy(self) -> str:
        """A command that makes the object when another team must, or nothing."""
        return ""

    def stays(self) -> str:
        """Why the object is left behind although it is ours, or nothing."""
        return ""

    def inside(self) -> str:
        """Id of the object that this one is a part of and can't outlive, or nothing."""
        return ""

    def unsettled(self, changed: Iterable[str]) -> frozenset[str]:
        """Outputs that may be others once these properties are changed: what is made from them waits."""
        return frozenset()

    def references(self) -> frozenset[Ref]:
        """Every ref in any field, identity and properties alike."""
        found = {ref for item in fields(self) for ref in refs(cast("Value", getattr(self, item.name)))}
        if self.when:
            found.add(self.when.ref)
        return frozenset(found)

    def lookup_refs(self) -> frozenset[Ref]:
        """Refs that must have a value before the object can be read."""
        found = {ref for name in self.LOOKUP for ref in refs(cast("Value", getattr(self, name)))}
        return frozenset({*found, self.when.ref} if self.when else found)

    def dependencies(self) -> frozenset[str]:
        """Addresses that must be done first."""
        return frozenset({*self.after, *(ref.address for ref in self.references())})

    def conditional(self, when: Condition) -> Self:
        """The same resource, wanted only under a condition."""
        return replace(self, when=when)

    def resolved(self, lookup: Lookup) -> Self:
        """The same resource with the refs replaced that `lookup` knows."""
        known: dict[str, Any] = {
            item.name: resolve(cast("Value", value), lookup)
            for item in fields(self)
            if item.name not in ("after", "when", "outlives")
            and holds_ref(cast("Value", value := getattr(self, item.name)))
        }
        return replace(self, **known) if known else self
