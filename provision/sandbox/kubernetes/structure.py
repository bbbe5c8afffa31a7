"""Objects seen through their structural schema: which parts merge field by field, and which are one value.

An object merges by field unless its map type is atomic; a list merges by item when its list type is map or
set, and is one value otherwise. Where the schema is silent, objects merge and lists do not.
Source: Kubernetes structured-merge-diff, typed (v6).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

from provision.sandbox.kubernetes.fields import (
    Fields,
    Path,
    field_element,
    key_element,
    prefixes,
    value_element,
)

Schema = Mapping[str, Any]

_LISTS_BY_ITEM = ("map", "set")


class DuplicateItemError(Exception):
    """A keyed list or set has one item twice. `path` is the item's."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.path = path


@dataclass(frozen=True, slots=True)
class Comparison:
    """What differs between two states of an object."""

    added: Fields
    removed: Fields
    modified: Fields


def child(schema: Schema, name: str) -> tuple[Schema, bool]:
    """The schema below a key, and whether the key is a declared field rather than a key of a map."""
    properties = schema.get("properties") or {}
    if name in properties:
        return properties[name], True
    free = schema.get("additionalProperties")
    return (free if isinstance(free, Mapping) else {}), False


def by_field(schema: Schema, value: object) -> bool:
    """Whether the value is an object whose fields have managers of their own."""
    return isinstance(value, dict) and schema.get("x-kubernetes-map-type") != "atomic"


def by_item(schema: Schema, value: object) -> bool:
    """Whether the value is a list whose items have managers of their own."""
    return isinstance(value, list) and schema.get("x-kubernetes-list-type") in _LISTS_BY_ITEM


def item_element(schema: Schema, item: Any) -> str:
    """The path element of an item of a keyed list or set; absent keys take their schema's default."""
    if schema.get("x-kubernetes-list-type") == "set" or not isinstance(item, dict):
        return value_element(item)
    properties = (schema.get("items") or {}).get("properties") or {}
    found = {}
    for key in schema.get("x-kubernetes-list-map-keys") or ():
        default = (properties.get(key) or {}).get("default")
        if key in item or default is not None:
            found[key] = item.get(key, default)
    return key_element(found)


def children(schema: Schema, value: Any) -> Iterator[tuple[str, Schema, bool, Any]]:
    """The parts below a value that merges: path element, schema, whether a declared field, and the part."""
    if by_field(schema, value):
        for name, part in value.items():
            below, declared = child(schema, name)
            yield field_element(name), below, declared, part
    elif by_item(schema, value):
        for part in value:
            yield item_element(schema, part), schema.get("items") or {}, False, part


def field_set(schema: Schema, value: Any, path: Path = ()) -> Fields:
    """The fields that someone who applies the value manages."""
    if not by_field(schema, value) and not by_item(schema, value):
        return frozenset([path])
    found: set[Path] = set()
    for element, below, declared, part in children(schema, value):
        at = (*path, element)
        if by_item(schema, value) and at in found:
            raise DuplicateItemError(at)
        found |= field_set(below, part, at)
        if not declared or part == {}:
            found.add(at)
    return frozenset(found)


def compare(schema: Schema, old: Any, new: Any) -> Comparison:
    """What is added, removed and modified between two objects."""
    found: tuple[set[Path], set[Path], set[Path]] = (set(), set(), set())
    _compare(schema, old, new, (), found)
    return Comparison(*(frozenset(each) for each in found))


def _compare(
    schema: Schema, old: Any, new: Any, path: Path, found: tuple[set[Path], set[Path], set[Path]]
) -> None:
    added, removed, modified = found
    fields = by_field(schema, old) and by_field(schema, new)
    if not fields and not (by_item(schema, old) and by_item(schema, new)):
        if old != new:
            modified.add(path)
        return
    was = {element: (below, part) for element, below, _, part in children(schema, old)}
    now = {element: (below, part) for element, below, _, part in children(schema, new)}
    for element in was | now:
        at = (*path, element)
        if element not in now:
            removed |= _everything(*was[element], at)
        elif element not in was:
            added |= _everything(*now[element], at)
        else:
            _compare(now[element][0], was[element][1], now[element][1], at, found)


def _everything(schema: Schema, value: Any, path: Path) -> set[Path]:
    found = {path}
    for element, below, _, part in children(schema, value):
        found |= _everything(below, part, (*path, element))
    return found


def merge(schema: Schema, live: Any, applied: Any) -> Any:
    """The live value with the applied one laid over it."""
    if by_field(schema, live) and by_field(schema, applied):
        merged = dict(live)
        for name, part in applied.items():
            merged[name] = merge(child(schema, name)[0], live[name], part) if name in live else part
        return merged
    if by_item(schema, live) and by_item(schema, applied):
        return _merge_items(schema, live, applied)
    return applied


def _merge_items(schema: Schema, live: Sequence[Any], applied: Sequence[Any]) -> list[Any]:
    """Applied items in their order, and each item that is only live at its place among the shared ones."""
    was = {item_element(schema, item): item for item in live}
    now = {item_element(schema, item): item for item in applied}
    below = schema.get("items") or {}
    shared = iter([element for element in now if element in was])
    marker = next(shared, None)
    heads = list(was)
    merged = []
    for element, item in now.items():
        while heads and heads[0] != marker:
            head = heads.pop(0)
            if head not in now:
                merged.append(was[head])
        merged.append(merge(below, was[element], item) if element in was else item)
        if element == marker:
            marker = next(shared, None)
            heads = heads[1:]
    return merged + [was[head] for head in heads if head not in now]


def remove(schema: Schema, value: Any, doomed: Fields) -> Any:
    """The value without the given fields and items, and without containers that this empties."""
    return _remove(schema, value, doomed, prefixes(doomed), ())


def _remove(schema: Schema, value: Any, doomed: Fields, above: Set[Path], path: Path) -> Any:
    kept: list[tuple[str, Any]] = []
    for element, below, _, part in children(schema, value):
        at = (*path, element)
        if at in doomed:
            continue
        if at in above and (by_field(below, part) or by_item(below, part)):
            left = _remove(below, part, doomed, above, at)
            if left or not part:
                kept.append((element, left))
        else:
            kept.append((element, part))
    if isinstance(value, dict):
        return {element.removeprefix("f:"): part for element, part in kept}
    return [part for _, part in kept]


def with_declared_parents(schema: Schema, fields: Fields) -> Fields:
    """The fields and, of what lies above them, the declared fields (not map keys, not list items)."""
    return fields | {
        path for path in prefixes(fields) if path and path[-1].startswith("f:") and _declared(schema, path)
    }


def _declared(schema: Schema, path: Path) -> bool:
    declared = False
    for element in path:
        if element.startswith("f:"):
            schema, declared = child(schema, element.removeprefix("f:"))
        else:
            schema, declared = schema.get("items") or {}, False
    return declared
