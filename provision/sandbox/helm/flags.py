"""Helm's command line, and the values that `--set` and `--values` make."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import yaml

from provision.sandbox.http import Json
from provision.sandbox.shell.process import Process

_SHORT = {"n": "namespace", "f": "values", "o": "output", "A": "all-namespaces", "i": "install", "q": "short"}
_VALUED = (
    "description",
    "filter",
    "history-max",
    "namespace",
    "output",
    "set",
    "set-string",
    "timeout",
    "values",
    "version",
)
_SWITCHES = (
    "all-namespaces",
    "atomic",
    "cleanup-on-fail",
    "create-namespace",
    "dry-run",
    "force",
    "ignore-not-found",
    "install",
    "keep-history",
    "no-hooks",
    "reset-values",
    "reuse-values",
    "short",
    "wait",
)


class HelmError(Exception):
    """What helm writes after `Error: `; it ends with status 1."""


@dataclass(frozen=True, slots=True)
class Flags:
    """Positional words, flags by long name, and the values given."""

    words: Sequence[str]
    given: Mapping[str, str]
    values: Json

    def has(self, switch: str) -> bool:
        return self.given.get(switch, "false") == "true"

    @property
    def namespace(self) -> str:
        return self.given.get("namespace") or "default"


def read(process: Process, command: str, arguments: Sequence[str]) -> Flags:
    """Read a command's arguments; later values win. Raises HelmError."""
    words: list[str] = []
    given: dict[str, str] = {}
    values: Json = {}
    rest = list(arguments)
    while rest:
        argument = rest.pop(0)
        if not argument.startswith("-") or argument == "-":
            words.append(argument)
            continue
        name, equals, value = argument.lstrip("-").partition("=")
        name = name if argument.startswith("--") else _SHORT.get(name, name)
        if name in _SWITCHES:
            given[name] = value or "true"
            continue
        if name not in _VALUED:
            raise HelmError(f"unknown flag: {argument} (helm {command} in the sandbox)")
        if not equals:
            if not rest:
                raise HelmError(f"flag needs an argument: {argument}")
            value = rest.pop(0)
        given[name] = value
        if name == "values":
            _merge(values, _file(process, value))
        elif name in ("set", "set-string"):
            for part in re.split(r"(?<!\\),", value):
                _set(values, part, typed=name == "set")
    return Flags(words, given, values)


def _file(process: Process, name: str) -> Json:
    try:
        content = process.stdin if name == "-" else process.files.read(process.folder, name)
        found = yaml.safe_load(content) or {}
    except FileNotFoundError as error:
        raise HelmError(f"open {name}: no such file or directory") from error
    except yaml.YAMLError as error:
        raise HelmError(f"failed to parse {name}: {error}") from error
    if not isinstance(found, dict):
        raise HelmError(f"failed to parse {name}: not an object")
    return found


def _merge(into: Json, more: Json) -> None:
    for key, value in more.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            _merge(into[key], value)
        else:
            into[key] = value


def _set(values: Json, text: str, *, typed: bool) -> None:
    path, equals, value = text.partition("=")
    if not equals:
        raise HelmError(f'failed parsing --set data: key "{path}" has no value')
    *above, last = path.split(".")
    holder = values
    for key in above:
        holder = holder.setdefault(key, {})
        if not isinstance(holder, dict):
            raise HelmError(f'failed parsing --set data: unable to parse key: "{path}"')
    plain = value.replace("\\,", ",")
    holder[last] = _typed(plain) if typed else plain


def _typed(text: str) -> object:
    if text in ("true", "false"):
        return text == "true"
    if text == "null":
        return None
    return int(text) if re.fullmatch(r"0|-?[1-9]\d*", text) else text
