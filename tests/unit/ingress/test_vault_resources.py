"""Vaults, issuers and contacts: profile → resources."""

from __future__ import annotations

from typing import Any

from provision.ingress import desired
from provision.ingress.vaults import vaults
from provision.profile.model import AppRouting, Azure, Cluster, Dns, Host, Profile, Service, Vault, Zone
from provision.profile.model.vaults import Administrator, Contact, Issuer
from provision.resources.identity import RoleAssignment
from provision.resources.issuer import CertificateContacts, CertificateIssuer
from provision.resources.ref import Ref
from provision.resources.vault import AccessPolicy, KeyVault

HERE = "11111111-0000-0000-0000-000000000000"
THERE = "22222222-0000-0000-0000-000000000000"


def profile(**settings: Any) -> Profile:
    return Profile(
        api_version="provision/v1",
        name="shop",
        azure=Azure(subscription=HERE),
        cluster=Cluster(name="aks", resource_group="rg-aks"),
        ingress=AppRouting(option="app-routing"),
        vaults={"kv": Vault(resource_group="rg-security", **settings)},
        dns=Dns(zones={"a.example": Zone(resource_group="rg-dns")}),
        hosts={"x.a.example": Host(namespace="web", service=Service(name="web", port=80))},
    )


def test_a_vault_of_others_waits_for_nothing_and_declares_nothing() -> None:
    (vault,) = vaults(profile())
    assert isinstance(vault, KeyVault)
    assert vault.must_exist()
    assert vault.properties() == {}
    assert vault.dependencies() == frozenset()


def test_a_vault_that_is_made() -> None:
    (vault,) = vaults(
        profile(create=True, subscription=THERE, sku="premium", soft_delete_days=7, location="northeurope")
    )
    assert isinstance(vault, KeyVault)
    assert not vault.must_exist()
    assert vault.id == (
        f"/subscriptions/{THERE}/resourceGroups/rg-security/providers/Microsoft.KeyVault/vaults/kv"
    )
    assert vault.location == "northeurope"
    assert vault.properties() == {
        "authorization": "rbac",
        "sku": "premium",
        "purgeProtection": True,
        "softDeleteDays": 7,
    }


def test_it_is_where_the_cluster_is_unless_told() -> None:
    (vault,) = vaults(profile(create=True, public_network_access="disabled"))
    assert isinstance(vault, KeyVault)
    assert vault.location == Ref("managed_cluster/aks", "location")
    assert vault.properties()["publicNetworkAccess"] == "disabled"


def test_the_role_at_a_new_vault_is_planned_with_it() -> None:
    def at_the_vault(declared: Profile) -> list[tuple[type, bool]]:
        return [
            (type(resource), resource.when is None)
            for resource in desired.graph(declared)
            if isinstance(resource, RoleAssignment | AccessPolicy) and resource.name.startswith("kv/")
        ]

    assert at_the_vault(profile(create=True)) == [(RoleAssignment, True)]
    assert sorted(at_the_vault(profile()), key=str) == [(RoleAssignment, False), (AccessPolicy, False)]


def test_issuers_and_contacts() -> None:
    issuer = Issuer(
        provider="GlobalSign",
        account_id="1",
        password="file:key",
        administrators=(
            Administrator(email="b@a.example", first_name="B"),
            Administrator(email="A@a.example", phone="1"),
        ),
    )
    contacts = (Contact(email="z@a.example"), Contact(email="c@a.example", name="C"))
    _, made, told = vaults(profile(issuers={"ca": issuer}, contacts=contacts))
    assert isinstance(made, CertificateIssuer)
    assert made.address == "certificate_issuer/kv/ca"
    assert made.properties() == {
        "enabled": True,
        "provider": "GlobalSign",
        "accountId": "1",
        "administrators": (
            {"email": "A@a.example", "phone": "1"},
            {"email": "b@a.example", "firstName": "B"},
        ),
    }
    assert isinstance(told, CertificateContacts)
    assert told.address == "certificate_contacts/kv"
    assert told.properties() == {
        "contacts": ({"email": "c@a.example", "name": "C"}, {"email": "z@a.example"})
    }
    assert made.dependencies() == told.dependencies() == {"key_vault/kv"}


def test_the_reference_to_a_password_is_no_property() -> None:
    issuer = Issuer(provider="DigiCert", account_id="1", password="env:KEY", organization_id="2")
    _, made = vaults(profile(issuers={"ca": issuer}))
    assert "env:KEY" not in str(made.properties())
    assert made.properties()["organizationId"] == "2"
