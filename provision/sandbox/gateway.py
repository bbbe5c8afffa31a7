"""What Azure's front doors do before a service sees a request: route, authenticate, authorize, refuse.

The order is ARM's: token, api-version, subscription, route, permission, resource group, provider, body.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import re
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from provision.sandbox import faults, rbac, registrations, tokens
from provision.sandbox.azure import Answer, Azure, Json, Refusal, Request
from provision.sandbox.http import Principal, Route, Stream
from provision.sandbox.kubernetes import api
from provision.sandbox.kubernetes.refusals import StatusRefusal
from provision.sandbox.throttling import Throttling
from provision.sandbox.vault_throttling import VaultThrottling
from provision.sandbox.vaults import find_vault

GROUP = "Microsoft.Resources/resourceGroups"
SUBSCRIPTION = "Microsoft.Resources/subscriptions"

_ARM = re.compile(r"/(subscriptions|providers|tenants)(/|$)", re.IGNORECASE)
_PLACE = re.compile(
    r"/subscriptions/(?P<subscription>[^/]+)(?:/resourceGroups/(?P<group>[^/]+)(?P<rest>/.+)?)?.*", re.I
)
_VAULT = re.compile(r"(?P<vault>[^.]+)\.vault\.(localhost|azure\.net)(:\d+)?", re.IGNORECASE)
_NAMESPACE = re.compile(r"/providers/([^/]+)/", re.IGNORECASE)
_READS = ("GET", "HEAD")
_LOOK = 0.03
"""Seconds between two looks at what a stream has to send."""

Found = tuple[Route, dict[str, str]]


class Gateway:
    """Dispatches decoded requests to the services' routes, one at a time, each in one transaction.

    `after_write` is called in the transaction of each request that may have changed something.
    """

    def __init__(
        self,
        azure: Azure,
        routes: Iterable[Route],
        after_write: Callable[[Azure], None] = lambda _azure: None,
    ) -> None:
        self._azure = azure
        self._after_write = after_write
        self._throttling = Throttling(azure.clock)
        self._vaults = VaultThrottling(azure.clock)
        self._routes: dict[tuple[str, str], list[tuple[re.Pattern[str], Route]]] = {}
        for route in routes:
            self._routes.setdefault((route.host, route.method), []).append((route.pattern(), route))
        # one store connection serves one transaction at a time, and a handler may await inside it
        self._turn = asyncio.Lock()

    async def handle(self, request: Request, content: bytes) -> Answer:
        """Answer one request; `content` is its undecoded body."""
        async with self._turn:
            fault = self._fault(request)
        if fault is not None:
            await asyncio.sleep(fault["delay"])
        if fault is not None and fault["status"] is not None and not fault["after"]:
            return _broken(request, fault)
        async with self._turn:
            try:
                answer = await self._transact(request, content)
            except Refusal as refusal:
                answer = refusal.answer()
        if fault is not None and fault["status"] is not None:
            return _broken(request, fault)
        return answer

    async def follow(self, stream: Stream) -> AsyncIterator[list[Json]]:
        """What a stream has to send, as it comes; nothing waits for it meanwhile."""
        while True:
            async with self._turn:
                self._settle()
                news = stream.look()
            if news is None:
                return
            yield news
            if not news:
                await asyncio.sleep(_LOOK)

    def _settle(self) -> None:
        azure = self._azure
        if azure.store.due_operations(azure.clock.now()):
            with azure.store.transaction():
                azure.settle()

    def _fault(self, request: Request) -> Json | None:
        if not self._azure.store.list(faults.FAULT):
            return None
        with self._azure.store.transaction():
            return faults.take(self._azure, request.method, request.path)

    async def _transact(self, request: Request, content: bytes) -> Answer:
        self._settle()
        kubernetes = api.serves(request.path)
        if request.method in _READS and not kubernetes:
            return await self._dispatch(request, content)
        with self._azure.store.transaction():  # for reads of a cluster too: the first makes its base objects
            answer = self._cluster(request, content) if kubernetes else await self._dispatch(request, content)
            if request.method not in _READS and answer.status < 400:
                self._after_write(self._azure)
            return answer

    def _cluster(self, request: Request, content: bytes) -> Answer:
        body = api.decode(content, request.headers.get("content-type", ""))
        return api.handle(replace(request, body=body), self._azure)

    async def _dispatch(self, request: Request, content: bytes) -> Answer:
        vault = _VAULT.fullmatch(request.host)
        request = replace(request, path=re.sub("/{2,}", "/", request.path))
        left: dict[str, str] = {}
        if vault:
            route, params = self._find("vault", request)
            caller = tokens.vault_caller(self._azure, request.headers.get("authorization", ""))
            request = replace(request, principal=caller, params={**params, "vault": vault["vault"]})
        elif _ARM.match(request.path):
            route, request = self._admit(request)
            left = self._count(route, request)
        else:
            route, params = self._find("arm", request)
            request = replace(request, params=params)
        request = replace(request, body=_decode(content, request.headers.get("content-type", "")))
        if request.principal and vault and (found := find_vault(self._azure, vault["vault"])):
            self._vaults.admit(found, request)  # without a token comes a challenge, which is not counted
        self._check_linked(route, request)
        outcome = route.handle(request, self._azure)
        answer = await outcome if inspect.isawaitable(outcome) else outcome
        return replace(answer, headers={**left, **answer.headers})

    def _count(self, route: Route, request: Request) -> dict[str, str]:
        """What is left of the limits, as headers; refused when nothing is."""
        place = _PLACE.fullmatch(request.path)
        if place is None:
            return {}
        action = (route.action or "").format_map(request.params)
        caller = caller_of(request).object_id
        return self._throttling.admit(request, place["subscription"].lower(), caller, action)

    def _admit(self, request: Request) -> tuple[Route, Request]:
        """ARM's checks; returns the route and the request with its caller."""
        azure = self._azure
        caller = tokens.arm_caller(azure, request.headers.get("authorization", ""))
        if "api-version" not in request.query:
            raise Refusal(
                400,
                "MissingApiVersionParameter",
                "The api-version query parameter (?api-version=) is required for all requests.",
            )
        place = _PLACE.fullmatch(request.path)
        if place:
            _require_subscription(azure, place["subscription"])
        route, params = self._find("arm", request)
        if route.action is not None:
            action = route.action.format_map(params)  # `{namespace}/register/action`
            rbac.require(azure, caller, action, rbac.scope_of(request.path))
        if place and place["group"]:
            _require_group(azure, request, place)
        if place and request.method == "PUT":
            for namespace in _NAMESPACE.findall(request.path)[-1:]:
                registrations.require_provider(azure, place["subscription"], namespace)
        return route, replace(request, principal=caller, params=params)

    def _check_linked(self, route: Route, request: Request) -> None:
        """What the body leads to may be somebody else's: the caller needs a right there too."""
        linked = route.linked(body_of(request)) if route.linked else None
        if linked and route.action:
            scope = rbac.scope_of(request.path)
            rbac.require_linked(self._azure, caller_of(request), route.action, scope, linked)

    def _find(self, host: str, request: Request) -> Found:
        for pattern, route in self._routes.get((host, request.method), ()):
            match = pattern.fullmatch(request.path)
            if match:
                return route, match.groupdict()
        raise _no_route(request)


def _broken(request: Request, fault: Json) -> Answer:
    """The answer of a fault; an ARM error becomes a Status where Kubernetes answers."""
    status, error = fault["status"], fault["body"].get("error")
    if status and error and api.serves(request.path):
        answer = StatusRefusal(status, error["code"], error["message"]).answer()
        return replace(answer, headers=fault["headers"])
    return Answer(status, fault["body"], fault["headers"])


def caller_of(request: Request) -> Principal:
    """The caller of a request that the gateway has admitted."""
    if request.principal is None:
        raise Refusal(
            401, "AuthenticationFailed", "Authentication failed. The 'Authorization' header is missing."
        )
    return request.principal


def body_of(request: Request) -> Json:
    """The JSON object in the body; empty when there is none."""
    return request.body if isinstance(request.body, dict) else {}


def _require_subscription(azure: Azure, subscription: str) -> None:
    if azure.store.get(SUBSCRIPTION, f"/subscriptions/{subscription}") is None:
        raise Refusal(
            404,
            "SubscriptionNotFound",
            f"The subscription '{subscription}' could not be found.",
            headers={"x-ms-failure-cause": "gateway"},
        )


def _require_group(azure: Azure, request: Request, place: re.Match[str]) -> None:
    found = azure.store.get(GROUP, f"/subscriptions/{place['subscription']}/resourceGroups/{place['group']}")
    creates_group = request.method == "PUT" and not place["rest"]
    if found is None and not creates_group and request.method != "HEAD":
        raise Refusal(
            404,
            "ResourceGroupNotFound",
            f"Resource group '{place['group']}' could not be found.",
            headers={"x-ms-failure-cause": "gateway"},
        )
    deleting = found is not None and found["properties"]["provisioningState"] == "Deleting"
    if deleting and request.method in ("PUT", "PATCH", "POST"):
        raise Refusal(
            409,
            "ResourceGroupBeingDeleted",
            f"The resource group '{place['group']}' is in deprovisioning state and cannot perform this"
            " operation.",
            headers={"x-ms-failure-cause": "gateway"},
        )


def _decode(content: bytes, content_type: str) -> Any:
    if not content:
        return None
    if content_type.startswith("application/x-www-form-urlencoded"):
        return dict(parse_qsl(content.decode(), keep_blank_values=True))
    try:
        return json.loads(content)
    except ValueError as error:
        raise Refusal(
            400,
            "InvalidRequestContent",
            f"The request content was invalid and could not be deserialized: '{error}'.",
            headers={"x-ms-failure-cause": "gateway"},
        ) from error


def _no_route(request: Request) -> Refusal:
    segments = urlsplit(request.path).path.strip("/").split("/")
    lowered = [segment.lower() for segment in segments]
    provider = len(lowered) - 1 - lowered[::-1].index("providers") if "providers" in lowered else len(lowered)
    if len(segments) < provider + 3:
        return Refusal(
            404, "NotFound", f"No HTTP resource was found that matches the request URI '{request.path}'."
        )
    namespace, types = segments[provider + 1], "/".join(segments[provider + 2 :: 2])
    return Refusal(
        404,
        "InvalidResourceType",
        f"The resource type '{types}' could not be found in the namespace '{namespace}' for api version"
        f" '{request.query.get('api-version', '')}'.",
        headers={"x-ms-failure-cause": "gateway"},
    )
