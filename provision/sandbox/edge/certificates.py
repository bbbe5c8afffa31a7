"""Certificates that gateways show: from Secrets, and the one NGINX makes for itself."""

from __future__ import annotations

import base64
import binascii
import ssl
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from provision.sandbox.addons.alb_gateways import content
from provision.sandbox.azure import Json
from provision.sandbox.kubernetes import kinds
from provision.sandbox.kubernetes.objects import Cluster


@dataclass(frozen=True, slots=True)
class Pem:
    """A certificate with its chain, and its private key."""

    chain: bytes
    key: bytes


def of_secret(
    cluster: Cluster, namespace: str, name: str, keys: tuple[str, str] = ("tls.crt", "tls.key")
) -> Pem | None:
    """The certificate in a Secret; None when there is no such Secret or it holds none that TLS can use."""
    secret: Json = cluster.get(kinds.SECRET, name, namespace) or {}
    data = secret.get("data") or {}
    try:
        pem = Pem(*(base64.b64decode(data[key], validate=True) for key in keys))
        context(pem)
    except (KeyError, binascii.Error, ssl.SSLError):
        return None
    return pem


def authorities(cluster: Cluster, namespace: str, name: str) -> bytes | None:
    """The authorities of clients that Istio takes for a credential: of the Secret `<name>-cacert`, else of
    the one of that name; None without. Source: istio, pilot/pkg/credentials/kube/secrets.go, August 2026."""
    for each in (f"{name}-cacert", name):
        secret = cluster.get(kinds.SECRET, each, namespace)
        if secret is not None:
            held = (content(secret, key) for key in ("cacert", "ca.crt"))
            return next((text for text in held if text), None)
    return None


def can_check(pem: Pem, authorities_: bytes | None) -> bool:
    """Whether clients' certificates can be checked by these authorities."""
    if not authorities_:
        return False
    try:
        context(pem, authorities_)
    except ssl.SSLError:
        return False
    return True


@lru_cache(maxsize=64)
def context(pem: Pem, authorities: bytes | None = None, required: bool = True) -> ssl.SSLContext:
    """The server side of TLS with that certificate.

    With `authorities` (PEM, none of them if empty) clients' certificates are checked, and there must be one
    if that is `required`. Raises ssl.SSLError for what is none.
    """
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile() as file:  # with mode 0600; ssl reads certificates from files only
        file.write(pem.chain + b"\n" + pem.key)
        file.flush()
        made.load_cert_chain(file.name)
    if authorities is not None:
        made.verify_mode = ssl.CERT_REQUIRED if required else ssl.CERT_OPTIONAL
    if authorities:
        made.load_verify_locations(cadata=authorities.decode("ascii", "replace"))
    return made


@cache
def fake() -> Pem:
    """What ingress-nginx shows where it has nothing else; made anew with each process, as it does.

    Source: kubernetes/ingress-nginx, "TLS/HTTPS", default SSL certificate (2026).
    """
    return _self_signed("ingress.local", "Acme Co", "Kubernetes Ingress Controller Fake Certificate")


@lru_cache(maxsize=64)
def of_service(host: str) -> Pem:
    """What a service that does TLS itself would show; the sandbox runs no pods."""
    return _self_signed(host, "provision sandbox", host[:64])


def _self_signed(dns_name: str, organization: str, common_name: str) -> Pem:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=365))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(dns_name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return Pem(
        certificate.public_bytes(Encoding.PEM),
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
    )
