"""`provision plan PROFILE`: what would change, and why, before anything does."""

from __future__ import annotations

import argparse
import os
import sys

from provision.cli.arguments import format_argument, plan_arguments, profile_argument, sandbox_argument

HELP = "show what apply would change, and why"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    profile_argument(parser)
    plan_arguments(parser)
    parser.add_argument("-o", "--output", metavar="FILE", help="write the plan to FILE, for apply FILE")
    format_argument(parser)
    sandbox_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    import asyncio

    return asyncio.run(_run(arguments))


async def _run(arguments: argparse.Namespace) -> int:
    from provision.cli import planning
    from provision.cli.connect import connected
    from provision.plan import saved
    from provision.profile.plain import to_plain
    from provision.report.plans import plan_json, plan_text
    from provision.report.style import style_for

    asked = planning.request(arguments.profile, arguments.sandbox, arguments.adopt, arguments.target)
    async with connected(asked.profile, arguments.sandbox) as clients:
        graph, observation, _ = await planning.observe(asked, clients)
    made = planning.safe(planning.make_plan(asked, graph, observation), arguments.force)
    if arguments.format == "json":
        sys.stdout.write(plan_json(made))
    else:
        sys.stdout.write(plan_text(made, asked.where, style_for(sys.stdout, os.environ)))
    if arguments.output and not made.blocked():
        text = saved.dump(made, to_plain(asked.profile), asked.file, asked.adopt, asked.targets)
        planning.write_text(arguments.output, text)
        planning.tell(
            f"plan written to {arguments.output}; apply it with: provision apply {arguments.output}"
        )
    code = exit_code((*made.pending(), *made.awaited()), made.blocked(), made.unread())
    return 3 if code == 0 and made.unchecked else code


def exit_code(pending: object, blocked: tuple[object, ...], unread: tuple[object, ...]) -> int:
    """1 when something stands in the way, 3 when all that does is what could not be read, 2 for changes."""
    if len(blocked) > len(unread):
        return 1
    if unread:
        return 3
    return 2 if pending else 0
