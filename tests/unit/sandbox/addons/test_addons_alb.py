"""The ALB controller in the cluster: what objects become in Azure, and what their status says."""

from __future__ import annotations

import re

import pytest
from addon_bench import conditions
from alb_bench import Balanced

from provision.sandbox.azure import Json
from provision.sandbox.kubernetes import crds, kinds

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
