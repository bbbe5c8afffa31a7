"""GET: one object, lists with selectors and pages, watches."""

from __future__ import annotations

import base64
import binascii
import json

from provision.sandbox.azure import Answer, Json
from provision.sandbox.kubernetes import catalog, selectors, tables, watch
from provision.sandbox.kubernetes.operation import Operation
from provision.sandbox.kubernetes.refusals import bad_request, not_found


def get(operation: Operation) -> Answer:
    target = operation.target
    operation.require("get")
    found = operation.cluster.get(target.kind, target.name, target.namespace)
    if found is None:
        raise not_found(target.kind, target.name)
    return shown(operation, found)


def shown(
    operation: Operation, body: Json, status: int = 200, headers: dict[str, str] | None = None
) -> Answer:
    """One object as the client asked to see it: in the path's version, perhaps as a table."""
    kind = operation.target.kind
    body = {**body, "apiVersion": kind.api_version, "kind": kind.kind}
    if tables.asked(operation.request):
        version = body["metadata"].get("resourceVersion", "")
        body = tables.table(operation, [body], {"resourceVersion": version})
    return Answer(status, body, headers or {})


def listing(operation: Operation) -> Answer:
    """A list, or a watch with `watch=true`."""
    query = operation.request.query
    if query.get("watch") in ("1", "true"):
        operation.require("watch")
        return watch.start(operation, selector(operation))
    operation.require("list")
    matching = matched(operation)
    version = str(operation.cluster.version())
    page, metadata = _page(matching, query.get("limit", ""), query.get("continue", ""), version)
    if tables.asked(operation.request):
        return Answer(200, tables.table(operation, page, metadata))
    kind = operation.target.kind
    of = {"apiVersion": kind.api_version, "kind": kind.kind}
    if not catalog.custom(kind):
        # lists of built-in kinds leave out what the list says already
        items = [{key: value for key, value in each.items() if key not in of} for each in page]
    else:
        items = [{**each, **of} for each in page]
    return Answer(
        200,
        {
            "kind": list_kind(operation),
            "apiVersion": kind.api_version,
            "metadata": metadata,
            "items": items,
        },
    )


def list_kind(operation: Operation) -> str:
    kind = operation.target.kind
    return kind.list_name or f"{kind.kind}List"


def matched(operation: Operation) -> list[Json]:
    """The objects of the path that the selectors take."""
    target, takes = operation.target, selector(operation)
    return [each for each in operation.cluster.list(target.kind, target.namespace) if takes(each)]


def selector(operation: Operation) -> selectors.Selector:
    query = operation.request.query
    by_label = selectors.labels(query.get("labelselector", ""))
    by_field = selectors.fields(query.get("fieldselector", ""))
    return lambda body: by_label(body) and by_field(body)


def _page(matching: list[Json], limit: str, token: str, version: str) -> tuple[list[Json], Json]:
    """The next `limit` objects after `token`, and the list's metadata."""
    metadata: Json = {"resourceVersion": version}
    if token:
        start, metadata["resourceVersion"] = _started(token)
        matching = [each for each in matching if _place(each) > start]
    if not limit.isdecimal() or int(limit) == 0 or len(matching) <= int(limit):
        return matching, metadata
    page, rest = matching[: int(limit)], matching[int(limit) :]
    after = json.dumps({"v": "meta.k8s.io/v1", "rv": version, "start": _place(page[-1])})
    metadata["continue"] = base64.urlsafe_b64encode(after.encode()).decode().rstrip("=")
    metadata["remainingItemCount"] = len(rest)
    return page, metadata


def _started(token: str) -> tuple[str, str]:
    try:
        after = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        return str(after["start"]), str(after["rv"])
    except (binascii.Error, ValueError, KeyError, TypeError) as error:
        raise bad_request("continue key is not valid") from error


def _place(body: Json) -> str:
    metadata = body["metadata"]
    return f"{metadata.get('namespace', '')}/{metadata['name']}".lower()
