"""The kinds that a cluster serves: the built-in ones and those of its CustomResourceDefinitions."""

from __future__ import annotations

import json
from functools import lru_cache

from provision.sandbox.http import Json
from provision.sandbox.kubernetes.kinds import BUILT_IN, CRD, kind_of_crd
from provision.sandbox.kubernetes.objects import Cluster, Kind


def find(cluster: Cluster, group: str, version: str, plural: str) -> Kind | None:
    """The kind served at `/apis/<group>/<version>/…/<plural>`."""
    for kind in BUILT_IN:
        if (kind.group, kind.version, kind.plural) == (group, version, plural):
            return kind
    brought = defined(cluster, f"{plural}.{group}") if group else ()
    return next((kind for kind in brought if kind.version == version), None)


def defined(cluster: Cluster, name: str) -> tuple[Kind, ...]:
    """The kinds that the CustomResourceDefinition of a name serves, the storage version first."""
    text = cluster.text(CRD, name)
    return _served_by(text) if text else ()


def served(cluster: Cluster) -> list[Kind]:
    """Every kind in every version, the storage version of a custom one first."""
    found = list(BUILT_IN)
    for text in cluster.texts(CRD).values():
        found += _served_by(text)
    return found


@lru_cache(maxsize=256)
def _served_by(text: str) -> tuple[Kind, ...]:
    """By the text of a definition: most requests need one, and reading it takes a millisecond."""
    crd: Json = json.loads(text)
    return tuple(kind_of_crd(crd)) if established(crd) else ()


def stored(cluster: Cluster) -> list[Kind]:
    """Every kind once: objects of all versions share one storage."""
    return list({kind.resource: kind for kind in reversed(served(cluster))}.values())


def custom(kind: Kind) -> bool:
    """Whether a CustomResourceDefinition brings the kind."""
    return kind not in BUILT_IN


def established(crd: Json) -> bool:
    """Whether the definition is served; one that is being deleted is served to its end."""
    return bool(crd.get("spec"))
