"""One ARM service on a store and a clock that tests move by hand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from provision.sandbox.azure import SUBSCRIPTION, Answer, Azure, Clock, Json, Refusal, Request, Settle
from provision.sandbox.http import Route
from provision.sandbox.store import Store

GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-test"


@dataclass(frozen=True, slots=True)
class HandClock(Clock):
    """Moves only when told to; a second is a second."""

    speed: float = 1.0
    moment: list[float] = field(default_factory=lambda: [1_800_000_000.25])

    def now(self) -> float:
        return self.moment[0]


class ArmBench:
    """Sends single requests to the routes of a service, without what the gateway checks before."""

    def __init__(self, routes: Iterable[Route], settlers: Mapping[str, Settle]) -> None:
        self.clock = HandClock()
        self.azure = Azure(Store(":memory:"), self.clock, settlers)
        self.routes = [(route.pattern(), route) for route in routes]

    def send(
        self, method: str, url: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Answer of the service, also when it refuses. `url` is a path or a poll URL."""
        self.azure.settle()
        parts = urlsplit(url)
        for pattern, route in self.routes:
            match = pattern.fullmatch(parts.path)
            if match and route.method == method:
                query = {key.lower(): value for key, value in parse_qsl(parts.query)}
                request = Request(
                    method=method,
                    path=parts.path,
                    query={"api-version": "2026-08-01", **query},
                    headers={key.lower(): value for key, value in (headers or {}).items()},
                    body=body,
                    base_url="https://localhost:8443",
                    params=match.groupdict(),
                )
                try:
                    answer = route.handle(request, self.azure)
                except Refusal as refusal:
                    answer = refusal.answer()
                assert isinstance(answer, Answer)
                return answer
        raise LookupError(f"no route for {method} {parts.path}")

    def pass_(self, seconds: float) -> None:
        self.clock.moment[0] += seconds

    def poll(self, accepted: Answer) -> Json:
        """The status of the operation that an answer names."""
        body: Json = self.send("GET", accepted.headers["Azure-AsyncOperation"]).body
        return body
