"""The CustomResourceDefinitions of the Gateway API, standard channel.

Source: the Gateway API's standard channel, v1.2.0; TLSRoute from v1.5.0.
"""

from __future__ import annotations

from provision.sandbox.http import Json
from provision.sandbox.kubernetes.crd_documents import (
    AGE,
    GROUP_NAME,
    KIND_NAME,
    NAMESPACE_NAME,
    OBJECT_NAME,
    PATH_NAME,
    column,
    conditions,
    document,
    names,
    pending,
    version,
)
from provision.sandbox.kubernetes.crds_gateway import GATEWAY, GATEWAY_STATUS
from provision.sandbox.kubernetes.crds_http_route import HTTP_ROUTE, ROUTE_STATUS
from provision.sandbox.kubernetes.crds_tls_route import TLS_ROUTE
from provision.sandbox.kubernetes.shapes import array, defaulted, record, ruled, text

_GROUP = "gateway.networking.k8s.io"

_ACCEPTED = [pending("Accepted")]

_GATEWAY_CLASS = record(
    ["controllerName"],
    controllerName=ruled(
        text(least=1, most=253, pattern=PATH_NAME), ("oldSelf == self", "Value is immutable")
    ),
    description=text(most=64),
    parametersRef=record(
        ["group", "kind", "name"],
        group=GROUP_NAME,
        kind=KIND_NAME,
        name=OBJECT_NAME,
        namespace=NAMESPACE_NAME,
    ),
)

_REFERENCE_GRANT = record(
    ["from", "to"],
    from_=array(
        record(["group", "kind", "namespace"], group=GROUP_NAME, kind=KIND_NAME, namespace=NAMESPACE_NAME),
        least=1,
        most=16,
    ),
    to=array(record(["group", "kind"], group=GROUP_NAME, kind=KIND_NAME, name=OBJECT_NAME), least=1, most=16),
)


def documents(bundle_version: str) -> list[Json]:
    """GatewayClass, Gateway, HTTPRoute, ReferenceGrant, and TLSRoute where the bundle has it.

    `bundle_version` is `v1.3.0` or alike.
    """
    annotations = {f"{_GROUP}/bundle-version": bundle_version, f"{_GROUP}/channel": "standard"}

    def of(
        kind: str, plural: str, short: list[str], versions: list[Json], *, namespaced: bool = True
    ) -> Json:
        named = names(kind, plural, short, ["gateway-api"])
        return document(_GROUP, named, versions, namespaced=namespaced, annotations=annotations)

    major, minor = (int(part) for part in bundle_version.lstrip("v").split(".")[:2])
    tls_route = [version("v1", TLS_ROUTE, ROUTE_STATUS, columns=[AGE])] if (major, minor) >= (1, 5) else []
    return [
        of("GatewayClass", "gatewayclasses", ["gc"], _gateway_class_versions(), namespaced=False),
        of("Gateway", "gateways", ["gtw"], _gateway_versions()),
        of("HTTPRoute", "httproutes", [], _http_route_versions()),
        of("ReferenceGrant", "referencegrants", ["refgrant"], _reference_grant_versions()),
        *([of("TLSRoute", "tlsroutes", [], tls_route)] if tls_route else []),
    ]


def _gateway_class_versions() -> list[Json]:
    status = defaulted(
        record(conditions=defaulted(conditions(8), _ACCEPTED)),
        {"conditions": _ACCEPTED},
    )
    columns = [
        column("Controller", ".spec.controllerName"),
        column("Accepted", '.status.conditions[?(@.type=="Accepted")].status'),
        AGE,
        column("Description", ".spec.description", wide=True),
    ]
    return [
        version(name, _GATEWAY_CLASS, status, columns=columns, storage=name == "v1")
        for name in ("v1", "v1beta1")
    ]


def _gateway_versions() -> list[Json]:
    columns = [
        column("Class", ".spec.gatewayClassName"),
        column("Address", ".status.addresses[*].value"),
        column("Programmed", '.status.conditions[?(@.type=="Programmed")].status'),
        AGE,
    ]
    return [
        version(name, GATEWAY, GATEWAY_STATUS, columns=columns, storage=name == "v1")
        for name in ("v1", "v1beta1")
    ]


def _http_route_versions() -> list[Json]:
    columns = [column("Hostnames", ".spec.hostnames"), AGE]
    return [
        version(name, HTTP_ROUTE, ROUTE_STATUS, columns=columns, storage=name == "v1")
        for name in ("v1", "v1beta1")
    ]


def _reference_grant_versions() -> list[Json]:
    return [version("v1beta1", _REFERENCE_GRANT, columns=[AGE], required=False)]
