"""Certificates in files: what can be told of them, and whether Key Vault will take them.

Private keys and passwords stay inside these functions: what they return and raise tells of public parts only.
Source of what Key Vault takes: "Import a certificate", Key Vault documentation, Microsoft Learn, 2026-05.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

    PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

_LEAST_BITS = 2048
_CURVES = ("secp256r1", "secp384r1", "secp521r1", "secp256k1")


class BundleError(Exception):
    """A file that can't be imported: why, and what to do. Neither holds anything of the file."""

    def __init__(self, why: str, fix: str = "") -> None:
        super().__init__(why)
        self.why = why
        self.fix = fix


@dataclass(frozen=True, slots=True)
class Bundle:
    """The public part of a certificate in a file: `thumbprint` is SHA-1, in capitals; `lifetime` in days."""

    thumbprint: str
    names: tuple[str, ...]
    not_after: datetime
    lifetime: int
    self_signed: bool


def read(file: str, password: str) -> Bundle:
    """What is in a file. Raises BundleError when Key Vault would not take it."""
    from cryptography.hazmat.primitives import hashes

    _, certificate, _ = _opened(file, password)
    return Bundle(
        certificate.fingerprint(hashes.SHA1()).hex().upper(),  # noqa: S303 - a name for it, no protection
        names_of(certificate),
        certificate.not_valid_after_utc,
        lifetime_of(certificate),
        is_self_signed(certificate),
    )


def packed(file: str, password: str, *, pem: bool) -> bytes:
    """The file's content in the form that the vault is to keep, PKCS#12 or PEM, without a password.

    Its chain goes with it. The answer holds the private key: it is for the request alone.
    """
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
        pkcs12,
    )

    key, certificate, chain = _opened(file, password)
    if not pem:
        return pkcs12.serialize_key_and_certificates(None, key, certificate, chain, NoEncryption())
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return private + b"".join(each.public_bytes(Encoding.PEM) for each in (certificate, *chain))


def lifetime_of(certificate: x509.Certificate) -> int:
    """For how many days it is valid in all."""
    return (certificate.not_valid_after_utc - certificate.not_valid_before_utc).days


def names_of(certificate: x509.Certificate | x509.CertificateSigningRequest) -> tuple[str, ...]:
    """The DNS names that a certificate is for, or is asked for."""
    from cryptography import x509

    try:
        alternative = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except (x509.ExtensionNotFound, ValueError):
        return ()
    return tuple(alternative.value.get_values_for_type(x509.DNSName))


def is_self_signed(certificate: x509.Certificate) -> bool:
    """Whether it says that it is its own issuer."""
    return certificate.issuer == certificate.subject


def _opened(file: str, password: str) -> tuple[PrivateKey, x509.Certificate, list[x509.Certificate]]:
    try:
        content = Path(file).read_bytes()
    except OSError as error:
        why = error.strerror or "it can't be read"
        fix = "Put it there, readable for provision."
        raise BundleError(f"its file can't be read: {why}", fix) from None
    if b"-----BEGIN" in content:
        key, certificates = _of_pem(content, password)
    else:
        key, certificates = _of_pkcs12(content, password)
    own = [each for each in certificates if each.public_key() == key.public_key()]
    if not own:
        raise BundleError(
            "no certificate in the file belongs to its private key",
            "Put the certificate that was made for this key into it.",
        )
    _check_key(key)
    return key, own[0], [each for each in certificates if each is not own[0]]


def _of_pkcs12(content: bytes, password: str) -> tuple[PrivateKey, list[x509.Certificate]]:
    from cryptography.hazmat.primitives.serialization import pkcs12

    try:
        key, certificate, others = pkcs12.load_key_and_certificates(
            content, password.encode() if password else None
        )
    except ValueError as error:
        if "password" in str(error).lower():
            raise BundleError(
                "its password is wrong" if password else "it needs a password",
                "See to what `password` refers." if password else "Add `password: env:NAME`.",
            ) from None
        raise BundleError("it is no PFX file, or a damaged one", "Export it anew.") from None
    if certificate is None and not others:
        raise BundleError("it holds a key and no certificate", "Export it with its certificate.")
    return _known(key), [*([certificate] if certificate else []), *others]


def _of_pem(content: bytes, password: str) -> tuple[PrivateKey, list[x509.Certificate]]:
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    if b"PRIVATE KEY-----" not in content:
        raise BundleError(
            "it holds a certificate and no private key", "Append the key in PEM, or export a PFX with it."
        )
    if b"-----BEGIN CERTIFICATE-----" not in content:
        raise BundleError("it holds a key and no certificate", "Put the certificate before the key.")
    try:
        key = load_pem_private_key(content, password.encode() if password else None)
    except TypeError:
        if password:
            raise BundleError(
                "its key is not encrypted, and a password is given", "Remove password."
            ) from None
        raise BundleError("its key needs a password", "Add `password: env:NAME`.") from None
    except ValueError:
        raise BundleError("its private key is damaged, or the password is wrong", "Export it anew.") from None
    try:
        certificates = x509.load_pem_x509_certificates(content)
    except ValueError:
        raise BundleError("a certificate in it is damaged", "Export it anew.") from None
    return _known(key), certificates


def _known(key: object) -> PrivateKey:
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

    if key is None:
        raise BundleError("it holds a certificate and no private key", "Export it with its private key.")
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise BundleError("its key is neither RSA nor EC", "Key Vault takes RSA and EC keys.")
    return key


def _check_key(key: PrivateKey) -> None:
    from cryptography.hazmat.primitives.asymmetric import rsa

    if isinstance(key, rsa.RSAPrivateKey):
        if key.key_size < _LEAST_BITS:
            raise BundleError(
                f"its RSA key has {key.key_size} bits", f"Key Vault takes RSA keys from {_LEAST_BITS} bits."
            )
    elif key.curve.name not in _CURVES:
        raise BundleError(
            f"its EC key is on the curve {key.curve.name}", f"Key Vault takes {', '.join(_CURVES)}."
        )
