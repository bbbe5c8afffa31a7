"""`provision apply PROFILE|PLAN`: make it so."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

from provision.cli.arguments import (
    format_argument,
    plan_arguments,
    profile_argument,
    sandbox_argument,
    yes_argument,
)
from provision.errors import UsageError

if TYPE_CHECKING:
    from provision.cli.planning import Request
    from provision.plan.saved import SavedPlan

HELP = "make the world as the profile says, or carry out a saved plan"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    profile_argument(parser, "profile file, or a plan file of plan -o")
    plan_arguments(parser)
    yes_argument(parser, "go on without asking, also when the plan deletes or replaces")
    format_argument(parser)
    sandbox_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    import asyncio

    return asyncio.run(_run(arguments))


async def _run(arguments: argparse.Namespace) -> int:
    from provision.cli import planning
    from provision.cli.connect import connected
    from provision.cli.executing import Show, carry_out, may_go_on
    from provision.plan import saved
    from provision.plan.change import Action

    asked, reviewed = _asked(arguments)
    show = Show(arguments.format == "json", sys.stdout, os.environ)
    async with connected(asked.profile, arguments.sandbox) as clients:
        graph, observation, handlers = await planning.observe(asked, clients, planning.tell)
        made = planning.safe(planning.make_plan(asked, graph, observation), arguments.force)
        show.plan(made, asked.where)
        if made.blocked():
            return 1
        if reviewed:
            saved.confirm(reviewed, made)
        counts = made.count()
        dangerous = bool(counts[Action.DELETE] or counts[Action.REPLACE])
        if made.pending() and not reviewed:
            may_go_on("Apply this plan?", yes=arguments.yes, must_ask=dangerous, json=show.json)
        return await carry_out(made, handlers, show)


def _asked(arguments: argparse.Namespace) -> tuple[Request, SavedPlan | None]:
    from provision.cli import planning
    from provision.plan import saved
    from provision.profile.plain import from_plain

    text = planning.read_text(arguments.profile)
    if not saved.is_saved_plan(text):
        asked = planning.request(arguments.profile, arguments.sandbox, arguments.adopt, arguments.target)
        return asked, None
    if arguments.target or arguments.adopt:
        raise UsageError(
            f"applying plan {arguments.profile}",
            "--target and --adopt belong to the plan",
            "Plan again with them.",
        )
    reviewed = saved.parse(text, arguments.profile)
    profile = from_plain(reviewed.profile, arguments.profile)
    return planning.Request(profile, reviewed.file, reviewed.adopt, reviewed.targets), reviewed
