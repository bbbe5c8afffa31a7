"""Property values as people read them."""

from __future__ import annotations

from collections.abc import Mapping

from provision.plan.change import FieldChange
from provision.resources.ref import Ref
from provision.resources.values import Value


def shown(value: Value) -> str:
    """A value on one line; ids are cut to their last part, refs say when they will be known."""
    if isinstance(value, Ref):
        return f"(known after {value.address})"
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "(none)"
    if isinstance(value, frozenset):
        return f"[{', '.join(sorted(map(shown, value)))}]"
    if isinstance(value, tuple):
        return f"[{', '.join(map(shown, value))}]"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name}: {shown(member)}" for name, member in value.items()) + "}"
    return _short(str(value))


def _short(text: str) -> str:
    if text.startswith("/subscriptions/"):
        return text.rsplit("/", 1)[-1]
    # A text of several lines, such as a ConfigMap's, stays on the line of its path.
    return " ⏎ ".join(line.strip() for line in text.splitlines()) if text else '""'


def field_line(field: FieldChange, creating: bool) -> str:
    """`path: value` for a new object, `path: before → after` for a change."""
    if creating:
        return f"{field.path}: {shown(field.after)}"
    return f"{field.path}: {shown(field.before)} → {shown(field.after)}"
