"""Walks the tree of a script and runs its pipelines, one program after the other.

Wording and exit statuses are dash's, the sh of Debian. A pipe's programs run in turn, each with the whole
output of the one before; nothing waits, so `sleep` costs no time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from provision.sandbox.shell.commands import PROGRAMS
from provision.sandbox.shell.files import HOME, Files
from provision.sandbox.shell.process import Process, Program
from provision.sandbox.shell.syntax import SyntaxRefusal, parse
from provision.sandbox.shell.tree import (
    Group,
    Part,
    Pipeline,
    Redirection,
    Script,
    Simple,
    Text,
    Variable,
    Word,
)

NOT_FOUND = 127
_USAGE = 2
_GLOB = "*?["


class _Exit(Exception):  # noqa: N818 - the end that a script asked for
    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class _Complaint(Exception):  # noqa: N818 - a command that could not be begun; the script goes on
    def __init__(self, message: str) -> None:
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class _Streams:
    stdin: bytes
    out: bytearray
    err: bytearray


@dataclass(slots=True)
class _Shell:
    """What a shell remembers from one command to the next."""

    programs: Mapping[str, Program]
    files: Files
    folder: str = HOME
    variables: dict[str, str] = field(default_factory=dict)
    status: int = 0
    strict: bool = False
    """`set -e`."""

    def copy(self) -> _Shell:
        """A subshell: same files, its own variables and folder."""
        return _Shell(
            self.programs, self.files, self.folder, dict(self.variables), self.status, strict=self.strict
        )


def run(script: str, files: Files, programs: Mapping[str, Program]) -> tuple[int, bytes]:
    """Run a script: its exit status, and what it wrote to stdout and stderr, in the order written.

    `programs` are added to the built-in ones (`kubectl`).
    """
    logs = bytearray()
    shell = _Shell({**PROGRAMS, **programs}, files, variables={"HOME": HOME, "PWD": HOME})
    try:
        tree = parse(script)
    except SyntaxRefusal as refusal:
        return _USAGE, f"sh: {refusal.line}: {refusal}\n".encode()
    return _in_turn(shell, tree, _Streams(b"", logs, logs)), bytes(logs)


def _in_turn(shell: _Shell, script: Script, streams: _Streams) -> int:
    """A script in a shell of its own: `exit` ends it."""
    try:
        _script(shell, script, streams)
    except _Exit as end:
        return end.status
    return shell.status


def _script(shell: _Shell, script: Script, streams: _Streams) -> None:
    for position, (operator, pipeline) in enumerate(script.items):
        if (operator == "&&" and shell.status != 0) or (operator == "||" and shell.status == 0):
            continue
        shell.status = _pipeline(shell, pipeline, streams)
        following = script.items[position + 1][0] if position + 1 < len(script.items) else ";"
        if shell.strict and shell.status and following == ";" and not pipeline.negated:
            raise _Exit(shell.status)


def _pipeline(shell: _Shell, pipeline: Pipeline, streams: _Streams) -> int:
    *before, last = pipeline.commands
    stdin = streams.stdin
    for command in before:
        out = bytearray()
        _subshell(shell, command, _Streams(stdin, out, streams.err))
        stdin = bytes(out)
    final = _Streams(stdin, streams.out, streams.err)
    status = _subshell(shell, last, final) if before else _command(shell, last, final)
    return int(status == 0) if pipeline.negated else status


def _subshell(shell: _Shell, command: Simple | Group, streams: _Streams) -> int:
    try:
        return _command(shell.copy(), command, streams)
    except _Exit as end:
        return end.status


def _command(shell: _Shell, command: Simple | Group, streams: _Streams) -> int:
    line = command.line if isinstance(command, Simple) else 1
    try:
        streams = _redirected(shell, command.redirections, streams)
        if isinstance(command, Simple):
            return _simple(shell, command, streams)
    except _Complaint as complaint:
        streams.err.extend(f"sh: {line}: {complaint}\n".encode())
        return _USAGE
    if command.subshell:
        return _in_turn(shell.copy(), command.body, streams)
    _script(shell, command.body, streams)
    return shell.status


def _redirected(shell: _Shell, redirections: tuple[Redirection, ...], streams: _Streams) -> _Streams:
    stdin, outputs = streams.stdin, {1: streams.out, 2: streams.err}
    for each in redirections:
        target = "".join(_fields(shell, each.target, streams)) if each.operator != "<<" else ""
        try:
            if each.operator == "<<":
                stdin = _joined(shell, each.target, streams).encode()
            elif each.operator == "<":
                stdin = shell.files.read(shell.folder, target)
            elif each.operator == ">&":
                outputs[each.descriptor] = outputs[int(target)]
            else:
                append = each.operator == ">>"
                outputs[each.descriptor] = shell.files.open(shell.folder, target, append=append)
        except (KeyError, ValueError) as error:
            raise _Complaint(f"{target}: Bad file descriptor") from error
        except IsADirectoryError as error:
            raise _Complaint(f"cannot create {target}: Is a directory") from error
        except FileNotFoundError as error:
            verb, why = (
                ("open", "No such file") if each.operator == "<" else ("create", "Directory nonexistent")
            )
            raise _Complaint(f"cannot {verb} {target}: {why}") from error
    return _Streams(stdin, outputs[1], outputs[2])


def _simple(shell: _Shell, command: Simple, streams: _Streams) -> int:
    words = [text for word in command.words for text in _fields(shell, word, streams)]
    shell.status = shell.status if words or command.words else 0
    for name, value in command.assignments:
        if words:
            continue  # the environment of one program: none of ours reads any
        shell.variables[name] = _joined(shell, value, streams)
    if not words:
        return shell.status
    name, *arguments = words
    if name in _SPECIAL:
        return _SPECIAL[name](shell, arguments)
    if name == "command" and arguments[:1] == ["-v"]:
        return _found(shell, arguments[1:], streams)
    program = shell.programs.get(name)
    if program is None:
        streams.err.extend(f"sh: {command.line}: {name}: not found\n".encode())
        return NOT_FOUND
    return program(
        Process(name, arguments, streams.stdin, streams.out, streams.err, shell.files, shell.folder)
    )


def _found(shell: _Shell, names: list[str], streams: _Streams) -> int:
    """`command -v NAME`: prints it when there is such a program."""
    for name in names:
        if name not in shell.programs and name not in _SPECIAL:
            return NOT_FOUND
        streams.out.extend(f"{name}\n".encode())
    return 0


def _fields(shell: _Shell, word: Word, streams: _Streams) -> list[str]:
    """The arguments a word becomes: unquoted values are split at blanks, patterns replaced by names."""
    fields: list[str] = []
    current: str | None = None
    pattern = False
    for part in word:
        text, quoted = _value(shell, part, streams), part.quoted
        if quoted or isinstance(part, Text):
            current = (current or "") + text
            pattern = pattern or (not quoted and any(sign in text for sign in _GLOB))
            continue
        pieces = text.split()
        if text[:1].isspace() and current is not None:
            fields.append(current)
            current = None
        for index, piece in enumerate(pieces):
            if index:
                fields.append(current or "")
                current = None
            current = (current or "") + piece
        if text[-1:].isspace() and pieces:
            fields.append(current or "")
            current = None
    if current is not None:
        fields.append(current)
    if pattern and len(fields) == 1:
        return shell.files.matching(shell.folder, fields[0]) or fields
    return fields


def _joined(shell: _Shell, word: Word, streams: _Streams) -> str:
    return "".join(_value(shell, part, streams) for part in word)


def _value(shell: _Shell, part: Part, streams: _Streams) -> str:
    if isinstance(part, Text):
        return part.text
    if isinstance(part, Variable):
        known = str(shell.status) if part.name == "?" else shell.variables.get(part.name, "")
        return known or part.default
    out = bytearray()
    shell.status = _in_turn(shell.copy(), part.script, _Streams(streams.stdin, out, streams.err))
    return out.decode(errors="replace").rstrip("\n")


def _cd(shell: _Shell, arguments: list[str]) -> int:
    target = arguments[0] if arguments else HOME
    place = shell.files.folder(shell.folder, target)
    if place is None:
        raise _Complaint(f"cd: can't cd to {target}")
    shell.folder = shell.variables["PWD"] = place
    return 0


def _exit(shell: _Shell, arguments: list[str]) -> int:
    text = arguments[0] if arguments else str(shell.status)
    if not text.isdigit():
        raise _Exit(_USAGE)
    raise _Exit(int(text) & 0xFF)


def _export(shell: _Shell, arguments: list[str]) -> int:
    for argument in arguments:
        name, assigned, value = argument.partition("=")
        if assigned:
            shell.variables[name] = value
    return 0


def _set(shell: _Shell, arguments: list[str]) -> int:
    for argument in arguments:
        if argument.lstrip("+-").strip("eux"):
            raise _Complaint(f"set: Illegal option {argument}")
        if "e" in argument:
            shell.strict = argument.startswith("-")
    return 0


_SPECIAL = {"cd": _cd, "exit": _exit, "export": _export, "set": _set}
"""What changes the shell itself."""
