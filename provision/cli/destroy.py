"""`provision destroy PROFILE`: take away what is ours, give back what is not."""

from __future__ import annotations

import argparse
import os
import sys

from provision.cli.arguments import format_argument, profile_argument, sandbox_argument, yes_argument

HELP = "remove what the profile made, and put the cluster back as it was"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    profile_argument(parser)
    yes_argument(parser, "do not ask")
    format_argument(parser)
    sandbox_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    import asyncio

    return asyncio.run(_run(arguments))


async def _run(arguments: argparse.Namespace) -> int:
    from provision.cli import planning
    from provision.cli.connect import connected
    from provision.cli.executing import Show, carry_out, may_go_on
    from provision.ingress import desired
    from provision.plan import pace
    from provision.plan.plan import destroy
    from provision.providers.azure.zone_contents import kept_by_others

    asked = planning.request(arguments.profile, arguments.sandbox)
    show = Show(arguments.format == "json", sys.stdout, os.environ)
    async with connected(asked.profile, arguments.sandbox) as clients:
        graph, observation, handlers = await planning.observe(asked, clients, planning.tell)
        cluster = observation.objects[desired.cluster_address(asked.profile)]
        given_back = desired.given_back(graph, asked.profile, cluster)
        made = destroy(asked.profile.name, graph, observation, [given_back])
        stays = desired.stays(graph, asked.profile, cluster)
        notes = (*stays, *pace.notes(made.changes), *await kept_by_others(clients, made))
        show.plan(made, asked.where, notes)
        if made.blocked():
            return 1
        if made.pending():
            may_go_on("Destroy this?", yes=arguments.yes, must_ask=True, json=show.json)
        return await carry_out(made, handlers, show)
