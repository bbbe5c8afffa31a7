"""The links outside of the cluster: the gateway in Azure, and the private endpoints that lead to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from provision.resources.arm import ArmId
from provision.resources.service_networking import (
    APPROVED,
    PrivateEndpointConnection,
    endpoint_command,
)
from provision.verify.evidence import AzureGateway, EndpointConnection, Unknown
from provision.verify.links import Link, Status, not_checked, ok
from provision.verify.needs import Planned

_DONE = "Succeeded"
_ENDED = frozenset({"Failed", "Canceled"})
"""States in which nothing more comes of itself."""


def frontend(seen: AzureGateway | Unknown | None, addresses: tuple[str, ...]) -> Link:
    """The gateway is there, is in a subnet, and has the frontend whose name the cluster tells."""
    subject = "gateway in Azure"
    if isinstance(seen, Unknown):
        return not_checked("frontend", subject, seen.why)
    if seen is None:
        fix = "Look at the gateway's own link, and at the log of the ALB controller."
        return Link("frontend", subject, Status.BROKEN, "missing", fix=fix)
    arm = ArmId.parse(seen.id)
    place = f"{arm.name} in resource group {arm.group}"
    troubles = dict(_troubles(seen, addresses))
    if troubles:
        ended = any(state in _ENDED or not state for state in troubles.values())
        status = Status.BROKEN if ended else Status.WARNING
        fix = "See what its operations say:" if ended else ""
        command = f"az monitor activity-log list --resource-id {seen.id}" if ended else ""
        return Link("frontend", subject, status, f"{place}: {'; '.join(troubles)}", fix=fix, command=command)
    names = [name for name in seen.frontends if name in addresses] or [*seen.frontends]
    subnets = ", ".join("/".join(ArmId.parse(subnet).names) for subnet in seen.associations)
    return ok("frontend", subject, f"{', '.join(names)} of {place}, in subnet {subnets}")


def _troubles(seen: AzureGateway, addresses: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """What is wrong, and the state that tells it, or nothing where something is missing."""
    if seen.state != _DONE:
        yield f"it is {seen.state}", seen.state
    if not seen.associations:
        yield "it is in no subnet", ""
    yield from _states("association", seen.associations)
    named = {name: state for name, state in seen.frontends.items() if name in addresses}
    for address in addresses:
        if address not in named:
            yield f"it has no frontend {address}", ""
    yield from _states("frontend", named)


def _states(what: str, states: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name, state in states.items():
        if state != _DONE:
            yield f"{what} {name.rpartition('/')[2]} is {state}", state


def endpoints(seen: AzureGateway | Unknown | None, planned: Planned) -> Link:
    """A private frontend is reached through an approved private endpoint and in no other way.

    A connection does not tell to which of the gateway's frontends it leads.
    """
    subject = "private endpoints of the gateway"
    if isinstance(seen, Unknown):
        return not_checked("endpoint", subject, seen.why)
    if seen is None:
        return not_checked("endpoint", subject, "the gateway does not exist")
    asked = [each for each in seen.endpoints if each.status != APPROVED]
    approved = [each for each in seen.endpoints if each.status == APPROVED]
    detail = ", ".join(map(_told, [*approved, *asked]))
    pending = [each for each in asked if each.status == "Pending"]
    if not seen.endpoints:
        return Link(
            "endpoint",
            subject,
            Status.BROKEN,
            "none: nobody can reach a private frontend without one",
            fix="Have one made in each network that is to reach it, and name it under ingress"
            ".privateEndpoints:",
            command=endpoint_command(seen.id, [name.partition(".")[0] for name in seen.frontends]),
        )
    if approved and not pending:
        return ok("endpoint", subject, detail)
    status = Status.WARNING if approved else Status.BROKEN
    if not pending:
        fix = "Have the endpoint made again: what was refused or cut off does not come back."
        return Link("endpoint", subject, status, detail, fix=fix)
    fix = (
        "Apply the profile, which approves it:"
        if any(_declared(each, planned) for each in pending)
        else "Write its id under ingress.privateEndpoints if it may come in, and apply the profile:"
    )
    return Link("endpoint", subject, status, detail, fix=fix, command=planned.apply)


def _told(connection: EndpointConnection) -> str:
    said = f" ({connection.description})" if connection.description else ""
    return f"{connection.endpoint.rpartition('/')[2]} is {connection.status}{said}"


def _declared(connection: EndpointConnection, planned: Planned) -> bool:
    return any(
        isinstance(each, PrivateEndpointConnection)
        and each.endpoint.casefold() == connection.endpoint.casefold()
        for each in planned.graph
    )
