"""`provision roles PROFILE`: who needs which rights, and the least custom roles that give them."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from provision.cli.arguments import profile_argument, sandbox_argument

if TYPE_CHECKING:
    from provision.plan.permission import World
    from provision.profile.model import Profile

HELP = "tell who needs which rights, and write the least role for the identity that runs provision"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    profile_argument(parser)
    parser.add_argument(
        "--format",
        choices=("text", "json", "bicep", "az"),
        default="text",
        help="text: who needs what and why; json: input of az role definition create; bicep; az: commands",
    )
    parser.add_argument(
        "--for",
        dest="purposes",
        choices=("plan", "drift", "verify", "apply", "destroy"),
        action="append",
        help="only what this command needs; may be repeated (all of them)",
    )
    parser.add_argument("--name", metavar="NAME", help="name of the custom role (provision PROFILE)")
    parser.add_argument("-o", "--output", metavar="FOLDER", help="write each role as a file into FOLDER")
    parser.add_argument(
        "--access",
        choices=("direct", "run-command"),
        default="",
        help="the way into the cluster, where the profile leaves it open",
    )
    parser.add_argument(
        "--read",
        action="store_true",
        help="read cluster, vaults and registrations, and leave out what they don't need",
    )
    sandbox_argument(parser, "let the sandbox stand in for Azure and for unset variables")


def run(arguments: argparse.Namespace) -> int:
    import asyncio

    from provision.cli import planning
    from provision.ingress.rights import rights
    from provision.plan.custom_roles import PURPOSES
    from provision.report import roles

    asked = planning.request(arguments.profile, arguments.sandbox)
    if arguments.read:
        world = asyncio.run(_read(asked.profile, arguments.access, sandbox=arguments.sandbox))
    else:
        world = _unread(asked.profile, arguments.access)
    purposes = tuple(arguments.purposes or PURPOSES)
    found = rights(asked.profile, world, purposes, arguments.name or f"provision {asked.profile.name}")
    if arguments.output:
        _write(arguments.output, roles.files(found, arguments.format))
        return 0
    sys.stdout.write(roles.render(found, arguments.format))
    if arguments.format != "text":
        for note in found.notes:
            planning.tell(f"Note: {note}")
    return 0


def _write(folder: str, files: Mapping[str, str]) -> None:
    from pathlib import Path

    from provision.cli import planning
    from provision.errors import UsageError

    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"making folder {folder}", error.strerror or str(error)) from error
    for file, text in files.items():
        path = str(Path(folder) / file)
        planning.write_text(path, text)
        planning.tell(f"written: {path}")


def _unread(profile: Profile, access: str) -> World:
    from provision.ingress import desired
    from provision.plan.permission import World

    return World(desired.graph(profile), lambda ref: ref, access)


async def _read(profile: Profile, access: str, *, sandbox: bool) -> World:
    """With what the cluster and the vaults say about themselves, and without what the subscription is
    registered for. Raises the first error of a reading."""
    from provision.apply.handler import Handlers
    from provision.apply.observe import observe
    from provision.cli.connect import connected
    from provision.ingress import desired
    from provision.plan.permission import World
    from provision.plan.plan import known_outputs
    from provision.providers.azure.managed_clusters import ManagedClusters
    from provision.providers.azure.registrations import PreviewFeatures, ResourceProviders
    from provision.providers.azure.vaults import KeyVaults
    from provision.resources.graph import ResourceGraph
    from provision.resources.managed_cluster import ManagedCluster
    from provision.resources.observed import Present, Unread
    from provision.resources.registration import PreviewFeature, ResourceProvider
    from provision.resources.vault import KeyVault

    graph = desired.graph(profile)
    # Only looked at: without what they would wait for before they are changed.
    registrations = [
        replace(each, after=()) for each in graph if isinstance(each, ResourceProvider | PreviewFeature)
    ]
    looked_at = [
        type(each)(name=each.name, id=each.id)
        for each in graph
        if isinstance(each, ManagedCluster | KeyVault)
    ]
    async with connected(profile, sandbox) as clients:
        handlers: Handlers = {
            ManagedCluster.KIND: ManagedClusters(clients),
            KeyVault.KIND: KeyVaults(clients),
            ResourceProvider.KIND: ResourceProviders(clients),
            PreviewFeature.KIND: PreviewFeatures(clients),
        }
        observation = await observe(profile.name, ResourceGraph([*looked_at, *registrations]), handlers)
    for observed in observation.objects.values():
        if isinstance(observed, Unread):
            raise observed.error
    registered = frozenset(
        each.address for each in registrations if isinstance(observation.objects[each.address], Present)
    )
    return World(graph, known_outputs(observation), access, registered)
