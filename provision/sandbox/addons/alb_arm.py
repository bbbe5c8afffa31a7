"""What the ALB controller asks of Microsoft.ServiceNetworking, as its own identity, with its rights."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from typing import cast

from provision.sandbox import rbac, service_networking
from provision.sandbox.azure import Answer, Azure, Json, Refusal, Request
from provision.sandbox.gateway import body_of
from provision.sandbox.http import Principal, Route

_HOST = "https://management.azure.com"
_VERSION = "2025-01-01"
_LINE = "-" * 80
GROUP_READ = "Microsoft.Resources/subscriptions/resourceGroups/read"


class ArmError(Exception):
    """Azure refuses; the text is the Go SDK's (azcore, 2025), as the controller writes it into conditions."""


@dataclass(frozen=True, slots=True)
class Arm:
    azure: Azure
    caller: Principal

    def get(self, path: str) -> Json | None:
        """The resource, None when there is none. Raises ArmError."""
        try:
            found: Json = self._call("GET", path, None).body
        except Refusal as refusal:
            if refusal.status == 404:
                return None
            raise self._told("GET", path, refusal) from refusal
        return found

    def put(self, path: str, body: Json) -> None:
        """Begin to create or update. Raises ArmError."""
        self._write("PUT", path, body)

    def delete(self, path: str) -> None:
        """Begin to delete. Raises ArmError."""
        self._write("DELETE", path, None)

    def require(self, action: str, scope: str, *, data: bool = False) -> None:
        """Raises ArmError unless the identity may do `action` there."""
        if not rbac.allows(self.azure, self.caller.object_id, action, scope, data=data):
            refusal = Refusal(
                403,
                "AuthorizationFailed",
                f"The client '{self.caller.client_id}' with object id '{self.caller.object_id}' does not have"
                f" authorization to perform action '{action}' over scope '{scope}' or the scope is invalid."
                " If access was recently granted, please refresh your credentials.",
            )
            raise self._told("PUT" if data else "GET", scope, refusal)

    def _write(self, method: str, path: str, body: Json | None) -> None:
        try:
            self._call(method, path, body)
        except Refusal as refusal:
            raise self._told(method, path, refusal) from refusal

    def _call(self, method: str, path: str, body: Json | None) -> Answer:
        for pattern, route in _routes():
            match = pattern.fullmatch(path)
            if match is None or route.method != method:
                continue
            request = Request(
                method, path, {"api-version": _VERSION}, {}, body, _HOST, self.caller, match.groupdict()
            )
            if route.action:
                rbac.require(self.azure, self.caller, route.action, rbac.scope_of(path))
            linked = route.linked(body_of(request)) if route.linked else None
            if linked and route.action:
                rbac.require_linked(self.azure, self.caller, route.action, rbac.scope_of(path), linked)
            return cast(Answer, route.handle(request, self.azure))
        raise Refusal(404, "InvalidResourceType", f"The resource '{path}' is of no known type.")

    @staticmethod
    def _told(method: str, path: str, refusal: Refusal) -> ArmError:
        body = json.dumps({"error": {"code": refusal.code, "message": refusal.message}}, indent=2)
        status = f"{refusal.status} {HTTPStatus(refusal.status).phrase}"
        return ArmError(
            f"{method} {_HOST}{path}\n{_LINE}\nRESPONSE {refusal.status}: {status}\nERROR CODE:"
            f" {refusal.code}\n{_LINE}\n{body}\n{_LINE}\n"
        )


@cache
def _routes() -> tuple[tuple[re.Pattern[str], Route], ...]:
    return tuple((route.pattern(), route) for route in service_networking.ROUTES)
