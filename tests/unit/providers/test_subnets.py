"""Subnets: read with their network, written whole, never taken from another service."""

from __future__ import annotations

from typing import Any

import pytest
from azure.mgmt.resource.resources.models import GenericResource, GenericResourceExpanded

from providers.bench import PREFIX, PROFILE, Bench, finished, paged, raised
from provision.errors import ConflictError, ServiceError
from provision.providers.azure.subnets import API_VERSION, ClusterSubnets, Subnets
from provision.providers.azure.waf_policies import WafPolicies
from provision.resources.network import DELEGATION, ClusterSubnet, Subnet
from provision.resources.observed import Absent, Observed, Present
from provision.resources.values import CaseInsensitive
from provision.resources.waf_policy import WafPolicy

NETWORK = f"{PREFIX}/Microsoft.Network/virtualNetworks/vnet"
SUBNET = Subnet(
    name="vnet/alb", id=CaseInsensitive(f"{NETWORK}/subnets/alb"), create=True, prefix="10.1.0.0/24"
)
GROUP_ID = PREFIX.rpartition("/providers")[0]
NODES = ClusterSubnet(name="aks", group=CaseInsensitive(GROUP_ID))


def network(*subnets: dict[str, Any]) -> GenericResource:
    return GenericResource(
        {"id": NETWORK, "location": "westeurope", "properties": {"subnets": list(subnets)}}
    )


def subnet(name: str = "alb", *, service: str = "", used: int = 0, **properties: Any) -> dict[str, Any]:
    delegations = [{"name": "0", "properties": {"serviceName": service}}] if service else []
    held = [{"id": f"{NETWORK}/x/{number}"} for number in range(used)]
    return {
        "id": f"{NETWORK}/subnets/{name}",
        "name": name,
        "etag": 'W/"1"',
        "properties": {
            "addressPrefix": "10.1.0.0/24",
            "delegations": delegations,
            "ipConfigurations": held,
            **properties,
        },
    }


async def read(bench: Bench) -> Observed:
    return (await Subnets(bench.clients).read([SUBNET], PROFILE)).objects[SUBNET.address]


async def test_what_a_subnet_tells(bench: Bench) -> None:
    found = subnet("ALB", service="microsoft.servicenetworking/TrafficControllers", used=3)
    bench.any_resources.get_by_id.return_value = network(subnet("other"), found)
    observed = await read(bench)
    assert isinstance(observed, Present)
    assert observed.properties["delegations"] == frozenset({DELEGATION})  # whatever its casing
    assert (observed.outputs["prefix"], observed.outputs["used"]) == ("10.1.0.0/24", 3)
    assert observed.outputs["location"] == "westeurope"
    bench.any_resources.get_by_id.assert_awaited_once_with(NETWORK.lstrip("/"), api_version=API_VERSION)


@pytest.mark.parametrize("answer", [network(subnet("other")), raised(404, "ResourceNotFound")])
async def test_a_subnet_that_is_not_there(bench: Bench, answer: Any) -> None:
    bench.any_resources.get_by_id.side_effect = [answer]
    assert await read(bench) == Absent()


async def test_a_delegation_leaves_everything_else_of_the_subnet(bench: Bench) -> None:
    before = subnet(routeTable={"id": "/routes"}, serviceEndpoints=[{"service": "Microsoft.Sql"}])
    after = subnet(service=str(DELEGATION))
    bench.any_resources.get_by_id.side_effect = [network(before), network(after)]
    bench.any_resources.begin_create_or_update_by_id.return_value = finished()
    await Subnets(bench.clients).update(SUBNET, Present(), [], bench.work())
    body = bench.any_resources.begin_create_or_update_by_id.await_args.args[1]
    assert body["properties"]["routeTable"] == {"id": "/routes"}
    assert body["properties"]["serviceEndpoints"] == [{"service": "Microsoft.Sql"}]
    assert body["properties"]["delegations"] == [
        {"name": "0", "properties": {"serviceName": "Microsoft.ServiceNetworking/trafficControllers"}}
    ]
    assert body["etag"] == 'W/"1"'


async def test_a_subnet_of_another_service_is_left_to_it(bench: Bench) -> None:
    bench.any_resources.get_by_id.return_value = network(subnet(service="Microsoft.Sql/managedInstances"))
    with pytest.raises(ConflictError, match=r"delegated to Microsoft\.Sql/managedInstances"):
        await Subnets(bench.clients).update(SUBNET, Present(), [], bench.work())
    bench.any_resources.begin_create_or_update_by_id.assert_not_awaited()


async def test_a_new_subnet_has_its_range_and_its_delegation(bench: Bench) -> None:
    bench.any_resources.get_by_id.return_value = network(subnet(service=str(DELEGATION)))
    bench.any_resources.begin_create_or_update_by_id.return_value = finished()
    await Subnets(bench.clients).create(SUBNET, bench.work())
    id_, body = bench.any_resources.begin_create_or_update_by_id.await_args.args
    assert (id_, body["properties"]["addressPrefix"]) == (str(SUBNET.id).lstrip("/"), "10.1.0.0/24")


async def test_the_subnet_that_aks_makes_is_waited_for(bench: Bench) -> None:
    vnet = GenericResourceExpanded({"id": NETWORK, "type": "Microsoft.Network/virtualNetworks"})
    bench.any_resources.list_by_resource_group.side_effect = lambda *_, **__: paged(vnet)
    bench.any_resources.get_by_id.side_effect = [network(), network(subnet("aks-appgateway"))]
    handler = ClusterSubnets(bench.clients)
    present = await handler.create(NODES, bench.work())
    assert present.outputs["id"] == f"{NETWORK}/subnets/aks-appgateway"
    assert bench.told == ["waiting for AKS to make it (0 s of at most 600 s)"]


async def test_a_cluster_in_a_network_of_others_gets_no_subnet(bench: Bench) -> None:
    bench.any_resources.list_by_resource_group.side_effect = lambda *_, **__: paged()
    with pytest.raises(ServiceError, match="aks-appgateway after 600 s") as caught:
        await ClusterSubnets(bench.clients).create(NODES, bench.work())
    assert "ingress.subnet" in caught.value.fix


async def test_the_rule_sets_of_a_firewall_policy(bench: Bench) -> None:
    policy = WafPolicy.of(f"{PREFIX}/Microsoft.Network/applicationGatewayWebApplicationFirewallPolicies/waf")
    sets = [{"ruleSetType": "OWASP", "ruleSetVersion": "3.2"}]
    bench.any_resources.get_by_id.return_value = GenericResource(
        {"id": str(policy.id), "properties": {"managedRules": {"managedRuleSets": sets}}}
    )
    observed = (await WafPolicies(bench.clients).read([policy], PROFILE)).objects[policy.address]
    assert isinstance(observed, Present)
    assert observed.outputs["ruleSets"] == ("OWASP 3.2",)
