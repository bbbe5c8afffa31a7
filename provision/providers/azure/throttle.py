"""Requests at the rate that Azure allows, so that thousands of them are not refused.

Time is Azure's here: `pace` turns it into this machine's.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from azure.core.pipeline.policies import AsyncHTTPPolicy

from provision.providers.azure.rates import BUCKETS, Counted, Kind, applying, counted

_KEYS = 20
"""New keys in software, of any type, in ten seconds and one vault; every certificate that a vault makes has
one. Source: "Azure Key Vault service limits", Microsoft Learn, 2026. HSMs make ten, which no ingress uses."""
_TEN_SECONDS = 10.0
_SHARE = 0.95
"""Of a bucket that is used: the service counts when requests arrive, and some take longer than others."""
_LOOK = 0.1
"""Seconds between looks when all that a window holds is under way."""
_WAIT = 10.0
"""Seconds after a refusal that names none. Source: kubernetes-sigs/external-dns#4839, for private DNS."""


class _Limit:
    """What says when the next request may go. Nobody who waits has taken anything yet."""

    _held = float("-inf")

    def free_at(self, now: float) -> float:
        return max(self._held, self._free_at(now))

    def hold(self, until: float) -> None:
        """The service refused: nobody asks before `until`."""
        self._held = max(self._held, until)

    def take(self, now: float) -> None:
        raise NotImplementedError

    def ended(self, now: float) -> None:
        """What was taken is answered, or never will be."""

    def _free_at(self, now: float) -> float:
        raise NotImplementedError


class Bucket(_Limit):
    """`size` requests at once, refilled `rate` a second."""

    def __init__(self, size: float, rate: float) -> None:
        self._size = size
        self._rate = rate
        self._level = size
        self._at = float("-inf")

    def take(self, now: float) -> None:
        self._level = self._now(now) - 1
        self._at = now

    def told(self, remaining: int, now: float) -> None:
        """The service says what is left: others ask too. It refills all the same."""
        self._level = min(self._now(now), remaining)
        self._at = now

    def _now(self, now: float) -> float:
        if self._level >= self._size:
            return self._size
        return min(self._size, self._level + (now - self._at) * self._rate)

    def _free_at(self, now: float) -> float:
        return now + max(0.0, 1 - self._now(now)) / self._rate


class Window(_Limit):
    """At most `size` requests in any `seconds`.

    The service counts a request somewhere between its sending and its answer. Here it counts from the one
    until `seconds` after the other, so that none is too early however long each was on its way.
    """

    def __init__(self, size: int, seconds: float) -> None:
        self._size = size
        self._seconds = seconds
        self._running = 0
        self._ended: deque[float] = deque()

    def take(self, now: float) -> None:
        self._running += 1

    def ended(self, now: float) -> None:
        self._running -= 1
        self._ended.append(now)

    def _free_at(self, now: float) -> float:
        while self._ended and self._ended[0] + self._seconds <= now:
            self._ended.popleft()
        if self._running + len(self._ended) < self._size:
            return now
        return self._ended[0] + self._seconds if self._ended else now + _LOOK


class Limits:
    """The limits of all subscriptions that a run asks. `sleep` waits seconds of Azure's time."""

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
        # While it waits, others go, and the service may ask everybody to wait longer.
        while (free := max(limit.free_at(self._now()) for limit in limits)) > (now := self._now()):
            await self._sleep(free - now)
        for limit in limits:
            limit.take(now)

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
                self._windows[key] = Window(rate.most, rate.seconds)
            limits.append(self._windows[key])
        return [*limits, self._bucket(request)]

    def _bucket(self, request: Counted) -> Bucket:
        key = (request.subscription, request.kind)
        if key not in self._buckets:
            size, rate = BUCKETS[request.kind]
            self._buckets[key] = Bucket(size * _SHARE, rate)
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


class Slots:
    """When each of many requests may go, at most `size` in any `seconds`: whoever asks gets one."""

    def __init__(self, size: int, seconds: float) -> None:
        self._given: deque[float] = deque(maxlen=size)
        self._size = size
        self._seconds = seconds

    def reserve(self, now: float) -> float:
        """The time of the next free one."""
        full = len(self._given) == self._size
        at = max(now, self._given[0] + self._seconds) if full else now
        self._given.append(at)
        return at


class VaultThrottle(AsyncHTTPPolicy[Any, Any]):
    """Holds requests for certificates until one vault may make another key. `sleep` waits Azure's seconds."""

    def __init__(
        self,
        pace: float,
        sleep: Callable[[float], Awaitable[None]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__()
        self._pace = pace
        self._sleep = sleep
        self._clock = clock
        self._keys = Slots(_KEYS, _TEN_SECONDS)

    async def send(self, request: Any) -> Any:
        sent = request.http_request
        if self._pace > 0 and sent.method == "POST" and urlsplit(sent.url).path.endswith("/create"):
            now = self._clock() / self._pace
            if (wait := self._keys.reserve(now) - now) > 0:
                await self._sleep(wait)
        return await self.next.send(request)


def _asked(headers: Mapping[str, str], pace: float) -> float:
    """Seconds of Azure's time to wait, by Retry-After (a date is left to the client's own retries)."""
    for name, parts in (("Retry-After", 1), ("retry-after-ms", 1000), ("x-ms-retry-after-ms", 1000)):
        text = headers.get(name, "")
        if text.isdigit():
            return int(text) / parts / pace
    return _WAIT
