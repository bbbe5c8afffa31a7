"""The built-in programs: the few of coreutils that scripts for a cluster lean on.

Wording is that of Debian's coreutils, gzip and grep. Options beyond those here are refused as invalid.
"""

from __future__ import annotations

import base64
import binascii
import gzip
import re
import zlib
from collections.abc import Callable, Iterator, Mapping

from provision.sandbox.shell.options import BadOption, options
from provision.sandbox.shell.process import Process, Program
from provision.sandbox.shell.text import echo, printf

_BASE64_COLUMNS = 76


def _inputs(process: Process, names: list[str]) -> Iterator[tuple[str, bytes | None]]:
    """Each file named, or standard input; a missing one is complained about and comes as None."""
    for name in names or ["-"]:
        if name == "-":
            yield name, process.stdin
            continue
        try:
            yield name, process.files.read(process.folder, name)
        except FileNotFoundError:
            process.complain(f"{name}: No such file or directory")
            yield name, None
        except IsADirectoryError:
            process.complain(f"{name}: Is a directory")
            yield name, None


def _each(process: Process, names: list[str], write: Callable[[str, bytes], None]) -> int:
    failed = False
    for name, content in _inputs(process, names):
        if content is None:
            failed = True
        else:
            write(name, content)
    return int(failed)


def _cat(process: Process) -> int:
    _, names = options(process, "")
    return _each(process, names, lambda _name, content: process.out.extend(content))


def _gzip(process: Process) -> int:
    chosen, names = options(process, "cdfnk123456789", long={"--decompress": "d", "--stdout": "c"})
    if names and "c" not in chosen:
        raise BadOption("only -c is in the sandbox: files are not replaced")
    status = 0
    for name, content in _inputs(process, names):
        if content is None:
            status = 1
        elif "d" not in chosen:
            process.out.extend(gzip.compress(content, mtime=0))
        else:
            try:
                process.out.extend(gzip.decompress(content))
            except (gzip.BadGzipFile, EOFError, zlib.error):
                process.err.extend(b"\n")
                status = process.complain(f"{'stdin' if name == '-' else name}: not in gzip format")
    return status


def _base64(process: Process) -> int:
    chosen, names = options(
        process, "di", valued="w", long={"--decode": "d", "--wrap": "w", "--ignore-garbage": "i"}
    )
    status = 0
    for _name, content in _inputs(process, names):
        if content is None:
            status = 1
        elif "d" in chosen:
            try:
                process.out.extend(base64.b64decode(re.sub(rb"\s", b"", content), validate="i" not in chosen))
            except binascii.Error:
                status = process.complain("invalid input")
        else:
            process.out.extend(_wrapped(base64.b64encode(content), int(chosen.get("w", _BASE64_COLUMNS))))
    return status


def _wrapped(encoded: bytes, columns: int) -> bytes:
    if not columns:
        return encoded
    lines = [encoded[start : start + columns] for start in range(0, len(encoded), columns)]
    return b"".join(line + b"\n" for line in lines)


def _head(process: Process) -> int:
    return _some(process, lambda lines, count: lines[:count], lambda content, count: content[:count])


def _tail(process: Process) -> int:
    return _some(
        process,
        lambda lines, count: lines[max(len(lines) - count, 0) :],
        lambda content, count: content[max(len(content) - count, 0) :],
    )


def _some(
    process: Process,
    lines_of: Callable[[list[bytes], int], list[bytes]],
    bytes_of: Callable[[bytes, int], bytes],
) -> int:
    chosen, names = options(process, "", valued="nc", number="n")
    for letter in "nc":
        if letter in chosen and not chosen[letter].isdigit():
            return process.complain(f"invalid number of lines: ‘{chosen[letter]}’")

    def write(_name: str, content: bytes) -> None:
        if "c" in chosen:
            process.out.extend(bytes_of(content, int(chosen["c"])))
        else:
            kept = lines_of(content.splitlines(keepends=True), int(chosen.get("n", 10)))
            process.out.extend(b"".join(kept))

    return _each(process, names, write)


def _wc(process: Process) -> int:
    chosen, names = options(process, "lwcm")

    def write(name: str, content: bytes) -> None:
        counts = {
            "l": content.count(b"\n"),
            "w": len(content.split()),
            "m": len(content.decode(errors="replace")),
            "c": len(content),
        }
        kept = [counts[letter] for letter in "lwmc" if letter in (chosen or "lwc")]
        width = 1 if len(kept) == 1 else 7 if name == "-" else len(str(len(content)))
        label = "" if name == "-" else f" {name}"
        process.write(" ".join(f"{count:{width}}" for count in kept) + label + "\n")

    return _each(process, names, write)


def _grep(process: Process) -> int:
    chosen, words = options(process, "ivcqEFno", valued="e")
    if "e" not in chosen and not words:
        process.err.extend(b"Usage: grep [OPTION]... PATTERNS [FILE]...\n")
        return 2
    pattern, names = (chosen["e"], words) if "e" in chosen else (words[0], words[1:])
    try:
        matcher = re.compile(
            re.escape(pattern) if "F" in chosen else pattern, re.IGNORECASE if "i" in chosen else 0
        )
    except re.error:
        process.complain("Invalid regular expression")
        return 2
    found = missing = False
    for name, content in _inputs(process, names):
        if content is None:
            missing = True
            continue
        lines = content.decode(errors="replace").splitlines()
        hits = [
            (number, line)
            for number, line in enumerate(lines, 1)
            if bool(matcher.search(line)) is not ("v" in chosen)
        ]
        found = found or bool(hits)
        process.write(_hits(chosen, matcher, hits, f"{name}:" if len(names) > 1 else ""))
    return 2 if missing else int(not found)


def _hits(
    chosen: Mapping[str, str], matcher: re.Pattern[str], hits: list[tuple[int, str]], label: str
) -> str:
    if "q" in chosen:
        return ""
    if "c" in chosen:
        return f"{label}{len(hits)}\n"
    shown = []
    for number, line in hits:
        prefix = label + (f"{number}:" if "n" in chosen else "")
        texts = [match[0] for match in matcher.finditer(line)] if "o" in chosen else [line]
        shown += [f"{prefix}{text}\n" for text in texts]
    return "".join(shown)


def _ls(process: Process) -> int:
    _, names = options(process, "1a")  # one name a line, always: the output is no terminal
    status = 0
    for name in names or ["."]:
        place = process.files.folder(process.folder, name)
        if place is not None:
            process.write("".join(f"{entry}\n" for entry in process.files.names(place)))
        elif process.files.exists(process.folder, name):
            process.write(f"{name}\n")
        else:
            process.complain(f"cannot access '{name}': No such file or directory")
            status = 2
    return status


def _mkdir(process: Process) -> int:
    chosen, names = options(process, "p", long={"--parents": "p"})
    if not names:
        return process.complain("missing operand")
    status = 0
    for name in names:
        try:
            process.files.make_folder(process.folder, name, parents="p" in chosen)
        except (FileExistsError, FileNotFoundError) as error:
            why = "File exists" if isinstance(error, FileExistsError) else "No such file or directory"
            status = process.complain(f"cannot create directory ‘{name}’: {why}")
    return status


def _test(process: Process) -> int:
    arguments = list(process.arguments)
    if process.name == "[":
        if arguments[-1:] != ["]"]:
            process.complain("missing ]")
            return 2
        arguments.pop()
    negated = arguments[:1] == ["!"]
    holds = _holds(process, arguments[1:] if negated else arguments)
    if holds is None:
        process.complain(f"{' '.join(arguments)}: unexpected operator")
        return 2
    return int(holds is negated)


def _holds(process: Process, arguments: list[str]) -> bool | None:
    match arguments:
        case []:
            return False
        case [text]:
            return bool(text)
        case ["-n" | "-z" as operator, text]:
            return bool(text) is (operator == "-n")
        case ["-e" | "-f" | "-d" | "-s" as operator, name]:
            return _is(process, operator, name)
        case [left, "=" | "!=" as operator, right]:
            return (left == right) is (operator == "=")
        case [left, operator, right] if operator in _COMPARISONS and _numbers(left, right):
            return _COMPARISONS[operator](int(left), int(right))
    return None


def _is(process: Process, operator: str, name: str) -> bool:
    if not process.files.exists(process.folder, name):
        return False
    folder = process.files.folder(process.folder, name) is not None
    if operator == "-s" and not folder:
        return bool(process.files.read(process.folder, name))
    return operator in ("-e", "-s") or folder is (operator == "-d")


def _numbers(*texts: str) -> bool:
    return all(re.fullmatch(r"-?\d+", text) for text in texts)


_COMPARISONS: Mapping[str, Callable[[int, int], bool]] = {
    "-eq": lambda left, right: left == right,
    "-ne": lambda left, right: left != right,
    "-gt": lambda left, right: left > right,
    "-ge": lambda left, right: left >= right,
    "-lt": lambda left, right: left < right,
    "-le": lambda left, right: left <= right,
}


def _helm(process: Process) -> int:
    """AKS's image has helm; the sandbox has none."""
    process.complain("not in the sandbox")
    return 127


def _checked(program: Program) -> Program:
    def run(process: Process) -> int:
        try:
            return program(process)
        except BadOption as refusal:
            process.complain(str(refusal))
            return 1

    return run


PROGRAMS: Mapping[str, Program] = {
    "echo": echo,
    "printf": printf,
    "cat": _checked(_cat),
    "gzip": _checked(_gzip),
    "base64": _checked(_base64),
    "head": _checked(_head),
    "tail": _checked(_tail),
    "wc": _checked(_wc),
    "grep": _checked(_grep),
    "ls": _checked(_ls),
    "mkdir": _checked(_mkdir),
    "test": _test,
    "[": _test,
    "true": lambda _process: 0,
    ":": lambda _process: 0,
    "false": lambda _process: 1,
    "sleep": lambda _process: 0,
    "helm": _helm,
}
"""`sleep` takes no time: a script's seconds are Azure's, and the sandbox's run faster."""
