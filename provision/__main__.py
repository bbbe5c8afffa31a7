# PYTHON_ARGCOMPLETE_OK
"""`provision` and `python -m provision`: the parser, and the one place where errors become text."""

from __future__ import annotations

import argparse
import gc
import os
import re
import sys
from collections.abc import Sequence
from functools import cache
from types import TracebackType
from typing import NoReturn

from provision import __version__, cli
from provision.errors import ProfileError, ProvisionError

DESCRIPTION = "Ingress on Azure Kubernetes Service from a profile file."

# What signs a poll address of ARM (t, c, s, h) or of a storage account (sig), and a token.
_SIGNATURES = re.compile(r"""((?:[?&](?:t|c|s|h|sig)=)|(?:\bBearer ))[^&\s'")]+""")


class _Parser(argparse.ArgumentParser):
    """Bad usage is an error like any other: exit code 1, since 2 means changes or drift."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(1, f"{self.prog}: {message}\n")


@cache
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
    if arguments.debug:
        _show_debugging()
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
    except Exception as error:
        if arguments.debug:
            raise
        said = unsigned(str(error)).splitlines() or [""]
        sys.stderr.write(
            f"Error: provision itself failed, which is a defect: {type(error).__name__}: {said[0]}\n"
            "Run the same command with --debug, and report what it prints.\n"
        )
        return 1


def unsigned(text: str) -> str:
    """A traceback's text without what would open something to whoever reads it."""
    return _SIGNATURES.sub(r"\1…", text)


def _print_traceback(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    import traceback

    sys.stderr.write(unsigned("".join(traceback.format_exception(kind, error, trace))))


def _show_debugging() -> None:
    """Write to stderr what provision logs for its developers."""
    import logging

    class Unsigned(logging.Formatter):
        def format(self, record: logging.LogRecord) -> str:
            return unsigned(super().format(record))

    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Unsigned())
    logger = logging.getLogger("provision")
    logger.handlers = [handler]
    logger.setLevel(logging.DEBUG)


def entry() -> NoReturn:
    """The console script."""
    sys.excepthook = _print_traceback
    code = main()
    # Nothing is left to collect but the SDKs' modules, and looking through them takes 0.07 s.
    gc.freeze()
    sys.exit(code)


if __name__ == "__main__":
    entry()
