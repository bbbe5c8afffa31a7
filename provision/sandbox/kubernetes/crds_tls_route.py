"""The TLSRoute of the Gateway API, standard since v1.5.0. Source: apis/v1/tlsroute_types.go."""

from __future__ import annotations

from provision.sandbox.kubernetes.crd_documents import HOST_NAME, SECTION_NAME
from provision.sandbox.kubernetes.crds_http_filters import service_reference
from provision.sandbox.kubernetes.crds_http_route import PARENTS
from provision.sandbox.kubernetes.shapes import array, integer, record

_BACKENDS = array(service_reference(weight=integer(least=0, most=1_000_000, default=1)), least=1, most=16)

TLS_ROUTE = record(
    ["hostnames", "rules"],
    parentRefs=PARENTS,
    # Its rules on wildcards say what the pattern of each name says already.
    hostnames=array(HOST_NAME, least=1, most=1024),
    rules=array(record(["backendRefs"], name=SECTION_NAME, backendRefs=_BACKENDS), least=1, most=1),
)
