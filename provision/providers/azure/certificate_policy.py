"""Certificates and their policies, between our vocabulary and the SDK's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from provision.errors import ServiceError
from provision.ingress.certificate_files import is_self_signed, lifetime_of, names_of
from provision.providers.azure.reading import DIGEST_TAG, PROFILE_TAG
from provision.resources.arm import ArmId
from provision.resources.certificate import Certificate
from provision.resources.observed import Present
from provision.resources.values import CaseInsensitive, Value
from provision.resources.vault import KeyVault

if TYPE_CHECKING:
    from azure.keyvault.certificates import CertificatePolicy, KeyVaultCertificate

_MARKS = (PROFILE_TAG, DIGEST_TAG)


def policy_of(resource: Certificate) -> CertificatePolicy:
    """The policy by which Key Vault makes a certificate."""
    from azure.keyvault.certificates import CertificatePolicy, CertificatePolicyAction, LifetimeAction

    by_percent = resource.renew_at_percent is not None
    action = LifetimeAction(
        CertificatePolicyAction(resource.renewal),
        lifetime_percentage=resource.renew_at_percent,
        days_before_expiry=None if by_percent else resource.renew_before_days,
    )
    return CertificatePolicy(
        issuer_name=resource.issuer,
        certificate_type=resource.certificate_type,
        subject=resource.subject,
        san_dns_names=sorted(map(str, resource.dns_names)),
        validity_in_months=resource.validity_months,
        lifetime_actions=[action],
        key_type=resource.key_type,
        key_size=resource.key_size,
        key_curve_name=resource.curve,
        exportable=resource.exportable,
        content_type=resource.content_type,
        reuse_key=resource.reuse_key,
        key_usage=sorted(map(str, resource.key_usage)) or None,
        enhanced_key_usage=sorted(map(str, resource.extended_key_usage)) or None,
    )


def undeclared(vault: KeyVault, name: str, certificate: KeyVaultCertificate) -> Certificate:
    """The certificate as the profile would have it."""
    from azure.keyvault.certificates import CertificatePolicy

    policy = certificate.policy or CertificatePolicy()
    return Certificate(
        name=f"{vault.name}/{name}",
        vault=vault.name,
        vault_subscription=ArmId.parse(vault.id).subscription,
        certificate_name=name,
        issuer=policy.issuer_name or "",
        subject=policy.subject or "",
        dns_names=_set(policy.san_dns_names),
        validity_months=policy.validity_in_months or 0,
        renew_before_days=_renewal(policy)[1] or 0,
        renew_at_percent=_renewal(policy)[2],
        key_type=_text(policy.key_type) or "",
        key_size=policy.key_size,
        curve=_text(policy.key_curve_name),
    )


def present(certificate: KeyVaultCertificate) -> Present:
    """What was read, in our vocabulary."""
    policy = certificate.policy
    properties = certificate.properties
    if policy is None or properties is None:
        raise ServiceError(f"reading certificate {certificate.name}", "the service's answer holds no policy")
    tags = properties.tags or {}
    action, days, percent = _renewal(policy)
    thumbprint = properties.x509_thumbprint.hex().upper() if properties.x509_thumbprint else None
    return Present(
        properties={
            "enabled": bool(properties.enabled),
            "thumbprint": thumbprint,
            "issuer": policy.issuer_name,
            "certificateType": policy.certificate_type,
            "subject": policy.subject,
            "dnsNames": _set(policy.san_dns_names),
            "validityMonths": policy.validity_in_months,
            "renewBeforeDays": days,
            "renewAtPercent": percent,
            "renewal": action,
            "keyType": _text(policy.key_type),
            "keySize": policy.key_size,
            "curve": _text(policy.key_curve_name),
            "reuseKey": bool(policy.reuse_key),
            "exportable": policy.exportable,
            "contentType": _text(policy.content_type),
            "keyUsage": frozenset(_text(each) for each in policy.key_usage or ()),
            "extendedKeyUsage": frozenset(policy.enhanced_key_usage or ()),
            **{f"tags.{name}": value for name, value in tags.items() if name not in _MARKS},
        },
        outputs={
            "uri": _unversioned(certificate.secret_id) if certificate.secret_id else None,
            "thumbprint": thumbprint,
            "expires": properties.expires_on.date().isoformat() if properties.expires_on else None,
            **_of_itself(certificate),
            "tags": dict(tags),
        },
        owner=tags.get(PROFILE_TAG),
        digest=tags.get(DIGEST_TAG),
        changed_at=properties.updated_on.isoformat() if properties.updated_on else "",
    )


def _of_itself(certificate: KeyVaultCertificate) -> dict[str, Value]:
    """What the certificate itself says: one that was imported or merged need not be as its policy says.

    Its authority may also have made it for a shorter time than it was asked for.
    """
    from cryptography import x509

    try:
        found = x509.load_der_x509_certificate(bytes(certificate.cer or b""))
    except ValueError:
        return {"names": (), "selfSigned": None, "lifetime": None}
    return {
        "names": names_of(found),
        "selfSigned": is_self_signed(found),
        "lifetime": lifetime_of(found),
    }


def _renewal(policy: CertificatePolicy) -> tuple[str | None, int | None, int | None]:
    """What the vault does before expiry, how many days before or at what percentage of the lifetime.

    A policy has one action at most. Source: https://github.com/Azure/azure-sdk-for-net/issues/15633.
    """
    for action in policy.lifetime_actions or ():
        return _text(action.action), action.days_before_expiry, action.lifetime_percentage
    return None, None, None


def _set(names: Any) -> frozenset[Value]:
    return frozenset(CaseInsensitive(name) for name in names or ())


def _text(value: Any) -> str | None:
    return None if value is None else str(getattr(value, "value", value))


def _unversioned(secret_id: str) -> str:
    """An ingress must refer to the secret without its version, or it never sees a renewal."""
    return secret_id.rsplit("/", 1)[0]
