"""Tables: what `kubectl get` prints, rendered by the server."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from provision.sandbox.azure import Json, Request
from provision.sandbox.kubernetes import catalog, kinds
from provision.sandbox.kubernetes.objects import Kind
from provision.sandbox.kubernetes.operation import Operation

_STEP = re.compile(r"\.([\w-]+)|\['([^']+)'\]|\[(\d+|\*)\]|\[\?\(@\.([\w-]+)==[\"']([^\"']*)[\"']\)\]")


@dataclass(frozen=True, slots=True)
class Column:
    """`of` takes the object; a column with a priority shows only with `-o wide`."""

    name: str
    of: Callable[[Json], object]
    type: str = "string"
    priority: int = 0


def asked(request: Request) -> bool:
    return "as=Table" in request.headers.get("accept", "")


def table(operation: Operation, bodies: Sequence[Json], metadata: Json, *, headed: bool = True) -> Json:
    """`meta.k8s.io/v1` Table; `headed` says whether it has column definitions."""
    now = operation.azure.clock.now()
    columns = _columns(operation)
    include = operation.request.query.get("includeobject", "Metadata")
    definitions = [
        {
            "name": column.name,
            "type": "string" if column.type == "date" else column.type,
            "format": "name" if column.name == "Name" else "",
            "description": "",
            "priority": column.priority,
        }
        for column in columns
    ]
    rows = [
        {"cells": [_cell(column, body, now) for column in columns], "object": _object(include, body)}
        for body in bodies
    ]
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": metadata,
        "columnDefinitions": definitions if headed else None,
        "rows": rows,
    }


def at(body: object, path: str) -> list[object]:
    """What a JSONPath of printer columns finds: `.a.b`, `['a']`, `[0]`, `[*]`, `[?(@.a=="b")]`."""
    found = [body]
    for name, quoted, index, key, value in _STEP.findall(path):
        if name or quoted:
            found = [each.get(name or quoted) for each in found if isinstance(each, dict)]
        elif index:
            lists = [each for each in found if isinstance(each, list)]
            found = [one for each in lists for one in (each if index == "*" else each[int(index) :][:1])]
        else:
            lists = [each for each in found if isinstance(each, list)]
            found = [one for each in lists for one in each if isinstance(one, dict) and one.get(key) == value]
    return [each for each in found if each is not None]


def _object(include: str, body: Json) -> Json | None:
    if include == "None":
        return None
    if include == "Object":
        return body
    return {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": body["metadata"]}


def _cell(column: Column, body: Json, now: float) -> object:
    value = column.of(body)
    if column.type == "date":
        return age(value, now) if isinstance(value, str) else "<unknown>"
    return value


def age(stamp: str, now: float) -> str:
    """A short duration, as kubectl writes ages: `45s`, `3m20s`, `5h`, `12d`."""
    seconds = max(0, int(now - datetime.fromisoformat(stamp).timestamp()))
    if seconds < 120:
        return f"{seconds}s"
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if minutes < 10:
        return f"{minutes}m{seconds % 60}s" if seconds % 60 else f"{minutes}m"
    if hours < 3:
        return f"{minutes}m"
    if hours < 8:
        return f"{hours}h{minutes % 60}m" if minutes % 60 else f"{hours}h"
    return f"{hours}h" if hours < 48 else f"{days}d"


def _path(path: str, empty: object = "") -> Callable[[Json], object]:
    def read(body: Json) -> object:
        found = at(body, path)
        return (found[0] if len(found) == 1 else ",".join(map(str, found))) if found else empty

    return read


_NAME = Column("Name", _path(".metadata.name"))
_AGE = Column("Age", _path(".metadata.creationTimestamp", None), "date")


def _columns(operation: Operation) -> list[Column]:
    kind = operation.target.kind
    if catalog.custom(kind):
        return [_NAME, *_custom(operation, kind)]
    return [_NAME, *_BUILT_IN.get(kind.resource, ()), _AGE]


def _custom(operation: Operation, kind: Kind) -> list[Column]:
    crd = operation.cluster.get(kinds.CRD, kind.resource) or {"spec": {"versions": []}}
    for version in crd["spec"]["versions"]:
        if version["name"] == kind.version and version.get("additionalPrinterColumns"):
            return [
                Column(each["name"], _path(each["jsonPath"], None), each["type"], each.get("priority", 0))
                for each in version["additionalPrinterColumns"]
            ]
    return [_AGE]


def _ports(body: Json) -> str:
    return ",".join(
        f"{port['port']}{':' + str(port['nodePort']) if port.get('nodePort') else ''}"
        f"/{port.get('protocol', 'TCP')}"
        for port in body["spec"].get("ports") or ()
    )


def _external(body: Json) -> str:
    spec = body["spec"]
    if spec.get("type") == "ExternalName":
        return str(spec.get("externalName", ""))
    addresses = [str(each) for each in at(body, ".status.loadBalancer.ingress[*].ip")]
    addresses += [str(each) for each in spec.get("externalIPs") or ()]
    return ",".join(addresses) or ("<pending>" if spec.get("type") == "LoadBalancer" else "<none>")


def _hosts(body: Json) -> str:
    hosts = [str(each) for each in at(body, ".spec.rules[*].host")]
    return ",".join(hosts[:3]) + (f" + {len(hosts) - 3} more..." if len(hosts) > 3 else "") or "*"


def _ready(body: Json) -> str:
    wanted, ready = _path(".spec.replicas", 1)(body), _path(".status.readyReplicas", 0)(body)
    return f"{ready}/{wanted}"


def _of(key: str) -> Callable[[Json], object]:
    return lambda body: len(body.get(key) or ())


_BUILT_IN: Mapping[str, tuple[Column, ...]] = {
    "namespaces": (Column("Status", _path(".status.phase")),),
    "services": (
        Column("Type", _path(".spec.type")),
        Column("Cluster-IP", _path(".spec.clusterIP", "<none>")),
        Column("External-IP", _external),
        Column("Port(s)", _ports),
    ),
    "secrets": (Column("Type", _path(".type")), Column("Data", _of("data"), "integer")),
    "configmaps": (Column("Data", _of("data"), "integer"),),
    "serviceaccounts": (Column("Secrets", _of("secrets"), "integer"),),
    "ingresses.networking.k8s.io": (
        Column("Class", _path(".spec.ingressClassName", "<none>")),
        Column("Hosts", _hosts),
        Column("Address", _path(".status.loadBalancer.ingress[*].ip")),
        Column("Ports", lambda body: "80, 443" if body["spec"].get("tls") else "80"),
    ),
    "ingressclasses.networking.k8s.io": (
        Column("Controller", _path(".spec.controller")),
        Column("Parameters", _path(".spec.parameters.name", "<none>")),
    ),
    "deployments.apps": (
        Column("Ready", _ready),
        Column("Up-to-date", _path(".status.updatedReplicas", 0), "integer"),
        Column("Available", _path(".status.availableReplicas", 0), "integer"),
    ),
    "daemonsets.apps": (
        Column("Desired", _path(".status.desiredNumberScheduled", 0), "integer"),
        Column("Ready", _path(".status.numberReady", 0), "integer"),
    ),
    "pods": (Column("Status", _path(".status.phase")),),
    "events": (
        Column("Type", _path(".type")),
        Column("Reason", _path(".reason")),
        Column(
            "Object",
            lambda body: "/".join(
                (
                    str(body.get("involvedObject", {}).get("kind", "")).lower(),
                    str(body.get("involvedObject", {}).get("name", "")),
                )
            ),
        ),
        Column("Message", _path(".message")),
    ),
    "customresourcedefinitions.apiextensions.k8s.io": (
        Column("Created At", _path(".metadata.creationTimestamp")),
    ),
}
