"""YAML as immutable trees that remember where each value was written.

Trees are what overlays are merged from, variables replaced in and dataclasses decoded from; each of
these steps takes a tree and returns a new one. Nodes are named tuples, which take a third of a
dataclass's time to import: `validate` counts in milliseconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple, overload

from provision.errors import Problem

Path = tuple[str | int, ...]
"""Keys and list indexes from the root, such as `("dns", "records", 0, "values")`."""

Kind = Literal["text", "integer", "number", "boolean", "date", "nothing", "missing"]
"""What a scalar is in YAML; `missing`: the value of a variable that is not set."""


class Place(NamedTuple):
    """Where something is written. `line` and `column` count from 1; 0 means the file as a whole."""

    file: str
    line: int = 0
    column: int = 0


class Scalar(NamedTuple):
    """A single value.

    `written` is the text in the file when variables were replaced in it, else empty. Such a value
    counts as whatever is wanted, because its author can't know how YAML would read the variable.
    """

    place: Place
    text: str
    kind: Kind
    written: str = ""


class List(NamedTuple):
    place: Place
    items: tuple[Node, ...]


class Entry(NamedTuple):
    """A key's place, and its value."""

    place: Place
    value: Node


class Map(NamedTuple):
    place: Place
    entries: Mapping[str, Entry]


Node = Scalar | List | Map


def path_text(path: Path) -> str:
    """As a reader writes it: `dns.records[0].values`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{part}" if text else part
    return text


def problem_at(place: Place, message: str, hint: str = "") -> Problem:
    return Problem(place.file, place.line, place.column, message, hint)


_MOST = 20


def few(problems: list[Problem]) -> list[Problem]:
    """The first problems of a kind, and how many are left.

    One mistake, such as a $TTL that is missing in a zone file, can be a problem of thousands of lines.
    """
    if len(problems) <= _MOST + 1:
        return problems
    place = problems[_MOST]
    message = f"and {len(problems) - _MOST} more like these from here on"
    return [*problems[:_MOST], Problem(place.file, place.line, place.column, message)]


def is_nothing(node: Node) -> bool:
    return isinstance(node, Scalar) and node.kind == "nothing"


@overload
def from_plain(value: Mapping[str, object], place: Place) -> Map: ...
@overload
def from_plain(value: object, place: Place) -> Node: ...
def from_plain(value: object, place: Place) -> Node:
    """The tree of a JSON value; every node is at `place`."""
    match value:
        case Mapping():
            return Map(place, {str(k): Entry(place, from_plain(v, place)) for k, v in value.items()})
        case list() | tuple():
            return List(place, tuple(from_plain(each, place) for each in value))
        case None:
            return Scalar(place, "null", "nothing")
        case bool():
            return Scalar(place, "true" if value else "false", "boolean")
        case int():
            return Scalar(place, str(value), "integer")
        case float():
            return Scalar(place, str(value), "number")
        case _:
            return Scalar(place, str(value), "text")
