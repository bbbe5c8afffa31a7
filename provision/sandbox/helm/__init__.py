"""An embedded helm, for the run command: a subset of Helm 3, worded as the real one words it.

It knows the ALB controller's chart and no other, reaches the cluster through a function instead of the
network, and keeps its releases where Helm does: in Secrets. What is not here says so and fails.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from provision.sandbox.helm import showing, upgrading
from provision.sandbox.helm.flags import Flags, HelmError, read
from provision.sandbox.helm.releases import Releases
from provision.sandbox.kubectl.client import Call, Client
from provision.sandbox.kubectl.errors import KubectlError, ServerError
from provision.sandbox.shell.process import Process, Program

_COMMANDS: Mapping[str, Callable[[Process, Releases, Flags], None]] = {
    "install": upgrading.install,
    "upgrade": upgrading.upgrade,
    "uninstall": upgrading.uninstall,
    "delete": upgrading.uninstall,
    "list": showing.list_releases,
    "ls": showing.list_releases,
    "status": showing.status,
    "get": showing.get,
    "history": showing.history,
    "version": showing.version,
}


def program(call: Call, now: Callable[[], float]) -> Program:
    """helm as a program of the sandbox's shell; `call` reaches the API server as whoever is meant."""

    def run(process: Process) -> int:
        given = list(process.arguments)
        name = next((each for each in given if not each.startswith("-")), "")
        if name not in _COMMANDS:
            known = ", ".join(sorted(_COMMANDS))
            process.err.extend(f"Error: helm {name or '(nothing)'} is not in the sandbox: {known}\n".encode())
            return 1
        given.remove(name)
        client = Client(call, lambda text: process.err.extend(f"W {text}\n".encode()))
        try:
            flags = read(process, name, given)
            _COMMANDS[name](process, Releases(client, now), flags)
        except HelmError as error:
            process.err.extend(f"Error: {error}\n".encode())
            return 1
        except KubectlError as error:
            text = str(error.status.get("message")) if isinstance(error, ServerError) else str(error)
            process.err.extend(f"Error: Kubernetes cluster unreachable or refusing: {text}\n".encode())
            return 1
        return 0

    return run
