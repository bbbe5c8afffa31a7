"""What rules a cluster out before anything is written."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from provision.errors import ServiceError
from provision.ingress import catalog
from provision.ingress.preflight import problems
from provision.plan.plan import Observation
from provision.profile.model import (
    ApplicationGateway,
    AppRouting,
    Azure,
    Cluster,
    Host,
    Ingress,
    Profile,
    Service,
)
from provision.resources.observed import Absent, Observed, Present, Unread

GATEWAY = AppRouting(option="app-routing")
NGINX = AppRouting(option="app-routing", implementation="nginx")
CONTAINERS = ApplicationGateway(option="application-gateway-for-containers")
PROFILE = Profile(
    api_version="provision/v1",
    name="shop",
    azure=Azure(subscription="11111111-0000-0000-0000-000000000000"),
    cluster=Cluster(name="aks", resource_group="rg"),
    ingress=GATEWAY,
)
GOOD = {
    "identityType": "SystemAssigned",
    "networkPlugin": "azure",
    "kubernetesVersion": "1.34.2",
    "meshMode": "Disabled",
}


def found(ingress: Ingress = GATEWAY, **outputs: Any) -> list[tuple[str, str]]:
    """Reason and command of each problem."""
    cluster = Present({}, {**GOOD, **outputs})
    observation = Observation({"managed_cluster/aks": cluster})
    made = problems(replace(PROFILE, ingress=ingress), observation)
    assert {each.doing for each in made} <= {"checking cluster aks"}
    return [(each.why, each.command) for each in made]


def test_a_cluster_that_can_have_it() -> None:
    assert found() == []
    assert found(NGINX) == []
    assert found(CONTAINERS) == []


@pytest.mark.parametrize("mode", ["Istio", "istio"])
def test_the_mesh_excludes_the_gateway(mode: str) -> None:
    ((why, command),) = found(meshMode=mode)
    assert "it excludes app routing with Gateway API" in why
    assert command == "az aks mesh disable --resource-group rg --name aks"
    assert found(NGINX, meshMode=mode) == []


@pytest.mark.parametrize("mode", [None, "", "Disabled"])
def test_a_mesh_that_is_off_excludes_nothing(mode: str | None) -> None:
    assert found(meshMode=mode) == []


@pytest.mark.parametrize("kind", [None, "None"])
@pytest.mark.parametrize("ingress", [GATEWAY, NGINX])
def test_a_service_principal_is_no_identity(kind: str | None, ingress: Ingress) -> None:
    ((why, command),) = found(ingress, identityType=kind)
    assert "no managed identity" in why
    assert command == "az aks update --resource-group rg --name aks --enable-managed-identity"


@pytest.mark.parametrize("kind", ["SystemAssigned", "UserAssigned", "SystemAssigned, UserAssigned"])
def test_any_managed_identity_will_do(kind: str) -> None:
    assert found(identityType=kind) == []


@pytest.mark.parametrize(
    ("version", "good"), [("1.25.11", False), ("1.26.0", True), ("1.9", False), ("", True)]
)
def test_the_gateway_needs_a_version_with_a_bundle(version: str, good: bool) -> None:
    reasons = found(kubernetesVersion=version)
    assert (reasons == []) is good
    assert all(f"it runs Kubernetes {version}" in why and "az aks upgrade" in fix for why, fix in reasons)
    assert found(NGINX, kubernetesVersion=version) == []


@pytest.mark.parametrize(
    ("version", "good"),
    [("1.34.2", False), ("1.35.9", False), ("1.36.0", True), ("1.37.1", True), ("", True)],
)
def test_passthrough_needs_a_version_whose_bundle_has_tls_routes(version: str, good: bool) -> None:
    service = Service(name="mq", port=8443)
    hosts = {
        "mq.example": Host(namespace="web", service=service, tls="passthrough"),
        "www.example": Host(namespace="web", service=service),
    }
    cluster = Present({}, {**GOOD, "kubernetesVersion": version})
    made = problems(replace(PROFILE, hosts=hosts), Observation({"managed_cluster/aks": cluster}))
    assert len(made) == (0 if good else 1)
    for each in made:
        assert f"it runs Kubernetes {version}, whose Gateway API has no TLSRoute" in each.why
        assert "host mq.example passes" in each.why
        assert "Let the gateway terminate TLS" in each.fix
        assert each.command == "az aks upgrade --resource-group rg --name aks --kubernetes-version VERSION"


@pytest.mark.parametrize("plugin", ["kubenet", "none"])
def test_a_network_plugin_that_the_table_does_not_name(plugin: str) -> None:
    assert catalog.network_plugins("application-gateway-for-containers") == ("azure",)
    ((why, command),) = found(CONTAINERS, networkPlugin=plugin)
    assert f"its network plugin is {plugin}" in why
    assert command.endswith("--network-plugin azure --network-plugin-mode overlay")
    assert found(GATEWAY, networkPlugin=plugin) == []


def test_every_problem_is_told_at_once() -> None:
    assert len(found(identityType=None, meshMode="Istio", kubernetesVersion="1.20.1")) == 3


@pytest.mark.parametrize("cluster", [Absent(), Unread(ServiceError("reading", "no answer"))])
def test_of_a_cluster_that_was_not_read_nothing_is_said(cluster: Observed) -> None:
    assert problems(PROFILE, Observation({"managed_cluster/aks": cluster})) == []


def test_a_dns_controller_of_others_for_our_zones() -> None:
    writer = "kubernetes/ClusterExternalDNS/shop-public"
    cluster = Present({}, GOOD)
    for ours in (
        Present({}, {"rivals": {"old": ("a.example", "b.example")}}),
        Absent("", {"rivals": {"old": ("a.example",)}}),
    ):
        observation = Observation({"managed_cluster/aks": cluster, writer: ours})
        (told,) = problems(PROFILE, observation)
        assert told.why.startswith("ClusterExternalDNS old, which is not this profile's, writes a.example")
        assert told.command == "kubectl delete clusterexternaldns old"
        assert problems(replace(PROFILE, ingress=NGINX), observation) == []
    unread = Unread(ServiceError("reading it", "no answer"))
    assert problems(PROFILE, Observation({"managed_cluster/aks": cluster, writer: unread})) == []
