"""The embedded Azure as its services see it: state, clock, identifiers, long operations."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from provision.sandbox.http import Answer, Json, Refusal, Request
from provision.sandbox.store import Store

TENANT = "00000000-0000-4000-8000-00000000aaaa"
SUBSCRIPTION = "00000000-0000-4000-8000-000000000001"

Settle = Callable[["Azure", Json], "Json | None"]
"""Writes an operation's effect when its time is over. Returns `{code, message}` when it fails late."""


@dataclass(frozen=True, slots=True)
class Clock:
    """Wall time with Azure's durations shrunk: at speed 1000 an AKS update of 150 s takes 0.15 s."""

    speed: float = 1000.0

    def now(self) -> float:
        """Seconds since the epoch."""
        return time.time()

    def after(self, seconds: float) -> float:
        """The moment at which something that takes Azure `seconds` is over."""
        return self.now() + seconds / self.speed

    def retry_headers(self, seconds: float) -> dict[str, str]:
        """The headers that ask a client to poll every `seconds` (of Azure's time).

        Whole seconds go into Retry-After; fractions go into x-ms-retry-after-ms alone: generated SDKs
        (azure-mgmt-keyvault 14.1, -containerservice 41.8, -privatedns 2.0) read Retry-After of a 202 as an
        integer and fail on a fraction. azure-core honours both.
        """
        scaled = seconds / self.speed
        if scaled >= 1 and scaled.is_integer():
            return {"Retry-After": f"{scaled:.0f}"}
        return {"x-ms-retry-after-ms": f"{max(scaled, 0.02) * 1000:.0f}"}

    def stamp(self, at: float | None = None) -> str:
        """ISO 8601 with seven fraction digits, as ARM writes it."""
        moment = datetime.fromtimestamp(self.now() if at is None else at, UTC)
        return moment.strftime("%Y-%m-%dT%H:%M:%S.%f") + "0Z"


@dataclass(frozen=True, slots=True)
class Azure:
    """Handed to every service function."""

    store: Store
    clock: Clock
    settlers: Mapping[str, Settle] = field(default_factory=dict)

    def guid(self) -> str:
        return str(uuid.uuid4())

    def start_operation(self, settler: str, seconds: float, **detail: object) -> Json:
        """Begin a long operation; `settlers[settler]` writes its effect once `seconds` (scaled) are over.

        Returns the operation: `{name, settler, status, start, due, …detail}`. `detail` is whatever the
        settler needs (ids, the new document). Status is InProgress until settled.
        """
        operation: Json = {
            "name": self.guid(),
            "settler": settler,
            "status": "InProgress",
            "start": self.clock.now(),
            "due": self.clock.after(seconds),
            **detail,
        }
        self.store.put_operation(operation["name"], operation["due"], operation)
        return operation

    def settle(self) -> None:
        """Write the effect of every operation whose time is over. Called at the start of each request."""
        for operation in self.store.due_operations(self.clock.now()):
            error = self.settlers[operation["settler"]](self, operation)
            operation["status"] = "Failed" if error else "Succeeded"
            operation["end"] = operation["due"]
            if error:
                operation["error"] = error
            self.store.settle_operation(operation["name"], operation)

    def operation(self, name: str) -> Json:
        """The operation of that name; 404 as ARM words it when there is none."""
        found = self.store.get_operation(name)
        if found is None:
            raise Refusal(404, "NotFound", f"The entity was not found. Operation id: {name}.")
        return found


def signed(url: str) -> str:
    """A poll URL as ARM writes it since October 2023: signed, long, to be used verbatim."""
    ticks = f"{time.time_ns() // 100 + 621355968000000000}"
    return f"{url}&t={ticks}&c={'MIIHhzCCBm' * 12}&s={'Qk3v' * 40}&h={uuid.uuid4().hex}"


def not_found(resource_id: str) -> Refusal:
    """404 of the ARM gateway for a resource that is not there."""
    segments = resource_id.strip("/").split("/")
    group = segments[3] if len(segments) > 3 else ""
    provider = segments.index("providers") if "providers" in segments else len(segments)
    kind_and_name = "/".join(segments[provider + 1 :])
    return Refusal(
        404,
        "ResourceNotFound",
        f"The Resource '{kind_and_name}' under resource group '{group}' was not found. For more details"
        " please go to https://aka.ms/ARMResourceNotFoundFix",
        headers={"x-ms-failure-cause": "gateway"},
    )


__all__ = [
    "SUBSCRIPTION",
    "TENANT",
    "Answer",
    "Azure",
    "Clock",
    "Json",
    "Refusal",
    "Request",
    "Settle",
    "not_found",
    "signed",
]
