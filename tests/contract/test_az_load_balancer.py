"""Application Gateway for Containers by the real az and the real kubectl: registrations, add-on, chart."""

from __future__ import annotations

import json
from typing import Any

import pytest

from contract.az import Az, AzError
from contract.kubectl import Kubectl
from provision.sandbox.azure import SUBSCRIPTION

GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-aks-dev"
CLUSTER = f"{GROUP}/providers/Microsoft.ContainerService/managedClusters/aks-dev"
CONTROLLERS = f"{GROUP}/providers/Microsoft.ServiceNetworking/trafficControllers"
CHART = "oci://mcr.microsoft.com/application-lb/charts/alb-controller"
PREVIEW = "2026-07-02-preview"
FEATURES = ("ManagedGatewayAPIPreview", "ApplicationLoadBalancerPreview")


def rest(az: Az, method: str, path: str, version: str, body: object = None) -> Any:
    sent = ("--body", json.dumps(body)) if body is not None else ()
    return az("rest", "--method", method, "--url", f"{path}?api-version={version}", *sent)


@pytest.fixture(scope="module")
def registered(az: Az) -> Az:
    """A subscription that is ready for Application Gateway for Containers."""
    with pytest.raises(AzError, match="MissingSubscriptionRegistration"):
        rest(az, "put", f"{CONTROLLERS}/early", "2025-01-01", {"location": "westeurope"})
    az("provider", "register", "--namespace", "Microsoft.ServiceNetworking", "--wait")
    for name in FEATURES:
        made = az("feature", "register", "--namespace", "Microsoft.ContainerService", "--name", name)
        assert made["properties"]["state"] in ("Registering", "Registered")
        while made["properties"]["state"] != "Registered":
            made = az("feature", "show", "--namespace", "Microsoft.ContainerService", "--name", name)
    return az


@pytest.fixture(scope="module")
def balanced(registered: Az) -> Az:
    """The add-on is on in aks-dev."""
    cluster = rest(registered, "get", CLUSTER, PREVIEW)
    cluster["properties"]["ingressProfile"] = {
        "gatewayAPI": {"installation": "Standard"},
        "applicationLoadBalancer": {"enabled": True},
    }
    rest(registered, "put", CLUSTER, PREVIEW, cluster)
    registered("aks", "wait", "-g", "rg-aks-dev", "-n", "aks-dev", "--updated", "--interval", "1")
    return registered


def test_what_is_not_registered_is_refused(az: Az, registered: Az) -> None:
    cluster = rest(az, "get", CLUSTER, "2026-08-01")
    cluster["properties"]["ingressProfile"] = {"applicationLoadBalancer": {"enabled": True}}
    with pytest.raises(AzError, match="UnmarshalError"):
        rest(az, "put", CLUSTER, "2026-08-01", cluster)
    with pytest.raises(AzError, match="FeatureNotFound"):
        az("feature", "show", "--namespace", "Microsoft.ContainerService", "--name", "Nope")


def test_a_traffic_controller_is_made_and_deleted(registered: Az) -> None:
    here = ("--location", "westeurope", "--properties", "{}", "--api-version", "2025-01-01")
    made = registered("resource", "create", "--id", f"{CONTROLLERS}/tc", *here)
    assert made["properties"]["provisioningState"] == "Succeeded"
    frontend = registered("resource", "create", "--id", f"{CONTROLLERS}/tc/frontends/fe", *here)
    assert frontend["properties"]["fqdn"].endswith(".alb.azure.com")
    for name in ("tc/frontends/fe", "tc"):
        registered("resource", "delete", "--ids", f"{CONTROLLERS}/{name}", "--api-version", "2025-01-01")


def test_a_firewall_policy_is_made_by_az(registered: Az) -> None:
    place = ("-g", "rg-aks-dev", "-n", "waf")
    rules = ("--type", "Microsoft_DefaultRuleSet", "--version", "2.1")
    made = registered("network", "application-gateway", "waf-policy", "create", *place, *rules)
    assert made["managedRules"]["managedRuleSets"][0]["ruleSetVersion"] == "2.1"
    registered("network", "application-gateway", "waf-policy", "delete", *place)


def test_kubectl_waits_for_a_gateway(balanced: Az, kubectl: Kubectl) -> None:
    networks = balanced("network", "vnet", "list")
    (subnet,) = [
        each["id"] for one in networks for each in one["subnets"] if each["name"] == "aks-appgateway"
    ]
    api, group = "gateway.networking.k8s.io/v1", "alb.networking.azure.io"
    chosen = {f"{group}/alb-namespace": "default", f"{group}/alb-name": "alb"}
    listener = {"name": "http", "port": 80, "protocol": "HTTP"}
    kubectl.apply(
        {
            "apiVersion": f"{group}/v1",
            "kind": "ApplicationLoadBalancer",
            "metadata": {"name": "alb", "namespace": "default"},
            "spec": {"associations": [subnet]},
        },
        {
            "apiVersion": api,
            "kind": "Gateway",
            "metadata": {"name": "web", "namespace": "default", "annotations": chosen},
            "spec": {"gatewayClassName": "azure-alb-external", "listeners": [listener]},
        },
    )
    kubectl("wait", "--for=condition=Programmed", "gateway/web", "--timeout=60s")
    assert ".alb.azure.com" in kubectl("get", "gateway", "web")
    table = kubectl("get", "applicationloadbalancer")
    assert table.split()[:3] == ["NAME", "DEPLOYMENT", "AGE"]
    kubectl("delete", "gateway/web", "applicationloadbalancer/alb", "--timeout=60s")
    prefix = "microsoft.servicenetworking/trafficcontrollers"
    left = balanced("resource", "list", "--resource-type", "Microsoft.ServiceNetworking/trafficControllers")
    assert [each for each in left if prefix in each["id"].lower() and "/mc_" in each["id"].lower()] == []


def test_the_chart_is_installed_by_a_run_command(az: Az) -> None:
    command = f"helm upgrade --install alb-controller {CHART} --version 1.9.13; helm list -o json"
    done = az("aks", "command", "invoke", "-g", "rg-aks-legacy", "-n", "aks-legacy", "--command", command)
    assert done["exitCode"] == 0
    assert '"chart":"alb-controller-1.9.13"' in done["logs"]
