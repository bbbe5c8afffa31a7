"""What is looked at for the service mesh and never changed: the revisions to be had, and what of Istio is in
a cluster."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from provision.resources.ref import Ref
from provision.resources.resource import Resource
from provision.resources.values import CaseInsensitive

LATEST = "latest-supported"
OWN_NAMESPACE = "aks-istio-system"
"""Where AKS runs the control planes of the add-on."""
GATEWAY_NAMESPACE = "aks-istio-ingress"
"""Where the add-on's ingress gateways are, with the Secrets that they read. Source: "Deploy ingress gateways
for Istio service mesh add-on", Microsoft Learn, 2026-08."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeshRevisions(Resource):
    """The mesh revisions of a cluster's region, and which of them the profile means.

    `id` is the cluster's, `wanted` a revision or `latest-supported`, `canary` that of an upgrade under way.
    Outputs: `revision` (the one that is meant), `offered`, `compatible` (with the cluster's Kubernetes
    version), `current` (of the cluster), `upgrades` (of the revision that is meant), `location`,
    `external` and `internal` (names of the gateways' Deployments and autoscalers), `controlPlane` (that of
    its Deployment), and `canaryExternal`, `canaryInternal` and `canaryControlPlane` those of the canary.
    """

    KIND: ClassVar[str] = "mesh_revisions"
    LOOKED_AT: ClassVar[bool] = True

    id: CaseInsensitive
    wanted: str
    canary: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class IstioTraces(Resource):
    """What of Istio is in a cluster beside the add-on. `cluster_id`, `private`, `entra`, `access`: as of a
    Kubernetes object.

    Outputs: `definitions` (CRDs of istio.io), `controlPlanes` (`namespace/name` of Deployments that are not
    AKS's), `injected` (namespaces, by the revision that their label names), `unseen` (what could not be
    looked for, and why).
    """

    KIND: ClassVar[str] = "istio_traces"
    LOOKED_AT: ClassVar[bool] = True
    LOOKUP: ClassVar[frozenset[str]] = frozenset({"private", "entra"})

    cluster_id: CaseInsensitive
    private: bool | Ref
    entra: bool | Ref
    access: str


def meant(wanted: str, canary: str, current: Sequence[str], compatible: Sequence[str]) -> str | None:
    """The revision that a profile means. `latest-supported` is the newest on a cluster without a mesh, and
    otherwise the one that is there: an upgrade is begun on purpose. None where there is none to be had."""
    if wanted != LATEST:
        return wanted
    stable = [each for each in current if each != canary]
    if canary and stable:
        return min(stable, key=order)
    return max(current or compatible, key=order, default=None)


def order(revision: str) -> tuple[int, ...]:
    """A key that sorts revisions by age: asm-1-9 before asm-1-30."""
    return tuple(int(part) for part in revision.split("-") if part.isdigit())
