"""The OpenAPI documents of a cluster, from the schemas of the kinds it serves.

kubectl reads version 2 as protobuf up to 1.26 and version 3 as JSON since: to check objects before it sends
them, to see that a dry run is supported, to merge lists, to explain fields.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from provision.sandbox.azure import Answer, Json, Request
from provision.sandbox.kubernetes import catalog, gnostic, patches
from provision.sandbox.kubernetes.discovery import version
from provision.sandbox.kubernetes.objects import Cluster, Kind
from provision.sandbox.kubernetes.refusals import StatusRefusal, no_such_path

_GVK = "x-kubernetes-group-version-kind"
_PROTOBUF = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
_ONLY_V3 = ("nullable", "oneOf", "anyOf", "not")
_DROPPED = ("x-kubernetes-validations",)
_METADATA_REF = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"


def answer(request: Request, cluster: Cluster, document: Json, segments: list[str]) -> Answer:
    """Answer `/openapi/v2`, `/openapi/v3` or `/openapi/v3/apis/<group>/<version>`."""
    served = catalog.served(cluster)
    accept = request.headers.get("accept", "")
    if segments[1:] == ["v2"]:
        whole = _version_2(served, document)
        if "proto-openapi.spec.v2" in accept:
            return Answer(200, gnostic.encoded(whole), {"Content-Type": _PROTOBUF})
        return Answer(200, whole)
    if segments[1:2] != ["v3"]:
        raise no_such_path()
    if len(segments) == 2:
        return Answer(200, {"paths": {_place(each): _pointer(each, served) for each in _versions(served)}})
    wanted = "/".join(segments[2:])
    found = [kind for kind in served if _place(kind.api_version) == wanted]
    if not found:
        raise no_such_path()
    if "json" not in accept and "*/*" not in accept and accept:
        raise StatusRefusal(
            406,
            "NotAcceptable",
            "only the following media types are accepted: application/json",
        )
    return Answer(200, _version_3(found, document))


def _versions(served: Iterable[Kind]) -> list[str]:
    return list(dict.fromkeys(kind.api_version for kind in served))


def _place(api_version: str) -> str:
    return f"apis/{api_version}" if "/" in api_version else f"api/{api_version}"


def _pointer(api_version: str, served: Iterable[Kind]) -> Json:
    """Where a version's document is; the hash changes with its schemas, so that clients may cache it."""
    schemas = [[kind.kind, kind.schema] for kind in served if kind.api_version == api_version]
    digest = hashlib.sha256(json.dumps(schemas, sort_keys=True).encode()).hexdigest()
    return {"serverRelativeURL": f"/openapi/v3/{_place(api_version)}?hash={digest[:32].upper()}"}


def _version_2(served: Iterable[Kind], document: Json) -> Json:
    definitions: Json = {_METADATA_REF: _METADATA}
    paths: Json = {}
    for kind in served:
        definitions[_name(kind)] = _definition(kind, "#/definitions/", older=True)
        paths |= _paths(kind, older=True)
    return {
        "swagger": "2.0",
        "info": {"title": "Kubernetes", "version": version(document)["gitVersion"]},
        "paths": paths,
        "definitions": definitions,
    }


def _version_3(of: Iterable[Kind], document: Json) -> Json:
    schemas: Json = {_METADATA_REF: _METADATA}
    paths: Json = {}
    for kind in of:
        schemas[_name(kind)] = _definition(kind, "#/components/schemas/", older=False)
        paths |= _paths(kind, older=False)
    return {
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": version(document)["gitVersion"]},
        "paths": paths,
        "components": {"schemas": schemas},
    }


_TEXT: Json = {"type": "string"}
_MAP: Json = {"type": "object", "additionalProperties": _TEXT}
_METADATA: Json = {
    "description": "ObjectMeta is metadata that all persisted resources must have.",
    "type": "object",
    "properties": {
        "annotations": _MAP,
        "creationTimestamp": {"type": "string", "format": "date-time"},
        "deletionGracePeriodSeconds": {"type": "integer", "format": "int64"},
        "deletionTimestamp": {"type": "string", "format": "date-time"},
        "finalizers": {
            "type": "array",
            "items": _TEXT,
            "x-kubernetes-list-type": "set",
            "x-kubernetes-patch-strategy": "merge",
        },
        "generateName": _TEXT,
        "generation": {"type": "integer", "format": "int64"},
        "labels": _MAP,
        "managedFields": {"type": "array", "items": {"type": "object"}},
        "name": _TEXT,
        "namespace": _TEXT,
        "ownerReferences": {
            "type": "array",
            "items": {"type": "object"},
            "x-kubernetes-patch-merge-key": "uid",
            "x-kubernetes-patch-strategy": "merge",
        },
        "resourceVersion": _TEXT,
        "selfLink": _TEXT,
        "uid": _TEXT,
    },
}


def _name(kind: Kind) -> str:
    """`io.k8s.networking.gateway.v1.Gateway`."""
    group = kind.group if "." in kind.group else f"{kind.group or 'core'}.api.k8s.io"
    return ".".join([*reversed(group.split(".")), kind.version, kind.kind])


def _definition(kind: Kind, root: str, *, older: bool) -> Json:
    schema = _converted(kind.schema, older=older, merges=not catalog.custom(kind))
    schema["type"] = "object"
    open_ = not kind.schema or kind.schema.get("x-kubernetes-preserve-unknown-fields")
    if open_:
        schema["x-kubernetes-preserve-unknown-fields"] = True
    if not (open_ and older):  # with any properties kubectl's own check would take no others
        metadata = {"$ref": root + _METADATA_REF}
        schema["properties"] = {
            **(schema.get("properties") or {}),
            "apiVersion": _TEXT,
            "kind": _TEXT,
            # in version 3 readers ignore what stands beside a reference
            "metadata": metadata if older else {"allOf": [metadata]},
        }
    schema[_GVK] = [_gvk(kind)]
    return schema


def _gvk(kind: Kind) -> Json:
    return {"group": kind.group, "kind": kind.kind, "version": kind.version}


def _converted(schema: Mapping[str, Any], *, older: bool, merges: bool, name: str = "") -> Json:
    """A structural schema as the documents have it; `merges` adds what strategic merge patches go by."""
    skipped = (*_DROPPED, *(_ONLY_V3 if older else ()))
    found: Json = {key: value for key, value in schema.items() if key not in skipped}
    if schema.get("x-kubernetes-int-or-string"):
        found = (
            {"type": "string", "format": "int-or-string"} if older else {"x-kubernetes-int-or-string": True}
        )
    if older and schema.get("x-kubernetes-preserve-unknown-fields"):
        # kubectl's own check knows no preserved fields: an object without properties takes all of them
        found = {key: value for key, value in found.items() if key not in ("properties", "required")}
    if "properties" in found:
        found["properties"] = {
            key: _converted(value, older=older, merges=merges, name=key)
            for key, value in found["properties"].items()
        }
    for key in ("items", "additionalProperties"):
        if isinstance(found.get(key), Mapping):
            found[key] = _converted(found[key], older=older, merges=merges)
    if merges and found.get("type") == "array" and (key := patches.merge_key(name, found.get("items") or {})):
        found |= {"x-kubernetes-patch-merge-key": key, "x-kubernetes-patch-strategy": "merge"}
    return found


def _paths(kind: Kind, *, older: bool) -> Json:
    """The paths of a kind, as far as kubectl looks into them."""
    prefix = f"/apis/{kind.api_version}" if kind.group else f"/api/{kind.api_version}"
    place = (
        f"{prefix}/namespaces/{{namespace}}/{kind.plural}" if kind.namespaced else f"{prefix}/{kind.plural}"
    )

    def operation(verb: str, action: str, *parameters: str) -> Json:
        return {
            "operationId": f"{verb}{kind.kind}{kind.version}{kind.group}",
            "parameters": [_parameter(each, older=older) for each in parameters],
            "responses": {"200": {"description": "OK"}},
            "x-kubernetes-action": action,
            _GVK: _gvk(kind),
        }

    writes = ("dryRun", "fieldManager", "fieldValidation")
    return {
        place: {
            "get": operation("list", "list", "labelSelector", "fieldSelector", "limit", "watch"),
            "post": operation("create", "post", *writes),
        },
        f"{place}/{{name}}": {
            "get": operation("read", "get"),
            "put": operation("replace", "put", *writes),
            "patch": operation("patch", "patch", *writes, "force"),
            "delete": operation("delete", "delete", "dryRun", "propagationPolicy"),
        },
    }


def _parameter(name: str, *, older: bool) -> Json:
    type_ = {"force": "boolean", "watch": "boolean", "limit": "integer"}.get(name, "string")
    found: Json = {"name": name, "in": "query"}
    return {**found, **({"type": type_} if older else {"schema": {"type": type_}})}
