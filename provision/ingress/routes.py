"""Routes of the Gateway API: what they have in common behind every gateway."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from provision.ingress.hosts import object_name
from provision.ingress.objects import Objects
from provision.profile.model import Host
from provision.resources.manifest import HTTP_ROUTE, TLS_ROUTE, Manifest
from provision.resources.values import Value


def route(
    objects: Objects,
    name: str,
    host: Host,
    parent: Value,
    labels: Mapping[str, Value],
    after: Iterable[str],
    timeout: int | None = None,
) -> Manifest:
    """From a host to its services; `timeout` in seconds, where the class of the Gateway reads it there."""
    body: dict[str, Value] = {"metadata": {"labels": labels}} if labels else {}
    rule: dict[str, Value] = {"backendRefs": _backends(host)}
    if timeout is not None:
        rule["timeouts"] = {"request": f"{timeout}s"}
    body["spec"] = {"parentRefs": (parent,), "hostnames": (name,), "rules": (rule,)}
    api = TLS_ROUTE if host.tls == "passthrough" else HTTP_ROUTE
    return objects.make(api, object_name(name), host.namespace, body, after)


def to_https(objects: Objects, name: str, host: Host, parent: Value, after: Iterable[str]) -> Manifest:
    """Sends plain HTTP to HTTPS."""
    redirect: Value = {
        "type": "RequestRedirect",
        "requestRedirect": {"scheme": "https", "statusCode": 301},
    }
    spec: Value = {"parentRefs": (parent,), "hostnames": (name,), "rules": ({"filters": (redirect,)},)}
    return objects.make(HTTP_ROUTE, f"{object_name(name)}-redirect", host.namespace, {"spec": spec}, after)


def _backends(host: Host) -> tuple[Value, ...]:
    """The services and, where there are several, the share of each."""
    found: list[Value] = []
    for service in (host.service, *host.split):
        backend: dict[str, Value] = {"name": service.name, "port": service.port}
        if service.weight is not None:
            backend["weight"] = service.weight
        found.append(backend)
    return tuple(found)
