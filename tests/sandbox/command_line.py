"""The command line in this process or in another, against a sandbox home of its own.

A run in this process shares the imports of the others and takes a tenth of a second. The sandbox's front
door is listened at, so that a test can say how many requests a run made, and which.
"""

from __future__ import annotations

import asyncio
import gc
import io
import json
import os
import re
import shutil
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from azure.keyvault.certificates._shared import http_challenge_cache

from provision.__main__ import main
from provision.sandbox import services
from provision.sandbox.azure import SUBSCRIPTION, Answer, Azure, Clock, Json
from provision.sandbox.gateway import Gateway
from provision.sandbox.home import Home, Server
from provision.sandbox.http import Request, Route
from provision.sandbox.server import Sandbox
from provision.sandbox.store import Store

ROOT = Path(__file__).parents[2]
PROD = ("profiles/prod.yaml", "--sandbox")
DEV = ("profiles/dev.yaml", "--sandbox")
LEGACY = ("profiles/nginx.yaml", "--sandbox")
PRIVATE = ("profiles/private.yaml", "--sandbox")

_GROUPS = f"/subscriptions/{SUBSCRIPTION}/resourceGroups"
CLUSTER_KIND = "Microsoft.ContainerService/managedClusters"
ZONE_KIND = "Microsoft.Network/dnsZones"
CLUSTER = f"{_GROUPS}/rg-aks-prod/providers/{CLUSTER_KIND}/aks-prod"
ZONE = f"{_GROUPS}/rg-dns/providers/Microsoft.Network/dnszones/contoso.com"
VAULT = f"{_GROUPS}/rg-security/providers/Microsoft.KeyVault/vaults/kv-contoso-prod"
LEGACY_CLUSTER = f"{_GROUPS}/rg-aks-legacy/providers/{CLUSTER_KIND}/aks-legacy"
LEGACY_VAULT = f"{_GROUPS}/rg-security/providers/Microsoft.KeyVault/vaults/kv-contoso-legacy"
IDENTITY = (
    f"{_GROUPS}/rg-identities/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-ingress-prod"
)

_WRITES = re.compile(r"\bkubectl (apply|delete)\b")
_OURS = ("AZURE_", "ARM_", "PROVISION_", "NO_COLOR", "FORCE_COLOR", "HTTPS_PROXY", "https_proxy")


@dataclass(frozen=True)
class Call:
    """A request as the sandbox saw it, and the status of its answer."""

    method: str
    path: str
    status: int
    body: Any = None
    query: Mapping[str, str] = field(default_factory=dict)

    @property
    def writes(self) -> bool:
        """Whether it may change something: asking for tokens or credentials and dry runs don't."""
        if self.method == "GET" or self.path.endswith(("/token", "/listClusterUserCredential")):
            return False
        if self.path.endswith("/runCommand"):
            applies = [part for part in self.body["command"].split(";") if _WRITES.search(part)]
            return any("--dry-run=server" not in part for part in applies)
        return self.query.get("dryrun") != "All"


@dataclass(frozen=True)
class Ran:
    """What a run of the command line left."""

    code: int
    out: str
    err: str
    calls: tuple[Call, ...] = ()

    def json(self) -> Any:
        return json.loads(self.out)

    def statuses(self) -> dict[str, str]:
        """Address → status, from the outcomes as JSON."""
        return {outcome["resource"]: outcome["status"] for outcome in self.json()["outcomes"]}

    def errors(self) -> dict[str, str]:
        """Address → error of each failed change, from the outcomes as JSON."""
        return {each["resource"]: each["error"] for each in self.json()["outcomes"] if each["error"]}

    def writes(self) -> list[Call]:
        """Requests that change something."""
        return [call for call in self.calls if call.writes]

    def cluster_puts(self) -> list[Call]:
        return [call for call in self.writes() if call.method == "PUT" and CLUSTER_KIND in call.path]

    def below(self, path: str) -> list[Call]:
        return [call for call in self.calls if path in call.path]


def environment(home: Path, **variables: str) -> dict[str, str]:
    """Variables for a process that knows of one sandbox home and of no credentials."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    return {
        **kept,
        "HOME": str(home),  # no az login, no sandbox of the person who runs the tests
        "PYTHONPATH": str(ROOT),
        "PROVISION_SANDBOX_HOME": str(home),
        **variables,
    }


@cache
def _freeze() -> None:
    """After the first run: spare the garbage collector the SDKs' modules, which it would look through for
    0.1 s every few runs."""
    gc.collect()
    gc.freeze()


Applied = Callable[[str], None]
"""`applied("prod")`: the test's home becomes one in which that profile was applied."""


@dataclass
class CommandLine:
    """Runs `provision` in this process: `provision("plan", *PROD)`."""

    home: Path
    capsys: pytest.CaptureFixture[str]
    calls: list[Call] = field(default_factory=list)

    def __call__(self, *arguments: str) -> Ran:
        http_challenge_cache.clear()  # kept by the SDK for the life of a process
        self.calls.clear()
        self.capsys.readouterr()
        try:
            code = main(arguments)
        except SystemExit as leaving:  # argparse
            code = int(leaving.code or 0)
        _freeze()
        out, err = self.capsys.readouterr()
        return Ran(code, out, err, tuple(self.calls))

    @contextmanager
    def azure(self) -> Iterator[Azure]:
        """The sandbox's Azure between two runs, to look and to change things behind the tool's back."""
        store = Store(self.home / "state.db")
        try:
            with store.transaction():
                yield Azure(store, Clock(), services.SETTLERS)
        finally:
            store.close()

    def document(self, kind: str, id_: str) -> Json:
        with self.azure() as azure:
            found = azure.store.get(kind, id_)
        assert found is not None, f"no {kind} {id_}"
        return found


@pytest.fixture
def provision(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> CommandLine:
    """The command line with a sandbox home of its own that is still empty."""
    for name in os.environ:
        if name.startswith(_OURS):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PROVISION_SANDBOX_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    monkeypatch.chdir(ROOT)
    line = CommandLine(tmp_path / "home", capsys)
    handle = Gateway.handle

    async def listened(self: Gateway, request: Request, content: bytes) -> Answer:
        answer = await handle(self, request, content)
        is_json = request.headers.get("content-type", "").startswith("application/json")
        body = json.loads(content) if content and is_json else None
        line.calls.append(Call(request.method, request.path, answer.status, body, request.query))
        return answer

    monkeypatch.setattr(Gateway, "handle", listened)
    return line


@pytest.fixture(scope="session")
def _homes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Homes that tests begin with, made when a test first asks."""
    return tmp_path_factory.mktemp("homes")


@pytest.fixture
def home_after(provision: CommandLine, _homes: Path) -> Callable[[str, Callable[[], None]], None]:
    """`home_after(name, work)`: the home becomes one in which `work` was done, once for all tests."""

    def restore(name: str, work: Callable[[], None]) -> None:
        assert not provision.home.exists(), "the home is in use already"
        kept = _homes / name
        if kept.exists():
            shutil.copytree(kept, provision.home)
        else:
            work()
            shutil.copytree(provision.home, kept)

    return restore


@pytest.fixture
def applied(provision: CommandLine, home_after: Callable[[str, Callable[[], None]], None]) -> Applied:
    """Applies a profile once and for all tests; each gets a copy."""

    def restore(name: str) -> None:
        def work() -> None:
            done = provision("apply", f"profiles/{name}.yaml", "--sandbox")
            assert done.code == 0, done.out

        home_after(name, work)

    return restore


class Running:
    """`provision` in a process of its own, line by line."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.seen: list[str] = []

    async def until(self, text: str) -> str:
        """Read stdout and stderr, which come as one, up to a line that holds `text`."""
        assert self._process.stdout is not None
        while line := (await self._process.stdout.readline()).decode():
            self.seen.append(line)
            if text in line:
                return line
        raise AssertionError(f"no line with {text!r} in:\n{''.join(self.seen)}")

    async def end(self) -> int:
        """The exit code; what was left to read is in `seen` then."""
        assert self._process.stdout is not None
        self.seen.append((await self._process.stdout.read()).decode())
        return await self._process.wait()

    def interrupt(self, signal: int) -> None:
        self._process.send_signal(signal)


async def start(home: Path, *arguments: str, **variables: str) -> Running:
    """Start the command line in another process."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "provision", *arguments),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd=ROOT,
        env=environment(home, **variables),
    )
    return Running(process)


class Held:
    """A served sandbox whose cluster updates go on until they are let go."""

    def __init__(self, sandbox: Sandbox, accepted: asyncio.Event) -> None:
        self.sandbox = sandbox
        self.accepted = accepted
        """Set once an update was accepted."""

    def running(self) -> list[str]:
        """Ids of the clusters that are being updated."""
        return [str(operation["resource"]) for operation in _updates(self.sandbox.azure)]

    def let_go(self) -> None:
        store = self.sandbox.azure.store
        with store.transaction():
            for operation in _updates(self.sandbox.azure):
                at_once = {**operation, "due": operation["start"]}
                store.put_operation(operation["name"], at_once["due"], at_once)


def _updates(azure: Azure) -> list[Json]:
    return [operation for operation in azure.store.running_operations() if operation.get("kind") == "update"]


_FOREVER = 1e12


@asynccontextmanager
async def held(home: Path) -> AsyncIterator[Held]:
    """Serve `home` in the caller's event loop, for processes, with cluster updates held."""
    accepted = asyncio.Event()
    routes = [_hold(route, accepted) if _updates_cluster(route) else route for route in services.ROUTES]
    async with Sandbox(home / "state.db", routes=routes) as sandbox:
        server = Server(os.getpid(), sandbox.port, sandbox.url, "", str(sandbox.ca_path), 1000.0)
        Home(home).record.write_text(json.dumps(asdict(server)))
        async with asyncio.timeout(120):  # only a broken client ever waits so long
            yield Held(sandbox, accepted)


def _updates_cluster(route: Route) -> bool:
    return route.method == "PUT" and CLUSTER_KIND in route.template


def _hold(route: Route, accepted: asyncio.Event) -> Route:
    def handle(request: Request, azure: Azure) -> Answer:
        answer = route.handle(request, azure)
        assert isinstance(answer, Answer)
        for operation in _updates(azure):
            azure.store.put_operation(operation["name"], _FOREVER, {**operation, "due": _FOREVER})
        accepted.set()
        return answer

    return replace(route, handle=handle)
