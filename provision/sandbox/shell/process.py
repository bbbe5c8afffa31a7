"""What a program of the sandbox's shell gets, and gives back by its exit status."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from provision.sandbox.shell.files import Files


@dataclass(frozen=True, slots=True)
class Process:
    """One program being run: `arguments` without its name; `out` and `err` may be one and the same."""

    name: str
    arguments: Sequence[str]
    stdin: bytes
    out: bytearray
    err: bytearray
    files: Files
    folder: str

    def write(self, text: str) -> None:
        """To standard output, as UTF-8."""
        self.out.extend(text.encode())

    def complain(self, message: str) -> int:
        """`NAME: message` on standard error; returns 1, the status to end with."""
        self.err.extend(f"{self.name}: {message}\n".encode())
        return 1


Program = Callable[[Process], int]
"""Returns the exit status."""
