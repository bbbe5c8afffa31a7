"""How add-ons write objects: server-side apply with their own name, status, ownership."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping

from provision.sandbox.addons.site import Site
from provision.sandbox.azure import Json
from provision.sandbox.kubernetes import base, kinds, server_side_apply
from provision.sandbox.kubernetes.objects import Kind

OPERATOR = "aks-app-routing-operator"
ISTIO = "pilot-discovery"
ADDON_MANAGER = "kubectl-addon-manager"
CLOUD = "cloud-controller-manager"

_APPLIED = "kubernetes:applied"

MANAGED_BY_OPERATOR: Mapping[str, str] = {
    "app.kubernetes.io/managed-by": OPERATOR,
    "kubernetes.azure.com/managedby": "aks",
}
"""Labels of everything the operator makes and may remove. Source: its pkg/manifests/common.go, June 2026."""


def ensure(site: Site, kind: Kind, body: Json, manager: str = OPERATOR) -> Json:
    """Create the object or take its fields over; returns it as stored. Nothing is written without need.

    What was applied last is remembered as a digest, because working an apply out takes its time.
    """
    objects = site.objects
    metadata = body["metadata"]
    live = objects.get(kind, metadata["name"], metadata.get("namespace", ""))
    if not note_applied(site, kind, body, manager) and live and carries(live, body):
        return live
    typed = {"apiVersion": kind.api_version, "kind": kind.kind, **body}
    applied = server_side_apply.apply(live, typed, kind=kind, manager=manager, force=True, now=objects.now())
    return objects.put(kind, applied)


def note_applied(site: Site, kind: Kind, body: Json, manager: str) -> bool:
    """Remember what a manager applies to an object; whether it is other than what it applied last."""
    metadata = body["metadata"]
    place = f"{site.objects.uid}/{kind.resource}/{metadata.get('namespace', '')}/{metadata['name']}/{manager}"
    note = {"digest": hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()}
    if site.azure.store.get(_APPLIED, place) == note:
        return False
    site.azure.store.put(_APPLIED, place, note)
    return True


def carries(live: object, wanted: object) -> bool:
    """Whether all that is wanted is there as wanted; there may be more in objects, not in lists."""
    if isinstance(wanted, dict):
        return isinstance(live, dict) and all(
            key in live and carries(live[key], value) for key, value in wanted.items()
        )
    if isinstance(wanted, list):
        return (
            isinstance(live, list)
            and len(live) == len(wanted)
            and all(carries(*pair) for pair in zip(live, wanted, strict=True))
        )
    return live == wanted


def change(site: Site, kind: Kind, live: Json, new: Json, manager: str, *, subresource: str = "") -> Json:
    """Replace an object as an update by `manager`; returns it as stored."""
    if new == live:
        return live
    objects = site.objects
    updated = server_side_apply.update(
        live, new, kind=kind, manager=manager, now=objects.now(), subresource=subresource
    )
    return objects.put(kind, updated)


def set_status(site: Site, kind: Kind, live: Json, status: Json, manager: str) -> Json:
    """Replace the status of an object; returns it as stored."""
    return change(site, kind, live, {**live, "status": status}, manager, subresource="status")


def ensure_namespace(site: Site, name: str, labels: Mapping[str, str] | None = None) -> None:
    """A namespace that is there already keeps what it has."""
    if site.objects.get(kinds.NAMESPACE, name) is None:
        body = base.namespace(name)
        body["metadata"]["labels"] |= labels or {}
        site.objects.put(kinds.NAMESPACE, body)
        base.furnish(site.objects, name)


def run(site: Site, deployment: Json, waits: tuple[str, str] | None = None) -> Json:
    """Let a Deployment run, unless it `waits` for (reason, message); returns it as stored."""
    replicas = deployment["spec"].get("replicas", 1)
    ready = 0 if waits else replicas
    available = (
        ("Available", "False", *waits)
        if waits
        else ("Available", "True", "MinimumReplicasAvailable", "Deployment has minimum availability.")
    )
    name = deployment["metadata"]["name"]
    progressing = ("Progressing", "True", "NewReplicaSetAvailable", f'ReplicaSet "{name}" has progressed.')
    wanted = [available, progressing]
    status: Json = {
        "observedGeneration": deployment["metadata"]["generation"],
        "replicas": replicas,
        "updatedReplicas": replicas,
        "readyReplicas": ready,
        "availableReplicas": ready,
        "unavailableReplicas": replicas - ready,
        "conditions": conditions(deployment, wanted, site.objects.now(), generation=False),
    }
    return set_status(site, kinds.DEPLOYMENT, deployment, status, "kube-controller-manager")


def conditions(
    live: Json,
    wanted: Iterable[tuple[str, str, str, str]],
    now: str,
    *,
    among: Iterable[Json] | None = None,
    generation: bool = True,
) -> list[Json]:
    """Conditions of (type, status, reason, message); the time of a transition stays while the status does.

    `among` are the present ones, by default those of the object's status.
    """
    present = (live.get("status") or {}).get("conditions") or [] if among is None else among
    before = {each["type"]: each for each in present}
    made = []
    for kind, status, reason, message in wanted:
        old = before.get(kind)
        since = old["lastTransitionTime"] if old and old["status"] == status else now
        condition = {"type": kind, "status": status, "reason": reason, "message": message}
        condition["lastTransitionTime"] = since
        if generation:
            condition["observedGeneration"] = live["metadata"]["generation"]
        made.append(condition)
    return made


def owned_by(owner: Json, *, controller: bool = True) -> list[Json]:
    """`ownerReferences` that make an object go with its owner."""
    metadata = owner["metadata"]
    reference = {key: owner[key] for key in ("apiVersion", "kind")}
    reference |= {"name": metadata["name"], "uid": metadata["uid"]}
    return [reference | ({"controller": True} if controller else {})]


def is_owned_by(body: Json, owner: Json) -> bool:
    uid = owner["metadata"]["uid"]
    return any(each["uid"] == uid for each in body["metadata"].get("ownerReferences") or ())


def has_labels(body: Json, labels: Mapping[str, str]) -> bool:
    return labels.items() <= (body["metadata"].get("labels") or {}).items()
