"""`provision options [PROFILE]`: what each ingress option can do, in general or for a profile."""

from __future__ import annotations

import argparse
import sys

from provision.cli.arguments import format_argument, sandbox_argument
from provision.cli.connect import environment

HELP = "compare the ingress options, in general or for a profile"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from provision.ingress.catalog import EDITIONS, NEWEST

    parser.add_argument("profile", metavar="PROFILE", nargs="?", help="which option can do what it asks for")
    format_argument(parser)
    parser.add_argument(
        "--edition", choices=EDITIONS, default=NEWEST, help="edition of Microsoft's feature table (newest)"
    )
    sandbox_argument(parser, "let the sandbox's tenant and subscription stand in for unset variables")


def run(arguments: argparse.Namespace) -> int:
    from provision.report import options

    as_json = arguments.format == "json"
    if arguments.profile is None:
        table = options.table_json if as_json else options.table_text
        sys.stdout.write(table(arguments.edition))
        return 0
    from provision.ingress.features import compare, requirements
    from provision.ingress.load import load_any_option

    profile = load_any_option(arguments.profile, environment(arguments.sandbox)).profile
    comparison = options.comparison_json if as_json else options.comparison_text
    sys.stdout.write(comparison(arguments.profile, requirements(profile), compare(profile)))
    return 0
