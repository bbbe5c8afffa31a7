"""Where the sandbox lives, and what tells clients how to reach it.

A home is a folder: `state.db`, `ca.pem` and, while `serve` runs, `server.json`.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from provision.sandbox import tokens
from provision.sandbox.azure import SUBSCRIPTION, TENANT, Azure, Clock
from provision.sandbox.cluster_credentials import SERVER_APPLICATION, kubeconfigs
from provision.sandbox.metadata import CLOUD
from provision.sandbox.seed import CLIENTS
from provision.sandbox.server import Sandbox
from provision.sandbox.store import Store

_DAY = 86400.0
"""Seconds: kubectl can't renew the token in its file, as kubelogin would."""


@dataclass(frozen=True, slots=True)
class Server:
    """A running sandbox as other processes see it."""

    pid: int
    port: int
    url: str
    proxy: str
    ca: str
    speed: float
    dns: int = 0
    """Port on 127.0.0.1 of the resolver; 0 for a server of a version that had none."""
    parent_dns: int = 0
    """Port of the name server that answers for the zones above."""


@dataclass(frozen=True, slots=True)
class Home:
    path: Path

    @property
    def state(self) -> Path:
        return self.path / "state.db"

    @property
    def record(self) -> Path:
        return self.path / "server.json"

    def running(self) -> Server | None:
        """The server that `serve` runs from this home; None when its process or its port is gone."""
        try:
            server = Server(**json.loads(self.record.read_text()))
        except (FileNotFoundError, ValueError, TypeError):
            return None  # no server, or a record of another version's
        return server if _alive(server.pid) and _listens(server.port) else None


def locate(environment: Mapping[str, str] | None = None) -> Home:
    """`$PROVISION_SANDBOX_HOME`, else `provision/sandbox` in the XDG state folder."""
    variables = os.environ if environment is None else environment
    if variables.get("PROVISION_SANDBOX_HOME"):
        return Home(Path(variables["PROVISION_SANDBOX_HOME"]))
    state = variables.get("XDG_STATE_HOME") or str(Path("~/.local/state").expanduser())
    return Home(Path(state) / "provision" / "sandbox")


async def serve(
    home: Home,
    *,
    port: int = 0,
    speed: float = 1000.0,
    latency: float = 0.0,
    ready: Callable[[Server], None] = lambda _server: None,
) -> None:
    """Run the sandbox with its edge until cancelled; `ready` is called once everything listens."""
    from provision.sandbox.edge import Edge  # an import that a run which only asks for a home does without

    async with (
        Sandbox(home.state, speed=speed, latency=latency, port=port) as sandbox,
        Edge(home.state, sandbox.port, speed=speed) as edge,
    ):
        server = Server(
            pid=os.getpid(),
            port=sandbox.port,
            url=sandbox.url,
            proxy=edge.proxy_url,
            ca=str(sandbox.ca_path),
            speed=speed,
            dns=edge.dns[1],
            parent_dns=edge.parent_dns[1],
        )
        _write(home.record, json.dumps(asdict(server)))
        try:
            ready(server)
            await asyncio.Event().wait()
        finally:
            home.record.unlink(missing_ok=True)


def environment(home: Home, server: Server, client: str = "owner") -> dict[str, str]:
    """Variables with which az, the SDKs, Terraform and `provision` work against `server`, as a seeded client.

    Names go through the CONNECT proxy, since `<vault>.vault.localhost` resolves on few machines; NO_PROXY is
    emptied because a `localhost` in it matches those names by suffix. az gets a configuration folder of its
    own for each port: it caches tokens by host name alone and would take one server's for another's.
    `PROVISION_RESOLVER` and `PROVISION_PARENT_RESOLVER` are what `provision verify` asks instead of the
    system's resolver and of the name servers above a zone. `KUBECONFIG` is a file that is written here, with
    a context for each cluster there is now; where local accounts are disabled, the client is who enters.
    """
    known = CLIENTS[client]
    ca = server.ca
    resolvers = {
        "PROVISION_RESOLVER": f"127.0.0.1:{server.dns}",
        "PROVISION_PARENT_RESOLVER": f"127.0.0.1:{server.parent_dns}",
    }
    return {
        "ARM_CLOUD_METADATA_URL": f"{server.url}/metadata/endpoints?api-version=2019-05-01",
        "AZURE_CLOUD_NAME": CLOUD,
        "AZURE_AUTHORITY_HOST": server.url,
        "AZURE_TENANT_ID": TENANT,
        "AZURE_CLIENT_ID": known.client_id,
        "AZURE_CLIENT_SECRET": known.secret,
        "AZURE_SUBSCRIPTION_ID": SUBSCRIPTION,
        "AZURE_CONFIG_DIR": str(home.path / "az" / f"{server.port}-{client}"),
        "AZURE_CORE_INSTANCE_DISCOVERY": "false",
        "AZURE_CORE_COLLECT_TELEMETRY": "no",
        "REQUESTS_CA_BUNDLE": ca,
        "SSL_CERT_FILE": ca,
        "HTTPS_PROXY": server.proxy,
        "https_proxy": server.proxy,
        "HTTP_PROXY": server.proxy,
        "http_proxy": server.proxy,
        **(resolvers if server.dns else {}),
        "KUBECONFIG": str(_kubeconfig(home, server, client)),
        "PROVISION_PACE": f"{1 / server.speed:g}",
        "NO_PROXY": "",
        "no_proxy": "",
    }


def _kubeconfig(home: Home, server: Server, client: str) -> Path:
    known = CLIENTS[client]
    store = Store(home.state)
    try:
        with store.transaction():
            azure = Azure(store, Clock(server.speed))
            token = tokens.mint(azure, known.client_id, known.object_id, SERVER_APPLICATION, _DAY)
            text = kubeconfigs(azure, server.url, server.ca, token)
    finally:
        store.close()
    path = home.path / ("kubeconfig" if client == "owner" else f"kubeconfig-{client}")
    _write(path, text)
    return path


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _listens(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1.0):
            return True
    except OSError:
        return False


def _write(path: Path, text: str) -> None:
    with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=path.name, delete=False) as file:
        file.write(text)
    Path(file.name).replace(path)
