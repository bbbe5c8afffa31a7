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
    PROFILE_NAME,
    VAULT_NAME,
    Pattern,
    key,
)
from provision.profile.model.certificates import Certificate, CertificateFile
from provision.profile.model.dns import Dns, Link, Record, Zone
from provision.profile.model.hosts import BackendTls, HealthCheck, Host, Service
from provision.profile.model.ingress import (
    ApplicationGateway,
    AppRouting,
    Ingress,
    IpAccessRule,
    Scaling,
    TrafficController,
)
from provision.profile.model.mesh import (
    Canary,
    CertificateAuthority,
    GatewayResources,
    GatewayScaling,
    IngressGateway,
    IngressGateways,
    Istio,
)
from provision.profile.model.vaults import Vault

__all__ = [
    "AppRouting",
    "ApplicationGateway",
    "Azure",
    "BackendTls",
    "Canary",
    "Certificate",
    "CertificateAuthority",
    "CertificateFile",
    "Cluster",
    "Dns",
    "Drift",
    "GatewayResources",
    "GatewayScaling",
    "HealthCheck",
    "Host",
    "Identity",
    "Ignore",
    "Ingress",
    "IngressGateway",
    "IngressGateways",
    "IpAccessRule",
    "Istio",
    "Link",
    "Profile",
    "Record",
    "Scaling",
    "Service",
    "TrafficController",
    "Vault",
    "Zone",
]


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
class Identity:
    """The user-assigned identity that the cluster's workloads use for Key Vault and DNS."""

    name: str | None = field(
        default=None, metadata=key("Its name; id-ingress-<profile name> without it.", pattern=IDENTITY_NAME)
    )
    resource_group: str | None = field(
        default=None, metadata=key("Its resource group; the cluster's without it.", pattern=GROUP_NAME)
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
    stage: Literal["development", "production"] = field(
        default="production",
        metadata=key("What it is for: development may use self-signed certificates without a warning."),
    )
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
