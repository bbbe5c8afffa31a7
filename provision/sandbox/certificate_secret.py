"""The secret of a certificate: its key and certificates as PKCS#12, and taken apart again."""

from __future__ import annotations

import base64
from collections.abc import Sequence

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, pkcs12

from provision.sandbox.issuance import PrivateKey, key_pem

_MOST = 256
_parts: dict[str, tuple[str, str]] = {}
"""Key and certificates, PEM, of secrets that were packed or taken apart last: an RSA key is proven when it is
loaded, which takes 20 ms, at each look of each mount."""


def pack(key: PrivateKey | None, certificate: x509.Certificate, chain: Sequence[x509.Certificate]) -> str:
    """Base64 of the PKCS#12. Without a key when that may not leave the vault."""
    packed = pkcs12.serialize_key_and_certificates(None, key, certificate, chain, NoEncryption())
    value = base64.b64encode(packed).decode()
    _keep(value, key_pem(key) if key else "", (certificate, *chain))
    return value


def unpack(value: str) -> tuple[str, str]:
    """PEM of the key, empty when there is none, and of the certificate and its chain."""
    if value not in _parts:
        key, certificate, chain = pkcs12.load_key_and_certificates(base64.b64decode(value), None)
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode() if key else ""
        _keep(value, private, [each for each in (certificate, *chain) if each])
    return _parts[value]


def _keep(value: str, key: str, certificates: Sequence[x509.Certificate]) -> None:
    while len(_parts) >= _MOST:
        del _parts[next(iter(_parts))]
    _parts[value] = key, "".join(each.public_bytes(Encoding.PEM).decode() for each in certificates)
