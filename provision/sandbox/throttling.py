"""How many requests Azure takes: 429 for more, in ARM's words.

Limits: "Understand how Azure Resource Manager throttles requests" (2026) and "Azure subscription and service
limits", Azure DNS limits (October 2024), Microsoft Learn. Words: hashicorp/terraform-provider-azurerm#14213
(2021) for a service's limit, MicrosoftDocs/azure-docs#51431 (2020) for a subscription's.

The DNS services count creating, updating and deleting of a zone's record sets apart; here they share a count,
which is never more than they allow. What each server counted is forgotten with it, as by an instance of ARM.
"""

from __future__ import annotations

import math
import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from provision.sandbox.azure import Clock, Refusal, Request

READS, WRITES, DELETES = "reads", "writes", "deletes"
BUCKETS = {READS: (250, 25.0), WRITES: (200, 10.0), DELETES: (200, 10.0)}
"""Of a subscription and a caller: requests at once, and how many a second come anew."""


@dataclass(frozen=True, slots=True)
class Rate:
    """`most` requests in `seconds`: for each zone, or whatever the pattern's group `of` finds."""

    kinds: tuple[str, ...]
    pattern: str
    most: int
    seconds: float = 60.0


_SET = "[^/]+/[^/]+"
_ZONE = "(?P<of>dnszones/[^/]+)"
_PRIVATE = "(?P<of>privatednszones/[^/]+)"
_CHANGES = (WRITES, DELETES)

RATES: tuple[Rate, ...] = (
    Rate((READS,), _ZONE, 1000),
    Rate(_CHANGES, _ZONE, 40),
    Rate((READS,), f"{_ZONE}/[^/]+", 60),
    Rate((READS,), f"{_ZONE}/{_SET}", 2000),
    Rate(_CHANGES, f"{_ZONE}/{_SET}", 200),
    Rate((READS,), _PRIVATE, 200),
    Rate(_CHANGES, "privatednszones/[^/]+", 40),
    Rate((READS,), f"{_PRIVATE}/[^/]+", 100),
    Rate((READS,), f"{_PRIVATE}/virtualnetworklinks/[^/]+", 100),
    Rate((READS,), f"{_PRIVATE}/{_SET}", 200),
    Rate(_CHANGES, f"{_PRIVATE}/{_SET}", 60),
    Rate((READS,), "privatednszones(/.*)?", 500, 300.0),
    Rate((READS,), ".*", 10_000, 300.0),
    Rate(_CHANGES, ".*", 1_000, 300.0),
)
"""Of Microsoft.Network, by the path below `/providers/microsoft.network/`."""


class Throttling:
    """Counts the requests of one server. `now` is the time by which it counts, in seconds of Azure's."""

    def __init__(self, clock: Clock, now: Callable[[], float] | None = None) -> None:
        self._clock = clock
        self._now = now or (lambda: clock.now() * clock.speed)
        self._levels: dict[tuple[str, str, str], tuple[float, float]] = {}
        self._windows: dict[tuple[str, ...], deque[float]] = {}

    def admit(self, request: Request, subscription: str, caller: str, action: str) -> dict[str, str]:
        """Count a request; the headers that say what is left. Raises Refusal (429) for one too many."""
        kind = {"GET": READS, "HEAD": READS, "DELETE": DELETES}.get(request.method, WRITES)
        now = self._now()
        remaining = self._take(subscription, caller, kind, now)
        self._count(request.path.lower(), subscription, kind, action, now)
        return {f"x-ms-ratelimit-remaining-subscription-{kind}": str(remaining)}

    def _take(self, subscription: str, caller: str, kind: str, now: float) -> int:
        size, rate = BUCKETS[kind]
        level, at = self._levels.get((subscription, caller, kind), (float(size), now))
        level = min(size, level + (now - at) * rate)
        if level < 1:
            raise self._refusal(
                "SubscriptionRequestsThrottled",
                f"Number of '{kind.removesuffix('s')}' requests for subscription '{subscription}' actor"
                f" '{caller}' exceeded.",
                (1 - level) / rate,
            )
        self._levels[subscription, caller, kind] = (level - 1, now)
        return int(level - 1)

    def _count(self, path: str, subscription: str, kind: str, action: str, now: float) -> None:
        before, found, below = path.partition("/providers/microsoft.network/")
        counted = []
        for rate in RATES if found else ():
            match = re.fullmatch(rate.pattern, below) if kind in rate.kinds else None
            if match is None:
                continue
            of = f"{before}/{match['of']}" if "of" in match.re.groupindex else subscription
            window = self._windows.setdefault((rate.pattern, *rate.kinds, of), deque())
            while window and window[0] <= now - rate.seconds:
                window.popleft()
            if len(window) >= rate.most:
                interval = f"00:{int(rate.seconds) // 60:02}:00"
                raise self._refusal(
                    "ResourceRequestsThrottled",
                    f"Number of requests for action '{action}' exceeded the limit of '{rate.most}' for time"
                    f" interval '{interval}'.",
                    window[0] + rate.seconds - now,
                )
            counted.append(window)
        for window in counted:
            window.append(now)

    def _refusal(self, code: str, message: str, seconds: float) -> Refusal:
        seconds = max(1.0, math.ceil(seconds))
        return Refusal(
            429,
            code,
            f"{message} Please try again after '{seconds:.0f}' seconds.",
            headers={"x-ms-failure-cause": "gateway", **self._clock.retry_headers(seconds)},
        )
