"""Certificates brought from elsewhere: PKCS#12 and PEM files, and the chains of a merge.

Sources: az CLI recording test_keyvault_certificate_import (2020); "Import certificate FAQ", Microsoft Learn
(2026); Azure/azure-cli 19017 and Azure/azure-sdk-for-go 21780 for what is refused and in which words.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    pkcs12,
)

from provision.sandbox.azure import Json
from provision.sandbox.certificate_policy import PEM, PKCS12, UNKNOWN, bad_parameter, lifetime_actions
from provision.sandbox.distinguished_names import format_name
from provision.sandbox.issuance import USAGES, PrivateKey

_CURVES = {"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521", "secp256k1": "P-256K"}
_BLOCK = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----\n.+?\n-----END \1-----", re.DOTALL)
_MISMATCH = (
    "The public key of the end-entity certificate in the specified X.509 certificate content does not match"
    " the public part of the specified private key. Please check if certificate is valid."
)


@dataclass(frozen=True, slots=True)
class Imported:
    """A private key, its certificate and the rest of the chain."""

    key: PrivateKey
    certificate: x509.Certificate
    chain: list[x509.Certificate]


def read(value: str, password: str | None, content_type: str) -> Imported:
    """The content of an import; 400 BadParameter when it cannot be read or does not belong together."""
    found = _read_pem(value) if content_type == PEM else _read_pkcs12(value, password)
    if _public(found.key) != _public(found.certificate):
        raise bad_parameter(_MISMATCH)
    return found


def content_type(policy: Json) -> str:
    """PKCS#12 unless the policy says PEM. A policy with lifetime actions must say which."""
    said = (policy.get("secret_props") or {}).get("contentType")
    if said not in (None, PKCS12, PEM) or (policy.get("lifetime_actions") and not said):
        raise bad_parameter("Property policy has invalid value\r\n")
    return said or PKCS12


def _read_pkcs12(value: str, password: str | None) -> Imported:
    try:
        content = base64.b64decode(value, validate=True)
        key, certificate, chain = pkcs12.load_key_and_certificates(
            content, password.encode() if password else None
        )
    except ValueError as error:
        if "password" in str(error):
            raise bad_parameter("The specified network password is not correct.\r\n") from error
        raise _unreadable("PKCS#12") from error
    if certificate is None or not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise _unreadable("PKCS#12")
    return Imported(key, certificate, chain)


def _read_pem(value: str) -> Imported:
    text = value if value.lstrip().startswith("-----BEGIN") else _decoded(value)
    blocks = [(match[1], match[0]) for match in _BLOCK.finditer(text)]
    if not any(kind == "CERTIFICATE" for kind, _ in blocks):
        raise _malformed()  # lines that end in \r\n are refused too
    keys = [block for kind, block in blocks if kind.endswith("PRIVATE KEY")]
    if not keys:
        raise bad_parameter(
            "Private key is not specified in the specified X.509 PEM certificate content. Please specify"
            " private key in the X.509 PEM certificate content."
        )
    if not keys[0].startswith("-----BEGIN PRIVATE KEY-----"):
        raise _malformed()  # PKCS#1, SEC 1 and encrypted keys are refused
    try:
        key = load_pem_private_key(keys[0].encode(), None)
        certificates = x509.load_pem_x509_certificates(text.encode())
    except ValueError as error:
        raise _malformed() from error
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise _malformed()
    return Imported(key, certificates[0], certificates[1:])


def _decoded(value: str) -> str:
    try:
        return base64.b64decode(value, validate=True).decode()
    except ValueError as error:
        raise bad_parameter(
            "The specified PEM X.509 certificate content can not be read. Please check if certificate is in"
            " valid PEM format. Accepted formats: PEM content or Base64 encoded PEM content."
        ) from error


def _unreadable(form: str) -> Exception:
    return bad_parameter(
        f"The specified {form} X.509 certificate content can not be read. Please check if certificate is in"
        f" valid {form} format."
    )


def _malformed() -> Exception:
    return bad_parameter(
        "The specified PEM X.509 certificate content is in an unexpected format. Please check if certificate"
        " is in valid PEM format."
    )


def read_chain(x5c: list[str], key: PrivateKey) -> tuple[x509.Certificate, list[x509.Certificate]]:
    """The certificate for a pending key and the rest of its chain, from a merge request."""
    try:
        certificates = [_read_certificate(each) for each in x5c]
    except ValueError as error:
        raise bad_parameter("Property x5c has invalid value\r\n") from error
    if not certificates:
        raise bad_parameter("Property x5c has invalid value\r\n")
    own = next((each for each in certificates if _public(each) == _public(key)), None)
    if own is None:
        raise bad_parameter(_MISMATCH)
    return own, [each for each in certificates if each is not own]


def _read_certificate(text: str) -> x509.Certificate:
    """DER in base64; seen too, and accepted: that base64 text encoded once more (2019)."""
    content = base64.b64decode(text)
    if content.startswith(b"-----BEGIN"):
        return x509.load_pem_x509_certificate(content)
    if content.startswith(b"MII"):
        content = base64.b64decode(content.split(b"-----")[0])
    return x509.load_der_x509_certificate(content)


def _public(holder: PrivateKey | x509.Certificate) -> bytes:
    return holder.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def imported_policy(sent: Json, found: Imported, now: int) -> Json:
    """The policy of an imported certificate: what was sent, completed from the certificate itself."""
    issuer = sent.get("issuer") or {}
    issuer = {**issuer, "name": issuer.get("name") or UNKNOWN}
    return {
        "key_props": _key_properties(sent.get("key_props") or {}, found.key),
        "secret_props": {"contentType": content_type(sent)},
        "x509_props": _x509_properties(found.certificate),
        "lifetime_actions": lifetime_actions(sent.get("lifetime_actions"), issuer["name"]),
        "issuer": issuer,
        "attributes": {"enabled": True, "created": now, "updated": now},
    }


def _key_properties(sent: Json, key: PrivateKey) -> Json:
    exportable = sent.get("exportable") is not False
    reuse = bool(sent.get("reuse_key"))
    if isinstance(key, rsa.RSAPrivateKey):
        return {"exportable": exportable, "kty": "RSA", "key_size": key.key_size, "reuse_key": reuse}
    curve = _CURVES.get(key.curve.name)
    if curve is None:
        raise bad_parameter(
            "The specified X.509 certificate content is invalid. Error: Unknown elliptic curve."
        )
    size = key.curve.key_size
    return {"exportable": exportable, "kty": "EC", "key_size": size, "reuse_key": reuse, "crv": curve}


def _x509_properties(certificate: x509.Certificate) -> Json:
    extensions = certificate.extensions
    properties: Json = {"subject": format_name(certificate.subject)}
    sans = _alternative_names(extensions)
    if sans:
        properties["sans"] = sans
    lifetime = certificate.not_valid_after_utc - certificate.not_valid_before_utc
    properties["ekus"] = _usages_of(extensions)
    properties["key_usage"] = _key_usages(extensions)
    properties["validity_months"] = max(1, round(lifetime.days / 30.44))
    properties["basic_constraints"] = {"ca": _is_authority(extensions)}
    return properties


def _alternative_names(extensions: x509.Extensions) -> Json:
    try:
        names = extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return {}
    found: Json = {
        "dns_names": names.get_values_for_type(x509.DNSName),
        "emails": names.get_values_for_type(x509.RFC822Name),
    }
    return {kind: values for kind, values in found.items() if values}


def _usages_of(extensions: x509.Extensions) -> list[str]:
    try:
        usages = extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return []
    return [usage.dotted_string for usage in usages]


def _key_usages(extensions: x509.Extensions) -> list[str]:
    try:
        usage = extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return []
    # the last two may only be asked for when the key can be used for agreement
    readable = [
        name for name in USAGES if usage.key_agreement or name not in ("encipherOnly", "decipherOnly")
    ]
    return sorted(name for name in readable if getattr(usage, USAGES[name]))


def _is_authority(extensions: x509.Extensions) -> bool:
    try:
        return bool(extensions.get_extension_for_class(x509.BasicConstraints).value.ca)
    except x509.ExtensionNotFound:
        return False
