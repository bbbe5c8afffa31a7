"""POST, PUT and PATCH: creating and changing objects."""

from __future__ import annotations

import json
import secrets

from provision.sandbox.azure import Answer, Json
from provision.sandbox.documents import copied
from provision.sandbox.kubernetes import (
    admission,
    deleting,
    istio_webhook,
    patches,
    reading,
    schema,
    server_side_apply,
)
from provision.sandbox.kubernetes.operation import Operation, object_in
from provision.sandbox.kubernetes.refusals import (
    StatusRefusal,
    already_exists,
    apply_conflict,
    bad_request,
    conflict,
    invalid,
    invalid_options,
    modified,
    not_found,
)

_SUFFIX = "bcdfghjklmnpqrstvwxz2456789"
_TRIES = 5


def create(operation: Operation) -> Answer:
    """POST to a list path."""
    operation.require("create")
    cluster, target = operation.cluster, operation.target
    body = copied(object_in(operation.request))
    _check_identity(operation, body)
    metadata = body["metadata"]
    if metadata.get("resourceVersion"):
        raise bad_request("resourceVersion should not be set on objects to be created")
    if not metadata.get("name") and metadata.get("generateName"):
        metadata["name"] = _generated(operation, str(metadata["generateName"]))
    admission.check_namespace(cluster, target, str(metadata.get("name", "")))
    warnings = admission.check_fields(operation, body)
    if cluster.get(target.kind, str(metadata.get("name", "")), target.namespace) is not None:
        raise already_exists(target.kind, metadata["name"])
    return _create(operation, body, warnings)


def replace(operation: Operation) -> Answer:
    """PUT: the whole object, or its status."""
    operation.require("update")
    target = operation.target
    old = _existing(operation)
    body = copied(object_in(operation.request))
    _check_identity(operation, body)
    warnings = admission.check_fields(operation, body)
    _check_version(operation, old, body)
    if target.subresource == "finalize":
        return _shown(operation, old)
    return _change(operation, old, body, warnings)


def patch(operation: Operation) -> Answer:
    """PATCH by content type: server-side apply, merge, JSON or strategic merge patch."""
    operation.require("patch")
    media = operation.request.headers.get("content-type", "").split(";")[0].strip()
    if media == patches.APPLY:
        return _apply(operation)
    query = operation.request.query
    if query.get("force"):
        cause = {
            "reason": "FieldValueForbidden",
            "message": "Forbidden: may not be specified for non-apply patch",
            "field": "force",
        }
        raise invalid_options([cause])
    old = _existing(operation)
    body = patches.patched(operation.target.kind, old, operation.request.body, media)
    if not isinstance(body, dict):
        raise bad_request("the patch leaves no object")
    _check_identity(operation, body)
    warnings = admission.check_fields(operation, body)
    _check_version(operation, old, body)
    return _change(operation, old, body, warnings)


def _apply(operation: Operation) -> Answer:
    """Server-side apply: creates the object when there is none."""
    request, cluster, target = operation.request, operation.cluster, operation.target
    manager = request.query.get("fieldmanager", "")
    if not manager:
        cause = {
            "reason": "FieldValueRequired",
            "message": "Required value: is required for apply patch",
            "field": "fieldManager",
        }
        raise invalid_options([cause])
    applied = copied(object_in(request))
    _check_identity(operation, applied)
    if applied["metadata"].get("managedFields"):
        raise bad_request("metadata.managedFields must be nil")
    admission.check_declared(operation, applied)
    if target.subresource == "status":
        applied = {key: value for key, value in applied.items() if key != "spec"}
    elif target.kind.status:
        applied.pop("status", None)
    applied = schema.prune(target.kind, applied)
    live = cluster.get(target.kind, target.name, target.namespace)
    if live is None:
        if target.subresource:
            raise not_found(target.kind, target.name)
        operation.require("create")
        admission.check_namespace(cluster, target, target.name)
    else:
        _check_version(operation, live, applied, optional=True)
    try:
        merged = server_side_apply.apply(
            live,
            applied,
            kind=target.kind,
            manager=manager,
            force=request.query.get("force") in ("1", "true"),
            now=cluster.now(),
            subresource=target.subresource,
        )
    except server_side_apply.ApplyConflict as error:
        causes = [
            {"reason": cause.reason, "message": cause.message, "field": cause.field} for cause in error.causes
        ]
        raise apply_conflict(causes, str(error)) from error
    if live is None:
        return _create(operation, merged, {}, managed=True)
    if merged == live:
        return _shown(operation, live)
    return _change(operation, live, merged, {}, managed=True)


def _create(operation: Operation, body: Json, warnings: dict[str, str], *, managed: bool = False) -> Answer:
    cluster, kind = operation.cluster, operation.target.kind
    metadata = body["metadata"]
    for key in ("uid", "resourceVersion", "generation", "deletionTimestamp", "creationTimestamp", "selfLink"):
        metadata.pop(key, None)
    if operation.target.namespace:
        metadata["namespace"] = operation.target.namespace
    if kind.status:
        body.pop("status", None)
    body = admission.completed(operation, schema.prune(kind, body), None)
    _check(operation, body, None)
    if not managed:
        body = _managed(operation, None, body)
    made = cluster.put(kind, body)
    admission.after_create(operation, made)
    return _shown(operation, made, 201, warnings)


def _change(
    operation: Operation, old: Json, body: Json, warnings: dict[str, str], *, managed: bool = False
) -> Answer:
    cluster, target = operation.cluster, operation.target
    kind = target.kind
    if target.subresource == "status":
        new = {**old, **({"status": body["status"]} if "status" in body else {})}
        if managed:
            new["metadata"] = {**old["metadata"], "managedFields": body["metadata"].get("managedFields", [])}
    else:
        marked = schema.only_metadata_changes(body, old)
        new = {**old, "metadata": dict(body["metadata"])} if marked else schema.prune(kind, body)
        if kind.status and not marked:
            new.pop("status", None)
            if "status" in old:
                new["status"] = old["status"]
        _keep_identity(new["metadata"], old["metadata"])
        new = new if marked else admission.completed(operation, new, old)
    _check(operation, new, old)
    if not managed:
        if _unmanaged(new) == _unmanaged(old):
            return _shown(operation, old, 200, warnings)
        new = _managed(operation, old, new)
    changed = cluster.put(kind, new)
    if changed["metadata"].get("deletionTimestamp") and not changed["metadata"].get("finalizers"):
        deleting.remove(cluster, kind, changed)
    return _shown(operation, changed, 200, warnings)


def _managed(operation: Operation, old: Json | None, new: Json) -> Json:
    return server_side_apply.update(
        old,
        new,
        kind=operation.target.kind,
        manager=operation.manager,
        now=operation.cluster.now(),
        subresource=operation.target.subresource,
    )


def _unmanaged(body: Json) -> Json:
    metadata = {key: value for key, value in body["metadata"].items() if key != "managedFields"}
    return {**body, "metadata": metadata}


def _keep_identity(new: Json, old: Json) -> None:
    """What no client changes in the metadata of an object."""
    for key in ("uid", "creationTimestamp", "generation", "resourceVersion"):
        new[key] = old[key]
    for key in ("deletionTimestamp", "deletionGracePeriodSeconds", "namespace", "generateName"):
        if key in old:
            new[key] = old[key]
        else:
            new.pop(key, None)
    new.pop("selfLink", None)


def _check(operation: Operation, body: Json, old: Json | None) -> None:
    kind = operation.target.kind
    causes = [
        *admission.causes(kind, body),
        *(
            {"reason": cause.reason, "message": cause.message, "field": cause.field}
            for cause in schema.check(kind, body, old)
        ),
    ]
    if causes:
        raise invalid(kind, str(body["metadata"].get("name", "")), causes)
    if not operation.target.subresource:
        istio_webhook.check(operation.cluster, kind, body)


def _existing(operation: Operation) -> Json:
    target = operation.target
    found = operation.cluster.get(target.kind, target.name, target.namespace)
    if found is None:
        raise not_found(target.kind, target.name)
    return found


def _check_identity(operation: Operation, body: Json) -> None:
    """The body must be of the kind, in the namespace and of the name in the path."""
    target = operation.target
    kind, api_version = body.get("kind", ""), body.get("apiVersion", "")
    if not kind or not api_version:
        missing = "Kind" if not kind else "apiVersion"
        raise bad_request(f"Object '{missing}' is missing in '{json.dumps(body)[:200]}'")
    if api_version != target.kind.api_version:
        raise bad_request(
            f"the API version in the data ({api_version}) does not match the expected API version"
            f" ({target.kind.api_version})"
        )
    if kind != target.kind.kind:
        raise bad_request(
            f"the kind in the data ({kind}) does not match the expected kind ({target.kind.kind})"
        )
    metadata = body.setdefault("metadata", {})
    if not isinstance(metadata, dict):
        raise bad_request("metadata must be an object")
    if target.namespace and metadata.get("namespace", target.namespace) != target.namespace:
        raise bad_request(
            "the namespace of the provided object does not match the namespace sent on the request"
        )
    if target.name and metadata.setdefault("name", target.name) != target.name:
        raise bad_request(
            f"the name of the object ({metadata['name']}) does not match the name on the URL ({target.name})"
        )


def _check_version(operation: Operation, old: Json, body: Json, *, optional: bool = False) -> None:
    """Optimistic concurrency: a resource version that is sent must be the latest."""
    kind, name = operation.target.kind, operation.target.name
    sent, metadata = body["metadata"], old["metadata"]
    if sent.get("uid") and sent["uid"] != metadata["uid"]:
        why = f"UID in precondition: {sent['uid']}, UID in object meta: {metadata['uid']}"
        raise conflict(kind, name, f"Precondition failed: {why}")
    version = sent.get("resourceVersion")
    if version and version != metadata["resourceVersion"]:
        raise modified(kind, name)
    if not version and not optional and admission.needs_version(kind):
        cause = {
            "reason": "FieldValueInvalid",
            "message": "Invalid value: 0x0: must be specified for an update",
            "field": "metadata.resourceVersion",
        }
        raise invalid(kind, name, [cause])


def _generated(operation: Operation, prefix: str) -> str:
    target = operation.target
    for _ in range(_TRIES):
        name = prefix[:58] + "".join(secrets.choice(_SUFFIX) for _ in range(5))
        if operation.cluster.get(target.kind, name, target.namespace) is None:
            return name
    raise StatusRefusal(500, "ServerTimeout", "no free name was found")


def _shown(
    operation: Operation, body: Json, status: int = 200, warnings: dict[str, str] | None = None
) -> Answer:
    return reading.shown(operation, body, status, warnings)
