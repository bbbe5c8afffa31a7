"""From a profile to SDK clients: which Azure, whose credentials, or the sandbox."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from provision.profile.model import Profile
    from provision.providers.azure.clients import Clients
    from provision.sandbox.azure import Azure


def environment(sandbox: bool) -> Mapping[str, str]:
    """The variables for `${…}` in profiles; with the sandbox its ids stand in for unset ones."""
    if not sandbox:
        return os.environ
    from provision.sandbox.azure import SUBSCRIPTION, TENANT

    return {"AZURE_TENANT_ID": TENANT, "AZURE_SUBSCRIPTION_ID": SUBSCRIPTION, **os.environ}


@asynccontextmanager
async def connected(profile: Profile, sandbox: bool) -> AsyncIterator[Clients]:
    """Clients for the profile's Azure, closed at the end."""
    if sandbox:
        async with _sandboxed(profile) as clients:
            await clients.sign_in()
            yield clients
        return
    async with await _real(profile) as clients:
        await clients.sign_in()
        yield clients


async def _real(profile: Profile) -> Clients:
    from provision.providers.azure.clients import Clients, http_session
    from provision.providers.azure.cloud import CLOUDS, described
    from provision.providers.azure.credentials import default_credential

    session = http_session()
    try:
        url = os.environ.get("ARM_CLOUD_METADATA_URL")
        pace = float(os.environ.get("PROVISION_PACE", "1"))
        cloud = await described(url, session, pace) if url else CLOUDS[profile.azure.cloud]
        return Clients(cloud, session, default_credential(cloud, profile.azure.tenant, session))
    except BaseException:
        await session.close()
        raise


@asynccontextmanager
async def _sandboxed(profile: Profile) -> AsyncIterator[Clients]:
    """The running `sandbox serve` of this machine if there is one, else one in this process."""
    from provision.sandbox import home
    from provision.sandbox.azure import Azure, Clock
    from provision.sandbox.server import Sandbox
    from provision.sandbox.store import Store

    here = home.locate()
    running = here.running()
    if running:
        _seed(Azure(Store(here.state), Clock()), profile)
        async with _sandbox_clients(running.url, running.ca, running.speed) as clients:
            yield clients
        return
    async with Sandbox(here.state) as sandbox:
        _seed(sandbox.azure, profile)
        async with _sandbox_clients(sandbox.url, str(sandbox.ca_path), sandbox.azure.clock.speed) as clients:
            yield clients


def _seed(azure: Azure, profile: Profile) -> None:
    """Make what the profile needs to exist, so that anybody's profile can be rehearsed."""
    from provision.sandbox import seed

    identity_group = profile.identity.resource_group
    made = seed.ensure(
        azure,
        profile.azure.subscription,
        cluster=(profile.cluster.resource_group, profile.cluster.name),
        vaults={name: vault.resource_group for name, vault in profile.vaults.items()},
        groups=[
            *(zone.resource_group for zone in profile.dns.zones.values()),
            *([identity_group] if identity_group else []),
        ],
    )
    for line in made:
        sys.stderr.write(f"sandbox: seeded {line}\n")


@asynccontextmanager
async def _sandbox_clients(url: str, ca: str, speed: float) -> AsyncIterator[Clients]:
    from provision.providers.azure.clients import Clients, http_session
    from provision.providers.azure.cloud import Cloud
    from provision.providers.azure.credentials import secret_credential
    from provision.sandbox.azure import TENANT
    from provision.sandbox.seed import CLIENTS

    port = url.rsplit(":", 1)[1]
    cloud = Cloud("sandbox", url, url, f"vault.localhost:{port}", pace=1 / speed, discovery=False)
    client = CLIENTS[os.environ.get("PROVISION_SANDBOX_CLIENT", "owner")]
    session = http_session(ca)
    credential = secret_credential(cloud, TENANT, client.client_id, client.secret, session)
    async with Clients(cloud, session, credential) as clients:
        yield clients
