"""Requests at the rate that Azure allows, so that thousands of them are not refused.

Source of the limits: "Understand how Azure Resource Manager throttles requests" and "Azure DNS limits",
Microsoft Learn, 2026. Time is Azure's here: `pace` turns it into this machine's.
"""

from __future__ import annotations

import time
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Literal, Protocol
from urllib.parse import urlsplit

from azure.core.pipeline.policies import AsyncHTTPPolicy

Kind = Literal["reads", "writes", "deletes"]

_ARM: Mapping[Kind, tuple[int, float]] = {"reads": (250, 25.0), "writes": (200, 10.0), "deletes": (200, 10.0)}
"""Of a subscription and a caller: requests at once, and how many a second come anew."""
_NETWORK: Mapping[Kind, int] = {"reads": 10_000, "writes": 1_000, "deletes": 1_000}
"""Of Microsoft.Network, in five minutes; writes and deletes share theirs."""
_PRIVATE_ZONE_READS = 500
"""In five minutes."""
_FIVE_MINUTES = 300.0
_KEYS = 20
"""New keys in software, of any type, in ten seconds and one vault; every certificate that a vault makes has
one. Source: "Azure Key Vault service limits", Microsoft Learn, 2026. HSMs make ten, which no ingress uses."""
_TEN_SECONDS = 10.0


class _Limit(Protocol):
    def reserve(self, now: float) -> float: ...


class Bucket:
    """`size` requests at once, refilled `rate` a second."""

    def __init__(self, size: int, rate: float) -> None:
        self._size = size
        self._rate = rate
        self._full = float("-inf")
        """When it will be full again; it lacks what is refilled until then."""

    def reserve(self, now: float) -> float:
        """Take one, and say from when on it may be used."""
        full = max(self._full, now)
        self._full = full + 1 / self._rate
        return max(now, self._full - self._size / self._rate)

    def told(self, remaining: int, now: float) -> None:
        """The service says what is left: others ask too. It refills all the same."""
        self._full = max(self._full, now + (self._size - remaining) / self._rate)


class Window:
    """At most `size` requests in any `seconds`."""

    def __init__(self, size: int, seconds: float) -> None:
        self._seconds = seconds
        self._taken: deque[float] = deque(maxlen=size)

    def reserve(self, now: float) -> float:
        """Take one, and say from when on it may be used."""
        full = len(self._taken) == self._taken.maxlen
        when = max(now, self._taken[0] + self._seconds) if full else now
        self._taken.append(when)
        return when


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
        self._windows: dict[tuple[str, str], Window] = {}
        self._held: defaultdict[str, float] = defaultdict(lambda: float("-inf"))

    def _now(self) -> float:
        return self._clock() / self._pace

    async def admit(self, method: str, url: str) -> None:
        """Wait until a request fits the limits of its subscription."""
        subscription, kind, path = _about(method, url)
        if self._pace <= 0 or not subscription:
            return
        now = self._now()
        until = max(limit.reserve(now) for limit in self._limits(subscription, kind, path))
        # While it waits, the service may have asked everybody to wait longer.
        while (wait := max(until, self._held[subscription]) - self._now()) > 0:
            await self._sleep(wait)

    def answered(self, method: str, url: str, status: int, headers: Mapping[str, str]) -> None:
        """Take in what an answer says about the limits."""
        subscription, kind, _ = _about(method, url)
        if self._pace <= 0 or not subscription:
            return
        now = self._now()
        if status == 429 and (seconds := _asked(headers)) is not None:
            self._held[subscription] = max(self._held[subscription], now + seconds / self._pace)
        remaining = headers.get(f"x-ms-ratelimit-remaining-subscription-{kind}", "")
        if remaining.isdigit():
            self._bucket(subscription, kind).told(int(remaining), now)

    def _limits(self, subscription: str, kind: Kind, path: str) -> list[_Limit]:
        limits: list[_Limit] = [self._bucket(subscription, kind)]
        if "/providers/microsoft.network/" in path:
            name = "network reads" if kind == "reads" else "network writes"
            limits.append(self._window(subscription, name, _NETWORK[kind]))
        if "/providers/microsoft.network/privatednszones" in path and kind == "reads":
            limits.append(self._window(subscription, "private zones", _PRIVATE_ZONE_READS))
        return limits

    def _bucket(self, subscription: str, kind: Kind) -> Bucket:
        key = (subscription, kind)
        if key not in self._buckets:
            self._buckets[key] = Bucket(*_ARM[kind])
        return self._buckets[key]

    def _window(self, subscription: str, name: str, size: int) -> Window:
        key = (subscription, name)
        if key not in self._windows:
            self._windows[key] = Window(size, _FIVE_MINUTES)
        return self._windows[key]


class Throttle(AsyncHTTPPolicy[Any, Any]):
    """Holds each attempt of a client's requests until it fits; put it after the retries."""

    def __init__(self, limits: Limits) -> None:
        super().__init__()
        self._limits = limits

    async def send(self, request: Any) -> Any:
        sent = request.http_request
        await self._limits.admit(sent.method, sent.url)
        response = await self.next.send(request)
        answer = response.http_response
        self._limits.answered(sent.method, sent.url, answer.status_code, answer.headers)
        return response


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
        self._keys = Window(_KEYS, _TEN_SECONDS)

    async def send(self, request: Any) -> Any:
        sent = request.http_request
        if self._pace > 0 and sent.method == "POST" and urlsplit(sent.url).path.endswith("/create"):
            now = self._clock() / self._pace
            if (wait := self._keys.reserve(now) - now) > 0:
                await self._sleep(wait)
        return await self.next.send(request)


def _about(method: str, url: str) -> tuple[str, Kind, str]:
    """Subscription (empty: of none), kind of operation and path of a request, in lower case."""
    path = urlsplit(url).path.lower()
    parts = path.split("/")
    subscription = parts[2] if len(parts) > 2 and parts[1] == "subscriptions" else ""
    if method in ("GET", "HEAD"):
        return subscription, "reads", path
    return subscription, ("deletes" if method == "DELETE" else "writes"), path


def _asked(headers: Mapping[str, str]) -> float | None:
    """Seconds of a Retry-After, as ARM sends it; a date is left to the client's own retries."""
    text = headers.get("Retry-After", "")
    return float(text) if text.isdigit() else None
