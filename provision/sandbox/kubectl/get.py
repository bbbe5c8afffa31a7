"""`kubectl get` and `kubectl version`."""

from __future__ import annotations

import json

from provision.sandbox.http import Json
from provision.sandbox.kubectl import output
from provision.sandbox.kubectl.errors import KubectlError, ServerError
from provision.sandbox.kubectl.session import Session, Target

CLIENT_VERSION = "v1.34.2"
_KUSTOMIZE_VERSION = "v5.7.1"
_TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"


def get(session: Session) -> None:
    arguments = session.arguments
    if "raw" in arguments.flags:
        session.process.write(session.client.raw("GET", arguments.flags["raw"]))
        return
    output.check(session.form)
    errors: list[KubectlError] = []
    targets = list(session.targets(list(arguments.words)))
    if session.form in ("", "wide"):
        found = _tables(session, targets, errors)
    else:
        found = _objects(session, targets, errors)
    if not found and not errors and not arguments.has("ignore-not-found"):
        everywhere = arguments.has("all-namespaces") or not targets[0].resource.namespaced
        where = "" if everywhere else f" in {arguments.namespace} namespace."
        session.process.err.extend(f"No resources found{where}\n".encode())
    if errors:
        raise KubectlError("\n".join(str(error) for error in errors))


def _query(session: Session, target: Target) -> dict[str, str]:
    if target.name:
        return {}
    flags = {"selector": "labelSelector", "field-selector": "fieldSelector"}
    return {
        name: session.arguments.flags[flag] for flag, name in flags.items() if flag in session.arguments.flags
    }


def _read(session: Session, target: Target, accept: str, errors: list[KubectlError]) -> Json | None:
    try:
        found: Json = session.client.send("GET", target.path, query=_query(session, target), accept=accept)
    except ServerError as error:
        if not (error.reason == "NotFound" and session.arguments.has("ignore-not-found")):
            errors.append(error)
        return None
    return found


def _objects(session: Session, targets: list[Target], errors: list[KubectlError]) -> bool:
    """Print the objects in the form asked for: one named object bare, everything else as a list."""
    items: list[Json] = []
    for target in targets:
        found = _read(session, target, "application/json", errors)
        if found is None:
            continue
        resource = target.resource
        identity = {"apiVersion": resource.api_version, "kind": resource.kind}  # a list's items lack it
        items += [{**item, **identity} for item in ([found] if target.name else found["items"])]
    alone = len(targets) == 1 and targets[0].name
    if alone and not items:
        return False
    shown = items[0] if alone else output.listed(items)
    session.show(shown)
    return True


def _tables(session: Session, targets: list[Target], errors: list[KubectlError]) -> bool:
    arguments = session.arguments
    several = len({target.resource for target in targets}) > 1
    blocks: list[tuple[list[str], list[list[str]]]] = []
    for target in targets:
        found = _read(session, target, _TABLE, errors)
        if found is None or not found["rows"]:
            continue
        columns = [
            index
            for index, column in enumerate(found["columnDefinitions"])
            if not column.get("priority") or session.form == "wide"
        ]
        headers = [found["columnDefinitions"][index]["name"].upper() for index in columns]
        rows = [[_cell(row["cells"][index]) for index in columns] for row in found["rows"]]
        if several:
            rows = [[f"{target.resource.label}/{row[0]}", *row[1:]] for row in rows]
        if arguments.has("all-namespaces") and target.resource.namespaced:
            headers.insert(0, "NAMESPACE")
            for row, printed in zip(found["rows"], rows, strict=True):
                printed.insert(0, row["object"]["metadata"].get("namespace", ""))
        if arguments.has("show-labels"):
            headers.append("LABELS")
            for row, printed in zip(found["rows"], rows, strict=True):
                printed.append(_labels(row["object"]["metadata"].get("labels") or {}))
        if blocks and blocks[-1][0] == headers:
            blocks[-1][1].extend(rows)
        else:
            blocks.append((headers, rows))
    bare = arguments.has("no-headers")
    gap = "" if bare else "\n"
    session.process.write(gap.join(output.table([] if bare else head, rows) for head, rows in blocks))
    return bool(blocks)


def _cell(value: object) -> str:
    if value is None:
        return "<none>"
    return value if isinstance(value, str) else json.dumps(value)


def _labels(labels: Json) -> str:
    return ",".join(f"{key}={value}" for key, value in sorted(labels.items())) or "<none>"


def version(session: Session) -> None:
    client = {"gitVersion": CLIENT_VERSION, "major": "1", "minor": "34"}
    shown: Json = {"clientVersion": client, "kustomizeVersion": _KUSTOMIZE_VERSION}
    if not session.arguments.has("client"):
        shown["serverVersion"] = session.client.send("GET", "/version")
    if session.form == "json":
        session.process.write(json.dumps(shown, indent=2) + "\n")
        return
    lines = [f"Client Version: {CLIENT_VERSION}", f"Kustomize Version: {_KUSTOMIZE_VERSION}"]
    if "serverVersion" in shown:
        lines.append(f"Server Version: {shown['serverVersion']['gitVersion']}")
    session.process.write("".join(f"{line}\n" for line in lines))
