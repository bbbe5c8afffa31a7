"""The JSON Schema of a profile, for editors.

Every object is there twice: whole, with its required keys, and as a part, where anything may be left
out or null: for files that extend others, and for those that are extended. A value may be a variable.
"""

from __future__ import annotations

from typing import Any

from provision.profile.keys import Pattern
from provision.profile.model import Profile
from provision.profile.shape import (
    Boolean,
    Choice,
    Field,
    Integer,
    Many,
    Object,
    Shape,
    Table,
    Text,
    Variant,
    fields_of,
)

Schema = dict[str, Any]

_HAS_VARIABLE = r"\$\{"
_VARIABLE: Schema = {
    "description": "A value from the environment.",
    "type": "string",
    "pattern": r"\$\{[A-Za-z_][A-Za-z0-9_]*(:-[^}]*)?\}",
}
_EXTENDS: Schema = {
    "description": "File or files, relative to this one, that this file is laid over: mappings merge key by"
    " key, later files win, lists are replaced, null removes a key.",
    "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}],
}


def json_schema() -> Schema:
    """The schema as a JSON value (draft 2020-12)."""
    definitions: dict[str, Schema] = {"variable": _VARIABLE}
    whole = _reference(Profile, False, definitions)
    part = _reference(Profile, True, definitions)
    for name in ("Profile", "ProfilePart"):
        definitions[name]["properties"] = {"extends": _EXTENDS, **definitions[name]["properties"]}
    is_part = [
        {"required": ["extends"]},
        {"not": {"anyOf": [{"required": ["name"]}, {"required": ["cluster"]}]}},
    ]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "provision profile",
        "description": "One cluster's ingress: everything `provision apply` makes true.",
        "type": "object",
        "if": {"anyOf": is_part},
        "then": part,
        "else": whole,
        "$defs": definitions,
    }


def _reference(cls: type[Any], part: bool, definitions: dict[str, Schema]) -> Schema:
    """A reference to the definition of a dataclass, which is added when it is not there yet."""
    name = cls.__name__ + ("Part" if part else "")
    if name not in definitions:
        definitions[name] = {}  # before its properties, which may refer to it
        definitions[name] = _object(cls, part, definitions)
    return {"$ref": f"#/$defs/{name}"}


def _object(cls: type[Any], part: bool, definitions: dict[str, Schema]) -> Schema:
    fields = fields_of(cls)
    schema: Schema = {
        "description": (cls.__doc__ or "").strip(),
        "type": "object",
        "properties": {each.key: _property(each, part, definitions) for each in fields},
        "additionalProperties": False,
    }
    required = [each.key for each in fields if each.required]
    return schema if part or not required else {**schema, "required": required}


def _property(field: Field, part: bool, definitions: dict[str, Schema]) -> Schema:
    schema = _shape(field.shape, field, part, definitions)
    if part or not field.required:
        schema = _or_null(schema)
    about: Schema = {"description": field.doc}
    if isinstance(field.default, str | int):
        about["default"] = field.default
    if field.example is not None:
        about["examples"] = [field.example]
    return {**about, **schema}


def _or_null(schema: Schema) -> Schema:
    if isinstance(schema.get("type"), str):
        return {**schema, "type": [schema["type"], "null"]}
    if "anyOf" in schema:
        return {"anyOf": [*schema["anyOf"], {"type": "null"}]}
    return {"anyOf": [schema, {"type": "null"}]}


def _shape(shape: Shape, field: Field, part: bool, definitions: dict[str, Schema]) -> Schema:
    match shape:
        case Text():
            return _text(field)
        case Integer():
            return _or_variable({"type": "integer", **_limits(field, "minimum", "maximum")})
        case Boolean():
            return _or_variable({"type": "boolean"})
        case Choice():
            return _or_variable({"enum": list(shape.values)})
        case Many():
            # A list replaces the one below it, so that its members are always whole.
            items = _shape(shape.item, field, False, definitions)
            return {"type": "array", "items": items, **_limits(field, "minItems", "maxItems")}
        case Table():
            value = _shape(shape.value, field, part, definitions)
            names = {"propertyNames": {"pattern": _whole(field.keys)}} if field.keys else {}
            return {"type": "object", "additionalProperties": _or_null(value) if part else value, **names}
        case Variant():
            return {"anyOf": [_reference(each, part, definitions) for each in shape.types.values()]}
        case Object():
            return _reference(shape.type, part, definitions)


def _text(field: Field) -> Schema:
    if field.pattern is None:
        return {"type": "string"}
    return {"type": "string", "pattern": f"{_whole(field.pattern)}|{_HAS_VARIABLE}"}


def _whole(pattern: Pattern) -> str:
    return f"^(?:{pattern.regex})$"


def _or_variable(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"$ref": "#/$defs/variable"}]}


def _limits(field: Field, least: str, most: str) -> Schema:
    limits = {least: field.minimum, most: field.maximum}
    return {name: value for name, value in limits.items() if value is not None}
