"""The differences between what is declared and what is there."""

from __future__ import annotations

from collections.abc import Mapping

from provision.plan.change import FieldChange
from provision.resources.values import Value


def diff(desired: Mapping[str, Value], observed: Mapping[str, Value]) -> tuple[FieldChange, ...]:
    """Declared paths whose observed value is another one, in the order of declaration.

    A path that is not declared is never mentioned. None, absent and empty mean the same to Azure and
    are equal. A ref that is not known yet differs from everything.
    """
    return tuple(
        FieldChange(path, observed.get(path), wanted)
        for path, wanted in desired.items()
        if not same(wanted, observed.get(path))
    )


def same(first: Value, second: Value) -> bool:
    """Equality as Azure means it."""
    if _empty(first) and _empty(second):
        return True
    # bool is an int to Python, but true is not 1 to Azure.
    return isinstance(first, bool) == isinstance(second, bool) and first == second


def _empty(value: Value) -> bool:
    return value is None or (isinstance(value, tuple | frozenset | Mapping) and not value)
