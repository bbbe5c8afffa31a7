"""How a CustomResourceDefinition document is put together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from provision.sandbox.http import Json
from provision.sandbox.kubernetes.shapes import array, integer, record, text

DNS_NAME = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"
"""A DNS-1123 subdomain."""

DNS_WILDCARD = r"^(\*\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"
"""The same, perhaps with `*` as its first label."""

PATH_NAME = (
    r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"
    r"\/[A-Za-z0-9\/\-._~%!$&'()*+,;=:]+$"
)
"""A domain and a path, as controllers are called."""

GROUP_NAME = text(most=253, pattern=rf"^$|{DNS_NAME}")
KIND_NAME = text(least=1, most=63, pattern="^[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?$")
NAMESPACE_NAME = text(least=1, most=63, pattern="^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")
OBJECT_NAME = text(least=1, most=253)
SECTION_NAME = text(least=1, most=253, pattern=DNS_NAME)
HOST_NAME = text(least=1, most=253, pattern=DNS_WILDCARD)
PRECISE_HOST_NAME = text(least=1, most=253, pattern=DNS_NAME)
PORT = integer(least=1, most=65535)

CONDITION = record(
    ["lastTransitionTime", "message", "reason", "status", "type"],
    lastTransitionTime=text(form="date-time"),
    message=text(most=32768),
    observedGeneration=integer(least=0, form="int64"),
    reason=text(least=1, most=1024, pattern=r"^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$"),
    status=text(values=["True", "False", "Unknown"]),
    type=text(
        most=316,
        pattern=r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?"
        r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$",
    ),
)
"""metav1.Condition with the limits that its CRDs repeat."""


def conditions(most: int | None = None) -> Json:
    """A list of conditions, merged by type."""
    return array(CONDITION, keys=["type"], most=most)


def pending(kind: str) -> Json:
    """The condition that an object is born with, before any controller looks at it."""
    return {
        "type": kind,
        "status": "Unknown",
        "reason": "Pending",
        "message": "Waiting for controller",
        "lastTransitionTime": "1970-01-01T00:00:00Z",
    }


def names(kind: str, plural: str, short: Sequence[str] = (), categories: Sequence[str] = ()) -> Json:
    """The `names` of a CustomResourceDefinition."""
    found: Json = {"kind": kind, "listKind": f"{kind}List", "plural": plural, "singular": kind.lower()}
    found |= {"shortNames": list(short)} if short else {}
    return found | ({"categories": list(categories)} if categories else {})


def column(name: str, path: str, kind: str = "string", *, wide: bool = False) -> Json:
    """A printer column; a wide one shows only with `-o wide`."""
    return {"name": name, "jsonPath": path, "type": kind} | ({"priority": 1} if wide else {})


AGE = column("Age", ".metadata.creationTimestamp", "date")


def version(
    name: str,
    spec: Json,
    status: Json | None = None,
    *,
    columns: Sequence[Json] = (),
    storage: bool = True,
    required: bool = True,
) -> Json:
    """One served version whose objects have a `spec`, required or not, and perhaps a `status` subresource."""
    schema = record(
        ["spec"] if required else [],
        apiVersion=text(),
        kind=text(),
        metadata=record(),
        spec=spec,
        **({"status": status} if status else {}),
    )
    found: Json = {"name": name, "served": True, "storage": storage, "schema": {"openAPIV3Schema": schema}}
    found |= {"subresources": {"status": {}}} if status else {}
    return found | ({"additionalPrinterColumns": list(columns)} if columns else {})


def document(
    group: str,
    of: Json,
    versions: Sequence[Json],
    *,
    namespaced: bool,
    annotations: Mapping[str, str] | None = None,
) -> Json:
    """The CustomResourceDefinition. `of` is its names."""
    metadata: Json = {"name": f"{of['plural']}.{group}"}
    metadata |= {"annotations": dict(annotations)} if annotations else {}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": metadata,
        "spec": {
            "group": group,
            "names": of,
            "scope": "Namespaced" if namespaced else "Cluster",
            "versions": list(versions),
        },
    }
