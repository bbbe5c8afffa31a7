"""Our pace against Azure's limits, in a time of its own: thousands of requests, and none is refused."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Coroutine, Generator, Iterable
from typing import Any

import pytest

from provision.providers.azure.throttle import Limits
from provision.resources.dns import CHANGES_A_MINUTE
from provision.sandbox.azure import Clock, Refusal, Request
from provision.sandbox.throttling import Throttling

SUBSCRIPTION = "/subscriptions/00000000-0000-4000-8000-000000000001"
NETWORK = f"{SUBSCRIPTION}/resourceGroups/rg-dns/providers/Microsoft.Network"
PUBLIC = f"{NETWORK}/dnsZones/contoso.com"
PRIVATE = f"{NETWORK}/privateDnsZones/corp.example"
CLUSTER = f"{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.ContainerService/managedClusters/aks"
HOST = "https://management.azure.com"
AT_ONCE = 32
Task = Coroutine[float, None, None]


class Pause:
    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def __await__(self) -> Generator[float, None, None]:
        yield self._seconds


class Simulation:
    """Coroutines that sleep by a clock which jumps from one to the next."""

    def __init__(self) -> None:
        self.now = 1000.0
        self._waiting: list[tuple[float, int, Task]] = []
        self._count = 0

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        await Pause(seconds)

    def run(self, *tasks: Task) -> float:
        """Run them to their ends; the seconds that took."""
        begin = self.now
        for task in tasks:
            self._push(self.now, task)
        while self._waiting:
            self.now, _, task = heapq.heappop(self._waiting)
            try:
                self._push(self.now + task.send(None), task)
            except StopIteration:
                continue
        return self.now - begin

    def _push(self, at: float, task: Task) -> None:
        self._count += 1
        heapq.heappush(self._waiting, (at, self._count, task))


class Link:
    """Our client, a network of changing latency, and what counts at its other end."""

    def __init__(self, slowest: float = 0.5) -> None:
        """`slowest`: seconds from here to Azure, at most."""
        self.time = Simulation()
        self._slowest = slowest
        self.limits = Limits(1.0, self.time.sleep, self.time.clock)
        self.azure = Throttling(Clock(1.0), self.time.clock)
        self.refused: list[str] = []
        self.sent: list[float] = []
        self._random = random.Random(4)  # noqa: S311 - jitter, the same each time

    async def ask(self, method: str, path: str) -> None:
        await self.limits.admit(method, f"{HOST}{path}?api-version=1")
        self.sent.append(self.time.now)
        await self.time.sleep(self._random.uniform(0.01, self._slowest))
        try:
            headers = self.azure.admit(_request(method, path), SUBSCRIPTION, "caller", "action")
        except Refusal as refusal:
            self.refused.append(refusal.message)
            headers = refusal.headers
            self.limits.ended(method, f"{HOST}{path}")
            self.limits.answered(method, f"{HOST}{path}", 429, headers)
            return
        await self.time.sleep(self._random.uniform(0.01, self._slowest))
        self.limits.ended(method, f"{HOST}{path}")
        self.limits.answered(method, f"{HOST}{path}", 200, headers)

    async def worker(self, requests: Iterable[tuple[str, str]]) -> None:
        for method, path in requests:
            await self.ask(method, path)

    def all(self, requests: Iterable[tuple[str, str]]) -> float:
        """Ask for everything, so many at once; the seconds that took."""
        shared = iter(requests)
        return self.time.run(*(self.worker(shared) for _ in range(AT_ONCE)))


def _request(method: str, path: str) -> Request:
    return Request(method=method, path=path, query={}, headers={}, body=None, base_url=HOST)


def changes(zone: str, count: int, method: str = "PUT") -> list[tuple[str, str]]:
    return [(method, f"{zone}/A/h{number}") for number in range(count)]


@pytest.mark.parametrize(("zone", "kind"), [(PUBLIC, "public"), (PRIVATE, "private")])
@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_thousands_of_changes_fit_and_take_little_longer_than_they_must(
    zone: str, kind: str, method: str
) -> None:
    link = Link()
    count = 3000
    taken = link.all(changes(zone, count, method))
    assert link.refused == []
    a_minute = CHANGES_A_MINUTE[kind]
    least = (count / a_minute - 1) * 60  # the first minute's may go at once
    assert least <= taken <= least * 1.05 + 30


@pytest.mark.parametrize("zone", [PUBLIC, PRIVATE])
def test_none_is_refused_however_long_each_is_on_its_way(zone: str) -> None:
    link = Link(slowest=8.0)
    link.all(changes(zone, 1000))
    assert link.refused == []


def test_two_zones_change_at_the_same_time() -> None:
    """Until both together are as many as the service takes."""
    link = Link()
    other = f"{NETWORK}/privateDnsZones/other.example"
    both = [each for pair in zip(changes(PRIVATE, 300), changes(other, 300), strict=True) for each in pair]
    assert link.all(both) < 1.1 * (300 / CHANGES_A_MINUTE["private"]) * 60
    assert link.refused == []


@pytest.mark.parametrize(
    ("path", "count"), [(f"{PUBLIC}/recordsets", 100), (f"{PRIVATE}/ALL", 600), (f"{PRIVATE}/A/x", 900)]
)
def test_pages_of_the_largest_zones(path: str, count: int) -> None:
    link = Link()
    link.all([("GET", path)] * count)
    assert link.refused == []
    assert len(link.sent) == count


def test_a_full_zone_holds_nobody_else() -> None:
    link = Link()
    times: list[float] = []

    async def cluster() -> None:
        await link.time.sleep(30.0)
        begin = link.time.now
        await link.limits.admit("PUT", HOST + CLUSTER)
        await link.limits.admit("GET", HOST + CLUSTER)
        times.append(link.time.now - begin)

    shared = iter(changes(PUBLIC, 1000))
    link.time.run(cluster(), *(link.worker(shared) for _ in range(AT_ONCE)))
    assert times == [0.0]


def test_without_a_limit_nothing_waits() -> None:
    link = Link()
    assert link.all(changes(PUBLIC, 190)) < 10


def test_somebody_else_has_used_up_the_zone() -> None:
    """One round is refused, and then everybody waits as long as was asked."""
    link = Link()
    for method, path in changes(PUBLIC, 200):
        link.azure.admit(_request(method, path), SUBSCRIPTION, "somebody", "action")
    link.all(changes(PUBLIC, 400))
    assert 0 < len(link.refused) <= AT_ONCE
    assert link.sent[AT_ONCE] - link.sent[0] >= 59


def bucket_of(link: Link, headers: dict[str, str], status: int = 200) -> float:
    """The time that 20 writes elsewhere take after an answer."""
    link.limits.answered("PUT", f"{HOST}{CLUSTER}", status, headers)
    return link.time.run(*(_admit(link, "PUT", f"{CLUSTER}/agentPools/p{number}") for number in range(20)))


async def _admit(link: Link, method: str, path: str) -> None:
    await link.limits.admit(method, HOST + path)


def test_what_azure_says_is_left_is_believed() -> None:
    assert bucket_of(Link(), {}) == 0
    assert bucket_of(Link(), {"x-ms-ratelimit-remaining-subscription-writes": "120"}) == 0
    slowed = bucket_of(Link(), {"x-ms-ratelimit-remaining-subscription-writes": "0"})
    assert slowed == pytest.approx(2.0)  # ten a second, as it refills: 0 is no reason to stop
    assert bucket_of(Link(), {"x-ms-ratelimit-remaining-subscription-reads": "0"}) == 0


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "40"}, 40.0),
        ({"x-ms-retry-after-ms": "2500"}, 2.5),
        ({}, 10.0),
        ({"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}, 10.0),
    ],
)
def test_a_refusal_holds_its_zone(headers: dict[str, str], seconds: float) -> None:
    link = Link()
    link.limits.answered("PUT", f"{HOST}{PUBLIC}/A/x", 429, headers)
    assert link.time.run(_admit(link, "GET", f"{PUBLIC}/A/x")) == 0
    assert link.time.run(_admit(link, "PUT", f"{PUBLIC}/A/y")) == pytest.approx(seconds)


def test_a_refusal_holds_no_other_zone_and_slows_what_else_is_written() -> None:
    link = Link()
    link.limits.answered("PUT", f"{HOST}{PUBLIC}/A/x", 429, {"Retry-After": "40"})
    assert link.time.run(_admit(link, "PUT", CLUSTER)) == pytest.approx(0.1)


@pytest.mark.parametrize(("pace", "path"), [(0.0, f"{PUBLIC}/A/x"), (1.0, "/providers/Microsoft.Network")])
def test_what_is_not_counted(pace: float, path: str) -> None:
    time = Simulation()
    limits = Limits(pace, time.sleep, time.clock)
    ask: Callable[[], Coroutine[Any, Any, None]] = lambda: limits.admit("PUT", HOST + path)  # noqa: E731
    assert time.run(*(ask() for _ in range(1000))) == 0
    limits.answered("PUT", HOST + path, 429, {"Retry-After": "40"})
    assert time.run(ask()) == 0


def test_the_sandboxs_time_is_shrunk() -> None:
    time = Simulation()
    limits = Limits(0.001, lambda seconds: time.sleep(seconds * 0.001), time.clock)
    limits.answered("PUT", f"{HOST}{PUBLIC}/A/x", 429, {"x-ms-retry-after-ms": "20"})
    assert time.run(limits.admit("PUT", f"{HOST}{PUBLIC}/A/x")) == pytest.approx(0.02)


def test_a_long_wait_is_told_with_a_clock() -> None:
    """Pages of a zone, of which Azure takes 60 a minute: one word every ten seconds, whoever waits."""
    time = Simulation()
    told: list[str] = []
    limits = Limits(1.0, time.sleep, time.clock)
    limits.tell = told.append
    url = f"{HOST}{PUBLIC}/recordsets"

    async def pages(count: int) -> None:
        for _ in range(count):
            await limits.admit("GET", url)
            limits.ended("GET", url)

    time.run(pages(31), pages(31))
    zone = "waiting for zone contoso.com, of which Azure takes 60 such reads in 60 s"
    assert told == [f"{zone} ({so_far} s so far, {60 - so_far} s to go)" for so_far in range(0, 60, 10)]
    limits.tell = None
    time.run(pages(60))
    assert len(told) == 6


def test_short_waits_are_not_worth_a_word() -> None:
    time = Simulation()
    told: list[str] = []
    limits = Limits(1.0, time.sleep, time.clock)
    limits.tell = told.append

    async def many() -> None:
        for _ in range(300):
            await limits.admit("GET", f"{HOST}{CLUSTER}")
            limits.ended("GET", f"{HOST}{CLUSTER}")

    assert time.run(many()) > 1
    assert told == []
