"""Faults on request: the next matching requests are answered with an error, late, or not at all.

They live in the state, so that a test or `sandbox fault` can set them for a server in another process.
"""

from __future__ import annotations

import re

from provision.sandbox.azure import Azure, Json

FAULT = "fault"

_CODES = {
    409: ("Conflict", "The request conflicts with another operation in progress."),
    412: ("PreconditionFailed", "The condition '*' in the If-Match header was not satisfied."),
    429: ("TooManyRequests", "The request is being throttled."),
    500: ("InternalServerError", "The server encountered an unexpected error."),
    503: ("ServiceUnavailable", "The service is temporarily unavailable."),
}

DISCONNECT = 0
"""A status that closes the connection instead of answering."""


def inject(
    azure: Azure,
    *,
    method: str = ".*",
    path: str = ".*",
    status: int | None = None,
    body: Json | None = None,
    headers: dict[str, str] | None = None,
    count: int = 1,
    delay: float = 0.0,
    after: bool = False,
) -> None:
    """Arm a fault for the next `count` requests whose method and path match (regexes, any casing).

    `status` None lets the request through after `delay` (real seconds). `after` carries the request out and
    then loses its answer: what a client sees when Azure did the work and the connection broke. A missing
    `body` is filled with an error as ARM words it.
    """
    code, message = _CODES.get(status or 0, ("SandboxFault", "A fault injected on request."))
    name = f"{len(azure.store.list(FAULT)):06}-{azure.guid()}"
    azure.store.put(
        FAULT,
        name,
        {
            "name": name,
            "method": method,
            "path": path,
            "status": status,
            "body": {"error": {"code": code, "message": message}} if body is None else body,
            "headers": headers or {},
            "count": count,
            "delay": delay,
            "after": after,
        },
    )


def take(azure: Azure, method: str, path: str) -> Json | None:
    """The first armed fault that matches, used up by one; None when there is none."""
    for fault in azure.store.list(FAULT):
        if _matches(fault, method, path):
            fault["count"] -= 1
            if fault["count"] > 0:
                azure.store.put(FAULT, fault["name"], fault)
            else:
                azure.store.delete(FAULT, fault["name"])
            return fault
    return None


def clear(azure: Azure) -> int:
    """Disarm every fault; returns how many there were."""
    return sum(azure.store.delete(FAULT, fault["name"]) for fault in azure.store.list(FAULT))


def _matches(fault: Json, method: str, path: str) -> bool:
    return bool(
        re.fullmatch(fault["method"], method, re.IGNORECASE) and re.search(fault["path"], path, re.IGNORECASE)
    )
