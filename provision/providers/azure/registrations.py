"""Resource providers and preview features of a subscription: registered and waited for, never taken back.

Sources: "Providers", Azure Resource Manager REST reference, 2025-04-01; "Features - Register", REST
reference, 2021-07-01. A feature takes minutes, and after it its provider must be registered again ("Set up
preview features in Azure subscription", Microsoft Learn, 2026).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from azure.core.exceptions import HttpResponseError
from azure.core.rest import HttpRequest

from provision.apply.handler import Reading, Work
from provision.errors import ConflictError, ServiceError
from provision.plan.change import FieldChange
from provision.providers.azure.clients import POLL_SECONDS, Clients
from provision.providers.azure.errors import translating
from provision.providers.azure.reading import found, read_each
from provision.resources.observed import Absent, Observed, Present
from provision.resources.registration import PreviewFeature, ResourceProvider
from provision.resources.resource import Resource

_FEATURES = "2021-07-01"
_PATIENCE = 1800.0
"""Seconds: features were seen to take up to a quarter of an hour."""
_REGISTERED = "registered"


class ResourceProviders:
    """Resource providers."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients

    async def read(self, resources: Sequence[ResourceProvider], profile: str) -> Reading:
        return await read_each(resources, self._read)

    async def _read(self, resource: ResourceProvider) -> Observed:
        providers = self._clients.resources(resource.subscription).providers
        provider = await found(f"reading {resource.address}", providers.get(resource.name))
        return _seen(provider.registration_state if provider else None)

    async def create(self, resource: ResourceProvider, work: Work) -> Present:
        with translating(f"registering {resource.address}"):
            await self._clients.resources(resource.subscription).providers.register(resource.name)
        return await _waited(self._clients, resource, lambda: self._read(resource), work)

    async def update(
        self, resource: Resource, observed: Present, fields: Sequence[FieldChange], work: Work
    ) -> Present:
        raise ConflictError(f"updating {resource.address}", "a registration has no properties")

    async def delete(self, resource: Resource, observed: Present, work: Work) -> None:
        raise ConflictError(f"deleting {resource.address}", "registrations are not taken back by provision")


class PreviewFeatures(ResourceProviders):
    """Preview features."""

    async def _read(self, resource: Any) -> Observed:
        state = await found(f"reading {resource.address}", self._send("GET", resource))
        return _seen(state)

    async def create(self, resource: Any, work: Work) -> Present:
        with translating(f"registering {resource.address}"):
            await self._send("POST", resource, "/register")
        present = await _waited(self._clients, resource, lambda: self._read(resource), work)
        provider = resource.name.partition("/")[0]
        with translating(f"registering {provider} again"):
            await self._clients.resources(resource.subscription).providers.register(provider)
        return present

    async def _send(self, method: str, resource: PreviewFeature, action: str = "") -> str:
        """The feature's state after a request."""
        namespace, _, feature = resource.name.partition("/")
        path = (
            f"/subscriptions/{resource.subscription}/providers/Microsoft.Features/providers/{namespace}"
            f"/features/{feature}{action}"
        )
        client = self._clients.resources(resource.subscription)
        response = await client.send_request(HttpRequest(method, path, params={"api-version": _FEATURES}))
        if response.status_code != 200:
            from azure.mgmt.core.exceptions import ARMErrorFormat

            raise HttpResponseError(response=response, error_format=ARMErrorFormat)
        return str((response.json().get("properties") or {}).get("state") or "")


def _seen(state: str | None) -> Observed:
    registered = str(state or "").casefold() == _REGISTERED
    return Present() if registered else Absent(f"it is {state}" if state else "")


async def _waited(clients: Clients, resource: Resource, look: Any, work: Work) -> Present:
    waited = 0.0
    while waited < _PATIENCE:
        observed: Observed = await look()
        if isinstance(observed, Present):
            return observed
        note = observed.note if isinstance(observed, Absent) else ""
        work.progress(f"{note or 'not registered yet'} ({waited:.0f} s of at most {_PATIENCE:.0f} s)")
        await clients.sleep(POLL_SECONDS)
        waited += POLL_SECONDS
    raise ServiceError(
        f"registering {resource.address}",
        f"not registered after {waited:.0f} s",
        "Apply again later: it goes on registering by itself.",
    )
