"""What the API server checks in built-in kinds beyond their schema.

Source of the wording: Kubernetes pkg/apis/core/validation and pkg/apis/networking/validation (1.32).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator
from typing import Any

from provision.sandbox.http import Json
from provision.sandbox.kubernetes import causes, names
from provision.sandbox.kubernetes.causes import Cause
from provision.sandbox.kubernetes.objects import Kind

Rule = Callable[[Json, Json | None], Iterator[Cause]]


def check(kind: Kind, body: Json, old: Json | None) -> list[Cause]:
    """What is wrong with an object of a built-in kind; nothing for others."""
    rule = _RULES.get((kind.group, kind.kind))
    return list(rule(body, old)) if rule else []


def _service(body: Json, old: Json | None) -> Iterator[Cause]:
    spec = _dict(body.get("spec"))
    ports = _dicts(spec.get("ports"))
    if not ports and spec.get("type") != "ExternalName" and spec.get("clusterIP") != "None":
        yield causes.required("spec.ports")
    if spec.get("type") == "ExternalName" and not spec.get("externalName"):
        yield causes.required("spec.externalName")
    seen: set[str] = set()
    for position, port in enumerate(ports):
        at, name = f"spec.ports[{position}].name", port.get("name")
        if not name and len(ports) > 1:
            yield causes.required(at)
        elif name in seen:
            yield causes.duplicate(at, name)
        seen.add(name or "")
    yield from _kept_address(spec, _dict((old or {}).get("spec")))


def _kept_address(spec: Json, was: Json) -> Iterator[Cause]:
    address = was.get("clusterIP")
    if address and was.get("type") != "ExternalName" and spec.get("type") != "ExternalName":
        given = spec.get("clusterIP")
        if given and given != address:
            yield causes.invalid("spec.clusterIPs[0]", [given], "may not change once set")


def _ingress(body: Json, _old: Json | None) -> Iterator[Cause]:
    spec = _dict(body.get("spec"))
    if not spec.get("rules") and not spec.get("defaultBackend"):
        yield causes.invalid(
            "spec", _list(spec.get("rules")), "either `defaultBackend` or `rules` must be specified"
        )
    if "defaultBackend" in spec:
        yield from _backend(_dict(spec["defaultBackend"]), "spec.defaultBackend")
    for position, rule in enumerate(_dicts(spec.get("rules"))):
        at = f"spec.rules[{position}]"
        yield from _host(rule.get("host"), f"{at}.host")
        if "http" not in rule:
            continue
        paths = _dicts(_dict(rule["http"]).get("paths"))
        if not paths:
            yield causes.required(f"{at}.http.paths")
        for number, path in enumerate(paths):
            yield from _path(path, f"{at}.http.paths[{number}]")
    for position, tls in enumerate(_dicts(spec.get("tls"))):
        for number, host in enumerate(_list(tls.get("hosts"))):
            yield from _host(host, f"spec.tls[{position}].hosts[{number}]")


def _path(path: Json, at: str) -> Iterator[Cause]:
    kind, value = path.get("pathType"), path.get("path", "")
    if kind is None:
        yield causes.required(f"{at}.pathType", "pathType must be specified")
    elif kind in ("Exact", "Prefix"):
        if not str(value).startswith("/"):
            yield causes.invalid(f"{at}.path", value, "must be an absolute path")
        for part in ("//", "/./", "/../", "%2f", "%2F"):
            if part in str(value):
                yield causes.invalid(f"{at}.path", value, f"must not contain '{part}'")
    yield from _backend(_dict(path.get("backend")), f"{at}.backend")


def _backend(backend: Json, at: str) -> Iterator[Cause]:
    if "service" in backend and "resource" in backend:
        yield causes.invalid(at, "", "cannot set both resource and service backends")
    elif "service" in backend:
        service = _dict(backend["service"])
        if not service.get("name"):
            yield causes.required(f"{at}.service.name")
        port = _dict(service.get("port"))
        if not port.get("name") and not port.get("number"):
            yield causes.required(at, "port name or number is required")
        elif port.get("name") and port.get("number"):
            yield causes.invalid(at, "", "cannot set both port name & port number")
    elif "resource" not in backend:
        yield causes.required(at, "resource or service backend is required")


def _host(host: Any, at: str) -> Iterator[Cause]:
    if not isinstance(host, str) or not host:
        return
    for problem in names.subdomain_problems(host.removeprefix("*.")):
        yield causes.invalid(at, host, problem)


def _secret(body: Json, old: Json | None) -> Iterator[Cause]:
    data = _dict(body.get("data"))
    for key, value in data.items():
        try:
            base64.b64decode(str(value), validate=True)
        except binascii.Error:
            yield causes.invalid(f"data[{key}]", value, "illegal base64 data")
    if body.get("type") == "kubernetes.io/tls":
        for key in ("tls.crt", "tls.key"):
            if key not in data:
                yield causes.required(f"data[{key}]")
    if old and old.get("type") != body.get("type"):
        yield causes.invalid("type", body.get("type"), "field is immutable")
    if old and old.get("immutable") and data != _dict(old.get("data")):
        yield causes.forbidden("data", "field is immutable when `immutable` is set")


def _dict(value: Any) -> Json:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _dicts(value: Any) -> list[Json]:
    return [_dict(each) for each in _list(value)]


_RULES: dict[tuple[str, str], Rule] = {
    ("", "Service"): _service,
    ("", "Secret"): _secret,
    ("networking.k8s.io", "Ingress"): _ingress,
}
