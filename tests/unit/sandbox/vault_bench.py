"""A key vault service on a store and a clock that tests move by hand."""

from __future__ import annotations

import inspect
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from provision.sandbox import certificates, rbac, vaults
from provision.sandbox.azure import SUBSCRIPTION, Answer, Azure, Clock, Json
from provision.sandbox.http import Principal, Refusal, Request
from provision.sandbox.store import Store

GROUP = "rg-security"
OFFICER = Principal("11111111-0000-4000-8000-000000000001", "22222222-0000-4000-8000-000000000001", "officer")
STRANGER = Principal(
    "11111111-0000-4000-8000-000000000002", "22222222-0000-4000-8000-000000000002", "stranger"
)
KEY_VAULT_ADMINISTRATOR = "00482a5a-887f-4fb3-b363-3b7fe8e74483"


@dataclass(frozen=True, slots=True)
class MovedClock(Clock):
    """Stands still until `pass_` moves it; a second is a second."""

    speed: float = 1.0
    moment: list[float] = field(default_factory=lambda: [1_800_000_000.25])

    def now(self) -> float:
        return self.moment[0]

    def pass_(self, seconds: float) -> None:
        self.moment[0] += seconds


class Bench:
    """`arm` and `vault` send one request, as OFFICER unless told otherwise, and return the answer."""

    def __init__(self, path: Path) -> None:
        self.clock = MovedClock()
        self.azure = Azure(Store(path), self.clock, {**vaults.SETTLERS, **certificates.SETTLERS})

    def new_vault(self, name: str, *, rbac_model: bool = True) -> Json:
        vault = vaults.new_vault(self.azure, SUBSCRIPTION, GROUP, name, rbac=rbac_model)
        if rbac_model:
            self.assign(KEY_VAULT_ADMINISTRATOR, OFFICER, vault["id"])
        return vault

    def assign(self, role: str, principal: Principal, scope: str) -> None:
        """A role assignment that is effective at once."""
        name = self.azure.guid()
        id_ = f"{scope}/providers/{rbac.ASSIGNMENT}/{name}"
        properties = {
            "roleDefinitionId": f"/subscriptions/{SUBSCRIPTION}/providers/{rbac.DEFINITION}/{role}",
            "principalId": principal.object_id,
            "scope": scope,
            "createdOn": "2020-01-01T00:00:00.0000000Z",
        }
        self.azure.store.put(rbac.ASSIGNMENT, id_, {"id": id_, "name": name, "properties": properties})

    def arm(self, method: str, path: str, body: Any = None, version: str = "2024-11-01") -> Answer:
        url = f"https://localhost:8443{path}"
        return self.send(method, url, body, OFFICER, version)

    def vault(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        name: str = "kv-test",
        caller: Principal | None = OFFICER,
    ) -> Answer:
        return self.send(method, f"https://{name}.vault.localhost:8443{path}", body, caller, "7.6")

    def send(self, method: str, url: str, body: Any, caller: Principal | None, version: str) -> Answer:
        parts = urlsplit(url)
        data_plane = parts.netloc.partition(".")[2].startswith("vault.")
        query = {"api-version": version, **{k.lower(): v for k, v in parse_qsl(parts.query)}}
        for route in (*vaults.ROUTES, *certificates.ROUTES):
            match = route.pattern().fullmatch(parts.path)
            if match and route.method == method and (route.host == "vault") == data_plane:
                params = match.groupdict() | ({"vault": parts.netloc.partition(".")[0]} if data_plane else {})
                base = f"{parts.scheme}://{parts.netloc}"
                request = Request(method, parts.path, query, {}, body, base, caller, params)
                self.azure.settle()
                answer = route.handle(request, self.azure)
                assert not inspect.isawaitable(answer)
                return answer
        raise AssertionError(f"no route for {method} {url}")


def refused(bench_call: Any, *args: Any, **named: Any) -> Refusal:
    """The refusal that a call ends in."""
    try:
        bench_call(*args, **named)
    except Refusal as refusal:
        return refusal
    raise AssertionError("it was not refused")


def vault_path(name: str = "kv-test", tail: str = "") -> str:
    return f"{vaults.vault_id(SUBSCRIPTION, GROUP, name)}{tail}"
