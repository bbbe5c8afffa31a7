"""Defaults of built-in kinds that depend on other fields, where a schema's fixed default is not enough."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable

from provision.sandbox.http import Json
from provision.sandbox.kubernetes.objects import Kind

_NODE_PORTS = range(30000, 32768)


def fill(kind: Kind, body: Json) -> Json:
    """Fill the object in place and return it."""
    fill_kind = _FILL.get((kind.group, kind.kind))
    if fill_kind:
        fill_kind(body)
    return body


def _service(body: Json) -> None:
    spec = body.setdefault("spec", {})
    if spec.get("type") == "ExternalName":
        return
    name = "/".join(body.get("metadata", {}).get(key, "") for key in ("namespace", "name"))
    # AKS hands out addresses of 10.0.0.0/16; .0.1 is the API server and .0.10 the cluster's DNS.
    # Source: AKS, networkProfile.serviceCidr and dnsServiceIP, defaults.
    address = f"10.0.{1 + _number(name, 254)}.{1 + _number(f'{name} host', 254)}"
    spec.setdefault("clusterIP", address)
    spec.setdefault("clusterIPs", [spec["clusterIP"]])
    spec.setdefault("ipFamilies", ["IPv4"])
    spec.setdefault("ipFamilyPolicy", "SingleStack")
    exposed = spec.get("type") in ("NodePort", "LoadBalancer")
    if exposed:
        spec.setdefault("externalTrafficPolicy", "Cluster")
    if spec.get("type") == "LoadBalancer":
        spec.setdefault("allocateLoadBalancerNodePorts", True)
    for port in spec.get("ports") or ():
        port.setdefault("targetPort", port.get("port"))
        if exposed:
            number = _number(f"{name} {port.get('protocol')} {port.get('port')}", len(_NODE_PORTS))
            port.setdefault("nodePort", _NODE_PORTS[number])
    body.setdefault("status", {}).setdefault("loadBalancer", {})


def _secret(body: Json) -> None:
    """`stringData` is for writing only: it joins `data`."""
    texts = body.pop("stringData", None) or {}
    if texts:
        data = body.setdefault("data", {})
        data.update({key: base64.b64encode(text.encode()).decode() for key, text in texts.items()})


def _namespace(body: Json) -> None:
    metadata = body.setdefault("metadata", {})
    metadata.setdefault("labels", {})["kubernetes.io/metadata.name"] = metadata.get("name", "")
    body.setdefault("spec", {}).setdefault("finalizers", ["kubernetes"])
    body.setdefault("status", {}).setdefault("phase", "Active")


def _ingress(body: Json) -> None:
    body.setdefault("status", {}).setdefault("loadBalancer", {})


def _custom_resource_definition(body: Json) -> None:
    spec = body.get("spec") or {}
    names = spec.get("names") or {}
    if "kind" in names:
        names.setdefault("singular", names["kind"].lower())
        names.setdefault("listKind", f"{names['kind']}List")
    spec.setdefault("conversion", {"strategy": "None"})


def _number(text: str, below: int) -> int:
    """A number that is always the same for the text."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") % below


_FILL: dict[tuple[str, str], Callable[[Json], None]] = {
    ("", "Service"): _service,
    ("", "Secret"): _secret,
    ("", "Namespace"): _namespace,
    ("networking.k8s.io", "Ingress"): _ingress,
    ("apiextensions.k8s.io", "CustomResourceDefinition"): _custom_resource_definition,
}
