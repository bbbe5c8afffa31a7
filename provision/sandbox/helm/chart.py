"""The ALB controller's chart: its versions and the objects it makes.

Sources: "ALB Controller Helm Chart" (2026-06) for the values, public logs of installations (2025 and 2026)
for versions and output. RBAC objects, the service and the disruption budget are left out.
"""

from __future__ import annotations

from provision.sandbox.addons.alb_controller import ACCOUNT, MANAGER, deployment
from provision.sandbox.helm.flags import HelmError
from provision.sandbox.http import Json

CHART = "oci://mcr.microsoft.com/application-lb/charts/alb-controller"
VERSIONS = ("1.3.7", "1.5.2", "1.6.7", "1.7.9", "1.7.12", "1.8.12", "1.9.13", "1.10.28")
NOTES = "Congratulations! The ALB Controller has been installed in your Kubernetes cluster!\n"
_NAMESPACE = "azure-alb-system"


def chosen(reference: str, version: str) -> str:
    """The version of the chart; the last one by default. Raises HelmError."""
    if reference.rstrip("/") != CHART:
        raise HelmError(f"{reference} is not in the sandbox; it knows {CHART}")
    if version and version.lstrip("v") not in VERSIONS:
        raise HelmError(f"{CHART.removeprefix('oci://')}:{version}: not found")
    return version.lstrip("v") or VERSIONS[-1]


def controller_namespace(values: Json) -> str:
    return str((values.get("albController") or {}).get("namespace") or _NAMESPACE)


def objects(values: Json, version: str, release: str, release_namespace: str) -> list[Json]:
    """The objects of a release, ready to be sent."""
    wanted = values.get("albController") or {}
    client = str((wanted.get("podIdentity") or {}).get("clientID") or "")
    labels = {"app.kubernetes.io/managed-by": "Helm"}
    mark = {"meta.helm.sh/release-name": release, "meta.helm.sh/release-namespace": release_namespace}
    namespace = controller_namespace(values)
    gateway_api = "true" if wanted.get("installGatewayApiCRDs", True) else "false"
    replicas = int((wanted.get("controller") or {}).get("replicaCount") or 2)
    account: Json = {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {
            "name": ACCOUNT,
            "namespace": namespace,
            "labels": {**labels, "azure.workload.identity/use": "true"},
            "annotations": {**mark, "azure.workload.identity/client-id": client},
        },
    }
    workload = deployment(
        namespace, version, labels, f"--install-gateway-api-crds={gateway_api}", replicas=replicas
    )
    workload["metadata"]["annotations"] = dict(mark)
    return [account, {"apiVersion": "apps/v1", "kind": "Deployment", **workload}]


__all__ = ["CHART", "MANAGER", "NOTES", "VERSIONS", "chosen", "controller_namespace", "objects"]
