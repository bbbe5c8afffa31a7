"""Schemas of networking.k8s.io/v1. Source: the OpenAPI document of Kubernetes 1.32."""

from __future__ import annotations

from provision.sandbox.kubernetes.schemas_core import LOAD_BALANCER
from provision.sandbox.kubernetes.shapes import array, atomic, integer, record, text

_OBJECT = atomic(record(["kind", "name"], apiGroup=text(), kind=text(), name=text()))

_BACKEND = record(
    resource=_OBJECT,
    service=record(
        ["name"], name=text(), port=atomic(record(name=text(), number=integer(least=0, most=65535)))
    ),
)

_PATH = record(
    ["backend"],
    path=text(),
    pathType=text(values=["Exact", "ImplementationSpecific", "Prefix"]),
    backend=_BACKEND,
)

INGRESS = record(
    spec=record(
        ingressClassName=text(),
        defaultBackend=_BACKEND,
        rules=array(record(host=text(), http=record(["paths"], paths=array(_PATH)))),
        tls=array(record(hosts=array(text()), secretName=text())),
    ),
    status=record(loadBalancer=LOAD_BALANCER),
)
"""`pathType` is required too; its absence has words of its own (`built_in_rules`)."""

INGRESS_CLASS = record(
    spec=record(
        controller=text(most=250),
        parameters=record(
            ["kind", "name"],
            apiGroup=text(),
            kind=text(),
            name=text(),
            namespace=text(),
            scope=text(values=["Cluster", "Namespace"], default="Cluster"),
        ),
    )
)
