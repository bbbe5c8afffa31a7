"""Real keys, requests and certificates for the vaults of the sandbox.

Source of the shapes: a self-signed certificate and a request in the recordings of the JavaScript SDK's
certificate tests (2020-2021): SHA-256, 16-byte serial number, critical key usage, basic constraints present
but empty, key identifiers, not-before ten minutes in the past.
"""

from __future__ import annotations

import calendar
import ipaddress
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from provision.sandbox.azure import Azure, Json
from provision.sandbox.certificate_policy import bad_parameter
from provision.sandbox.distinguished_names import parse_name

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

AUTHORITY = "keyvault.authority"
"""The document of the certification authority behind the integrated issuers: `{key, cer}` in PEM."""
BACKDATED = timedelta(minutes=10)

_CURVES: dict[str, ec.EllipticCurve] = {
    "P-256": ec.SECP256R1(),
    "P-384": ec.SECP384R1(),
    "P-521": ec.SECP521R1(),
    "P-256K": ec.SECP256K1(),
}
USAGES = {
    "digitalSignature": "digital_signature",
    "nonRepudiation": "content_commitment",
    "keyEncipherment": "key_encipherment",
    "dataEncipherment": "data_encipherment",
    "keyAgreement": "key_agreement",
    "keyCertSign": "key_cert_sign",
    "cRLSign": "crl_sign",
    "encipherOnly": "encipher_only",
    "decipherOnly": "decipher_only",
}


def new_key(key_props: Json) -> PrivateKey:
    """A key as `key_props` of a policy asks for. RSA takes 50 ms and more, EC less than one."""
    if key_props["kty"].startswith("EC"):
        return ec.generate_private_key(_CURVES[key_props["crv"]])
    return rsa.generate_private_key(public_exponent=65537, key_size=key_props["key_size"])


def key_pem(key: PrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def load_key(pem: str) -> PrivateKey:
    """A key that was made here or checked when it was imported: to check RSA again takes 20 ms."""
    key = load_pem_private_key(pem.encode(), None, unsafe_skip_rsa_key_validation=True)
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise bad_parameter("The specified X.509 certificate content is invalid. Error: Unknown key type.")
    return key


def signing_request(policy: Json, key: PrivateKey) -> bytes:
    """The certificate signing request, DER."""
    builder = x509.CertificateSigningRequestBuilder().subject_name(
        parse_name(policy["x509_props"]["subject"])
    )
    for extension, critical in _extensions(policy["x509_props"]):
        builder = builder.add_extension(extension, critical)
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


def self_signed(policy: Json, key: PrivateKey, now: float) -> x509.Certificate:
    """A certificate signed by its own key, valid from ten minutes before `now` (epoch seconds)."""
    return _sign(policy, key, now, parse_name(policy["x509_props"]["subject"]), key)


def issued_by_authority(
    azure: Azure, policy: Json, key: PrivateKey, now: float
) -> tuple[x509.Certificate, x509.Certificate]:
    """(certificate, its issuer's certificate), signed by the sandbox's certification authority."""
    authority, authority_key = _authority(azure, now)
    return _sign(policy, key, now, authority.subject, authority_key), authority


def _sign(
    policy: Json, key: PrivateKey, now: float, issuer: x509.Name, issuer_key: PrivateKey
) -> x509.Certificate:
    props = policy["x509_props"]
    start = datetime.fromtimestamp(int(now), UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(parse_name(props["subject"]))
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start - BACKDATED)
        .not_valid_after(months_later(start, props["validity_months"]))
    )
    for extension, critical in _extensions(props):
        builder = builder.add_extension(extension, critical)
    return (
        builder.add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), False
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
        .sign(issuer_key, hashes.SHA256())
    )


def months_later(start: datetime, months: int) -> datetime:
    """The same day and time so many months on, or the last day of a shorter month."""
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    day = min(start.day, calendar.monthrange(year, month + 1)[1])
    return start.replace(year=year, month=month + 1, day=day)


def _extensions(props: Json) -> list[tuple[x509.ExtensionType, bool]]:
    """(extension, critical) for a request or a certificate of these `x509_props`."""
    extensions: list[tuple[x509.ExtensionType, bool]] = []
    if props["key_usage"]:
        usage = {flag: name in props["key_usage"] for name, flag in USAGES.items()}
        # X.509 gives these two a meaning only with key agreement
        for flag in ("encipher_only", "decipher_only"):
            usage[flag] = usage[flag] and usage["key_agreement"]
        extensions.append((x509.KeyUsage(**usage), True))
    if props["ekus"]:
        extensions.append((x509.ExtendedKeyUsage([ObjectIdentifier(eku) for eku in props["ekus"]]), False))
    names = _alternative_names(props.get("sans") or {})
    if names:
        extensions.append((x509.SubjectAlternativeName(names), False))
    ca = bool(props["basic_constraints"].get("ca"))
    extensions.append((x509.BasicConstraints(ca=ca, path_length=None), False))
    return extensions


def _alternative_names(sans: Json) -> list[x509.GeneralName]:
    names: list[x509.GeneralName] = [x509.DNSName(_ascii(name)) for name in sans.get("dns_names") or ()]
    names += [x509.RFC822Name(_ascii(name)) for name in sans.get("emails") or ()]
    names += [x509.UniformResourceIdentifier(_ascii(uri)) for uri in sans.get("uris") or ()]
    for address in sans.get("ipAddresses") or ():
        try:
            names.append(x509.IPAddress(ipaddress.ip_address(address)))
        except ValueError as error:
            raise bad_parameter(f"Property ipAddresses has invalid value: {address}\r\n") from error
    return names


def _ascii(name: str) -> str:
    if not name.isascii() or not name:
        raise bad_parameter("Property sans has invalid value\r\n")
    return name


def _authority(azure: Azure, now: float) -> tuple[x509.Certificate, PrivateKey]:
    """The sandbox's certification authority, made when it is needed for the first time."""
    document = azure.store.get(AUTHORITY, "root")
    if document is None:
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = _authority_certificate(key, datetime.fromtimestamp(int(now), UTC))
        document = {"key": key_pem(key), "cer": certificate.public_bytes(Encoding.PEM).decode()}
        azure.store.put(AUTHORITY, "root", document)
    return x509.load_pem_x509_certificate(document["cer"].encode()), load_key(document["key"])


def _authority_certificate(key: ec.EllipticCurvePrivateKey, start: datetime) -> x509.Certificate:
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, "Sandbox Public CA"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "provision sandbox"),
        ]
    )
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start - timedelta(days=365))
        .not_valid_after(start + timedelta(days=3650))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
        .sign(key, hashes.SHA256())
    )
