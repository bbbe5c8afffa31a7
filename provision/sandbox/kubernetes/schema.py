"""Structural schemas at work: defaulting, pruning and validation, worded as the API server does."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from provision.sandbox.documents import copied
from provision.sandbox.http import Json
from provision.sandbox.kubernetes import (
    built_in_defaults,
    built_in_rules,
    causes,
    names,
    validation,
    validation_rules,
)
from provision.sandbox.kubernetes.causes import Cause
from provision.sandbox.kubernetes.object_schema import object_schema
from provision.sandbox.kubernetes.objects import Kind
from provision.sandbox.kubernetes.structure import Schema

__all__ = ["Cause", "check", "default", "prune", "unknown_fields"]


def default(kind: Kind, body: Json) -> Json:
    """The object with the defaults of its kind filled in; the argument is left alone.

    A null goes, as if it were absent, unless the schema lets it stand.
    """
    body = copied(body)
    shape = object_schema(kind)
    _default(shape, body)
    return body if _misshapen(validation.check(shape, body)) else built_in_defaults.fill(kind, body)


def prune(kind: Kind, body: Json) -> Json:
    """The object without the fields its schema does not know; the argument is left alone."""
    body = copied(body)
    for holder, name, _ in list(_unknown(object_schema(kind), body, "")):
        del holder[name]
    return body


def unknown_fields(kind: Kind, body: Json) -> list[str]:
    """Paths of the fields that `prune` drops, for fieldValidation Warn and Strict: `spec.foo`."""
    return [path for _, _, path in _unknown(object_schema(kind), body, "")]


def check(kind: Kind, body: Json, old: Json | None = None) -> list[Cause]:
    """What is wrong with a defaulted object. `old` is what it replaces: some fields may not change, and
    nothing is said of those that don't (CRD validation ratcheting, Kubernetes 1.30 and later)."""
    shape = object_schema(kind)
    if old is not None and only_metadata_changes(body, old):
        found = validation.check({**shape, "required": ()}, {"metadata": body["metadata"]})
        return found if _misshapen(found) else [*names.check(kind, body), *found]
    found = validation.check(shape, body)
    if not _misshapen(found):
        found = [*names.check(kind, body), *found, *built_in_rules.check(kind, body, old)]
    return [*found, *validation_rules.check(shape, body, old, blocked=validation.blocks(found))]


def only_metadata_changes(body: Json, old: Json) -> bool:
    """Whether an object is what it was, but for its metadata and a status, which is written apart."""
    return all(body.get(key) == old.get(key) for key in {*body, *old} - {"metadata", "status"})


def _misshapen(found: Iterable[Cause]) -> bool:
    """Whether something has another type than its schema says, so that its parts cannot be looked at."""
    return any(cause.reason == causes.TYPE_INVALID for cause in found)


def _default(schema: Schema, value: Any) -> None:
    if isinstance(value, dict):
        properties = schema.get("properties") or {}
        for name in [name for name, part in value.items() if part is None]:
            below = properties.get(name, {})
            if not below.get("nullable") and not below.get("x-kubernetes-preserve-unknown-fields"):
                del value[name]
        for name, below in properties.items():
            if "default" in below and name not in value:
                value[name] = copied(below["default"])
        for name, part in value.items():
            _default(_below(schema, name) or {}, part)
    elif isinstance(value, list):
        for part in value:
            _default(schema.get("items") or {}, part)


def _unknown(schema: Schema, value: Any, path: str) -> Iterator[tuple[Json, str, str]]:
    """The unknown fields: what holds each, its name there, and its path."""
    if isinstance(value, dict):
        for name, part in value.items():
            at = f"{path}.{name}" if path else name
            below = _below(schema, name)
            if below is not None:
                yield from _unknown(below, part, at)
            elif not _open(schema):
                yield value, name, at
    elif isinstance(value, list):
        for position, part in enumerate(value):
            yield from _unknown(schema.get("items") or {}, part, f"{path}[{position}]")


def _below(schema: Schema, name: str) -> Schema | None:
    properties: Mapping[str, Schema] = schema.get("properties") or {}
    free = schema.get("additionalProperties")
    if name in properties:
        return properties[name]
    return free if isinstance(free, Mapping) else None


def _open(schema: Schema) -> bool:
    """Whether fields that the schema does not name may stay."""
    return bool(
        not schema
        or schema.get("x-kubernetes-preserve-unknown-fields")
        or schema.get("additionalProperties")
        or schema.get("x-kubernetes-embedded-resource")
    )
