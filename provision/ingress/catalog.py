"""What each ingress option can do, as data: the feature table, limits, dates and versions.

Everything that Microsoft changes over time stands here with its source and date, and is read by the
rules, the warnings and `provision options`; none of it is repeated elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal, NamedTuple

Option = Literal["app-routing", "application-gateway-for-containers", "istio-service-mesh"]
Support = Literal["yes", "partly", "no"]
"""`partly`: under a condition that the text names."""

TABLE = "Compare ingress options in AKS, Microsoft Learn"
EDITIONS = ("2024-06", "2026-06")
NEWEST = EDITIONS[-1]

OPTIONS: Mapping[Option, str] = {
    "app-routing": "application routing add-on",
    "application-gateway-for-containers": "Application Gateway for Containers",
    "istio-service-mesh": "Istio service mesh add-on",
}


class Cell(NamedTuple):
    """What one edition of the table, or a later document, says of one feature of one option."""

    support: Support
    text: str
    edition: str = EDITIONS[0]
    source: str = TABLE
    date: str = EDITIONS[0]


def _later(support: Support, text: str, source: str = TABLE, date: str = NEWEST) -> Cell:
    return Cell(support, text, NEWEST, source, date)


class Feature(NamedTuple):
    """A row of the table: for each option its cells, oldest edition first."""

    title: str
    cells: Mapping[Option, tuple[Cell, ...]]

    def cell(self, option: Option, edition: str = NEWEST) -> Cell:
        """The cell as of `edition`: a cell stays true until a later one replaces it."""
        return [each for each in self.cells[option] if each.edition <= edition][-1]


def _row(title: str, app_routing: Cells, gateway: Cells, istio: Cells) -> Feature:
    cells = (app_routing, gateway, istio)
    options = dict(zip(OPTIONS, ((each,) if isinstance(each, Cell) else each for each in cells), strict=True))
    return Feature(title, options)


Cells = Cell | tuple[Cell, ...]

_GATEWAY_API_GA = "Gateway API for the application routing add-on, AKS release 2026-04-28"
_DNS_AND_TLS = "DNS and TLS for Gateway API with the application routing add-on, 2026-05-29"

FEATURES: tuple[Feature, ...] = (
    _row(
        "Controller",
        (
            Cell("yes", "NGINX ingress controller"),
            _later("yes", "NGINX, or Gateway API on a slim Istio", _GATEWAY_API_GA, "2026-04"),
        ),
        Cell("yes", "Application Gateway for Containers"),
        Cell("yes", "Istio ingress gateway"),
    ),
    _row(
        "API",
        (
            Cell("yes", "Ingress"),
            _later("yes", "Ingress; Gateway API, class approuting-istio", _GATEWAY_API_GA, "2026-04"),
        ),
        Cell("yes", "Ingress and Gateway API"),
        (
            Cell("yes", "Istio API"),
            _later("yes", "Istio API; Gateway API, class istio, from asm-1-26"),
        ),
    ),
    _row("Hosting", Cell("yes", "in cluster"), Cell("yes", "Azure hosted"), Cell("yes", "in cluster")),
    _row("Scaling", Cell("yes", "automatic"), Cell("yes", "automatic"), Cell("yes", "automatic")),
    _row(
        "Load balancing",
        Cell("yes", "internal and external"),
        (
            Cell("yes", "external"),
            _later("yes", "external; private frontends", "Microsoft.ServiceNetworking 2026-03-01", "2026-03"),
        ),
        Cell("yes", "internal and external"),
    ),
    _row(
        "TLS termination",
        Cell("yes", "in cluster"),
        Cell("yes", "offload and end to end"),
        Cell("yes", "in cluster"),
    ),
    _row(
        "Mutual TLS",
        Cell("no", "no"),
        Cell("yes", "frontend and backend"),
        (Cell("no", "no"), _later("yes", "yes")),
    ),
    _row(
        "Static IP address",
        (Cell("no", "no"), _later("yes", "yes")),
        Cell("no", "no, an FQDN"),
        (Cell("no", "no"), _later("partly", "by annotations of the gateway's Service")),
    ),
    _row(
        "Certificates in Key Vault",
        Cell("yes", "yes"),
        Cell("yes", "yes"),
        (
            Cell("no", "no"),
            _later(
                "partly",
                "by the Secrets Store driver, or app routing's operator on class istio",
                _DNS_AND_TLS,
                "2026-05",
            ),
        ),
    ),
    _row(
        "Azure DNS integration",
        Cell("yes", "yes"),
        Cell("yes", "yes"),
        (
            Cell("no", "no"),
            _later("partly", "class istio, when app routing is on", _DNS_AND_TLS, "2026-05"),
        ),
    ),
)

USE_FOR: Mapping[Option, str] = {
    "app-routing": (
        "The recommended way: scalable in-cluster controllers, basic routing, static IP, Key Vault"
        " certificates, public and private Azure DNS zones."
    ),
    "application-gateway-for-containers": (
        "Azure hosted, managed or brought along: retries, zone resiliency, mutual TLS to the backend,"
        " traffic splitting, web application firewall."
    ),
    "istio-service-mesh": "Envoy with a mesh: rate limiting, circuit breaking, mutual TLS between services.",
}
"""When to use which. Source: as the table, 2026-06."""


class Limit(NamedTuple):
    """A number that a service enforces."""

    value: int
    text: str
    source: str
    date: str


NGINX_ZONES = Limit(
    5,
    "DNS zones attached to the NGINX add-on",
    "Set up a custom domain name with the application routing add-on, Microsoft Learn",
    "2026-06",
)
NGINX_ZONE_GROUPS = Limit(
    1, "resource group for the zones of one visibility, NGINX add-on", NGINX_ZONES.source, "2026-06"
)
EXTERNAL_DNS_ZONES = Limit(
    7,
    "zones of one ExternalDNS object, all of one subscription, resource group and visibility",
    "approuting.kubernetes.azure.com/v1alpha1, ExternalDNS",
    "2026-05",
)
FEDERATED_CREDENTIALS = Limit(
    20,
    "federated credentials of one identity: one for each namespace and service account",
    "Workload identity federation: important considerations, Microsoft Learn",
    "2026-06",
)
GATEWAY_LISTENERS = Limit(
    64,
    "listeners of one Gateway",
    "gateway.networking.k8s.io/v1, Gateway: maxItems of spec.listeners",
    "v1.2.1",
)
TXT_PUBLIC = Limit(
    4096,
    "characters of a TXT record set in a public zone",
    "DNS zones and records overview, Microsoft Learn",
    "2024-11",
)
TXT_PRIVATE = Limit(
    1024,
    "characters of a TXT record set in a private zone",
    "Overview of private DNS records, Microsoft Learn",
    "2024-11",
)
RENEWAL_DAYS_PER_MONTH = Limit(
    27,
    "days before expiry for each month of validity, the earliest renewal",
    "Key Vault certificates API, Trigger.days_before_expiry",
    "7.6",
)
LIMITS = (
    NGINX_ZONES,
    NGINX_ZONE_GROUPS,
    EXTERNAL_DNS_ZONES,
    FEDERATED_CREDENTIALS,
    GATEWAY_LISTENERS,
    TXT_PUBLIC,
    TXT_PRIVATE,
    RENEWAL_DAYS_PER_MONTH,
)

PRIVATE_ZONE_TYPES = frozenset({"A", "AAAA", "CNAME", "MX", "PTR", "SRV", "TXT"})
"""Record types of a profile that a private zone can hold. Source: as TXT_PRIVATE."""


class SupportEnd(NamedTuple):
    """Until when something is supported. Only the month (`YYYY-MM`) is published."""

    what: str
    month: str
    words: str
    instead: str
    source: str

    def is_over(self, today: str) -> bool:
        """Whether `today` (`YYYY-MM-DD`) is after the last month."""
        return today[:7] > self.month


NGINX_END = SupportEnd(
    "the NGINX controller of the application routing add-on",
    "2026-11",
    "November 2026",
    "implementation: gateway-api",
    "Application routing add-on: ingress-nginx retirement, Microsoft Learn, 2026-06",
)


class Bundle(NamedTuple):
    """The Gateway API bundle that AKS installs for Kubernetes 1.`first` to 1.`last`."""

    first: int
    last: int | None
    version: str


GATEWAY_API_BUNDLES = (
    Bundle(26, 33, "v1.2.1"),
    Bundle(34, 34, "v1.3.0"),
    Bundle(35, 35, "v1.4.1"),
    Bundle(36, None, "v1.5.1"),
)
"""Standard channel. Source: Managed Gateway API installation on AKS, Microsoft Learn, 2026-06."""


def gateway_api_bundle(kubernetes_version: str) -> str | None:
    """The bundle for a version such as `1.34` or `1.34.2`; None before 1.26, which has none.

    Raises ValueError for text that is no Kubernetes version.
    """
    match = re.fullmatch(r"v?1\.(\d+)(?:\.\d+.*)?", kubernetes_version)
    if match is None:
        raise ValueError(f"{kubernetes_version!r} is not a Kubernetes version such as 1.34.2")
    minor = int(match[1])
    found = [each.version for each in GATEWAY_API_BUNDLES if each.first <= minor <= (each.last or minor)]
    return found[0] if found else None


TLS_ROUTE_SINCE = "v1.5"
"""First bundle with TLSRoute in the standard channel. Source: Gateway API v1.5 release notes, 2026-03."""


def has_tls_route(kubernetes_version: str) -> bool:
    """Whether the bundle for a version has TLSRoute. Raises ValueError as `gateway_api_bundle`."""
    bundle = gateway_api_bundle(kubernetes_version)
    return bundle is not None and _numbers(bundle) >= _numbers(TLS_ROUTE_SINCE)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in version.removeprefix("v").split("."))


_NETWORK_PLUGINS: Mapping[str, tuple[str, ...]] = {"application-gateway-for-containers": ("azure",)}
"""Options that do not run on every network plugin. Source: "Quickstart: Deploy Application Gateway for
Containers ALB Controller", Microsoft Learn, 2026-06: Azure CNI or Azure CNI Overlay."""


def network_plugins(option: str) -> tuple[str, ...] | None:
    """The network plugins an option runs on; None when it runs on any."""
    return _NETWORK_PLUGINS.get(option)
