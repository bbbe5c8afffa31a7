"""The kinds that every cluster serves, and the kinds that a CustomResourceDefinition adds."""

from __future__ import annotations

from collections.abc import Mapping

from provision.sandbox.http import Json
from provision.sandbox.kubernetes import schemas_core, schemas_networking
from provision.sandbox.kubernetes.objects import Kind


def _kind(
    group: str,
    version: str,
    kind: str,
    plural: str,
    short: tuple[str, ...] = (),
    *,
    namespaced: bool = True,
    categories: tuple[str, ...] = (),
    schema: Mapping[str, object] | None = None,
    status: bool = True,
) -> Kind:
    return Kind(
        group, version, kind, plural, namespaced, kind.lower(), short, categories, schema or {}, status
    )


NAMESPACE = _kind(
    "", "v1", "Namespace", "namespaces", ("ns",), namespaced=False, schema=schemas_core.NAMESPACE
)
NODE = _kind("", "v1", "Node", "nodes", ("no",), namespaced=False, schema=schemas_core.NODE)
POD = _kind("", "v1", "Pod", "pods", ("po",), schema=schemas_core.POD, categories=("all",))
SERVICE = _kind("", "v1", "Service", "services", ("svc",), schema=schemas_core.SERVICE, categories=("all",))
SERVICE_ACCOUNT = _kind(
    "", "v1", "ServiceAccount", "serviceaccounts", ("sa",), schema=schemas_core.SERVICE_ACCOUNT, status=False
)
SECRET = _kind("", "v1", "Secret", "secrets", schema=schemas_core.SECRET, status=False)
CONFIG_MAP = _kind("", "v1", "ConfigMap", "configmaps", ("cm",), schema=schemas_core.CONFIG_MAP, status=False)
EVENT = _kind("", "v1", "Event", "events", ("ev",), schema=schemas_core.EVENT, status=False)
DEPLOYMENT = _kind(
    "apps",
    "v1",
    "Deployment",
    "deployments",
    ("deploy",),
    categories=("all",),
    schema=schemas_core.DEPLOYMENT,
)
DAEMON_SET = _kind(
    "apps",
    "v1",
    "DaemonSet",
    "daemonsets",
    ("ds",),
    categories=("all",),
    schema=schemas_core.DAEMON_SET,
)
INGRESS = _kind(
    "networking.k8s.io", "v1", "Ingress", "ingresses", ("ing",), schema=schemas_networking.INGRESS
)
INGRESS_CLASS = _kind(
    "networking.k8s.io",
    "v1",
    "IngressClass",
    "ingressclasses",
    namespaced=False,
    schema=schemas_networking.INGRESS_CLASS,
    status=False,
)
AUTOSCALER = _kind(
    "autoscaling",
    "v2",
    "HorizontalPodAutoscaler",
    "horizontalpodautoscalers",
    ("hpa",),
    categories=("all",),
    schema=schemas_core.AUTOSCALER,
)
DISRUPTION_BUDGET = _kind(
    "policy",
    "v1",
    "PodDisruptionBudget",
    "poddisruptionbudgets",
    ("pdb",),
    schema=schemas_core.DISRUPTION_BUDGET,
)
CRD = _kind(
    "apiextensions.k8s.io",
    "v1",
    "CustomResourceDefinition",
    "customresourcedefinitions",
    ("crd", "crds"),
    categories=("api-extensions",),
    namespaced=False,
    schema=schemas_core.CUSTOM_RESOURCE_DEFINITION,
)

BUILT_IN: tuple[Kind, ...] = (
    NAMESPACE,
    NODE,
    POD,
    SERVICE,
    SERVICE_ACCOUNT,
    SECRET,
    CONFIG_MAP,
    EVENT,
    DEPLOYMENT,
    DAEMON_SET,
    INGRESS,
    INGRESS_CLASS,
    AUTOSCALER,
    DISRUPTION_BUDGET,
    CRD,
)


def is_built_in(kind: Kind) -> bool:
    """Whether the kind is part of Kubernetes rather than of a CustomResourceDefinition."""
    return any((kind.group, kind.plural) == (each.group, each.plural) for each in BUILT_IN)


def kind_of_crd(crd: Json) -> list[Kind]:
    """The kinds a CustomResourceDefinition serves, the storage version first."""
    spec = crd["spec"]
    names = spec["names"]
    served = [version for version in spec["versions"] if version.get("served")]
    served.sort(key=lambda version: not version.get("storage"))
    return [
        Kind(
            group=spec["group"],
            version=version["name"],
            kind=names["kind"],
            plural=names["plural"],
            namespaced=spec["scope"] == "Namespaced",
            singular=names.get("singular") or names["kind"].lower(),
            short_names=tuple(names.get("shortNames") or ()),
            categories=tuple(names.get("categories") or ()),
            schema=(version.get("schema") or {}).get("openAPIV3Schema") or {},
            status="status" in (version.get("subresources") or {}),
            list_name=names.get("listKind") or "",
        )
        for version in served
    ]
