"""The annotation of client-side `kubectl apply`, which server-side apply by kubectl takes over from.

Source: Kubernetes apimachinery, managedfields (lastappliedmanager, lastappliedupdater).
"""

from __future__ import annotations

import json

from provision.sandbox.http import Json
from provision.sandbox.kubernetes import structure
from provision.sandbox.kubernetes.fields import Fields

ANNOTATION = "kubectl.kubernetes.io/last-applied-configuration"
MANAGER = "kubectl"
"""The only field manager that the annotation concerns."""


def allows(conflicts: Fields, live: Json, shape: Json, manager: str) -> bool:
    """Whether kubectl itself set all the conflicting fields, by client-side apply, as they still are."""
    said = live.get("metadata", {}).get("annotations", {}).get(ANNOTATION)
    if manager != MANAGER or not said:
        return False
    try:
        applied = json.loads(said)
    except ValueError:
        return False
    if not isinstance(applied, dict) or applied.get("apiVersion") != live.get("apiVersion"):
        return False
    changes = structure.compare(shape, applied, live)
    own = structure.field_set(shape, applied) - changes.modified - changes.added - changes.removed
    return conflicts <= own


def keep_current(merged: Json, applied: Json) -> None:
    """Write what kubectl applies into an annotation that is already there."""
    annotations = merged.get("metadata", {}).get("annotations", {})
    if not annotations.get(ANNOTATION):
        return
    metadata = applied.get("metadata", {})
    own = {key: value for key, value in metadata.get("annotations", {}).items() if key != ANNOTATION}
    said = {**applied, "metadata": {**metadata, "annotations": own} if own else metadata}
    annotations[ANNOTATION] = json.dumps(said, separators=(",", ":"), sort_keys=True) + "\n"
