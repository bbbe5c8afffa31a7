"""Property paths inside the body of a cluster: `a.b.c`, and `list[Mode].c` for the member of that mode."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

Body = dict[str, Any]

_STEP = re.compile(r"([^.\[\]]+)(?:\[([^\]]+)\])?")


def lookup(body: Mapping[str, Any], path: str) -> Any:
    """What is at a path, None where there is nothing."""
    at: Any = body
    for step, mode in _STEP.findall(path):
        at = at.get(step) if isinstance(at, Mapping) else None
        if mode:
            at = _member(at, mode)
    return at


def assign(body: Body, path: str, value: Any) -> None:
    """Set a path, making objects and members on the way; None removes it, which AKS reads as its default."""
    *parents, (last, _) = _STEP.findall(path)
    for step, mode in parents:
        if not isinstance(body.get(step), list if mode else dict):
            body[step] = [] if mode else {}
        inner = body[step]
        if mode:
            member = _member(inner, mode)
            if member is None:
                member = {"mode": mode}
                inner.append(member)
            inner = member
        body = inner
    if value is None:
        body.pop(last, None)
    else:
        body[last] = value


def _member(members: Any, mode: str) -> Body | None:
    found = (each for each in members or () if str(each.get("mode")).casefold() == mode.casefold())
    return next(found, None)
