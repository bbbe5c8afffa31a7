"""Vaults, and what certificates in them are made through: profile → resources."""

from __future__ import annotations

from collections.abc import Iterator

from provision.profile.model import Profile, Vault
from provision.resources.arm import resource_id
from provision.resources.issuer import CertificateContacts, CertificateIssuer, by_address, person
from provision.resources.managed_cluster import ManagedCluster
from provision.resources.ref import Ref
from provision.resources.resource import Resource
from provision.resources.values import CaseInsensitive
from provision.resources.vault import KEY_VAULT_TYPE, KeyVault


def vaults(profile: Profile) -> Iterator[Resource]:
    """The vaults, those that must exist and those that are made, with their issuers and contacts."""
    cluster = f"{ManagedCluster.KIND}/{profile.cluster.name}"
    for name, vault in profile.vaults.items():
        # Only where it is made does it matter where: nothing else of a vault waits for the cluster.
        location = vault.location or Ref(cluster, "location") if vault.create else None
        yield KeyVault(
            name=name,
            id=vault_id(profile, name, vault),
            create=vault.create,
            location=location,
            sku=vault.sku,
            soft_delete_days=vault.soft_delete_days,
            public_network_access=vault.public_network_access,
        )
        yield from _issuers(name, vault)
        if vault.contacts:
            yield _contacts(name, vault)


def vault_id(profile: Profile, name: str, vault: Vault) -> CaseInsensitive:
    subscription = vault.subscription or profile.azure.subscription
    return resource_id(subscription, vault.resource_group, KEY_VAULT_TYPE, name)


def _issuers(name: str, vault: Vault) -> Iterator[CertificateIssuer]:
    for issuer_name, issuer in vault.issuers.items():
        people = [
            person(each.email, firstName=each.first_name, lastName=each.last_name, phone=each.phone)
            for each in issuer.administrators
        ]
        yield CertificateIssuer(
            name=f"{name}/{issuer_name}",
            vault=name,
            vault_owner=_owner(name),
            issuer_name=issuer_name,
            provider=issuer.provider,
            account_id=issuer.account_id,
            password=issuer.password,
            organization_id=issuer.organization_id,
            administrators=by_address(people),
        )


def _contacts(name: str, vault: Vault) -> CertificateContacts:
    people = [person(each.email, name=each.name, phone=each.phone) for each in vault.contacts]
    return CertificateContacts(name=name, vault=name, vault_owner=_owner(name), contacts=by_address(people))


def _owner(vault: str) -> Ref:
    return Ref(f"{KeyVault.KIND}/{vault}", "owner")
