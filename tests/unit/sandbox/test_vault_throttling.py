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

    def ask(self, path: str = "/certificates/a/create", vault: str = "kv", body: Any = None) -> None:
        method = "POST" if path.endswith("/create") else "GET"
        request = Request(method=method, path=path, query={}, headers={}, body=body, base_url="")
        self._throttling.admit(vault, request)

    def refused(self, path: str = "/certificates/a/create", body: Any = None) -> Refusal:
        with pytest.raises(Refusal) as caught:
            self.ask(path, body=body)
        return caught.value


def test_new_keys_of_a_vault_in_ten_seconds() -> None:
    counter = Counter()
    for number in range(20):
        counter.ask(f"/certificates/c{number}/create")
        counter.now += 0.1
    refusal = counter.refused()
    assert (refusal.status, refusal.code) == (429, "Throttled")
    assert "VaultRequestTypeLimitReached" in refusal.message
    assert not {name.lower() for name in refusal.headers} & {"retry-after", "x-ms-retry-after-ms"}
    counter.ask(vault="another")
    counter.ask("/certificates/a")
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
        counter.ask("/certificates/a/pending")
    assert counter.refused("/secrets/a").code == "Throttled"
    counter.ask()
