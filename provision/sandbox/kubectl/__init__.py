"""An embedded kubectl, for the run command: a subset of the commands, worded as the real one words them.

It reaches the cluster through a function instead of the network, and the script's files instead of the
machine's. What is not here says so and fails.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from provision.sandbox.kubectl import apply, arguments, change, get
from provision.sandbox.kubectl.arguments import SWITCH, VALUED
from provision.sandbox.kubectl.client import Call, Client
from provision.sandbox.kubectl.errors import KubectlError
from provision.sandbox.kubectl.get import CLIENT_VERSION
from provision.sandbox.kubectl.session import Session
from provision.sandbox.shell.process import Process, Program

_OUTPUT = {"output": VALUED, "show-managed-fields": SWITCH, "no-headers": SWITCH}
_CHANGE = {
    **_OUTPUT,
    "filename": VALUED,
    "dry-run": VALUED,
    "field-manager": VALUED,
    "selector": VALUED,
    "all": SWITCH,
    "raw": VALUED,
}
_GET = {
    **_OUTPUT,
    "raw": VALUED,
    "all-namespaces": SWITCH,
    "selector": VALUED,
    "field-selector": VALUED,
    "ignore-not-found": SWITCH,
    "show-labels": SWITCH,
}
_APPLY = {
    **_CHANGE,
    "server-side": SWITCH,
    "force-conflicts": SWITCH,
    "validate": VALUED,
    "overwrite": SWITCH,
    "wait": SWITCH,
}
_DELETE = {
    **_CHANGE,
    "ignore-not-found": SWITCH,
    "wait": SWITCH,
    "cascade": VALUED,
    "now": SWITCH,
    "force": SWITCH,
    "grace-period": VALUED,
    "timeout": VALUED,
    "all-namespaces": SWITCH,
}
_MARK = {**_CHANGE, "overwrite": SWITCH, "all-namespaces": SWITCH}

_COMMANDS: Mapping[str, tuple[Callable[[Session], None], Mapping[str, str]]] = {
    "get": (get.get, _GET),
    "version": (get.version, {**_OUTPUT, "client": SWITCH}),
    "apply": (apply.apply, _APPLY),
    "create": (change.create, {**_CHANGE, "save-config": SWITCH, "validate": VALUED}),
    "replace": (change.replace, {**_CHANGE, "validate": VALUED}),
    "delete": (change.delete, _DELETE),
    "label": (change.label, _MARK),
    "annotate": (change.annotate, _MARK),
}


def program(call: Call) -> Program:
    """kubectl as a program of the sandbox's shell; `call` reaches the API server as whoever is meant."""

    def run(process: Process) -> int:
        def warn(text: str) -> None:
            process.err.extend(f"Warning: {text}\n".encode())

        try:
            command, given = _command(list(process.arguments))
            act, known = _COMMANDS[command]
            act(Session(process, arguments.read(command, given, known), Client(call, warn)))
        except KubectlError as error:
            process.err.extend(f"{error}\n".encode())
            return 1
        return 0

    return run


def _command(given: list[str]) -> tuple[str, list[str]]:
    """The command and its arguments; flags may come before it."""
    skip = False
    for index, argument in enumerate(given):
        if skip:
            skip = False
        elif argument in ("-n", "--namespace"):
            skip = True
        elif not argument.startswith("-"):
            if argument not in _COMMANDS:
                raise KubectlError(f"error: kubectl {argument} is not in the sandbox")
            return argument, [*given[:index], *given[index + 1 :]]
    raise KubectlError("error: kubectl needs a command; in the sandbox: " + ", ".join(sorted(_COMMANDS)))


__all__ = ["CLIENT_VERSION", "Call", "program"]
