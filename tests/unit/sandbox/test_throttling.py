"""What the sandbox refuses as too many requests, in ARM's words."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from provision.sandbox.azure import Clock, Refusal, Request
from provision.sandbox.throttling import Throttling

NETWORK = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network"
ZONE = f"{NETWORK}/dnsZones/contoso.com"
PRIVATE = f"{NETWORK}/privateDnsZones/corp.example"
OTHER = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/v"


class Counter:
    def __init__(self, speed: float = 1.0) -> None:
        self.now = 0.0
        self.throttling = Throttling(Clock(speed), lambda: self.now)

    def ask(self, method: str, path: str, caller: str = "me") -> dict[str, str]:
        request = Request(method=method, path=path, query={}, headers={}, body=None, base_url="")
        return self.throttling.admit(request, "s", caller, "Microsoft.Network/x/action")

    def refused(self, method: str, path: str, caller: str = "me") -> Refusal:
        with pytest.raises(Refusal) as caught:
            self.ask(method, path, caller)
        return caught.value

    def slowly(self, count: int, method: str, path: Callable[[int], str], apart: float) -> None:
        for number in range(count):
            self.ask(method, path(number))
            self.now += apart


def test_a_callers_bucket() -> None:
    counter = Counter()
    left = [counter.ask("PUT", OTHER)["x-ms-ratelimit-remaining-subscription-writes"] for _ in range(200)]
    assert (left[0], left[-1]) == ("199", "0")
    refusal = counter.refused("PUT", OTHER)
    assert (refusal.status, refusal.code) == (429, "SubscriptionRequestsThrottled")
    assert refusal.headers["Retry-After"] == "1"
    assert counter.ask("GET", OTHER) == {"x-ms-ratelimit-remaining-subscription-reads": "249"}
    counter.ask("PUT", OTHER, caller="somebody else")
    counter.now += 0.1
    counter.ask("PUT", OTHER)
    counter.refused("PUT", OTHER)


@pytest.mark.parametrize(
    ("method", "path", "most", "interval"),
    [
        ("PUT", lambda number: f"{ZONE}/A/h{number}", 200, "00:01:00"),
        ("PATCH", lambda number: f"{ZONE}/A/h{number}", 200, "00:01:00"),
        ("DELETE", lambda number: f"{ZONE}/TXT/h{number}", 200, "00:01:00"),
        ("GET", lambda _: f"{ZONE}/recordsets", 60, "00:01:00"),
        ("PUT", lambda number: f"{PRIVATE}/A/h{number}", 60, "00:01:00"),
        ("GET", lambda _: f"{PRIVATE}/ALL", 100, "00:01:00"),
        ("PUT", lambda number: f"{NETWORK}/privateDnsZones/z{number}.example", 40, "00:01:00"),
        ("PUT", lambda number: f"{PRIVATE}/virtualNetworkLinks/l{number}", 60, "00:01:00"),
    ],
)
def test_what_a_zone_takes_in_a_minute(
    method: str, path: Callable[[int], str], most: int, interval: str
) -> None:
    counter = Counter()
    counter.slowly(most, method, path, 0.11)
    refusal = counter.refused(method, path(most).upper().replace("/SUBSCRIPTIONS", "/subscriptions"))
    assert refusal.message.startswith(
        f"Number of requests for action 'Microsoft.Network/x/action' exceeded the limit of '{most}' for time"
        f" interval '{interval}'. Please try again after '"
    )
    assert (refusal.code, refusal.answer().body["error"]["code"]) == ("ResourceRequestsThrottled",) * 2
    counter.now = 60.01
    counter.ask(method, path(most))


def test_private_zones_and_the_service_as_a_whole_have_five_minutes() -> None:
    counter = Counter()
    counter.slowly(500, "GET", lambda number: f"{PRIVATE}/A/h{number}", 0.35)
    assert "'500' for time interval '00:05:00'" in counter.refused("GET", PRIVATE).message
    counter = Counter()
    counter.slowly(
        1000, "PUT", lambda number: f"{NETWORK}/dnsZones/z{number // 199}.example/A/a{number}", 0.11
    )
    assert "'1000' for time interval '00:05:00'" in counter.refused("PUT", f"{ZONE}/A/a").message


def test_a_request_that_one_limit_refuses_counts_for_no_other() -> None:
    counter = Counter()
    counter.slowly(60, "PUT", lambda number: f"{PRIVATE}/A/h{number}", 0.0)
    for _ in range(100):
        counter.refused("PUT", f"{PRIVATE}/A/x")
    counter.slowly(200, "PUT", lambda number: f"{ZONE}/A/h{number}", 0.11)


def test_waiting_is_shrunk_like_every_other_time() -> None:
    counter = Counter(speed=1000.0)
    counter.slowly(200, "PUT", lambda number: f"{ZONE}/A/h{number}", 0.1)
    assert counter.refused("PUT", f"{ZONE}/A/x").headers["x-ms-retry-after-ms"] == "40"
