"""`provision destroy PROFILE`: take away what is ours, give back what is not."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

from provision.cli.arguments import format_argument, profile_argument, sandbox_argument, yes_argument

if TYPE_CHECKING:
    from provision.plan.plan import Plan
    from provision.providers.azure.clients import Clients

HELP = "remove what the profile made, and put the cluster back as it was"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    profile_argument(parser)
    yes_argument(parser, "do not ask")
    parser.add_argument(
        "--remove-crds",
        action="store_true",
        help="with the service mesh: take the definitions of istio.io that AKS leaves and their objects away",
    )
    parser.add_argument(
        "--export-crds",
        metavar="FILE",
        default="",
        help="where --remove-crds writes them first; <profile name>-istio.yaml without it",
    )
    format_argument(parser)
    sandbox_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    import asyncio

    return asyncio.run(_run(arguments))


async def _run(arguments: argparse.Namespace) -> int:
    from provision.cli import planning
    from provision.cli.connect import connected
    from provision.cli.executing import Show, carry_out, may_go_on
    from provision.ingress import desired, mesh_leaving
    from provision.plan import pace
    from provision.plan.destroy import destroy
    from provision.providers.azure.endpoint_connections import kept_in_gateways
    from provision.providers.azure.zone_contents import kept_by_others

    asked = planning.request(arguments.profile, arguments.sandbox)
    show = Show(arguments.format == "json", sys.stdout, os.environ)
    async with connected(asked.profile, arguments.sandbox) as clients:
        graph, observation, handlers = await planning.observe(asked, clients, planning.tell)
        cluster = observation.objects[desired.cluster_address(asked.profile)]
        given_back = desired.given_back(graph, asked.profile, cluster)
        made = destroy(asked.profile.name, graph, observation, [given_back])
        stays = desired.stays(graph, asked.profile, cluster)
        left = mesh_leaving.notes(asked.profile, observation, made, remove=arguments.remove_crds)
        if arguments.remove_crds:
            made = mesh_leaving.with_removals(asked.profile, graph, observation, made)
        with clients.telling(planning.tell):
            kept = (*await kept_by_others(clients, made), *await kept_in_gateways(clients, made))
        notes = (*stays, *left, *pace.notes(made.changes), *kept)
        show.plan(made, asked.where, notes)
        if made.blocked():
            return 1
        if made.pending():
            may_go_on("Destroy this?", yes=arguments.yes, must_ask=True, json=show.json)
        file = arguments.export_crds or f"{asked.profile.name}-istio.yaml"
        await _export(clients, made, file)
        return await carry_out(made, handlers, show)


async def _export(clients: Clients, made: Plan, file: str) -> None:
    """Write the definitions that go, and all objects of them, to a file that kubectl can apply."""
    from provision.cli import planning
    from provision.providers.kubernetes.access import Ways
    from provision.providers.kubernetes.istio_export import documents
    from provision.resources.manifest import DEFINITION, Manifest

    going = [
        change.resource
        for change in made.pending()
        if isinstance(change.resource, Manifest) and change.resource.api == DEFINITION
    ]
    if not going:
        return
    import yaml

    exported = await documents(Ways(clients), going)
    planning.write_text(file, yaml.safe_dump_all(exported, sort_keys=False))
    planning.tell(f"{len(going)} definitions and {len(exported) - len(going)} objects of them are in {file}")
