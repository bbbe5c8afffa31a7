"""What a vault of the sandbox refuses as too many requests."""

from __future__ import annotations

from typing import Any

import pytest

from provision.sandbox.azure import Clock, Refusal, Request
from provision.sandbox.vault_throttling import VaultThrottling

HSM = {"policy": {"key_props": {"kty": "EC-HSM"}}}


class Counter:
    def __init__(self) -> None:
        self.now = 0.0
        self._throttling = VaultThrottling(Clock(), lambda: self.now)

    def ask(
        self,
        asked: str = "POST /certificates/a/create",
        vault: str = "kv",
        body: Any = None,
        location: str = "westeurope",
    ) -> None:
        method, path = asked.split()
        request = Request(method=method, path=path, query={}, headers={}, body=body, base_url="")
        subscription = vault.partition("@")[2] or "one"
        id_ = f"/subscriptions/{subscription}/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/{vault}"
        self._throttling.admit({"id": id_, "location": location}, request)

    def refused(
        self, asked: str = "POST /certificates/a/create", vault: str = "kv", body: Any = None
    ) -> Refusal:
        with pytest.raises(Refusal) as caught:
            self.ask(asked, vault, body)
        return caught.value


def test_new_keys_of_a_vault_in_ten_seconds() -> None:
    counter = Counter()
    for number in range(20):
        counter.ask(f"POST /certificates/c{number}/create")
        counter.now += 0.1
    refusal = counter.refused()
    assert (refusal.status, refusal.code) == (429, "Throttled")
    assert "VaultRequestTypeLimitReached" in refusal.message
    assert not {name.lower() for name in refusal.headers} & {"retry-after", "x-ms-retry-after-ms"}
    counter.ask(vault="another")
    counter.ask("GET /certificates/a")
    counter.now = 9.99
    counter.refused()
    counter.now = 10.0  # what was refused did not count
    counter.ask()
    counter.refused()


def test_a_key_in_an_hsm_costs_two_in_software() -> None:
    counter = Counter()
    for _ in range(9):
        counter.ask(body=HSM)
    counter.ask()
    counter.refused(body=HSM)
    counter.ask()
    counter.refused()


def test_other_requests_have_a_limit_too() -> None:
    counter = Counter()
    for _ in range(4_000):
        counter.ask("GET /certificates/a/pending")
    assert counter.refused("GET /secrets/a").code == "Throttled"
    counter.ask()


def test_secrets_and_imports_share_a_limit() -> None:
    counter = Counter()
    for _ in range(100):
        counter.ask("PUT /secrets/a")
        counter.ask("POST /certificates/a/import")
        counter.ask("PUT /keys/a")
    for asked in ("PUT /secrets/b", "POST /certificates/b/import"):
        assert "VaultRequestTypeLimitReached" in counter.refused(asked).message
    counter.ask("PUT /secrets/b", vault="another")
    for asked in (
        "GET /secrets/b",
        "PATCH /secrets/b",
        "PUT /certificates/contacts",
        "POST /certificates/b/create",
    ):
        counter.ask(asked)


def test_a_subscription_takes_as_much_as_five_vaults_in_a_region() -> None:
    counter = Counter()
    for number in range(6):
        for _ in range(20 if number < 4 else 10):
            counter.ask(vault=f"kv{number}")
    assert "SubscriptionRequestTypeLimitReached" in counter.refused(vault="kv5").message
    counter.ask(vault="kv5", location="northeurope")
    counter.ask(vault="kv5@two")
    counter.ask("PUT /secrets/a", vault="kv5")
    counter.now = 10.0
    counter.ask(vault="kv5")
