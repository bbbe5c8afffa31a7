"""Credentials of azure-identity over the run's own HTTP session."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Self

from azure.core.pipeline.transport import AioHttpTransport

from provision.providers.azure.cloud import Cloud

if TYPE_CHECKING:
    from aiohttp import ClientSession
    from azure.core.credentials import AccessToken, AccessTokenInfo, TokenRequestOptions
    from azure.core.credentials_async import AsyncTokenCredential
    from azure.identity.aio import DefaultAzureCredential

# azure-identity logs each failed attempt as a warning, bodies included; our error says it once.
logging.getLogger("azure").addHandler(logging.NullHandler())


def default_credential(cloud: Cloud, tenant: str | None, session: ClientSession) -> AsyncTokenCredential:
    """Whatever the machine has: environment, workload or managed identity, or a signed-in az.

    With `tenant` its tokens are of that tenant, whichever one az has for its default.
    """
    from azure.identity.aio import DefaultAzureCredential

    credential = DefaultAzureCredential(
        authority=cloud.authority,
        disable_instance_discovery=not cloud.discovery,
        additionally_allowed_tenants=[tenant] if tenant else [],
        transport=AioHttpTransport(session=session, session_owner=False),
    )
    return _InTenant(credential, tenant) if tenant else credential


def secret_credential(
    cloud: Cloud, tenant: str, client_id: str, secret: str, session: ClientSession
) -> AsyncTokenCredential:
    """A service principal with a secret."""
    from azure.identity.aio import ClientSecretCredential

    return ClientSecretCredential(
        tenant,
        client_id,
        secret,
        authority=cloud.authority,
        disable_instance_discovery=not cloud.discovery,
        transport=AioHttpTransport(session=session, session_owner=False),
    )


class _InTenant:
    """A credential whose tokens are of one tenant, unless a vault's challenge names another."""

    def __init__(self, credential: DefaultAzureCredential, tenant: str) -> None:
        self._credential = credential
        self._tenant = tenant

    async def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        return await self._credential.get_token(*scopes, **{"tenant_id": self._tenant, **options})

    async def get_token_info(
        self, *scopes: str, options: TokenRequestOptions | None = None
    ) -> AccessTokenInfo:
        inside: TokenRequestOptions = {"tenant_id": self._tenant}
        inside.update(options or {})
        return await self._credential.get_token_info(*scopes, options=inside)

    async def close(self) -> None:
        await self._credential.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
