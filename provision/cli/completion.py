"""`provision completion SHELL`: the line that makes a shell complete our command line."""

from __future__ import annotations

import argparse
import sys

HELP = "print shell completion code"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shell", choices=("bash", "zsh", "fish", "powershell"), help="which shell")


def run(arguments: argparse.Namespace) -> int:
    from argcomplete.shell_integration import shellcode

    sys.stdout.write(shellcode(["provision"], shell=arguments.shell) + "\n")
    return 0
