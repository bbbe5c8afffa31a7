"""Certificates taken apart."""

from __future__ import annotations

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA1, SHA256

from provision.verify.evidence import CertificateFacts


def facts(der: bytes) -> CertificateFacts:
    """What a DER certificate says. Raises ValueError for what is none."""
    return _facts(x509.load_der_x509_certificate(der))


def facts_of_chain(pem: bytes) -> CertificateFacts:
    """What the first certificate of a PEM chain says: the leaf. Raises ValueError for what is none."""
    return _facts(x509.load_pem_x509_certificates(pem)[0])


def _facts(certificate: x509.Certificate) -> CertificateFacts:
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        names = tuple(extension.value.get_values_for_type(x509.DNSName))
    except x509.ExtensionNotFound:
        names = ()
    return CertificateFacts(
        # The thumbprint that Key Vault and kubectl users compare by; equality is decided by SHA-256.
        sha1=certificate.fingerprint(SHA1()).hex().upper(),  # noqa: S303
        sha256=certificate.fingerprint(SHA256()).hex().upper(),
        names=names,
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        self_signed=certificate.issuer == certificate.subject,
    )
