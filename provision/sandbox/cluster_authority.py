"""The authority that signs the client certificates of the sandbox's clusters, one for all of them.

AKS has one for each cluster. Here a certificate opens only the cluster it was made for, because the API
server compares it with the one it issued; the authority's part is the TLS handshake, which comes before a
path says which cluster is meant.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from provision.sandbox.azure import Azure, Json
from provision.sandbox.store import AUTHORITY

_AUTHORITY_YEARS = 30
_CERTIFICATE_YEARS = 2
"""As in AKS: cluster CAs expire after 30 years, client certificates after two (Microsoft Learn,
"certificate-rotation", 2026)."""


def authority(azure: Azure) -> str:
    """The authority's certificate (PEM), made on first use."""
    return str(_kept(azure)["certificate"])


def issue(azure: Azure, common_name: str, organization: str) -> Json:
    """A new client certificate and its key, as PEM: `{certificate, key}`."""
    kept = _kept(azure)
    signer = load_pem_private_key(kept["key"].encode(), None)
    assert isinstance(signer, ec.EllipticCurvePrivateKey)  # noqa: S101 - made below
    issuer = x509.load_pem_x509_certificate(kept["certificate"].encode()).subject
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )
    certificate = (
        _builder(subject, issuer, key.public_key(), signer.public_key(), _CERTIFICATE_YEARS)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .sign(signer, hashes.SHA256())
    )
    return {"certificate": _pem(certificate), "key": _key(key)}


def _kept(azure: Azure) -> Json:
    kind, id_ = AUTHORITY
    kept = azure.store.get(kind, id_)
    if kept is None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "provision sandbox clusters")])
        certificate = (
            _builder(name, name, key.public_key(), key.public_key(), _AUTHORITY_YEARS)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(key, hashes.SHA256())
        )
        kept = {"certificate": _pem(certificate), "key": _key(key)}
        azure.store.put(kind, id_, kept)
    return kept


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    issuer_key: ec.EllipticCurvePublicKey,
    years: int,
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=10))
        .not_valid_after(now + timedelta(days=365 * years))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key), critical=False)
    )


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode()


def _key(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
