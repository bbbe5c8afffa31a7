"""Trees with positions → the dataclasses of the model.

All problems come at once, each at the very value, with what to write instead. A library for this would
need more time to import than `validate` has, and knows neither positions nor our words.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeGuard

from provision.errors import Problem
from provision.profile.nodes import (
    Entry,
    List,
    Map,
    Node,
    Path,
    Place,
    Scalar,
    is_nothing,
    path_text,
    problem_at,
)
from provision.profile.scalars import RefusedError, described, read_scalar, wanted
from provision.profile.shape import (
    Choice,
    Field,
    Many,
    Object,
    Shape,
    Table,
    Variant,
    fields_of,
)


class _Failed:
    """Stands for a value that has a problem."""


FAILED = _Failed()


@dataclass(slots=True)
class Decoder:
    """Decodes values and gathers their problems and places."""

    problems: list[Problem] = field(default_factory=list)
    places: dict[Path, Place] = field(default_factory=dict)

    def decode(self, node: Node, shape: Shape, path: Path, rules: Field | None = None) -> Any:
        """The value, or FAILED after a problem was reported."""
        self.places.setdefault(path, node.place)
        if isinstance(node, Scalar) and node.kind == "missing":
            return FAILED
        match shape:
            case Object():
                return self._object(node, shape.type, path)
            case Variant():
                return self._variant(node, shape, path)
            case Table():
                return self._table(node, shape, path, rules)
            case Many():
                return self._many(node, shape, path, rules)
        self.places[path] = node.place
        if not isinstance(node, Scalar) or node.kind == "nothing":
            return self._wrong(node, path, wanted(shape))
        try:
            return read_scalar(node, shape, rules)
        except RefusedError as refused:
            return self._report(node.place, path, refused.message, refused.hint)

    def _object(self, node: Node, cls: type[Any], path: Path, siblings: Iterable[type[Any]] = ()) -> Any:
        if not isinstance(node, Map):
            keys = ", ".join(each.key for each in fields_of(cls) if each.required)
            return self._wrong(node, path, "a mapping" + (f" with {keys}" if keys else ""))
        known = {each.key: each for each in fields_of(cls)}
        for key, entry in node.entries.items():
            if key not in known:
                self._unknown_key(key, entry, known, cls, path, siblings)
        values: dict[str, Any] = {}
        lacking: list[Field] = []
        for key, each in known.items():
            found = node.entries.get(key)
            if found is None:
                if each.required:
                    lacking.append(each)
                continue
            at = (*path, key)
            self.places[at] = found.place
            if not (is_nothing(found.value) and not each.required):
                values[each.attribute] = self.decode(found.value, each.shape, at, each)
        if lacking:
            self._lacks(node, path, lacking)
        if lacking or any(value is FAILED for value in values.values()):
            return FAILED
        return cls(**values)

    def _variant(self, node: Node, shape: Variant, path: Path) -> Any:
        if not isinstance(node, Map):
            return self._wrong(node, path, f"a mapping with {shape.key}")
        option = node.entries.get(shape.key)
        if option is None:
            choices = ", ".join(shape.types)
            return self._report(
                self._at(path, node), path, f"lacks `{shape.key}`", f"It is one of {choices}."
            )
        at = (*path, shape.key)
        name = self.decode(option.value, Choice(tuple(shape.types)), at)
        if name is FAILED:
            return FAILED
        cls = shape.types[name]
        return self._object(node, cls, path, [each for each in shape.types.values() if each is not cls])

    def _table(self, node: Node, shape: Table, path: Path, rules: Field | None) -> Any:
        if not isinstance(node, Map):
            return self._wrong(node, path, "a mapping of names to settings")
        values: dict[str, Any] = {}
        for key, entry in node.entries.items():
            at = (*path, key)
            self.places[at] = entry.place
            pattern = rules.keys if rules else None
            if pattern is not None and not re.fullmatch(pattern.regex, key):
                also = " Variables are not replaced in keys." if "${" in key else ""
                self._report(
                    entry.place, path, f"can't have the key `{key}`", f"Write {pattern.instead}.{also}"
                )
            values[key] = self.decode(entry.value, shape.value, at)
        return FAILED if any(value is FAILED for value in values.values()) else values

    def _many(self, node: Node, shape: Many, path: Path, rules: Field | None) -> Any:
        if not isinstance(node, List):
            return self._wrong(node, path, f"a list such as [{node.text}]" if _is_text(node) else "a list")
        values = tuple(self.decode(item, shape.item, (*path, i), rules) for i, item in enumerate(node.items))
        if rules and rules.minimum is not None and len(values) < rules.minimum:
            return self._report(
                node.place, path, f"needs at least {rules.minimum} value{'s' * (rules.minimum > 1)}"
            )
        if rules and rules.maximum is not None and len(values) > rules.maximum:
            return self._report(
                node.place, path, f"has {len(values)} values; at most {rules.maximum} are possible"
            )
        return FAILED if any(value is FAILED for value in values) else values

    def _unknown_key(
        self,
        key: str,
        entry: Entry,
        known: Iterable[str],
        cls: type[Any],
        path: Path,
        siblings: Iterable[type[Any]],
    ) -> None:
        known = list(known)
        owners = [each for each in siblings if any(other.key == key for other in fields_of(each))]
        near = difflib.get_close_matches(key, known, 1)
        if owners:
            others = " and ".join(_option_of(each) for each in owners)
            message, hint = (
                f"`{key}` is a setting of {others}, not of {_option_of(cls)}",
                f"Remove it, or use {others}.",
            )
        else:
            message = f"`{key}` is not a key of " + (f"`{path_text(path)}`" if path else "a profile")
            hint = f"Did you mean `{near[0]}`?" if near else f"Its keys are {', '.join(known)}."
        self.problems.append(problem_at(entry.place, message, hint))

    def _lacks(self, node: Map, path: Path, lacking: list[Field]) -> None:
        listed = words([f"`{each.key}`" for each in lacking])
        hint = " ".join(f"{each.key}: {each.doc}" for each in lacking)
        self._report(self._at(path, node), path, f"lacks {listed}", hint)

    def _at(self, path: Path, node: Node) -> Place:
        """Where to point for a block as a whole: the key that names it."""
        return self.places.get(path, node.place)

    def _wrong(self, node: Node, path: Path, what: str) -> Any:
        if is_nothing(node):
            return self._report(self._at(path, node), path, "has no value", f"Write {what}, or remove it.")
        return self._report(node.place, path, f"must be {what}, not {described(node)}")

    def _report(self, place: Place, path: Path, message: str, hint: str = "") -> Any:
        subject = path_text(path) or "the profile"
        self.problems.append(problem_at(place, f"{subject} {message}", hint))
        return FAILED


def words(names: Sequence[str]) -> str:
    """`a, b and c`."""
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def _is_text(node: Node) -> TypeGuard[Scalar]:
    return isinstance(node, Scalar) and node.kind == "text" and not node.written


def _option_of(cls: type[Any]) -> str:
    """The value that tells a member of a union from the others: its first field's only choice."""
    shape = fields_of(cls)[0].shape
    return str(shape.values[0]) if isinstance(shape, Choice) else cls.__name__
