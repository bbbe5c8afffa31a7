"""The CustomResourceDefinitions of Istio, as the service mesh add-on installs them.

Gateway, VirtualService and DestinationRule have structural schemas of the fields in use; what is rarely set
(fault injection, mirroring, CORS, traffic policies), and the other kinds, are taken as they come.
Source: istio/api, kubernetes/customresourcedefinitions.gen.yaml (July 2026), for kinds, versions, names,
columns, required fields and enumerations. `helm.sh/resource-policy: keep` is why they outlive the add-on.
"""

from __future__ import annotations

from collections.abc import Sequence

from provision.sandbox.http import Json
from provision.sandbox.kubernetes.crd_documents import AGE, column, document, names, version
from provision.sandbox.kubernetes.shapes import (
    BOOLEAN,
    PRESERVED,
    array,
    integer,
    mapping,
    record,
    ruled,
    text,
)

_KEPT = {"helm.sh/resource-policy": "keep"}
_EVERY_VERSION = ("v1", "v1beta1", "v1alpha3")
_NUMBER = {"type": "integer", "minimum": 0, "maximum": 4294967295}
_STRINGS = array(text())
_TEXTS = mapping(text())
_TLS_VERSION = text(values=["TLS_AUTO", "TLSV1_0", "TLSV1_1", "TLSV1_2", "TLSV1_3"])


def _one_of(shape: Json, *names: str) -> Json:
    """At most one of the properties, as protobuf's `oneof` is written in Istio's definitions."""
    each: list[Json] = [{"required": [name]} for name in names]
    return shape | {"oneOf": [{"not": {"anyOf": each}}, *each]}


_TLS = record(
    mode=text(
        values=["PASSTHROUGH", "SIMPLE", "MUTUAL", "AUTO_PASSTHROUGH", "ISTIO_MUTUAL", "OPTIONAL_MUTUAL"]
    ),
    httpsRedirect=BOOLEAN,
    credentialName=text(),
    credentialNames=array(text(), least=1, most=2),
    caCertCredentialName=text(),
    serverCertificate=text(),
    privateKey=text(),
    caCertificates=text(),
    caCrl=text(),
    tlsCertificates=array(
        record(serverCertificate=text(), privateKey=text(), caCertificates=text()), least=1, most=2
    ),
    subjectAltNames=_STRINGS,
    verifyCertificateSpki=_STRINGS,
    verifyCertificateHash=_STRINGS,
    minProtocolVersion=_TLS_VERSION,
    maxProtocolVersion=_TLS_VERSION,
    cipherSuites=_STRINGS,
    insecureSkipVerify={**BOOLEAN, "nullable": True},
)

_SERVER = record(
    ["port", "hosts"],
    name=text(),
    bind=text(),
    defaultEndpoint=text(),
    hosts=_STRINGS,
    port=record(
        ["number", "protocol", "name"], number=_NUMBER, protocol=text(), name=text(), targetPort=_NUMBER
    ),
    tls=_TLS,
)

_GATEWAY = record(selector=_TEXTS, servers=array(_SERVER))

_MATCHED = _one_of(record(exact=text(), prefix=text(), regex=text()), "exact", "prefix", "regex")

_HTTP_MATCH = record(
    name=text(),
    uri=_MATCHED,
    scheme=_MATCHED,
    method=_MATCHED,
    authority=_MATCHED,
    headers=mapping(_MATCHED),
    withoutHeaders=mapping(_MATCHED),
    queryParams=mapping(_MATCHED),
    port=_NUMBER,
    gateways=_STRINGS,
    sourceLabels=_TEXTS,
    sourceNamespace=text(),
    ignoreUriCase=BOOLEAN,
    statPrefix=text(),
)

_DESTINATION = record(["host"], host=text(), subset=text(), port=record(number=_NUMBER))
_HEADER_CHANGE = record(add=_TEXTS, set=_TEXTS, remove=_STRINGS)
_HEADERS = record(request=_HEADER_CHANGE, response=_HEADER_CHANGE)
_WEIGHT = integer()
_DURATION = ruled(text(), ("duration(self) >= duration('1ms')", "must be a valid duration greater than 1ms"))

_REDIRECT = _one_of(
    record(
        authority=text(),
        uri=text(),
        prefixRewrite=text(),
        scheme=text(),
        port=_NUMBER,
        derivePort=text(values=["FROM_PROTOCOL_DEFAULT", "FROM_REQUEST_PORT"]),
        redirectCode=_NUMBER,
    ),
    "port",
    "derivePort",
)

_HTTP = record(
    name=text(),
    match=array(_HTTP_MATCH),
    route=array(record(["destination"], destination=_DESTINATION, weight=_WEIGHT, headers=_HEADERS)),
    redirect=_REDIRECT,
    directResponse=record(
        ["status"],
        status=_NUMBER,
        body=_one_of(record(string=text(), bytes=text()), "string", "bytes"),
        headers=PRESERVED,
    ),
    delegate=record(name=text(), namespace=text()),
    rewrite=record(authority=text(), uri=text(), uriRegexRewrite=record(match=text(), rewrite=text())),
    timeout=_DURATION,
    retries=record(
        attempts=integer(),
        perTryTimeout=_DURATION,
        backoff=_DURATION,
        retryOn=text(),
        retryRemoteLocalities={**BOOLEAN, "nullable": True},
        retryIgnorePreviousHosts={**BOOLEAN, "nullable": True},
    ),
    headers=_HEADERS,
    fault=PRESERVED,
    mirror=_DESTINATION,
    mirrors=array(PRESERVED),
    mirrorPercent={**_NUMBER, "nullable": True},
    mirrorPercentage=PRESERVED,
    corsPolicy=PRESERVED,
)

_L4_MATCH = {
    "destinationSubnets": _STRINGS,
    "gateways": _STRINGS,
    "port": _NUMBER,
    "sourceLabels": _TEXTS,
    "sourceNamespace": text(),
}
_L4_ROUTE = array(record(["destination"], destination=_DESTINATION, weight=_WEIGHT))

_VIRTUAL_SERVICE = record(
    hosts=_STRINGS,
    gateways=_STRINGS,
    exportTo=_STRINGS,
    http=array(_HTTP),
    tls=array(
        record(["match"], match=array(record(["sniHosts"], sniHosts=_STRINGS, **_L4_MATCH)), route=_L4_ROUTE)
    ),
    tcp=array(record(match=array(record(sourceSubnet=text(), **_L4_MATCH)), route=_L4_ROUTE)),
)

_DESTINATION_RULE = record(
    ["host"],
    host=text(),
    exportTo=_STRINGS,
    subsets=array(record(["name"], name=text(), labels=_TEXTS, trafficPolicy=PRESERVED)),
    trafficPolicy=PRESERVED,
    workloadSelector=record(matchLabels=_TEXTS),
)

_HOSTS = column("Hosts", ".spec.hosts")
_COLUMNS: dict[str, list[Json]] = {
    "DestinationRule": [column("Host", ".spec.host"), AGE],
    "ServiceEntry": [
        _HOSTS,
        column("Location", ".spec.location"),
        column("Resolution", ".spec.resolution"),
        AGE,
    ],
    "VirtualService": [column("Gateways", ".spec.gateways"), _HOSTS, AGE],
    "WorkloadEntry": [AGE, column("Address", ".spec.address")],
    "WorkloadGroup": [AGE],
}


def _kind(
    group: str,
    kind: str,
    plural: str,
    short: str = "",
    spec: Json = PRESERVED,
    served: Sequence[str] = ("v1",),
) -> Json:
    family = [f"{group.split('.')[0]}-istio-io"]
    called = names(kind, plural, [short] if short else [], ["istio-io", *family])
    versions = [
        version(
            name,
            spec,
            PRESERVED,
            columns=_COLUMNS.get(kind, ()),
            storage=name == served[0],
            required=kind in ("DestinationRule", "ServiceEntry", "WorkloadEntry", "WorkloadGroup"),
        )
        for name in served
    ]
    return document(group, called, versions, namespaced=True, annotations=_KEPT)


_NETWORKING, _SECURITY = "networking.istio.io", "security.istio.io"
_POLICY_VERSIONS = ("v1", "v1beta1")

DOCUMENTS: list[Json] = [
    _kind("extensions.istio.io", "WasmPlugin", "wasmplugins", served=["v1alpha1"]),
    _kind(_NETWORKING, "DestinationRule", "destinationrules", "dr", _DESTINATION_RULE, _EVERY_VERSION),
    _kind(_NETWORKING, "EnvoyFilter", "envoyfilters", served=["v1alpha3"]),
    _kind(_NETWORKING, "Gateway", "gateways", "gw", _GATEWAY, _EVERY_VERSION),
    _kind(_NETWORKING, "ProxyConfig", "proxyconfigs", served=["v1beta1"]),
    _kind(_NETWORKING, "ServiceEntry", "serviceentries", "se", served=_EVERY_VERSION),
    _kind(_NETWORKING, "Sidecar", "sidecars", served=_EVERY_VERSION),
    _kind(_NETWORKING, "VirtualService", "virtualservices", "vs", _VIRTUAL_SERVICE, _EVERY_VERSION),
    _kind(_NETWORKING, "WorkloadEntry", "workloadentries", "we", served=_EVERY_VERSION),
    _kind(_NETWORKING, "WorkloadGroup", "workloadgroups", "wg", served=_EVERY_VERSION),
    _kind(_SECURITY, "AuthorizationPolicy", "authorizationpolicies", "ap", served=_POLICY_VERSIONS),
    _kind(_SECURITY, "PeerAuthentication", "peerauthentications", "pa", served=_POLICY_VERSIONS),
    _kind(_SECURITY, "RequestAuthentication", "requestauthentications", "ra", served=_POLICY_VERSIONS),
    _kind("telemetry.istio.io", "Telemetry", "telemetries", "telemetry", served=["v1", "v1alpha1"]),
]
