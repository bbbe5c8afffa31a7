"""The sandbox's certificate authority and server certificate, made once and kept beside the state."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import ssl
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

NAMES = (
    "localhost",
    # OpenSSL refuses a wildcard with fewer than two labels after it, so vaults live under vault.localhost
    "*.vault.localhost",
    # public names, for clients that come through the CONNECT proxy with nothing configured but its address
    "management.azure.com",
    "login.microsoftonline.com",
    "login.windows.net",
    "graph.microsoft.com",
    "vault.azure.net",
    "*.vault.azure.net",
)
_LIFETIME = timedelta(days=820)  # browsers and Go refuse server certificates of more than 825 days


@dataclass(frozen=True, slots=True)
class Material:
    """`ca` is what clients trust; `server` holds the private key and the chain, mode 0600."""

    ca: Path
    server: Path

    def context(self) -> ssl.SSLContext:
        """The server side of TLS."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.server)
        context.num_tickets = 0  # nobody resumes a session, and each costs both ends
        return context


def material(folder: Path) -> Material:
    """The certificates kept in `folder`, made on first use, shortly before they expire and when damaged.

    The authority's key signs one certificate and is thrown away: whoever trusts `ca.pem` trusts nothing else.
    """
    kept = Material(folder / "ca.pem", folder / "server.pem")
    if not (kept.server.exists() and _usable(kept.server.read_bytes())):
        kept.server.unlink(missing_ok=True)
        _publish(kept.server, _issue(), exclusive=True)
    # another process may have been first: whatever server.pem holds now is the truth
    chain = x509.load_pem_x509_certificates(kept.server.read_bytes())
    authority = chain[-1].public_bytes(Encoding.PEM)
    if not (kept.ca.exists() and kept.ca.read_bytes() == authority):
        _publish(kept.ca, authority, exclusive=False)
    return kept


def _usable(pem: bytes) -> bool:
    """Whether it is what `_issue` makes, whole and valid for some time to come."""
    try:
        key = load_pem_private_key(pem, None)
        certificate, authority = x509.load_pem_x509_certificates(pem)
        certificate.verify_directly_issued_by(authority)
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ValueError, TypeError, InvalidSignature, x509.ExtensionNotFound):
        return False
    fits = tuple(names.get_values_for_type(x509.DNSName)) == NAMES
    lasts = certificate.not_valid_after_utc > datetime.now(UTC) + timedelta(days=30)
    return fits and lasts and key.public_key() == certificate.public_key()


def _publish(path: Path, content: bytes, *, exclusive: bool) -> None:
    """Write a file that no reader sees half of; `exclusive` keeps one that is there already."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name)  # with mode 0600
    with os.fdopen(handle, "wb") as file:
        file.write(content)
    if exclusive:
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(temporary)
        Path(temporary).unlink()
    else:
        Path(temporary).replace(path)


def _issue() -> bytes:
    """PEM of a new server key, its certificate and the authority, in this order."""
    ca_key, server_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "provision sandbox authority")])
    authority = (
        _builder(ca_name, ca_name, ca_key.public_key(), ca_key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(certificates=True), critical=True)
        .sign(ca_key, hashes.SHA256())
    )
    names: list[x509.GeneralName] = [x509.DNSName(name) for name in NAMES]
    names.append(x509.IPAddress(ipaddress.IPv4Address("127.0.0.1")))
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    certificate = (
        _builder(subject, ca_name, server_key.public_key(), ca_key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    key = server_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return key + certificate.public_bytes(Encoding.PEM) + authority.public_bytes(Encoding.PEM)


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    issuer_key: ec.EllipticCurvePublicKey,
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=10))
        .not_valid_after(now + _LIFETIME)
        # both identifiers are wanted by VERIFY_X509_STRICT, Python's default since 3.13
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key), critical=False)
    )


def _usage(*, certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not certificates,
        key_cert_sign=certificates,
        crl_sign=certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
