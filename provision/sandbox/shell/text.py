"""`echo` and `printf` as dash has them: both read backslash escapes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from provision.sandbox.shell.process import Process

_ESCAPE = re.compile(r"\\(0?[0-7]{1,3}|[abfnrtvc\\])")
_PLAIN = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\"}
_DIRECTIVE = re.compile(r"%(-?)(\d*)([sdb%])|%(.?)")


def echo(process: Process) -> int:
    """`-n` leaves out the newline; `\\c` ends the output."""
    words = list(process.arguments)
    newline = words[:1] != ["-n"]
    text, ended = _unescaped(" ".join(words if newline else words[1:]))
    process.write(text + ("\n" if newline and not ended else ""))
    return 0


def printf(process: Process) -> int:
    """Directives `%s`, `%d`, `%b`, `%%` with a width; the format is repeated while arguments are left."""
    if not process.arguments:
        process.complain("usage: printf format [arg ...]")
        return 2
    template, *words = process.arguments
    rest = iter(words)
    left = len(words)
    status = 0
    while True:
        used = 0
        pieces: list[str] = []
        for piece in _pieces(template):
            if isinstance(piece, str):
                pieces.append(piece)
                continue
            if piece[4] is not None:
                process.complain(f"%{piece[4]}: invalid directive")
                return 2
            word = "" if piece[3] == "%" else next(rest, "")
            used += piece[3] != "%"
            text, failed = _directive(process, piece[3], word)
            status = status or failed
            pieces.append(text.ljust(int(piece[2] or 0)) if piece[1] else text.rjust(int(piece[2] or 0)))
        process.write("".join(pieces))
        left -= used
        if left <= 0 or not used:
            return status


def _pieces(template: str) -> Iterator[str | re.Match[str]]:
    end = 0
    for match in _DIRECTIVE.finditer(template):
        yield _unescaped(template[end : match.start()])[0]
        yield match
        end = match.end()
    yield _unescaped(template[end:])[0]


def _directive(process: Process, kind: str, word: str) -> tuple[str, int]:
    if kind == "%":
        return "%", 0
    if kind == "b":
        return _unescaped(word)[0], 0
    if kind == "d" and not re.fullmatch(r"[+-]?\d+", word or "0"):
        return "0", process.complain(f"{word}: expected numeric value")
    return (str(int(word or "0")) if kind == "d" else word), 0


def _unescaped(text: str) -> tuple[str, bool]:
    """Escapes replaced, and whether `\\c` ended the text."""
    kept, stop, _ = re.sub(r"\\\\", "\0", text).partition("\\c")
    kept = kept.replace("\0", "\\\\")

    def replaced(match: re.Match[str]) -> str:
        return _PLAIN[match[1]] if match[1] in _PLAIN else chr(int(match[1], 8))

    return _ESCAPE.sub(replaced, kept), bool(stop)
