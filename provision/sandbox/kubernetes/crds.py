"""The CustomResourceDefinitions that add-ons install, and a constant for each of their kinds."""

from __future__ import annotations

from functools import cache

from provision.sandbox.http import Json
from provision.sandbox.kubernetes import (
    crds_alb,
    crds_app_routing,
    crds_gateway_api,
    crds_istio,
    crds_secrets_store,
)
from provision.sandbox.kubernetes.kinds import kind_of_crd

APP_ROUTING: list[Json] = crds_app_routing.DOCUMENTS
"""What the app routing add-on installs: approuting.kubernetes.azure.com/v1alpha1."""

SECRETS_STORE: list[Json] = crds_secrets_store.DOCUMENTS
"""What the Key Vault secrets provider installs: secrets-store.csi.x-k8s.io/v1."""

ALB: list[Json] = crds_alb.DOCUMENTS
"""What the ALB controller of Application Gateway for Containers installs: alb.networking.azure.io/v1."""

ISTIO: list[Json] = crds_istio.DOCUMENTS
"""What the service mesh add-on installs: networking.istio.io, security.istio.io and others."""


@cache
def GATEWAY_API(bundle_version: str) -> list[Json]:  # noqa: N802 (a group of documents, like the constants)
    """The standard channel of the Gateway API. `bundle_version` is `v1.3.0` or alike."""
    return crds_gateway_api.documents(bundle_version)


_gateway_api = {crd["spec"]["names"]["kind"]: kind_of_crd(crd)[0] for crd in GATEWAY_API("v1.5.1")}
_app_routing = {crd["spec"]["names"]["kind"]: kind_of_crd(crd)[0] for crd in APP_ROUTING}
_istio = {crd["spec"]["names"]["kind"]: kind_of_crd(crd)[0] for crd in ISTIO}
_alb = {crd["spec"]["names"]["kind"]: kind_of_crd(crd)[0] for crd in ALB}

GATEWAY_CLASS = _gateway_api["GatewayClass"]
GATEWAY = _gateway_api["Gateway"]
HTTP_ROUTE = _gateway_api["HTTPRoute"]
TLS_ROUTE = _gateway_api["TLSRoute"]
REFERENCE_GRANT = _gateway_api["ReferenceGrant"]
NGINX_INGRESS_CONTROLLER = _app_routing["NginxIngressController"]
CLUSTER_EXTERNAL_DNS = _app_routing["ClusterExternalDNS"]
EXTERNAL_DNS = _app_routing["ExternalDNS"]
SECRET_PROVIDER_CLASS = kind_of_crd(SECRETS_STORE[0])[0]
APPLICATION_LOAD_BALANCER = _alb["ApplicationLoadBalancer"]
FRONTEND_TLS_POLICY = _alb["FrontendTLSPolicy"]
BACKEND_TLS_POLICY = _alb["BackendTLSPolicy"]
HEALTH_CHECK_POLICY = _alb["HealthCheckPolicy"]
ROUTE_POLICY = _alb["RoutePolicy"]
WAF_POLICY = _alb["WebApplicationFirewallPolicy"]
INGRESS_EXTENSION = _alb["IngressExtension"]
ISTIO_GATEWAY = _istio["Gateway"]
VIRTUAL_SERVICE = _istio["VirtualService"]
DESTINATION_RULE = _istio["DestinationRule"]
