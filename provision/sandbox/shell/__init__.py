"""A small subset of POSIX sh, interpreted in this process: it never starts a program of the machine."""

from __future__ import annotations

from provision.sandbox.shell.files import Files
from provision.sandbox.shell.interpreter import run
from provision.sandbox.shell.process import Process, Program

__all__ = ["Files", "Process", "Program", "run"]
