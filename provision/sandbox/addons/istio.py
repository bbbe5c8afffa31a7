"""The control planes of Istio: that of app routing (class `approuting-istio`) and that of the mesh add-on.

Sources: "Configure ingress with the Kubernetes Gateway API via the application routing add-on", Microsoft
Learn, 2026-06; the mesh add-on's namespaces and names from "Deploy Istio-based service mesh add-on", 2026.
"""

from __future__ import annotations

from provision.sandbox.addons import definitions
from provision.sandbox.addons.site import ISTIO_NAMESPACE, MESH_GATEWAY_NAMESPACE, Site
from provision.sandbox.addons.writing import (
    ADDON_MANAGER,
    ISTIO,
    conditions,
    ensure,
    ensure_namespace,
    run,
    set_status,
)
from provision.sandbox.azure import Json
from provision.sandbox.kubernetes import crds, kinds

CONTROLLER = "istio.io/gateway-controller"
ROUTING_CLASS = "approuting-istio"
MESH_CLASS = "istio"

_MANAGED = {"kubernetes.azure.com/managedby": "aks"}
_GATEWAY_API_SINCE = 26
"""The first revision of the mesh add-on that serves the Gateway API (asm-1-26, 2026)."""


def reconcile(site: Site) -> None:
    """Control planes of what is on; what is off loses its control plane and its class, not its Gateways."""
    _routing_control_plane(site)
    _mesh(site)
    if site.serves(crds.GATEWAY_CLASS):
        for name, wanted in ((ROUTING_CLASS, site.routing_istio), (MESH_CLASS, _mesh_serves(site))):
            if wanted:
                _class(site, name)
            elif (live := site.objects.get(crds.GATEWAY_CLASS, name)) and _ours(live):
                site.objects.delete(crds.GATEWAY_CLASS, name)


def running_classes(site: Site) -> list[str]:
    """Names of the classes whose Gateways a control plane looks after now."""
    if not site.serves(crds.GATEWAY):
        return []
    classes = [ROUTING_CLASS] if site.routing_istio and not obstacle(site) else []
    return classes + ([MESH_CLASS] if _mesh_serves(site) else [])


def obstacle(site: Site) -> str:
    """What keeps app routing's control plane from starting, empty when nothing does.

    Definitions that the mesh add-on left behind do. Source: as above, "Limitations".
    """
    leftovers = definitions.istio_leftovers(site)
    if not leftovers:
        return ""
    shown = ", ".join(leftovers[:3]) + (f" and {len(leftovers) - 3} more" if len(leftovers) > 3 else "")
    return (
        f"the control plane of class {ROUTING_CLASS} does not start while CRDs of istio.io are in the"
        f" cluster: {shown}"
    )


def _routing_control_plane(site: Site) -> None:
    if not site.routing_istio:
        _remove_istiod(site, "istiod")
        return
    ensure_namespace(site, ISTIO_NAMESPACE, _MANAGED)
    problem = obstacle(site)
    waits = ("MinimumReplicasUnavailable", problem) if problem else None
    _istiod(site, "istiod", waits)


def _mesh(site: Site) -> None:
    revisions = site.mesh_revisions
    wanted = {f"istiod-{revision}" for revision in revisions}
    for deployment in site.objects.list(kinds.DEPLOYMENT, ISTIO_NAMESPACE):
        name = deployment["metadata"]["name"]
        if name.startswith("istiod-asm-") and name not in wanted:
            _remove_istiod(site, name)
    if revisions:
        ensure_namespace(site, ISTIO_NAMESPACE, _MANAGED)
    for name in sorted(wanted):
        _istiod(site, name, None)
    modes = _mesh_gateways(site)
    for mode in ("external", "internal"):
        name = f"aks-istio-ingressgateway-{mode}"
        if mode in modes:
            ensure_namespace(site, MESH_GATEWAY_NAMESPACE, _MANAGED)
            _mesh_gateway(site, name, mode)
        else:
            for kind in (kinds.SERVICE, kinds.DEPLOYMENT):
                site.objects.delete(kind, name, MESH_GATEWAY_NAMESPACE)


def _mesh_gateways(site: Site) -> set[str]:
    if not site.mesh_revisions:
        return set()
    components = site.properties["serviceMeshProfile"]["istio"].get("components") or {}
    gateways = components.get("ingressGateways") or ()
    return {gateway["mode"].lower() for gateway in gateways if gateway.get("enabled")}


def _mesh_serves(site: Site) -> bool:
    minors = [int(revision.rsplit("-", 1)[-1]) for revision in site.mesh_revisions]
    return any(minor >= _GATEWAY_API_SINCE for minor in minors)


def _class(site: Site, name: str) -> None:
    spec = {"controllerName": CONTROLLER}
    body: Json = {"metadata": {"name": name, "labels": _MANAGED}, "spec": spec}
    live = ensure(site, crds.GATEWAY_CLASS, body, ADDON_MANAGER)
    accepted = ("Accepted", "True", "Accepted", "Handled by Istio controller")
    status = {"conditions": conditions(live, [accepted], site.objects.now())}
    set_status(site, crds.GATEWAY_CLASS, live, status, ISTIO)


def _ours(gateway_class: Json) -> bool:
    return bool((gateway_class["metadata"].get("labels") or {}).items() >= _MANAGED.items())


def _istiod(site: Site, name: str, waits: tuple[str, str] | None) -> None:
    body = deployment(name, ISTIO_NAMESPACE, {"app": "istiod"}, "discovery", "pilot", _MANAGED, replicas=2)
    run(site, ensure(site, kinds.DEPLOYMENT, body, ADDON_MANAGER), waits)
    service: Json = {
        "metadata": {"name": name, "namespace": ISTIO_NAMESPACE, "labels": _MANAGED},
        "spec": {
            "type": "ClusterIP",
            "selector": {"app": "istiod"},
            "ports": [{"name": "https-dns", "port": 15012, "protocol": "TCP", "targetPort": 15012}],
        },
    }
    ensure(site, kinds.SERVICE, service, ADDON_MANAGER)


def _remove_istiod(site: Site, name: str) -> None:
    for kind in (kinds.DEPLOYMENT, kinds.SERVICE):
        site.objects.delete(kind, name, ISTIO_NAMESPACE)


def _mesh_gateway(site: Site, name: str, mode: str) -> None:
    labels = {**_MANAGED, "app": name, "istio": name}
    annotations = (
        {"service.beta.kubernetes.io/azure-load-balancer-internal": "true"} if mode == "internal" else {}
    )
    place = {"name": name, "namespace": MESH_GATEWAY_NAMESPACE, "labels": labels}
    ports = [("status-port", 15021, 15021), ("http2", 80, 80), ("https", 443, 443)]
    service: Json = {
        "metadata": {**place, "annotations": annotations},
        "spec": {
            "type": "LoadBalancer",
            "externalTrafficPolicy": "Cluster",
            "selector": {"istio": name},
            "ports": [
                {"name": label, "port": port, "protocol": "TCP", "targetPort": target}
                for label, port, target in ports
            ],
        },
    }
    ensure(site, kinds.SERVICE, service, ADDON_MANAGER)
    body = deployment(
        name, MESH_GATEWAY_NAMESPACE, {"istio": name}, "istio-proxy", "proxyv2", labels, replicas=2
    )
    run(site, ensure(site, kinds.DEPLOYMENT, body, ADDON_MANAGER))


def deployment(
    name: str,
    namespace: str,
    selector: Json,
    container: str,
    image: str,
    labels: Json,
    *,
    replicas: int = 1,
) -> Json:
    """A Deployment of one of Istio's images."""
    return {
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": selector},
            "template": {
                "metadata": {"labels": selector},
                "spec": {
                    "containers": [
                        {"name": container, "image": f"mcr.microsoft.com/oss/v2/istio/{image}:v1.30.1"}
                    ]
                },
            },
        },
    }
