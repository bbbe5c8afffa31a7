"""What plan, apply, drift and destroy have in common: load, connect, read, plan."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from provision.cli.connect import environment
from provision.errors import UsageError
from provision.ingress import certificate_checks, desired, preflight
from provision.ingress.load import load
from provision.ingress.rules import warnings
from provision.plan import pace
from provision.plan.plan import Observation, Plan, plan
from provision.plan.safety import deletes_too_much
from provision.profile.model import Profile
from provision.resources.graph import ResourceGraph

if TYPE_CHECKING:
    from provision.apply.handler import Handlers
    from provision.providers.azure.clients import Clients


@dataclass(frozen=True, slots=True)
class Request:
    """What a plan is asked for: a profile, and how."""

    profile: Profile
    file: str
    adopt: bool = False
    targets: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def where(self) -> str:
        """The cluster, for headings."""
        cluster = self.profile.cluster
        subscription = self.profile.azure.subscription
        return f"cluster {cluster.name} in {cluster.resource_group}, subscription {subscription}"


def today() -> str:
    """The day in UTC, ISO."""
    return datetime.now(UTC).date().isoformat()


def request(file: str, sandbox: bool, adopt: bool = False, targets: Sequence[str] = ()) -> Request:
    """Load and check a profile file. Raises ProfileError with everything wrong about it."""
    loaded = load(file, environment(sandbox))
    profile = loaded.profile
    notes = tuple(str(warning) for warning in warnings(loaded, today()))
    return Request(profile, file, adopt or profile.adopt, tuple(targets), notes)


def read_text(file: str) -> str:
    """A file's text, for telling a saved plan from a profile; empty when the profile loader will complain."""
    try:
        return Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def write_text(file: str, text: str) -> None:
    """Write a file of the user's. Raises UsageError when that can't be done."""
    try:
        Path(file).write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"writing {file}", error.strerror or str(error)) from error


async def observe(
    asked: Request, clients: Clients, on_wait: Callable[[str], None] | None = None
) -> tuple[ResourceGraph, Observation, Handlers]:
    """Read everything the profile declares."""
    from provision.apply.observe import observe as read_all
    from provision.providers.handlers import all_handlers

    graph = desired.graph(asked.profile)
    unknown = [target for target in asked.targets if target not in graph]
    if unknown:
        raise UsageError(
            f"planning {asked.file}",
            f"no resource {', '.join(unknown)} in this profile",
            f"It has: {', '.join(resource.address for resource in graph)}",
        )
    handlers = all_handlers(clients, on_wait)
    with clients.telling(tell):
        return graph, await read_all(asked.profile.name, graph, handlers), handlers


def make_plan(asked: Request, graph: ResourceGraph, observation: Observation) -> Plan:
    """The plan, with what the cluster itself rules out as obstacles of the cluster's change."""
    day = date.fromisoformat(today())
    made = plan(
        asked.profile.name,
        graph,
        observation,
        adopt=asked.adopt,
        targets=asked.targets,
        warnings=(
            *asked.warnings,
            *certificate_checks.warnings(asked.profile, observation, day),
            *preflight.warnings(asked.profile, observation),
        ),
        unchecked=(*desired.unchecked(asked.profile), *preflight.unchecked(asked.profile, observation)),
    )
    unfit = tuple(certificate_checks.problems(asked.profile, observation, day))
    made = replace(made, refused=unfit, warnings=(*made.warnings, *pace.notes(made.changes)))
    refused = preflight.problems(asked.profile, observation)
    if not refused:
        return made
    cluster = desired.cluster_address(asked.profile)
    changes = tuple(
        replace(change, blocked=refused[0], reason="the cluster can't have it")
        if change.address == cluster
        else change
        for change in made.changes
    )
    told = any(change.address == cluster for change in made.changes)  # a target may leave the cluster out
    return replace(made, changes=changes, refused=(*(refused[1:] if told else refused), *unfit))


def safe(made: Plan, force: bool) -> Plan:
    """The plan, refused where it deletes too much of a zone and nobody asked for that."""
    refused = () if force else deletes_too_much(made.changes)
    return replace(made, refused=(*made.refused, *refused))


def tell(text: str) -> None:
    """A line about what is going on, beside the output."""
    sys.stderr.write(text + "\n")
