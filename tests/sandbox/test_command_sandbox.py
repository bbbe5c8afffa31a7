"""`provision sandbox`: served to others, looked at, made new."""

from __future__ import annotations

import asyncio
import json
import shlex
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio
from command_line import (
    CLUSTER,
    CLUSTER_KIND,
    PROD,
    ROOT,
    Applied,
    CommandLine,
    Running,
    environment,
    start,
)
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from provision.sandbox import tokens
from provision.sandbox.home import Home
from provision.sandbox.seed import CLIENTS
from provision.sandbox.store import Store


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def served(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Path]:
    """A home that a process of its own serves, for all tests that leave it as it is or as it was applied."""
    home = tmp_path_factory.mktemp("served")
    process = await start(home, "sandbox", "serve")
    async with asyncio.timeout(60):
        line = await process.until("sandbox at https://localhost:")
    assert line.endswith('in another shell: eval "$(provision sandbox env)"\n')
    yield home
    process.interrupt(signal.SIGINT)
    async with asyncio.timeout(60):
        assert await process.end() == 0
    assert not (home / "server.json").exists()
    assert "Traceback" not in "".join(process.seen)


async def run(home: Path, *arguments: str, **variables: str) -> tuple[int, str]:
    """Exit code and output of a process."""
    process: Running = await start(home, *arguments, **variables)
    code = await process.end()
    return code, "".join(process.seen)


async def printed(home: Path, client: str = "owner") -> dict[str, str]:
    """The variables that `sandbox env` prints, as a shell would set them."""
    code, text = await run(home, "sandbox", "env", "--client", client)
    assert code == 0
    lines = [shlex.split(line, comments=True) for line in text.splitlines()]
    assert {words[0] for words in lines if words} == {"export"}
    return dict(words[1].split("=", 1) for words in lines if words)


@pytest.mark.asyncio(loop_scope="module")
async def test_the_printed_environment_is_a_subscription(served: Path) -> None:
    """Without --sandbox, through DefaultAzureCredential and the proxy, as against Azure."""
    code, text = await run(served, "apply", *PROD)
    assert code == 0, text
    variables = await printed(served)
    code, text = await run(served, "drift", "profiles/prod.yaml", **variables)
    assert (code, text) == (0, "prod: in sync, 29 resources checked\n")

    store = Store(served / "state.db")
    cluster = store.get(CLUSTER_KIND, CLUSTER)
    assert cluster is not None
    cluster["properties"]["ingressProfile"]["gatewayAPI"]["installation"] = "Disabled"
    store.put(CLUSTER_KIND, CLUSTER, cluster)
    store.close()
    code, text = await run(served, "drift", "profiles/prod.yaml", **variables)
    assert code == 2
    assert "managed_cluster/aks-prod ingressProfile.gatewayAPI.installation" in text
    code, text = await run(served, "apply", "profiles/prod.yaml", **variables)
    assert (code, text.splitlines()[-1]) == (0, "29 changes: 1 updated, 28 unchanged.")


@pytest.mark.asyncio(loop_scope="module")
async def test_a_wrong_subscription_is_named(served: Path) -> None:
    variables = await printed(served) | {"AZURE_SUBSCRIPTION_ID": "00000000-0000-4000-8000-0000000000ff"}
    code, text = await run(served, "apply", "profiles/dev.yaml", **variables)
    assert code == 1
    assert "SubscriptionNotFound: The subscription '00000000-0000-4000-8000-0000000000ff'" in text
    assert "Check azure.subscription in the profile" in text
    code, _ = await run(served, "drift", "profiles/dev.yaml", **variables)
    assert code == 3


@pytest.mark.asyncio(loop_scope="module")
async def test_another_client_has_other_rights(served: Path) -> None:
    variables = await printed(served, "nobody")
    code, text = await run(served, "plan", "profiles/dev.yaml", **variables)
    assert code == 3
    assert "the caller lacks the right Microsoft.ContainerService/managedClusters/read" in text


@pytest.mark.asyncio(loop_scope="module")
async def test_a_home_is_served_once(served: Path) -> None:
    code, text = await run(served, "sandbox", "serve")
    assert code == 1
    assert "it is served already by process" in text


@pytest.mark.asyncio(loop_scope="module")
async def test_a_port_that_is_taken(served: Path, tmp_path: Path) -> None:
    server = Home(served).running()
    assert server is not None
    code, text = await run(tmp_path / "other", "sandbox", "serve", "--port", str(server.port))
    assert code == 1
    why, fix = text.splitlines()
    assert why.startswith("Error: opening the sandbox in ")
    assert fix == "Let it have another --port, or stop what listens there."


@pytest.mark.asyncio(loop_scope="module")
async def test_status_of_a_served_home(served: Path) -> None:
    code, text = await run(served, "sandbox", "status")
    assert code == 0
    server = Home(served).running()
    assert server is not None
    assert f"served  {server.url} by process {server.pid}" in text.splitlines()


def test_env_without_a_server(provision: CommandLine) -> None:
    done = provision("sandbox", "env")
    assert (done.code, done.out) == (1, "")
    assert done.err.splitlines() == [
        "Error: no sandbox is being served",
        "Start one in another shell:",
        "    provision sandbox serve",
    ]


@pytest.mark.asyncio(loop_scope="module")
async def test_env_of_a_client_that_is_not_there(served: Path) -> None:
    code, text = await run(served, "sandbox", "env", "--client", "somebody")
    assert code == 1
    assert f"no client somebody in the sandbox\nIt has: {', '.join(CLIENTS)}\n" in text


def test_status_of_a_home_that_is_empty_and_of_one_that_is_not(
    provision: CommandLine, applied: Applied
) -> None:
    empty = provision("sandbox", "status")
    assert empty.code == 0
    assert empty.out.splitlines() == [
        f"state   {provision.home}/state.db",
        "served  no",
        "holds   nothing yet; the first --sandbox run seeds it",
    ]
    assert not provision.home.exists()
    applied("prod")
    full = provision("sandbox", "status").out.splitlines()
    assert f"{1:7} Microsoft.Network/dnsZones" in full
    assert f"{4:7} {CLUSTER_KIND}" in full


def test_reset_makes_it_new(provision: CommandLine, applied: Applied) -> None:
    applied("prod")
    refused = provision("sandbox", "reset")
    assert refused.code == 1
    assert provision("drift", *PROD).code == 0
    done = provision("sandbox", "reset", "--yes")
    assert (done.code, done.out) == (0, "the sandbox is as new\n")
    plan = provision("plan", *PROD, "--format", "json").json()
    assert len(plan["changes"]) == 26


def test_who_was_signed_in_before_a_reset_still_is(provision: CommandLine, applied: Applied) -> None:
    """az keeps its token for an hour, and would be told that it is invalid."""
    applied("prod")
    owner = CLIENTS["owner"]
    with provision.azure() as azure:
        token = tokens.mint(azure, owner.client_id, owner.object_id, "https://management.azure.com")
    assert provision("sandbox", "reset", "--yes").code == 0
    with provision.azure() as azure:
        assert tokens.arm_caller(azure, f"Bearer {token}").client_id == owner.client_id


def _cut(pem: bytes) -> bytes:
    return pem[: len(pem) // 2]


def _without_authority(pem: bytes) -> bytes:
    return pem[: pem.rindex(b"-----BEGIN")]


def _of_another_key(pem: bytes) -> bytes:
    other = ec.generate_private_key(ec.SECP256R1())
    key = other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return key + pem[pem.index(b"-----BEGIN CERTIFICATE") :]


@pytest.mark.parametrize(
    ("file", "damage"),
    [
        ("ca.pem", _cut),
        ("ca.pem", lambda _: b""),
        ("server.pem", _cut),
        ("server.pem", lambda _: b""),
        ("server.pem", lambda _: b"\xff\x00"),
        ("server.pem", _without_authority),
        ("server.pem", _of_another_key),
    ],
)
def test_damaged_certificates_are_made_anew(
    file: str, damage: Callable[[bytes], bytes], provision: CommandLine, applied: Applied
) -> None:
    applied("prod")
    damaged = provision.home / file
    damaged.write_bytes(damage(damaged.read_bytes()))
    done = provision("drift", *PROD)
    assert (done.code, "Traceback" in done.err) == (0, False)
    assert (provision.home / "server.pem").read_bytes().endswith((provision.home / "ca.pem").read_bytes())


def test_reset_of_a_home_that_is_not_there(provision: CommandLine) -> None:
    assert provision("sandbox", "reset", "--yes").code == 0
    assert f"{4:7} {CLUSTER_KIND}" in provision("sandbox", "status").out.splitlines()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "powershell"])
def test_completion(shell: str, provision: CommandLine) -> None:
    done = provision("completion", shell)
    assert done.code == 0
    assert "provision" in done.out


def test_completion_completes(tmp_path: Path) -> None:
    """As a shell asks for it, with descriptor 8 for the answer."""
    answer = tmp_path / "answer"
    script = f'exec 8>"{answer}" 9>/dev/null; exec "$@"'
    variables = environment(
        tmp_path,
        _ARGCOMPLETE="1",
        _ARGCOMPLETE_IFS="\n",
        COMP_LINE="provision dri",
        COMP_POINT="13",
        COMP_TYPE="9",
    )
    command = ["bash", "-c", script, "-", sys.executable, "-m", "provision"]
    subprocess.run(command, env=variables, cwd=ROOT, check=False)
    assert answer.read_text().strip() == "drift"


def test_a_seeded_vault_needs_no_words(provision: CommandLine, tmp_path: Path) -> None:
    """Anybody's profile can be rehearsed: what it needs to exist is made, and told of."""
    file = tmp_path / "mine.yaml"
    file.write_text(
        f"extends: {ROOT}/profiles/dev.yaml\n"
        "name: mine\n"
        "azure: {subscription: 12345678-1234-4234-8234-123456789abc}\n"
        "cluster: {name: aks-mine, resourceGroup: rg-mine}\n"
        "vaults: {kv-contoso-dev: null, kv-mine-1: {resourceGroup: rg-mine}}\n"
        "certificates: {web-tls: {vault: kv-mine-1}}\n"
    )
    done = provision("apply", str(file), "--sandbox", "--format", "json")
    assert done.code == 0, done.out
    assert "sandbox: seeded AKS cluster aks-mine in rg-mine" in done.err
    assert "sandbox: seeded key vault kv-mine-1 in rg-mine" in done.err
    again = provision("drift", str(file), "--sandbox", "--format", "json")
    assert (again.code, again.err) == (0, "")
    assert json.loads(again.out)[0]["inSync"]
