"""How many requests Azure takes in how long, as data.

Sources, Microsoft Learn: "Understand how Azure Resource Manager throttles requests" (2026) for buckets and
the five minutes; "Azure subscription and service limits", Azure DNS limits (October 2024) for the minutes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple
from urllib.parse import urlsplit

from provision.resources.dns import CHANGES_A_MINUTE

Kind = Literal["reads", "writes", "deletes"]

BUCKETS: Mapping[Kind, tuple[int, float]] = {
    "reads": (250, 25.0),
    "writes": (200, 10.0),
    "deletes": (200, 10.0),
}
"""Of a subscription and a caller: requests at once, and how many a second come anew."""


class Rate(NamedTuple):
    """At most `most` requests in any `seconds`, of these kinds together.

    `pattern` is for the whole path below `/providers/microsoft.network/`, in lower case. What its group `of`
    finds, such as a zone, has a count of its own; without one the subscription has.
    """

    kinds: tuple[Kind, ...]
    pattern: str
    most: int
    seconds: float


_MINUTE, _FIVE_MINUTES = 60.0, 300.0
_READS: tuple[Kind, ...] = ("reads",)
# The service counts creating, updating and deleting apart; a PUT does not tell which it will be.
_CHANGES: tuple[Kind, ...] = ("writes", "deletes")
_PUBLIC = r"(?P<of>dnszones/[^/]+)"
_PRIVATE = r"(?P<of>privatednszones/[^/]+)"

RATES: tuple[Rate, ...] = (
    Rate(_CHANGES, rf"{_PUBLIC}/[^/]+/[^/]+", CHANGES_A_MINUTE["public"], _MINUTE),
    Rate(_READS, rf"{_PUBLIC}/[^/]+/[^/]+", 2000, _MINUTE),
    Rate(_READS, rf"{_PUBLIC}/[^/]+", 60, _MINUTE),  # lists, a page each
    Rate(_READS, _PUBLIC, 1000, _MINUTE),
    Rate(_CHANGES, _PUBLIC, 40, _MINUTE),
    Rate(_CHANGES, rf"{_PRIVATE}/[^/]+/[^/]+", CHANGES_A_MINUTE["private"], _MINUTE),
    Rate(_READS, rf"{_PRIVATE}/virtualnetworklinks/[^/]+", 100, _MINUTE),
    Rate(_READS, rf"{_PRIVATE}/[^/]+/[^/]+", 200, _MINUTE),
    Rate(_READS, rf"{_PRIVATE}/[^/]+", 100, _MINUTE),
    Rate(_READS, _PRIVATE, 200, _MINUTE),
    Rate(_CHANGES, r"privatednszones/[^/]+", 40, _MINUTE),
    Rate(_READS, r"privatednszones(/.*)?", 500, _FIVE_MINUTES),
    Rate(_READS, r".*", 10_000, _FIVE_MINUTES),
    Rate(_CHANGES, r".*", 1_000, _FIVE_MINUTES),
)
"""From narrow to wide."""


class Counted(NamedTuple):
    """A request as the limits see it."""

    subscription: str
    """Empty: of none."""
    kind: Kind
    path: str


def counted(method: str, url: str) -> Counted:
    """Subscription, kind and path of a request, in lower case."""
    path = urlsplit(url).path.lower()
    parts = path.split("/")
    subscription = parts[2] if len(parts) > 2 and parts[1] == "subscriptions" else ""
    if method in ("GET", "HEAD"):
        return Counted(subscription, "reads", path)
    return Counted(subscription, "deletes" if method == "DELETE" else "writes", path)


def applying(request: Counted) -> Iterator[tuple[Rate, str]]:
    """The rates that a request is counted by, each with what it is counted for."""
    before, found, below = request.path.partition("/providers/microsoft.network/")
    for rate in RATES if found else ():
        match = re.fullmatch(rate.pattern, below) if request.kind in rate.kinds else None
        if match is not None:
            yield rate, f"{before}/{match['of']}" if "of" in match.re.groupindex else request.subscription


def in_words(rate: Rate, counted_for: str) -> str:
    """`zone contoso.com, of which Azure takes 60 such reads in 60 s`, or the same of a subscription."""
    kind = "reads" if rate.kinds == _READS else "changes"
    _, zone, name = counted_for.rpartition("/")
    whose = f"zone {name}" if zone else "a subscription"
    return f"{whose}, of which Azure takes {rate.most} such {kind} in {rate.seconds:.0f} s"
