"""Requests to a vault at the rate that it allows, and once more where it refuses them all the same."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

from azure.core.pipeline.policies import AsyncHTTPPolicy

from provision.providers.azure.throttle import Window

_KEYS = 20
"""New keys in software, of any type, in ten seconds and one vault; one in an HSM counts for two. Every
certificate that a vault makes has one. Source: "Azure Key Vault service limits",
https://learn.microsoft.com/azure/key-vault/general/service-limits, 2026."""
_IMPORTS = 300
"""Certificates that are imported, in the same time. Source: as above."""
_TEN_SECONDS = 10.0
_CHANGING = ("POST", "PATCH")
_VAULT_WAITS = (1.0, 2.0, 4.0, 8.0, 16.0)
"""Seconds between tries. Source: "Azure Key Vault throttling guidance",
https://learn.microsoft.com/azure/key-vault/general/overview-throttling, 2025."""


class VaultThrottle(AsyncHTTPPolicy[Any, Any]):
    """Holds requests for certificates until one vault may make another key, or import one. `sleep` waits
    Azure's seconds.

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
        self._windows = {"create": Window(_KEYS, _TEN_SECONDS), "import": Window(_IMPORTS, _TEN_SECONDS)}

    async def send(self, request: Any) -> Any:
        sent = request.http_request
        if self._pace <= 0 or sent.method not in _CHANGING:
            return await self.next.send(request)
        verb = urlsplit(sent.url).path.rpartition("/")[2]
        window = self._windows.get(verb) if sent.method == "POST" else None
        response = await self._in_turn(request, window)
        for wait in _VAULT_WAITS:
            answer = response.http_response
            if answer.status_code != 429 or "Retry-After" in answer.headers:
                break
            if window:
                window.hold(self._now() + _TEN_SECONDS)
            else:
                await self._sleep(wait)
            response = await self._in_turn(request, window)
        return response

    async def _in_turn(self, request: Any, window: Window | None) -> Any:
        if window is None:
            return await self.next.send(request)
        weight = 2 if _in_hsm(request.http_request) else 1
        while (free := window.free_at(self._now(), weight)) > (now := self._now()):
            await self._sleep(free - now)
        window.take(now, weight)
        try:
            return await self.next.send(request)
        finally:
            window.ended(self._now(), weight)

    def _now(self) -> float:
        return self._clock() / self._pace


def _in_hsm(sent: Any) -> bool:
    return "-HSM" in str(getattr(sent, "content", None) or getattr(sent, "body", None) or "")
