"""NGINX of the app routing add-on: the default controller, further ones, what Ingresses say of themselves.

Source: Azure/aks-app-routing-operator, pkg/controller/nginxingress (June 2026). Switching the add-on off
leaves ConfigMaps, Secrets, definitions and their objects behind ("Application routing add-on", Microsoft
Learn, 2026); what would serve traffic goes.
"""

from __future__ import annotations

from provision.sandbox.addons import events, load_balancer, nginx_objects
from provision.sandbox.addons.nginx_objects import DEFAULT, DEFAULT_CLASS, DEFAULT_RESOURCE
from provision.sandbox.addons.site import ROUTING_NAMESPACE, Site
from provision.sandbox.addons.writing import (
    MANAGED_BY_OPERATOR,
    OPERATOR,
    conditions,
    ensure,
    ensure_namespace,
    has_labels,
    is_owned_by,
    owned_by,
    run,
    set_status,
)
from provision.sandbox.azure import Json
from provision.sandbox.kubernetes import crds, kinds
from provision.sandbox.kubernetes.objects import Kind

_MOST_COLLISIONS = 5
_INTERNAL = {"External": "false", "Internal": "true"}
_SERVING = (kinds.INGRESS_CLASS, kinds.SERVICE, kinds.DEPLOYMENT, kinds.AUTOSCALER, kinds.DISRUPTION_BUDGET)


class CollisionError(Exception):
    """Something of the same name is there and not the controller's: (reason, condition, event)."""


def reconcile(site: Site) -> None:
    """The default controller as the cluster asks for it, then every controller there is."""
    if not site.routing:
        _stop(site)
        return
    ensure_namespace(site, ROUTING_NAMESPACE)
    _default(site, (site.routing.get("nginx") or {}).get("defaultIngressControllerType"))
    for controller in site.objects.list(crds.NGINX_INGRESS_CONTROLLER):
        _controller(site, controller)


def reconcile_ingresses(site: Site) -> None:
    """The address of its controller in the status of each Ingress."""
    addresses = {}
    for controller in site.named(crds.NGINX_INGRESS_CONTROLLER) if site.routing else ():
        name = _present_name(controller)
        service = site.objects.get(kinds.SERVICE, name, ROUTING_NAMESPACE)
        addresses[controller["spec"]["ingressClassName"]] = load_balancer.address_of(service)
    for ingress in site.objects.list(kinds.INGRESS):
        address = addresses.get(ingress["spec"].get("ingressClassName"))
        if address:
            status = {"loadBalancer": {"ingress": [{"ip": address}]}}
            set_status(site, kinds.INGRESS, ingress, status, "nginx-ingress-controller")


def _default(site: Site, kind: str | None) -> None:
    """`None` neither makes nor removes it (Microsoft Learn, 2026)."""
    if kind == "None":
        return
    spec: Json = {"ingressClassName": DEFAULT_CLASS, "controllerNamePrefix": DEFAULT_RESOURCE}
    if kind in _INTERNAL:
        spec["loadBalancerAnnotations"] = {load_balancer.INTERNAL: _INTERNAL[kind]}
    ensure(site, crds.NGINX_INGRESS_CONTROLLER, {"metadata": {"name": DEFAULT}, "spec": spec})


def _controller(site: Site, controller: Json) -> None:
    try:
        collisions = _collisions(site, controller)
    except CollisionError as error:
        reason, told, event = error.args
        events.warn(site, controller, reason, event, OPERATOR)
        _report(site, controller, [], None, 0, ("Progressing", "False", reason, told))
        return
    name = nginx_objects.resource_name(controller, collisions)
    made = []
    deployment: Json | None = None
    for kind, body in nginx_objects.objects(controller, name):
        body["metadata"]["ownerReferences"] = owned_by(controller)
        live = ensure(site, kind, body)
        if kind is kinds.DEPLOYMENT:
            deployment = run(site, live)
        made.append((kind, live))
    _report(site, controller, made, deployment, collisions, None)


def _collisions(site: Site, controller: Json) -> int:
    """How many names were taken by others before one was free. Raises CollisionError."""
    if nginx_objects.is_default(controller):
        return 0
    count = (controller.get("status") or {}).get("collisionCount") or 0
    while count < _MOST_COLLISIONS:
        collided = _collided(site, controller, nginx_objects.resource_name(controller, count))
        if collided is kinds.INGRESS_CLASS:
            told = "IngressClass already exists and is not owned by this controller"
            advice = (
                f"{told}. Change the spec.IngressClassName to an unused IngressClass name in a new"
                " NginxIngressController."
            )
            raise CollisionError("IngressClassCollision", told, advice)
        if collided is None:
            return int(count)
        count += 1
    told = "Too many collisions with existing resources"
    advice = (
        f"{told}. Change the spec.ControllerNamePrefix to something more unique in a new"
        " NginxIngressController."
    )
    raise CollisionError("TooManyCollisions", told, advice)


def _collided(site: Site, controller: Json, name: str) -> Kind | None:
    for kind, body in nginx_objects.objects(controller, name):
        metadata = body["metadata"]
        live = site.objects.get(kind, metadata["name"], metadata.get("namespace", ""))
        if live and not is_owned_by(live, controller):
            return kind
    return None


def _report(
    site: Site,
    controller: Json,
    made: list[tuple[Kind, Json]],
    deployment: Json | None,
    collisions: int,
    problem: tuple[str, str, str, str] | None,
) -> None:
    state: Json = (deployment or {}).get("status") or {}
    wanted = _healthy() if deployment else _unknown()
    if problem:
        wanted = [problem if each[0] == problem[0] else each for each in wanted]
    status = {
        "conditions": conditions(controller, wanted, site.objects.now()),
        "controllerReplicas": state.get("replicas", 0),
        "controllerReadyReplicas": state.get("readyReplicas", 0),
        "controllerAvailableReplicas": state.get("availableReplicas", 0),
        "controllerUnavailableReplicas": state.get("unavailableReplicas", 0),
        "collisionCount": collisions,
        "managedResourceRefs": [
            {
                "name": body["metadata"]["name"],
                "namespace": body["metadata"].get("namespace", ""),
                "kind": kind.kind,
                "apiGroup": kind.group,
            }
            for kind, body in made
        ],
    }
    set_status(site, crds.NGINX_INGRESS_CONTROLLER, controller, status, OPERATOR)


def _healthy() -> list[tuple[str, str, str, str]]:
    return [
        ("IngressClassReady", "True", "IngressClassIsReady", "Ingress Class is up-to-date "),
        (
            "ControllerAvailable",
            "True",
            "ControllerDeploymentAvailable",
            "Controller Deployment is available",
        ),
        (
            "Progressing",
            "True",
            "ControllerDeploymentProgressing",
            "Controller Deployment has successfully progressed",
        ),
        (
            "Available",
            "True",
            "ControllerIsAvailable",
            "Controller Deployment has minimum availability and IngressClass is up-to-date",
        ),
    ]


def _unknown() -> list[tuple[str, str, str, str]]:
    unknown = ("Unknown", "ControllerDeploymentUnknown", "Controller deployment is unknown")
    return [
        ("IngressClassReady", "Unknown", "IngressClassUnknown", "IngressClass is unknown"),
        ("ControllerAvailable", *unknown),
        ("Progressing", *unknown),
        (
            "Available",
            "False",
            "ControllerIsNotAvailable",
            "Controller Deployment does not have minimum availability or IngressClass is not up-to-date",
        ),
    ]


def _present_name(controller: Json) -> str:
    collisions = (controller.get("status") or {}).get("collisionCount") or 0
    return nginx_objects.resource_name(controller, collisions)


def _stop(site: Site) -> None:
    for kind in _SERVING:
        namespace = ROUTING_NAMESPACE if kind.namespaced else ""
        for body in site.objects.list(kind, namespace):
            if has_labels(body, MANAGED_BY_OPERATOR):
                site.objects.delete(kind, body["metadata"]["name"], namespace)
