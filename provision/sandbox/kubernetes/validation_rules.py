"""The `x-kubernetes-validations` of a schema, tried on an object and on what it replaces."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from provision.sandbox.kubernetes import causes, cel
from provision.sandbox.kubernetes.causes import Cause
from provision.sandbox.kubernetes.cel_syntax import SyntaxRefused
from provision.sandbox.kubernetes.structure import Schema, item_element

_ABSENT = object()

_NOT_TRIED = (
    "some validation rules were not checked because the object was invalid; "
    "correct the existing errors to complete validation"
)


def check(shape: Schema, body: Any, old: Any, *, blocked: bool) -> list[Cause]:
    """The rules that do not hold. `blocked`: the object has not the right form, nothing is tried."""
    if blocked:
        return [causes.invalid("<nil>", "null", _NOT_TRIED)] if _has_rules(shape) else []
    return list(_check(shape, body, _ABSENT if old is None else old, ""))


def _check(schema: Schema, value: Any, old: Any, path: str) -> Iterator[Cause]:
    for rule in schema.get("x-kubernetes-validations") or ():
        transition = re.search(r"\boldSelf\b", rule["rule"]) is not None
        if not transition or old is not _ABSENT:
            yield from _try(rule, schema, value, old, path)
    if isinstance(value, dict):
        was = old if isinstance(old, dict) else {}
        properties = schema.get("properties") or {}
        free = schema.get("additionalProperties")
        for name, part in value.items():
            below = properties.get(name, free)
            if isinstance(below, dict):
                at = f"{path}.{name}" if path else name
                yield from _check(below, part, was.get(name, _ABSENT), at)
    elif isinstance(value, list):
        before = _by_key(schema, old)
        for position, part in enumerate(value):
            was_part = before.get(item_element(schema, part), _ABSENT) if before else _ABSENT
            yield from _check(schema.get("items") or {}, part, was_part, f"{path}[{position}]")


def _try(rule: dict[str, str], schema: Schema, value: Any, old: Any, path: str) -> Iterator[Cause]:
    said = rule.get("message") or f"failed rule: {rule['rule']}"
    shown = schema.get("type") or "object"
    try:
        if not cel.holds(rule["rule"], self=value, **({} if old is _ABSENT else {"oldSelf": old})):
            yield causes.invalid(path, shown, said)
    except (cel.EvaluationError, SyntaxRefused) as error:
        yield causes.invalid(path, shown, f"{error} evaluating rule: {rule.get('message') or rule['rule']}")


def _by_key(schema: Schema, old: Any) -> dict[str, Any]:
    """Items of a keyed list by key; the items of other lists have no earlier self."""
    if not isinstance(old, list) or schema.get("x-kubernetes-list-type") != "map":
        return {}
    return {item_element(schema, item): item for item in old}


def _has_rules(schema: Schema) -> bool:
    if "x-kubernetes-validations" in schema:
        return True
    free = schema.get("additionalProperties")
    below = [*(schema.get("properties") or {}).values(), schema.get("items"), free]
    return any(_has_rules(each) for each in below if isinstance(each, dict))
