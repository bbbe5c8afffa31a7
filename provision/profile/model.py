"""What a user may write in a profile, as frozen dataclasses.

The YAML key of a field is its name in camelCase unless `key` says otherwise. `doc`, `pattern`, limits
and examples live in the field's metadata: the decoder checks by them, the JSON Schema shows them to an
editor, so that there is one place for each rule of a single value. Rules between values are in
`ingress/`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from provision.profile.keys import (
    CERTIFICATE_NAME,
    CLUSTER_NAME,
    GROUP_NAME,
    GUID,
    HOST_NAME,
    IDENTITY_NAME,
    KUBERNETES_NAME,
    PROFILE_NAME,
    RECORD_NAME,
    RESOURCE_ID,
    VAULT_NAME,
    ZONE_NAME,
    Pattern,
    key,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Azure:
    """Which Azure, tenant and subscription."""

    subscription: str = field(metadata=key("Subscription id of the cluster.", pattern=GUID))
    tenant: str | None = field(default=None, metadata=key("Entra tenant id.", pattern=GUID))
    cloud: Literal["public", "china", "usgovernment"] = field(
        default="public", metadata=key("Which Azure cloud.")
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """The existing AKS cluster that gets ingress."""

    name: str = field(metadata=key("Name of the AKS cluster.", pattern=CLUSTER_NAME))
    resource_group: str = field(metadata=key("Its resource group.", pattern=GROUP_NAME))
    access: Literal["auto", "direct", "run-command", "none"] = field(
        default="auto",
        metadata=key(
            "How Kubernetes objects are reached: the API server, the AKS run command, whichever fits,"
            " or not at all (Azure resources only)."
        ),
    )


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """The user-assigned identity that the cluster's workloads use for Key Vault and DNS."""

    name: str | None = field(
        default=None, metadata=key("Its name; id-ingress-<profile name> without it.", pattern=IDENTITY_NAME)
    )
    resource_group: str | None = field(
        default=None, metadata=key("Its resource group; the cluster's without it.", pattern=GROUP_NAME)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Vault:
    """An existing Key Vault that holds certificates."""

    resource_group: str = field(metadata=key("The vault's resource group.", pattern=GROUP_NAME))
    subscription: str | None = field(
        default=None, metadata=key("Its subscription; the cluster's without it.", pattern=GUID)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """A certificate kept in a vault."""

    vault: str = field(metadata=key("Name of the vault, one of `vaults`.", pattern=VAULT_NAME))
    dns_names: tuple[str, ...] = field(
        metadata=key(
            "Host names the certificate is for; the first is also the subject.", pattern=HOST_NAME, minimum=1
        )
    )
    issuer: Literal["Self"] = field(default="Self", metadata=key("Who signs: Self makes it self-signed."))
    validity_months: int = field(
        default=12, metadata=key("Months a version is valid.", minimum=1, maximum=1200)
    )
    renew_before_days: int = field(
        default=30, metadata=key("Days before expiry at which Key Vault renews it.", minimum=1, maximum=36499)
    )
    key_type: Literal["RSA", "EC"] = field(default="RSA", metadata=key("Kind of key."))
    key_size: Literal[2048, 3072, 4096] = field(default=2048, metadata=key("Bits of an RSA key."))
    curve: Literal["P-256", "P-384", "P-521"] = field(default="P-256", metadata=key("Curve of an EC key."))


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A virtual network that resolves a private zone."""

    virtual_network: str = field(metadata=key("Resource id of the virtual network.", pattern=RESOURCE_ID))
    registration: bool = field(default=False, metadata=key("Register its virtual machines in the zone."))


@dataclass(frozen=True, slots=True, kw_only=True)
class Zone:
    """A DNS zone in Azure DNS."""

    resource_group: str = field(metadata=key("The zone's resource group.", pattern=GROUP_NAME))
    visibility: Literal["public", "private"] = field(
        default="public", metadata=key("Public, or private to linked virtual networks.")
    )
    create: bool = field(
        default=True, metadata=key("Create the zone when it does not exist; false: it must exist.")
    )
    subscription: str | None = field(
        default=None, metadata=key("Its subscription; the cluster's without it.", pattern=GUID)
    )
    links: tuple[Link, ...] = field(default=(), metadata=key("Virtual networks of a private zone."))


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A record set in one of the profile's zones."""

    zone: str = field(metadata=key("Name of the zone, one of `dns.zones`.", pattern=ZONE_NAME))
    name: str = field(metadata=key("Name relative to the zone; @ for the zone itself.", pattern=RECORD_NAME))
    type: Literal["A", "AAAA", "CNAME", "TXT", "CAA", "MX", "NS"] = field(metadata=key("Record type."))
    values: tuple[str, ...] = field(
        metadata=key("The values as in a zone file, for MX `10 mail.contoso.com`.", minimum=1, maximum=20)
    )
    ttl: int = field(
        default=3600, metadata=key("Seconds a resolver may cache it.", minimum=1, maximum=2147483647)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Dns:
    """Zones and records."""

    zones: Mapping[str, Zone] = field(default_factory=dict, metadata=key("Zones by name.", keys=ZONE_NAME))
    records: tuple[Record, ...] = field(default=(), metadata=key("Record sets of our own."))


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A Kubernetes Service and one of its ports."""

    name: str = field(metadata=key("Name of the Service.", pattern=KUBERNETES_NAME))
    port: int = field(metadata=key("Its port.", minimum=1, maximum=65535))


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """One host name and where its requests go."""

    namespace: str = field(metadata=key("Namespace of the service.", pattern=KUBERNETES_NAME))
    service: Service = field(metadata=key("Where requests go."))
    certificate: str | None = field(
        default=None,
        metadata=key("Name of its certificate, one of `certificates`.", pattern=CERTIFICATE_NAME),
    )
    service_account: str | None = field(
        default=None,
        metadata=key(
            "Service account through which the certificate is read; <profile name>-ingress without it.",
            pattern=KUBERNETES_NAME,
        ),
    )
    tls: Literal["terminate", "mutual", "passthrough"] = field(
        default="terminate", metadata=key("What happens to TLS at the gateway.")
    )
    create_namespace: bool = field(
        default=False, metadata=key("Create the namespace when it does not exist; false: it must exist.")
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Ignore:
    """A difference that drift shall not report."""

    resource: str = field(
        metadata=key("Address of the resource, such as dns_zone/contoso.com; * matches any part.")
    )
    path: str = field(
        metadata=key(
            "Field path, such as tags.owner; * matches any part.", name="field", example="tags.owner"
        )
    )
    reason: str = field(metadata=key("Why it is left alone."))
    owner: str | None = field(default=None, metadata=key("Who decided it."))
    expires: str | None = field(
        default=None,
        metadata=key(
            "Day from which it is reported again.",
            pattern=Pattern(r"\d{4}-\d{2}-\d{2}", "a day such as 2027-03-01"),
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """What `provision drift` leaves out."""

    ignore: tuple[Ignore, ...] = field(default=(), metadata=key("Differences to ignore."))


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One cluster's ingress: everything `provision apply` makes true."""

    api_version: Literal["provision/v1"] = field(metadata=key("Version of this format."))
    name: str = field(metadata=key("Name of the profile; marks what it owns.", pattern=PROFILE_NAME))
    azure: Azure = field(metadata=key("Which Azure."))
    cluster: Cluster = field(metadata=key("The AKS cluster."))
    ingress: Ingress = field(metadata=key("Which ingress option, and its settings."))
    identity: Identity = field(default_factory=Identity, metadata=key("Identity for Key Vault and DNS."))
    vaults: Mapping[str, Vault] = field(
        default_factory=dict, metadata=key("Key Vaults by name.", keys=VAULT_NAME)
    )
    certificates: Mapping[str, Certificate] = field(
        default_factory=dict, metadata=key("Certificates by name.", keys=CERTIFICATE_NAME)
    )
    dns: Dns = field(default_factory=Dns, metadata=key("DNS zones and records."))
    hosts: Mapping[str, Host] = field(default_factory=dict, metadata=key("Hosts by name.", keys=HOST_NAME))
    roles: Literal["manage", "verify", "off"] = field(
        default="manage",
        metadata=key("Who makes role assignments: provision, another team (checked), or nobody."),
    )
    adopt: bool = field(
        default=False, metadata=key("Take over existing objects that differ and do not carry our mark.")
    )
    drift: Drift = field(default_factory=Drift, metadata=key("Drift settings."))
