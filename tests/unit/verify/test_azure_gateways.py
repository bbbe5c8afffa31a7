"""The links outside of the cluster: the gateway in Azure and the private endpoints that lead to it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from provision.resources.service_networking import PrivateEndpointConnection
from provision.resources.values import CaseInsensitive
from provision.verify.evidence import AzureGateway, EndpointConnection, Unknown
from provision.verify.links import Link, Status

from .world import ADDRESS, CHAIN, HEALTHY, RESOURCES, judged, planned

ID = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.ServiceNetworking/trafficControllers/agc"
SUBNET = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network/virtualNetworks/vnet/subnets/snet"
ENDPOINT = "/subscriptions/s/resourceGroups/rg-hub/providers/Microsoft.Network/privateEndpoints/pe-hub"
MADE = AzureGateway(ID, "Succeeded", {ADDRESS: "Succeeded"}, {SUBNET: "Succeeded"})
PUBLIC = replace(CHAIN, gateway="traffic_controller/agc")
PRIVATE = replace(PUBLIC, internal=True)
APPLY = "provision apply profiles/prod.yaml"


def link(kind: str, seen: AzureGateway | Unknown | None, *declared: PrivateEndpointConnection) -> Link:
    report = judged(
        replace(HEALTHY, gateway=seen),
        PRIVATE if kind == "endpoint" else PUBLIC,
        planned(resources=(*RESOURCES, *declared)),
    )
    (found,) = [each for each in report.links if each.kind == kind]
    return found


def asked_by(*statuses: str) -> AzureGateway:
    found = [EndpointConnection(f"{ENDPOINT}{number or ''}", each) for number, each in enumerate(statuses)]
    return replace(MADE, endpoints=tuple(found))


def test_a_gateway_says_where_it_is() -> None:
    found = link("frontend", MADE)
    assert found.status is Status.OK
    assert found.detail == f"{ADDRESS} of agc in resource group rg, in subnet vnet/snet"
    assert not [
        each for each in judged(replace(HEALTHY, gateway=MADE), PUBLIC).links if each.kind == "endpoint"
    ]
    assert not [each for each in judged().links if each.kind == "frontend"]


@pytest.mark.parametrize(
    ("seen", "status", "words"),
    [
        (replace(MADE, state="Failed"), Status.BROKEN, "it is Failed"),
        (replace(MADE, associations={}), Status.BROKEN, "it is in no subnet"),
        (replace(MADE, associations={SUBNET: "Updating"}), Status.WARNING, "association snet is Updating"),
        (replace(MADE, frontends={"other": "Succeeded"}), Status.BROKEN, f"it has no frontend {ADDRESS}"),
        (replace(MADE, frontends={ADDRESS: "Canceled"}), Status.BROKEN, f"frontend {ADDRESS} is Canceled"),
        (None, Status.BROKEN, "missing"),
        (Unknown("no right"), Status.NOT_CHECKED, "no right"),
    ],
)
def test_a_gateway_that_does_not_work(
    seen: AzureGateway | Unknown | None, status: Status, words: str
) -> None:
    found = link("frontend", seen)
    assert (found.status, found.detail.endswith(words)) == (status, True), found.detail


def test_without_a_private_endpoint_nobody_gets_in() -> None:
    found = link("endpoint", MADE)
    assert found.status is Status.BROKEN
    assert f"--private-connection-resource-id {ID} --group-id 20" in found.command


@pytest.mark.parametrize(
    ("statuses", "status"),
    [
        (("Approved",), Status.OK),
        (("Approved", "Rejected"), Status.OK),
        (("Approved", "Pending"), Status.WARNING),
        (("Pending",), Status.BROKEN),
        (("Rejected",), Status.BROKEN),
        (("Disconnected",), Status.BROKEN),
    ],
)
def test_how_far_private_endpoints_are(statuses: tuple[str, ...], status: Status) -> None:
    found = link("endpoint", asked_by(*statuses))
    assert (found.status, found.detail.startswith(f"pe-hub is {statuses[0]}")) == (status, True)
    assert (found.command == APPLY) == ("Pending" in statuses)


def test_what_to_do_about_one_that_waits() -> None:
    assert "Write its id under ingress.privateEndpoints" in link("endpoint", asked_by("Pending")).fix
    declared = PrivateEndpointConnection(
        name="agc/pe-hub", gateway=CaseInsensitive(ID), endpoint=CaseInsensitive(ENDPOINT.upper())
    )
    assert link("endpoint", asked_by("Pending"), declared).fix == "Apply the profile, which approves it:"


@pytest.mark.parametrize("seen", [None, Unknown("no right")])
def test_what_can_not_be_seen_is_not_green(seen: Unknown | None) -> None:
    assert link("endpoint", seen).status is Status.NOT_CHECKED
