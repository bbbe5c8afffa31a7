"""What the mesh add-on's control plane has against Istio objects: its validating webhook.

The default revision validates, in a canary upgrade the higher one ("Upgrade Istio-based service mesh
add-on", Microsoft Learn, 2026-08); with no control plane, nothing does.
Source of rules and wording: istio/istio, pkg/config/validation/{validation,virtualservice}.go and
agent/validation.go, manifests/charts/default/templates/validatingwebhook.yaml (August 2026).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from provision.sandbox.azure import Json
from provision.sandbox.kubernetes import istio_gateways, istio_routes, kinds
from provision.sandbox.kubernetes.objects import Cluster, Kind
from provision.sandbox.kubernetes.refusals import denied_by_webhook

WEBHOOK = "validation.istio.io"
_GROUP = "networking.istio.io"
_NAMESPACE = "aks-istio-system"

_CHECKS: Mapping[str, Callable[[Json], list[str]]] = {
    "Gateway": istio_gateways.problems,
    "VirtualService": istio_routes.problems,
    "DestinationRule": istio_routes.rule_problems,
}


def check(cluster: Cluster, kind: Kind, body: Json) -> None:
    """Refuse an object with 400 as the webhook does, if there is one; raises StatusRefusal."""
    if kind.group != _GROUP or kind.kind not in _CHECKS or not _validates(cluster):
        return
    found = problems(kind, body)
    if found:
        raise denied_by_webhook(WEBHOOK, f"configuration is invalid: {worded(found)}", 400)


def problems(kind: Kind, body: Json) -> list[str]:
    """What is wrong with a Gateway, VirtualService or DestinationRule that fits its schema."""
    return _CHECKS[kind.kind](body)


def worded(found: list[str]) -> str:
    """One error as it is, several as hashicorp/go-multierror lists them."""
    if len(found) == 1:
        return found[0]
    return f"{len(found)} errors occurred:\n" + "".join(f"\t* {each}\n" for each in found) + "\n"


def _validates(cluster: Cluster) -> bool:
    deployments = cluster.list(kinds.DEPLOYMENT, _NAMESPACE)
    return any(each["metadata"]["name"].startswith("istiod-asm-") for each in deployments)
