"""What rules an Application Gateway for Containers out once subnet, firewall policy and cluster were read."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from provision.ingress import preflight
from provision.plan.plan import Observation
from provision.profile.model import (
    ApplicationGateway,
    Azure,
    Cluster,
    Host,
    Profile,
    Service,
)
from provision.resources.manifest import APPLICATION_LOAD_BALANCER, Manifest
from provision.resources.network import DELEGATION
from provision.resources.observed import Absent, Observed, Present
from provision.resources.service_networking import TrafficController
from provision.resources.values import CaseInsensitive

NETWORK = (
    "/subscriptions/11111111-0000-0000-0000-000000000000/resourceGroups/rg-net/providers/Microsoft.Network"
)
SUBNET = f"{NETWORK}/virtualNetworks/vnet/subnets/alb"
FIREWALL = f"{NETWORK}/applicationGatewayWebApplicationFirewallPolicies/waf"
BYO = ApplicationGateway(
    option="application-gateway-for-containers", deployment="byo", subnet=SUBNET, waf_policy=FIREWALL
)
MANAGED = replace(BYO, deployment="managed")
PROFILE = Profile(
    api_version="provision/v1",
    name="shop",
    azure=Azure(subscription="11111111-0000-0000-0000-000000000000"),
    cluster=Cluster(name="aks", resource_group="rg"),
    ingress=BYO,
    hosts={"www.a.example": Host(namespace="web", service=Service(name="web", port=80))},
)
CLUSTER: dict[str, Any] = {
    "identityType": "SystemAssigned",
    "networkPlugin": "azure",
    "kubernetesVersion": "1.34.2",
    "location": "westeurope",
}
READ: dict[str, Any] = {
    "delegations": frozenset({CaseInsensitive(str(DELEGATION).upper())}),
    "prefix": "10.1.0.0/23",
    "used": 0,
    "location": "West Europe",
}
RULES = ("Microsoft_DefaultRuleSet 2.1",)


def observation(
    subnet: dict[str, Any] | None = None,
    *,
    sets: tuple[str, ...] = RULES,
    cluster: dict[str, Any] | None = None,
    orphans: Any = (),
    more: dict[str, Observed] | None = None,
    absent: bool = False,
) -> Observation:
    objects: dict[str, Observed] = {
        "managed_cluster/aks": Present(outputs={**CLUSTER, **(cluster or {})}),
        "subnet/vnet/alb": Absent() if absent else Present(outputs={**READ, **(subnet or {})}),
        "waf_policy/waf": Present(outputs={"ruleSets": sets}),
        **(more or {}),
    }
    return Observation(objects, orphans)


def problems(seen: Observation, ingress: ApplicationGateway = BYO) -> list[tuple[str, str, str]]:
    found = preflight.problems(replace(PROFILE, ingress=ingress), seen)
    return [(each.doing.partition(" ")[2], each.why, each.command) for each in found]


def warnings(seen: Observation, ingress: ApplicationGateway = BYO) -> list[str]:
    return preflight.warnings(replace(PROFILE, ingress=ingress), seen)


@pytest.mark.parametrize("ingress", [BYO, MANAGED])
def test_a_subnet_for_the_gateway_alone(ingress: ApplicationGateway) -> None:
    assert problems(observation(), ingress) == []
    assert warnings(observation(), ingress) == []


@pytest.mark.parametrize(
    ("prefix", "used", "refused", "warned"),
    [
        ("10.1.0.0/25", 0, True, False),
        ("10.1.0.0/24", 0, False, True),
        ("10.1.0.0/24", 1, True, False),
        ("10.1.0.0/23", 0, False, False),
        ("10.1.0.0/23", 1, False, True),
        ("10.1.0.0/23", 257, True, False),
    ],
)
def test_free_addresses_are_counted(prefix: str, used: int, refused: bool, warned: bool) -> None:
    seen = observation({"prefix": prefix, "used": used})
    assert bool(problems(seen)) is refused
    assert bool(warnings(seen)) is warned
    if refused:
        free = {"10.1.0.0/25": 128, "10.1.0.0/24": 255, "10.1.0.0/23": 255}[prefix]
        assert f"{prefix} has {free} free addresses ({used} are taken)" in problems(seen)[0][1]


@pytest.mark.parametrize("there", [True, False])
@pytest.mark.parametrize(("prefix", "refused"), [("10.1.0.0/24", False), ("10.1.0.0/23", True)])
def test_overlay_takes_a_24_and_no_more(prefix: str, refused: bool, there: bool) -> None:
    seen = observation({"prefix": prefix}, cluster={"networkPluginMode": "overlay"}, absent=not there)
    made = replace(BYO, create_subnet=not there, subnet_prefix=None if there else prefix)
    found = problems(seen, made)
    assert bool(found) is refused
    assert warnings(seen, made) == []
    assert all(what == "subnet/vnet/alb" and "larger than a /24" in why for what, why, _ in found)


def test_the_gateways_own_addresses_do_not_count_against_it() -> None:
    there = {"association/agc-shop/shop": Present()}
    seen = observation({"prefix": "10.1.0.0/24", "used": 30}, more=dict(there))
    assert (problems(seen), warnings(seen)) == ([], [])


def test_a_subnet_that_nobody_delegated() -> None:
    ((what, why, command),) = problems(observation({"delegations": frozenset()}))
    assert (what, why) == ("subnet/vnet/alb", f"it is not delegated to {DELEGATION}")
    assert command == (
        "az network vnet subnet update --resource-group rg-net --vnet-name vnet --name alb"
        " --delegations Microsoft.ServiceNetworking/trafficControllers"
    )
    assert problems(observation({"delegations": frozenset()}), replace(BYO, create_subnet=True)) == []


def test_a_subnet_of_another_service_is_refused_even_if_we_may_delegate() -> None:
    taken = {"delegations": frozenset({CaseInsensitive("Microsoft.Sql/managedInstances")})}
    for ingress in (BYO, replace(BYO, create_subnet=True)):
        ((_, why, _),) = problems(observation(taken), ingress)
        assert "delegated to Microsoft.Sql/managedInstances" in why


def test_a_subnet_in_another_region() -> None:
    ((_, why, _),) = problems(observation({"location": "northeurope"}))
    assert why == "its network is in northeurope and the cluster in westeurope"


def test_a_region_without_the_service() -> None:
    whys = [why for _, why, _ in problems(observation(cluster={"location": "polandcentral"}))]
    assert whys[0] == "Application Gateway for Containers is not offered in polandcentral"


def test_a_missing_subnet_needs_a_range() -> None:
    seen = observation(absent=True)
    ((_, why, _),) = problems(seen, replace(BYO, create_subnet=True))
    assert "no address range" in why
    assert problems(seen, replace(BYO, create_subnet=True, subnet_prefix="10.1.0.0/24")) == []


def test_a_security_group_is_pointed_out() -> None:
    (text,) = warnings(observation({"securityGroup": f"{NETWORK}/networkSecurityGroups/nsg"}))
    assert "network security group nsg" in text


@pytest.mark.parametrize("sets", [("OWASP 3.2",), ("Microsoft_DefaultRuleSet 2.1", "OWASP 3.1")])
def test_old_rule_sets_are_refused(sets: tuple[str, ...]) -> None:
    ((what, why, command),) = problems(observation(sets=sets))
    assert what == "waf_policy/waf"
    assert sets[-1] in why
    assert command.startswith("az network application-gateway waf-policy managed-rule rule-set update")


def test_a_cluster_without_azure_cni() -> None:
    whys = [why for _, why, _ in problems(observation(cluster={"networkPlugin": "kubenet"}))]
    assert any("network plugin is kubenet" in why for why in whys)


@pytest.mark.parametrize(
    ("kind", "names", "why"),
    [
        ("associations", ["SHOP"], ""),
        ("associations", ["old"], "the association old of others and the profile's 1 are together 2"),
        ("frontends", ["web", *"abcd"], ""),
        ("frontends", ["web", *"abcde"], "the frontends a, b, c, d, e of others and the profile's 1"),
    ],
)
def test_what_others_made_in_the_gateway_takes_places(kind: str, names: list[str], why: str) -> None:
    """The service lists each child in casings of its own."""
    id_ = (
        "/subscriptions/11111111-0000-0000-0000-000000000000/resourcegroups/RG/providers"
        "/Microsoft.ServiceNetworking/trafficControllers/agc-shop"
    )
    there = Present(outputs={kind: frozenset(CaseInsensitive(f"{id_}/{kind}/{each}") for each in names)})
    found = problems(observation(more={"traffic_controller/agc-shop": there}))
    assert bool(found) == bool(why)
    for where, told, command in found:
        assert where == "traffic_controller/agc-shop"
        assert told.startswith(why)
        assert command.startswith("az resource delete --ids ")


def test_a_gateway_does_not_change_hands() -> None:
    load_balancer = Manifest(
        name="ApplicationLoadBalancer/web/shop",
        api=APPLICATION_LOAD_BALANCER,
        cluster_id=CaseInsensitive("/c"),
        private=False,
        entra=False,
        access="auto",
        object_name="shop",
        namespace="web",
    )
    ours = TrafficController(name="agc-shop", id=CaseInsensitive("/agc"), location="westeurope")
    ((_, why, command),) = problems(observation(orphans=((load_balancer, Present()),)))
    assert "made with deployment: managed" in why
    assert command == "provision destroy PROFILE"
    ((_, why, _),) = problems(observation(orphans=((ours, Present()),)), MANAGED)
    assert "made with deployment: byo" in why
    assert problems(observation(orphans=((ours, Present()),))) == []
