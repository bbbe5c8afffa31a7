"""Requests at the rate that Azure allows, so that thousands of them are not refused.

Time is Azure's here: `pace` turns it into this machine's.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from azure.core.pipeline.policies import AsyncHTTPPolicy

from provision.providers.azure.rates import BUCKETS, Counted, Kind, applying, counted, in_words

_SHARE = 0.95
"""Of a bucket that is used: the service counts when requests arrive, and some take longer than others."""
_LOOK = 0.1
"""Seconds between looks when all that a window holds is under way."""
_WORTH_TELLING = 2.0
"""Seconds of a wait that somebody would wonder about."""
_CLOCK = 10.0
"""Seconds between two words about the same wait."""
_WAIT = 10.0
"""Seconds after a refusal that names none. Source: kubernetes-sigs/external-dns#4839, for private DNS."""


class _Limit:
    """What says when the next request may go. Nobody who waits has taken anything yet.

    `words` name what is asked, and how much of it Azure takes.
    """

    words = ""
    _held = float("-inf")
    _told = float("-inf")

    def is_due(self, now: float) -> bool:
        """Whether a word about the wait is due, which then is given: one for all who wait."""
        due = now >= self._told + _CLOCK
        self._told = now if due else self._told
        return due

    def free_at(self, now: float, weight: int = 1) -> float:
        return max(self._held, self._free_at(now, weight))

    def hold(self, until: float) -> None:
        """The service refused: nobody asks before `until`."""
        self._held = max(self._held, until)

    def take(self, now: float, weight: int = 1) -> None:
        raise NotImplementedError

    def ended(self, now: float, weight: int = 1) -> None:
        """What was taken is answered, or never will be."""

    def _free_at(self, now: float, weight: int) -> float:
        raise NotImplementedError


class Bucket(_Limit):
    """`size` requests at once, refilled `rate` a second."""

    def __init__(self, size: float, rate: float, words: str = "") -> None:
        self.words = words
        self._size = size
        self._rate = rate
        self._level = size
        self._at = float("-inf")

    def take(self, now: float, weight: int = 1) -> None:
        self._level = self._now(now) - weight
        self._at = now

    def told(self, remaining: int, now: float) -> None:
        """The service says what is left: others ask too. It refills all the same."""
        self._level = min(self._now(now), remaining)
        self._at = now

    def _now(self, now: float) -> float:
        if self._level >= self._size:
            return self._size
        return min(self._size, self._level + (now - self._at) * self._rate)

    def _free_at(self, now: float, weight: int) -> float:
        return now + max(0.0, weight - self._now(now)) / self._rate


class Window(_Limit):
    """At most `size` requests in any `seconds`.

    The service counts a request somewhere between its sending and its answer. Here it counts from the one
    until `seconds` after the other, so that none is too early however long each was on its way.
    """

    def __init__(self, size: int, seconds: float, words: str = "") -> None:
        self.words = words
        self._size = size
        self._seconds = seconds
        self._running = 0
        self._ended: deque[float] = deque()

    def take(self, now: float, weight: int = 1) -> None:
        self._running += weight

    def ended(self, now: float, weight: int = 1) -> None:
        self._running -= weight
        self._ended.extend([now] * weight)

    def _free_at(self, now: float, weight: int) -> float:
        while self._ended and self._ended[0] + self._seconds <= now:
            self._ended.popleft()
        lacking = self._running + len(self._ended) + weight - self._size
        if lacking <= 0:
            return now
        return self._ended[lacking - 1] + self._seconds if lacking <= len(self._ended) else now + _LOOK


class Limits:
    """The limits of all subscriptions that a run asks. `sleep` waits seconds of Azure's time.

    `tell`, while it is set, gets a line about each longer wait every ten seconds.
    """

    tell: Callable[[str], None] | None = None

    def __init__(
        self,
        pace: float,
        sleep: Callable[[float], Awaitable[None]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._pace = pace
        self._sleep = sleep
        self._clock = clock
        self._buckets: dict[tuple[str, Kind], Bucket] = {}
        self._windows: dict[tuple[str, ...], Window] = {}

    def _now(self) -> float:
        return self._clock() / self._pace

    async def admit(self, method: str, url: str) -> None:
        """Wait until a request fits all its limits, and count it."""
        request = counted(method, url)
        if self._pace <= 0 or not request.subscription:
            return
        limits = self._limits(request)
        began = now = self._now()
        # While it waits, others go, and the service may ask everybody to wait longer.
        while (last := max(limits, key=lambda limit: limit.free_at(now))).free_at(now) > now:
            await self._sleep(self._until(last, began, now))
            now = self._now()
        for limit in limits:
            limit.take(now)

    def _until(self, limit: _Limit, began: float, now: float) -> float:
        """Seconds to sleep: to the end of the wait, or until its clock is told again."""
        left = limit.free_at(now) - now
        if self.tell is None or (now - began + left) < _WORTH_TELLING:
            return left
        if limit.is_due(now):
            self.tell(f"waiting for {limit.words} ({now - began:.0f} s so far, {left:.0f} s to go)")
        return min(left, _CLOCK)

    def ended(self, method: str, url: str) -> None:
        """A request that was admitted is answered, or failed."""
        request = counted(method, url)
        if self._pace > 0 and request.subscription:
            now = self._now()
            for limit in self._limits(request):
                limit.ended(now)

    def answered(self, method: str, url: str, status: int, headers: Mapping[str, str]) -> None:
        """Take in what an answer says about the limits."""
        request = counted(method, url)
        if self._pace <= 0 or not request.subscription:
            return
        now = self._now()
        bucket = self._bucket(request)
        remaining = headers.get(f"x-ms-ratelimit-remaining-subscription-{request.kind}", "")
        if status == 429:
            # It does not say which limit: the narrowest is the likeliest, and if it was a wider one, the
            # next that asks is told so too. Those who waited don't come back all at once.
            bucket.told(0, now)
            self._limits(request)[0].hold(now + _asked(headers, self._pace))
        elif remaining.isdigit():
            bucket.told(int(remaining), now)

    def _limits(self, request: Counted) -> list[_Limit]:
        """From narrow to wide."""
        limits: list[_Limit] = []
        for rate, counted_for in applying(request):
            key = (rate.pattern, *rate.kinds, counted_for)
            if key not in self._windows:
                self._windows[key] = Window(rate.most, rate.seconds, in_words(rate, counted_for))
            limits.append(self._windows[key])
        return [*limits, self._bucket(request)]

    def _bucket(self, request: Counted) -> Bucket:
        key = (request.subscription, request.kind)
        if key not in self._buckets:
            size, rate = BUCKETS[request.kind]
            words = f"a subscription, of which Azure takes {rate:.0f} {request.kind} a second"
            self._buckets[key] = Bucket(size * _SHARE, rate, words)
        return self._buckets[key]


class Throttle(AsyncHTTPPolicy[Any, Any]):
    """Holds each attempt of a client's requests until it fits; put it after the retries."""

    def __init__(self, limits: Limits) -> None:
        super().__init__()
        self._limits = limits

    async def send(self, request: Any) -> Any:
        sent = request.http_request
        await self._limits.admit(sent.method, sent.url)
        try:
            response = await self.next.send(request)
        finally:
            self._limits.ended(sent.method, sent.url)
        answer = response.http_response
        self._limits.answered(sent.method, sent.url, answer.status_code, answer.headers)
        return response


def _asked(headers: Mapping[str, str], pace: float) -> float:
    """Seconds of Azure's time to wait, by Retry-After (a date is left to the client's own retries)."""
    for name, parts in (("Retry-After", 1), ("retry-after-ms", 1000), ("x-ms-retry-after-ms", 1000)):
        text = headers.get(name, "")
        if text.isdigit():
            return int(text) / parts / pace
    return _WAIT
