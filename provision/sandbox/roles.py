"""Azure's built-in role definitions, as far as ingress on AKS meets them.

Actions as Azure lists them (the public iam-dataset, 2026-08), as "Azure built-in roles" on Microsoft Learn
has them and, for Reader, DNS Zone Contributor and Key Vault Secrets User, az CLI recordings (2022, 2024).
"""

from __future__ import annotations

from dataclasses import dataclass

OWNER = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
CONTRIBUTOR = "b24988ac-6180-42a0-ab88-20f7382dd24c"
READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
USER_ACCESS_ADMINISTRATOR = "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9"
RBAC_ADMINISTRATOR = "f58310d9-a9f6-439a-9e8d-f62e7b41a168"
DNS_ZONE_CONTRIBUTOR = "befefa01-2a29-4197-83a8-272ff33ce314"
PRIVATE_DNS_ZONE_CONTRIBUTOR = "b12aa53e-6015-4669-85d0-8515ebb3ae7f"
NETWORK_CONTRIBUTOR = "4d97b98b-1d4f-4787-a291-c67834d212e7"
KEY_VAULT_ADMINISTRATOR = "00482a5a-887f-4fb3-b363-3b7fe8e74483"
KEY_VAULT_CERTIFICATES_OFFICER = "a4417e6f-fecd-4de8-b567-7b0420556985"
KEY_VAULT_CONTRIBUTOR = "f25e0fa2-a7c8-4377-a976-54943a77a395"
KEY_VAULT_READER = "21090545-7ca7-4776-b22c-e363652d74d2"
KEY_VAULT_SECRETS_OFFICER = "b86a8fe4-44ce-4948-aee5-eccb2c155cd7"
KEY_VAULT_SECRETS_USER = "4633458b-17de-408a-b874-0445c86b69e6"
MANAGED_IDENTITY_CONTRIBUTOR = "e40ec5ca-96e0-45a2-b4ff-59039f2c2b59"
AKS_CONTRIBUTOR = "ed7f3fbd-7b88-4dd4-9017-9adb7ce333f8"
AKS_CLUSTER_ADMIN = "0ab0b1a8-8aac-4efd-b8c2-3ee1fb270be8"
AKS_CLUSTER_USER = "4abbcc35-e782-43d8-92c5-2d3f1bd2253f"
AKS_RBAC_ADMIN = "3498e952-d568-435e-9b2c-8d77e338d7f7"
AKS_RBAC_CLUSTER_ADMIN = "b1ff04bb-8a4e-4dc4-8eb5-8693973ce19b"
AKS_RBAC_READER = "7f6c6a51-bcf8-42ba-9220-52d62157d7db"
AKS_RBAC_WRITER = "a7ffa36f-339b-4b5c-8bdf-e2c188b2c0eb"
AGC_CONFIGURATION_MANAGER = "fbc52c3f-28ad-4303-a892-8a056630b8f1"


@dataclass(frozen=True, slots=True)
class Role:
    """One built-in role: `name` is its GUID, the same in every tenant."""

    name: str
    role_name: str
    description: str
    actions: tuple[str, ...] = ()
    not_actions: tuple[str, ...] = ()
    data_actions: tuple[str, ...] = ()
    not_data_actions: tuple[str, ...] = ()


_MAKES_DEPLOYMENTS = "Microsoft.Resources/deployments/*"
_COMMON = (
    "Microsoft.Authorization/*/read",
    "Microsoft.Insights/alertRules/*",
    _MAKES_DEPLOYMENTS,
    "Microsoft.Resources/subscriptions/resourceGroups/read",
    "Microsoft.Support/*",
)
_KEY_VAULT_METADATA = (
    *_COMMON,
    "Microsoft.KeyVault/checkNameAvailability/read",
    "Microsoft.KeyVault/deletedVaults/read",
    "Microsoft.KeyVault/locations/*/read",
    "Microsoft.KeyVault/vaults/*/read",
    "Microsoft.KeyVault/operations/read",
)
_ONLY_RBAC_VAULTS = (
    " Only works for key vaults that use the 'Azure role-based access control' permission model."
)
_CONTROLLERS = "Microsoft.ServiceNetworking/trafficControllers"
_DEPLOYMENTS = "Microsoft.Resources/subscriptions/resourcegroups/deployments"

BUILT_IN: tuple[Role, ...] = (
    Role(
        OWNER,
        "Owner",
        "Grants full access to manage all resources, including the ability to assign roles in Azure RBAC.",
        ("*",),
    ),
    Role(
        CONTRIBUTOR,
        "Contributor",
        "Grants full access to manage all resources, but does not allow you to assign roles in Azure RBAC,"
        " manage assignments in Azure Blueprints, or share image galleries.",
        ("*",),
        (
            "Microsoft.Authorization/*/Delete",
            "Microsoft.Authorization/*/Write",
            "Microsoft.Authorization/elevateAccess/Action",
            "Microsoft.Blueprint/blueprintAssignments/write",
            "Microsoft.Blueprint/blueprintAssignments/delete",
            "Microsoft.Compute/galleries/share/action",
            "Microsoft.Purview/consents/write",
            "Microsoft.Purview/consents/delete",
            "Microsoft.Resources/deploymentStacks/manageDenySetting/action",
            "Microsoft.Subscription/cancel/action",
            "Microsoft.Subscription/enable/action",
        ),
    ),
    Role(
        READER,
        "Reader",
        "View all resources, but does not allow you to make any changes.",
        ("*/read",),
    ),
    Role(
        USER_ACCESS_ADMINISTRATOR,
        "User Access Administrator",
        "Lets you manage user access to Azure resources.",
        ("*/read", "Microsoft.Authorization/*", "Microsoft.Support/*"),
    ),
    Role(
        RBAC_ADMINISTRATOR,
        "Role Based Access Control Administrator",
        "Manage access to Azure resources by assigning roles using Azure RBAC. This role does not allow you"
        " to manage access using other ways, such as Azure Policy.",
        (
            "Microsoft.Authorization/roleAssignments/write",
            "Microsoft.Authorization/roleAssignments/delete",
            "*/read",
            "Microsoft.Support/*",
        ),
    ),
    Role(
        DNS_ZONE_CONTRIBUTOR,
        "DNS Zone Contributor",
        "Lets you manage DNS zones and record sets in Azure DNS, but does not let you control who has access"
        " to them.",
        (*_COMMON, "Microsoft.Network/dnsZones/*", "Microsoft.ResourceHealth/availabilityStatuses/read"),
    ),
    Role(
        PRIVATE_DNS_ZONE_CONTRIBUTOR,
        "Private DNS Zone Contributor",
        "Lets you manage private DNS zone resources, but not the virtual networks they are linked to.",
        (
            *_COMMON,
            "Microsoft.Network/privateDnsZones/*",
            "Microsoft.Network/privateDnsOperationResults/*",
            "Microsoft.Network/privateDnsOperationStatuses/*",
            "Microsoft.Network/virtualNetworks/read",
            "Microsoft.Network/virtualNetworks/join/action",
        ),
    ),
    Role(
        NETWORK_CONTRIBUTOR,
        "Network Contributor",
        "Lets you manage networks, but not access to them.",
        (*_COMMON, "Microsoft.Network/*", "Microsoft.ResourceHealth/availabilityStatuses/read"),
    ),
    Role(
        KEY_VAULT_ADMINISTRATOR,
        "Key Vault Administrator",
        "Perform all data plane operations on a key vault and all objects in it, including certificates,"
        " keys, and secrets. Cannot manage key vault resources or manage role assignments."
        + _ONLY_RBAC_VAULTS,
        _KEY_VAULT_METADATA,
        (),
        ("Microsoft.KeyVault/vaults/*",),
    ),
    Role(
        KEY_VAULT_CERTIFICATES_OFFICER,
        "Key Vault Certificates Officer",
        "Perform any action on the certificates of a key vault, except manage permissions."
        + _ONLY_RBAC_VAULTS,
        _KEY_VAULT_METADATA,
        (),
        (
            "Microsoft.KeyVault/vaults/certificatecas/*",
            "Microsoft.KeyVault/vaults/certificates/*",
            "Microsoft.KeyVault/vaults/certificatecontacts/write",
        ),
    ),
    Role(
        KEY_VAULT_CONTRIBUTOR,
        "Key Vault Contributor",
        "Manage key vaults, but does not allow you to assign roles in Azure RBAC, and does not allow you to"
        " access secrets, keys, or certificates.",
        (*_COMMON, "Microsoft.KeyVault/*"),
        (
            "Microsoft.KeyVault/locations/deletedVaults/purge/action",
            "Microsoft.KeyVault/hsmPools/*",
            "Microsoft.KeyVault/managedHsms/*",
        ),
    ),
    Role(
        KEY_VAULT_READER,
        "Key Vault Reader",
        "Read metadata of key vaults and its certificates, keys, and secrets. Cannot read sensitive values"
        " such as secret contents or key material." + _ONLY_RBAC_VAULTS,
        tuple(action for action in _KEY_VAULT_METADATA if action != _MAKES_DEPLOYMENTS),
        (),
        ("Microsoft.KeyVault/vaults/*/read", "Microsoft.KeyVault/vaults/secrets/readMetadata/action"),
    ),
    Role(
        KEY_VAULT_SECRETS_OFFICER,
        "Key Vault Secrets Officer",
        "Perform any action on the secrets of a key vault, except manage permissions." + _ONLY_RBAC_VAULTS,
        _KEY_VAULT_METADATA,
        (),
        ("Microsoft.KeyVault/vaults/secrets/*",),
    ),
    Role(
        KEY_VAULT_SECRETS_USER,
        "Key Vault Secrets User",
        "Read secret contents." + _ONLY_RBAC_VAULTS,
        (),
        (),
        (
            "Microsoft.KeyVault/vaults/secrets/getSecret/action",
            "Microsoft.KeyVault/vaults/secrets/readMetadata/action",
        ),
    ),
    Role(
        MANAGED_IDENTITY_CONTRIBUTOR,
        "Managed Identity Contributor",
        "Create, Read, Update, and Delete User Assigned Identity",
        (
            *_COMMON,
            "Microsoft.ManagedIdentity/userAssignedIdentities/read",
            "Microsoft.ManagedIdentity/userAssignedIdentities/write",
            "Microsoft.ManagedIdentity/userAssignedIdentities/delete",
            "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/read",
            "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/write",
            "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/delete",
            "Microsoft.ManagedIdentity/userAssignedIdentities/revokeTokens/action",
        ),
    ),
    Role(
        AKS_CONTRIBUTOR,
        "Azure Kubernetes Service Contributor Role",
        "Grants access to read and write Azure Kubernetes Service clusters",
        (
            "Microsoft.Authorization/*/read",
            "Microsoft.ContainerService/locations/*",
            "Microsoft.ContainerService/managedClusters/*",
            "Microsoft.ContainerService/managedclustersnapshots/*",
            "Microsoft.ContainerService/snapshots/*",
            "Microsoft.ContainerService/deploymentSafeguards/*",
            "Microsoft.Insights/alertRules/*",
            "Microsoft.Resources/deployments/*",
            "Microsoft.Resources/subscriptions/resourceGroups/read",
        ),
    ),
    Role(
        AGC_CONFIGURATION_MANAGER,
        "AppGw for Containers Configuration Manager",
        "Allows access and configuration updates to Application Gateway for Containers resource.",
        (
            f"{_CONTROLLERS}/read",
            f"{_CONTROLLERS}/write",
            f"{_CONTROLLERS}/delete",
            f"{_CONTROLLERS}/*/read",
            f"{_CONTROLLERS}/*/write",
            f"{_CONTROLLERS}/*/delete",
            *(
                f"{_CONTROLLERS}/{child}/{verb}"
                for child in ("associations", "frontends")
                for verb in ("read", "write", "delete")
            ),
            f"{_DEPLOYMENTS}/read",
            f"{_DEPLOYMENTS}/write",
            f"{_DEPLOYMENTS}/operations/read",
            f"{_DEPLOYMENTS}/operationstatuses/read",
        ),
        (),
        (
            f"{_CONTROLLERS}/serviceRoutingConfigurations/read",
            f"{_CONTROLLERS}/serviceRoutingConfigurations/write",
            f"{_CONTROLLERS}/serviceRoutingConfigurations/delete",
        ),
    ),
)
