"""Values that properties may hold, equal when Azure means the same by them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Union

if TYPE_CHECKING:
    from provision.resources.ref import Ref

Value = Union[None, bool, int, str, tuple["Value", ...], frozenset["Value"], Mapping[str, "Value"], "Ref"]
"""A property's value: a scalar, an ordered tuple, a frozenset where Azure ignores order, a mapping,
or a `Ref` to a value that is known only after another resource was applied."""


class CaseInsensitive(str):
    """Text that Azure compares without case: resource ids, host names. Keeps its spelling for display."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, str) and self.casefold() == other.casefold()

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(self.casefold())


def plain(value: Value) -> Any:
    """A value as JSON can hold it: sets sorted, refs as `{"ref": address.output}`."""
    if isinstance(value, frozenset):
        return sorted((plain(member) for member in value), key=str)
    if isinstance(value, tuple):
        return [plain(member) for member in value]
    if isinstance(value, Mapping):
        return {name: plain(member) for name, member in sorted(value.items())}
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, str):
        return str(value)
    return {"ref": str(value)}
