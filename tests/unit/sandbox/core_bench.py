"""The whole sandbox behind its gateway, without sockets, on a clock that tests move by hand."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from arm_bench import HandClock

from provision.sandbox import seed, services, tokens
from provision.sandbox.azure import SUBSCRIPTION, Answer, Azure, Json
from provision.sandbox.gateway import Gateway
from provision.sandbox.http import Request
from provision.sandbox.store import Store

ROOT = f"/subscriptions/{SUBSCRIPTION}"
GROUP = f"{ROOT}/resourceGroups/rg-dns"
ARM = "https://management.azure.com/"


class CoreBench:
    """Sends requests as one of the seeded clients."""

    def __init__(self) -> None:
        self.clock = HandClock()
        self.azure = Azure(Store(":memory:"), self.clock, services.SETTLERS)
        with self.azure.store.transaction():
            seed.seed(self.azure)
        self.gateway = Gateway(self.azure, services.ROUTES)

    def token(self, client: str = "owner", audience: str = ARM, lifetime: float = 3599) -> str:
        known = seed.CLIENTS[client]
        minted = tokens.mint(self.azure, known.client_id, known.object_id, audience, lifetime)
        return f"Bearer {minted}"

    def send(
        self,
        method: str,
        url: str,
        body: Any = None,
        *,
        client: str | None = "owner",
        headers: Mapping[str, str] | None = None,
        host: str = "localhost:8443",
    ) -> Answer:
        """`url` is a path or a poll URL, given an api-version if it has no query; bytes go as they are."""
        parts = urlsplit(url)
        sent = {"content-type": "application/json", **(headers or {})}
        if client and "authorization" not in sent:
            sent["authorization"] = self.token(client)
        query = {key.lower(): value for key, value in parse_qsl(parts.query or "api-version=2024-11-01")}
        request = Request(method, parts.path, query, sent, None, f"https://{host}")
        raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        return asyncio.run(self.gateway.handle(request, raw))

    def pass_(self, seconds: float) -> None:
        self.clock.moment[0] += seconds


def error(answer: Answer) -> tuple[int, str, str]:
    """Status, code and message of an ARM error."""
    found: Json = answer.body["error"]
    return answer.status, found["code"], found["message"]
