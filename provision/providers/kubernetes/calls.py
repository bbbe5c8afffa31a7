"""Calls to the Kubernetes API, whichever way they take, and what comes back."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol
from urllib.parse import quote

Json = dict[str, Any]
Tell = Callable[[str], None]

NO_SUCH_PATH = "the server could not find the requested resource"
"""Message of a 404 for a path that no kind is served at. Source: apimachinery, `NewGenericServerResponse`;
the API server itself answers the text `404 page not found`."""

REASONS: Mapping[str, int] = {
    "BadRequest": 400,
    "Unauthorized": 401,
    "Forbidden": 403,
    "NotFound": 404,
    "MethodNotAllowed": 405,
    "NotAcceptable": 406,
    "AlreadyExists": 409,
    "Conflict": 409,
    "Gone": 410,
    "Expired": 410,
    "RequestEntityTooLarge": 413,
    "UnsupportedMediaType": 415,
    "Invalid": 422,
    "TooManyRequests": 429,
    "InternalError": 500,
    "ServiceUnavailable": 503,
    "ServerTimeout": 504,
    "Timeout": 504,
}
"""HTTP status of each reason of a Status. Source: apimachinery, `api/errors`."""

_BY_STATUS = {status: reason for reason, status in REASONS.items()} | {409: "Conflict", 410: "Gone"}


@dataclass(frozen=True, slots=True)
class Call:
    """One request. `path` is below the API server's URL and may end with a query.

    `apply` is a server-side apply of `body` by our field manager; `force` takes fields from other
    managers, `dry_run` changes nothing. `uid` lets a deletion only hit that very object, where the way
    can say so. `only` names the one key of a Secret's data that is read: the reply holds nothing else of it.
    `strip` takes the annotations `without` off, whoever put them there.
    """

    verb: Literal["get", "apply", "strip", "delete"]
    path: str
    body: Mapping[str, Any] | None = None
    dry_run: bool = False
    force: bool = False
    uid: str = ""
    only: str = ""
    without: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reply:
    """HTTP status and the JSON answered: an object, a list, or a `Status` when it failed."""

    status: int
    body: Json = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        return self.status < 400

    @property
    def reason(self) -> str:
        """`NotFound`, `Invalid`, …; empty when it did not fail."""
        return "" if self.ok else str(self.body.get("reason") or _BY_STATUS.get(self.status, ""))

    @property
    def message(self) -> str:
        """What the API server says of a failure."""
        return str(self.body.get("message") or "") or f"HTTP status {self.status}"

    @property
    def causes(self) -> list[Mapping[str, Any]]:
        """`{reason, message, field}` of each single thing that is wrong."""
        details = self.body.get("details")
        found = details.get("causes") if isinstance(details, Mapping) else None
        return [cause for cause in found or [] if isinstance(cause, Mapping)]

    @property
    def unknown_fields(self) -> bool:
        """Whether the kind has no such fields, which a server-side apply answers as an internal error."""
        return self.status == 500 and "failed to create typed patch object" in self.message

    @property
    def no_such_kind(self) -> bool:
        """Whether the path itself is unknown: the kind is not served, its CRD is missing."""
        return self.status == 404 and self.message.startswith(NO_SUCH_PATH)

    @property
    def no_such_object(self) -> bool:
        """Whether the kind is served and the object is not there."""
        return self.status == 404 and not self.no_such_kind


class Way(Protocol):
    """A way into one cluster. `wait` is how many seconds of Azure's time to leave between two looks."""

    wait: float

    async def send(self, calls: Sequence[Call]) -> list[Reply]:
        """The replies in order. Raises ProvisionError only when the way itself fails."""
        ...


def failure(status: int, message: str, reason: str = "", causes: Sequence[Json] = ()) -> Reply:
    """A reply as the API server words failures, for those that come in another form."""
    body: Json = {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "message": message,
        "reason": reason or _BY_STATUS.get(status, ""),
        "code": status,
    }
    return Reply(status, body | ({"details": {"causes": list(causes)}} if causes else {}))


def reply_of(status: int, text: str) -> Reply:
    """A reply from an HTTP answer. What is not JSON (a bare 404, a proxy's page) becomes a Status."""
    try:
        body = json.loads(text)
    except ValueError:
        body = None
    if isinstance(body, dict):
        return Reply(status, body)
    if status == 404:
        return failure(404, NO_SUCH_PATH)
    return failure(status if status >= 400 else 502, f"not JSON: {text.strip()[:200]}")


def narrowed(reply: Reply, key: str) -> Reply:
    """The reply with one key of its data; a failure as it is."""
    data = reply.body.get("data")
    if not reply.ok:
        return reply
    return Reply(reply.status, {"data": {key: data[key]} if isinstance(data, dict) and key in data else {}})


def query(path: str, **parameters: str) -> str:
    """A path with a query."""
    text = "&".join(f"{name}={quote(value, safe='')}" for name, value in parameters.items())
    return f"{path}?{text}" if text else path
