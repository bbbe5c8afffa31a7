"""Values against their OpenAPI schema: types, limits, patterns, enumerations, unique items.

Source of the wording: Kubernetes apiextensions-apiserver, apiserver/validation, and kube-openapi, validation.
"""

from __future__ import annotations

import ipaddress
import re
import uuid
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from provision.sandbox.kubernetes import causes
from provision.sandbox.kubernetes.causes import Cause
from provision.sandbox.kubernetes.structure import Schema, item_element

_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
}

_BLOCKING = (
    causes.REQUIRED,
    causes.NOT_SUPPORTED,
    causes.TOO_LONG,
    causes.TOO_MANY,
    causes.TYPE_INVALID,
)


def check(schema: Schema, value: Any, path: str = "") -> list[Cause]:
    """What the schema has against the value."""
    return list(_check(schema, value, path))


def blocks(found: Iterable[Cause]) -> bool:
    """Whether validation rules are not even tried, because the object has not the right form."""
    return any(cause.reason in _BLOCKING for cause in found)


def _check(schema: Schema, value: Any, path: str) -> Iterator[Cause]:
    if value is None and schema.get("nullable"):
        return
    wanted = schema.get("type")
    if wanted and not _is(wanted, value):
        yield causes.wrong_type(path, value, wanted)
        return
    if "enum" in schema and value not in schema["enum"]:
        yield causes.unsupported(path, value, schema["enum"])
    if isinstance(value, str):
        yield from _check_text(schema, value, path)
    elif isinstance(value, bool):
        pass
    elif isinstance(value, (int, float)):
        yield from _check_number(schema, value, path)
    elif isinstance(value, list):
        yield from _check_list(schema, value, path)
    elif isinstance(value, dict):
        yield from _check_object(schema, value, path)
    yield from _check_choices(schema, value, path)


def _is(wanted: str, value: Any) -> bool:
    if isinstance(value, bool) and wanted != "boolean":
        return False
    return isinstance(value, _TYPES[wanted])


def _check_text(schema: Schema, value: str, path: str) -> Iterator[Cause]:
    most, least = schema.get("maxLength"), schema.get("minLength", 0)
    if most is not None and len(value) > most:
        yield causes.too_long(path, most)
    if len(value) < least:
        yield causes.invalid(path, value, f"{path} in body should be at least {least} chars long")
    pattern = schema.get("pattern")
    if pattern and not re.search(pattern, value):
        yield causes.invalid(path, value, f"{path} in body should match '{pattern}'")
    form = schema.get("format")
    if form in _FORMATS and not _FORMATS[form](value):
        yield causes.invalid(path, value, f"{path} in body must be of type {form}: {causes.shown(value)}")


def _check_number(schema: Schema, value: float, path: str) -> Iterator[Cause]:
    least, most = schema.get("minimum"), schema.get("maximum")
    if least is not None and value < least:
        yield causes.invalid(path, value, f"{path} in body should be greater than or equal to {least}")
    if most is not None and value > most:
        yield causes.invalid(path, value, f"{path} in body should be less than or equal to {most}")


def _check_list(schema: Schema, value: Sequence[Any], path: str) -> Iterator[Cause]:
    least, most = schema.get("minItems", 0), schema.get("maxItems")
    if most is not None and len(value) > most:
        yield causes.too_many(path, len(value), most)
    if len(value) < least:
        yield causes.invalid(path, len(value), f"{path} in body should have at least {least} items")
    seen = set()
    for position, item in enumerate(value):
        at = f"{path}[{position}]"
        yield from _check(schema.get("items") or {}, item, at)
        if schema.get("x-kubernetes-list-type") in ("map", "set"):
            element = item_element(schema, item)
            if element in seen:
                yield causes.duplicate(at, _keys(schema, item))
            seen.add(element)


def _keys(schema: Schema, item: Any) -> Any:
    keys = schema.get("x-kubernetes-list-map-keys") or ()
    return {key: item[key] for key in keys if key in item} if isinstance(item, dict) else item


def _check_object(schema: Schema, value: dict[str, Any], path: str) -> Iterator[Cause]:
    most = schema.get("maxProperties")
    if most is not None and len(value) > most:
        yield causes.too_many(path, len(value), most)
    for name in schema.get("required") or ():
        if name not in value:
            yield causes.required(_join(path, name))
    properties = schema.get("properties") or {}
    free = schema.get("additionalProperties")
    for name, part in value.items():
        below = properties.get(name, free)
        if isinstance(below, dict):
            yield from _check(below, part, _join(path, name))


def _check_choices(schema: Schema, value: Any, path: str) -> Iterator[Cause]:
    if "anyOf" in schema and not _fitting(schema["anyOf"], value, path):
        yield causes.invalid(path, value, f'"{path}" must validate at least one schema (anyOf)')
    if "oneOf" in schema:
        count = _fitting(schema["oneOf"], value, path)
        if count != 1:
            found = "none valid" if not count else f"{count} valid alternatives"
            detail = f'"{path}" must validate one and only one schema (oneOf). Found {found}'
            yield causes.invalid(path, value, detail)
    if "not" in schema and not check(schema["not"], value, path):
        yield causes.invalid(path, value, f'"{path}" must not validate the schema (not)')
    for each in schema.get("allOf") or ():
        yield from _check(each, value, path)


def _fitting(schemas: Sequence[Schema], value: Any, path: str) -> int:
    return sum(not check(each, value, path) for each in schemas)


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _parses(read: Any) -> Any:
    def accepts(value: str) -> bool:
        try:
            read(value)
        except ValueError:
            return False
        return True

    return accepts


_FORMATS: dict[str, Any] = {
    "date-time": _parses(datetime.fromisoformat),
    "ipv4": _parses(ipaddress.IPv4Address),
    "ipv6": _parses(ipaddress.IPv6Address),
    "uuid": _parses(uuid.UUID),
}
