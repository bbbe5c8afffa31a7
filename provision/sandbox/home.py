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

from provision.sandbox.azure import SUBSCRIPTION, TENANT
from provision.sandbox.metadata import CLOUD
from provision.sandbox.proxy import ConnectProxy
from provision.sandbox.seed import CLIENTS
from provision.sandbox.server import Sandbox


@dataclass(frozen=True, slots=True)
class Server:
    """A running sandbox as other processes see it."""

    pid: int
    port: int
    url: str
    proxy: str
    ca: str
    speed: float


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
    """Run the sandbox and its CONNECT proxy until cancelled; `ready` is called once both listen."""
    async with Sandbox(home.state, speed=speed, latency=latency, port=port) as sandbox:
        proxy = ConnectProxy(sandbox.port)
        await proxy.start()
        server = Server(os.getpid(), sandbox.port, sandbox.url, proxy.url, str(sandbox.ca_path), speed)
        _write(home.record, json.dumps(asdict(server)))
        try:
            ready(server)
            await asyncio.Event().wait()
        finally:
            home.record.unlink(missing_ok=True)
            await proxy.stop()


def environment(home: Home, server: Server, client: str = "owner") -> dict[str, str]:
    """Variables with which az, the SDKs, Terraform and `provision` work against `server`, as a seeded client.

    Names go through the CONNECT proxy, since `<vault>.vault.localhost` resolves on few machines; NO_PROXY is
    emptied because a `localhost` in it matches those names by suffix. az gets a configuration folder of its
    own for each port: it caches tokens by host name alone and would take one server's for another's.
    """
    known = CLIENTS[client]
    ca = server.ca
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
        "PROVISION_PACE": f"{1 / server.speed:g}",
        "NO_PROXY": "",
        "no_proxy": "",
    }


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
