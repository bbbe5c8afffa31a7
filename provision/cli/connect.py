"""From a profile to SDK clients: which Azure, whose credentials, or the sandbox."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from provision.errors import UsageError

if TYPE_CHECKING:
    from provision.profile.model import Profile
    from provision.providers.azure.clients import Clients
    from provision.sandbox.azure import Azure
    from provision.sandbox.seed import Client
    from provision.sandbox.seed_workloads import Workload

CONNECTIONS = 1
"""To a sandbox in this process: it answers one request at a time, and both ends of each connection cost."""


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
            await clients.sign_in(profile.azure.tenant, vaults=bool(profile.vaults))
            yield clients
        return
    async with await _real(profile) as clients:
        await clients.sign_in(profile.azure.tenant, vaults=bool(profile.vaults))
        yield clients


async def _real(profile: Profile) -> Clients:
    from provision.providers.azure.clients import Clients, http_session
    from provision.providers.azure.cloud import CLOUDS, described
    from provision.providers.azure.credentials import default_credential

    session = http_session()
    try:
        url = os.environ.get("ARM_CLOUD_METADATA_URL")
        cloud = await described(url, session, _pace()) if url else CLOUDS[profile.azure.cloud]
        return Clients(cloud, session, default_credential(cloud, profile.azure.tenant, session))
    except BaseException:
        await session.close()
        raise


def _pace() -> float:
    text = os.environ.get("PROVISION_PACE", "1")
    try:
        return float(text)
    except ValueError:
        raise UsageError("reading PROVISION_PACE", f"{text} is no number", "Unset it.") from None


@asynccontextmanager
async def _sandboxed(profile: Profile) -> AsyncIterator[Clients]:
    """The running `sandbox serve` of this machine if there is one, else one in this process."""
    from provision.sandbox import home
    from provision.sandbox.azure import Azure, Clock
    from provision.sandbox.server import Sandbox
    from provision.sandbox.store import Store

    here = home.locate()
    async with AsyncExitStack() as stack:
        with opening_sandbox(here.path):
            running = here.running()
            if running:
                store = Store(here.state)
                stack.callback(store.close)
                seed_for(Azure(store, Clock()), profile)
                url, ca, speed, per_host = running.url, running.ca, running.speed, 0
            else:
                sandbox = await stack.enter_async_context(Sandbox(here.state))
                seed_for(sandbox.azure, profile)
                url, ca, speed = sandbox.url, str(sandbox.ca_path), sandbox.azure.clock.speed
                per_host = CONNECTIONS
        yield await stack.enter_async_context(_sandbox_clients(url, ca, speed, per_host))


def sandbox_certificate(folder: str) -> str:
    """A file in `folder` with a client certificate and its key, of the authority in the Secrets that the
    sandbox lays down for `clientCA`."""
    from provision.sandbox import cluster_authority, home
    from provision.sandbox.azure import Azure, Clock
    from provision.sandbox.store import Store

    store = Store(home.locate().state)
    try:
        issued = cluster_authority.issue(Azure(store, Clock()), "provision-verify", "clients")
    finally:
        store.close()
    file = Path(folder, "client.pem")
    file.write_text(issued["certificate"] + issued["key"], encoding="ascii")
    return str(file)


@contextmanager
def opening_sandbox(home: Path) -> Iterator[None]:
    """Raises UsageError when the sandbox's folder can't be used or what is in it can't be read."""
    import sqlite3

    try:
        yield
    except BrokenPipeError:  # of the output
        raise
    except (OSError, sqlite3.Error) as error:
        fix = "Let PROVISION_SANDBOX_HOME name a folder that can be written; remove what is damaged there."
        if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
            fix = "Let it have another --port, or stop what listens there."
        raise UsageError(f"opening the sandbox in {home}", str(error), fix) from error


def seed_for(azure: Azure, profile: Profile) -> None:
    """Make what the profile needs to exist, so that anybody's profile can be rehearsed."""
    from provision.sandbox import seed

    identity_group = profile.identity.resource_group
    made = seed.ensure(
        azure,
        profile.azure.subscription,
        cluster=(profile.cluster.resource_group, profile.cluster.name),
        workloads=_workloads(profile),
        **_gateway_needs(profile),
        groups=[
            *(zone.resource_group for zone in profile.dns.zones.values()),
            *([identity_group] if identity_group else []),
            *_network_groups(profile),
            *_traffic_controller_group(profile),
        ],
    )
    for subscription, group in _elsewhere(profile):
        made += seed.ensure(azure, subscription, groups=[group])
    authorities = _authorities(profile)
    for name, vault in profile.vaults.items():
        place, group = vault.subscription or profile.azure.subscription, vault.resource_group
        wanted = {} if vault.create else {name: group}
        made += seed.ensure(azure, place, vaults=wanted, groups=[group], authorities=authorities)
    for line in made:
        sys.stderr.write(f"sandbox: seeded {line}\n")


def _elsewhere(profile: Profile) -> Iterator[tuple[str, str]]:
    """Subscription and resource group of the zones and linked networks in other subscriptions."""
    from provision.resources.arm import ArmId

    for zone in profile.dns.zones.values():
        networks = [ArmId.parse(link.virtual_network) for link in zone.links]
        places = [(zone.subscription or "", zone.resource_group)]
        for subscription, group in (*places, *((each.subscription, each.group) for each in networks)):
            if subscription.casefold() not in ("", profile.azure.subscription.casefold()):
                yield subscription, group


def _network_groups(profile: Profile) -> Iterator[str]:
    """Resource groups of the networks that private zones are linked to."""
    from provision.resources.arm import ArmId

    for zone in profile.dns.zones.values():
        for link in zone.links:
            network = ArmId.parse(link.virtual_network)
            if network.subscription.casefold() == profile.azure.subscription.casefold():
                yield network.group


class _GatewayNeeds(TypedDict, total=False):
    networks: list[str]
    subnets: list[str]
    firewalls: list[str]


def _gateway_needs(profile: Profile) -> _GatewayNeeds:
    """What must be there before Application Gateway for Containers is, as arguments of the seed."""
    from provision.profile.model import ApplicationGateway

    ingress = profile.ingress
    if not isinstance(ingress, ApplicationGateway):
        return {}
    subnet, firewall = ingress.subnet, ingress.waf_policy
    network = subnet and subnet.partition("/subnets/")[0]
    return {
        "networks": [network] if network else [],
        "subnets": [subnet] if subnet and not ingress.create_subnet else [],
        "firewalls": [firewall] if firewall else [],
    }


def _authorities(profile: Profile) -> dict[str, dict[str, str]]:
    """Names of the secrets of a mesh's own certificate authority, by the id of their vault.

    A vault that the profile makes is there from the first apply on, and has its secrets from the next run on:
    nobody else can lay them down any earlier in Azure either.
    """
    from provision.profile.model import Istio
    from provision.sandbox.vaults import vault_id

    ingress = profile.ingress
    if not isinstance(ingress, Istio) or ingress.certificate_authority is None:
        return {}
    asked = ingress.certificate_authority
    vault = profile.vaults[asked.vault]
    id_ = vault_id(vault.subscription or profile.azure.subscription, vault.resource_group, asked.vault)
    parts = {"root": asked.root, "certificate": asked.certificate, "key": asked.private_key}
    return {id_: {**parts, "chain": asked.chain}}


def _traffic_controller_group(profile: Profile) -> Iterator[str]:
    from provision.profile.model import ApplicationGateway

    ingress = profile.ingress
    if isinstance(ingress, ApplicationGateway) and ingress.traffic_controller.resource_group:
        yield ingress.traffic_controller.resource_group


def _workloads(profile: Profile) -> Iterator[Workload]:
    """What the hosts lead to, one for each service."""
    from provision.profile.model import Istio
    from provision.resources.mesh import GATEWAY_NAMESPACE
    from provision.sandbox.seed_workloads import Workload

    ports: dict[tuple[str, str], set[int]] = {}
    own = {host.namespace for host in profile.hosts.values() if host.create_namespace}
    for host in profile.hosts.values():
        for backend in (host.service, *host.split):
            ports.setdefault((host.namespace, backend.name), set()).add(backend.port)
    mesh = isinstance(profile.ingress, Istio) and profile.ingress.api == "istio"
    if mesh:  # its gateways read the authorities of clients in their own namespace, which AKS makes
        authorities = {host.client_ca for host in profile.hosts.values() if host.client_ca}
        yield Workload(GATEWAY_NAMESPACE, "", (), True, tuple(sorted(authorities)))
    for (namespace, service), used in ports.items():
        hosts = [host for host in profile.hosts.values() if host.namespace == namespace]
        ways = [host.backend_tls for host in hosts if host.backend_tls]
        yield Workload(
            namespace,
            service,
            tuple(sorted(used)),
            namespace in own,
            tuple(
                name
                for name in (*(host.client_ca for host in hosts if not mesh), *(way.ca for way in ways))
                if name
            ),
            tuple(way.client_certificate for way in ways if way.client_certificate),
        )


@asynccontextmanager
async def _sandbox_clients(url: str, ca: str, speed: float, per_host: int = 0) -> AsyncIterator[Clients]:
    from provision.providers.azure.clients import Clients, http_session
    from provision.providers.azure.cloud import Cloud
    from provision.providers.azure.credentials import secret_credential
    from provision.sandbox.azure import TENANT

    port = url.rsplit(":", 1)[1]
    cloud = Cloud("sandbox", url, url, f"vault.localhost:{port}", pace=1 / speed, discovery=False)
    client = sandbox_client(os.environ.get("PROVISION_SANDBOX_CLIENT", "owner"))
    session = http_session(ca, per_host=per_host)
    credential = secret_credential(cloud, TENANT, client.client_id, client.secret, session)
    async with Clients(cloud, session, credential) as clients:
        yield clients


def sandbox_client(name: str) -> Client:
    """A seeded service principal. Raises UsageError for a name that the sandbox does not have."""
    from provision.sandbox.seed import CLIENTS

    if name not in CLIENTS:
        raise UsageError("", f"no client {name} in the sandbox", f"It has: {', '.join(CLIENTS)}")
    return CLIENTS[name]
