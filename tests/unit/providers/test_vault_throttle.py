"""No more new keys than a vault may make: what is over the limit waits here, not in refusals."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from azure.keyvault.certificates import CertificatePolicy

from providers.wire import CLOUD, Answer, Wire, clients
from provision.providers.azure.clients import Clients
from provision.providers.azure.vault_throttle import VaultThrottle

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
    monkeypatch.setattr(VaultThrottle, "_now", lambda _: sum(found))  # time goes on with them alone
    return found


async def test_the_twenty_first_key_in_ten_seconds_waits(waits: list[float]) -> None:
    async with clients(Wire([Answer(202, PENDING)]), cloud=replace(CLOUD, pace=1.0)) as found:
        for vault, count in (("kv-one", 20), ("kv-two", 20)):
            for _ in range(count):
                await found.certificates(vault).create_certificate("a", POLICY)
        assert waits == []
        await found.certificates("kv-one").create_certificate("a", POLICY)
        assert len(waits) == 1


async def test_a_key_in_an_hsm_counts_for_two(waits: list[float]) -> None:
    policy = CertificatePolicy(issuer_name="Unknown", subject="CN=a", key_type="RSA-HSM", exportable=False)
    async with clients(Wire([Answer(202, PENDING)]), cloud=replace(CLOUD, pace=1.0)) as found:
        for _ in range(10):
            await found.certificates("kv").create_certificate("a", policy)
        assert waits == []
        await found.certificates("kv").create_certificate("a", policy)
        assert len(waits) == 1


class Sent:
    """A request in a pipeline, and what comes after the policy."""

    def __init__(self, method: str, url: str, status: int = 202) -> None:
        self.http_request = self.http_response = self
        self.method = method
        self.url = url
        self.status_code = status
        self.headers: Mapping[str, str] = {}

    async def send(self, request: Any) -> Sent:
        return self


class Passing:
    """A clock that goes on only while somebody waits. Seconds of Azure's time at `pace`."""

    def __init__(self, pace: float) -> None:
        self._pace = pace
        self.now = 5.0
        self.waited: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.waited.append(round(seconds, 6))
        self.now += seconds * self._pace


class Answering(Sent):
    """Gives the next of `statuses` each time, the last one for ever."""

    def __init__(
        self, method: str, url: str, *statuses: int, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(method, url)
        self.headers = headers or {}
        self.statuses = statuses
        self.asked = 0

    async def send(self, request: Any) -> Sent:
        self.status_code = self.statuses[min(self.asked, len(self.statuses) - 1)]
        self.asked += 1
        return self


CREATE = "https://kv/certificates/a/create"


@pytest.mark.parametrize(
    ("method", "url", "statuses", "waited", "last"),
    [
        ("POST", CREATE, (429, 202), [10.0], 202),
        ("POST", CREATE, (429, 429, 202), [10.0, 10.0], 202),
        ("POST", CREATE, (429,), [10.0] * 5, 429),
        ("POST", "https://kv/certificates/a/import", (429, 429, 200), [10.0, 10.0], 200),
        ("POST", "https://kv/certificates/a/pending/merge", (429, 429, 200), [1.0, 2.0], 200),
        ("PATCH", "https://kv/certificates/a/policy", (429,), [1.0, 2.0, 4.0, 8.0, 16.0], 429),
        ("GET", "https://kv/certificates/a", (429, 200), [], 429),  # azure-core does it
        ("POST", CREATE, (409,), [], 409),
    ],
)
async def test_what_the_vault_refuses_is_sent_again(
    method: str, url: str, statuses: tuple[int, ...], waited: list[float], last: int
) -> None:
    """Key Vault does not say when to come back, so that azure-core would not."""
    clock = Passing(1.0)
    throttle = VaultThrottle(1.0, clock.sleep, clock)
    throttle.next = wire = Answering(method, url, *statuses)  # type: ignore[assignment]
    assert (await throttle.send(wire)).http_response.status_code == last
    assert clock.waited == waited


async def test_where_it_says_when_to_come_back_azure_core_does_it() -> None:
    clock = Passing(1.0)
    throttle = VaultThrottle(1.0, clock.sleep, clock)
    throttle.next = wire = Answering("POST", CREATE, 429, headers={"Retry-After": "3"})  # type: ignore[assignment]
    await throttle.send(wire)
    assert (wire.asked, clock.waited) == (1, [])


async def test_after_a_refusal_nobody_asks_for_ten_seconds() -> None:
    """Others use the vault too."""
    clock = Passing(1.0)
    throttle = VaultThrottle(1.0, clock.sleep, clock)
    throttle.next = wire = Answering("POST", CREATE, 202, 429, 202)  # type: ignore[assignment]
    for _ in range(3):
        await throttle.send(wire)
    assert (wire.asked, clock.waited) == (4, [10.0])


@pytest.mark.parametrize("pace", [1.0, 0.001])
async def test_it_waits_until_the_oldest_was_answered_ten_seconds_ago(pace: float) -> None:
    clock = Passing(pace)
    throttle = VaultThrottle(pace, clock.sleep, clock)
    create = Sent("POST", "https://kv/certificates/a/create?api-version=7.4")
    throttle.next = create  # type: ignore[assignment]
    for _ in range(41):
        assert await throttle.send(create) is create
        for other in (Sent("GET", create.url), Sent("POST", "https://kv/certificates/a/pending/merge")):
            await throttle.send(other)
    assert [each for each in clock.waited if each] == [10.0, 10.0]


async def test_imports_have_a_limit_of_their_own() -> None:
    clock = Passing(1.0)
    throttle = VaultThrottle(1.0, clock.sleep, clock)
    imported = Sent("POST", "https://kv/certificates/a/import?api-version=7.4", status=200)
    throttle.next = imported  # type: ignore[assignment]
    for _ in range(301):
        await throttle.send(imported)
    assert clock.waited == [10.0]
    await throttle.send(Sent("POST", CREATE))
    assert clock.waited == [10.0]


async def test_without_a_pace_nobody_waits() -> None:
    clock = Passing(0)
    throttle = VaultThrottle(0, clock.sleep, clock)
    create = Sent("POST", "https://kv/certificates/a/create")
    throttle.next = create  # type: ignore[assignment]
    for _ in range(50):
        await throttle.send(create)
    assert clock.waited == []
