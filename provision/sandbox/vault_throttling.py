"""How many requests a vault takes in ten seconds: 429 for more, in Key Vault's words.

Limits: "Azure Key Vault service limits", https://learn.microsoft.com/azure/key-vault/general/service-limits,
2026, where thresholds are weighted: a key in an HSM costs as much as two in software. A certificate that the
vault makes has a new key. What was refused does not count: "Azure Key Vault throttling guidance", 2025. The
words, and headers without Retry-After: https://github.com/vcsjones/AzureSignTool/issues/219 (2023).
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from provision.sandbox.azure import Clock, Refusal, Request

KEYS = 20
"""New keys in software, of any type and size."""
OTHERS = 4_000
"""All other transactions. What larger keys cost to use is left out: nobody uses keys here."""
_SECONDS = 10.0

_CREATE = re.compile(r"/(certificates|keys)/[^/]+/create/?", re.IGNORECASE)


@dataclass
class _Window:
    """What was taken, each with its time and its weight."""

    most: int
    taken: deque[tuple[float, int]] = field(default_factory=deque)

    def fits(self, now: float, weight: int) -> bool:
        while self.taken and self.taken[0][0] <= now - _SECONDS:
            self.taken.popleft()
        return sum(each for _, each in self.taken) + weight <= self.most


class VaultThrottling:
    """Counts the requests to the vaults of one server. `now` is in seconds of Azure's time."""

    def __init__(self, clock: Clock, now: Callable[[], float] | None = None) -> None:
        self._now = now or (lambda: clock.now() * clock.speed)
        self._windows: dict[tuple[str, bool], _Window] = {}

    def admit(self, vault: str, request: Request) -> None:
        """Count a request of somebody who is known. Raises Refusal (429) for one too many."""
        makes_key = request.method == "POST" and _CREATE.fullmatch(request.path) is not None
        weight = 2 if makes_key and _in_hsm(request) else 1
        window = self._windows.setdefault((vault.lower(), makes_key), _Window(KEYS if makes_key else OTHERS))
        now = self._now()
        if not window.fits(now, weight):
            raise Refusal(
                429,
                "Throttled",
                "Request was not processed because too many requests were received. Reason:"
                " VaultRequestTypeLimitReached",
            )
        window.taken.append((now, weight))


def _in_hsm(request: Request) -> bool:
    """Whether the new key is one of an HSM; a version by the policy that there is counts as none."""
    body = request.body if isinstance(request.body, dict) else {}
    key = (body.get("policy") or {}).get("key_props") or body
    return str(key.get("kty") or "").upper().endswith("-HSM")
