"""Connections of private endpoints: found by endpoint, approved with our mark, taken away."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from azure.mgmt.servicenetworking import models

from providers.bench import GROUP, PREFIX, PROFILE, Bench, finished, raised
from provision.apply.handler import Reading
from provision.plan.diff import diff
from provision.providers.azure.endpoint_connections import PrivateEndpointConnections
from provision.resources.observed import Absent, Observed, Present, Unread
from provision.resources.service_networking import (
    TRAFFIC_CONTROLLERS,
    Frontend,
    PrivateEndpointConnection,
    TrafficController,
)
from provision.resources.values import CaseInsensitive

GATEWAY = CaseInsensitive(f"{PREFIX}/{TRAFFIC_CONTROLLERS}/agc")
ENDPOINT = CaseInsensitive(f"{PREFIX}/Microsoft.Network/privateEndpoints/pe-hub")
CONNECTION = PrivateEndpointConnection(name="agc/pe-hub", gateway=GATEWAY, endpoint=ENDPOINT)
CONTROLLER = TrafficController(name="agc", id=GATEWAY, location="westeurope")
OURS = f"Approved by provision for profile {PROFILE}"


def connection(status: str, description: str = "", endpoint: str = ENDPOINT) -> Any:
    state = {"status": status, "description": description, "actionsRequired": "None"}
    return models.PrivateEndpointConnection(
        {
            "id": f"{GATEWAY}/privateEndpointConnections/1f7c",
            "properties": {
                "privateEndpoint": {"id": endpoint.replace("resourceGroups", "resourcegroups")},
                "privateLinkServiceConnectionState": state,
            },
        }
    )


def listing(bench: Bench, *found: Any) -> None:
    async def pages(*_names: str) -> Any:
        for each in found:
            if isinstance(each, Exception):
                raise each
            yield each

    bench.connections.list_by_traffic_controller.side_effect = pages


async def read(bench: Bench, *found: Any) -> Observed:
    listing(bench, *found)
    reading = await PrivateEndpointConnections(bench.clients).read([CONNECTION], PROFILE)
    return reading.objects[CONNECTION.address]


async def test_one_is_found_by_its_endpoint(bench: Bench) -> None:
    other = connection("Approved", endpoint=f"{ENDPOINT}-other")
    observed = await read(bench, other, connection("Pending", "let me in"))
    assert isinstance(observed, Present)
    assert (observed.owner, observed.outputs["description"]) == (None, "let me in")
    (field,) = diff(CONNECTION.properties(), observed.properties)
    assert (field.path, field.before, field.after) == ("status", "Pending", "Approved")


async def test_one_whose_endpoint_is_gone_is_none(bench: Bench) -> None:
    assert await read(bench) == Absent()
    assert await read(bench, connection("Disconnected")) == Absent()
    assert await read(bench, raised(404, "ResourceNotFound")) == Absent()
    assert isinstance(await read(bench, raised(403, "AuthorizationFailed")), Unread)


async def test_approving_says_for_whom(bench: Bench) -> None:
    observed = await read(bench, connection("Pending"))
    assert isinstance(observed, Present)
    bench.connections.begin_update.return_value = finished(connection("Approved", OURS))
    made = await PrivateEndpointConnections(bench.clients).update(CONNECTION, observed, (), bench.work())
    assert (made.owner, made.properties) == (PROFILE, {"status": "Approved"})
    (group, controller, name, body), _ = bench.connections.begin_update.call_args
    assert (group, controller, name) == (GROUP, "agc", "1f7c")
    state = {"status": "Approved", "description": OURS, "actionsRequired": "None"}
    assert body == {"properties": {"privateLinkServiceConnectionState": state}}


async def test_given_back_it_is_taken_away(bench: Bench) -> None:
    observed = await read(bench, connection("Approved", OURS))
    assert isinstance(observed, Present)
    bench.connections.begin_delete.return_value = finished(None)
    handler = PrivateEndpointConnections(bench.clients)
    await handler.update(CONNECTION, observed, (), bench.work(release=True))
    bench.connections.begin_delete.assert_awaited_once_with(GROUP, "agc", "1f7c")
    bench.connections.begin_update.assert_not_called()


async def test_an_approval_of_ours_that_is_declared_no_more(bench: Bench) -> None:
    other = f"{ENDPOINT}-other"
    listing(bench, connection("Approved", OURS), connection("Approved", OURS, other), connection("Approved"))
    handler = PrivateEndpointConnections(bench.clients)
    private = Frontend(name="agc/web", id=CaseInsensitive("/web"), location="westeurope", public=False)
    assert await handler.search([CONTROLLER, CONNECTION, replace(private, public=True)], PROFILE) == Reading(
        {}
    )
    reading = await handler.search([CONTROLLER, CONNECTION, private], PROFILE)
    ((orphan, present),) = reading.orphans
    assert (orphan.address, present.owner) == ("private_endpoint_connection/agc/pe-hub-other", PROFILE)
