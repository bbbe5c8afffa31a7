"""The ingress options and their settings."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from provision.profile.keys import (
    ADDRESS_RANGE,
    CERTIFICATE_NAME,
    CHART_VERSION,
    CONTROLLER_NAME,
    GROUP_NAME,
    KUBERNETES_NAME,
    RESOURCE_ID,
    key,
)
from provision.profile.model.mesh import Istio


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
        metadata=key("Gateway API (class approuting-istio), or NGINX, whose patches end with November 2026."),
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
class TrafficController:
    """The Application Gateway for Containers resource of `deployment: byo`."""

    name: str | None = field(
        default=None, metadata=key("Its name; agc-<profile name> without it.", pattern=CONTROLLER_NAME)
    )
    resource_group: str | None = field(
        default=None, metadata=key("Its resource group; the cluster's without it.", pattern=GROUP_NAME)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class IpAccessRule:
    """Who may reach the frontends, by address."""

    name: str = field(metadata=key("Name of the rule.", pattern=CONTROLLER_NAME))
    priority: int = field(metadata=key("The lowest that fits decides.", minimum=1, maximum=65535))
    action: Literal["allow", "deny"] = field(metadata=key("What happens to requests from there."))
    addresses: tuple[str, ...] = field(
        metadata=key("Address ranges, such as 203.0.113.0/24.", pattern=ADDRESS_RANGE, minimum=1)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationGateway:
    """Application Gateway for Containers."""

    option: Literal["application-gateway-for-containers"] = field(metadata=key("The ingress option."))
    deployment: Literal["managed", "byo"] = field(
        default="managed", metadata=key("Who creates the Azure resources: the controller, or provision.")
    )
    controller: Literal["addon", "helm"] = field(
        default="addon",
        metadata=key("How the ALB controller gets into the cluster: the AKS add-on (preview) or its chart."),
    )
    chart_version: str = field(
        default="1.9.13", metadata=key("Version of the chart with controller: helm.", pattern=CHART_VERSION)
    )
    api: Literal["gateway-api", "ingress"] = field(
        default="gateway-api", metadata=key("Which API the routes are written in.")
    )
    load_balancer: Literal["external", "internal"] = field(
        default="external",
        metadata=key("Where the frontend listens; internal: private endpoints only, deployment: byo."),
    )
    subnet: str | None = field(
        default=None,
        metadata=key(
            "Resource id of the subnet that the gateway gets, for it alone and of 256 free addresses at"
            " least. Without it the one that the add-on makes in the cluster's own network.",
            pattern=RESOURCE_ID,
        ),
    )
    create_subnet: bool = field(
        default=False,
        metadata=key("Make the subnet, or delegate the one that is there; false: both must be done."),
    )
    subnet_prefix: str | None = field(
        default=None,
        metadata=key("Address range of the subnet when it is made.", pattern=ADDRESS_RANGE),
    )
    traffic_controller: TrafficController = field(
        default_factory=TrafficController, metadata=key("The Azure resource of deployment: byo.")
    )
    load_balancer_namespace: str | None = field(
        default=None,
        metadata=key(
            "Namespace of the ApplicationLoadBalancer object of deployment: managed; the first of the"
            " hosts' namespaces without it.",
            pattern=KUBERNETES_NAME,
        ),
    )
    waf_policy: str | None = field(
        default=None,
        metadata=key("Resource id of a web application firewall policy.", pattern=RESOURCE_ID),
    )
    ip_access_rules: tuple[IpAccessRule, ...] = field(
        default=(), metadata=key("Which addresses may reach the frontends, with deployment: byo.")
    )
    private_endpoints: tuple[str, ...] = field(
        default=(),
        metadata=key(
            "Resource ids of private endpoints, made by others, whose connections are approved; with"
            " loadBalancer: internal.",
            pattern=RESOURCE_ID,
        ),
    )


Ingress = AppRouting | ApplicationGateway | Istio
"""Told apart by `option`."""
