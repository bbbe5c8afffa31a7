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
"""New keys in software, of any type, in ten seconds and one vault; one in an HSM counts for two. Every
certificate that a vault makes has one. Source: "Azure Key Vault service limits",
https://learn.microsoft.com/azure/key-vault/general/service-limits, 2026."""
_TEN_SECONDS = 10.0
_CHANGING = ("POST", "PATCH")
_VAULT_WAITS = (1.0, 2.0, 4.0, 8.0, 16.0)
"""Seconds between tries. Source: "Azure Key Vault throttling guidance",
https://learn.microsoft.com/azure/key-vault/general/overview-throttling, 2025."""
_SHARE = 0.95
"""Of a bucket that is used: the service counts when requests arrive, and some take longer than others."""
_LOOK = 0.1
"""Seconds between looks when all that a window holds is under way."""
_WAIT = 10.0
"""Seconds after a refusal that names none. Source: kubernetes-sigs/external-dns#4839, for private DNS."""


class _Limit:
    """What says when the next request may go. Nobody who waits has taken anything yet."""

    _held = float("-inf")

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

    def __init__(self, size: float, rate: float) -> None:
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

    def __init__(self, size: int, seconds: float) -> None:
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


class VaultThrottle(AsyncHTTPPolicy[Any, Any]):
    """Holds requests for certificates until one vault may make another key. `sleep` waits Azure's seconds.

    What the vault refuses it did not do, and it does not say when to come back; azure-core sends a POST or a
    PATCH again only after a refusal that does.
    """

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
        self._keys = Window(_KEYS, _TEN_SECONDS)

    async def send(self, request: Any) -> Any:
        sent = request.http_request
        if self._pace <= 0 or sent.method not in _CHANGING:
            return await self.next.send(request)
        makes_key = sent.method == "POST" and urlsplit(sent.url).path.endswith("/create")
        send = self._make_key if makes_key else self.next.send
        response = await send(request)
        for wait in _VAULT_WAITS:
            answer = response.http_response
            if answer.status_code != 429 or "Retry-After" in answer.headers:
                break
            if makes_key:
                self._keys.hold(self._now() + _TEN_SECONDS)
            else:
                await self._sleep(wait)
            response = await send(request)
        return response

    async def _make_key(self, request: Any) -> Any:
        weight = 2 if _in_hsm(request.http_request) else 1
        while (free := self._keys.free_at(self._now(), weight)) > (now := self._now()):
            await self._sleep(free - now)
        self._keys.take(now, weight)
        try:
            return await self.next.send(request)
        finally:
            self._keys.ended(self._now(), weight)

    def _now(self) -> float:
        return self._clock() / self._pace


def _in_hsm(sent: Any) -> bool:
    return "-HSM" in str(getattr(sent, "content", None) or getattr(sent, "body", None) or "")


def _asked(headers: Mapping[str, str], pace: float) -> float:
    """Seconds of Azure's time to wait, by Retry-After (a date is left to the client's own retries)."""
    for name, parts in (("Retry-After", 1), ("retry-after-ms", 1000), ("x-ms-retry-after-ms", 1000)):
        text = headers.get(name, "")
        if text.isdigit():
            return int(text) / parts / pace
    return _WAIT
