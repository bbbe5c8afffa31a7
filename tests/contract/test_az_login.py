"""The real az against a served sandbox: login, groups, roles, identities."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from contract.az import Az, AzError, log_in
from provision.sandbox.azure import SUBSCRIPTION, TENANT
from provision.sandbox.home import Home
from provision.sandbox.seed import CLIENTS

GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-dns"
DNS_ZONE_CONTRIBUTOR = "befefa01-2a29-4197-83a8-272ff33ce314"


def test_login_shows_the_subscription(az: Az) -> None:
    shown = az("account", "show")
    assert (shown["id"], shown["name"], shown["tenantId"]) == (SUBSCRIPTION, "Contoso", TENANT)


@pytest.mark.parametrize(
    ("client", "secret", "message"),
    [
        ("reader", "wrong", "AADSTS7000215"),
        ("expired", "", "AADSTS7000222"),
        ("nobody", "", "No subscriptions found"),
    ],
)
def test_a_failed_login_says_why(az_as: Callable[[str], Az], client: str, secret: str, message: str) -> None:
    with pytest.raises(AzError, match=message):
        log_in(az_as(client), client, secret)


def test_a_group_is_shown_made_and_deleted(az: Az) -> None:
    assert az("group", "show", "-n", "rg-dns")["id"] == GROUP
    assert az("group", "create", "-n", "rg-az", "-l", "westeurope")["location"] == "westeurope"
    az("group", "delete", "-n", "rg-az", "--yes")
    with pytest.raises(AzError, match="ResourceGroupNotFound"):
        az("group", "show", "-n", "rg-az")


def test_a_reader_may_not_write(az_as: Callable[[str], Az]) -> None:
    reader = az_as("reader")
    log_in(reader, "reader")
    with pytest.raises(AzError, match="AuthorizationFailed"):
        reader("group", "create", "-n", "rg-forbidden", "-l", "westeurope")


def test_an_identity_with_a_federated_credential_and_a_role(az: Az) -> None:
    made = az("identity", "create", "-g", "rg-dns", "-n", "id-az")
    assert made["tenantId"] == TENANT
    credential = az(
        *("identity", "federated-credential", "create", "-g", "rg-dns", "--identity-name", "id-az"),
        *("-n", "fic", "--issuer", "https://oidc.example/", "--subject", "system:serviceaccount:shop:web"),
        *("--audiences", "api://AzureADTokenExchange"),
    )
    assert credential["subject"] == "system:serviceaccount:shop:web"
    create = (
        *("role", "assignment", "create", "--assignee-object-id", made["principalId"]),
        *(
            "--assignee-principal-type",
            "ServicePrincipal",
            "--role",
            "dns zone contributor",
            "--scope",
            GROUP,
        ),
    )
    assignment = az(*create)
    assert assignment["roleDefinitionId"].endswith(DNS_ZONE_CONTRIBUTOR)
    assert az(*create)["id"] == assignment["id"]  # az takes RoleAssignmentExists for success
    listed = az("role", "assignment", "list", "--scope", GROUP)
    (labelled,) = [each for each in listed if each["id"] == assignment["id"]]
    assert labelled["principalName"] == made["clientId"]
    assert labelled["roleDefinitionName"] == "DNS Zone Contributor"


def test_an_assignee_is_looked_up_in_graph(az: Az) -> None:
    reader = CLIENTS["reader"]
    scope = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-security"
    made = az(
        "role", "assignment", "create", "--assignee", reader.client_id, "--role", "Reader", "--scope", scope
    )
    assert made["principalId"] == reader.object_id


def test_the_clusters_are_there(az: Az) -> None:
    names = [each["name"] for each in az("aks", "list")]
    assert sorted(names) == ["aks-dev", "aks-legacy", "aks-private", "aks-prod"]
    modern = az("aks", "show", "-g", "rg-aks-prod", "-n", "aks-prod")
    legacy = az("aks", "show", "-g", "rg-aks-legacy", "-n", "aks-legacy")
    assert modern["oidcIssuerProfile"]["enabled"]
    assert not legacy["oidcIssuerProfile"]["enabled"]
    assert (modern["networkProfile"]["networkPluginMode"], modern["tags"]) == (
        "overlay",
        {"team": "platform"},
    )


def test_the_ca_is_not_the_key(home: Home) -> None:
    assert "PRIVATE" not in (home.path / "ca.pem").read_text()
