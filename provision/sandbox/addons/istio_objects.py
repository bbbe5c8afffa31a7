"""Objects that both of AKS's Istios are made of."""

from __future__ import annotations

from collections.abc import Mapping

from provision.sandbox.addons.site import Site
from provision.sandbox.addons.writing import ADDON_MANAGER, change, ensure
from provision.sandbox.azure import Json
from provision.sandbox.kubernetes import kinds

MANAGED: Mapping[str, str] = {"kubernetes.azure.com/managedby": "aks"}
LEAST_REPLICAS = 2


def deployment(
    name: str,
    namespace: str,
    selector: Json,
    container: str,
    image: str,
    labels: Mapping[str, str],
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


def autoscaler(name: str, namespace: str, labels: Json) -> Json:
    """From 2 to 5 replicas at 80 % of the CPU.

    Source: "Istio service mesh add-on performance and scaling", Microsoft Learn, 2026.
    """
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}
    usage = {"type": "Utilization", "averageUtilization": 80}
    return {
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": {
            "scaleTargetRef": target,
            "minReplicas": LEAST_REPLICAS,
            "maxReplicas": 5,
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": usage}}],
        },
    }


def disruption_budget(name: str, namespace: str, labels: Json, selector: Json) -> Json:
    return {
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": {"minAvailable": 1, "selector": {"matchLabels": selector}},
    }


def ensure_autoscaler(site: Site, body: Json, *, follows: str = "") -> Json:
    """Make the autoscaler; users may change it, but for its target and below two replicas.

    In a canary upgrade, that of the newer revision `follows` the older one's. Source: "Istio service mesh
    add-on performance and scaling" and "Upgrade …" (2026-08). That fewer replicas are put right, rather than
    refused, is inferred.
    """
    metadata = body["metadata"]
    live = site.objects.get(kinds.AUTOSCALER, metadata["name"], metadata["namespace"])
    if live is None:
        live = ensure(site, kinds.AUTOSCALER, body, ADDON_MANAGER)
    leader = site.objects.get(kinds.AUTOSCALER, follows, metadata["namespace"]) if follows else None
    spec = {**(leader or live)["spec"], "scaleTargetRef": body["spec"]["scaleTargetRef"]}
    spec["minReplicas"] = max(int(spec.get("minReplicas") or 1), LEAST_REPLICAS)
    spec["maxReplicas"] = max(int(spec["maxReplicas"]), spec["minReplicas"])
    return change(site, kinds.AUTOSCALER, live, {**live, "spec": spec}, ADDON_MANAGER)


def remove(site: Site, name: str, namespace: str) -> None:
    """Everything that the control plane or gateway of a revision is made of."""
    for kind in (kinds.DEPLOYMENT, kinds.SERVICE, kinds.AUTOSCALER, kinds.DISRUPTION_BUDGET):
        site.objects.delete(kind, name, namespace)
