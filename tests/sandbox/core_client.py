"""Raw requests to a running sandbox."""

from __future__ import annotations

from typing import Any

import aiohttp

from provision.sandbox import seed, tokens
from provision.sandbox.server import Sandbox

ARM = "https://management.azure.com/"


class Client:
    """Raw requests to a sandbox as one of its seeded clients."""

    def __init__(self, sandbox: Sandbox, session: aiohttp.ClientSession) -> None:
        self._sandbox = sandbox
        self._session = session

    async def send(
        self, method: str, path: str, body: Any = None, *, client: str = "owner", **options: Any
    ) -> aiohttp.ClientResponse:
        """The answer, read; a path without a query gets an api-version."""
        known = seed.CLIENTS[client]
        token = tokens.mint(self._sandbox.azure, known.client_id, known.object_id, ARM)
        query = "" if "?" in path else "?api-version=2024-11-01"
        headers = {"Authorization": f"Bearer {token}", **options.pop("headers", {})}
        url = f"{self._sandbox.url}{path}{query}"
        async with self._session.request(method, url, json=body, headers=headers, **options) as answer:
            await answer.read()
            return answer
