"""Credentials of azure-identity over the run's own HTTP session."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from azure.core.pipeline.transport import AioHttpTransport

from provision.providers.azure.cloud import Cloud

if TYPE_CHECKING:
    from aiohttp import ClientSession
    from azure.core.credentials_async import AsyncTokenCredential

# azure-identity logs each failed attempt as a warning, bodies included; our error says it once.
logging.getLogger("azure").addHandler(logging.NullHandler())


def default_credential(cloud: Cloud, tenant: str | None, session: ClientSession) -> AsyncTokenCredential:
    """Whatever the machine has: environment, workload or managed identity, or a signed-in az."""
    from azure.identity.aio import DefaultAzureCredential

    return DefaultAzureCredential(
        authority=cloud.authority,
        disable_instance_discovery=not cloud.discovery,
        additionally_allowed_tenants=[tenant] if tenant else [],
        transport=AioHttpTransport(session=session, session_owner=False),
    )


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
