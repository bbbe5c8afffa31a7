"""Running helm: the one of this machine where the API server can be reached from it, else the one in the
image of AKS's run command ("Access a private AKS cluster using the command invoke feature", Microsoft
Learn, 2026-05).
"""

from __future__ import annotations

import asyncio
import base64
import shlex
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import yaml

from provision.providers.azure.clients import Clients
from provision.providers.kubernetes.calls import Tell
from provision.providers.kubernetes.direct import Direct
from provision.providers.kubernetes.kubeconfig import Endpoint
from provision.providers.kubernetes.run_command import RunCommand
from provision.resources.helm_release import HelmRelease


class Helm(Protocol):
    """A helm that talks to one cluster."""

    async def run(self, commands: Sequence[Sequence[str]]) -> list[tuple[int, str]]:
        """Exit code and output of each command, in order. Raises ProvisionError when helm can't be run."""
        ...


def helm_for(clients: Clients, resource: HelmRelease, tell: Tell | None) -> Helm:
    """The helm for a release's cluster."""
    private, entra = resource.private is True, resource.entra is True
    direct = resource.access == "direct" or (resource.access == "auto" and not private)
    here = shutil.which("helm") if direct else None
    if here:
        return LocalHelm(here, Direct(clients, resource.cluster_id, entra=entra))
    return RemoteHelm(RunCommand(clients, resource.cluster_id, entra=entra, tell=tell))


class RemoteHelm:
    """The helm of the run command."""

    def __init__(self, way: RunCommand) -> None:
        self._way = way

    async def run(self, commands: Sequence[Sequence[str]]) -> list[tuple[int, str]]:
        lines = [f'{shlex.join(["helm", *each])} 2>&1; echo "=== exit $?"' for each in commands]
        result = await self._way.execute("; ".join(lines))
        return parted(result.logs or "", len(commands), result.exit_code or 0)


def parted(logs: str, count: int, exit_code: int) -> list[tuple[int, str]]:
    """The outputs of commands, each ended by a line with its exit code; what is missing failed."""
    found: list[tuple[int, str]] = []
    lines: list[str] = []
    for line in logs.splitlines():
        if line.startswith("=== exit "):
            found.append((int(line.removeprefix("=== exit ")), "\n".join(lines)))
            lines = []
        else:
            lines.append(line)
    while len(found) < count:
        found.append((exit_code or 1, "\n".join(lines)))
    return found


class LocalHelm:
    """This machine's helm, with a kubeconfig that is the caller's own and gone at the end."""

    def __init__(self, path: str, way: Direct) -> None:
        self._path = path
        self._way = way

    async def run(self, commands: Sequence[Sequence[str]]) -> list[tuple[int, str]]:
        server, token = await self._way.credentials()
        with tempfile.TemporaryDirectory(prefix="provision-") as folder:
            kubeconfig = _written(folder, document(server, token))
            return [await self._one(kubeconfig, each) for each in commands]

    async def _one(self, kubeconfig: str, command: Sequence[str]) -> tuple[int, str]:
        process = await asyncio.create_subprocess_exec(
            self._path,
            *command,
            "--kubeconfig",
            kubeconfig,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
        return process.returncode or 0, output.decode("utf-8", "replace")


def _written(folder: str, content: dict[str, object]) -> str:
    kubeconfig = Path(folder, "kubeconfig")
    kubeconfig.touch(mode=0o600)
    kubeconfig.write_text(yaml.safe_dump(content), encoding="utf-8")
    return str(kubeconfig)


def document(server: Endpoint, token: str) -> dict[str, object]:
    """A kubeconfig for one cluster and one user."""

    def encoded(content: bytes) -> str:
        return base64.b64encode(content).decode("ascii")

    user: dict[str, str] = {"token": token} if token else {}
    if server.certificate:
        user |= {
            "client-certificate-data": encoded(server.certificate),
            "client-key-data": encoded(server.key),
        }
    cluster = {"server": server.server}
    if server.authority:
        cluster["certificate-authority-data"] = encoded(server.authority)
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "it",
        "clusters": [{"name": "it", "cluster": cluster}],
        "users": [{"name": "it", "user": user}],
        "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}],
    }
