"""The SDK clients of one run: one aiohttp session, one SSL context, one token a scope.

A client is imported and built when a handler first asks for it, so a profile without private zones
never loads azure-mgmt-privatedns. A session shared by all clients costs a fifth of what one SSL
context a client costs (2.3 ms a request and 1.6 GB at 5,000 requests, measured).
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from azure.core.pipeline.transport import AioHttpTransport

from provision.apply.together import together
from provision.providers.azure.cloud import Cloud
from provision.providers.azure.throttle import Limits, Throttle
from provision.providers.azure.vault_throttle import VaultThrottle

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken, AccessTokenInfo, TokenRequestOptions
    from azure.core.credentials_async import AsyncTokenCredential
    from azure.keyvault.certificates.aio import CertificateClient
    from azure.mgmt.authorization.v2022_04_01.aio import AuthorizationManagementClient
    from azure.mgmt.containerservice.aio import ContainerServiceClient
    from azure.mgmt.dns.aio import DnsManagementClient
    from azure.mgmt.keyvault.aio import KeyVaultManagementClient
    from azure.mgmt.msi.v2024_11_30.aio import ManagedServiceIdentityClient
    from azure.mgmt.privatedns.aio import PrivateDnsManagementClient
    from azure.mgmt.resource.resources.aio import ResourceManagementClient
    from azure.mgmt.servicenetworking.aio import ServiceNetworkingMgmtClient

_Client = TypeVar("_Client")
_Wanted = tuple[tuple[str, ...], tuple[tuple[str, Any], ...]]
"""Scopes and options of a token."""

POLL_SECONDS = 10.0
"""Between polls where a service names no interval: what AKS and AGC answers were polled at."""

EFFECTIVE = 600.0
"""Seconds until a role assignment is certain to be effective. Source: "Troubleshoot Azure RBAC", Microsoft
Learn, 2026: up to ten minutes."""


class LoopbackResolver(AbstractResolver):
    """Names under `localhost` are loopback (RFC 6761, section 6.3); everything else as the system says."""

    def __init__(self) -> None:
        self._system = aiohttp.ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        if host.endswith(".localhost"):
            return await self._system.resolve("127.0.0.1", port, family)
        return await self._system.resolve(host, port, family)

    async def close(self) -> None:
        await self._system.close()


def http_session(ca: str | None = None, *, per_host: int = 0) -> aiohttp.ClientSession:
    """The session for a run; `per_host` limits the connections to each host and port.

    `ca` is a file with the authority of a sandbox, which is on this machine: that authority alone is trusted,
    since OpenSSL takes 0.03 s to read the system's, and neither a proxy nor .netrc, which aiohttp looks up in
    a thread for each request, have to do with it.
    """
    context = ssl.create_default_context(cafile=ca)
    connector = aiohttp.TCPConnector(
        ssl=context, resolver=LoopbackResolver(), limit=64, limit_per_host=per_host
    )
    return aiohttp.ClientSession(connector=connector, trust_env=ca is None)


class SharedTokens:
    """A credential that asks for each token once, however many clients want it at the same time.

    Some credentials keep no tokens: az runs its command line for each.
    """

    def __init__(self, credential: AsyncTokenCredential) -> None:
        self._credential = credential
        self._locks: defaultdict[_Wanted, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._held: dict[_Wanted, AccessTokenInfo] = {}

    async def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        from azure.core.credentials import AccessToken

        info = await self.get_token_info(*scopes, options=cast("TokenRequestOptions", options))
        return AccessToken(info.token, info.expires_on)

    async def get_token_info(
        self, *scopes: str, options: TokenRequestOptions | None = None
    ) -> AccessTokenInfo:
        asked: dict[str, Any] = {**(options or {})}
        # Claims are what a service asks for when it refuses the token that is held.
        claims = asked.pop("claims", None)
        wanted = (scopes, tuple(sorted(asked.items())))
        async with self._locks[wanted]:
            held = self._held.get(wanted)
            if claims or held is None or _wears_out(held):
                # Every credential of azure-identity has it; the protocol keeps it apart from get_token.
                credential = cast("Any", self._credential)
                held = cast("AccessTokenInfo", await credential.get_token_info(*scopes, options=options))
                self._held[wanted] = held
            return held

    async def close(self) -> None:
        await self._credential.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


def _wears_out(token: AccessTokenInfo) -> bool:
    """Whether the SDKs would ask for another one: azure-core does in a token's last five minutes."""
    now = time.time()
    return token.expires_on - now < 300 or (token.refresh_on is not None and token.refresh_on <= now)


class Clients:
    """Hands out SDK clients by subscription or vault. Use as an async context manager."""

    assigned_roles: bool = False
    """Whether this run has assigned a role, whose holder may then take `EFFECTIVE` seconds to do anything."""

    def __init__(
        self, cloud: Cloud, session: aiohttp.ClientSession, credential: AsyncTokenCredential
    ) -> None:
        self.cloud = cloud
        self._session = session
        self._credential = SharedTokens(credential)
        self._built: dict[tuple[str, str], Any] = {}
        self._limits = Limits(cloud.pace, self.sleep)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for client in self._built.values():
            await client.close()
        await self._credential.close()
        await self._session.close()

    async def sign_in(self, tenant: str | None, vaults: bool) -> None:
        """Get the resource manager's token, and with `vaults` that of Key Vault beside it.

        Raises CredentialError, once, before twenty reads would. A vault names its token's scope in a
        challenge; asking for it beforehand, just as the SDK will, saves a round of requests.
        """
        from provision.providers.azure.errors import translating

        asked: dict[str, TokenRequestOptions] = {self.cloud.scope: {}}
        if vaults:
            options: TokenRequestOptions = {"enable_cae": True}
            asked[self.cloud.vault_scope] = {**options, "tenant_id": tenant} if tenant else options
        with translating("signing in to Azure"):
            await together(
                self._credential.get_token_info(scope, options=options) for scope, options in asked.items()
            )

    @property
    def session(self) -> aiohttp.ClientSession:
        """The run's session, for what no SDK client does."""
        return self._session

    async def token(self, scope: str) -> str:
        """A bearer token for a scope. Raises what the credential raises; see `errors.translating`."""
        return (await self._credential.get_token_info(scope)).token

    @contextmanager
    def telling(self, tell: Callable[[str], None]) -> Iterator[None]:
        """Meanwhile, `tell` of long waits for what Azure takes in a minute."""
        self._limits.tell = tell
        try:
            yield
        finally:
            self._limits.tell = None

    async def sleep(self, seconds: float) -> None:
        """Wait `seconds` of Azure's time."""
        await asyncio.sleep(seconds * self.cloud.pace)

    def containers(self, subscription: str, api_version: str = "") -> ContainerServiceClient:
        """AKS, API 2026-08-01 (the SDK's default) or a preview: its models keep what they don't know."""
        from azure.mgmt.containerservice.aio import ContainerServiceClient

        if not api_version:
            return self._managed("containers", subscription, ContainerServiceClient)
        name = f"containers {api_version}"
        return self._managed(
            name,
            subscription,
            lambda *args, **kw: ContainerServiceClient(*args, api_version=api_version, **kw),
        )

    def resources(self, subscription: str) -> ResourceManagementClient:
        """Any resource by its id, for what has no client worth its import; resource providers."""
        from azure.mgmt.resource.resources.aio import ResourceManagementClient

        return self._managed("resources", subscription, ResourceManagementClient)

    def service_networking(self, subscription: str) -> ServiceNetworkingMgmtClient:
        """Application Gateway for Containers, API 2026-03-01 (the SDK's default)."""
        from azure.mgmt.servicenetworking.aio import ServiceNetworkingMgmtClient

        return self._managed("service_networking", subscription, ServiceNetworkingMgmtClient)

    def dns(self, subscription: str) -> DnsManagementClient:
        """Public DNS."""
        from azure.mgmt.dns.aio import DnsManagementClient

        return self._managed("dns", subscription, DnsManagementClient)

    def private_dns(self, subscription: str) -> PrivateDnsManagementClient:
        """Private DNS."""
        from azure.mgmt.privatedns.aio import PrivateDnsManagementClient

        return self._managed("private_dns", subscription, PrivateDnsManagementClient)

    def vaults(self, subscription: str) -> KeyVaultManagementClient:
        """Key Vault, management plane."""
        from azure.mgmt.keyvault.aio import KeyVaultManagementClient

        return self._managed("vaults", subscription, KeyVaultManagementClient)

    def identities(self, subscription: str) -> ManagedServiceIdentityClient:
        """User-assigned identities and federated credentials."""
        from azure.mgmt.msi.v2024_11_30.aio import ManagedServiceIdentityClient

        return self._managed("identities", subscription, ManagedServiceIdentityClient)

    def authorization(self, subscription: str) -> AuthorizationManagementClient:
        """Role assignments."""
        # The versioned module: the unversioned one imports every API version of the package.
        from azure.mgmt.authorization.v2022_04_01.aio import AuthorizationManagementClient

        return self._managed("authorization", subscription, AuthorizationManagementClient)

    def certificates(self, vault: str) -> CertificateClient:
        """Certificates in one vault, data plane."""
        from azure.keyvault.certificates.aio import CertificateClient

        return self._cached(
            "certificates",
            vault,
            lambda: CertificateClient(
                self.cloud.vault_url(vault),
                self._credential,
                per_retry_policies=[VaultThrottle(self.cloud.pace, self.sleep)],
                **self._common(),
            ),
        )

    def _managed(self, name: str, subscription: str, client: Callable[..., _Client]) -> _Client:
        return self._cached(
            name,
            subscription,
            lambda: client(
                self._credential,
                subscription,
                base_url=self.cloud.resource_manager,
                credential_scopes=[self.cloud.scope],
                polling_interval=POLL_SECONDS * self.cloud.pace,
                per_retry_policies=[Throttle(self._limits)],
                **self._common(),
            ),
        )

    def _cached(self, name: str, scope: str, build: Callable[[], _Client]) -> _Client:
        key = (name, scope.casefold())
        if key not in self._built:
            self._built[key] = build()
        return cast("_Client", self._built[key])

    def _common(self) -> dict[str, Any]:
        transport = AioHttpTransport(session=self._session, session_owner=False)
        return {
            "transport": transport,
            "retry_total": 5,
            "retry_status": 5,  # of those five; azure-core would stop at three busy answers
            "retry_backoff_factor": 0.8 * self.cloud.pace,
            "logging_enable": False,  # poll URLs carry signatures, bodies may carry more
        }
