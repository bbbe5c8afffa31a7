"""A served home tells others where its edge is."""

from __future__ import annotations

import asyncio
import json
import os
import threading
from collections.abc import AsyncIterator
from dataclasses import asdict
from pathlib import Path

import pytest
import pytest_asyncio
import yaml
from dns.rcode import Rcode
from edge_bench import Contents, ask, serving

from provision.sandbox import home, tokens
from provision.sandbox.azure import Azure
from provision.sandbox.cluster_credentials import SERVER_APPLICATION
from provision.sandbox.cluster_document import KIND
from provision.sandbox.dns import ZONE
from provision.sandbox.edge.state import State
from provision.sandbox.home import Home, Server
from provision.sandbox.seed import CLIENTS
from provision.sandbox.services import SETTLERS


@pytest_asyncio.fixture
async def port() -> AsyncIterator[int]:
    """A port where something listens."""
    async with await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


async def test_a_served_home_answers_for_its_zones(tmp_path: Path) -> None:
    place = Home(tmp_path / "home")
    ready: asyncio.Future[Server] = asyncio.get_running_loop().create_future()
    serving_ = asyncio.create_task(home.serve(place, ready=ready.set_result))
    server = await ready
    variables = home.environment(place, server)
    assert variables["PROVISION_RESOLVER"] == f"127.0.0.1:{server.dns}"
    assert variables["PROVISION_PARENT_RESOLVER"] == f"127.0.0.1:{server.parent_dns}"
    assert variables["http_proxy"] == variables["https_proxy"] == server.proxy
    for number in (server.dns, server.parent_dns):
        assert (await ask(("127.0.0.1", number), "contoso.com")).rcode() == Rcode.REFUSED
    serving_.cancel()
    with pytest.raises(asyncio.CancelledError):
        await serving_


def test_the_kubeconfig_is_its_owners_alone_and_knows_each_cluster(contents: Contents) -> None:
    place = Home(contents.state.parent)
    server = Server(os.getpid(), 8443, "https://localhost:8443", "", "/ca.pem", 1000.0)
    file = Path(home.environment(place, server)["KUBECONFIG"])
    assert file == place.path / "kubeconfig"
    assert file.stat().st_mode & 0o777 == 0o600
    written = yaml.safe_load(file.read_text())
    assert [context["name"] for context in written["contexts"]] == ["aks"]
    assert written["clusters"][0]["cluster"] == {
        "server": f"https://localhost:8443/kubernetes/{contents.cluster.uid}",
        "certificate-authority": "/ca.pem",
    }
    contents.azure.store.close()


@pytest.mark.parametrize(("client", "name"), [("owner", "kubeconfig"), ("reader", "kubeconfig-reader")])
def test_a_cluster_without_local_accounts_is_entered_as_the_client(
    contents: Contents, client: str, name: str
) -> None:
    (cluster,) = contents.azure.store.list(KIND)
    cluster["properties"] |= {"disableLocalAccounts": True}
    contents.azure.store.put(KIND, cluster["id"], cluster)
    place = Home(contents.state.parent)
    server = Server(os.getpid(), 8443, "https://localhost:8443", "", "/ca.pem", 1000.0)
    file = Path(home.environment(place, server, client)["KUBECONFIG"])
    assert file == place.path / name
    ((token,),) = [each["user"].values() for each in yaml.safe_load(file.read_text())["users"]]
    claims = tokens.claims_of(contents.azure, f"Bearer {token}")
    assert (claims["oid"], claims["aud"]) == (CLIENTS[client].object_id, SERVER_APPLICATION)
    contents.azure.store.close()


async def test_a_record_of_an_older_version_is_understood(contents: Contents, port: int) -> None:
    place = Home(contents.state.parent)
    record = asdict(Server(os.getpid(), port, f"https://localhost:{port}", "http://proxy", "/ca.pem", 1.0))
    older = {name: value for name, value in record.items() if name not in ("dns", "parent_dns")}
    place.record.write_text(json.dumps(older))
    server = await asyncio.to_thread(place.running)
    assert server is not None
    assert (server.dns, server.parent_dns) == (0, 0)
    assert "PROVISION_RESOLVER" not in home.environment(place, server)
    contents.azure.store.close()


async def test_waiting_for_the_sandbox_holds_nobody_up(
    contents: Contents, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sandbox awaits inside of a transaction, in the very loop in which the edge wants to write."""
    zone = contents.zone("contoso.com")
    azure = Azure(contents.azure.store, contents.azure.clock, SETTLERS)
    azure.start_operation("dns.delete", 0, kind=ZONE, resource=zone["id"], if_match="")
    settling = threading.Event()
    settle = State._settle

    def told(state: State) -> None:
        settling.set()
        settle(state)

    monkeypatch.setattr(State, "_settle", told)
    async with serving(contents) as edge:
        with contents.azure.store.transaction():
            asked = asyncio.create_task(ask(edge.dns, "contoso.com"))
            await asyncio.to_thread(settling.wait)
        assert (await asked).rcode() == Rcode.REFUSED
