"""Subject names as Key Vault reads and writes them: `CN=www.contoso.com, O=Contoso, S=WA, C=US`.

The most specific part comes first, as in RFC 4514, but attribute types follow Windows: `S` is the state and
`E` the e-mail address. Source: az CLI recording test_keyvault_certificate_import (2020).
"""

from __future__ import annotations

import re

from cryptography import x509
from cryptography.x509.oid import NameOID, ObjectIdentifier

from provision.sandbox.certificate_policy import bad_parameter

_TYPES: dict[str, ObjectIdentifier] = {
    "CN": NameOID.COMMON_NAME,
    "O": NameOID.ORGANIZATION_NAME,
    "OU": NameOID.ORGANIZATIONAL_UNIT_NAME,
    "L": NameOID.LOCALITY_NAME,
    "S": NameOID.STATE_OR_PROVINCE_NAME,
    "C": NameOID.COUNTRY_NAME,
    "E": NameOID.EMAIL_ADDRESS,
    "DC": NameOID.DOMAIN_COMPONENT,
    "STREET": NameOID.STREET_ADDRESS,
    "T": NameOID.TITLE,
    "G": NameOID.GIVEN_NAME,
    "SN": NameOID.SURNAME,
    "SERIALNUMBER": NameOID.SERIAL_NUMBER,
}
_READ_ALSO = {"ST": NameOID.STATE_OR_PROVINCE_NAME, "EMAIL": NameOID.EMAIL_ADDRESS}
_WRITTEN = {oid: name for name, oid in _TYPES.items()}
_PART = re.compile(r'\s*([A-Za-z]+|[0-9.]+)\s*=\s*("(?:[^"]|"")*"|(?:\\.|[^,;"\\])*)\s*(?:[,;]|$)')


def parse_name(text: str) -> x509.Name:
    """The name in certificate order (least specific first); 400 BadParameter when it cannot be read."""
    attributes: list[x509.NameAttribute[str]] = []
    end = 0
    while end < len(text):
        part = _PART.match(text, end)
        if part is None:
            raise _invalid(text)
        attributes.append(_attribute(part[1], part[2], text))
        end = part.end()
    return x509.Name(reversed(attributes))


def _attribute(kind: str, value: str, text: str) -> x509.NameAttribute[str]:
    oid = (_TYPES | _READ_ALSO).get(kind.upper())
    if value.startswith('"'):
        value = value[1:-1].replace('""', '"')
    else:
        value = re.sub(r"\\(.)", r"\1", value.strip())
    if oid is None or not value:
        raise _invalid(text)
    try:
        return x509.NameAttribute(oid, value)
    except ValueError as error:  # a country that has not two letters, a common name that is too long
        raise _invalid(text) from error


def _invalid(text: str) -> Exception:
    return bad_parameter(f"The specified subject name is not a valid X.500 distinguished name: {text}")


def format_name(name: x509.Name) -> str:
    """The subject as the policy of an imported certificate shows it."""
    return ", ".join(
        f"{_type(attribute)}={_quoted(str(attribute.value))}" for attribute in reversed(list(name))
    )


def _type(attribute: x509.NameAttribute[str | bytes]) -> str:
    return _WRITTEN.get(attribute.oid) or f"OID.{attribute.oid.dotted_string}"


def _quoted(value: str) -> str:
    if re.search(r'[,+="\r\n<>#;]|^\s|\s$', value):
        return '"' + value.replace('"', '""') + '"'
    return value
