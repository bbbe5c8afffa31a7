"""The kinds that a cluster serves: the built-in ones and those of its CustomResourceDefinitions."""

from __future__ import annotations

from provision.sandbox.http import Json
from provision.sandbox.kubernetes.kinds import BUILT_IN, CRD, kind_of_crd
from provision.sandbox.kubernetes.objects import Cluster, Kind


def find(cluster: Cluster, group: str, version: str, plural: str) -> Kind | None:
    """The kind served at `/apis/<group>/<version>/…/<plural>`."""
    for kind in BUILT_IN:
        if (kind.group, kind.version, kind.plural) == (group, version, plural):
            return kind
    crd = cluster.get(CRD, f"{plural}.{group}") if group else None
    for kind in kind_of_crd(crd) if crd and established(crd) else ():
        if kind.version == version:
            return kind
    return None


def served(cluster: Cluster) -> list[Kind]:
    """Every kind in every version, the storage version of a custom one first."""
    found = list(BUILT_IN)
    for crd in cluster.list(CRD):
        if established(crd):
            found += kind_of_crd(crd)
    return found


def stored(cluster: Cluster) -> list[Kind]:
    """Every kind once: objects of all versions share one storage."""
    return list({kind.resource: kind for kind in reversed(served(cluster))}.values())


def custom(kind: Kind) -> bool:
    """Whether a CustomResourceDefinition brings the kind."""
    return kind not in BUILT_IN


def established(crd: Json) -> bool:
    """Whether the definition is served; one that is being deleted is served to its end."""
    return bool(crd.get("spec"))
