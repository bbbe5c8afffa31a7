"""What a refusal says is missing, and the command with which another team gives it."""

from __future__ import annotations

import pytest

from provision.providers.azure.denials import denial, denied

CALLER = "55555555-5555-5555-5555-555555555555"
GROUP = "/subscriptions/s/resourceGroups/rg"
ZONE = f"{GROUP}/providers/Microsoft.Network/dnsZones/contoso.com"
VAULT = f"{GROUP}/providers/Microsoft.KeyVault/vaults/kv"
CLUSTER = f"{GROUP}/providers/Microsoft.ContainerService/managedClusters/aks"


def arm(action: str, scope: str, client: str = "c1") -> str:
    return (
        f"The client '{client}' with object id '{CALLER}' does not have authorization to perform action"
        f" '{action}' over scope '{scope}' or the scope is invalid. If access was recently granted, please"
        " refresh your credentials."
    )


@pytest.mark.parametrize(
    ("action", "scope", "role", "at"),
    [
        ("Microsoft.Network/dnsZones/write", ZONE, "DNS Zone Contributor", GROUP),
        ("Microsoft.Network/dnsZones/TXT/write", f"{ZONE}/TXT/x", "DNS Zone Contributor", GROUP),
        ("Microsoft.Network/dnsZones/read", ZONE, "Reader", GROUP),
        (
            "Microsoft.Authorization/roleAssignments/write",
            f"{VAULT}/providers/Microsoft.Authorization/roleAssignments/r",
            "Role Based Access Control Administrator",
            VAULT,
        ),
        (
            "Microsoft.Authorization/roleAssignments/write",
            f"{ZONE}/providers/Microsoft.Authorization/roleAssignments/r",
            "Role Based Access Control Administrator",
            GROUP,
        ),
        (
            "Microsoft.ContainerService/managedClusters/write",
            CLUSTER,
            "Azure Kubernetes Service Contributor Role",
            CLUSTER,
        ),
        (
            "Microsoft.Resources/subscriptions/resources/read",
            "/subscriptions/s",
            "Reader",
            "/subscriptions/s",
        ),
    ],
)
def test_arm_names_action_scope_and_caller(action: str, scope: str, role: str, at: str) -> None:
    error = denied("creating x", arm(action, scope), "?")
    assert error.why == f"the caller lacks the right {action} at {scope}"
    assert error.command == (
        f"az role assignment create --assignee-object-id {CALLER} --assignee-principal-type ServicePrincipal"
        f' --role "{role}" --scope {at}'
    )
    assert (error.action, error.scope, error.principal) == (action, scope, CALLER)


def test_a_person_is_no_service_principal() -> None:
    message = arm("Microsoft.Network/dnsZones/write", ZONE, client="jo@contoso.com")
    assert " --assignee-principal-type User " in denied("x", message, "?").command


def test_what_another_resource_wants_is_what_is_missing() -> None:
    network = f"{GROUP}/providers/Microsoft.Network/virtualNetworks/hub"
    message = (
        f"The client 'c' with object id '{CALLER}' has permission to perform action"
        f" 'Microsoft.Network/privateDnsZones/virtualNetworkLinks/write' on scope '{ZONE}'; however, it does"
        " not have permission to perform action 'Microsoft.Network/virtualNetworks/join/action' on the linked"
        f" scope(s) '{network}' or the linked scope(s) are invalid."
    )
    error = denied("x", message, "?")
    assert error.action == "Microsoft.Network/virtualNetworks/join/action"
    assert error.scope == network
    assert error.command.endswith(f'--role "Private DNS Zone Contributor" --scope {network}')


def test_a_vault_names_the_certificate_and_the_role_goes_to_the_vault() -> None:
    message = (
        "Caller is not authorized to perform action on resource.\r\nIf role assignments, deny assignments or"
        " role definitions were changed recently, please observe propagation time.\r\n"
        f"Caller: appid=a;oid={CALLER};iss=https://sts.windows.net/t/\r\n"
        "Action: 'Microsoft.KeyVault/vaults/certificates/create/action'\r\n"
        f"Resource: '{VAULT}/certificates/shop'\r\nAssignment: (not found)\r\n"
    )
    error = denied("x", message, "?")
    assert error.scope == VAULT
    assert error.command.endswith(
        f'--assignee-object-id {CALLER} --assignee-principal-type ServicePrincipal --role "Key Vault'
        f' Certificates Officer" --scope {VAULT}'
    )


def test_a_vault_with_access_policies_gets_a_policy() -> None:
    message = (
        f"The user, group or application 'appid=a;oid={CALLER};iss=i' does not have certificates create"
        " permission on key vault 'kv-legacy;location=westeurope'."
    )
    assert denied("x", message, "?").command == (
        f"az keyvault set-policy --name kv-legacy --object-id {CALLER} --certificate-permissions create"
    )


def test_a_right_that_no_known_role_has_gets_no_command() -> None:
    error = denied("x", arm("Microsoft.Foo/bars/write", f"{GROUP}/providers/Microsoft.Foo/bars/b"), "?")
    assert error.command == ""
    assert not error.fix.endswith(":")


def test_a_condition_is_told_from_a_missing_right() -> None:
    message = (
        f"The client 'c' with object id '{CALLER}' has an authorization with ABAC condition that is not"
        f" fulfilled to perform action 'Microsoft.Authorization/roleAssignments/write' over scope '{ZONE}' or"
        " the scope is invalid."
    )
    error = denied("x", message, "?")
    assert error.why.startswith("the condition of the caller's role does not allow Microsoft.Authorization/")
    assert (error.command, error.action) == ("", "")


def test_another_refusal_keeps_its_words() -> None:
    assert denial("Client address is not authorized.") is None
    assert denied("x", "Client address is not authorized.", "Forbidden: no").why == "Forbidden: no"
