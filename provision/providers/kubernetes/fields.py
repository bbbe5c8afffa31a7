"""Fields of an object: by property path, and by who manages them.

A path is as `provision.resources.manifest.leaves` writes it; managed fields are as the API server
keeps them: `f:` a field, `k:` a member of a list by its keys, `v:` a member of a set.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from provision.resources.manifest import FIELD_MANAGER
from provision.resources.values import Value

_STEP = re.compile(r"\[([^\]]*)\]|([^.\[\]]+)")

Node = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Manager:
    """One entry of `metadata.managedFields`: who, by apply or by update, when, which fields."""

    name: str
    applied: bool
    time: str
    fields: Node

    @property
    def is_ours(self) -> bool:
        return self.name == FIELD_MANAGER and self.applied


def managers(live: Mapping[str, Any]) -> list[Manager]:
    """Those of the object itself; a subresource's (status) are of no interest."""
    entries = live["metadata"].get("managedFields") or []
    return [
        Manager(
            str(entry.get("manager", "")),
            entry.get("operation") == "Apply",
            str(entry.get("time", "")),
            entry.get("fieldsV1") or {},
        )
        for entry in entries
        if not entry.get("subresource")
    ]


def at(body: Any, path: str) -> Value:
    """What an object has at a path, None where it has nothing."""
    for step in steps(path):
        if isinstance(body, Mapping):
            body = body.get(step)
        elif isinstance(body, Sequence) and not isinstance(body, str):
            body = next(
                (each for each in body if isinstance(each, Mapping) and each.get("name") == step), None
            )
        else:
            return None
    return value(body)


def steps(path: str) -> list[str]:
    """`spec.listeners[https].port` as its steps; a bracket holds a key with dots or a member's name."""
    return [bracketed or plain for bracketed, plain in _STEP.findall(path)]


def joined(above: str, key: str) -> str:
    """The path of a field below another path."""
    if "." in key or "/" in key:
        return f"{above}[{key}]"
    return f"{above}.{key}" if above else key


def value(body: Any) -> Value:
    """JSON as a property value: lists as tuples, all the way down."""
    if isinstance(body, Mapping):
        return {key: value(member) for key, member in body.items()}
    if isinstance(body, list | tuple):
        return tuple(value(member) for member in body)
    found: Value = body
    return found


def manages(fields: Node, path: str) -> bool:
    """Whether managed fields hold what is at a path, or all that is around it."""
    for step in steps(path):
        if not fields:
            return True  # the whole of an atomic field
        inner = fields.get(f"f:{step}")
        if inner is None:
            inner = next((node for key, node in fields.items() if _keys(key).get("name") == step), None)
        if inner is None:
            return False
        fields = inner
    return True


def surplus(live: Mapping[str, Any], applied: Mapping[str, Any]) -> dict[str, Value]:
    """What our manager still holds on a live object though `applied`, the document as it would be applied
    now, does not have it."""
    ours = [manager.fields for manager in managers(live) if manager.is_ours]
    return {path: found for fields in ours for path, found in _undeclared(fields, live, applied, "")}


def _undeclared(fields: Node, live: Any, applied: Any, above: str) -> Iterator[tuple[str, Value]]:
    if not isinstance(applied, Mapping | list | tuple):
        return  # a value that is not known yet
    for key, inner in fields.items():
        theirs, mine = _member(live, key), _member(applied, key)
        if key == "." or theirs is None:
            continue
        path = _path(above, key)
        if mine is None and (not inner or not key.startswith("f:")):
            yield path, value(theirs)
        else:
            # Of a whole that is not declared any more, others may hold parts.
            rest = type(theirs)() if mine is None else mine
            yield from _undeclared(inner, theirs, rest, path)


def _member(body: Any, key: str) -> Any:
    """What a managed field's key stands for in an object or list, None where it is not there."""
    if isinstance(body, Mapping):
        return body.get(key[2:]) if key.startswith("f:") else None
    if key.startswith("v:"):
        wanted = json.loads(key[2:])
        return next((each for each in body if each == wanted), None)
    keys = _keys(key)
    # A key that a member leaves out has its default, which only the API server knows.
    fitting = (
        each
        for each in body
        if isinstance(each, Mapping) and all(each.get(k, v) == v for k, v in keys.items())
    )
    return next(fitting, None) if keys else None


def _keys(key: str) -> Node:
    """The keys of a list's member, empty for a key of another sort."""
    found: Node = json.loads(key[2:]) if key.startswith("k:") else {}
    return found


def _path(above: str, key: str) -> str:
    if key.startswith("f:"):
        return joined(above, key[2:])
    keys = _keys(key)
    listed = ",".join(f"{name}={each}" for name, each in keys.items())
    return f"{above}[{keys.get('name') or listed or json.loads(key[2:])}]"
