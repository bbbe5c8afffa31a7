"""The clients of a run: built once, over one session, with one token a scope."""

from __future__ import annotations

import asyncio
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from unittest.mock import AsyncMock, patch

import aiohttp
import pytest
import pytest_socket
from azure.core.credentials import AccessTokenInfo
from azure.core.exceptions import HttpResponseError
from azure.core.pipeline.transport import AioHttpTransport
from azure.identity import CredentialUnavailableError
from azure.mgmt.privatedns.models import PrivateZone

from providers.bench import Bench
from providers.wire import CLOUD, TOKEN, Answer, Credential, Wire, clients
from provision.errors import CredentialError
from provision.providers.azure.clients import Clients, LoopbackResolver, SharedTokens, http_session
from provision.providers.azure.cloud import CLOUDS
from provision.providers.azure.handlers import azure_handlers
from provision.resources.certificate import Certificate
from provision.resources.dns import DnsZone, HostRecord, PrivateDnsZone, RecordSet, VirtualNetworkLink
from provision.resources.identity import FederatedCredential, RoleAssignment, UserAssignedIdentity
from provision.resources.issuer import CertificateContacts, CertificateIssuer
from provision.resources.managed_cluster import ManagedCluster
from provision.resources.mesh import MeshRevisions
from provision.resources.network import ClusterSubnet, Subnet
from provision.resources.registration import PreviewFeature, ResourceProvider
from provision.resources.resource import Resource
from provision.resources.service_networking import (
    Association,
    Frontend,
    PrivateEndpointConnection,
    SecurityPolicy,
    TrafficController,
)
from provision.resources.vault import AccessPolicy, KeyVault
from provision.resources.waf_policy import WafPolicy
from provision.sandbox import tls

SCOPE = "https://arm.test/.default"
PACKAGES = ("containerservice", "dns", "privatedns", "keyvault", "msi", "authorization")


def test_the_network_is_off() -> None:
    """The fixture that every other test of this folder relies on."""
    with (
        pytest.raises(pytest_socket.SocketBlockedError),
        pytest.warns(UserWarning, match="tried to use socket"),
    ):
        socket.socket(socket.AF_INET, socket.SOCK_STREAM)


async def test_a_scope_is_asked_for_once_however_many_want_it() -> None:
    credential = Credential()
    tokens = SharedTokens(credential)
    given = await asyncio.gather(*(tokens.get_token_info(SCOPE) for _ in range(20)))
    assert credential.asked == [((SCOPE,), {})]
    assert {info.token for info in given} == {f"{TOKEN}-1"}


async def test_two_scopes_do_not_wait_for_each_other() -> None:
    first_asked, second_done = asyncio.Event(), asyncio.Event()

    class Slow(Credential):
        async def get_token_info(self, *scopes: str, options: Any = None) -> AccessTokenInfo:
            if scopes == ("first",):
                first_asked.set()
                await second_done.wait()
            return await super().get_token_info(*scopes, options=options)

    tokens = SharedTokens(Slow())
    first = asyncio.create_task(tokens.get_token_info("first"))
    await first_asked.wait()
    await tokens.get_token_info("second")
    second_done.set()
    assert (await first).token


async def test_other_options_want_another_token() -> None:
    credential = Credential()
    tokens = SharedTokens(credential)
    for tenant in ("a", "b", "a"):
        await tokens.get_token_info(SCOPE, options={"tenant_id": tenant})
    assert [options for _, options in credential.asked] == [{"tenant_id": "a"}, {"tenant_id": "b"}]


@pytest.mark.parametrize("lifetime", [-1, 0, 299])
async def test_a_token_that_runs_out_is_asked_for_again(lifetime: int) -> None:
    credential = Credential(lifetime=lifetime)
    tokens = SharedTokens(credential)
    await tokens.get_token_info(SCOPE)
    await tokens.get_token_info(SCOPE)
    assert len(credential.asked) == 2


async def test_a_token_that_is_due_for_a_refresh_is_asked_for_again() -> None:
    credential = Credential()
    credential_info = AsyncMock(return_value=AccessTokenInfo("t", 2**40, refresh_on=1))
    with patch.object(Credential, "get_token_info", credential_info):
        tokens = SharedTokens(credential)
        await tokens.get_token_info(SCOPE)
        await tokens.get_token_info(SCOPE)
    assert credential_info.await_count == 2


async def test_claims_always_want_a_new_token_which_then_serves_all() -> None:
    credential = Credential()
    tokens = SharedTokens(credential)
    await tokens.get_token_info(SCOPE)
    claimed = await tokens.get_token_info(SCOPE, options={"claims": "c"})
    assert credential.asked[-1] == ((SCOPE,), {"claims": "c"})
    assert await tokens.get_token_info(SCOPE) is claimed


async def test_a_failure_is_not_remembered() -> None:
    credential = Credential(error=CredentialUnavailableError("not signed in"))
    tokens = SharedTokens(credential)
    with pytest.raises(CredentialUnavailableError):
        await tokens.get_token_info(SCOPE)
    credential.error = None
    assert (await tokens.get_token_info(SCOPE)).token == f"{TOKEN}-2"


async def test_both_protocols_of_a_credential_give_the_same_token() -> None:
    credential = Credential()
    async with SharedTokens(credential) as tokens:
        info = await tokens.get_token_info(SCOPE)
        token = await tokens.get_token(SCOPE)
    assert (token.token, token.expires_on) == (info.token, info.expires_on)
    assert len(credential.asked) == 1
    assert credential.closed


async def test_all_clients_share_session_and_token() -> None:
    wire, credential = Wire([Answer(200, {"value": []})]), Credential()
    async with clients(wire, credential) as made:
        await asyncio.gather(
            made.containers("s").managed_clusters.get("g", "n"),
            made.dns("s").zones.get("g", "z"),
            made.private_dns("s").private_zones.get("g", "z"),
            made.vaults("s").vaults.get("g", "v"),
            made.identities("s").user_assigned_identities.get("g", "i"),
        )
    assert {scopes for scopes, _ in credential.asked} == {(SCOPE,)}
    assert len(credential.asked) == 1
    assert {request.headers["Authorization"] for request in wire.requests} == {f"Bearer {TOKEN}-1"}
    assert all(request.url.startswith("https://arm.test/subscriptions/s/") for request in wire.requests)
    assert len(wire.requests) == 5
    assert wire.closed
    assert credential.closed


async def test_a_vault_is_asked_at_its_own_address() -> None:
    challenge = {
        "WWW-Authenticate": 'Bearer authorization="https://entra.test/t", resource="https://vault.test"'
    }
    answer = {"id": "https://kv.vault.test/certificates/shop/1", "attributes": {}}
    wire, credential = Wire([Answer(401, "", challenge), Answer(200, answer)]), Credential()
    async with clients(wire, credential) as made:
        await made.certificates("kv").get_certificate("shop")
    assert [request.url.split("?")[0] for request in wire.requests] == [
        "https://kv.vault.test/certificates/shop/"
    ] * 2
    assert "Authorization" not in wire.requests[0].headers
    [(scopes, options)] = credential.asked
    assert (scopes, options["tenant_id"]) == (("https://vault.test/.default",), "t")


MAKERS: tuple[Callable[[Clients, str], object], ...] = (
    Clients.containers,
    Clients.dns,
    Clients.private_dns,
    Clients.vaults,
    Clients.identities,
    Clients.authorization,
    Clients.certificates,
)


@pytest.mark.parametrize("make", MAKERS)
async def test_a_client_is_built_once_whatever_the_casing(make: Callable[[Clients, str], object]) -> None:
    async with clients(Wire([Answer(200)])) as made:
        assert make(made, "kv-a") is make(made, "KV-A")
        assert make(made, "kv-a") is not make(made, "kv-b")


async def test_signing_in_asks_for_the_resource_managers_token() -> None:
    credential = Credential()
    async with clients(Wire([Answer(200)]), credential) as made:
        await made.sign_in(None, vaults=False)
        await made.sign_in(None, vaults=False)
    assert credential.asked == [((SCOPE,), {})]


async def test_the_vaults_token_of_the_sign_in_is_the_one_that_the_challenge_wants() -> None:
    challenge = {
        "WWW-Authenticate": 'Bearer authorization="https://entra.test/t", resource="https://vault.test"'
    }
    answer = {"id": "https://kv.vault.test/certificates/shop/1", "attributes": {}}
    wire, credential = Wire([Answer(401, "", challenge), Answer(200, answer)]), Credential()
    async with clients(wire, credential) as made:
        await made.sign_in("t", vaults=True)
        before = list(credential.asked)
        await made.certificates("kv").get_certificate("shop")
    assert [scopes for scopes, _ in before] == [(SCOPE,), ("https://vault.test/.default",)]
    assert credential.asked == before


async def test_signing_in_without_credentials_says_so() -> None:
    credential = Credential(error=CredentialUnavailableError("not signed in"))
    async with clients(Wire([Answer(200)]), credential) as made:
        with pytest.raises(CredentialError, match="signing in to Azure: not signed in"):
            await made.sign_in(None, vaults=False)


async def test_a_service_that_is_busy_is_asked_again_at_the_pace_of_the_cloud() -> None:
    wire, asleep = Wire([Answer(503)] * 3 + [Answer(200, {})]), AsyncMock()
    with patch.object(AioHttpTransport, "sleep", asleep):
        async with clients(wire, cloud=replace(CLOUD, pace=1)) as made:
            await made.dns("s").zones.get("g", "z")
    assert len(wire.requests) == 4
    # azure-core backs off by factor times a power of two; the first try of all comes at once.
    waits = [call.args[0] for call in asleep.await_args_list]
    assert waits == sorted(waits)
    assert all(wait % 0.8 == 0 for wait in waits)
    assert waits[-1] > 0


async def test_a_service_that_stays_busy_is_given_up_after_five_tries_more() -> None:
    wire = Wire([Answer(503)])
    async with clients(wire) as made:
        with pytest.raises(HttpResponseError):
            await made.dns("s").zones.get("g", "z")
    assert len(wire.requests) == 6


async def test_waiting_keeps_the_pace_of_the_cloud() -> None:
    asleep = AsyncMock()
    cloud = replace(CLOUD, pace=0.25)
    with patch("provision.providers.azure.clients.asyncio.sleep", asleep):
        async with clients(Wire([Answer(200)]), cloud=cloud) as made:
            await made.sleep(8)
    asleep.assert_awaited_once_with(2)


async def test_a_long_operation_is_polled_at_the_pace_of_the_cloud() -> None:
    poll = {"Azure-AsyncOperation": "https://arm.test/operations/1"}
    zone = {"id": "z", "location": "global"}
    running, done = {"status": "InProgress"}, {"status": "Succeeded"}
    wire = Wire([Answer(202, {}, poll), Answer(200, running), Answer(200, done), Answer(200, zone)])
    asleep = AsyncMock()
    async with clients(wire, cloud=CLOUDS["public"]) as made:
        poller = await made.private_dns("s").private_zones.begin_create_or_update("g", "z", PrivateZone())
        with patch.object(AioHttpTransport, "sleep", asleep):
            await poller.result()
    assert [call.args[0] for call in asleep.await_args_list] == [10.0]


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("kv-prod.vault.localhost", "127.0.0.1"),
        ("a.localhost", "127.0.0.1"),
        ("localhost", "localhost"),
        ("kv-prod.vault.azure.net", "kv-prod.vault.azure.net"),
        ("notlocalhost", "notlocalhost"),
        ("localhost.example.net", "localhost.example.net"),
    ],
)
async def test_names_under_localhost_are_loopback(name: str, asked: str) -> None:
    with patch.object(aiohttp.ThreadedResolver, "resolve", AsyncMock(return_value=[])) as system:
        resolver = LoopbackResolver()
        await resolver.resolve(name, 8443)
        await resolver.close()
    system.assert_awaited_once_with(asked, 8443, socket.AF_INET)


async def test_the_session_trusts_the_given_authority_alone(tmp_path: Any) -> None:
    async with http_session(str(tls.material(tmp_path).ca)) as session:
        assert isinstance(session.connector, aiohttp.TCPConnector)
        assert isinstance(session.connector._resolver, LoopbackResolver)
        assert isinstance(session.connector._ssl, ssl.SSLContext)
        assert len(session.connector._ssl.get_ca_certs()) == 1
        assert session.connector._ssl.verify_mode == ssl.CERT_REQUIRED
        assert not session.trust_env
    async with http_session() as session:
        assert session.trust_env
    with pytest.raises(FileNotFoundError):
        http_session(str(tmp_path / "none.pem"))


def modules_after(code: str) -> set[str]:
    """The azure packages that a new interpreter has loaded after `code`."""
    program = f"{code}\nimport sys\nprint(*(name for name in sys.modules if name.startswith('azure.')))"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(run.stdout.split())


@pytest.mark.parametrize(
    "module", ["clients", "handlers", "managed_clusters", "record_sets", "certificates", "identities"]
)
def test_no_sdk_is_imported_before_it_is_wanted(module: str) -> None:
    loaded = modules_after(f"import provision.providers.azure.{module}")
    early = ("azure.mgmt.", "azure.keyvault", "azure.identity")
    assert "azure.core" in loaded
    assert not [name for name in loaded if name.startswith(early)]


def test_asking_for_one_client_loads_its_sdk_alone() -> None:
    loaded = modules_after(
        "from provision.providers.azure.clients import Clients\n"
        "from provision.providers.azure.cloud import CLOUDS\n"
        "Clients(CLOUDS['public'], object(), object()).private_dns('s')"
    )
    assert [name for name in PACKAGES if f"azure.mgmt.{name}" in loaded] == ["privatedns"]


def test_every_kind_has_its_handler(bench: Bench) -> None:
    kinds: set[type[Resource]] = {
        ManagedCluster,
        DnsZone,
        PrivateDnsZone,
        VirtualNetworkLink,
        RecordSet,
        HostRecord,
        KeyVault,
        AccessPolicy,
        Certificate,
        CertificateContacts,
        CertificateIssuer,
        UserAssignedIdentity,
        FederatedCredential,
        RoleAssignment,
        ResourceProvider,
        PreviewFeature,
        Subnet,
        ClusterSubnet,
        WafPolicy,
        TrafficController,
        Frontend,
        PrivateEndpointConnection,
        Association,
        SecurityPolicy,
        MeshRevisions,
    }
    assert set(azure_handlers(bench.clients)) == {kind.KIND for kind in kinds}
