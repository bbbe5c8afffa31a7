"""What every sandbox service speaks: a request, an answer, a refusal, a route.

Services are plain functions `(Request, Azure) -> Answer`, listed in one `ROUTES` tuple a module. They
never see sockets, aiohttp or TLS, so that a service can be read as a description of what Azure does.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from provision.sandbox.azure import Azure

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Principal:
    """Who calls: the Entra object behind a bearer token."""

    object_id: str
    client_id: str
    name: str


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request, decoded.

    `path` is as the client spelled it; `query` and `headers` have lower-case keys; `body` is parsed
    JSON, a form as a dict, or None for an empty body; `params` are the route's placeholders, as spelled.
    `base_url` is the scheme and authority the client reached us by (`https://localhost:PORT`).
    """

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Any
    base_url: str
    principal: Principal | None = None
    params: Mapping[str, str] = field(default_factory=dict)
    certificate: bytes = b""
    """The client certificate of the connection (DER), verified against the sandbox's cluster authority."""

    @property
    def host(self) -> str:
        """Authority without the scheme, `kv-prod.vault.localhost:PORT`."""
        return self.base_url.split("//", 1)[1]


class Stream(Protocol):
    """An answer without an end: a Kubernetes watch."""

    def look(self) -> list[Json] | None:
        """What is new since the last look, for the client to read a line each; None when it is over."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, JSON body (None sends no body) and extra headers.

    A body of bytes is sent as it is, under the Content-Type in `headers`. With `stream` the body is what its
    looks return, until the stream is over or the client leaves.
    """

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    stream: Stream | None = None


class Refusal(Exception):  # noqa: N818 - a refusal is an answer, not a fault of ours
    """An error answer of Azure.

    `envelope` is `arm` for `{"error": {code, message}}` (the ARM gateway, Key Vault) and `bare` for
    `{code, message}`, which the DNS services send.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        envelope: Literal["arm", "bare"] = "arm",
        headers: Mapping[str, str] | None = None,
        extra: Json | None = None,
    ) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.envelope = envelope
        self.headers = dict(headers or {})
        self.extra = extra or {}

    def answer(self) -> Answer:
        error = {"code": self.code, "message": self.message, **self.extra}
        return Answer(self.status, error if self.envelope == "bare" else {"error": error}, self.headers)


Handler = Callable[[Request, "Azure"], "Answer | Awaitable[Answer]"]

_PLACEHOLDER = re.compile(r"\{(\w+)(\*?)\}")


@dataclass(frozen=True, slots=True)
class Route:
    """One operation of a service.

    `template` holds `{name}` for one path segment and `{name*}` for any number of them (a role
    assignment's scope). Matching ignores case, as ARM does. `action` is the RBAC action that the caller
    needs at the resource in the path, or None where no authorization applies (token endpoint, metadata).
    `host` separates the data planes: `arm` (also Entra and metadata) or `vault`.
    """

    method: str
    template: str
    handle: Handler
    action: str | None = None
    host: Literal["arm", "vault"] = "arm"
    linked: Callable[[Json], tuple[str, str] | None] | None = None
    """What the caller must also be allowed because of the body: an action and its scope, or None."""

    def pattern(self) -> re.Pattern[str]:
        """The template as a case-insensitive regular expression."""
        return _pattern(self.template)


@cache
def _pattern(template: str) -> re.Pattern[str]:
    parts: list[str] = []
    end = 0
    for match in _PLACEHOLDER.finditer(template):
        parts.append(re.escape(template[end : match.start()]))
        parts.append(f"(?P<{match[1]}>{'.*?' if match[2] else '[^/]+'})")
        end = match.end()
    parts.append(re.escape(template[end:]))
    return re.compile("".join(parts) + "/?", re.IGNORECASE)
