"""Application Gateway for Containers: documents, times and odd habits as recorded, limits as documented."""

from __future__ import annotations

import pytest
from arm_bench import GROUP, ArmBench

from provision.sandbox import (
    private_endpoints,
    server,
    service_networking,
    service_networking_kinds,
    virtual_networks,
    waf_policies,
)
from provision.sandbox.azure import Answer, Json, Request
from provision.sandbox.service_networking_kinds import CONTROLLER, private_address, restarts, serving

CONTROLLERS = f"{GROUP}/providers/{CONTROLLER}"
TC = f"{CONTROLLERS}/tc1"
FRONTEND, ASSOCIATION = f"{TC}/frontends/fe1", f"{TC}/associations/as1"
NETWORK = f"{GROUP}/providers/Microsoft.Network/virtualNetworks/vnet"
HERE: Json = {"location": "northeurope"}


@pytest.fixture
def bench() -> ArmBench:
    services = (service_networking, virtual_networks, waf_policies, private_endpoints)
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
        "privateEndpointConnections": [],
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
    again = bench.send("PUT", FRONTEND, {**HERE, "tags": {"a": "b"}})
    assert (again.status, again.body["properties"]["fqdn"], again.body["tags"]) == (200, name, {"a": "b"})


def test_a_controller_lists_each_child_twice_in_two_casings(bench: ArmBench) -> None:
    done(bench, bench.send("PUT", FRONTEND, HERE))
    listed = [each["id"] for each in bench.send("GET", TC).body["properties"]["frontends"]]
    assert len(listed) == 2
    assert len(set(listed)) == 2
    assert {each.lower() for each in listed} == {FRONTEND.lower()}


def test_children_want_a_location_and_a_parent(bench: ArmBench) -> None:
    assert refused(bench, FRONTEND, {}) == "LocationRequired"
    assert refused(bench, FRONTEND, {"location": "westus"}) == "InvalidResourceLocation"
    done(bench, bench.send("PUT", FRONTEND, HERE))
    assert refused(bench, FRONTEND, {"properties": {}}) == "LocationRequired"
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
    sent = server.render(Request("DELETE", ASSOCIATION, {}, {}, None, "https://localhost"), accepted)
    assert (sent.status, sent.body, sent.content_type) == (202, b"null", "application/json")
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
        subnet(bench, "small", "10.0.1.0/25"): (
            "AppGwForContainersSubnetAssociationNotEnoughIPv4AddressesInSubnet"
        ),
        subnet(bench, "bare", "10.0.1.0/24", delegated=False): (
            "AppGwForContainersAssociationSubnetNotDelegatedToTrafficController"
        ),
        subnet(bench, "far", "10.0.1.0/24", location="westus"): "InvalidSubnetLocation",
        f"{NETWORK}/subnets/none": "InvalidResourceReference",
    }
    assert {place: refused(bench, ASSOCIATION, association(place)) for place in cases} == cases


def test_five_frontends(bench: ArmBench) -> None:
    for number in range(5):
        assert bench.send("PUT", f"{TC}/frontends/fe{number}", HERE).status == 201
    assert refused(bench, f"{TC}/frontends/fe5", HERE) == "FrontendLimitReached"


RULE: Json = {"name": "office", "priority": 1, "sourceAddressPrefixes": ["203.0.113.0/24"], "action": "allow"}
WAF = f"{GROUP}/providers/{waf_policies.WAF_POLICY}/waf"
SP = f"{TC}/securityPolicies/sp"
DRS: Json = {"ruleSetType": "Microsoft_DefaultRuleSet", "ruleSetVersion": "2.1"}


def firewall(bench: ArmBench, *sets: Json, location: str = "northeurope", **properties: Json) -> Answer:
    rules = {"managedRules": {"managedRuleSets": list(sets)}, **properties}
    return bench.send("PUT", WAF, {"location": location, "properties": rules})


def policy(**properties: object) -> Json:
    return {**HERE, "properties": properties}


def test_ip_access_rules_are_a_kind_of_policy_and_newer_than_firewalls(bench: ArmBench) -> None:
    made = bench.send("PUT", SP, policy(ipAccessRulesPolicy={"rules": [RULE]}))
    assert made.body["properties"]["policyType"] == "ipAccessRules"
    old = f"{TC}/securityPolicies/old?api-version=2025-01-01"
    assert refused(bench, old, policy(ipAccessRulesPolicy={"rules": [RULE]})) == "InvalidSecurityPolicy"


@pytest.mark.parametrize(
    "properties",
    [
        {},
        {"ddosPolicy": {"id": "/ddos"}},
        {"wafPolicy": {"id": "/waf"}, "ipAccessRulesPolicy": {"rules": [RULE]}},
        {"ipAccessRulesPolicy": {"rules": [RULE]}, "rateLimitPolicy": {}},
    ],
)
def test_a_security_policy_is_of_one_known_kind(bench: ArmBench, properties: Json) -> None:
    assert refused(bench, SP, policy(**properties)) == "InvalidSecurityPolicy"


@pytest.mark.parametrize(
    "changed",
    [
        {"name": ""},
        {"priority": 0},
        {"priority": 501},
        {"action": "block"},
        {"sourceAddressPrefixes": []},
        {"sourceAddressPrefixes": ["office"]},
    ],
)
def test_ip_access_rules_are_looked_at(bench: ArmBench, changed: Json) -> None:
    rules = policy(ipAccessRulesPolicy={"rules": [{**RULE, **changed}]})
    assert refused(bench, SP, rules) == "InvalidIpAccessRules"


def test_priorities_are_unique(bench: ArmBench) -> None:
    rules = policy(ipAccessRulesPolicy={"rules": [RULE, {**RULE, "name": "home"}]})
    assert refused(bench, SP, rules) == "InvalidIpAccessRules"


def test_a_firewall_policy_is_there_near_and_of_a_supported_rule_set(bench: ArmBench) -> None:
    wanted = policy(wafPolicy={"id": WAF})
    assert refused(bench, SP, wanted) == "InvalidResourceReference"
    firewall(bench, {"ruleSetType": "OWASP", "ruleSetVersion": "3.2"})
    assert refused(bench, SP, wanted) == "UnsupportedWafPolicy"
    firewall(bench, DRS, {"ruleSetType": "Microsoft_BotManagerRuleSet", "ruleSetVersion": "0.1"})
    assert refused(bench, SP, wanted) == "UnsupportedWafPolicy"
    firewall(bench, DRS, location="westus")
    assert refused(bench, SP, wanted) == "InvalidWafPolicy"
    firewall(bench, DRS)
    assert bench.send("PUT", SP, wanted).body["properties"]["policyType"] == "waf"
    shown = bench.send("GET", WAF).body["properties"]
    assert shown["applicationGatewayForContainers"] == [{"id": TC}]
    assert bench.send("DELETE", WAF).body["error"]["code"] == "ApplicationGatewayFirewallPolicyInUse"


def test_a_firewall_policy_lives(bench: ArmBench) -> None:
    made = firewall(bench, DRS)
    assert made.status == 201
    assert made.body["properties"]["policySettings"]["mode"] == "Detection"
    assert firewall(bench, DRS).status == 200
    listed = bench.send("GET", WAF.rsplit("/", 1)[0]).body["value"]
    assert [each["id"] for each in listed] == [WAF]
    nothing = bench.send("PUT", WAF, {**HERE, "properties": {}})
    assert nothing.status == 400
    strange = firewall(bench, {"ruleSetType": "OWASP", "ruleSetVersion": "9.9"})
    assert strange.body["error"]["code"] == "ApplicationGatewayFirewallUnknownRuleSet"
    accepted = bench.send("DELETE", WAF)
    done(bench, accepted, 10)
    assert bench.send("GET", WAF).status == 404
    assert bench.send("DELETE", WAF).status == 204


def test_what_is_referred_to_is_not_deleted(bench: ArmBench) -> None:
    bench.send("PUT", SP, policy(ipAccessRulesPolicy={"rules": [RULE]}))
    chosen = {"ipAccessRulesSecurityPolicy": {"id": SP}}
    wrong = {"wafSecurityPolicy": {"id": SP}}
    assert refused(bench, FRONTEND, policy(securityPolicyConfigurations=wrong)) == "InvalidSecurityPolicy"
    assert bench.send("PUT", FRONTEND, policy(securityPolicyConfigurations=chosen)).status == 201
    assert bench.send("DELETE", SP).body["error"]["code"] == "ReferencedResourceCannotBeDeleted"
    bench.send("PUT", FRONTEND, HERE)
    assert bench.send("DELETE", SP).status == 202


def test_a_private_frontend_names_its_association(bench: ArmBench) -> None:
    private = {"publicNetworkAccess": "Disabled"}
    assert refused(bench, FRONTEND, policy(**private)) == "InvalidFrontend"
    elsewhere = {"id": f"{CONTROLLERS}/other/associations/as1"}
    assert refused(bench, FRONTEND, policy(**private, association=elsewhere)) == "InvalidResourceReference"
    done(bench, bench.send("PUT", ASSOCIATION, association(subnet(bench, "alb", "10.0.1.0/24"))))
    done(bench, bench.send("PUT", FRONTEND, policy(**private, association={"id": ASSOCIATION})))
    assert bench.send("DELETE", ASSOCIATION).body["error"]["code"] == "ReferencedResourceCannotBeDeleted"
    old = bench.send("GET", f"{FRONTEND}?api-version=2025-01-01").body["properties"]
    assert set(old) == {"fqdn", "provisioningState"}
    (link,) = bench.send("GET", f"{TC}/privateLinkResources").body["value"]
    assert link["properties"]["groupId"] == "fe1"


def test_a_private_endpoint_is_connected_and_approved(bench: ArmBench) -> None:
    place = subnet(bench, "alb", "10.0.1.0/24")
    done(bench, bench.send("PUT", ASSOCIATION, association(place)))
    private = {"publicNetworkAccess": "Disabled", "association": {"id": ASSOCIATION}}
    done(bench, bench.send("PUT", FRONTEND, policy(**private)))
    endpoint = f"{GROUP}/providers/Microsoft.Network/privateEndpoints/pe"
    link = {"name": "l", "properties": {"privateLinkServiceId": TC, "groupIds": ["fe1"]}}
    wanted = policy(subnet={"id": place}, manualPrivateLinkServiceConnections=[link])
    done(bench, bench.send("PUT", endpoint, wanted))
    (connection,) = bench.send("GET", f"{TC}/privateEndpointConnections").body["value"]
    assert connection["properties"]["privateEndpoint"] == {"id": endpoint}
    state = connection["properties"]["privateLinkServiceConnectionState"]
    assert state["status"] == "Pending"
    (frontend,) = bench.azure.store.list(service_networking_kinds.FRONTEND)
    assert private_address(bench.azure, frontend) is None
    approved = {"properties": {"privateLinkServiceConnectionState": {"status": "Approved"}}}
    assert bench.send("PUT", connection["id"], approved).status == 200
    assert private_address(bench.azure, frontend)
    done(bench, bench.send("DELETE", endpoint))
    assert bench.send("GET", f"{TC}/privateEndpointConnections").body["value"] == []


def test_a_large_subnet_holds_two_associations(bench: ArmBench) -> None:
    place = subnet(bench, "alb", "10.0.2.0/23")
    done(bench, bench.send("PUT", ASSOCIATION, association(place)))
    other = f"{CONTROLLERS}/tc2"
    done(bench, bench.send("PUT", other, HERE))
    assert bench.send("PUT", f"{other}/associations/as1", association(place)).status == 201
    third = f"{CONTROLLERS}/tc3"
    done(bench, bench.send("PUT", third, HERE))
    code = "AppGwForContainersSubnetAssociationNotEnoughIPv4AddressesInSubnet"
    assert refused(bench, f"{third}/associations/as1", association(place)) == code


def test_writing_an_association_again_restarts_the_data_plane(bench: ArmBench) -> None:
    place = subnet(bench, "alb", "10.0.1.0/24")
    done(bench, bench.send("PUT", ASSOCIATION, association(place)))
    done(bench, bench.send("PUT", FRONTEND, HERE))
    (frontend,) = bench.azure.store.list(service_networking_kinds.FRONTEND)
    assert serving(bench.azure, frontend)
    assert restarts(bench.azure, TC) == []
    again = bench.send("PUT", ASSOCIATION, association(place))
    assert not serving(bench.azure, frontend)
    assert [each["association"] for each in restarts(bench.azure, TC)] == [ASSOCIATION]
    done(bench, again)
    assert serving(bench.azure, frontend)


def test_tags_are_patched(bench: ArmBench) -> None:
    done(bench, bench.send("PUT", FRONTEND, HERE))
    assert bench.send("PATCH", FRONTEND, {"tags": {"a": "b"}}).body["tags"] == {"a": "b"}
    assert bench.send("PATCH", TC, {"tags": {"c": "d"}}).body["tags"] == {"c": "d"}


def test_a_controller_goes_last(bench: ArmBench) -> None:
    done(bench, bench.send("PUT", FRONTEND, HERE))
    answer = bench.send("DELETE", TC)
    assert (answer.status, answer.body["error"]["code"]) == (409, "CannotDeleteResource")
    done(bench, bench.send("DELETE", FRONTEND))
    done(bench, bench.send("DELETE", TC))
    assert bench.send("GET", TC).status == 404
