"""What the DNS services refuse: names, values and limits.

Errors are bare `{code, message}`. Source: az CLI recording test_dns (2021) for a zone that is not available,
kubernetes-sigs/external-dns#4855 (2024) for an invalid domain name; limits and name rules from Microsoft
Learn (2026), with texts of ours.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable

from provision.sandbox.azure import Json, Refusal

MAX_TTL = 2**31 - 1
MAX_RECORDS = 20
_MAX_LABELS = 34
_MAX_TEXT = {True: 4096, False: 1024}
"""Octets of all texts of a record set, by whether the zone is public ("DNS zones and records overview" and
"Overview of private DNS records", Microsoft Learn, 2024)."""
_MAX_STRING = 255

_LABEL = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
_RESERVED = (
    "azclient.ms",
    "azure.com",
    "azure.net",
    "azurewebsites.net",
    "cloudapp.net",
    "core.windows.net",
    "microsoft.com",
    "msidentity.com",
    "trafficmanager.net",
    "windows.net",
)
_TAKEN = ("myzone.com",)
"""Refused in the recording: every set of name servers already holds such a zone."""


def bad_request(message: str) -> Refusal:
    return Refusal(400, "BadRequest", message, envelope="bare")


def conflict(message: str) -> Refusal:
    return Refusal(409, "Conflict", message, envelope="bare")


def is_domain(name: str) -> bool:
    """Whether `name` is a host or domain name; one trailing dot is fine."""
    labels = name.removesuffix(".").split(".")
    return len(name) <= 254 and all(_LABEL.fullmatch(label) for label in labels)


def check_zone_name(name: str, *, public: bool) -> None:
    """2 to 34 labels. Reserved names can't be zones; as public zones neither can what is below them."""
    if not is_domain(name) or name.endswith(".") or not 2 <= len(name.split(".")) <= _MAX_LABELS:
        raise bad_request(f"The domain name '{name}' is invalid.")
    lowered = name.lower()
    reserved = lowered in _RESERVED or (public and lowered.endswith(tuple(f".{zone}" for zone in _RESERVED)))
    if reserved or (public and lowered in _TAKEN):
        raise bad_request(f"The zone '{name}' is not available.")


def check_record_name(name: str, zone: str) -> None:
    """`@`, or labels below the zone; `*` only as the whole leftmost label."""
    if name == "@":
        return
    labels = name.split(".")
    rest = labels[1:] if labels[0] == "*" else labels
    if not all(_LABEL.fullmatch(label) for label in rest) or len(f"{name}.{zone}") > 253:
        raise bad_request(f"The domain name '{name}.{zone}' is invalid.")


def check_ttl(ttl: object) -> int:
    """Zero is allowed. Source: Azure/azure-xplat-cli#1777 and hashicorp/terraform-provider-azurerm#23917."""
    if not isinstance(ttl, int) or isinstance(ttl, bool) or not 0 <= ttl <= MAX_TTL:
        raise bad_request(f"The TTL value '{ttl}' is invalid. It must be between 0 and {MAX_TTL}.")
    return ttl


def check_records(kind: str, records: list[Json], *, public: bool) -> None:
    """Refuse a set of records that can't be: too many, twice the same, or with values of the wrong form."""
    if len(records) > MAX_RECORDS:
        raise bad_request(f"The record set has {len(records)} records. The maximum is {MAX_RECORDS}.")
    for record in records:
        for field, valid in _FIELDS[kind].items():
            if field not in record or not valid(record[field]):
                value = record.get(field)
                raise bad_request(f"The value '{value}' of '{field}' in a record of type {kind} is invalid.")
    if kind == "TXT" and sum(_octets(record["value"]) for record in records) > _MAX_TEXT[public]:
        raise bad_request(
            f"The record set of type TXT is too long. The maximum is {_MAX_TEXT[public]} octets."
        )
    spelled = [sorted((key, str(value).lower()) for key, value in record.items()) for record in records]
    if kind != "TXT" and any(spelled.count(one) > 1 for one in spelled):
        raise bad_request(f"The record set of type {kind} has the same record more than once.")


def _address(version: int) -> Callable[[object], bool]:
    def valid(value: object) -> bool:
        try:
            return isinstance(value, str) and ipaddress.ip_address(value).version == version
        except ValueError:
            return False

    return valid


def _number(largest: int) -> Callable[[object], bool]:
    return lambda value: isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= largest


def _domain(value: object) -> bool:
    return isinstance(value, str) and (value == "." or is_domain(value))


def _text(value: object) -> bool:
    return isinstance(value, str) and bool(value)


def _any_text(value: object) -> bool:
    return isinstance(value, str)


def _strings(value: object) -> bool:
    """Texts of at most 255 octets each (RFC 1035), together at least one."""
    if not isinstance(value, list) or not all(isinstance(part, str) for part in value):
        return False
    return all(len(part.encode()) <= _MAX_STRING for part in value) and _octets(value) > 0


def _octets(texts: list[str]) -> int:
    return sum(len(text.encode()) for text in texts)


_FIELDS: dict[str, dict[str, Callable[[object], bool]]] = {
    "A": {"ipv4Address": _address(4)},
    "AAAA": {"ipv6Address": _address(6)},
    "CAA": {"flags": _number(255), "tag": _text, "value": _text},
    "CNAME": {"cname": _domain},
    "DS": {
        "keyTag": _number(65535),
        "algorithm": _number(255),
        "digest": lambda value: isinstance(value, dict),
    },
    "MX": {"preference": _number(65535), "exchange": _domain},
    "NAPTR": {
        "order": _number(65535),
        "preference": _number(65535),
        "flags": _any_text,
        "services": _any_text,
        "regexp": _any_text,
        "replacement": _any_text,
    },
    "NS": {"nsdname": _domain},
    "PTR": {"ptrdname": _domain},
    "SOA": {},
    "SRV": {
        "priority": _number(65535),
        "weight": _number(65535),
        "port": _number(65535),
        "target": _domain,
    },
    "TLSA": {
        "usage": _number(255),
        "selector": _number(255),
        "matchingType": _number(255),
        "certAssociationData": _text,
    },
    "TXT": {"value": _strings},
}
"""The fields of a record of each type and what makes their values valid."""
