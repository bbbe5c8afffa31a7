"""The API server of each cluster: `<sandbox>/kubernetes/<resourceUID>/…`.

Source: kubernetes.io API reference and the behaviour of API servers 1.30 to 1.34.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import yaml

from provision.sandbox.azure import Answer, Azure, Json, Refusal, Request
from provision.sandbox.cluster_credentials import PATH
from provision.sandbox.kubernetes import (
    access,
    base,
    deleting,
    discovery,
    openapi,
    patches,
    protobuf,
    reading,
    writing,
)
from provision.sandbox.kubernetes.objects import Cluster
from provision.sandbox.kubernetes.operation import Operation, target_of
from provision.sandbox.kubernetes.refusals import (
    bad_request,
    method_not_allowed,
    no_such_path,
    unsupported_media,
)

_JSON = ("", "application/json", "text/plain")
_YAML = (patches.APPLY, "application/yaml")
_HEALTH = ("healthz", "livez", "readyz")


class _Rehearsed(Exception):  # noqa: N818 - the way out of a dry run, not a fault
    def __init__(self, answer: Answer) -> None:
        super().__init__("dry run")
        self.answer = answer


def serves(path: str) -> bool:
    """Whether a request path belongs to an API server."""
    return path.startswith(f"{PATH}/")


def decode(content: bytes, content_type: str) -> Any:
    """The body of a request: JSON, YAML (server-side apply) or protobuf."""
    media = content_type.split(";")[0].strip()
    if not content:
        return None
    try:
        if media in _YAML:
            return yaml.load(content, Loader=yaml.CSafeLoader)
        if media == protobuf.MEDIA:
            return protobuf.decode(content)
        if media in _JSON or media.endswith("+json"):
            return json.loads(content)
    except (ValueError, yaml.YAMLError) as error:
        raise bad_request(f"error decoding the body: {error}") from error
    raise unsupported_media(["application/json", "application/yaml"])


def handle(request: Request, azure: Azure, user: access.User | None = None) -> Answer:
    """Answer one request, its body decoded, within the transaction of the caller.

    `user` stands for whoever the request's credentials would name (`access.ADMINISTRATOR`, or one from
    `access.user_of_token`). A refusal is an answer too, and leaves nothing half done.
    """
    uid, _, rest = request.path.removeprefix(f"{PATH}/").partition("/")
    try:
        with azure.store.savepoint():
            return _answer(request, azure, uid, f"/{rest}", user)
    except _Rehearsed as rehearsed:
        return rehearsed.answer
    except Refusal as refusal:
        return refusal.answer()


def _answer(request: Request, azure: Azure, uid: str, path: str, user: access.User | None) -> Answer:
    document = base.document_of(azure, uid)
    if document is None:
        raise no_such_path()
    cluster = Cluster(azure, uid)
    base.ensure_base(cluster, document)
    user = user or access.user_of(request, azure, document)
    segments = path.strip("/").split("/")
    if segments[0] in _HEALTH:
        return Answer(200, b"ok", {"Content-Type": "text/plain; charset=utf-8"})
    if segments[0] == "openapi":
        return openapi.answer(request, cluster, document, segments)
    depth = {"api": 2, "apis": 3}.get(segments[0], 0)
    if len(segments) <= depth or not depth:
        return discovery.answer(request, cluster, document, segments)
    target = target_of(cluster, path)
    return _operate(Operation(request, azure, cluster, document, user, target))


def _operate(operation: Operation) -> Answer:
    target, method = operation.target, operation.request.method
    verbs = _ONE if target.name else _MANY
    verb = verbs.get(method)
    if verb is None or (target.subresource and method in ("POST", "DELETE")):
        raise method_not_allowed()
    if method == "POST" and target.kind.namespaced and not target.namespace:
        raise method_not_allowed()
    if method == "GET" or not operation.dry_run:
        return verb(operation)
    before = operation.cluster.get(target.kind, target.name, target.namespace) if target.name else None
    answer = verb(operation)
    raise _Rehearsed(replace(answer, body=_rehearsed(answer.body, before)))


def _rehearsed(body: Any, before: Json | None) -> Any:
    """A dry run's answer has the resource version that the object has, none when there is none yet."""
    if not isinstance(body, dict) or body.get("kind") in ("Status", "Table"):
        return body
    metadata: Json = {key: value for key, value in body["metadata"].items() if key != "resourceVersion"}
    if before is not None:
        metadata["resourceVersion"] = before["metadata"]["resourceVersion"]
    return {**body, "metadata": metadata}


_ONE = {"GET": reading.get, "PUT": writing.replace, "PATCH": writing.patch, "DELETE": deleting.delete}
_MANY = {"GET": reading.listing, "POST": writing.create, "DELETE": deleting.delete_collection}
