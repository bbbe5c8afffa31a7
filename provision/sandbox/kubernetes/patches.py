"""JSON patch (RFC 6902), merge patch (RFC 7386) and Kubernetes' strategic merge patch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from provision.sandbox.azure import Json
from provision.sandbox.documents import copied
from provision.sandbox.kubernetes import catalog
from provision.sandbox.kubernetes.objects import Kind
from provision.sandbox.kubernetes.refusals import StatusRefusal, bad_request, unsupported_media

APPLY = "application/apply-patch+yaml"
_JSON = "application/json-patch+json"
_MERGE = "application/merge-patch+json"
_STRATEGIC = "application/strategic-merge-patch+json"

_KEYS: Mapping[str, str] = {
    "conditions": "type",
    "containers": "name",
    "env": "name",
    "hostAliases": "ip",
    "imagePullSecrets": "name",
    "initContainers": "name",
    "ownerReferences": "uid",
    "secrets": "name",
    "volumeMounts": "mountPath",
    "volumes": "name",
}
"""Lists of objects that strategic merge merges by a key; all other lists of objects are replaced.
Source: `patchMergeKey` in the types of k8s.io/api 0.34, those of the kinds served here."""

_SETS = ("finalizers",)
"""Lists of plain values that strategic merge unites."""


def patched(kind: Kind, body: Json, patch: Any, media: str) -> Any:
    """`body` after `patch` of a media type; 415 for one that the kind does not take."""
    if media == _JSON:
        return _apply_operations(body, patch)
    if media == _MERGE and isinstance(patch, dict):
        return _merge(body, patch)
    if media == _STRATEGIC and not catalog.custom(kind) and isinstance(patch, dict):
        return _strategic(body, patch)
    if media in (_MERGE, _STRATEGIC) and not isinstance(patch, dict):
        raise bad_request(
            "error decoding patch: json: cannot unmarshal into Go value of type map[string]interface {}"
        )
    accepted = [_JSON, _MERGE, APPLY] if catalog.custom(kind) else [_JSON, _MERGE, _STRATEGIC, APPLY]
    raise unsupported_media(accepted)


def _merge(body: Any, patch: Any) -> Any:
    if not isinstance(patch, dict):
        return copied(patch)
    merged = dict(body) if isinstance(body, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = _merge(merged.get(key), value)
    return merged


def _strategic(body: Json, patch: Json) -> Json:
    directive = patch.get("$patch")
    if directive == "replace":
        return {key: copied(value) for key, value in patch.items() if key != "$patch"}
    if directive == "delete":
        return {}
    merged = dict(body)
    if kept := patch.get("$retainKeys"):
        merged = {key: value for key, value in merged.items() if key in kept}
    for key, value in patch.items():
        if key.startswith("$deleteFromPrimitiveList/"):
            name = key.partition("/")[2]
            merged[name] = [each for each in merged.get(name) or () if each not in value]
        elif key.startswith("$"):
            continue  # the order of elements is what a client prefers, nothing depends on it
        elif value is None:
            merged.pop(key, None)
        elif isinstance(value, dict):
            old = merged.get(key)
            merged[key] = _strategic(old if isinstance(old, dict) else {}, value)
        elif isinstance(value, list):
            merged[key] = _strategic_list(key, merged.get(key) or [], value)
        else:
            merged[key] = value
    return merged


def _strategic_list(name: str, old: list[Any], patch: list[Any]) -> list[Any]:
    if name in _SETS:
        return [*old, *(each for each in patch if each not in old)]
    objects = [each for each in patch if isinstance(each, dict)]
    if any(each.get("$patch") == "replace" for each in objects):
        return [copied(each) for each in objects if each.get("$patch") != "replace"]
    key = _merge_key(name, [*old, *objects])
    if not key:
        return copied(patch)
    merged = {each.get(key): each for each in old}
    for each in objects:
        if each.get("$patch") == "delete":
            merged.pop(each.get(key), None)
        else:
            merged[each.get(key)] = _strategic(merged.get(each.get(key)) or {}, each)
    return list(merged.values())


def merge_key(name: str, items: Mapping[str, Any]) -> str:
    """The key by which strategic merge merges a list of that name; empty when the list is replaced.

    `items` is the schema of its elements.
    """
    return _merge_key(name, [items.get("properties") or {}])


def _merge_key(name: str, elements: list[Any]) -> str:
    if name != "ports":
        return _KEYS.get(name, "")
    # a container's ports have another key than a Service's
    containers = any(isinstance(each, dict) and "containerPort" in each for each in elements)
    return "containerPort" if containers else "port"


def _apply_operations(body: Json, operations: Any) -> Any:
    if not isinstance(operations, list):
        raise bad_request(
            "error decoding patch: json: cannot unmarshal object into Go value of type jsonpatch.Patch"
        )
    document: Any = copied(body)
    for operation in operations:
        try:
            document = _apply_one(document, operation)
        except (KeyError, IndexError, TypeError, ValueError) as error:
            path = operation.get("path", "") if isinstance(operation, dict) else ""
            raise StatusRefusal(
                422, "Invalid", f"the server rejected our request due to an error in our request: {path}"
            ) from error
    return document


def _apply_one(document: Any, operation: Json) -> Any:
    verb, path = operation["op"], _steps(operation["path"])
    if verb == "test":
        if _read(document, path) != operation["value"]:
            raise ValueError(operation["path"])
        return document
    if verb in ("move", "copy"):
        source = _steps(operation["from"])
        value = copied(_read(document, source))
        if verb == "move":
            document = _edit(document, source, _removed)
        return _edit(document, path, _added(value))
    if verb == "remove":
        return _edit(document, path, _removed)
    if verb == "replace":
        _read(document, path)
        return _edit(document, path, _replaced(operation["value"]))
    if verb == "add":
        return _edit(document, path, _added(operation["value"]))
    raise ValueError(verb)


def _steps(pointer: str) -> list[str]:
    if pointer and not pointer.startswith("/"):
        raise ValueError(pointer)
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]


def _read(document: Any, steps: list[str]) -> Any:
    for step in steps:
        document = document[int(step)] if isinstance(document, list) else document[step]
    return document


_Change = Callable[[Any, str], None]


def _edit(document: Any, steps: list[str], change: _Change) -> Any:
    if not steps:
        holder = {"": document}
        change(holder, "")
        return holder.get("")
    change(_read(document, steps[:-1]), steps[-1])
    return document


def _removed(holder: Any, step: str) -> None:
    if isinstance(holder, list):
        del holder[int(step)]
    else:
        del holder[step]


def _added(value: Any) -> _Change:
    def add(holder: Any, step: str) -> None:
        if isinstance(holder, list):
            index = len(holder) if step == "-" else int(step)
            if not 0 <= index <= len(holder):
                raise IndexError(step)
            holder.insert(index, copied(value))
        else:
            holder[step] = copied(value)

    return add


def _replaced(value: Any) -> _Change:
    def replace(holder: Any, step: str) -> None:
        if isinstance(holder, list):
            holder[int(step)] = copied(value)
        else:
            holder[step] = copied(value)

    return replace
