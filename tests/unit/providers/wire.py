"""An HTTP session without a network: real SDK clients send to it and get what the test says."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Self, cast

from aiohttp import ClientSession
from azure.core.credentials import AccessToken, AccessTokenInfo
from multidict import CIMultiDict

from provision.providers.azure.clients import Clients
from provision.providers.azure.cloud import Cloud

CLOUD = Cloud("test", "https://arm.test", "https://entra.test", "vault.test", pace=0)
TOKEN = "token-that-nobody-may-see"


class Answer:
    """One response, as the transport sees it. A body that is no text is sent as JSON."""

    def __init__(self, status: int, body: Any = "", headers: Mapping[str, str] | None = None) -> None:
        self.status = status
        self.reason = HTTPStatus(status).phrase
        self.headers = CIMultiDict({"Content-Type": "application/json", **(headers or {})})
        self._text = body if isinstance(body, str) else json.dumps(body)

    async def read(self) -> bytes:
        return self._text.encode()

    def close(self) -> None:
        """Nothing to close."""


@dataclass(frozen=True, slots=True)
class Request:
    """What was sent."""

    method: str
    url: str
    headers: Mapping[str, str]


@dataclass(slots=True)
class Wire:
    """Gives the next of `answers` to each request, the last one for ever; raises those that are errors."""

    answers: Sequence[Answer | Exception]
    requests: list[Request] = field(default_factory=list)
    closed: bool = False
    auto_decompress: bool = True

    async def request(self, method: str, url: str, headers: Mapping[str, str], **_: object) -> Answer:
        answer = self.answers[min(len(self.requests), len(self.answers) - 1)]
        self.requests.append(Request(method, url, dict(headers)))
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def close(self) -> None:
        self.closed = True

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        """The session's owner closes it."""


@dataclass(slots=True)
class Credential:
    """Gives a new token each time it is asked, valid for `lifetime` seconds, or raises `error`."""

    lifetime: int = 3600
    error: Exception | None = None
    asked: list[tuple[tuple[str, ...], Mapping[str, Any]]] = field(default_factory=list)
    closed: bool = False

    async def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        made = await self.get_token_info(*scopes, options=options)
        return AccessToken(made.token, made.expires_on)

    async def get_token_info(self, *scopes: str, options: Any = None) -> AccessTokenInfo:
        self.asked.append((scopes, dict(options or {})))
        if self.error:
            raise self.error
        return AccessTokenInfo(f"{TOKEN}-{len(self.asked)}", int(time.time()) + self.lifetime)

    async def close(self) -> None:
        self.closed = True

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


def clients(wire: Wire, credential: Credential | None = None, cloud: Cloud = CLOUD) -> Clients:
    """Clients of a run that has `wire` for its session."""
    return Clients(cloud, cast("ClientSession", wire), credential or Credential())
