"""Autospecs of SDK classes that take no time until something of them is wanted."""

from __future__ import annotations

from functools import cache
from typing import Any
from unittest.mock import NonCallableMock, create_autospec


def autospec(spec: type) -> Any:
    """`create_autospec(spec, instance=True)`, each method made when it is first named.

    The whole of an operation group is fifty signatures to read, a tenth of a second, and a test wants two.
    What the class lacks is an AttributeError and a call that does not fit its signature a TypeError, as ever.
    """
    return _Lazy(spec=spec)


class _Lazy(NonCallableMock):
    def __getattr__(self, name: str) -> Any:
        if name in (self.__dict__.get("_mock_methods") or ()) and name not in self._mock_children:
            alone = _alone(self._spec_class, name)
            if alone is not None:
                self.attach_mock(getattr(create_autospec(alone, instance=True), name), name)
        return super().__getattr__(name)


@cache
def _alone(spec: type, name: str) -> type | None:
    """A class that has nothing but the one method; None for what is no method."""
    for each in spec.__mro__:
        if name in each.__dict__ and not name.startswith("__"):
            return type(spec.__name__, (), {name: each.__dict__[name]})
    return None
