"""Sets of an object's fields, as `metadata.managedFields` writes them (FieldsV1).

A path is a tuple of elements in FieldsV1 notation: `f:<name>` for a field or map key, `k:<json>` for the item
of a keyed list, `v:<json>` for the item of a set. A set of fields is a plain set of paths.
Source: Kubernetes structured-merge-diff, fieldpath (v6).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Set

from provision.sandbox.http import Json

Path = tuple[str, ...]
Fields = frozenset[Path]


def field_element(name: str) -> str:
    """The element of a field or of a map key."""
    return f"f:{name}"


def key_element(keys: Json) -> str:
    """The element of a keyed list's item. `keys` holds the key fields that the item has."""
    return f"k:{_compact(keys)}"


def value_element(value: object) -> str:
    """The element of a set's item."""
    return f"v:{_compact(value)}"


def encode(fields: Iterable[Path]) -> Json:
    """The FieldsV1 tree: an empty object for a leaf, `"."` where a path with children is itself a member."""
    tree: Json = {}
    for path in sorted(fields):
        node = tree
        for element in path:
            node = node.setdefault(element, {})
        node["."] = {}
    return _without_lone_dots(tree)


def decode(tree: Json) -> Fields:
    """The paths of a FieldsV1 tree."""
    return frozenset(_paths(tree, ()))


def prefixes(fields: Iterable[Path]) -> Set[Path]:
    """Every proper prefix of the paths."""
    return {path[:length] for path in fields for length in range(len(path))}


def text(path: Path) -> str:
    """The path as conflicts print it: `.spec.listeners[name="https"].port`."""
    return "".join(_element_text(element) for element in path)


def _element_text(element: str) -> str:
    notation, _, content = element.partition(":")
    if notation == "f":
        return f".{content}"
    if notation == "k":
        keys = json.loads(content)
        return "[" + ",".join(f"{name}={_compact(value)}" for name, value in sorted(keys.items())) + "]"
    return f"[={content}]" if notation == "v" else f"[{content}]"


def _paths(tree: Json, path: Path) -> Iterable[Path]:
    if not tree and path:
        yield path
    for element, below in tree.items():
        if element == ".":
            yield path
        else:
            yield from _paths(below, (*path, element))


def _without_lone_dots(tree: Json) -> Json:
    if set(tree) == {"."}:
        return {}
    return {element: _without_lone_dots(below) if element != "." else {} for element, below in tree.items()}


def _compact(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
