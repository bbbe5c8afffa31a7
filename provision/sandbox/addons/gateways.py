"""Gateways of the classes that run: their Service and workload, their status, the status of their routes.

Source: istio/istio, pilot/pkg/config/kube/gatewaycommon/deploymentcontroller.go and
manifests/charts/istio-control/istio-discovery/files/kube-gateway.yaml (August 2026). AKS adds an autoscaler
of 2 to 5 and a disruption budget of 1 ("Application routing add-on with Gateway API", 2026-06).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import yaml

from provision.sandbox.addons import istio, listeners, load_balancer, routes
from provision.sandbox.addons.istio_objects import deployment
from provision.sandbox.addons.site import Site
from provision.sandbox.addons.writing import (
    ADDON_MANAGER,
    ISTIO,
    conditions,
    ensure,
    owned_by,
    run,
    set_status,
)
from provision.sandbox.azure import Json
from provision.sandbox.kubernetes import catalog, crds, kinds
from provision.sandbox.kubernetes.objects import Kind

_NOT_COPIED = (
    "kubectl.kubernetes.io/last-applied-configuration",
    "gateway.istio.io/name-override",
    "gateway.istio.io/service-account",
    "gateway.istio.io/controller-version",
)
_LABEL = "gateway.networking.k8s.io"
_SERVICE_TYPE = "networking.istio.io/service-type"
_WAITING = "Waiting for controller"


class ParametersError(Exception):
    """A Gateway's parameters can't be used; the text is that of its condition."""


def reconcile_infrastructure(site: Site) -> None:
    """The objects behind each Gateway, in the Gateway's namespace."""
    for gateway in _gateways(site):
        _infrastructure(site, gateway)


def reconcile_status(site: Site) -> None:
    """What Gateways and routes say of themselves, once Services have their addresses."""
    _explain_standstill(site)
    gateways = _gateways(site)
    if not gateways:
        return
    world = world_of(site, gateways)
    found = [(kind, route) for kind in route_kinds(site) for route in site.objects.list(kind)]
    counted = Counter(pair for _, route in found for pair in set(routes.attached(route, world)))
    now = site.objects.now()
    for kind, route in found:
        status = routes.status(route, world, istio.CONTROLLER, now)
        if status != (route.get("status") or {"parents": []}):
            set_status(site, kind, route, status, ISTIO)
    secrets = {key_of(secret): secret for secret in site.objects.list(kinds.SECRET)}
    for gateway in gateways:
        key = key_of(gateway)
        name = service_name(gateway)
        service = site.objects.get(kinds.SERVICE, name, key[0])
        front = listeners.Front(
            gateway,
            name,
            load_balancer.address_of(service),
            {listener: count for (owner, listener), count in counted.items() if owner == key},
            secrets,
            world.grants,
            _invalid_parameters(site, gateway),
        )
        set_status(site, crds.GATEWAY, gateway, listeners.status(front, now), ISTIO)


def route_kinds(site: Site) -> list[Kind]:
    """Kinds of routes that the cluster knows; which there are depends on the bundle."""
    names = [f"{plural}.{routes.GROUP}" for plural in ("httproutes", "grpcroutes", "tlsroutes")]
    return [kind for name in names for kind in catalog.defined(site.objects, name)[:1]]


def service_name(gateway: Json) -> str:
    """Name of everything behind a Gateway: its own and its class's."""
    return f"{gateway['metadata']['name']}-{gateway['spec']['gatewayClassName']}"


def _gateways(site: Site) -> list[Json]:
    """Gateways that a control plane looks after; those that point to a Service of their own are not."""
    running = istio.running_classes(site)
    if not running:
        return []
    return [
        gateway
        for gateway in site.objects.list(crds.GATEWAY)
        if gateway["spec"]["gatewayClassName"] in running
        and all(each.get("type") != "Hostname" for each in gateway["spec"].get("addresses") or ())
    ]


def world_of(site: Site, gateways: Iterable[Json]) -> routes.World:
    """What routes to these Gateways may refer to."""
    labels = {
        each["metadata"]["name"]: each["metadata"].get("labels") or {}
        for each in site.objects.list(kinds.NAMESPACE)
    }
    services = frozenset(key_of(service) for service in site.objects.list(kinds.SERVICE))
    by_key = {key_of(gateway): gateway for gateway in gateways}
    return routes.World(by_key, labels, services, site.named(crds.REFERENCE_GRANT))


def key_of(body: Json) -> tuple[str, str]:
    """Namespace and name."""
    return body["metadata"]["namespace"], body["metadata"]["name"]


def _explain_standstill(site: Site) -> None:
    """Gateways whose control plane can't start stay as they are; one never seen by it says why."""
    if not site.routing_istio or not site.serves(crds.GATEWAY):
        return
    problem = istio.obstacle(site)
    for gateway in site.objects.list(crds.GATEWAY) if problem else ():
        present = (gateway.get("status") or {}).get("conditions") or []
        if gateway["spec"]["gatewayClassName"] == istio.ROUTING_CLASS and all(
            each["status"] == "Unknown" for each in present
        ):
            message = f"{_WAITING}: {problem}"
            wanted = [(kind, "Unknown", "Pending", message) for kind in ("Accepted", "Programmed")]
            status = {
                **(gateway.get("status") or {}),
                "conditions": conditions(gateway, wanted, site.objects.now()),
            }
            set_status(site, crds.GATEWAY, gateway, status, ADDON_MANAGER)


def _infrastructure(site: Site, gateway: Json) -> None:
    metadata = gateway["metadata"]
    name, namespace = service_name(gateway), metadata["namespace"]
    asked = gateway["spec"].get("infrastructure") or {}
    own_labels = asked["labels"] if "labels" in asked else metadata.get("labels") or {}
    own_annotations = asked["annotations"] if "annotations" in asked else metadata.get("annotations") or {}
    labels = {
        **own_labels,
        f"{_LABEL}/gateway-name": metadata["name"],
        f"{_LABEL}/gateway-class-name": gateway["spec"]["gatewayClassName"],
    }
    place: Json = {
        "name": name,
        "namespace": namespace,
        "labels": labels,
        "annotations": {key: own_annotations[key] for key in own_annotations if key not in _NOT_COPIED},
        "ownerReferences": owned_by(gateway, controller=False),
    }
    try:
        overlay = _parameters(site, gateway)
    except ParametersError:  # told in the Gateway's status
        return
    selector = {f"{_LABEL}/gateway-name": metadata["name"]}
    service = _service(gateway, place, selector)
    ensure(site, kinds.SERVICE, _merged(service, overlay.get("service")), ISTIO)
    ensure(site, kinds.SERVICE_ACCOUNT, {"metadata": place}, ISTIO)
    body = deployment(name, namespace, selector, "istio-proxy", "proxyv2", labels, replicas=2)
    body["metadata"] = place
    run(site, ensure(site, kinds.DEPLOYMENT, _merged(body, overlay.get("deployment")), ISTIO))
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}
    scaling: Json = {
        "metadata": place,
        "spec": {"scaleTargetRef": target, "minReplicas": 2, "maxReplicas": 5},
    }
    ensure(site, kinds.AUTOSCALER, _merged(scaling, overlay.get("horizontalPodAutoscaler")), ISTIO)
    budget: Json = {
        "metadata": place,
        "spec": {"minAvailable": 1, "selector": {"matchLabels": selector}},
    }
    ensure(site, kinds.DISRUPTION_BUDGET, _merged(budget, overlay.get("podDisruptionBudget")), ISTIO)


def _service(gateway: Json, place: Json, selector: Json) -> Json:
    annotations = gateway["metadata"].get("annotations") or {}
    kind = annotations.get(_SERVICE_TYPE, "LoadBalancer")
    ports: list[Json] = [{"name": "status-port", "port": 15021, "protocol": "TCP", "appProtocol": "tcp"}]
    for listener in gateway["spec"]["listeners"]:
        if all(port["port"] != listener["port"] for port in ports):
            name = listener["name"].replace(".", "-")[:63]
            protocol = listener["protocol"].lower()
            port = {"name": name, "port": listener["port"], "protocol": "TCP", "appProtocol": protocol}
            ports.append(port)
    spec: Json = {"type": kind, "selector": selector, "ports": ports, "ipFamilyPolicy": "PreferDualStack"}
    addresses = gateway["spec"].get("addresses") or ()
    if addresses and kind == "LoadBalancer":
        spec["loadBalancerIP"] = addresses[0]["value"]
    return {"metadata": place, "spec": spec}


def _parameters(site: Site, gateway: Json) -> Json:
    """Overlays by the name of what they change, from the ConfigMap that `infrastructure` refers to.

    Raises ParametersError when there is none to be had.
    """
    reference = (gateway["spec"].get("infrastructure") or {}).get("parametersRef")
    if not reference:
        return {}
    group, kind = reference.get("group", ""), reference["kind"]
    if (group, kind) != ("", "ConfigMap"):
        raise ParametersError(
            f"Unsupported parametersRef group/kind {group}/{kind}, only ConfigMap is supported"
        )
    place = f"{gateway['metadata']['namespace']}/{reference['name']}"
    found = site.objects.get(kinds.CONFIG_MAP, reference["name"], gateway["metadata"]["namespace"])
    if found is None:
        raise ParametersError(f"parametersRef ConfigMap {place} does not exist")
    overlays: Json = {}
    for key, text in (found.get("data") or {}).items():
        try:
            overlays[key] = yaml.load(text, yaml.CSafeLoader)
        except yaml.YAMLError as error:
            raise ParametersError(f"parametersRef ConfigMap {place}: key {key} is not YAML") from error
        if not isinstance(overlays[key], dict):
            raise ParametersError(f"parametersRef ConfigMap {place}: key {key} is not an object")
    return overlays


def _invalid_parameters(site: Site, gateway: Json) -> str:
    try:
        _parameters(site, gateway)
    except ParametersError as error:
        return str(error)
    return ""


def _merged(body: Json, overlay: Json | None) -> Json:
    """A merge patch: null removes."""
    merged = dict(body)
    for key, value in (overlay or {}).items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, dict):
            merged[key] = _merged(merged.get(key) or {}, value)
        else:
            merged[key] = value
    return merged
