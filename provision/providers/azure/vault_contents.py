"""What a vault holds, and whose: asked before one of ours is deleted, with everything in it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from azure.core.exceptions import ClientAuthenticationError, HttpResponseError, map_error
from azure.core.rest import AsyncHttpResponse, HttpRequest

from provision.errors import ForeignError
from provision.providers.azure.clients import Clients
from provision.providers.azure.reading import PROFILE_TAG
from provision.resources.arm import ArmId
from provision.resources.vault import KeyVault

_DATA_VERSION = "7.4"
"""Of Key Vault's data plane, for lists that the SDK for certificates has no method for."""

_SUBSCRIPTION_VERSION = "2022-12-01"
"""Of Microsoft.Resources."""

_SHOWN = 5
"""Names in an error."""


async def refuse_if_used(clients: Clients, vault: KeyVault, profile: str) -> None:
    """Raises ForeignError when certificates, secrets or keys are in the vault that are not the profile's."""
    names = [name async for name in _others(clients, vault, profile)]
    if names:
        more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        raise ForeignError(
            f"deleting {vault.address}",
            f"it stays: it holds what is not ours ({', '.join(names[:_SHOWN])}{more})",
            "Have that moved or deleted, then run destroy again; or leave the vault.",
        )


async def _others(clients: Clients, vault: KeyVault, profile: str) -> AsyncIterator[str]:
    client = clients.certificates(vault.name)
    async for each in client.list_properties_of_certificates(include_pending=True):
        if (each.tags or {}).get(PROFILE_TAG) != profile:
            yield f"certificate {each.name}"
    for kind in ("secrets", "keys"):
        async for entry in _listed(client, kind):
            # Key Vault makes a secret and a key of each certificate, and manages them with it.
            if not entry.get("managed"):
                name = str(entry.get("id") or entry.get("kid")).rstrip("/").rsplit("/", 1)[-1]
                yield f"{kind.removesuffix('s')} {name}"


async def _listed(client: Any, kind: str) -> AsyncIterator[dict[str, Any]]:
    request = HttpRequest("GET", f"/{kind}", params={"api-version": _DATA_VERSION})
    while True:
        page = _body(await client.send_request(request))
        for entry in page.get("value") or ():
            yield entry
        if not page.get("nextLink"):
            return
        request = HttpRequest("GET", page["nextLink"])


async def tenant_of(clients: Clients, vault: KeyVault) -> str:
    """The tenant of the vault's subscription: the vault lets in its identities alone."""
    subscription = ArmId.parse(vault.id).subscription
    request = HttpRequest(
        "GET", f"/subscriptions/{subscription}", params={"api-version": _SUBSCRIPTION_VERSION}
    )
    return str(_body(await clients.containers(subscription).send_request(request))["tenantId"])


def _body(response: AsyncHttpResponse) -> dict[str, Any]:
    if response.status_code != 200:
        map_error(response.status_code, response, {401: ClientAuthenticationError})
        raise HttpResponseError(response=response)
    return dict(response.json())
