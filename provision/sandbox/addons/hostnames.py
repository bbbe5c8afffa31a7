"""Host names with a leading wildcard, and selectors of labels: how listeners and routes match."""

from __future__ import annotations

from collections.abc import Mapping

from provision.sandbox.azure import Json


def overlap(first: str, second: str) -> str | None:
    """The more specific of two host names that match each other, None when they don't.

    An empty name matches all; `*.a.b` matches every name below `a.b` but not `a.b`.
    """
    first, second = first.lower(), second.lower()
    if not first or first == second:
        return second
    if not second:
        return first
    if len(second) < len(first) or (len(first) == len(second) and second.startswith("*.")):
        first, second = second, first
    return second if first.startswith("*.") and second.endswith(first[1:]) else None


def selects(selector: Json | None, labels: Mapping[str, str]) -> bool:
    """Whether a LabelSelector matches; an empty one matches all, None nothing."""
    if selector is None:
        return False
    if not (selector.get("matchLabels") or {}).items() <= labels.items():
        return False
    return all(_expression(each, labels) for each in selector.get("matchExpressions") or ())


def _expression(expression: Json, labels: Mapping[str, str]) -> bool:
    value = labels.get(expression["key"])
    match expression["operator"]:
        case "In":
            return value in expression["values"]
        case "NotIn":
            return value not in expression["values"]
        case "Exists":
            return value is not None
        case _:
            return value is None


def labelled(body: Json, wanted: str | None) -> bool:
    """Whether an object has the label of a `key=value` filter; no filter lets all through."""
    if not wanted:
        return True
    key, _, value = wanted.partition("=")
    return bool((body["metadata"].get("labels") or {}).get(key) == value)
