"""No more new keys than a vault may make: what is over the limit waits here, not in refusals."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from azure.keyvault.certificates import CertificatePolicy

from providers.wire import CLOUD, Answer, Wire, clients
from provision.providers.azure.clients import Clients
from provision.providers.azure.throttle import VaultThrottle

PENDING = json.dumps(
    {"id": "https://kv/certificates/a/pending", "issuer": {"name": "Unknown"}, "status": "inProgress"}
)
POLICY = CertificatePolicy(issuer_name="Unknown", subject="CN=a")


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds of Azure's time that anybody waited; nobody waits them."""
    found: list[float] = []

    async def sleep(self: Clients, seconds: float) -> None:
        found.append(seconds)

    monkeypatch.setattr(Clients, "sleep", sleep)
    return found


async def test_the_twenty_first_key_in_ten_seconds_waits(waits: list[float]) -> None:
    async with clients(Wire([Answer(202, PENDING)]), cloud=replace(CLOUD, pace=1.0)) as found:
        for vault, count in (("kv-one", 20), ("kv-two", 20)):
            for _ in range(count):
                await found.certificates(vault).create_certificate("a", POLICY)
        assert waits == []
        await found.certificates("kv-one").create_certificate("a", POLICY)
        assert len(waits) == 1


class Sent:
    """A request in a pipeline, and what comes after the policy."""

    def __init__(self, method: str, url: str) -> None:
        self.http_request = self
        self.method = method
        self.url = url

    async def send(self, request: Any) -> str:
        return "answered"


@pytest.mark.parametrize(("pace", "expected"), [(1.0, [10.0, 10.0]), (0.001, [10.0, 10.0]), (0, [])])
async def test_it_waits_until_the_oldest_is_ten_seconds_old(pace: float, expected: list[float]) -> None:
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(round(seconds, 6))

    throttle = VaultThrottle(pace, sleep, clock=lambda: 5.0)
    create = Sent("POST", "https://kv/certificates/a/create?api-version=7.4")
    throttle.next = create  # type: ignore[assignment]
    for _ in range(22):
        assert await throttle.send(create) == "answered"
        for other in (Sent("GET", create.url), Sent("POST", "https://kv/certificates/a/import")):
            await throttle.send(other)
    assert waited == expected
