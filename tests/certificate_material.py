"""Keys and certificates for tests, in the files that people keep them in. EC keys: they are quick to make."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)
from cryptography.x509.oid import NameOID

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


def new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def certificate(key: Key, *names: str, days: int = 300, alternative: bool = True) -> x509.Certificate:
    """A self-signed one that ends in `days`; without `alternative` its name is its common name alone."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
    end = datetime.now(UTC) + timedelta(days=days)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(end - timedelta(days=400))
        .not_valid_after(end)
    )
    if alternative:
        listed = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
        builder = builder.add_extension(listed, critical=False)
    return builder.sign(key, hashes.SHA256())


def key_pem(key: Key, password: str = "") -> bytes:
    encryption = BestAvailableEncryption(password.encode()) if password else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)


def pem(*certificates: x509.Certificate) -> bytes:
    return b"".join(each.public_bytes(Encoding.PEM) for each in certificates)


def pfx(key: Key, made: x509.Certificate, password: str = "") -> bytes:
    encryption = BestAvailableEncryption(password.encode()) if password else NoEncryption()
    return pkcs12.serialize_key_and_certificates(b"shop", key, made, None, encryption)


def signing_request(*names: str) -> bytes:
    """A request for these names, DER."""
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    if names:
        alternative = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
        builder = builder.add_extension(alternative, critical=False)
    return builder.sign(new_key(), hashes.SHA256()).public_bytes(Encoding.DER)


def signed(request: Path) -> bytes:
    """What an authority answers to a signing request: the certificate and its own, in PEM."""
    asked = x509.load_pem_x509_csr(request.read_bytes())
    key = new_key()
    authority = certificate(key, "authority.example")
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(asked.subject)
        .issuer_name(authority.subject)
        .public_key(asked.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=200))
    )
    for extension in asked.extensions:
        builder = builder.add_extension(extension.value, extension.critical)
    return pem(builder.sign(key, hashes.SHA256()), authority)


def thumbprint(made: x509.Certificate) -> str:
    return made.fingerprint(hashes.SHA1()).hex().upper()  # noqa: S303 - a name, no protection


def write(folder: Path, **contents: bytes) -> Sequence[Path]:
    """Files by name, `_` for the period before the ending."""
    written = []
    for name, content in contents.items():
        path = folder / ".".join(name.rsplit("_", 1))
        path.write_bytes(content)
        written.append(path)
    return written
