"""`provision validate PROFILE...`: every problem of the profiles, without asking Azure."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

from provision.cli.arguments import format_argument, sandbox_argument
from provision.cli.connect import environment

if TYPE_CHECKING:
    from provision.report.validation import Validation

HELP = "check profiles without asking Azure"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("profiles", metavar="PROFILE", nargs="+", help="profile file")
    format_argument(parser)
    sandbox_argument(parser, "let the sandbox's tenant and subscription stand in for unset variables")


def run(arguments: argparse.Namespace) -> int:
    from provision.report import validation

    results = validate(arguments.profiles, environment(arguments.sandbox))
    if arguments.format == "json":
        sys.stdout.write(validation.results_json(results))
    else:
        sys.stdout.write(validation.results_text(results))
        sys.stderr.write(validation.problems_text(results))
    return 0 if all(each.is_valid for each in results) else 1


def validate(files: list[str], variables: Mapping[str, str]) -> list[Validation]:
    """The result for each file; a part of other profiles is valid when one of these takes it in."""
    from datetime import date
    from pathlib import Path

    from provision.errors import Problem, ProfileError
    from provision.ingress import rules
    from provision.ingress.load import load
    from provision.profile.load import FragmentError
    from provision.report.validation import Validation

    results: dict[str, Validation] = {}
    fragments: dict[str, tuple[Problem, ...]] = {}
    users: dict[Path, list[str]] = {}
    for file in files:
        try:
            loaded = load(file, variables)
        except FragmentError as error:
            fragments[file] = error.problems
            continue
        except ProfileError as error:
            results[file] = Validation(file, error.problems)
            continue
        warnings = rules.warnings(loaded, date.today().isoformat())
        results[file] = Validation(file, (), tuple(warnings))
        for base in loaded.files[1:]:
            users.setdefault(Path(base).resolve(), []).append(file)
    for file, problems in fragments.items():
        extended_by = tuple(users.get(Path(file).resolve(), ()))
        results[file] = Validation(file, () if extended_by else problems, (), extended_by)
    return [results[file] for file in files]
