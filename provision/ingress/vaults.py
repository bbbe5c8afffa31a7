"""Vaults and the certificates in them: profile → resources."""

from __future__ import annotations

from collections.abc import Iterator

from provision.profile.model import Profile, Vault
from provision.resources.arm import resource_id
from provision.resources.certificate import Certificate
from provision.resources.values import CaseInsensitive
from provision.resources.vault import KeyVault


def vaults(profile: Profile) -> Iterator[KeyVault]:
    """The vaults, which must exist."""
    for name, vault in profile.vaults.items():
        yield KeyVault(name=name, id=vault_id(profile, name, vault))


def vault_id(profile: Profile, name: str, vault: Vault) -> CaseInsensitive:
    subscription = vault.subscription or profile.azure.subscription
    return resource_id(subscription, vault.resource_group, "Microsoft.KeyVault/vaults", name)


def certificates(profile: Profile) -> Iterator[Certificate]:
    """The certificates that Key Vault makes by policy."""
    for name, certificate in profile.certificates.items():
        rsa = certificate.key_type == "RSA"
        yield Certificate(
            name=f"{certificate.vault}/{name}",
            vault=certificate.vault,
            vault_subscription=profile.vaults[certificate.vault].subscription or profile.azure.subscription,
            certificate_name=name,
            issuer=certificate.issuer,
            subject=f"CN={certificate.dns_names[0]}",
            dns_names=frozenset(CaseInsensitive(host) for host in certificate.dns_names),
            validity_months=certificate.validity_months,
            renew_before_days=certificate.renew_before_days,
            key_type=certificate.key_type,
            key_size=certificate.key_size if rsa else None,
            curve=None if rsa else certificate.curve,
            after=(f"{KeyVault.KIND}/{certificate.vault}",),
        )
