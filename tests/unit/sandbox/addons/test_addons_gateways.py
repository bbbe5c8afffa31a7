"""Gateways of app routing: classes, addresses, listeners and routes."""

from __future__ import annotations

from typing import Any

import pytest
from addon_bench import INGRESS_PROFILE, Bench, Shop, conditions

from provision.sandbox.addons.definitions import bundle_version
from provision.sandbox.azure import Json
from provision.sandbox.kubernetes import crds, kinds

INTERNAL = "service.beta.kubernetes.io/azure-load-balancer-internal"
PINNED = "service.beta.kubernetes.io/azure-load-balancer-ipv4"


@pytest.fixture
def shop() -> Shop:
    made = Shop()
    made.look()
    return made


def parent(shop: Shop, name: str, namespace: str = "shop") -> dict[str, Json]:
    status = shop.need(crds.HTTP_ROUTE, name, namespace)["status"]
    return {each["type"]: each for each in status["parents"][0]["conditions"]}


@pytest.mark.parametrize(
    ("version", "bundle"),
    [((1, 33, 8), "v1.2.1"), ((1, 34, 7), "v1.3.0"), ((1, 35, 4), "v1.4.1"), ((1, 36, 1), "v1.5.1")],
)
def test_the_bundle_follows_the_kubernetes_version(version: tuple[int, ...], bundle: str) -> None:
    assert bundle_version(version) == bundle


def test_managed_gateway_api_installs_its_definitions_and_brings_them_back() -> None:
    bench = Bench(ingressProfile={"gatewayAPI": {"installation": "Standard"}})
    name = "gateways.gateway.networking.k8s.io"
    crd = bench.need(kinds.CRD, name)
    assert crd["metadata"]["annotations"]["gateway.networking.k8s.io/bundle-version"] == "v1.3.0"
    assert conditions(crd)["Established"]["status"] == "True"
    assert bench.objects.get(kinds.CRD, "nginxingresscontrollers.approuting.kubernetes.azure.com") is None
    assert bench.objects.list(crds.GATEWAY_CLASS) == []
    bench.objects.delete(kinds.CRD, name)
    bench.look()
    bench.need(kinds.CRD, name)


def test_definitions_stay_when_add_ons_go() -> None:
    bench = Bench()
    bench.alter(ingressProfile={"gatewayAPI": {"installation": "Disabled"}})
    bench.look()
    bench.need(kinds.CRD, "gateways.gateway.networking.k8s.io")
    bench.need(kinds.CRD, "nginxingresscontrollers.approuting.kubernetes.azure.com")
    assert bench.objects.get(crds.GATEWAY_CLASS, "approuting-istio") is None
    assert bench.objects.get(kinds.DEPLOYMENT, "istiod", "aks-istio-system") is None


def test_the_class_is_there_and_accepted() -> None:
    found = Bench().need(crds.GATEWAY_CLASS, "approuting-istio")
    assert found["spec"]["controllerName"] == "istio.io/gateway-controller"
    assert conditions(found)["Accepted"]["status"] == "True"


def test_a_gateway_is_programmed_with_a_public_address(shop: Shop) -> None:
    gateway = shop.need(crds.GATEWAY, "shop", "shop")
    programmed = conditions(gateway)["Programmed"]
    assert programmed["status"] == "True"
    assert "shop-approuting-istio.shop.svc.cluster.local:443" in programmed["message"]
    assert gateway["status"]["addresses"] == [{"type": "IPAddress", "value": shop.address()}]
    assert shop.address().startswith("20.")
    assert {each["name"]: each["attachedRoutes"] for each in gateway["status"]["listeners"]} == {
        "http": 1,
        "https": 1,
    }
    service = shop.need(kinds.SERVICE, "shop-approuting-istio", "shop")
    assert [port["port"] for port in service["spec"]["ports"]] == [15021, 80, 443]
    for kind in (kinds.DEPLOYMENT, kinds.AUTOSCALER, kinds.DISRUPTION_BUDGET, kinds.SERVICE_ACCOUNT):
        shop.need(kind, "shop-approuting-istio", "shop")


def test_nothing_is_written_when_nothing_changed(shop: Shop) -> None:
    before = shop.dump()
    shop.look()
    assert shop.dump() == before


def test_an_address_lives_as_long_as_its_service(shop: Shop) -> None:
    address = shop.address()
    shop.put(kinds.SERVICE, "other", "shop", spec={"type": "LoadBalancer", "ports": [{"port": 1}]})
    shop.look()
    assert shop.address() == address
    shop.objects.delete(kinds.SERVICE, "shop-approuting-istio", "shop")
    shop.look()
    assert shop.address() != address


@pytest.mark.parametrize(
    ("annotations", "start"),
    [
        ({INTERNAL: "true"}, "10."),
        ({PINNED: "20.7.7.7"}, "20.7.7.7"),
        ({INTERNAL: "true", PINNED: "10.224.9.9"}, "10.224.9.9"),
    ],
)
def test_infrastructure_annotations_choose_the_address(annotations: dict[str, str], start: str) -> None:
    shop = Shop()
    shop.gateway(infrastructure={"annotations": annotations})
    shop.look()
    assert shop.address().startswith(start)


def test_taking_the_internal_annotation_away_makes_the_address_public(shop: Shop) -> None:
    shop.gateway(infrastructure={"annotations": {INTERNAL: "true"}})
    shop.look()
    assert shop.address().startswith("10.")
    shop.gateway(infrastructure={"annotations": {}})
    shop.look()
    service = shop.need(kinds.SERVICE, "shop-approuting-istio", "shop")
    assert INTERNAL not in (service["metadata"].get("annotations") or {})
    assert shop.address().startswith("20.")


def test_an_address_that_is_none_is_refused() -> None:
    shop = Shop()
    shop.gateway(infrastructure={"annotations": {PINNED: "not-an-address"}})
    shop.look()
    gateway = shop.need(crds.GATEWAY, "shop", "shop")
    assert conditions(gateway)["Programmed"]["reason"] == "AddressNotAssigned"
    assert "not-an-address" in shop.told("SyncLoadBalancerFailed")


def test_parameters_overlay_the_service() -> None:
    shop = Shop()
    text = "spec:\n  externalTrafficPolicy: Local\n"
    reference = {"group": "", "kind": "ConfigMap", "name": "options"}
    shop.gateway(infrastructure={"parametersRef": reference})
    shop.look()
    refused = conditions(shop.need(crds.GATEWAY, "shop", "shop"))["Accepted"]
    assert (refused["status"], refused["reason"]) == ("False", "InvalidParameters")
    shop.put(kinds.CONFIG_MAP, "options", "shop", data={"service": text})
    shop.look()
    service = shop.need(kinds.SERVICE, "shop-approuting-istio", "shop")
    assert service["spec"]["externalTrafficPolicy"] == "Local"
    shop.put(kinds.CONFIG_MAP, "options", "shop", data={"service": "a: [unclosed"})
    shop.look()
    broken = conditions(shop.need(crds.GATEWAY, "shop", "shop"))["Accepted"]
    assert broken["reason"] == "InvalidParameters"


def test_leftovers_of_the_mesh_keep_the_control_plane_from_starting() -> None:
    mesh = {"mode": "Istio", "istio": {"revisions": ["asm-1-29"], "components": {}}}
    shop = Shop(ingressProfile={"webAppRouting": {"enabled": True}}, serviceMeshProfile=mesh)
    shop.need(kinds.DEPLOYMENT, "istiod-asm-1-29", "aks-istio-system")
    shop.alter(serviceMeshProfile={"mode": "Disabled"}, ingressProfile=INGRESS_PROFILE)
    shop.look()
    assert shop.objects.get(kinds.DEPLOYMENT, "istiod-asm-1-29", "aks-istio-system") is None
    gateway = shop.need(crds.GATEWAY, "shop", "shop")
    programmed = conditions(gateway)["Programmed"]
    assert programmed["status"] == "Unknown"
    assert "istio.io" in programmed["message"]
    assert shop.objects.get(kinds.SERVICE, "shop-approuting-istio", "shop") is None
    istiod = shop.need(kinds.DEPLOYMENT, "istiod", "aks-istio-system")
    assert conditions(istiod)["Available"]["status"] == "False"
    for crd in shop.objects.list(kinds.CRD):
        if crd["metadata"]["name"].endswith(".istio.io"):
            shop.objects.delete(kinds.CRD, crd["metadata"]["name"])
    shop.look()
    assert conditions(shop.need(crds.GATEWAY, "shop", "shop"))["Programmed"]["status"] == "True"


def test_the_mesh_serves_its_own_class_and_gateways() -> None:
    components = {"ingressGateways": [{"mode": "Internal", "enabled": True}]}
    mesh = {"mode": "Istio", "istio": {"revisions": ["asm-1-29"], "components": components}}
    bench = Bench(ingressProfile={"gatewayAPI": {"installation": "Standard"}}, serviceMeshProfile=mesh)
    bench.need(crds.GATEWAY_CLASS, "istio")
    bench.need(kinds.CRD, "virtualservices.networking.istio.io")
    service = bench.need(kinds.SERVICE, "aks-istio-ingressgateway-internal", "aks-istio-ingress")
    assert service["status"]["loadBalancer"]["ingress"][0]["ip"].startswith("10.")


ROUTES: list[tuple[Json, str, str]] = [
    (
        {"parentRefs": [{"name": "shop", "sectionName": "nothing"}]},
        "NoMatchingParent",
        'sectionName "nothing" not found',
    ),
    ({"parentRefs": [{"name": "shop", "port": 8080}]}, "NoMatchingParent", "port 8080 not found"),
    (
        {"hostnames": ["other.net"], "parentRefs": [{"name": "shop", "sectionName": "https"}]},
        "NoMatchingListenerHostname",
        'no hostnames matched parent hostname "shop.contoso.com"',
    ),
]


@pytest.mark.parametrize(("spec", "reason", "message"), ROUTES)
def test_a_route_that_no_listener_takes_says_why(shop: Shop, spec: Json, reason: str, message: str) -> None:
    shop.route("odd", spec=spec)
    shop.look()
    accepted = parent(shop, "odd")["Accepted"]
    assert (accepted["status"], accepted["reason"]) == ("False", reason)
    assert message in accepted["message"]


def test_routes_of_other_namespaces_need_leave(shop: Shop) -> None:
    shop.put(kinds.NAMESPACE, "blog", labels={"team": "web"})
    shop.put(kinds.SERVICE, "shop", "blog", spec={"ports": [{"port": 80}]})
    shop.route("blog", namespace="blog")
    shop.look()
    refused = parent(shop, "blog", "blog")["Accepted"]
    assert refused["reason"] == "NotAllowedByListeners"
    assert 'namespace "blog" is not allowed by the parent' in refused["message"]
    chosen: dict[str, Any] = {"from": "Selector", "selector": {"matchLabels": {"team": "web"}}}
    listener = {"name": "http", "port": 80, "protocol": "HTTP", "allowedRoutes": {"namespaces": chosen}}
    shop.gateway(listeners=[listener])
    shop.look()
    assert parent(shop, "blog", "blog")["Accepted"]["status"] == "True"


def test_backends_must_exist_and_be_granted(shop: Shop) -> None:
    assert parent(shop, "shop")["ResolvedRefs"]["status"] == "True"
    shop.route("lost", spec={"rules": [{"backendRefs": [{"name": "gone", "port": 80}]}]})
    far = [{"backendRefs": [{"name": "api", "namespace": "blog", "port": 80}]}]
    shop.route("far", spec={"rules": far})
    shop.put(kinds.NAMESPACE, "blog")
    shop.put(kinds.SERVICE, "api", "blog", spec={"ports": [{"port": 80}]})
    shop.look()
    lost = parent(shop, "lost")["ResolvedRefs"]
    assert (lost["reason"], lost["message"]) == (
        "BackendNotFound",
        "backend(gone.shop.svc.cluster.local) not found",
    )
    assert parent(shop, "far")["ResolvedRefs"]["reason"] == "RefNotPermitted"
    source = {"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "namespace": "shop"}
    grant = {"from": [source], "to": [{"group": "", "kind": "Service"}]}
    shop.put(crds.REFERENCE_GRANT, "shop", "blog", spec=grant)
    shop.look()
    assert parent(shop, "far")["ResolvedRefs"]["status"] == "True"


def test_the_time_of_a_transition_stays_while_the_status_does(shop: Shop) -> None:
    before = shop.listener()["Programmed"]["lastTransitionTime"]
    shop.clock.moment[0] += 100
    shop.route("second")
    shop.look()
    assert shop.listener()["Programmed"]["lastTransitionTime"] == before
    shop.clock.moment[0] += 100
    shop.objects.delete(kinds.SERVICE, "shop", "shop")
    shop.look()
    assert parent(shop, "shop")["ResolvedRefs"]["lastTransitionTime"] == shop.objects.now()


@pytest.mark.parametrize(
    ("infrastructure", "expected"),
    [({}, "gateway"), ({"annotations": {}}, "gateway"), ({"labels": {"tier": "own"}}, "own")],
)
def test_labels_come_from_the_infrastructure_or_from_the_gateway(infrastructure: Json, expected: str) -> None:
    shop = Shop()
    shop.gateway(infrastructure=infrastructure)
    gateway = shop.need(crds.GATEWAY, "shop", "shop")
    gateway["metadata"]["labels"] = {"tier": "gateway"}
    shop.objects.put(crds.GATEWAY, gateway)
    shop.look()
    service = shop.need(kinds.SERVICE, "shop-approuting-istio", "shop")
    assert service["metadata"]["labels"]["tier"] == expected


def test_a_listener_says_what_it_cannot_take() -> None:
    shop = Shop()
    kinds_ = {"kinds": [{"kind": "TCPRoute"}]}
    shop.gateway(
        listeners=[
            {"name": "odd", "port": 53, "protocol": "UDP"},
            {"name": "http", "port": 80, "protocol": "HTTP", "allowedRoutes": kinds_},
        ]
    )
    shop.look()
    odd, http = shop.listener("odd"), shop.listener("http")
    assert odd["Accepted"]["reason"] == "UnsupportedProtocol"
    assert http["ResolvedRefs"]["reason"] == "InvalidRouteKinds"
    accepted = conditions(shop.need(crds.GATEWAY, "shop", "shop"))["Accepted"]
    assert (accepted["status"], accepted["reason"]) == ("False", "ListenersNotValid")
    assert "is not allowed" in parent(shop, "shop")["Accepted"]["message"]


def test_other_kinds_of_backends_are_refused(shop: Shop) -> None:
    rules = [{"backendRefs": [{"group": "multicluster.x-k8s.io", "kind": "ServiceImport", "name": "a"}]}]
    shop.route("odd", spec={"rules": rules})
    shop.look()
    assert parent(shop, "odd")["ResolvedRefs"]["reason"] == "InvalidKind"


def test_a_gateway_of_another_class_is_left_alone() -> None:
    shop = Shop()
    shop.gateway(gatewayClassName="someone-else")
    shop.look()
    assert "status" not in shop.need(crds.GATEWAY, "shop", "shop")
    assert "status" not in shop.need(crds.HTTP_ROUTE, "shop", "shop")
