"""kubectl's command line: flags anywhere, long and short, as the Go library pflag reads them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from provision.sandbox.kubectl.errors import KubectlError

_SHORT = {
    "n": "namespace",
    "f": "filename",
    "o": "output",
    "l": "selector",
    "A": "all-namespaces",
    "v": "v",
    "L": "label-columns",
}
VALUED = "valued"
SWITCH = "switch"
_EVERYWHERE = {"namespace": VALUED, "request-timeout": VALUED, "v": VALUED}
_WITHOUT_VALUE = {"dry-run": "unchanged", "cascade": "background", "validate": "strict"}


@dataclass(frozen=True, slots=True)
class Arguments:
    """Positional words, and flags by long name; a switch holds `true` or `false`."""

    words: Sequence[str]
    flags: Mapping[str, str]
    files: Sequence[str]
    """Every `-f`, in order."""

    def has(self, switch: str) -> bool:
        return self.flags.get(switch, "false") not in ("false", "")

    @property
    def namespace(self) -> str:
        return self.flags.get("namespace") or "default"

    @property
    def dry_run(self) -> str:
        """`none`, `client` or `server`."""
        chosen = self.flags.get("dry-run", "none")
        if chosen == "unchanged":
            return "client"
        if chosen not in ("none", "client", "server"):
            raise KubectlError(
                f'error: Invalid dry-run value ({chosen}). Must be "none", "server", or "client".'
            )
        return chosen


def read(command: str, given: Sequence[str], known: Mapping[str, str]) -> Arguments:
    """Read a command's arguments. `known` says which flags take a value (`VALUED`) and which are switches."""
    known = {**_EVERYWHERE, **known}
    words: list[str] = []
    flags: dict[str, str] = {}
    files: list[str] = []
    rest = list(given)
    while rest:
        argument = rest.pop(0)
        if argument == "--":
            words += rest
            break
        if argument == "-" or not argument.startswith("-"):
            words.append(argument)
            continue
        name, value = _flag(command, argument, rest, known)
        flags[name] = value
        if name == "filename":
            files += value.split(",")
    return Arguments(words, flags, files)


def _flag(command: str, argument: str, rest: list[str], known: Mapping[str, str]) -> tuple[str, str]:
    if argument.startswith("--"):
        name, equals, value = argument[2:].partition("=")
        attached = value if equals else None
    else:
        name = _SHORT.get(argument[1], "")
        attached = argument[2:].removeprefix("=") or None
    if name not in known:
        raise KubectlError(f"error: {command}: flag {argument} is not in the sandbox")
    if attached is not None:
        return name, attached
    if name in _WITHOUT_VALUE:
        return name, _WITHOUT_VALUE[name]
    if known[name] == SWITCH:
        return name, "true"
    if not rest:
        spelled = argument if argument.startswith("--") else f"'{argument[1]}' in {argument}"
        raise KubectlError(
            f"error: flag needs an argument: {spelled}\nSee 'kubectl {command} --help' for usage."
        )
    return name, rest.pop(0)
