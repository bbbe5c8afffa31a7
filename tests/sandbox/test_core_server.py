"""The sandbox as a server: TLS, headers, two servers on one state, the proxy, the home."""

from __future__ import annotations

import asyncio
import json
import os
import ssl
import stat
from pathlib import Path

import aiohttp
import pytest
from azure.identity.aio import ClientSecretCredential
from azure.mgmt.authorization.v2022_04_01.aio import AuthorizationManagementClient
from azure.mgmt.msi.aio import ManagedServiceIdentityClient
from azure.mgmt.msi.models import Identity
from core_client import Client

from provision.sandbox import faults, home, seed
from provision.sandbox.azure import SUBSCRIPTION, TENANT
from provision.sandbox.home import Home
from provision.sandbox.proxy import ConnectProxy
from provision.sandbox.server import Sandbox

GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-dns"


async def test_the_sdks_log_in_and_write_in_the_same_loop(sandbox: Sandbox) -> None:
    owner = seed.CLIENTS["owner"]
    credential = ClientSecretCredential(
        TENANT,
        owner.client_id,
        owner.secret,
        authority=sandbox.url,
        disable_instance_discovery=True,
        connection_verify=str(sandbox.ca_path),
    )
    options = {"base_url": sandbox.url, "connection_verify": str(sandbox.ca_path)}
    async with (
        credential,
        ManagedServiceIdentityClient(credential, SUBSCRIPTION, **options) as identities,
        AuthorizationManagementClient(credential, SUBSCRIPTION, **options) as roles,
    ):
        wanted = Identity(location="westeurope", tags={"a": "b"})
        made = await identities.user_assigned_identities.create_or_update("rg-dns", "id-sdk", wanted)
        assert made.tags == {"a": "b"}
        found = [each async for each in roles.role_assignments.list_for_scope(GROUP, filter="atScope()")]
        assert owner.object_id in [each.principal_id for each in found]


async def test_arm_answers_carry_arm_headers(client: Client) -> None:
    read = await client.send("GET", GROUP)
    made = await client.send("PUT", f"{GROUP}-new", {"location": "westeurope"})
    assert read.headers["x-ms-ratelimit-remaining-subscription-reads"].isdecimal()
    assert made.headers["x-ms-ratelimit-remaining-subscription-writes"].isdecimal()
    assert read.headers["x-ms-request-id"] != made.headers["x-ms-request-id"]
    assert read.headers["Content-Type"] == "application/json; charset=utf-8"


async def test_dns_escapes_slashes_and_role_assignments_of_a_zone_do_not(client: Client) -> None:
    zone = f"{GROUP}/providers/Microsoft.Network/dnsZones/contoso.com"
    made = await client.send("PUT", zone, {"location": "global"})
    roles = await client.send("GET", f"{zone}/providers/Microsoft.Authorization/roleDefinitions")
    assert "\\/subscriptions\\/" in await made.text()
    assert json.loads(await made.text())["name"] == "contoso.com"
    assert "\\/" not in await roles.text()


async def test_a_doubled_slash_after_the_host_is_one(client: Client) -> None:
    assert (await client.send("GET", f"/{GROUP}")).status == 200


async def test_requests_are_logged(sandbox: Sandbox, client: Client) -> None:
    await client.send("GET", GROUP)
    await client.send("GET", f"{GROUP}-absent")
    assert list(sandbox.requests) == [("GET", GROUP, 200), ("GET", f"{GROUP}-absent", 404)]


async def test_a_dropped_connection_is_a_fault_too(sandbox: Sandbox, client: Client) -> None:
    # aiohttp itself repeats an idempotent request once
    faults.inject(sandbox.azure, status=faults.DISCONNECT, count=2)
    with pytest.raises(aiohttp.ClientConnectionError):
        await client.send("DELETE", GROUP)
    assert (await client.send("GET", GROUP)).status == 200


async def test_many_at_once_are_served_one_after_another(sandbox: Sandbox, client: Client) -> None:
    groups = [f"{GROUP}-{number}" for number in range(40)]
    writes = [client.send("PUT", group, {"location": "westeurope"}) for group in groups]
    reads = [client.send("GET", GROUP) for _ in groups]
    statuses = sorted(answer.status for answer in await asyncio.gather(*writes, *reads))
    assert statuses == [200] * 40 + [201] * 40
    assert len(sandbox.requests) == 80


async def test_two_servers_share_one_state(sandbox: Sandbox, client: Client) -> None:
    state = Path(sandbox.azure.store.path)
    async with Sandbox(state) as second:
        assert second.port != sandbox.port
        await Client(second, client._session).send("PUT", f"{GROUP}-new", {"location": "westeurope"})
        assert (await client.send("GET", f"{GROUP}-new")).status == 200


async def test_a_restarted_server_keeps_its_port_its_trust_and_its_state(tmp_path: Path) -> None:
    async with Sandbox(tmp_path / "state.db") as first:
        port, ca = first.port, first.ca_path.read_bytes()
        first.azure.store.put("note", "kept", {})
    async with Sandbox(tmp_path / "state.db") as second:
        assert (second.port, second.ca_path.read_bytes()) == (port, ca)
        assert second.azure.store.get("note", "kept") == {}


async def test_the_private_key_is_its_owners_alone(sandbox: Sandbox) -> None:
    key = sandbox.ca_path.parent / "server.pem"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert b"PRIVATE KEY" not in sandbox.ca_path.read_bytes()


@pytest.mark.parametrize(
    "name", ["kv-contoso-prod.vault.localhost", "kv-contoso-prod.vault.azure.net", "management.azure.com"]
)
async def test_the_proxy_brings_names_to_the_sandbox(sandbox: Sandbox, name: str) -> None:
    trust = ssl.create_default_context(cafile=str(sandbox.ca_path))
    proxy = ConnectProxy(sandbox.port)
    await proxy.start()
    try:
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"https://{name}/metadata/endpoints", proxy=proxy.url, ssl=trust) as answer,
        ):
            assert answer.status == (404 if "vault" in name else 200)
    finally:
        await proxy.stop()


async def test_the_proxy_refuses_other_names(sandbox: Sandbox) -> None:
    proxy = ConnectProxy(sandbox.port)
    await proxy.start()
    try:
        async with aiohttp.ClientSession() as session:
            with pytest.raises(aiohttp.ClientHttpProxyError) as refused:
                await session.get("https://example.com/", proxy=proxy.url)
        assert refused.value.status == 403
    finally:
        await proxy.stop()


async def test_a_served_home_is_seen_by_others_until_it_stops(tmp_path: Path) -> None:
    place = Home(tmp_path / "home")
    ready: asyncio.Future[home.Server] = asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(home.serve(place, ready=ready.set_result))
    server = await ready
    assert await asyncio.to_thread(place.running) == server
    assert server.pid == os.getpid()
    variables = home.environment(place, server, "reader")
    assert variables["AZURE_CLIENT_ID"] == seed.CLIENTS["reader"].client_id
    assert variables["HTTPS_PROXY"] == server.proxy
    assert variables["ARM_CLOUD_METADATA_URL"].startswith(server.url)
    serving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await serving
    assert place.running() is None


async def test_a_record_of_a_dead_process_is_not_a_server(sandbox: Sandbox, tmp_path: Path) -> None:
    gone = await asyncio.create_subprocess_exec("true")
    await gone.wait()
    record = {"pid": gone.pid, "port": sandbox.port, "url": sandbox.url, "proxy": "", "ca": "", "speed": 1.0}
    place = Home(tmp_path)
    place.record.write_text(json.dumps(record))
    assert await asyncio.to_thread(place.running) is None
    place.record.write_text(json.dumps({**record, "pid": os.getpid()}))
    assert await asyncio.to_thread(place.running) is not None


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"PROVISION_SANDBOX_HOME": "/srv/box", "XDG_STATE_HOME": "/xdg"}, "/srv/box"),
        ({"XDG_STATE_HOME": "/xdg"}, "/xdg/provision/sandbox"),
    ],
)
def test_the_home_is_found_in_the_environment(variables: dict[str, str], expected: str) -> None:
    assert home.locate(variables).path == Path(expected)
