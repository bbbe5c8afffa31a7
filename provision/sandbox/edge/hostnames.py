"""Host names of listeners, routes and rules, with wildcards."""

from __future__ import annotations


def matches(pattern: str, host: str) -> bool:
    """Whether a Gateway API host name holds `host`; an empty pattern holds all, `*.x` any depth below x."""
    pattern, host = pattern.lower(), host.lower()
    if pattern.startswith("*."):
        return host.endswith(pattern[1:]) and len(host) > len(pattern) - 1
    return pattern in ("", host)


def specificity(pattern: str) -> tuple[bool, int]:
    """Orders patterns that hold the same host: a name before wildcards, long before short."""
    return bool(pattern) and not pattern.startswith("*."), len(pattern)


def intersection(one: str, other: str) -> str | None:
    """The host names that two patterns have in common, as a pattern; None when they have none.

    Source: Gateway API, HTTPRouteSpec.hostnames (v1.3).
    """
    for wide, narrow in ((one, other), (other, one)):
        if not wide or wide.lower() == narrow.lower() or (narrow and matches(wide, narrow)):
            return narrow
    return None
