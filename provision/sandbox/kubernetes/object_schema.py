"""The schema of a whole object: its kind's own, with the metadata that every object has."""

from __future__ import annotations

from provision.sandbox.http import Json
from provision.sandbox.kubernetes.objects import Kind
from provision.sandbox.kubernetes.shapes import (
    BOOLEAN,
    PRESERVED,
    array,
    atomic,
    integer,
    mapping,
    record,
    text,
)

_OWNER = atomic(
    record(
        ["apiVersion", "kind", "name", "uid"],
        apiVersion=text(),
        kind=text(),
        name=text(),
        uid=text(),
        controller=BOOLEAN,
        blockOwnerDeletion=BOOLEAN,
    )
)

METADATA = record(
    name=text(),
    generateName=text(),
    namespace=text(),
    selfLink=text(),
    uid=text(),
    resourceVersion=text(),
    generation=integer(form="int64"),
    creationTimestamp=text(form="date-time") | {"nullable": True},
    deletionTimestamp=text(form="date-time"),
    deletionGracePeriodSeconds=integer(form="int64"),
    labels=mapping(text()),
    annotations=mapping(text()),
    finalizers=array(text(), unique=True),
    ownerReferences=array(_OWNER, keys=["uid"]),
    managedFields=array(PRESERVED),
)
"""metav1.ObjectMeta."""


def object_schema(kind: Kind) -> Json:
    """The kind's schema with apiVersion, kind and metadata; of any content when the kind has none."""
    own: Json = dict(kind.schema) or dict(PRESERVED)
    properties = {**own.get("properties", {}), "apiVersion": text(), "kind": text(), "metadata": METADATA}
    return own | {"properties": properties}
