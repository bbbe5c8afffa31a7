"""The ingress options and their settings."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from provision.profile.keys import CERTIFICATE_NAME, KUBERNETES_NAME, key


@dataclass(frozen=True, slots=True, kw_only=True)
class Scaling:
    """How a controller scales."""

    min_replicas: int = field(default=2, metadata=key("Least replicas.", minimum=1, maximum=1000))
    max_replicas: int = field(default=100, metadata=key("Most replicas.", minimum=1, maximum=1000))
    threshold: Literal["rapid", "balanced", "steady"] = field(
        default="balanced", metadata=key("How soon it scales: rapid, balanced, steady.")
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class AppRouting:
    """The application routing add-on."""

    option: Literal["app-routing"] = field(metadata=key("The ingress option."))
    implementation: Literal["gateway-api", "nginx"] = field(
        default="gateway-api",
        metadata=key(
            "Gateway API (class approuting-istio), or NGINX, which Microsoft patches through November 2026."
        ),
    )
    load_balancer: Literal["external", "internal"] = field(
        default="external", metadata=key("Where the ingress gateway listens.")
    )
    client_source_ip: Literal["hide", "preserve"] = field(
        default="hide",
        metadata=key(
            "Whether backends see the client's address (in X-Forwarded-For). Excludes tls: passthrough.",
            name="clientSourceIP",
        ),
    )
    static_ip: str | None = field(
        default=None,
        metadata=key(
            "Address that the gateway's load balancer must use.", name="staticIP", example="20.50.1.2"
        ),
    )
    default_controller: Literal["annotation-controlled", "external", "internal", "none"] | None = field(
        default=None,
        metadata=key(
            "The add-on's default NGINX controller. Without it: annotation-controlled with nginx (internal"
            " when loadBalancer is internal), none with gateway-api."
        ),
    )
    scaling: Scaling | None = field(
        default=None, metadata=key("Scaling of an NGINX controller of the profile's own.")
    )
    default_certificate: str | None = field(
        default=None,
        metadata=key(
            "Certificate that an NGINX controller of the profile's own shows for unknown hosts, one of"
            " `certificates`.",
            pattern=CERTIFICATE_NAME,
        ),
    )
    dns_namespace: str | None = field(
        default=None,
        metadata=key(
            "Namespace of the controllers that write DNS records with gateway-api; the first of the hosts'"
            " namespaces without it.",
            pattern=KUBERNETES_NAME,
            name="dnsNamespace",
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationGateway:
    """Application Gateway for Containers."""

    option: Literal["application-gateway-for-containers"] = field(metadata=key("The ingress option."))
    deployment: Literal["managed", "byo"] = field(
        default="managed", metadata=key("Who creates the Azure resources: the controller, or provision.")
    )
    controller: Literal["addon", "helm"] = field(
        default="addon", metadata=key("How the ALB controller gets into the cluster.")
    )
    load_balancer: Literal["external", "internal"] = field(
        default="external", metadata=key("Where the frontend listens.")
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Istio:
    """The Istio service mesh add-on."""

    option: Literal["istio-service-mesh"] = field(metadata=key("The ingress option."))
    api: Literal["gateway-api", "istio"] = field(
        default="gateway-api", metadata=key("Which API the routes are written in.")
    )
    revision: str = field(
        default="latest-supported", metadata=key("Mesh revision, such as asm-1-30, or latest-supported.")
    )
    load_balancer: Literal["external", "internal"] = field(
        default="external", metadata=key("Which ingress gateway is on.")
    )
    client_source_ip: Literal["hide", "preserve"] = field(
        default="hide",
        metadata=key(
            "Whether backends see the client's address. Excludes tls: passthrough.", name="clientSourceIP"
        ),
    )


Ingress = AppRouting | ApplicationGateway | Istio
"""Told apart by `option`."""
