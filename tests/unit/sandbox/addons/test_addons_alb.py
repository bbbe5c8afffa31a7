"""The ALB controller in the cluster: what objects become in Azure, and what their status says."""

from __future__ import annotations

import re

import pytest
from addon_bench import GROUP, conditions
from alb_bench import ID, MANAGED, Balanced, Charted

from provision.sandbox import identities, roles, virtual_networks
from provision.sandbox.addons import alb_balancers
from provision.sandbox.azure import Json
from provision.sandbox.kubernetes import crds, kinds
from provision.sandbox.kubernetes.deleting import let_go
from provision.sandbox.kubernetes.objects import Kind
from provision.sandbox.service_networking_kinds import CONTROLLER, POLICY

UPDATED = "Application Gateway For Containers resource has been successfully updated."


@pytest.fixture
def bench() -> Balanced:
    return Balanced()


def deployment(bench: Balanced) -> tuple[str, str, str]:
    found = conditions(bench.need(crds.APPLICATION_LOAD_BALANCER, "alb", "infra"))["Deployment"]
    return found["status"], found["reason"], found["message"]


def programmed(bench: Balanced, name: str = "web") -> Json:
    return conditions(bench.need(crds.GATEWAY, name, "shop"))["Programmed"]


def test_the_add_on_brings_definitions_classes_and_its_controller(bench: Balanced) -> None:
    for kind in ("applicationloadbalancer", "frontendtlspolicies", "webapplicationfirewallpolicy"):
        bench.need(kinds.CRD, f"{kind}.alb.networking.azure.io")
    found = bench.need(crds.GATEWAY_CLASS, "azure-alb-external")
    assert found["spec"]["controllerName"] == "alb.networking.azure.io/alb-controller"
    assert conditions(found)["Accepted"]["message"] == "Valid GatewayClass"
    bench.need(kinds.INGRESS_CLASS, "azure-alb-external")
    running = bench.need(kinds.DEPLOYMENT, "alb-controller", "kube-system")
    assert running["status"]["readyReplicas"] == 2
    bench.alter(ingressProfile={"applicationLoadBalancer": {"enabled": False}})
    bench.look()
    assert bench.objects.get(crds.GATEWAY_CLASS, "azure-alb-external") is None
    assert bench.objects.get(kinds.DEPLOYMENT, "alb-controller", "kube-system") is None
    bench.need(kinds.CRD, "applicationloadbalancer.alb.networking.azure.io")


def test_a_load_balancer_becomes_a_controller_with_an_association(bench: Balanced) -> None:
    bench.balancer()
    (made,) = bench.controllers()
    assert re.fullmatch("alb-[0-9a-f]{8}", made["name"])
    assert made["id"].startswith(bench.group)
    assert made["tags"] == {"managed-by-alb-controller": "true"}
    undergoing = f"Application Gateway for Containers resource {made['name']} is undergoing an update."
    assert deployment(bench) == ("True", "InProgress", undergoing)
    bench.pass_(80)
    (association,) = bench.associations()
    assert association["properties"]["subnet"]["id"] == bench.subnet
    assert deployment(bench)[1] == "InProgress"
    bench.pass_(200)
    assert deployment(bench) == ("True", "Ready", f"alb-id={made['id']}")


def test_a_gateway_is_programmed_with_a_host_name(bench: Balanced) -> None:
    bench.up()
    gateway = bench.need(crds.GATEWAY, "web", "shop")
    (address,) = gateway["status"]["addresses"]
    assert address["type"] == "Hostname"
    assert re.fullmatch(r"[0-9a-z]+\.fz\d\d\.alb\.azure\.com", address["value"])
    assert {kind: each["message"] for kind, each in conditions(gateway).items()} == {
        "Accepted": "Valid Gateway",
        "Programmed": UPDATED,
    }
    (frontend,) = bench.frontends()
    assert re.fullmatch("fe-[0-9a-f]{8}", frontend["name"])
    (listener,) = gateway["status"]["listeners"]
    assert listener["attachedRoutes"] == 1
    (parent,) = bench.need(crds.HTTP_ROUTE, "shop", "shop")["status"]["parents"]
    assert parent["controllerName"] == "alb.networking.azure.io/alb-controller"
    assert {each["type"]: each["message"] for each in parent["conditions"]} == {
        "ResolvedRefs": "",
        "Accepted": "Route is Accepted",
        "Programmed": UPDATED,
    }


def listeners(bench: Balanced, name: str = "web") -> dict[str, dict[str, Json]]:
    found = bench.need(crds.GATEWAY, name, "shop")["status"]["listeners"]
    return {each["name"]: {one["type"]: one for one in each["conditions"]} for each in found}


def go(bench: Balanced, kind: Kind, name: str, namespace: str) -> None:
    let_go(bench.objects, kind, bench.need(kind, name, namespace))
    bench.look()


def test_nothing_is_written_when_nothing_changed(bench: Balanced) -> None:
    bench.up()
    before = bench.dump()
    bench.look()
    assert bench.dump() == before


def test_a_gateway_that_goes_takes_its_frontend_along(bench: Balanced) -> None:
    bench.up()
    go(bench, crds.GATEWAY, "web", "shop")
    (frontend,) = bench.frontends()
    assert frontend["properties"]["provisioningState"] == "Deleting"
    bench.pass_(80)
    assert bench.frontends() == []
    assert len(bench.associations()) == 1


def test_a_load_balancer_goes_when_azure_is_done_with_it(bench: Balanced) -> None:
    bench.up()
    go(bench, crds.APPLICATION_LOAD_BALANCER, "alb", "infra")
    going = bench.need(crds.APPLICATION_LOAD_BALANCER, "alb", "infra")
    assert going["metadata"]["finalizers"] == [alb_balancers.FINALIZER]
    assert deployment(bench)[1] == "InProgress"
    bench.pass_(320)
    assert bench.controllers()
    bench.pass_(160)
    assert bench.controllers() == []
    assert bench.objects.get(crds.APPLICATION_LOAD_BALANCER, "alb", "infra") is None
    assert programmed(bench)["reason"] == "AddressNotAssigned"


def test_without_its_controller_a_load_balancer_stays(bench: Balanced) -> None:
    bench.up()
    bench.alter(ingressProfile={"gatewayAPI": {"installation": "Standard"}})
    go(bench, crds.APPLICATION_LOAD_BALANCER, "alb", "infra")
    bench.pass_(500)
    bench.need(crds.APPLICATION_LOAD_BALANCER, "alb", "infra")
    assert len(bench.controllers()) == 1


def test_another_subnet_is_another_association(bench: Balanced) -> None:
    bench.up()
    other = f"{bench.subnet}-2"
    virtual_networks.new_subnet(bench.azure, other, "10.238.1.0/24", CONTROLLER)
    bench.balancer(other)
    assert deployment(bench)[1] == "InProgress"
    bench.pass_(700)
    (association,) = bench.associations()
    assert association["properties"]["subnet"]["id"] == other
    assert deployment(bench)[1] == "Ready"


def test_a_subnet_that_azure_refuses_is_told_of(bench: Balanced) -> None:
    small = f"{bench.subnet}-2"
    virtual_networks.new_subnet(bench.azure, small, "10.238.1.0/25", CONTROLLER)
    bench.balancer(small)
    bench.pass_(100)
    status, reason, message = deployment(bench)
    assert (status, reason) == ("False", "Ready")
    assert "ERROR CODE: AppGwForContainersSubnetAssociationNotEnoughIPv4AddressesInSubnet" in message


def test_overlay_networks_want_a_subnet_of_exactly_24_bits(bench: Balanced) -> None:
    large = f"{bench.subnet}-2"
    virtual_networks.new_subnet(bench.azure, large, "10.238.2.0/23", CONTROLLER)
    bench.balancer(large)
    bench.pass_(400)
    status, reason, message = deployment(bench)
    assert (status, reason) == ("False", "Ready")
    assert "extensionIPRange prefix length too short (/23). Must be 24 or higher." in message


@pytest.mark.parametrize(
    ("changed", "kind", "reason"),
    [
        ({"port": 8443}, "Accepted", "PortUnavailable"),
        ({"protocol": "TLS"}, "Accepted", "UnsupportedProtocol"),
        ({"tls": {"mode": "Passthrough"}}, "Accepted", "UnsupportedValue"),
        ({"tls": {"certificateRefs": []}}, "ResolvedRefs", "InvalidCertificateRef"),
        ({"tls": {"certificateRefs": [{"name": "none"}]}}, "ResolvedRefs", "InvalidCertificateRef"),
        ({"tls": {"certificateRefs": [{"name": "half"}]}}, "ResolvedRefs", "InvalidCertificateRef"),
        (
            {"tls": {"certificateRefs": [{"name": "x", "namespace": "infra"}]}},
            "ResolvedRefs",
            "RefNotPermitted",
        ),
    ],
)
def test_what_a_listener_may_not_be_like(bench: Balanced, changed: Json, kind: str, reason: str) -> None:
    bench.put(kinds.SECRET, "half", "shop", data={"tls.crt": "eA=="})
    bench.put(kinds.SECRET, "tls", "shop", data={"tls.crt": "eA==", "tls.key": "eA=="})
    bench.balancer()
    fine = {"name": "http", "port": 80, "protocol": "HTTP"}
    secure = {
        "name": "https",
        "port": 443,
        "protocol": "HTTPS",
        "tls": {"certificateRefs": [{"name": "tls"}]},
    }
    bench.gateway(fine, {**secure, **changed})
    bench.pass_(400)
    found = listeners(bench)
    assert found["http"]["Programmed"]["status"] == "True"
    assert (found["https"][kind]["status"], found["https"][kind]["reason"]) == ("False", reason)
    assert found["https"]["Programmed"]["status"] == "False"
    bench.gateway(fine, secure)
    assert listeners(bench)["https"]["Programmed"]["status"] == "True"


def test_a_route_to_a_missing_service_is_told_of(bench: Balanced) -> None:
    bench.up()
    bench.route("lost", rules=[{"backendRefs": [{"name": "none", "port": 80}]}])
    (parent,) = bench.need(crds.HTTP_ROUTE, "lost", "shop")["status"]["parents"]
    found = {each["type"]: each for each in parent["conditions"]}
    assert (found["ResolvedRefs"]["status"], found["ResolvedRefs"]["reason"]) == ("False", "BackendNotFound")


@pytest.mark.parametrize(
    ("annotations", "told"),
    [
        ({}, "is required to find the Application Gateway for Containers resource"),
        ({**MANAGED, "alb.networking.azure.io/alb-name": "none"}, "infra/none was not found"),
        ({ID: f"{GROUP}/providers/{CONTROLLER}/none"}, "an address of type"),
    ],
)
def test_a_gateway_that_names_nothing_has_no_address(bench: Balanced, annotations: Json, told: str) -> None:
    bench.gateway(annotations=annotations)
    found = programmed(bench)
    assert (found["status"], found["reason"]) == ("False", "AddressNotAssigned")
    assert told in found["message"]


def test_the_chart_does_the_same_as_the_add_on() -> None:
    charted = Charted()
    charted.up()
    assert deployment(charted)[1] == "Ready"
    assert programmed(charted)["status"] == "True"
    running = charted.need(kinds.DEPLOYMENT, "alb-controller", "azure-alb-system")
    assert running["status"]["readyReplicas"] == 2


def test_the_chart_brings_the_gateway_api_where_it_is_missing() -> None:
    charted = Charted()
    charted.need(kinds.CRD, "gateways.gateway.networking.k8s.io")
    alone = Balanced({})
    assert alone.objects.get(kinds.CRD, "gateways.gateway.networking.k8s.io") is None
    alone.chart("none")
    alone.need(kinds.CRD, "gateways.gateway.networking.k8s.io")
    alone.need(kinds.CRD, "applicationloadbalancer.alb.networking.azure.io")
    alone.need(crds.GATEWAY_CLASS, "azure-alb-external")


@pytest.mark.parametrize(
    ("role", "at", "told"),
    [
        (roles.READER, "nodes", "resourceGroups/read"),
        (roles.AGC_CONFIGURATION_MANAGER, "nodes", "trafficControllers/write"),
        (roles.NETWORK_CONTRIBUTOR, "subnet", "virtualNetworks/subnets/join/action"),
    ],
)
def test_each_missing_role_is_named(role: str, at: str, told: str) -> None:
    charted = Charted()
    charted.take(role, charted.group if at == "nodes" else charted.own_subnet)
    charted.balancer()
    charted.pass_(300)
    status, reason, message = deployment(charted)
    assert (status, reason) == ("False", "Ready")
    assert told in message
    charted.assign(role, charted.group if at == "nodes" else charted.own_subnet, charted.user)
    charted.pass_(400)
    assert deployment(charted)[1:2] == ("Ready",)
    assert deployment(charted)[0] == "True"


def test_the_identity_must_be_federated_under_the_fixed_name() -> None:
    charted = Charted()
    (credential,) = charted.azure.store.list(identities.CREDENTIAL, f"{charted.user['id']}/")
    charted.azure.store.put(identities.CREDENTIAL, credential["id"], {**credential, "name": "alb"})
    charted.balancer()
    assert "azure-alb-identity" in deployment(charted)[2]
    charted.azure.store.delete(identities.CREDENTIAL, credential["id"])
    charted.look()
    assert "AADSTS700211" in deployment(charted)[2]
    charted.chart("")
    assert "AADSTS700016" in deployment(charted)[2]


def test_a_frontend_of_ones_own_is_taken() -> None:
    charted = Charted()
    identifier = charted.own()
    address = {"type": "alb.networking.azure.io/alb-frontend", "value": "fe"}
    charted.gateway(annotations={ID: identifier}, addresses=[address])
    (frontend,) = charted.frontends()
    gateway = charted.need(crds.GATEWAY, "web", "shop")
    assert programmed(charted)["status"] == "True"
    fqdn = frontend["properties"]["fqdn"]
    assert gateway["status"]["addresses"] == [{"type": "Hostname", "value": fqdn}]
    charted.take(roles.AGC_CONFIGURATION_MANAGER, GROUP)
    charted.assign(roles.READER, GROUP, charted.user)
    charted.look()
    found = programmed(charted)
    assert "serviceRoutingConfigurations/write" in found["message"]
    kept = charted.need(crds.GATEWAY, "web", "shop")["status"]["addresses"]
    assert kept == gateway["status"]["addresses"]


def test_a_frontend_that_is_not_there_is_told_of() -> None:
    charted = Charted()
    identifier = charted.own()
    address = {"type": "alb.networking.azure.io/alb-frontend", "value": "none"}
    charted.gateway(annotations={ID: identifier}, addresses=[address])
    assert (
        "frontend none of Application Gateway for Containers tc was not found"
        in programmed(charted)["message"]
    )


@pytest.mark.parametrize("managed", [True, False])
def test_an_ingress_gets_the_name_of_its_frontend(managed: bool) -> None:
    charted = Charted()
    annotations = MANAGED
    if managed:
        charted.balancer()
    else:
        annotations = {ID: charted.own(), "alb.networking.azure.io/alb-frontend": "fe"}
    backend = {"service": {"name": "shop", "port": {"number": 80}}}
    path = {"path": "/", "pathType": "Prefix", "backend": backend}
    spec = {
        "ingressClassName": "azure-alb-external",
        "rules": [{"host": "shop.contoso.com", "http": {"paths": [path]}}],
        "tls": [{"hosts": ["shop.contoso.com"], "secretName": "tls"}],
    }
    charted.put(kinds.INGRESS, "shop", "shop", spec=spec, annotations=annotations)
    charted.pass_(400)
    (frontend,) = charted.frontends()
    ports = [{"port": 443, "protocol": "TCP"}]
    status = charted.need(kinds.INGRESS, "shop", "shop")["status"]
    assert status["loadBalancer"]["ingress"] == [{"hostname": frontend["properties"]["fqdn"], "ports": ports}]


def test_ingresses_that_name_a_frontend_share_it() -> None:
    charted = Charted()
    charted.balancer()
    named = {**MANAGED, "alb.networking.azure.io/alb-frontend": "web"}
    spec = {"ingressClassName": "azure-alb-external", "rules": [{"host": "shop.contoso.com"}]}
    for name, marked in (("shop", named), ("shop-redirect", named), ("alone", MANAGED)):
        charted.put(kinds.INGRESS, name, "shop", spec=spec, annotations=marked)
    charted.pass_(400)
    assert len(charted.frontends()) == 2
    names = [
        charted.need(kinds.INGRESS, name, "shop")["status"]["loadBalancer"]["ingress"][0]["hostname"]
        for name in ("shop", "shop-redirect", "alone")
    ]
    assert names[0] == names[1] != names[2]


GATEWAY_TARGET = {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "web"}
ROUTE_TARGET = {"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "name": "shop"}
SERVICE_TARGET = {"group": "", "kind": "Service", "name": "shop"}
CA = {"verify": {"caCertificateRef": {"name": "ca"}}}


@pytest.mark.parametrize(
    ("kind", "spec", "reason"),
    [
        (crds.FRONTEND_TLS_POLICY, {"targetRef": GATEWAY_TARGET, "default": CA}, ""),
        (crds.FRONTEND_TLS_POLICY, {"targetRef": SERVICE_TARGET}, "InvalidKind"),
        (crds.FRONTEND_TLS_POLICY, {"targetRef": {**GATEWAY_TARGET, "group": "x"}}, "InvalidGroup"),
        (crds.FRONTEND_TLS_POLICY, {"targetRef": {**GATEWAY_TARGET, "name": "x"}}, "NoTargetReference"),
        (crds.FRONTEND_TLS_POLICY, {"targetRef": {**GATEWAY_TARGET, "sectionNames": ["x"]}}, "InvalidName"),
        (
            crds.FRONTEND_TLS_POLICY,
            {"targetRef": {**GATEWAY_TARGET, "namespace": "infra"}},
            "RefNotPermitted",
        ),
        (
            crds.FRONTEND_TLS_POLICY,
            {"targetRef": GATEWAY_TARGET, "default": {"verify": {"caCertificateRef": {"name": "x"}}}},
            "InvalidCertificateRef",
        ),
        (
            crds.FRONTEND_TLS_POLICY,
            {"targetRef": GATEWAY_TARGET, "default": {"policyType": {"name": "2020", "type": "predefined"}}},
            "InvalidPolicyName",
        ),
        (crds.FRONTEND_TLS_POLICY, {"targetRef": GATEWAY_TARGET, "override": CA}, "OverrideNotSupported"),
        (crds.BACKEND_TLS_POLICY, {"targetRef": SERVICE_TARGET, "default": {**CA, "sni": "a"}}, ""),
        (
            crds.BACKEND_TLS_POLICY,
            {"targetRef": SERVICE_TARGET, "default": {"clientCertificateRef": {"name": "ca"}}},
            "InvalidCertificateRef",
        ),
        (crds.HEALTH_CHECK_POLICY, {"targetRef": SERVICE_TARGET, "default": {"interval": "5s"}}, ""),
        (crds.HEALTH_CHECK_POLICY, {"targetRef": {**SERVICE_TARGET, "name": "x"}}, "NoTargetReference"),
        (crds.ROUTE_POLICY, {"targetRef": {**ROUTE_TARGET, "group": ""}}, ""),
    ],
)
def test_policies_are_looked_at(kind: Kind, spec: Json, reason: str) -> None:
    bench = Balanced()
    bench.put(kinds.SECRET, "ca", "shop", data={"ca.crt": "eA=="})
    bench.gateway()
    bench.route()
    bench.put(kind, "policy", "shop", spec=spec)
    bench.look()
    found = conditions(bench.need(kind, "policy", "shop"))
    if reason:
        assert found["Accepted"]["status"] == "False"
        assert found["ResolvedRefs"]["reason"] == reason
    else:
        assert found["Accepted"]["message"] == f"Valid {kind.kind}"
        assert found["ResolvedRefs"]["status"] == "True"


def test_a_firewall_policy_becomes_a_security_policy() -> None:
    charted = Charted()
    charted.up()
    firewall = charted.firewall()
    spec = {"targetRef": GATEWAY_TARGET, "webApplicationFirewall": {"id": firewall}}
    charted.put(crds.WAF_POLICY, "waf", "shop", spec=spec)
    charted.look()
    found = conditions(charted.need(crds.WAF_POLICY, "waf", "shop"))
    assert found["Deployment"]["status"] == "False"
    assert "applicationGatewayWebApplicationFirewallPolicies/join/action" in found["Deployment"]["message"]
    charted.assign(roles.NETWORK_CONTRIBUTOR, firewall, charted.user)
    charted.pass_(80)
    found = conditions(charted.need(crds.WAF_POLICY, "waf", "shop"))
    assert (found["Deployment"]["status"], found["Programmed"]["status"]) == ("True", "True")
    (security,) = charted.azure.store.list(POLICY)
    assert security["properties"]["wafPolicy"]["id"] == firewall
    go(charted, crds.WAF_POLICY, "waf", "shop")
    charted.pass_(80)
    assert charted.azure.store.list(POLICY) == []


def test_an_extension_says_what_is_missing(bench: Balanced) -> None:
    bench.put(crds.INGRESS_EXTENSION, "fine", "shop", spec={"backendSettings": [{"service": "shop"}]})
    bench.put(crds.INGRESS_EXTENSION, "lost", "shop", spec={"backendSettings": [{"service": "none"}]})
    bench.look()
    states = {
        name: conditions(bench.need(crds.INGRESS_EXTENSION, name, "shop"))["Errors"]["status"]
        for name in ("fine", "lost")
    }
    assert states == {"fine": "False", "lost": "True"}


HELM = {"app.kubernetes.io/managed-by": "Helm", "app": "alb-controller"}
ODD: list[tuple[Kind, str, Json]] = [
    (crds.APPLICATION_LOAD_BALANCER, "odd", {}),
    (crds.APPLICATION_LOAD_BALANCER, "odd", {"spec": {"associations": ["nonsense", "/subscriptions/x"]}}),
    (crds.FRONTEND_TLS_POLICY, "odd", {}),
    (crds.WAF_POLICY, "odd", {"spec": {"targetRef": GATEWAY_TARGET}}),
    (crds.INGRESS_EXTENSION, "odd", {}),
    (kinds.DEPLOYMENT, "alb-controller", {"labels": HELM, "spec": {"template": {}}}),
    (kinds.INGRESS, "odd", {"spec": {"ingressClassName": "azure-alb-external"}}),
    (
        kinds.INGRESS,
        "odd",
        {"annotations": {ID: "/nonsense"}, "spec": {"ingressClassName": "azure-alb-external"}},
    ),
]


@pytest.mark.parametrize(("kind", "name", "body"), ODD)
def test_odd_objects_do_not_bring_the_controller_down(kind: Kind, name: str, body: Json) -> None:
    bench = Balanced()
    bench.put(kind, name, "shop", **body)
    bench.up()
    assert programmed(bench)["status"] == "True"


@pytest.mark.parametrize(
    "identifier", ["nonsense", f"{GROUP}/providers/{CONTROLLER}/a/b", f"/x/providers/{CONTROLLER}/a"]
)
def test_an_odd_id_is_not_found(identifier: str) -> None:
    charted = Charted()
    address = {"type": "alb.networking.azure.io/alb-frontend", "value": "fe"}
    charted.gateway(annotations={ID: identifier}, addresses=[address])
    assert programmed(charted)["reason"] == "AddressNotAssigned"
