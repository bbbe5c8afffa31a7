"""DELETE: objects, collections, namespaces with what is in them, and what belongs to the deleted."""

from __future__ import annotations

from provision.sandbox.azure import Answer, Json
from provision.sandbox.kubernetes import base, catalog, kinds, reading
from provision.sandbox.kubernetes.objects import Cluster, Kind
from provision.sandbox.kubernetes.operation import Operation
from provision.sandbox.kubernetes.refusals import conflict, details, forbidden, not_found


def delete(operation: Operation) -> Answer:
    """One object: shown as it goes, with finalizers or as a namespace, else a Status says it is gone."""
    operation.require("delete")
    cluster, target = operation.cluster, operation.target
    found = cluster.get(target.kind, target.name, target.namespace)
    if found is None:
        raise not_found(target.kind, target.name)
    _check_preconditions(operation, found)
    if target.kind == kinds.NAMESPACE and target.name in base.PROTECTED[:3]:
        raise forbidden(target.kind, target.name, "this namespace may not be deleted")
    left = _delete(operation, found)
    if left is not None:
        return reading.shown(operation, left)
    status = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}
    return Answer(200, {**status, "details": details(target.kind, target.name, uid=found["metadata"]["uid"])})


def delete_collection(operation: Operation) -> Answer:
    """Every object of the path that the selectors take; answers with their list."""
    operation.require("deletecollection")
    kind = operation.target.kind
    found = reading.matched(operation)
    for body in found:
        _delete(operation, body)
    return Answer(
        200,
        {
            "kind": reading.list_kind(operation),
            "apiVersion": kind.api_version,
            "metadata": {"resourceVersion": str(operation.cluster.version())},
            "items": found,
        },
    )


def remove(cluster: Cluster, kind: Kind, body: Json) -> None:
    """Remove an object that nothing holds any more, and what it owned."""
    metadata = body["metadata"]
    if cluster.delete(kind, metadata["name"], metadata.get("namespace", "")) is None:
        return
    if kind == kinds.CRD:
        _remove_instances(cluster, body)
    _collect(cluster, metadata["uid"])
    namespace = cluster.get(kinds.NAMESPACE, metadata.get("namespace", "")) if kind.namespaced else None
    if namespace and namespace["metadata"].get("deletionTimestamp"):
        _finish_namespace(cluster, namespace)


def _delete(operation: Operation, body: Json) -> Json | None:
    """Delete one object by the request's options; returns it while it is still there or is going."""
    cluster, kind = operation.cluster, operation.target.kind
    policy = operation.options.get("propagationPolicy") or operation.request.query.get("propagationpolicy")
    if policy == "Orphan":
        _orphan(cluster, body["metadata"]["uid"])
    return let_go(cluster, kind, body)


def let_go(cluster: Cluster, kind: Kind, body: Json) -> Json | None:
    """Delete one object: at once, or marked when finalizers hold it. A namespace takes its content along."""
    metadata = body["metadata"]
    if kind == kinds.NAMESPACE:
        return _delete_namespace(cluster, body)
    if not metadata.get("finalizers"):
        remove(cluster, kind, body)
        return None
    return _marked(cluster, kind, body)


def _marked(cluster: Cluster, kind: Kind, body: Json) -> Json:
    metadata = body["metadata"]
    if metadata.get("deletionTimestamp"):
        return body
    going = {**metadata, "deletionTimestamp": cluster.now(), "deletionGracePeriodSeconds": 0}
    return cluster.put(kind, {**body, "metadata": going})


def _delete_namespace(cluster: Cluster, body: Json) -> Json:
    body = _marked(cluster, kinds.NAMESPACE, {**body, "status": {"phase": "Terminating"}})
    name = body["metadata"]["name"]
    for kind in catalog.stored(cluster):
        if kind.namespaced:
            for inside in cluster.list(kind, name):
                let_go(cluster, kind, inside)
    _finish_namespace(cluster, body)
    return body


def _finish_namespace(cluster: Cluster, body: Json) -> None:
    """Remove a terminating namespace once nothing is left in it."""
    name = body["metadata"]["name"]
    for kind in catalog.stored(cluster):
        if kind.namespaced and cluster.list(kind, name):
            return
    if not body["metadata"].get("finalizers"):
        remove(cluster, kinds.NAMESPACE, body)


def _remove_instances(cluster: Cluster, crd: Json) -> None:
    for kind in kinds.kind_of_crd(crd)[:1]:
        for body in cluster.list(kind):
            cluster.delete(kind, body["metadata"]["name"], body["metadata"].get("namespace", ""))


def _owners(body: Json) -> list[Json]:
    return list(body["metadata"].get("ownerReferences") or ())


def _collect(cluster: Cluster, uid: str) -> None:
    """Garbage collection: objects whose owners are all gone go too."""
    for kind in catalog.stored(cluster):
        for body in cluster.list(kind):
            owners = _owners(body)
            if not any(owner.get("uid") == uid for owner in owners):
                continue
            rest = [owner for owner in owners if owner.get("uid") != uid]
            if rest:
                cluster.put(kind, {**body, "metadata": {**body["metadata"], "ownerReferences": rest}})
            else:
                let_go(cluster, kind, body)


def _orphan(cluster: Cluster, uid: str) -> None:
    for kind in catalog.stored(cluster):
        for body in cluster.list(kind):
            rest = [owner for owner in _owners(body) if owner.get("uid") != uid]
            if len(rest) == len(_owners(body)):
                continue
            metadata = {key: value for key, value in body["metadata"].items() if key != "ownerReferences"}
            if rest:
                metadata["ownerReferences"] = rest
            cluster.put(kind, {**body, "metadata": metadata})


def _check_preconditions(operation: Operation, body: Json) -> None:
    wanted = operation.options.get("preconditions") or {}
    for key, label in (("uid", "UID"), ("resourceVersion", "ResourceVersion")):
        have = body["metadata"][key]
        if wanted.get(key) and wanted[key] != have:
            why = f"{label} in precondition: {wanted[key]}, {label} in object meta: {have}"
            raise conflict(operation.target.kind, operation.target.name, f"Precondition failed: {why}")
