"""The mesh add-on's ingress gateways: one Service for all revisions, one Deployment for each.

Source: "Deploy ingress gateways for Istio service mesh add-on", Microsoft Learn, 2026-08, for what users may
set on the Service; that the add-on puts the rest back is what the page said until 2025 of addresses, and
inferred for other fields. Annotations of others than the cloud provider are left alone.
"""

from __future__ import annotations

import re

from provision.sandbox.addons.istio_objects import (
    MANAGED,
    autoscaler,
    deployment,
    disruption_budget,
    ensure_autoscaler,
    remove,
)
from provision.sandbox.addons.site import MESH_GATEWAY_NAMESPACE, Site
from provision.sandbox.addons.writing import ADDON_MANAGER, change, ensure, ensure_namespace, run, set_status
from provision.sandbox.azure import Json
from provision.sandbox.kubernetes import built_in_defaults, kinds

_MODES = ("external", "internal")
_PREFIX = "service.beta.kubernetes.io/"
_INTERNAL = f"{_PREFIX}azure-load-balancer-internal"
_USERS = re.compile(
    re.escape(_PREFIX)
    + r"(azure-allowed-ip-ranges|azure-allowed-service-tags|azure-disable-load-balancer-floating-ip"
    r"|azure-load-balancer-(internal-subnet|ipv4|disable-tcp-reset|resource-group|tcp-idle-timeout)"
    r"|azure-pip-ip-tags|azure-pip-name|azure-shared-securityrule"
    r"|port_(80|443)_(no_lb_rule|no_probe_rule"
    r"|health-probe_(protocol|port|interval|num-of-probe|request-path)))"
)
"""Annotations of the cloud provider that users may set; `external-dns.alpha.kubernetes.io/hostname`, too."""
_KEPT = (
    "externalTrafficPolicy",
    "clusterIP",
    "clusterIPs",
    "ipFamilies",
    "ipFamilyPolicy",
    "internalTrafficPolicy",
    "sessionAffinity",
    "allocateLoadBalancerNodePorts",
    "healthCheckNodePort",
)
"""Fields of the Service that users may set, or that the cluster fills in."""


def reconcile(site: Site, revisions: list[str]) -> None:
    """Gateways of the modes that are on, with pods of each of `revisions`, the oldest first."""
    wanted = _modes(site) if revisions else set()
    for mode in _MODES:
        name = f"aks-istio-ingressgateway-{mode}"
        if mode not in wanted:
            site.objects.delete(kinds.SERVICE, name, MESH_GATEWAY_NAMESPACE)
        else:
            ensure_namespace(site, MESH_GATEWAY_NAMESPACE, MANAGED)
            _service(site, name, internal=mode == "internal")
        present = {f"{name}-{revision}" for revision in revisions} if mode in wanted else set()
        for live in site.objects.list(kinds.DEPLOYMENT, MESH_GATEWAY_NAMESPACE):
            made = live["metadata"]["name"]
            if made.startswith(f"{name}-asm-") and made not in present:
                remove(site, made, MESH_GATEWAY_NAMESPACE)
        for revision in revisions if mode in wanted else ():
            _pods(site, name, revision, stable=revisions[0])


def run_everywhere(site: Site, daemon_set: Json) -> None:
    """Let a DaemonSet run on every node."""
    nodes = sum(int(pool.get("count") or 0) for pool in site.properties["agentPoolProfiles"])
    counts = ("currentNumberScheduled", "desiredNumberScheduled", "numberReady", "numberAvailable")
    status: Json = {
        "observedGeneration": daemon_set["metadata"]["generation"],
        "numberMisscheduled": 0,
        "updatedNumberScheduled": nodes,
        **dict.fromkeys(counts, nodes),
    }
    set_status(site, kinds.DAEMON_SET, daemon_set, status, "kube-controller-manager")


def _modes(site: Site) -> set[str]:
    components = site.properties["serviceMeshProfile"]["istio"].get("components") or {}
    gateways = components.get("ingressGateways") or ()
    return {gateway["mode"].lower() for gateway in gateways if gateway.get("enabled")}


def _service(site: Site, name: str, *, internal: bool) -> None:
    labels = {**MANAGED, "app": name, "istio": name}
    ports = [("status-port", 15021, 15021), ("http2", 80, 80), ("https", 443, 443)]
    body: Json = {
        "metadata": {
            "name": name,
            "namespace": MESH_GATEWAY_NAMESPACE,
            "labels": labels,
            **({"annotations": {_INTERNAL: "true"}} if internal else {}),
        },
        "spec": {
            "type": "LoadBalancer",
            "selector": {"istio": name},
            "ports": [
                {"name": label, "port": port, "protocol": "TCP", "targetPort": target}
                for label, port, target in ports
            ],
        },
    }
    live = ensure(site, kinds.SERVICE, body, ADDON_MANAGER)
    change(site, kinds.SERVICE, live, _put_back(live, body), ADDON_MANAGER)


def _put_back(live: Json, body: Json) -> Json:
    """The Service without what users may not set on it."""
    kept = {key: live["spec"][key] for key in _KEPT if key in live["spec"]}
    own_annotations = body["metadata"].get("annotations") or {}
    own = {port["port"] for port in body["spec"]["ports"]}
    ports = [port for port in live["spec"]["ports"] if port["port"] in own]
    annotations = {
        key: value
        for key, value in (live["metadata"].get("annotations") or {}).items()
        if not key.startswith(_PREFIX) or key in own_annotations or _USERS.fullmatch(key)
    }
    metadata = {**live["metadata"], "annotations": annotations}
    made = {**live, "metadata": metadata, "spec": {**kept, **body["spec"], "ports": ports}}
    return built_in_defaults.fill(kinds.SERVICE, made)


def _pods(site: Site, name: str, revision: str, *, stable: str) -> None:
    made = f"{name}-{revision}"
    selector = {"app": name, "istio": name, "istio.io/rev": revision}
    labels = {**MANAGED, **selector}
    scaling = ensure_autoscaler(
        site,
        autoscaler(made, MESH_GATEWAY_NAMESPACE, labels),
        follows=f"{name}-{stable}" if stable != revision else "",
    )
    replicas = scaling["spec"]["minReplicas"]
    body = deployment(
        made, MESH_GATEWAY_NAMESPACE, selector, "istio-proxy", "proxyv2", labels, replicas=replicas
    )
    run(site, ensure(site, kinds.DEPLOYMENT, body, ADDON_MANAGER))
    budget = disruption_budget(made, MESH_GATEWAY_NAMESPACE, labels, selector)
    ensure(site, kinds.DISRUPTION_BUDGET, budget, ADDON_MANAGER)
