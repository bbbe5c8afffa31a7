"""What each variant of an option can do for a profile: the feature table, one level finer.

An option is chosen together with its API, and the two APIs of one option differ: a profile's needs are
compared with these rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

from provision.ingress.catalog import (
    FEDERATED_CREDENTIALS,
    NGINX_ZONE_GROUPS,
    NGINX_ZONES,
    Limit,
    Option,
    Support,
)

Capability = Literal[
    "external",
    "internal",
    "client-source-ip",
    "static-ip",
    "tls-mutual",
    "tls-passthrough",
    "key-vault",
    "public-zones",
    "private-zones",
    "zones",
    "public-zone-groups",
    "private-zone-groups",
    "service-accounts",
    "traffic-split",
    "backend-tls",
    "health-check",
    "timeout",
]


class Ability(NamedTuple):
    """How well a variant can do one thing: `text` is the condition or the reason why not."""

    support: Support = "yes"
    text: str = ""
    limit: Limit | None = None


class Variant(NamedTuple):
    """An option with one of its APIs.

    Capabilities that `abilities` does not name are there without condition.
    """

    name: str
    option: Option
    abilities: Mapping[Capability, Ability]

    @property
    def gateway_api(self) -> bool:
        """Whether hosts become listeners of a Gateway."""
        return self.name.endswith("/gateway-api")

    @property
    def envoy(self) -> bool:
        """Whether hosts share an Envoy, which knows routes by listener."""
        return self.gateway_api or self.name == "istio-service-mesh/istio"

    def ability(self, capability: Capability) -> Ability:
        return self.abilities.get(capability, Ability())


_NO_MUTUAL = Ability("no", "the add-on has no mutual TLS")
_NOT_YET: Mapping[Capability, Ability] = {
    "backend-tls": Ability("no", "the gateway talks plain HTTP to services"),
    "health-check": Ability("no", "Kubernetes itself says which pods are ready"),
}
_TLS_ROUTE = Ability("partly", "needs TLSRoute, which Istio has from 1.30")

APP_ROUTING_GATEWAY = Variant(
    "app-routing/gateway-api",
    "app-routing",
    {
        "tls-mutual": _NO_MUTUAL,
        "tls-passthrough": _TLS_ROUTE,
        "service-accounts": Ability(limit=FEDERATED_CREDENTIALS),
        **_NOT_YET,
    },
)
APP_ROUTING_NGINX = Variant(
    "app-routing/nginx",
    "app-routing",
    {
        "tls-mutual": _NO_MUTUAL,
        "tls-passthrough": Ability("no", "the managed NGINX controller runs without TLS passthrough"),
        "zones": Ability(limit=NGINX_ZONES),
        "public-zone-groups": Ability(limit=NGINX_ZONE_GROUPS),
        "private-zone-groups": Ability(limit=NGINX_ZONE_GROUPS),
        "traffic-split": Ability("no", "an Ingress leads to one service"),
        "timeout": Ability("no", "provision writes no annotations of NGINX's own"),
        **_NOT_YET,
    },
)
APPLICATION_GATEWAY = Variant(
    "application-gateway-for-containers",
    "application-gateway-for-containers",
    {
        "internal": Ability("partly", "private frontends came with Microsoft.ServiceNetworking 2026-03-01"),
        "static-ip": Ability("no", "a frontend has an FQDN and no fixed address"),
        "tls-passthrough": Ability("no", "TLS ends at the gateway: offload or end to end"),
        "service-accounts": Ability(limit=FEDERATED_CREDENTIALS),
    },
)
ISTIO_GATEWAY = Variant(
    "istio-service-mesh/gateway-api",
    "istio-service-mesh",
    {"tls-passthrough": _TLS_ROUTE, "service-accounts": Ability(limit=FEDERATED_CREDENTIALS), **_NOT_YET},
)
ISTIO_CLASSIC = Variant(
    "istio-service-mesh/istio",
    "istio-service-mesh",
    _NOT_YET,  # and all certificates come through the gateways' own namespace, by one service account
)
VARIANTS = (APP_ROUTING_GATEWAY, APP_ROUTING_NGINX, APPLICATION_GATEWAY, ISTIO_GATEWAY, ISTIO_CLASSIC)
"""Sources: those of the feature table's cells and limits, and for TLS passthrough the add-ons' pages on
Microsoft Learn, 2026-06. The table calls Key Vault and Azure DNS no features of Istio: here the Secrets Store
driver and records of our own are."""

EXCLUDES: tuple[tuple[Capability, Capability, str], ...] = (
    (
        "client-source-ip",
        "tls-passthrough",
        "an ingress controller that preserves the client's address can't pass TLS through",
    ),
)
"""Pairs that no variant can do together. Source: Ingress in AKS, client source IP, 2026-06."""
