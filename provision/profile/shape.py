"""The shapes of the profile's dataclasses: what the decoder, the JSON Schema and saved plans read."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from typing import Any, NamedTuple

from provision.profile.keys import Pattern


class Text:
    """A string."""


class Integer:
    """A whole number."""


class Boolean:
    """True or false."""


class Choice(NamedTuple):
    """One of a few strings, or of a few whole numbers."""

    values: tuple[str | int, ...]


class Many(NamedTuple):
    """A list."""

    item: Shape


class Table(NamedTuple):
    """A mapping with keys of the user's choice."""

    value: Shape


class Object(NamedTuple):
    """A mapping with known keys."""

    type: type[Any]


class Variant(NamedTuple):
    """A mapping whose known keys depend on the value of its `key`."""

    key: str
    types: Mapping[str, type[Any]]


Shape = Text | Integer | Boolean | Choice | Many | Table | Object | Variant


class Field(NamedTuple):
    """One key of an object: its attribute, its YAML key, its shape and the rules for its value."""

    attribute: str
    key: str
    shape: Shape
    required: bool
    doc: str
    default: object = None
    pattern: Pattern | None = None
    keys: Pattern | None = None
    minimum: int | None = None
    maximum: int | None = None
    example: object = None


_FIELDS: dict[type[Any], tuple[Field, ...]] = {}


def fields_of(cls: type[Any]) -> tuple[Field, ...]:
    """The fields of a dataclass of the model, in the order in which they are declared."""
    if cls not in _FIELDS:
        hints = typing.get_type_hints(cls)
        _FIELDS[cls] = tuple(_field(each, hints[each.name]) for each in dataclasses.fields(cls))
    return _FIELDS[cls]


def _field(declared: dataclasses.Field[Any], annotation: Any) -> Field:
    rules = {name: value for name, value in declared.metadata.items() if name != "name"}
    factory = declared.default_factory
    default = declared.default if factory is dataclasses.MISSING else factory()
    required = default is dataclasses.MISSING
    return Field(
        attribute=declared.name,
        key=declared.metadata.get("name") or camel_case(declared.name),
        shape=shape_of(annotation),
        required=required,
        default=None if required else default,
        **rules,
    )


def shape_of(annotation: Any) -> Shape:
    """The shape of an annotation; `X | None` has the shape of X."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (typing.Union, types.UnionType):
        members = tuple(each for each in arguments if each is not type(None))
        return shape_of(members[0]) if len(members) == 1 else _variant(members)
    if origin is typing.Literal:
        return Choice(arguments)
    if origin is tuple:
        return Many(shape_of(arguments[0]))
    if origin is not None and issubclass(origin, Mapping):
        return Table(shape_of(arguments[1]))
    if dataclasses.is_dataclass(annotation):
        return Object(typing.cast("type[Any]", annotation))
    simple: dict[Any, Shape] = {str: Text(), int: Integer(), bool: Boolean()}
    return simple[annotation]


def _variant(members: tuple[type[Any], ...]) -> Variant:
    """Members of a union are told apart by their first field, a Literal of one value."""
    first = dataclasses.fields(members[0])[0].name
    types_by_value = {}
    for member in members:
        (value,) = typing.get_args(typing.get_type_hints(member)[first])
        types_by_value[value] = member
    return Variant(camel_case(first), types_by_value)


def camel_case(name: str) -> str:
    head, *tail = name.split("_")
    return head + "".join(part.capitalize() for part in tail)
