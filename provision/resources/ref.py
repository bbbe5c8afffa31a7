"""References to values that exist only after another resource was applied."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from provision.resources.values import Value


@dataclass(frozen=True, slots=True)
class Ref:
    """Output `output` of the resource at `address`, such as the principal id of an identity."""

    address: str
    output: str

    def __str__(self) -> str:
        return f"{self.address}.{self.output}"


Lookup = Callable[[Ref], Value]
"""Gives a ref's value, or the ref itself while it is not known."""


def resolve(value: Value, lookup: Lookup) -> Value:
    """The value with every ref replaced that `lookup` knows."""
    if isinstance(value, Ref):
        return lookup(value)
    if isinstance(value, tuple):
        return tuple(resolve(member, lookup) for member in value)
    if isinstance(value, frozenset):
        return frozenset(resolve(member, lookup) for member in value)
    if isinstance(value, Mapping):
        return {name: resolve(member, lookup) for name, member in value.items()}
    return value


def known(value: Value) -> str:
    """A value for a command line; what is not known yet is named in capitals, to be filled in."""
    return value.output.upper() if isinstance(value, Ref) else str(value)


def refs(value: Value) -> Iterator[Ref]:
    """Every ref inside a value."""
    if isinstance(value, str | int) or value is None:  # most values, and looking closer takes longer
        return
    if isinstance(value, Ref):
        yield value
    elif isinstance(value, tuple | frozenset):
        for member in value:
            yield from refs(member)
    elif isinstance(value, Mapping):
        for member in value.values():
            yield from refs(member)


def holds_ref(value: Value) -> bool:
    """Whether there is any ref inside a value, which is asked of every field again and again."""
    if isinstance(value, str | int) or value is None:
        return False
    if isinstance(value, tuple | frozenset):
        return any(map(holds_ref, value))
    if isinstance(value, Mapping):
        return any(map(holds_ref, value.values()))
    return isinstance(value, Ref)
