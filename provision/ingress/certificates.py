"""Certificates: profile → resources."""

from __future__ import annotations

from collections.abc import Iterator

from provision.ingress.vaults import vault_id
from provision.profile.model import Certificate as Declared
from provision.profile.model import Profile
from provision.resources.certificate import PEM, PKCS12, UNKNOWN, BundleFile, Certificate
from provision.resources.issuer import CertificateIssuer
from provision.resources.values import CaseInsensitive
from provision.resources.vault import KeyVault

_CONTENT = {"pkcs12": PKCS12, "pem": PEM}
_RENEWALS = {"automatic": "AutoRenew", "reminder": "EmailContacts"}


def certificates(profile: Profile) -> Iterator[Certificate]:
    """The certificates: those that Key Vault makes, those that come from files, those of others."""
    for name, declared in profile.certificates.items():
        yield _certificate(profile, name, declared)


def _certificate(profile: Profile, name: str, declared: Declared) -> Certificate:
    vault = profile.vaults[declared.vault]
    rsa = declared.key_type.startswith("RSA")
    after = [f"{KeyVault.KIND}/{declared.vault}"]
    if declared.issuer in vault.issuers:
        after.append(f"{CertificateIssuer.KIND}/{declared.vault}/{declared.issuer}")
    return Certificate(
        name=f"{declared.vault}/{name}",
        vault=declared.vault,
        vault_subscription=vault.subscription or profile.azure.subscription,
        certificate_name=name,
        issuer=declared.issuer,
        certificate_type=declared.certificate_type,
        subject=declared.subject or (f"CN={declared.dns_names[0]}" if declared.dns_names else ""),
        dns_names=frozenset(CaseInsensitive(host) for host in declared.dns_names),
        validity_months=declared.validity_months,
        renew_before_days=declared.renew_before_days,
        renew_at_percent=declared.renew_at_percent,
        renewal=_renewal(declared),
        key_type=declared.key_type,
        key_size=declared.key_size if rsa else None,
        curve=None if rsa else declared.curve,
        reuse_key=declared.reuse_key,
        exportable=declared.exportable,
        content_type=_CONTENT[declared.content_type],
        key_usage=frozenset(declared.key_usage),
        extended_key_usage=frozenset(declared.extended_key_usage),
        enabled=declared.enabled,
        tags=declared.tags,
        source=_source(declared),
        made_vault=vault_id(profile, declared.vault, vault) if vault.create else "",
        managed=declared.managed,
        after=tuple(after),
    )


def _renewal(declared: Declared) -> str:
    chosen = declared.renewal or ("reminder" if declared.issuer == UNKNOWN else "automatic")
    return _RENEWALS[chosen]


def _source(declared: Declared) -> BundleFile | None:
    """The file of an imported certificate, with the thumbprint that loading the profile found in it."""
    held = declared.import_
    if held is None:
        return None
    return BundleFile(
        file=held.file, password=held.password or "", thumbprint=(held.thumbprint or "").upper()
    )
