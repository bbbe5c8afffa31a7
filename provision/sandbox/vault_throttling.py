"""How many requests a vault takes in ten seconds: 429 for more, in Key Vault's words.

Limits: "Azure Key Vault service limits", https://learn.microsoft.com/azure/key-vault/general/service-limits,
2026, where thresholds are weighted: a key in an HSM costs as much as two in software. A certificate that the
vault makes has a new key; one that is imported shares a limit with new secrets and imported keys. All vaults
of a subscription and region together take five times as much. What was refused does not count: "Azure Key
Vault throttling guidance", 2025. The words, and headers without Retry-After:
https://github.com/vcsjones/AzureSignTool/issues/219 (2023). How a subscription's limit is told is a guess.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from provision.sandbox.azure import Clock, Json, Refusal, Request

KEYS = 20
"""New keys in software, of any type and size."""
WRITTEN = 300
"""Secrets that are set, certificates and keys that are imported."""
OTHERS = 4_000
"""All other transactions. What larger keys cost to use is left out: nobody uses keys here."""
VAULTS = 5
"""How many vaults' worth a subscription takes in one region."""
_SECONDS = 10.0

_CREATE = re.compile(r"POST /(certificates|keys)/[^/]+/create/?", re.IGNORECASE)
_WRITE = re.compile(r"PUT /(secrets|keys)/[^/]+/?|POST /certificates/[^/]+/import/?", re.IGNORECASE)


@dataclass
class _Window:
    """What was taken, each with its time and its weight."""

    most: int
    taken: deque[tuple[float, int]] = field(default_factory=deque)
    weight: int = 0

    def fits(self, now: float, weight: int) -> bool:
        while self.taken and self.taken[0][0] <= now - _SECONDS:
            self.weight -= self.taken.popleft()[1]
        return self.weight + weight <= self.most

    def take(self, now: float, weight: int) -> None:
        self.taken.append((now, weight))
        self.weight += weight


class VaultThrottling:
    """Counts the requests to the vaults of one server. `now` is in seconds of Azure's time."""

    def __init__(self, clock: Clock, now: Callable[[], float] | None = None) -> None:
        self._now = now or (lambda: clock.now() * clock.speed)
        self._windows: dict[tuple[str, int], _Window] = {}

    def admit(self, vault: Json, request: Request) -> None:
        """Count a request of somebody who is known. Raises Refusal (429) for one too many."""
        most = _limit(request)
        weight = 2 if most == KEYS and _in_hsm(request) else 1
        subscription = vault["id"].lower().split("/")[2]
        now = self._now()
        counted = {
            "Vault": self._window(vault["id"].lower(), most),
            "Subscription": self._window(f"{subscription}/{vault['location']}", most * VAULTS),
        }
        for whose, window in counted.items():
            if not window.fits(now, weight):
                raise Refusal(
                    429,
                    "Throttled",
                    "Request was not processed because too many requests were received. Reason:"
                    f" {whose}RequestTypeLimitReached",
                )
        for window in counted.values():
            window.take(now, weight)

    def _window(self, whose: str, most: int) -> _Window:
        return self._windows.setdefault((whose, most), _Window(most))


def _limit(request: Request) -> int:
    """How many such requests one vault takes."""
    asked = f"{request.method} {request.path}"
    if _CREATE.fullmatch(asked):
        return KEYS
    return WRITTEN if _WRITE.fullmatch(asked) else OTHERS


def _in_hsm(request: Request) -> bool:
    """Whether the new key is one of an HSM; a version by the policy that there is counts as none."""
    body = request.body if isinstance(request.body, dict) else {}
    key = (body.get("policy") or {}).get("key_props") or body
    return str(key.get("kty") or "").upper().endswith("-HSM")
