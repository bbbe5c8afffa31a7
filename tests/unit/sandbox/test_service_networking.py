"""Application Gateway for Containers: documents, times and odd habits as recorded, limits as documented."""

from __future__ import annotations

import pytest
from arm_bench import GROUP, ArmBench

from provision.sandbox import service_networking, virtual_networks
from provision.sandbox.azure import Answer, Json
from provision.sandbox.service_networking import CONTROLLER

CONTROLLERS = f"{GROUP}/providers/{CONTROLLER}"
TC = f"{CONTROLLERS}/tc1"
FRONTEND, ASSOCIATION = f"{TC}/frontends/fe1", f"{TC}/associations/as1"
NETWORK = f"{GROUP}/providers/Microsoft.Network/virtualNetworks/vnet"
HERE: Json = {"location": "northeurope"}


@pytest.fixture
def bench() -> ArmBench:
    services = (service_networking, virtual_networks)
    bench = ArmBench(
        [route for service in services for route in service.ROUTES],
        {name: settle for service in services for name, settle in service.SETTLERS.items()},
    )
    done(bench, bench.send("PUT", TC, HERE))
    return bench


def done(bench: ArmBench, accepted: Answer, seconds: float = 400) -> Json:
    bench.pass_(seconds)
    return bench.poll(accepted)


def subnet(bench: ArmBench, name: str, prefix: str, *, delegated: bool = True, location: str = "") -> str:
    """A subnet in a network of its own."""
    network = f"{NETWORK}-{name}"
    virtual_networks.new_network(bench.azure, network, location or "northeurope", ["10.0.0.0/16"], {})
    delegation = {"name": "0", "properties": {"serviceName": CONTROLLER}}
    properties = {"addressPrefix": prefix, "delegations": [delegation] if delegated else []}
    bench.send("PUT", f"{network}/subnets/{name}", {"properties": properties})
    return f"{network}/subnets/{name}"


def association(subnet_id: str) -> Json:
    return {**HERE, "properties": {"subnet": {"id": subnet_id}}}


def refused(bench: ArmBench, path: str, body: Json) -> str:
    answer = bench.send("PUT", path, body)
    assert answer.status in (400, 404), answer.body
    return str(answer.body["error"]["code"])


def test_a_controller_is_updating_first_and_gets_its_endpoint_at_the_end(bench: ArmBench) -> None:
    made = bench.send("PUT", f"{CONTROLLERS}/tc2", {**HERE, "tags": {"a": "b"}})
    assert made.status == 201
    assert made.body["properties"] == {
        "frontends": [],
        "associations": [],
        "securityPolicies": [],
        "provisioningState": "Updating",
    }
    assert (made.body["type"], made.body["tags"]) == (
        "Microsoft.ServiceNetworking/TrafficControllers",
        {"a": "b"},
    )
    assert "Location" not in made.headers
    bench.pass_(71)
    assert bench.poll(made) == {"status": "InProgress"}
    bench.pass_(1)
    assert bench.poll(made) == {"status": "Succeeded"}
    shown = bench.send("GET", f"{CONTROLLERS}/tc2")
    assert shown.body["properties"]["configurationEndpoints"][0].endswith(".trafficcontroller.azure.com")
    assert shown.body["etag"] == made.body["etag"]
    assert shown.headers["ETag"] == f'"{made.body["etag"]}"'


def test_a_frontend_gets_its_name_at_the_end_and_keeps_it(bench: ArmBench) -> None:
    made = bench.send("PUT", FRONTEND, HERE)
    assert "fqdn" not in made.body["properties"]
    done(bench, made)
    name = bench.send("GET", FRONTEND).body["properties"]["fqdn"]
    assert name.endswith(".alb.azure.com")
    again = bench.send("PUT", FRONTEND, {**HERE, "properties": {"publicNetworkAccess": "Disabled"}})
    assert (again.status, again.body["properties"]["fqdn"]) == (200, name)


def test_a_controller_lists_each_child_twice_in_two_casings(bench: ArmBench) -> None:
    done(bench, bench.send("PUT", FRONTEND, HERE))
    listed = [each["id"] for each in bench.send("GET", TC).body["properties"]["frontends"]]
    assert len(listed) == 2
    assert len(set(listed)) == 2
    assert {each.lower() for each in listed} == {FRONTEND.lower()}


def test_children_want_a_location_and_a_parent(bench: ArmBench) -> None:
    assert refused(bench, FRONTEND, {}) == "LocationRequired"
    assert refused(bench, f"{CONTROLLERS}/none/frontends/fe", HERE) == "ParentResourceNotFound"


def test_an_association_takes_addresses_of_its_subnet_until_it_is_gone(bench: ArmBench) -> None:
    place = subnet(bench, "alb", "10.0.1.0/24")
    made = bench.send("PUT", ASSOCIATION, association(place))
    assert made.body["properties"]["associationType"] == "subnets"
    bench.pass_(192)
    assert bench.poll(made) == {"status": "InProgress"}
    bench.pass_(1)
    assert bench.poll(made) == {"status": "Succeeded"}
    assert bench.send("DELETE", place).status == 400
    accepted = bench.send("DELETE", ASSOCIATION)
    assert (accepted.status, accepted.body) == (202, b"null")
    bench.pass_(285)
    assert bench.send("GET", accepted.headers["Location"]).status == 202
    bench.pass_(60)
    assert bench.send("GET", accepted.headers["Location"]).status == 204
    assert bench.send("DELETE", place).status == 202
    assert bench.send("DELETE", ASSOCIATION).status == 204


def test_an_association_is_written_again_where_it_is(bench: ArmBench) -> None:
    place = subnet(bench, "alb", "10.0.1.0/24")
    done(bench, bench.send("PUT", ASSOCIATION, association(place)))
    assert bench.send("PUT", ASSOCIATION, association(place)).status == 200
    assert refused(bench, f"{TC}/associations/as2", association(place)) == "AssociationLimitReached"


def test_what_a_subnet_must_be_like(bench: ArmBench) -> None:
    cases = {
        subnet(bench, "small", "10.0.1.0/25"): "SubnetTooSmall",
        subnet(bench, "bare", "10.0.1.0/24", delegated=False): "SubnetNotDelegated",
        subnet(bench, "far", "10.0.1.0/24", location="westus"): "InvalidSubnetLocation",
        f"{NETWORK}/subnets/none": "InvalidResourceReference",
    }
    assert {place: refused(bench, ASSOCIATION, association(place)) for place in cases} == cases


def test_five_frontends(bench: ArmBench) -> None:
    for number in range(5):
        assert bench.send("PUT", f"{TC}/frontends/fe{number}", HERE).status == 201
    assert refused(bench, f"{TC}/frontends/fe5", HERE) == "FrontendLimitReached"


@pytest.mark.parametrize(
    ("properties", "kind"),
    [
        ({"wafPolicy": {"id": "/waf"}}, "waf"),
        ({"ipAccessRulesPolicy": {"rules": [{"name": "office", "priority": 1}]}}, "ipAccessRules"),
    ],
)
def test_a_security_policy_is_of_one_kind(bench: ArmBench, properties: Json, kind: str) -> None:
    policy = f"{TC}/securityPolicies/sp"
    made = bench.send("PUT", policy, {**HERE, "properties": properties})
    assert made.body["properties"]["policyType"] == kind
    both = {"wafPolicy": {"id": "/waf"}, "ipAccessRulesPolicy": {"rules": [{"name": "office"}]}}
    for wrong in ({}, both):
        assert refused(bench, policy, {**HERE, "properties": wrong}) == "InvalidSecurityPolicy"


def test_a_controller_goes_last(bench: ArmBench) -> None:
    done(bench, bench.send("PUT", FRONTEND, HERE))
    answer = bench.send("DELETE", TC)
    assert (answer.status, answer.body["error"]["code"]) == (409, "CannotDeleteResource")
    done(bench, bench.send("DELETE", FRONTEND))
    done(bench, bench.send("DELETE", TC))
    assert bench.send("GET", TC).status == 404
