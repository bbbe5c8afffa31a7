"""`provision drift PROFILE...`: what is no longer as the profiles say."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

from provision.cli.arguments import format_argument, sandbox_argument

if TYPE_CHECKING:
    from provision.cli.planning import Request
    from provision.drift.findings import DriftReport

HELP = "tell what is no longer as the profiles say"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("profiles", metavar="PROFILE", nargs="+", help="profile file")
    parser.add_argument(
        "--fail-on",
        choices=["info", "warning", "error"],
        default="info",
        help="exit with 2 only for findings that matter at least so much (default: for any)",
    )
    format_argument(parser)
    sandbox_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    import asyncio

    return asyncio.run(_run(arguments))


async def _run(arguments: argparse.Namespace) -> int:
    from provision.drift.severity import Severity
    from provision.report.drift import drift_json, drift_text
    from provision.report.style import style_for

    style = style_for(sys.stdout, os.environ)
    reports = []
    for asked in _requests(arguments.profiles, arguments.sandbox):
        report = await _check(asked, arguments.sandbox)
        reports.append(report)
        if arguments.format == "text":
            sys.stdout.write(drift_text(report, style))
    if arguments.format == "json":
        sys.stdout.write(drift_json(reports))
    if any(report.unchecked for report in reports):
        return 3
    least = Severity(arguments.fail_on)
    return 2 if any(each.severity.reaches(least) for report in reports for each in report.findings) else 0


def _requests(files: list[str], sandbox: bool) -> list[Request]:
    """Every profile, loaded before the first is checked; parts that others extend are left out."""
    from provision.cli import planning
    from provision.errors import Problem, ProfileError
    from provision.profile.load import FragmentError

    asked: list[Request] = []
    problems: list[Problem] = []
    for file in files:
        try:
            asked.append(planning.request(file, sandbox))
        except FragmentError as error:
            if len(files) == 1:
                raise
            planning.tell(f"{error.problems[0].file}: a part of other profiles, nothing to check")
        except ProfileError as error:
            problems.extend(error.problems)
    if problems:
        raise ProfileError(problems)
    return asked


async def _check(asked: Request, sandbox: bool) -> DriftReport:
    from provision.cli import planning
    from provision.cli.connect import connected
    from provision.drift.copies import copies, judge
    from provision.drift.report import report
    from provision.ingress import desired
    from provision.providers.network import secrets

    today = planning.today()
    async with connected(asked.profile, sandbox) as clients:
        graph, observation, _ = await planning.observe(asked, clients)
        made = planning.make_plan(asked, graph, observation)
        wanted = copies(made, desired.chains(asked.profile).values())
        names = [each.secret for each in wanted]
        seen = await secrets.certificates(clients, wanted[0].front, names) if wanted else {}
    return report(made, asked.profile.drift.ignore, today, judge(wanted, seen, today))
