"""`provision verify PROFILE`: does each host really answer, and if not, which link is broken."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from provision.cli.arguments import format_argument, profile_argument, sandbox_argument

if TYPE_CHECKING:
    import ssl

    from provision.cli.planning import Request
    from provision.profile.model import Profile
    from provision.providers.network.reach import Reach
    from provision.verify.links import Report

HELP = "walk each host's chain, from its zone to its answer, and name the broken links"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    profile_argument(parser)
    parser.add_argument(
        "--host", metavar="NAME", action="append", default=[], help="only this host; may be repeated"
    )
    parser.add_argument(
        "--client-certificate",
        metavar="FILE",
        default="",
        help="PEM certificate for hosts with mutual TLS, which are else asked without one only",
    )
    parser.add_argument(
        "--client-key", metavar="FILE", default="", help="its key, where that is in a file of its own"
    )
    format_argument(parser)
    sandbox_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    import asyncio

    return asyncio.run(_run(arguments))


async def _run(arguments: argparse.Namespace) -> int:
    from provision.cli import planning
    from provision.report.style import style_for
    from provision.report.verify import verify_json, verify_text

    asked = planning.request(arguments.profile, arguments.sandbox)
    report = await _verified(asked, _hosts(asked, arguments.host), arguments)
    if arguments.format == "json":
        sys.stdout.write(verify_json(report))
    else:
        sys.stdout.write(verify_text(report, style_for(sys.stdout, os.environ)))
    return report.exit_code()


def _hosts(asked: Request, named: list[str]) -> list[str]:
    """The hosts to look at, in the order of the profile. Raises UsageError for one it does not have."""
    from provision.errors import UsageError

    known = list(asked.profile.hosts)
    strange = [name for name in named if name not in known]
    if strange:
        raise UsageError(
            f"verifying {asked.file}",
            f"no host {', '.join(strange)} in this profile",
            f"It has: {', '.join(known)}" if known else "It has none.",
        )
    return [name for name in known if not named or name in named]


async def _verified(asked: Request, hosts: list[str], arguments: argparse.Namespace) -> Report:
    from datetime import UTC, datetime

    from provision.cli import planning
    from provision.cli.connect import connected
    from provision.ingress import desired
    from provision.providers.network.probes import LiveProbes
    from provision.verify.gather import gather
    from provision.verify.judge import judge, left_out
    from provision.verify.links import Report
    from provision.verify.needs import Planned
    from provision.verify.zones import bare_zones

    profile, sandbox = asked.profile, arguments.sandbox
    chains = desired.chains(profile)
    async with connected(profile, sandbox) as clients:
        client = _client(arguments, profile)
        graph, observation, _ = await planning.observe(asked, clients)
        made = planning.make_plan(asked, graph, observation)
        today = planning.today()
        ignores = [rule for rule in profile.drift.ignore if rule.expires is None or rule.expires > today]
        planned = Planned(asked.file, graph, observation, made, tuple(ignores))
        async with _reach(sandbox) as reach:
            walked = [chains[host] for host in hosts if host in chains]
            probes = LiveProbes(clients, reach, client)
            seen = await gather(walked, planned, probes)
            used = [chain.zone for chain in chains.values()]
            zones = await bare_zones(used, planned, probes) if hosts == list(profile.hosts) else []
    why = "; ".join(desired.unchecked(profile)) or "this version does not know its chain"
    now = datetime.now(UTC)
    reports = [
        judge(chains[host], planned, seen[host], now) if host in seen else left_out(host, why)
        for host in hosts
    ]
    return Report(profile.name, (*reports, *zones))


def _client(arguments: argparse.Namespace, profile: Profile) -> ssl.SSLContext | None:
    """What shows a client certificate. The sandbox issues one, of the authority in the Secrets that it lays
    down for `clientCA`."""
    from provision.providers.network.gateways import client_context

    if arguments.client_certificate:
        return client_context(arguments.client_certificate, arguments.client_key)
    if not arguments.sandbox or all(host.tls != "mutual" for host in profile.hosts.values()):
        return None
    from tempfile import TemporaryDirectory

    from provision.cli.connect import sandbox_certificate

    with TemporaryDirectory() as folder:
        return client_context(sandbox_certificate(folder), "")


@asynccontextmanager
async def _reach(sandbox: bool) -> AsyncIterator[Reach]:
    """How names and addresses are reached from here; those of the sandbox are on loopback."""
    from provision.providers.network.reach import Reach

    if not sandbox:
        yield Reach.from_environment(os.environ)
        return
    from provision.sandbox import home
    from provision.sandbox.edge import Edge

    here = home.locate()
    running = here.running()
    if running and running.dns:
        yield Reach(("127.0.0.1", running.dns), ("127.0.0.1", running.parent_dns), running.proxy)
        return
    # Nothing of Azure's is asked for through its proxy.
    async with Edge(here.state, 0) as edge:
        yield Reach(edge.dns, edge.parent_dns, edge.proxy_url)
