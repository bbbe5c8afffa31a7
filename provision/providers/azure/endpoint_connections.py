"""Private endpoint connections of traffic controllers: found by their endpoint, approved, taken away.

Their names are the service's own. The mark is in the description, which the gateway's owner writes.
Source: azure-mgmt-servicenetworking 2.1.0 (2026-03-01), PrivateEndpointConnectionsInterface.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from provision.apply.handler import Reading, Work
from provision.apply.together import together
from provision.errors import ProvisionError
from provision.plan.change import Action, FieldChange
from provision.plan.orphans import Orphan
from provision.plan.plan import Plan
from provision.providers.azure.clients import Clients
from provision.providers.azure.errors import translating
from provision.providers.azure.reading import found
from provision.providers.azure.searching import Once, look_in_each
from provision.resources.arm import ArmId
from provision.resources.observed import Absent, Observed, Present, Unread
from provision.resources.resource import Resource
from provision.resources.service_networking import (
    APPROVED,
    Frontend,
    PrivateEndpointConnection,
    TrafficController,
)
from provision.resources.values import CaseInsensitive

Body = dict[str, Any]

_MARK = re.compile(r"Approved by provision for profile (\S+)")


async def connections(clients: Clients, gateway: str) -> list[Body]:
    """Every connection of a traffic controller; none when it does not exist."""
    arm = ArmId.parse(gateway)
    operations = clients.service_networking(arm.subscription).private_endpoint_connections_interface

    async def listed() -> list[Body]:
        pages = operations.list_by_traffic_controller(arm.group, *arm.names)
        return [each.as_dict() async for each in pages]

    return await found(f"listing private endpoint connections of {arm.name}", listed()) or []


async def kept_in_gateways(clients: Clients, plan: Plan) -> list[str]:
    """A note for each traffic controller that is to go and holds what the plan does not take away: Azure
    deletes none that holds anything."""
    gone = {
        str(getattr(change.resource, "endpoint", "") or getattr(change.resource, "id", "")).casefold()
        for change in plan.changes
        if change.action is not Action.NO_OP
    }
    private = any(isinstance(each.resource, Frontend) and not each.resource.public for each in plan.changes)
    notes = []
    for change in plan.changes:
        gateway, observed = change.resource, change.observed
        if not isinstance(gateway, TrafficController) or change.action is not Action.DELETE:
            continue
        inside: dict[str, str] = {}
        for kind in ("associations", "frontends"):
            listed: Any = observed.outputs.get(kind) if isinstance(observed, Present) else ()
            inside |= {str(each): str(each) for each in listed or ()}
        if private:
            inside |= {endpoint_of(each): str(each["id"]) for each in await connections(clients, gateway.id)}
        kept = [id_ for what, id_ in sorted(inside.items()) if what.casefold() not in gone]
        if kept:
            names = ", ".join("/".join(id_.split("/")[-2:]) for id_ in kept)
            notes.append(
                f"{gateway.address} holds {names} of others, and goes only once that is gone:"
                f" az resource delete --ids {' '.join(kept)}"
            )
    return notes


class PrivateEndpointConnections:
    """The approvals of private endpoints."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients

    async def read(self, resources: Sequence[PrivateEndpointConnection], profile: str) -> Reading:
        """One list call a gateway."""

        async def list_of(gateway: str) -> list[Body]:
            return await connections(self._clients, gateway)

        listed = Once(list_of)

        async def one(resource: PrivateEndpointConnection) -> tuple[str, Observed]:
            try:
                return resource.address, _of(resource, await listed(str(resource.gateway)))
            except ProvisionError as error:
                return resource.address, Unread(error)

        return Reading(dict(await together(map(one, resources))))

    async def search(self, resources: Sequence[Resource], profile: str) -> Reading:
        """Approvals of ours whose endpoint the profile no longer names. Public frontends have none."""
        if not any(isinstance(each, Frontend) and not each.public for each in resources):
            return Reading({})
        declared = {
            str(each.endpoint).casefold() for each in resources if isinstance(each, PrivateEndpointConnection)
        }
        gateways = {each.address: each for each in resources if isinstance(each, TrafficController)}

        async def look(gateway: TrafficController) -> Iterable[Orphan]:
            seen = [(each, _present(each)) for each in await connections(self._clients, gateway.id)]
            return [
                (_declared(gateway, endpoint), present)
                for body, present in seen
                if present.owner == profile and (endpoint := endpoint_of(body)).casefold() not in declared
            ]

        return await look_in_each(gateways, look)

    async def create(self, resource: PrivateEndpointConnection, work: Work) -> Present:
        raise ProvisionError(f"creating {resource.address}", "a connection comes with its private endpoint")

    async def update(
        self,
        resource: PrivateEndpointConnection,
        observed: Present,
        fields: Sequence[FieldChange],
        work: Work,
    ) -> Present:
        """Approve; given back, the connection is taken away, as nobody is let in any more."""
        if work.release:
            await self.delete(resource, observed, work)
            return observed
        state = {
            "status": APPROVED,
            "description": f"Approved by provision for profile {work.mark.profile}",
            "actionsRequired": "None",
        }
        body = {"properties": {"privateLinkServiceConnectionState": state}}
        arm, operations = self._operations(observed)
        with translating(f"approving {resource.address}"):
            poller = await operations.begin_update(arm.group, *arm.names, body)
            return _present((await poller.result()).as_dict())

    async def delete(self, resource: PrivateEndpointConnection, observed: Present, work: Work) -> None:
        arm, operations = self._operations(observed)
        with translating(f"deleting {resource.address}"):
            await (await operations.begin_delete(arm.group, *arm.names)).result()

    def _operations(self, observed: Present) -> tuple[ArmId, Any]:
        arm = ArmId.parse(str(observed.outputs["id"]))
        return arm, self._clients.service_networking(arm.subscription).private_endpoint_connections_interface


def endpoint_of(body: Body) -> str:
    """Id of a connection's private endpoint."""
    return str(((body.get("properties") or {}).get("privateEndpoint") or {}).get("id") or "")


def state_of(body: Body) -> tuple[str, str]:
    """Status and description of a connection."""
    state = (body.get("properties") or {}).get("privateLinkServiceConnectionState") or {}
    return str(state.get("status") or ""), str(state.get("description") or "")


def _of(resource: PrivateEndpointConnection, listed: Iterable[Body]) -> Observed:
    """A `Disconnected` one outlives its endpoint, and can't be approved."""
    mine = [each for each in listed if endpoint_of(each).casefold() == str(resource.endpoint).casefold()]
    living = [each for each in mine if state_of(each)[0] != "Disconnected"]
    return _present(living[0]) if living else Absent()


def _present(body: Body) -> Present:
    status, description = state_of(body)
    marked = _MARK.search(description)
    return Present(
        properties={"status": status},
        outputs={"id": CaseInsensitive(body.get("id") or ""), "description": description},
        owner=marked[1] if marked else None,
    )


def _declared(gateway: TrafficController, endpoint: str) -> PrivateEndpointConnection:
    name = f"{gateway.name}/{endpoint.rpartition('/')[2]}"
    return PrivateEndpointConnection(name=name, gateway=gateway.id, endpoint=CaseInsensitive(endpoint))
