"""What Application Gateway for Containers needs and can hold, as data with sources and dates."""

from __future__ import annotations

from typing import NamedTuple

from provision.ingress.catalog import Limit

_COMPONENTS = "Application Gateway for Containers components, Microsoft Learn"
_LIMITS = "Azure subscription and service limits, Microsoft Learn"

FRONTENDS = Limit(5, "frontends of one Application Gateway for Containers", _LIMITS, "2026-06")
ASSOCIATIONS = Limit(1, "association of one Application Gateway for Containers", _LIMITS, "2026-06")
LISTENERS = Limit(200, "listeners of one Application Gateway for Containers", _LIMITS, "2026-06")
HOST_ROUTES = Limit(200, "routes of one Application Gateway for Containers", _LIMITS, "2026-06")
CERTIFICATES = Limit(
    100, "references to certificates of one Application Gateway for Containers", _LIMITS, "2026-06"
)
SERVICES = Limit(100, "services of one Application Gateway for Containers", _LIMITS, "2026-06")
LEAST_ADDRESSES = Limit(256, "free addresses of the subnet at least", _COMPONENTS, "2025-12")
AMPLE_ADDRESSES = Limit(
    512,
    "free addresses of the subnet for the gateway to be replaced without an outage",
    "Reports of users whose gateway was made again beside the old one",
    "2026-06",
)
OVERLAY_PREFIX = Limit(
    24,
    "the length at least of the subnet's prefix in a cluster with Azure CNI Overlay",
    "The controller's message `extensionIPRange prefix length too short (/23). Must be 24 or higher.`,"
    " https://github.com/Azure/AKS/issues/5170",
    "2025-07",
)
REQUEST_SECONDS = Limit(60, "seconds until a request must be answered, by default", _COMPONENTS, "2025-12")

PROVIDERS = (
    "Microsoft.ContainerService",
    "Microsoft.Network",
    "Microsoft.NetworkFunction",
    "Microsoft.ServiceNetworking",
)
"""Resource providers that must be registered. Source: "Quickstart: Deploy Application Gateway for
Containers ALB Controller", Microsoft Learn, 2026-08-18."""

REGIONS = frozenset(
    (
        *("australiaeast", "brazilsouth", "canadacentral", "centralindia", "centralus", "eastasia", "eastus"),
        *("eastus2", "francecentral", "germanywestcentral", "koreacentral", "northcentralus", "northeurope"),
        *("norwayeast", "southcentralus", "southeastasia", "switzerlandnorth", "uaenorth", "uksouth"),
        *("westus", "westeurope"),
    )
)
"""Source: "What is Application Gateway for Containers", Microsoft Learn, 2025-07."""


class Preview(NamedTuple):
    """Something that only a preview version of an API knows, and the features to register for it.

    `until` is the month in which the version is taken off.
    """

    what: str
    api_version: str
    features: tuple[str, ...]
    until: str
    source: str


ADDON = Preview(
    "the Application Gateway for Containers add-on of AKS",
    "2026-07-02-preview",
    (
        "Microsoft.ContainerService/ManagedGatewayAPIPreview",
        "Microsoft.ContainerService/ApplicationLoadBalancerPreview",
    ),
    "2027-07",
    "Quickstart: Deploy ALB Controller using the AKS add-on, 2026-08-18; a preview of the AKS API lives for a"
    " year: Azure Kubernetes Service preview API life cycle, Microsoft Learn, 2026",
)

CONTROLLER_NAMESPACE = "azure-alb-system"
CONTROLLER_ACCOUNT = "alb-controller-sa"
CONTROLLER_IDENTITY = "azure-alb-identity"
"""Of the chart; the identity's name and that of its federated credential are fixed. Source: "Quickstart:
Deploy Application Gateway for Containers ALB Controller - Helm", 2026-02."""
CHART = "oci://mcr.microsoft.com/application-lb/charts/alb-controller"
GATEWAY_CLASS = "azure-alb-external"
