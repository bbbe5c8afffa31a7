"""Arguments that several commands share."""

from __future__ import annotations

import argparse


def profile_argument(parser: argparse.ArgumentParser, help_: str = "profile file") -> None:
    parser.add_argument("profile", metavar="PROFILE", help=help_)


def sandbox_argument(
    parser: argparse.ArgumentParser, help_: str = "rehearse against an embedded Azure on this machine"
) -> None:
    parser.add_argument("--sandbox", action="store_true", help=help_)


def debug_argument(parser: argparse.ArgumentParser) -> None:
    """For an action: --debug is taken before it too, as every command takes it, which this must not undo."""
    parser.add_argument(
        "--debug", action="store_true", default=argparse.SUPPRESS, help="show the traceback of an error"
    )


def format_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--format", choices=("text", "json"), default="text", help="form of the output")


def plan_arguments(parser: argparse.ArgumentParser) -> None:
    """What decides which changes a plan holds."""
    parser.add_argument(
        "--target",
        metavar="ADDRESS",
        action="append",
        default=[],
        help="only this resource and what it needs, such as dns_zone/contoso.com; may be repeated",
    )
    parser.add_argument(
        "--adopt", action="store_true", help="take over existing objects that differ and are not ours"
    )
    parser.add_argument(
        "--force",
        action="store_true",
        help="delete more than 30 %% of a zone's record sets, if it comes to that",
    )


def yes_argument(parser: argparse.ArgumentParser, help_: str) -> None:
    parser.add_argument("--yes", "-y", action="store_true", help=help_)
