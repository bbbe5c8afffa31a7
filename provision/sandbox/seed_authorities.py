"""A certificate authority for a service mesh, as another team keeps it in a vault: four secrets.

Source: "Plug-in CA certificates for Istio-based service mesh add-on", Microsoft Learn, 2025-03: a root, an
intermediate with its key, and the chain of both.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from provision.sandbox.azure import Azure, Json
from provision.sandbox.certificate_store import CERTIFICATE
from provision.sandbox.seed_once import first_time
from provision.sandbox.vault_plain_secrets import SECRET, VERSION
from provision.sandbox.vaults import VAULT

_YEARS = 10
_SIGNS = x509.KeyUsage(
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=True,
    encipher_only=False,
    decipher_only=False,
)


def ensure_authority(azure: Azure, vault: str, names: Mapping[str, str]) -> Iterator[str]:
    """Secrets of the vault (an id) by part: `root`, `certificate`, `key`, `chain`. Yields a line for each
    that was made.

    All profiles share the vault's one authority, so that their parts fit together whatever the names. Where
    somebody has made any of the secrets, theirs is the authority and none is added to it.
    """
    if azure.store.get(VAULT, vault) is None or any(
        _is_foreign(azure, vault, name) for name in names.values()
    ):
        return
    missing = {part: name for part, name in names.items() if first_time(azure, _seen(vault, name))}
    if not missing:
        return
    texts = azure.store.get("sandbox", f"authority:{vault}") or _authority()
    azure.store.put("sandbox", f"authority:{vault}", texts)
    for part, name in missing.items():
        version = azure.guid().replace("-", "")
        now = int(azure.clock.now())
        value = {"version": version, "value": texts[part], "created": now, "updated": now, "enabled": True}
        azure.store.put(SECRET, f"{vault}/secrets/{name}", {"name": name, "current": version})
        azure.store.put(VERSION, f"{vault}/secrets/{name}/{version}", value)
        yield f"secret {name} in key vault {vault.rsplit('/', 1)[-1]}"


def _is_foreign(azure: Azure, vault: str, name: str) -> bool:
    """Whether others have used the name, for a secret or a certificate, before the seed did."""
    if azure.store.get("sandbox", _seen(vault, name)) is not None:
        return False
    used = ((SECRET, f"{vault}/secrets/{name}"), (CERTIFICATE, f"{vault}/certificates/{name}"))
    return any(azure.store.get(kind, id_) is not None for kind, id_ in used)


def _seen(vault: str, name: str) -> str:
    return f"seen:{vault}/secrets/{name}"


def _authority() -> Json:
    root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root_name, name = _name("Sandbox mesh root"), _name("Sandbox mesh intermediate")
    root = _signed(root_name, root_key.public_key(), root_name, root_key, path=1)
    intermediate = _signed(name, key.public_key(), root_name, root_key, path=0)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return {
        "root": _pem(root),
        "certificate": _pem(intermediate),
        "key": private,
        "chain": _pem(intermediate) + _pem(root),
    }


def _signed(
    subject: x509.Name,
    key: ec.EllipticCurvePublicKey,
    issuer: x509.Name,
    signer: ec.EllipticCurvePrivateKey,
    *,
    path: int,
) -> x509.Certificate:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=10))
        .not_valid_after(now + timedelta(days=365 * _YEARS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=path), critical=True)
        .add_extension(_SIGNS, critical=True)
        .sign(signer, hashes.SHA256())
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode()
