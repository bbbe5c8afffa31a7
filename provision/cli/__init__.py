"""The command line: one small module a command, listed in `COMMANDS`.

A command module has `HELP` (one line), `add_arguments(parser)` and `run(arguments) -> int`, the exit
code. It parses and wires; the work is done elsewhere. Heavy imports stand inside `run`, so that help
and completion stay fast.
"""

from __future__ import annotations

import argparse
import importlib
from typing import Protocol, cast

COMMANDS = (
    "plan",
    "apply",
    "drift",
    "verify",
    "destroy",
    "validate",
    "options",
    "roles",
    "certificate",
    "zone",
    "schema",
    "sandbox",
    "completion",
)

EXIT_CODES = """\
exit codes:
  0  in sync, or done
  1  error (bad usage too)
  2  changes are pending, drift was found, or a host's chain is broken
  3  not everything could be checked
"""


class Command(Protocol):
    """What each module of this package offers."""

    HELP: str

    def add_arguments(self, parser: argparse.ArgumentParser) -> None: ...

    def run(self, arguments: argparse.Namespace) -> int: ...


def load(name: str) -> Command:
    """The module of one command."""
    return cast("Command", importlib.import_module(f"provision.cli.{name}"))
