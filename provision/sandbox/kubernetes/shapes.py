"""Short words for structural schemas: the OpenAPI v3 subset that CustomResourceDefinitions use."""

from __future__ import annotations

from collections.abc import Sequence

from provision.sandbox.http import Json

PRESERVED: Json = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
"""An object of any content."""

BOOLEAN: Json = {"type": "boolean"}

INT_OR_STRING: Json = {"x-kubernetes-int-or-string": True, "anyOf": [{"type": "integer"}, {"type": "string"}]}


def text(
    *,
    least: int | None = None,
    most: int | None = None,
    pattern: str = "",
    values: Sequence[str] = (),
    default: str | None = None,
    form: str = "",
) -> Json:
    """A string: its length, pattern, allowed values, default and format."""
    shape: Json = {"type": "string"}
    limits = {"minLength": least, "maxLength": most, "default": default}
    shape |= {key: value for key, value in limits.items() if value is not None}
    words = {"pattern": pattern, "format": form, "enum": list(values)}
    return shape | {key: value for key, value in words.items() if value}


def integer(
    *,
    least: int | None = None,
    most: int | None = None,
    values: Sequence[int] = (),
    default: int | None = None,
    form: str = "int32",
) -> Json:
    """A whole number, 32 bits unless told."""
    shape: Json = {"type": "integer", "format": form}
    limits = {"minimum": least, "maximum": most, "default": default}
    shape |= {key: value for key, value in limits.items() if value is not None}
    return shape | ({"enum": list(values)} if values else {})


def record(required: Sequence[str] = (), /, **properties: Json) -> Json:
    """An object of known properties. A trailing underscore keeps a name clear of Python's own words."""
    shape: Json = {"type": "object"}
    if properties:
        shape["properties"] = {name.rstrip("_"): each for name, each in properties.items()}
    return shape | ({"required": list(required)} if required else {})


def mapping(values: Json, *, most: int | None = None) -> Json:
    """An object of free keys whose values have one shape."""
    shape: Json = {"type": "object", "additionalProperties": values}
    return shape | ({"maxProperties": most} if most is not None else {})


def array(
    items: Json,
    *,
    keys: Sequence[str] = (),
    unique: bool = False,
    least: int | None = None,
    most: int | None = None,
) -> Json:
    """A list: merged by `keys` (a list of type map), as a set, or, without either, replaced whole."""
    shape: Json = {"type": "array", "items": items}
    if keys:
        shape |= {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": list(keys)}
    elif unique:
        shape["x-kubernetes-list-type"] = "set"
    limits = {"minItems": least, "maxItems": most}
    return shape | {key: value for key, value in limits.items() if value is not None}


def atomic(shape: Json) -> Json:
    """An object that server-side apply replaces as one value."""
    return shape | {"x-kubernetes-map-type": "atomic"}


def ruled(shape: Json, *rules: tuple[str, str]) -> Json:
    """The shape with validation rules, each (CEL expression, message); an empty message quotes the rule."""
    told: list[Json] = [
        {"rule": rule, "message": message} if message else {"rule": rule} for rule, message in rules
    ]
    return shape | {"x-kubernetes-validations": [*shape.get("x-kubernetes-validations", []), *told]}


def defaulted(shape: Json, value: object) -> Json:
    """The shape with a default."""
    return shape | {"default": value}


def partial(shape: Json) -> Json:
    """An object of which only some properties are described; the others are taken as they come."""
    return shape | {"x-kubernetes-preserve-unknown-fields": True}
