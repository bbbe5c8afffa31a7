"""NGINX of app routing: the default controller, further ones, Ingresses."""

from __future__ import annotations

import pytest
from addon_bench import Bench, conditions

from provision.sandbox.addons import nginx_objects
from provision.sandbox.azure import Json
from provision.sandbox.kubernetes import crds, kinds

NAMESPACE = "app-routing-system"
INTERNAL = "service.beta.kubernetes.io/azure-load-balancer-internal"


def bench(kind: str | None = None, **routing: object) -> Bench:
    nginx: Json = {"nginx": {"defaultIngressControllerType": kind}} if kind else {}
    return Bench(ingressProfile={"webAppRouting": {"enabled": True, **nginx, **routing}})


def address(made: Bench, name: str = "nginx") -> str:
    service = made.need(kinds.SERVICE, name, NAMESPACE)
    return str(service["status"]["loadBalancer"]["ingress"][0]["ip"])


@pytest.mark.parametrize(
    ("kind", "annotations", "start"),
    [
        (None, {}, "20."),
        ("AnnotationControlled", {}, "20."),
        ("External", {INTERNAL: "false"}, "20."),
        ("Internal", {INTERNAL: "true"}, "10."),
    ],
)
def test_the_default_controller_by_type(kind: str | None, annotations: Json, start: str) -> None:
    made = bench(kind)
    controller = made.need(crds.NGINX_INGRESS_CONTROLLER, "default")
    assert controller["spec"].get("loadBalancerAnnotations", {}) == annotations
    assert conditions(controller)["Available"]["status"] == "True"
    assert address(made).startswith(start)
    ingress_class = made.need(kinds.INGRESS_CLASS, "webapprouting.kubernetes.azure.com")
    assert ingress_class["spec"]["controller"] == "webapprouting.kubernetes.azure.com/nginx"
    for each in (kinds.DEPLOYMENT, kinds.CONFIG_MAP, kinds.AUTOSCALER, kinds.DISRUPTION_BUDGET):
        made.need(each, "nginx", NAMESPACE)


def test_none_makes_no_controller_and_removes_none() -> None:
    assert bench("None").objects.list(crds.NGINX_INGRESS_CONTROLLER) == []
    made = bench("External")
    made.alter(
        ingressProfile={"webAppRouting": {"enabled": True, "nginx": {"defaultIngressControllerType": "None"}}}
    )
    made.look()
    made.need(crds.NGINX_INGRESS_CONTROLLER, "default")
    assert address(made).startswith("20.")


def test_switching_off_leaves_settings_and_objects_but_serves_nothing() -> None:
    made = bench()
    made.alter(ingressProfile={"webAppRouting": {"enabled": False}})
    made.look()
    made.need(crds.NGINX_INGRESS_CONTROLLER, "default")
    made.need(kinds.CONFIG_MAP, "nginx", NAMESPACE)
    assert made.objects.list(kinds.SERVICE, NAMESPACE) == []
    assert made.objects.list(kinds.DEPLOYMENT, NAMESPACE) == []
    assert made.objects.list(kinds.INGRESS_CLASS) == []


def test_a_further_controller_becomes_class_and_service() -> None:
    made = bench()
    spec = {
        "ingressClassName": "internal",
        "controllerNamePrefix": "inner",
        "loadBalancerAnnotations": {INTERNAL: "true"},
        "scaling": {"minReplicas": 3, "threshold": "rapid"},
        "httpDisabled": True,
    }
    made.put(crds.NGINX_INGRESS_CONTROLLER, "inner", spec=spec)
    made.look()
    assert address(made, "inner-0").startswith("10.")
    service = made.need(kinds.SERVICE, "inner-0", NAMESPACE)
    assert [port["port"] for port in service["spec"]["ports"]] == [443]
    assert made.need(kinds.INGRESS_CLASS, "internal")["spec"]["controller"].endswith("/inner")
    scaling = made.need(kinds.AUTOSCALER, "inner-0", NAMESPACE)["spec"]
    assert (scaling["minReplicas"], scaling["metrics"][0]["resource"]["target"]["averageUtilization"]) == (
        3,
        55,
    )
    status = made.need(crds.NGINX_INGRESS_CONTROLLER, "inner")["status"]
    assert status["controllerAvailableReplicas"] == 3
    assert {"Service", "IngressClass"} <= {each["kind"] for each in status["managedResourceRefs"]}


def test_a_class_of_someone_else_is_a_collision() -> None:
    made = bench()
    made.put(kinds.INGRESS_CLASS, "mine", spec={"controller": "k8s.io/other"})
    spec = {"ingressClassName": "mine", "controllerNamePrefix": "mine"}
    made.put(crds.NGINX_INGRESS_CONTROLLER, "mine", spec=spec)
    made.look()
    found = conditions(made.need(crds.NGINX_INGRESS_CONTROLLER, "mine"))
    assert found["Progressing"]["reason"] == "IngressClassCollision"
    assert found["Available"]["status"] == "False"
    assert "Change the spec.IngressClassName" in made.told("IngressClassCollision", "mine")
    assert made.need(kinds.INGRESS_CLASS, "mine")["spec"]["controller"] == "k8s.io/other"


def test_a_taken_name_is_counted_past() -> None:
    made = bench()
    made.put(kinds.SERVICE, "extra-0", NAMESPACE, spec={"ports": []})
    spec = {"ingressClassName": "extra", "controllerNamePrefix": "extra"}
    made.put(crds.NGINX_INGRESS_CONTROLLER, "extra", spec=spec)
    made.look()
    assert made.need(crds.NGINX_INGRESS_CONTROLLER, "extra")["status"]["collisionCount"] == 1
    made.need(kinds.SERVICE, "extra-1", NAMESPACE)


def test_too_many_taken_names_are_told() -> None:
    made = bench()
    for number in range(5):
        made.put(kinds.SERVICE, f"extra-{number}", NAMESPACE, spec={"ports": []})
    spec = {"ingressClassName": "extra", "controllerNamePrefix": "extra"}
    made.put(crds.NGINX_INGRESS_CONTROLLER, "extra", spec=spec)
    made.look()
    found = conditions(made.need(crds.NGINX_INGRESS_CONTROLLER, "extra"))
    assert found["Progressing"]["reason"] == "TooManyCollisions"
    assert "Change the spec.ControllerNamePrefix" in made.told("TooManyCollisions", "extra")


def test_an_ingress_shows_the_address_of_its_class() -> None:
    made = bench()
    for name, ingress_class in (("web", "webapprouting.kubernetes.azure.com"), ("other", "elsewhere")):
        made.put(kinds.INGRESS, name, "default", spec={"ingressClassName": ingress_class})
    made.look()
    shown = made.need(kinds.INGRESS, "web", "default")["status"]["loadBalancer"]["ingress"]
    assert shown == [{"ip": address(made)}]
    assert "status" not in made.need(kinds.INGRESS, "other", "default")
    before = made.dump()
    made.look()
    assert made.dump() == before


@pytest.mark.parametrize(
    ("scaling", "replicas"),
    [({}, (2, 100)), ({"maxReplicas": 1}, (1, 1)), ({"minReplicas": 120}, (120, 120))],
)
def test_one_bound_of_the_scaling_moves_the_other(scaling: Json, replicas: tuple[int, int]) -> None:
    assert nginx_objects.replicas({"scaling": scaling}) == replicas
