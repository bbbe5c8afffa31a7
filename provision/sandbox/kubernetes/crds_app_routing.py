"""The CustomResourceDefinitions of the app routing operator: approuting.kubernetes.azure.com/v1alpha1.

Source: Azure/aks-app-routing-operator, api/v1alpha1, June 2026.
"""

from __future__ import annotations

from provision.sandbox.http import Json
from provision.sandbox.kubernetes.crd_documents import column, conditions, document, names, version
from provision.sandbox.kubernetes.shapes import (
    BOOLEAN,
    array,
    defaulted,
    integer,
    mapping,
    record,
    ruled,
    text,
)

_GROUP = "approuting.kubernetes.azure.com"

DEFAULT_NAMESPACE = "app-routing-system"
"""Where the resources of a ClusterExternalDNS go unless it says otherwise."""

_NAME = text(least=1, most=253, pattern=r"^[a-z0-9][-a-z0-9\.]*[a-z0-9]$")
_UUID = text(pattern="[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", form="uuid")
_ONE_LABEL = text(pattern="^[^=]+=[^=]+$")
_NAMED = record(["name", "namespace"], name=_NAME, namespace=_NAME)
_UNCHANGING = ("oldSelf == self", "Value is immutable")

_MANAGED = array(
    record(["kind", "name"], apiGroup=text(), kind=text(), name=text(), namespace=text()),
)

_SCALING = ruled(
    record(
        minReplicas=integer(least=1),
        maxReplicas=integer(least=1),
        threshold=text(values=["rapid", "balanced", "steady"]),
    ),
    ("!(has(self.minReplicas) && has(self.maxReplicas)) || self.minReplicas <= self.maxReplicas", ""),
)

_DEFAULT_CERTIFICATE = ruled(
    record(
        secret=_NAMED,
        keyVaultURI=text(),
        forceSSLRedirect=defaulted(BOOLEAN, False),
    )
    | {"maxProperties": 2},
    ("!has(self.keyVaultURI) || isURL(self.keyVaultURI)", ""),
    ("!self.forceSSLRedirect || has(self.secret) || has(self.keyVaultURI)", ""),
)

_DEFAULT_CLASS = "nginx.approuting.kubernetes.azure.com"

_CONTROLLER = defaulted(
    record(
        ["controllerNamePrefix", "ingressClassName"],
        controllerNamePrefix=ruled(
            text(least=1, most=60, pattern="^[a-z0-9][-a-z0-9]*[a-z0-9]$", default="nginx"), _UNCHANGING
        ),
        ingressClassName=ruled(defaulted(_NAME, _DEFAULT_CLASS), _UNCHANGING),
        loadBalancerAnnotations=mapping(text()),
        loadBalancerSourceRanges=array(text()),
        defaultSSLCertificate=_DEFAULT_CERTIFICATE,
        defaultBackendService=_NAMED,
        customHTTPErrors=array(integer()),
        scaling=_SCALING,
        httpDisabled=BOOLEAN,
        enableSSLPassthrough=BOOLEAN,
        logFormat=text(),
    ),
    {"controllerNamePrefix": "nginx", "ingressClassName": _DEFAULT_CLASS},
)

_CONTROLLER_STATUS = record(
    conditions=conditions(),
    controllerReplicas=integer(),
    controllerReadyReplicas=integer(),
    controllerAvailableReplicas=integer(),
    controllerUnavailableReplicas=integer(),
    collisionCount=integer(most=5),
    managedResourceRefs=_MANAGED,
)


def _alike(position: int, what: str) -> tuple[str, str]:
    """All zones agree in one segment of their resource ids."""
    rule = f"self.all(id, id.split('/')[{position}] == self[0].split('/')[{position}])"
    return rule, f"all items must {what}"


_ZONES = ruled(
    array(text(), unique=True, least=1, most=7),
    _alike(2, "have the same subscription ID"),
    _alike(4, "have the same resource group"),
    _alike(7, "be of the same resource type"),
)

_IDENTITY = ruled(
    record(
        type=text(values=["workloadIdentity", "managedIdentity"], default="workloadIdentity"),
        serviceAccount=_NAME,
        clientID=_UUID,
    ),
    (
        "self.type == 'managedIdentity' || (has(self.serviceAccount) && self.serviceAccount != '')",
        "serviceAccount is required when type is workloadIdentity",
    ),
    (
        "self.type != 'managedIdentity' || (has(self.clientID) && self.clientID != '')",
        "clientID is required when type is managedIdentity",
    ),
)

_EXTERNAL_DNS_REQUIRED = ["dnsZoneResourceIDs", "identity", "resourceName", "resourceTypes"]

_EXTERNAL_DNS: dict[str, Json] = {
    "resourceName": _NAME,
    "tenantId": _UUID,
    "dnsZoneResourceIDs": _ZONES,
    "resourceTypes": ruled(
        array(text(), unique=True, least=1, most=2),
        (
            "self.all(type, type.matches('(?i)(gateway|ingress)'))",
            "all items must be either 'gateway' or 'ingress'",
        ),
    ),
    "identity": _IDENTITY,
    "filters": record(gatewayLabels=_ONE_LABEL, routeAndIngressLabels=_ONE_LABEL),
}

_EXTERNAL_DNS_STATUS = record(
    ["externalDNSReadyReplicas", "externalDNSUnavailableReplicas"],
    conditions=conditions(),
    externalDNSReadyReplicas=integer(),
    externalDNSUnavailableReplicas=integer(),
    collisionCount=integer(most=5),
    managedResourceRefs=_MANAGED,
)

DOCUMENTS: list[Json] = [
    document(
        _GROUP,
        names("NginxIngressController", "nginxingresscontrollers", ["nic"]),
        [
            version(
                "v1alpha1",
                _CONTROLLER,
                _CONTROLLER_STATUS,
                columns=[
                    column("IngressClass", ".spec.ingressClassName"),
                    column("ControllerNamePrefix", ".spec.controllerNamePrefix"),
                    column("Available", '.status.conditions[?(@.type=="Available")].status'),
                ],
            )
        ],
        namespaced=False,
    ),
    document(
        _GROUP,
        names("ClusterExternalDNS", "clusterexternaldnses", ["cedns"]),
        [
            version(
                "v1alpha1",
                record(
                    [*_EXTERNAL_DNS_REQUIRED, "resourceNamespace"],
                    resourceNamespace=defaulted(_NAME, DEFAULT_NAMESPACE),
                    **_EXTERNAL_DNS,
                ),
                _EXTERNAL_DNS_STATUS,
            )
        ],
        namespaced=False,
    ),
    document(
        _GROUP,
        names("ExternalDNS", "externaldnses", ["edns"]),
        [version("v1alpha1", record(_EXTERNAL_DNS_REQUIRED, **_EXTERNAL_DNS), _EXTERNAL_DNS_STATUS)],
        namespaced=True,
    ),
]
