"""The Istio service mesh option and its settings."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from provision.profile.keys import (
    ADDRESS_RANGE,
    KUBERNETES_NAME,
    MESH_REVISION,
    QUANTITY,
    SECRET_NAME,
    SUBNET_NAME,
    VAULT_NAME,
    WANTED_REVISION,
    key,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayScaling:
    """How many pods an ingress gateway has."""

    min_replicas: int = field(default=2, metadata=key("Least pods; AKS has 2 at least.", minimum=2))
    max_replicas: int = field(default=5, metadata=key("Most pods.", minimum=2, maximum=1000))


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayResources:
    """What each pod of an ingress gateway gets."""

    cpu: str | None = field(
        default=None, metadata=key("Processor time that is set aside, such as 500m.", pattern=QUANTITY)
    )
    memory: str | None = field(
        default=None, metadata=key("Memory that is set aside, such as 256Mi.", pattern=QUANTITY)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class IngressGateway:
    """One ingress gateway: its load balancer and its pods."""

    static_ip: str | None = field(
        default=None,
        metadata=key("Address that its load balancer must use.", name="staticIP", example="20.50.1.2"),
    )
    allowed_ip_ranges: tuple[str, ...] = field(
        default=(),
        metadata=key(
            "Address ranges that may reach it; all without it.", name="allowedIPRanges", pattern=ADDRESS_RANGE
        ),
    )
    subnet: str | None = field(
        default=None,
        metadata=key(
            "Name of the subnet of the cluster's network in which an internal gateway has its address.",
            pattern=SUBNET_NAME,
        ),
    )
    scaling: GatewayScaling | None = field(
        default=None, metadata=key("How many pods it has; 2 to 5 without it.")
    )
    resources: GatewayResources | None = field(
        default=None, metadata=key("What its pods get, with api: gateway-api; AKS's own amounts without it.")
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class IngressGateways:
    """Which ingress gateways are on."""

    external: IngressGateway | None = field(default=None, metadata=key("The one with a public address."))
    internal: IngressGateway | None = field(default=None, metadata=key("The one with a private address."))


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateAuthority:
    """A certificate authority of one's own for the mesh: names of secrets in a vault."""

    vault: str = field(metadata=key("Vault with the secrets, one of `vaults`.", pattern=VAULT_NAME))
    root: str = field(default="root-cert", metadata=key("Root certificate.", pattern=SECRET_NAME))
    certificate: str = field(default="ca-cert", metadata=key("Intermediate one.", pattern=SECRET_NAME))
    private_key: str = field(default="ca-key", metadata=key("Its private key.", pattern=SECRET_NAME))
    chain: str = field(default="cert-chain", metadata=key("Its chain up to the root.", pattern=SECRET_NAME))


@dataclass(frozen=True, slots=True, kw_only=True)
class Canary:
    """A second revision beside the first, while the mesh is upgraded."""

    revision: str = field(metadata=key("Revision to upgrade to.", pattern=MESH_REVISION))
    namespaces: tuple[str, ...] = field(
        default=(),
        metadata=key("Namespaces of `sidecars` that use it already.", pattern=KUBERNETES_NAME),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Istio:
    """The Istio service mesh add-on."""

    option: Literal["istio-service-mesh"] = field(metadata=key("The ingress option."))
    api: Literal["gateway-api", "istio"] = field(
        default="gateway-api", metadata=key("Which API the routes are written in.")
    )
    revision: str = field(
        default="latest-supported",
        metadata=key(
            "Mesh revision, such as asm-1-30, or latest-supported: the newest that the region offers for the"
            " cluster's Kubernetes version when the mesh is switched on, and later the one that is there.",
            pattern=WANTED_REVISION,
        ),
    )
    canary: Canary | None = field(
        default=None, metadata=key("The upgrade to another revision, while it is under way.")
    )
    sidecars: tuple[str, ...] = field(
        default=(),
        metadata=key(
            "Namespaces whose pods get a sidecar: labelled with the revision.", pattern=KUBERNETES_NAME
        ),
    )
    proxy_redirection: Literal["cni", "init-containers"] | None = field(
        default=None,
        metadata=key("How traffic gets to sidecars; by the revision's own default without it."),
    )
    certificate_authority: CertificateAuthority | None = field(
        default=None, metadata=key("The mesh's certificate authority; Istio's own without it.")
    )
    load_balancer: Literal["external", "internal"] = field(
        default="external", metadata=key("Which ingress gateway serves hosts that do not say so themselves.")
    )
    gateways: IngressGateways = field(
        default_factory=IngressGateways,
        metadata=key("The ingress gateways that are on; without it the one that loadBalancer names."),
    )
    client_source_ip: Literal["hide", "preserve"] = field(
        default="hide",
        metadata=key(
            "Whether backends see the client's address. Excludes tls: passthrough.", name="clientSourceIP"
        ),
    )
    operator: Literal["none", "app-routing"] = field(
        default="none",
        metadata=key(
            "Who brings certificates into the cluster and writes the hosts' records, with api: gateway-api:"
            " provision (none), or app routing's operator, which is then on as well."
        ),
    )
    dns_namespace: str | None = field(
        default=None,
        metadata=key(
            "Namespace of the controllers that write DNS records with operator: app-routing; the first of the"
            " hosts' namespaces without it.",
            pattern=KUBERNETES_NAME,
            name="dnsNamespace",
        ),
    )

    def gateway(self, where: str) -> IngressGateway:
        """The settings of the gateway `external` or `internal`, defaults where the profile has none."""
        found = self.gateways.external if where == "external" else self.gateways.internal
        return found or IngressGateway()

    def modes(self) -> tuple[str, ...]:
        """The gateways that are on: `external`, `internal`."""
        asked = {"external": self.gateways.external, "internal": self.gateways.internal}
        return tuple(name for name, each in asked.items() if each is not None) or (self.load_balancer,)
