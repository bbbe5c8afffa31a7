# PYTHON_ARGCOMPLETE_OK
"""`provision` and `python -m provision`: the parser, and the one place where errors become text."""

from __future__ import annotations

import argparse
import gc
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from provision import __version__, cli
from provision.errors import ProfileError, ProvisionError

DESCRIPTION = "Ingress on Azure Kubernetes Service from a profile file."


class _Parser(argparse.ArgumentParser):
    """Bad usage is an error like any other: exit code 1, since 2 means changes or drift."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(1, f"{self.prog}: {message}\n")


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    common = _Parser(add_help=False)
    common.add_argument("--debug", action="store_true", help="show the traceback of an error")
    top = _Parser(
        prog="provision",
        description=DESCRIPTION,
        epilog=cli.EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"provision {__version__}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True, parser_class=_Parser)
    for name in cli.COMMANDS:
        command = cli.load(name)
        sub = commands.add_parser(
            name,
            help=command.HELP,
            description=command.HELP[0].upper() + command.HELP[1:] + ".",
            epilog=cli.EXIT_CODES,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            parents=[common],
        )
        command.add_arguments(sub)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    top = parser()
    if "_ARGCOMPLETE" in os.environ:
        import argcomplete

        argcomplete.autocomplete(top)
    arguments = top.parse_args(argv)
    try:
        code = cli.load(arguments.command).run(arguments)
        sys.stdout.flush()
        return code
    except ProvisionError as error:
        if arguments.debug:
            raise
        heading = "" if isinstance(error, ProfileError) else "Error: "
        sys.stderr.write(f"{heading}{error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        return 1
    except BrokenPipeError:
        # The reader (head, less) left: nobody is there to be told, and Python must not try at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def entry() -> NoReturn:
    """The console script."""
    code = main()
    # Nothing is left to collect but the SDKs' modules, and looking through them takes 0.07 s.
    gc.freeze()
    sys.exit(code)


if __name__ == "__main__":
    entry()
