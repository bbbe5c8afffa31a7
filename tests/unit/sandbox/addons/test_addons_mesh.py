"""The service mesh add-on in a cluster: control planes, gateways, what users may change, what stays."""

from __future__ import annotations

from typing import Any

import pytest
from addon_bench import SECRETS, Bench

from provision.sandbox.azure import Json
from provision.sandbox.edge import fronts
from provision.sandbox.edge.exchange import Visit
from provision.sandbox.kubernetes import crds, kinds

SYSTEM, INGRESS = "aks-istio-system", "aks-istio-ingress"
EXTERNAL = "aks-istio-ingressgateway-external"
STATIC = "service.beta.kubernetes.io/azure-load-balancer-ipv4"
BOTH = [{"mode": "External", "enabled": True}, {"mode": "Internal", "enabled": True}]


def profile(*revisions: str, gateways: list[Json] | None = None, **istio: Any) -> Json:
    components = {"ingressGateways": BOTH if gateways is None else gateways, **istio.pop("components", {})}
    return {
        "mode": "Istio",
        "istio": {"revisions": list(revisions or ["asm-1-29"]), "components": components, **istio},
    }


def bench(*revisions: str, **options: Any) -> Bench:
    gateway_api = {"gatewayAPI": {"installation": "Standard"}}
    return Bench(ingressProfile=gateway_api, serviceMeshProfile=profile(*revisions, **options))


def names(made: Bench, kind: Any, namespace: str) -> list[str]:
    return sorted(each["metadata"]["name"] for each in made.objects.list(kind, namespace))


def test_each_revision_has_its_control_plane_and_gateway_pods_behind_one_service() -> None:
    made = bench()
    address = made.need(kinds.SERVICE, EXTERNAL, INGRESS)["status"]
    made.alter(serviceMeshProfile=profile("asm-1-29", "asm-1-30"))
    made.look()
    for kind in (kinds.DEPLOYMENT, kinds.AUTOSCALER, kinds.DISRUPTION_BUDGET):
        assert names(made, kind, SYSTEM) == ["istiod-asm-1-29", "istiod-asm-1-30"]
        assert [each for each in names(made, kind, INGRESS) if "external" in each] == [
            f"{EXTERNAL}-asm-1-29",
            f"{EXTERNAL}-asm-1-30",
        ]
    assert made.need(kinds.SERVICE, EXTERNAL, INGRESS)["status"] == address
    template = made.need(kinds.DEPLOYMENT, f"{EXTERNAL}-asm-1-30", INGRESS)["spec"]["template"]
    labels = {"app": EXTERNAL, "istio": EXTERNAL, "istio.io/rev": "asm-1-30"}
    assert template["metadata"]["labels"] == labels
    made.alter(serviceMeshProfile=profile("asm-1-30"))
    made.look()
    assert names(made, kinds.DEPLOYMENT, SYSTEM) == ["istiod-asm-1-30"]
    assert made.objects.get(kinds.DEPLOYMENT, f"{EXTERNAL}-asm-1-29", INGRESS) is None
    assert made.need(kinds.SERVICE, EXTERNAL, INGRESS)["status"] == address


def test_the_service_keeps_what_users_may_set_and_loses_the_rest() -> None:
    made = bench()
    service = made.need(kinds.SERVICE, EXTERNAL, INGRESS)
    assert service["spec"]["externalTrafficPolicy"] == "Cluster"
    kept = {
        STATIC: "20.9.8.7",
        "service.beta.kubernetes.io/azure-allowed-ip-ranges": "203.0.113.0/24",
        "service.beta.kubernetes.io/port_443_health-probe_protocol": "tcp",
        "external-dns.alpha.kubernetes.io/hostname": "shop.contoso.com",
    }
    lost = {
        "service.beta.kubernetes.io/azure-load-balancer-internal": "true",
        "service.beta.kubernetes.io/port_8443_health-probe_protocol": "tcp",
    }
    service["metadata"]["annotations"] = kept | lost
    service["spec"] |= {"externalTrafficPolicy": "Local", "loadBalancerSourceRanges": ["10.0.0.0/8"]}
    service["spec"]["ports"].append({"name": "more", "port": 8443, "protocol": "TCP"})
    service["spec"]["type"] = "ClusterIP"
    made.objects.put(kinds.SERVICE, service)
    made.look()
    service = made.need(kinds.SERVICE, EXTERNAL, INGRESS)
    assert service["metadata"]["annotations"] == kept
    assert (service["spec"]["type"], service["spec"]["externalTrafficPolicy"]) == ("LoadBalancer", "Local")
    assert "loadBalancerSourceRanges" not in service["spec"]
    assert [port["port"] for port in service["spec"]["ports"]] == [15021, 80, 443]
    assert service["status"]["loadBalancer"]["ingress"][0]["ip"] == "20.9.8.7"


@pytest.mark.parametrize("mode", ["external", "internal"])
def test_the_edge_finds_the_gateway_by_what_the_add_on_labels(mode: str) -> None:
    made = bench()
    name = f"aks-istio-ingressgateway-{mode}"
    port = {"number": 80, "name": "http", "protocol": "HTTP"}
    servers = [{"port": port, "hosts": ["shop.contoso.com"]}]
    made.put(crds.ISTIO_GATEWAY, "web", "shop", spec={"selector": {"istio": name}, "servers": servers})
    route = {"route": [{"destination": {"host": "shop"}}]}
    spec = {"hosts": ["shop.contoso.com"], "gateways": ["web"], "http": [route]}
    made.put(crds.VIRTUAL_SERVICE, "shop", "shop", spec=spec)
    made.put(kinds.SERVICE, "shop", "shop", spec={"type": "ClusterIP", "ports": [{"port": 80}]})
    made.look()
    address = made.need(kinds.SERVICE, name, INGRESS)["status"]["loadBalancer"]["ingress"][0]["ip"]
    front = fronts.at(made.azure, address)
    assert front is not None
    assert front.ports() == {80}
    answer = front.respond(Visit("GET", "shop.contoso.com", 80))
    assert (answer.status, "service: shop" in answer.text) == (200, True)


def test_an_internal_gateway_refuses_a_public_address() -> None:
    made = bench()
    service = made.need(kinds.SERVICE, "aks-istio-ingressgateway-internal", INGRESS)
    before = service["status"]
    service["metadata"]["annotations"][STATIC] = "20.9.8.7"
    made.objects.put(kinds.SERVICE, service)
    made.look()
    assert "PrivateIPAddressNotInSubnet" in made.told("SyncLoadBalancerFailed")
    assert made.need(kinds.SERVICE, "aks-istio-ingressgateway-internal", INGRESS)["status"] == before


def test_users_set_the_autoscaler_and_a_canary_follows_it() -> None:
    made = bench()
    stable = made.need(kinds.AUTOSCALER, f"{EXTERNAL}-asm-1-29", INGRESS)
    assert (stable["spec"]["minReplicas"], stable["spec"]["maxReplicas"]) == (2, 5)
    stable["spec"] |= {"minReplicas": 3, "maxReplicas": 9}
    made.objects.put(kinds.AUTOSCALER, stable)
    made.alter(serviceMeshProfile=profile("asm-1-29", "asm-1-30"))
    made.look()
    canary = made.need(kinds.AUTOSCALER, f"{EXTERNAL}-asm-1-30", INGRESS)["spec"]
    assert (canary["minReplicas"], canary["maxReplicas"]) == (3, 9)
    assert canary["scaleTargetRef"]["name"] == f"{EXTERNAL}-asm-1-30"
    assert made.need(kinds.DEPLOYMENT, f"{EXTERNAL}-asm-1-29", INGRESS)["spec"]["replicas"] == 3
    stable = made.need(kinds.AUTOSCALER, f"{EXTERNAL}-asm-1-29", INGRESS)
    stable["spec"]["minReplicas"] = 1
    made.objects.put(kinds.AUTOSCALER, stable)
    made.look()
    assert made.need(kinds.AUTOSCALER, f"{EXTERNAL}-asm-1-29", INGRESS)["spec"]["minReplicas"] == 2


def test_what_stays_when_the_mesh_goes() -> None:
    made = bench()
    made.put(kinds.SECRET, "shop-tls", INGRESS, data={})
    made.put(crds.VIRTUAL_SERVICE, "shop", "default", spec={"hosts": ["*"]})
    made.alter(serviceMeshProfile={"mode": "Disabled"})
    made.look()
    for name in (SYSTEM, INGRESS):
        assert made.objects.get(kinds.NAMESPACE, name) is None
    assert made.objects.list(kinds.SECRET, INGRESS) == []
    made.need(crds.VIRTUAL_SERVICE, "shop", "default")
    made.need(crds.GATEWAY_CLASS, "istio")
    made.need(kinds.CRD, "gateways.networking.istio.io")
    before = made.dump()
    made.look()
    assert made.dump() == before


def test_a_look_at_a_mesh_that_is_as_it_should_be_writes_nothing() -> None:
    made = bench("asm-1-29", "asm-1-30")
    made.look()
    before = made.dump()
    made.look()
    assert made.dump() == before


@pytest.mark.parametrize("mechanism", ["CNIChaining", "InitContainers"])
def test_istio_cni_runs_on_every_node(mechanism: str) -> None:
    made = bench(components={"proxyRedirectionMechanism": mechanism})
    found = made.objects.get(kinds.DAEMON_SET, "azure-service-mesh-istio-cni-addon-node", SYSTEM)
    assert (found is not None) == (mechanism == "CNIChaining")
    if found is not None:
        assert found["status"]["numberReady"] == 3


def test_the_control_plane_waits_for_its_authority_in_key_vault() -> None:
    plugin = {
        "keyVaultId": "/subscriptions/x/resourceGroups/y/providers/Microsoft.KeyVault/vaults/kv-test",
        **dict.fromkeys(
            ("certObjectName", "keyObjectName", "rootCertObjectName", "certChainObjectName"), "ca"
        ),
    }
    made = Bench(
        secrets=SECRETS,
        serviceMeshProfile=profile(certificateAuthority={"plugin": plugin}),
        ingressProfile={},
    )
    assert available(made) == "False"
    assert "kv-test.vault.azure.net" in made.told("FailedMount", "istiod-asm-1-29")
    vault = made.vault()
    made.data_plane("PUT", "/secrets/ca", {"value": "a PEM text"})
    made.look()
    assert "Forbidden" in made.told("FailedMount", "istiod-asm-1-29")
    addon = made.cluster["properties"]["addonProfiles"]["azureKeyvaultSecretsProvider"]
    reader = {"properties": {"principalId": addon["identity"]["objectId"]}}
    made.assign("4633458b-17de-408a-b874-0445c86b69e6", vault["id"], reader)
    made.look()
    assert available(made) == "True"


def available(made: Bench) -> str:
    found = made.need(kinds.DEPLOYMENT, "istiod-asm-1-29", SYSTEM)["status"]["conditions"]
    return str(next(each["status"] for each in found if each["type"] == "Available"))
