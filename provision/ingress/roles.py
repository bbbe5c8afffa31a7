"""Who needs which built-in role, in one table, with the document it comes from.

Role ids are the same in every tenant. Source: "Azure built-in roles", Microsoft Learn, 2026-08.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Role:
    """A built-in role, what for an identity needs it, and the document that says so."""

    name: str
    id: str
    purpose: str
    source: str


DNS_ZONE_CONTRIBUTOR = Role(
    "DNS Zone Contributor",
    "befefa01-2a29-4197-83a8-272ff33ce314",
    "write the hosts' records into a public zone",
    "Set up a custom domain name and SSL certificate with the application routing add-on, 2026-05",
)
PRIVATE_DNS_ZONE_CONTRIBUTOR = Role(
    "Private DNS Zone Contributor",
    "b12aa53e-6015-4669-85d0-8515ebb3ae7f",
    "write the hosts' records into a private zone",
    "Configure NGINX ingress controller to support Azure private DNS zone, 2026-05",
)
KEY_VAULT_SECRETS_USER = Role(
    "Key Vault Secrets User",
    "4633458b-17de-408a-b874-0445c86b69e6",
    "read certificates from a vault with RBAC",
    "Set up a custom domain name and SSL certificate with the application routing add-on, 2026-05",
)

_NETWORKING = "Azure built-in roles for Networking, 2026-08"
_CONTAINERS = "Azure built-in roles for Containers, 2026-08"
_SECURITY = "Azure built-in roles for Security, 2026-08"

READER = Role(
    "Reader",
    "acdd72a7-3385-48ef-bd42-f606fba81ae7",
    "read everything but what is in vaults and clusters",
    "Azure built-in roles for General, 2026-08",
)
NETWORK_CONTRIBUTOR = Role(
    "Network Contributor", "4d97b98b-1d4f-4787-a291-c67834d212e7", "join virtual networks", _NETWORKING
)
CONTRIBUTOR = Role(
    "Contributor",
    "b24988ac-6180-42a0-ab88-20f7382dd24c",
    "write anything but role assignments",
    "Azure built-in roles for General, 2026-08",
)
KEY_VAULT_CERTIFICATES_OFFICER = Role(
    "Key Vault Certificates Officer",
    "a4417e6f-fecd-4de8-b567-7b0420556985",
    "make and change certificates in a vault with RBAC",
    _SECURITY,
)
KEY_VAULT_READER = Role(
    "Key Vault Reader", "21090545-7ca7-4776-b22c-e363652d74d2", "see certificates in a vault", _SECURITY
)
KEY_VAULT_CONTRIBUTOR = Role(
    "Key Vault Contributor",
    "f25e0fa2-a7c8-4377-a976-54943a77a395",
    "write vaults and their access policies",
    _SECURITY,
)
GATEWAY_CONFIGURATION_MANAGER = Role(
    "AppGw for Containers Configuration Manager",
    "fbc52c3f-28ad-4303-a892-8a056630b8f1",
    "configure an Application Gateway for Containers, which no other role has the data actions for",
    "Create Application Gateway for Containers, Microsoft Learn, 2026-06",
)
CONTROLLER_READER = Role(
    READER.name,
    READER.id,
    "let the ALB controller see the cluster's own resource group",
    "Deploy Application Gateway for Containers ALB Controller - Helm, 2026-02",
)
SUBNET_JOINER = Role(
    NETWORK_CONTRIBUTOR.name,
    NETWORK_CONTRIBUTOR.id,
    "let the ALB controller tie the gateway to its subnet",
    "Create Application Gateway for Containers managed by ALB Controller, 2026-06",
)

INGRESS_ROLES: Mapping[str, Role] = {
    role.id: role
    for role in (
        DNS_ZONE_CONTRIBUTOR,
        PRIVATE_DNS_ZONE_CONTRIBUTOR,
        KEY_VAULT_SECRETS_USER,
        GATEWAY_CONFIGURATION_MANAGER,
        CONTROLLER_READER,
        SUBNET_JOINER,
    )
}
"""What the identities behind an ingress need, by role id."""

MANAGED_IDENTITY_CONTRIBUTOR = Role(
    "Managed Identity Contributor",
    "e40ec5ca-96e0-45a2-b4ff-59039f2c2b59",
    "make identities and their federated credentials",
    "Azure built-in roles for Identity, 2026-08",
)
RBAC_ADMINISTRATOR = Role(
    "Role Based Access Control Administrator",
    "f58310d9-a9f6-439a-9e8d-f62e7b41a168",
    "assign roles",
    "Azure built-in roles for Privileged, 2026-08",
)
AKS_CONTRIBUTOR = Role(
    "Azure Kubernetes Service Contributor Role",
    "ed7f3fbd-7b88-4dd4-9017-9adb7ce333f8",
    "write clusters and run commands in them",
    _CONTAINERS,
)
AKS_CLUSTER_USER = Role(
    "Azure Kubernetes Service Cluster User Role",
    "4abbcc35-e782-43d8-92c5-2d3f1bd2253f",
    "get the user credentials of a cluster",
    _CONTAINERS,
)
AKS_RBAC_CLUSTER_ADMIN = Role(
    "Azure Kubernetes Service RBAC Cluster Admin",
    "b1ff04bb-8a4e-4dc4-8eb5-8693973ce19b",
    "write any object of a cluster",
    _CONTAINERS,
)

_CLUSTERS = "Microsoft.ContainerService/managedClusters/"
_VAULTS = "Microsoft.KeyVault/vaults/"

SMALLEST: tuple[tuple[str, Role], ...] = (
    (f"{_CLUSTERS}listClusterUserCredential/", AKS_CLUSTER_USER),
    (f"{_CLUSTERS}read", AKS_CLUSTER_USER),
    (f"{_CLUSTERS}write", AKS_CONTRIBUTOR),
    (f"{_CLUSTERS}runcommand/", AKS_CONTRIBUTOR),
    (f"{_CLUSTERS}commandResults/", AKS_CONTRIBUTOR),
    (_CLUSTERS, AKS_RBAC_CLUSTER_ADMIN),
    (f"{_VAULTS}certificates/read", KEY_VAULT_READER),
    (f"{_VAULTS}certificatecas/read", KEY_VAULT_READER),
    (f"{_VAULTS}certificate", KEY_VAULT_CERTIFICATES_OFFICER),
    (f"{_VAULTS}secrets/", KEY_VAULT_SECRETS_USER),
    (f"{_VAULTS}write", KEY_VAULT_CONTRIBUTOR),
    (f"{_VAULTS}delete", KEY_VAULT_CONTRIBUTOR),
    (f"{_VAULTS}accessPolicies/", KEY_VAULT_CONTRIBUTOR),
    ("Microsoft.Authorization/roleAssignments/write", RBAC_ADMINISTRATOR),
    ("Microsoft.Authorization/roleAssignments/delete", RBAC_ADMINISTRATOR),
    ("Microsoft.Network/dnsZones/", DNS_ZONE_CONTRIBUTOR),
    ("Microsoft.Network/privateDnsZones/", PRIVATE_DNS_ZONE_CONTRIBUTOR),
    ("Microsoft.Network/privateDnsOperation", PRIVATE_DNS_ZONE_CONTRIBUTOR),
    ("Microsoft.Network/virtualNetworks/join/", PRIVATE_DNS_ZONE_CONTRIBUTOR),
    ("Microsoft.Network/", NETWORK_CONTRIBUTOR),
    ("Microsoft.ServiceNetworking/", CONTRIBUTOR),
    ("Microsoft.Features/", CONTRIBUTOR),
    ("Microsoft.ManagedIdentity/", MANAGED_IDENTITY_CONTRIBUTOR),
)
"""The smallest built-in role that has the actions which begin so, the first that fits. Reads that stand in no
vault and no cluster are Reader's."""

_INSIDE = (_VAULTS, _CLUSTERS)


def smallest(action: str) -> Role | None:
    """The smallest built-in role with an action, as far as provision ever needs it."""
    wanted = action.casefold()
    if wanted.endswith("/read") and not wanted.startswith(tuple(each.casefold() for each in _INSIDE)):
        return READER
    if wanted == f"{_VAULTS}read".casefold():
        return READER
    return next((role for prefix, role in SMALLEST if wanted.startswith(prefix.casefold())), None)
