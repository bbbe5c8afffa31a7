"""What the values of a record of each type look like."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from provision.ingress.addresses import address_of
from provision.resources.record_value import canonical

_TARGET = re.compile(
    r"(?=.{1,254}$)(?:[a-zA-Z0-9_](?:[a-zA-Z0-9_-]{0,61}[a-zA-Z0-9_])?\.)*[a-zA-Z0-9_-]{1,63}\.?"
)
_CAA = re.compile(
    r'(\d{1,3}) (?:issue|issuewild|issuemail|issuevmc|iodef|contactemail|contactphone) "[^"]*"', re.IGNORECASE
)
"""Tags of the registry "Certification Authority Restriction Properties", IANA, 2025."""


def is_valid(record_type: str, text: str) -> bool:
    """Whether a record of a type can have the value."""
    return FORMS[record_type][0](text)


def comparable(record_type: str, text: str) -> str:
    """A valid value so that two spellings of the same are equal, and a key of a set."""
    spelled = canonical(record_type, text)
    return spelled if record_type in ("TXT", "CAA") else spelled.casefold()


def _is_address(version: int) -> Callable[[str], bool]:
    def check(text: str) -> bool:
        address = address_of(text)
        return address is not None and address.version == version and "%" not in text

    return check


def is_target(text: str) -> bool:
    """Whether `text` is a host name, with or without the final dot."""
    return _TARGET.fullmatch(text) is not None and address_of(text) is None


def _is_mx(text: str) -> bool:
    """`0 .` says that a domain takes no mail (RFC 7505)."""
    preference, _, target = text.partition(" ")
    return _is_number(preference) and (is_target(target) or text == "0 .")


def _is_srv(text: str) -> bool:
    """The target `.` says that there is no such service (RFC 2782)."""
    parts = text.split(" ")
    return len(parts) == 4 and all(map(_is_number, parts[:3])) and (is_target(parts[3]) or parts[3] == ".")


def _is_number(text: str) -> bool:
    return re.fullmatch(r"[0-9]{1,5}", text) is not None and int(text) <= 65535


def _is_caa(text: str) -> bool:
    match = _CAA.fullmatch(text)
    return match is not None and int(match[1]) <= 255


FORMS: Mapping[str, tuple[Callable[[str], bool], str]] = {
    "A": (_is_address(4), "an IPv4 address such as 20.50.1.2"),
    "AAAA": (_is_address(6), "an IPv6 address such as 2603:1020::1"),
    "CNAME": (is_target, "a host name such as status.example.net"),
    "NS": (is_target, "a name server such as ns1.example.net"),
    "PTR": (is_target, "a host name such as shop.contoso.com"),
    "MX": (_is_mx, "a preference and a host name, such as 10 mail.contoso.com"),
    "SRV": (_is_srv, "priority, weight, port and a host name, such as 0 5 5061 sip.contoso.com"),
    "CAA": (_is_caa, """flags, a tag and a quoted value, such as '0 issue "digicert.com"'"""),
    "TXT": (bool, "some text"),
}
"""By record type: whether a value is one, and what to write instead."""
