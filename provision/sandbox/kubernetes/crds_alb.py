"""The CustomResourceDefinitions of the ALB controller: alb.networking.azure.io/v1.

Sources: the public Go types of the API (path of each kind, printer columns, defaults of the status) and "API
specification for Application Gateway for Containers", Microsoft Learn, 2026-06. Some plurals are singular
words: that is how the definitions spell them.
"""

from __future__ import annotations

from provision.sandbox.http import Json
from provision.sandbox.kubernetes.crd_documents import (
    AGE,
    GROUP_NAME,
    NAMESPACE_NAME,
    OBJECT_NAME,
    PRECISE_HOST_NAME,
    column,
    conditions,
    document,
    names,
    pending,
    version,
)
from provision.sandbox.kubernetes.shapes import BOOLEAN, PRESERVED, array, defaulted, integer, record, text

_GROUP = "alb.networking.azure.io"

_ACCEPTED = [pending("Accepted")]
_STATUS = defaulted(record(conditions=defaulted(conditions(8), _ACCEPTED)), {"conditions": _ACCEPTED})

_DURATION = text()
"""metav1.Duration: `30s`, read by the controller."""

_TARGET = record(
    ["group", "kind", "name"],
    group=GROUP_NAME,
    kind=text(least=1, most=63),
    name=OBJECT_NAME,
    namespace=NAMESPACE_NAME,
    sectionNames=array(text()),
)

_SECRET = record(
    ["name"],
    group=defaulted(text(most=253), ""),
    kind=text(least=1, most=63, default="Secret"),
    name=OBJECT_NAME,
    namespace=NAMESPACE_NAME,
)

_AFFINITY = record(
    ["affinityType"],
    affinityType=text(values=["application-cookie", "managed-cookie"]),
    cookieName=text(),
    cookieDuration=_DURATION,
)

_HEALTH = record(
    interval=_DURATION,
    timeout=_DURATION,
    port=integer(),
    unhealthyThreshold=integer(),
    healthyThreshold=integer(),
    useTLS=BOOLEAN,
    http=record(
        host=text(),
        path=text(),
        match=record(body=text(), statusCodes=array(record(start=integer(), end=integer()))),
    ),
    grpc=record(authority=text(), service=text()),
)

_FRONTEND_TLS = record(
    verify=record(["caCertificateRef"], caCertificateRef=_SECRET, subjectAltNames=array(text())),
    policyType=defaulted(
        record(["name", "type"], name=text(), type=text()), {"name": "2023-06", "type": "predefined"}
    ),
)

_BACKEND_TLS = record(
    sni=text(),
    ports=array(record(port=integer(least=1))),
    clientCertificateRef=_SECRET,
    verify=record(["caCertificateRef"], caCertificateRef=_SECRET, subjectAltName=text()),
)

_ROUTE = record(timeouts=record(routeTimeout=_DURATION), sessionAffinity=_AFFINITY)

_HEADER = record(["name", "value"], name=text(least=1, most=256), value=text(least=1, most=4096))
_HEADERS = record(
    set=array(_HEADER, keys=["name"], most=16),
    add=array(_HEADER, keys=["name"], most=16),
    remove=array(text(), most=16),
)
_PATH = record(
    ["type"],
    type=text(values=["ReplaceFullPath", "ReplacePrefixMatch"]),
    replaceFullPath=text(most=1024),
    replacePrefixMatch=text(most=1024),
)
_REWRITE = record(
    ["type"],
    type=text(values=["RequestHeaderModifier", "ResponseHeaderModifier", "URLRewrite"]),
    requestHeaderModifier=_HEADERS,
    responseHeaderModifier=_HEADERS,
    urlRewrite=record(hostname=PRECISE_HOST_NAME, path=_PATH),
)
_REDIRECT = record(
    scheme=text(values=["http", "https"]),
    hostname=PRECISE_HOST_NAME,
    path=_PATH,
    port=integer(least=1, most=65535),
    statusCode=integer(values=[301, 302, 303, 307, 308], default=302),
)

_INGRESS_EXTENSION = record(
    rules=array(
        record(
            ["host"],
            host=text(),
            additionalHostnames=array(text()),
            rewrites=array(_REWRITE),
            requestRedirect=_REDIRECT,
        )
    ),
    backendSettings=array(
        record(
            ["service"],
            service=text(),
            ports=array(record(["protocol"], number=integer(), name=text(), protocol=text())),
            trustedRootCertificate=text(),
            sessionAffinity=_AFFINITY,
            timeouts=record(requestTimeout=_DURATION),
            loadBalancing=PRESERVED,
        )
    ),
)


def _policy(config: Json) -> Json:
    return record(["targetRef"], targetRef=_TARGET, default=config, override=config)


def _state(kind: str) -> Json:
    return column(kind, f'.status.conditions[?(@.type=="{kind}")].status')


def _kind(of: Json, spec: Json, *states: str, age: bool = True) -> Json:
    columns = [*(_state(each) for each in states), *([AGE] if age else [])]
    return document(
        _GROUP, of, [version("v1", spec, _STATUS, columns=columns, required=False)], namespaced=True
    )


DOCUMENTS: list[Json] = [
    _kind(
        names("ApplicationLoadBalancer", "applicationloadbalancer"),
        record(associations=array(text())),
        "Deployment",
    ),
    _kind(names("FrontendTLSPolicy", "frontendtlspolicies"), _policy(_FRONTEND_TLS), "Accepted"),
    _kind(names("BackendTLSPolicy", "backendtlspolicies"), _policy(_BACKEND_TLS), "Accepted"),
    _kind(names("HealthCheckPolicy", "healthcheckpolicy"), _policy(_HEALTH), "Accepted"),
    _kind(names("RoutePolicy", "routepolicies"), _policy(_ROUTE), "Accepted"),
    _kind(
        names("WebApplicationFirewallPolicy", "webapplicationfirewallpolicy", ["wafpolicy"]),
        record(["targetRef"], targetRef=_TARGET, webApplicationFirewall=record(["id"], id=text())),
        "Deployment",
    ),
    _kind(names("IngressExtension", "ingressextension"), _INGRESS_EXTENSION, "Accepted", "Errors", age=False),
]
