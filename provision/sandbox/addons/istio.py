"""The control planes of Istio: that of app routing (class `approuting-istio`), and `mesh`; their classes.

Source: "Configure ingress with the Kubernetes Gateway API via the application routing add-on", Microsoft
Learn, 2026-06.
"""

from __future__ import annotations

from provision.sandbox.addons import definitions, mesh
from provision.sandbox.addons.istio_objects import MANAGED, deployment, remove
from provision.sandbox.addons.site import ISTIO_NAMESPACE, Site
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

_GATEWAY_API_SINCE = 26
"""The first revision of the mesh add-on that serves the Gateway API (asm-1-26, 2026)."""


def reconcile(site: Site) -> None:
    """Control planes of what is on; what is off loses its control plane, not its Gateways.

    App routing's class goes with it. The mesh's stays (see `mesh`).
    """
    mesh.reconcile(site)
    _routing_control_plane(site)
    if site.serves(crds.GATEWAY_CLASS):
        for name, wanted in ((ROUTING_CLASS, site.routing_istio), (MESH_CLASS, _mesh_serves(site))):
            if wanted:
                _class(site, name)
            elif (
                name == ROUTING_CLASS and (live := site.objects.get(crds.GATEWAY_CLASS, name)) and _ours(live)
            ):
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
        remove(site, "istiod", ISTIO_NAMESPACE)
        return
    ensure_namespace(site, ISTIO_NAMESPACE, MANAGED)
    problem = obstacle(site)
    waits = ("MinimumReplicasUnavailable", problem) if problem else None
    _istiod(site, "istiod", waits)


def _mesh_serves(site: Site) -> bool:
    minors = [int(revision.rsplit("-", 1)[-1]) for revision in site.mesh_revisions]
    return any(minor >= _GATEWAY_API_SINCE for minor in minors)


def _class(site: Site, name: str) -> None:
    spec = {"controllerName": CONTROLLER}
    body: Json = {"metadata": {"name": name, "labels": MANAGED}, "spec": spec}
    live = ensure(site, crds.GATEWAY_CLASS, body, ADDON_MANAGER)
    accepted = ("Accepted", "True", "Accepted", "Handled by Istio controller")
    status = {"conditions": conditions(live, [accepted], site.objects.now())}
    set_status(site, crds.GATEWAY_CLASS, live, status, ISTIO)


def _ours(gateway_class: Json) -> bool:
    return bool((gateway_class["metadata"].get("labels") or {}).items() >= MANAGED.items())


def _istiod(site: Site, name: str, waits: tuple[str, str] | None) -> None:
    body = deployment(name, ISTIO_NAMESPACE, {"app": "istiod"}, "discovery", "pilot", MANAGED, replicas=2)
    run(site, ensure(site, kinds.DEPLOYMENT, body, ADDON_MANAGER), waits)
    service: Json = {
        "metadata": {"name": name, "namespace": ISTIO_NAMESPACE, "labels": MANAGED},
        "spec": {
            "type": "ClusterIP",
            "selector": {"app": "istiod"},
            "ports": [{"name": "https-dns", "port": 15012, "protocol": "TCP", "targetPort": 15012}],
        },
    }
    ensure(site, kinds.SERVICE, service, ADDON_MANAGER)
