"""Record set documents of the DNS services as records of the DNS."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset
from dns.rdatatype import RdataType
from dns.rdtypes.ANY.TXT import TXT

from provision.sandbox.azure import Json
from provision.sandbox.dns_flavours import Flavour

_IN = dns.rdataclass.IN


def rrset(
    owner: dns.name.Name, kind: str, properties: Json, flavour: Flavour, records: list[Json] | None = None
) -> dns.rrset.RRset | None:
    """The record set as it is answered; None for an empty one, which Azure's name servers don't show.

    `records` stands in for the document's own, for an alias. Source: Microsoft Learn, "Overview of DNS zones
    and records" (2026) for empty record sets.
    """
    values = records_of(kind, properties, flavour) if records is None else records
    if not values:
        return None
    data = [_RDATA[kind](value) for value in values]
    return dns.rrset.from_rdata_list(owner, properties[flavour.ttl], data)


def records_of(kind: str, properties: Json, flavour: Flavour) -> list[Json]:
    """The records of a record set as a list, whether its type holds one or many."""
    value = properties.get(flavour.fields[kind])
    if isinstance(value, dict):
        return [value]
    return value or []


def address(owner: dns.name.Name, value: str, ttl: int) -> dns.rrset.RRset:
    """An A record set of one address."""
    return dns.rrset.from_text(owner, ttl, _IN, RdataType.A, value)


def name_servers(owner: dns.name.Name, servers: list[str], ttl: int) -> dns.rrset.RRset:
    """An NS record set; `servers` are absolute, with or without the last dot."""
    return dns.rrset.from_rdata_list(owner, ttl, [_RDATA["NS"]({"nsdname": server}) for server in servers])


def authority(owner: dns.name.Name, host: str) -> dns.rrset.RRset:
    """The SOA record set of a zone that is not ours to read: a registry's."""
    return dns.rrset.from_text(
        owner, 900, _IN, RdataType.SOA, f"{host} hostmaster.{host} 1 1800 900 604800 900"
    )


def _text(kind: RdataType, *fields: str) -> Callable[[Json], dns.rdata.Rdata]:
    """From the fields in the order of the master file format; names are absolute without their dot, too."""

    def read(record: Json) -> dns.rdata.Rdata:
        text = " ".join(str(record[field]) for field in fields)
        return dns.rdata.from_text(_IN, kind, text, origin=dns.name.root, relativize=False)

    return read


def _txt(record: Json) -> dns.rdata.Rdata:
    return TXT(_IN, RdataType.TXT, [part.encode() for part in record["value"]])


def _caa(record: Json) -> dns.rdata.Rdata:
    return _text(RdataType.CAA, "flags", "tag", "value")({**record, "value": _quoted(record["value"])})


def _ds(record: Json) -> dns.rdata.Rdata:
    digest: Json = record["digest"]
    flat = {**record, "kind": digest["algorithmType"], "value": digest["value"]}
    return _text(RdataType.DS, "keyTag", "algorithm", "kind", "value")(flat)


def _naptr(record: Json) -> dns.rdata.Rdata:
    words = {field: _quoted(record[field]) for field in ("flags", "services", "regexp")}
    fields = ("order", "preference", *words, "replacement")
    return _text(RdataType.NAPTR, *fields)({**record, **words, "replacement": record["replacement"] or "."})


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _soa(record: Json) -> dns.rdata.Rdata:
    minimum = record.get("minimumTTL", record.get("minimumTtl"))  # public and private spell it so
    fields = ("host", "email", "serialNumber", "refreshTime", "retryTime", "expireTime", "minimum")
    return _text(RdataType.SOA, *fields)({**record, "minimum": minimum})


_RDATA: Mapping[str, Callable[[Json], dns.rdata.Rdata]] = {
    "A": _text(RdataType.A, "ipv4Address"),
    "AAAA": _text(RdataType.AAAA, "ipv6Address"),
    "CAA": _caa,
    "CNAME": _text(RdataType.CNAME, "cname"),
    "DS": _ds,
    "MX": _text(RdataType.MX, "preference", "exchange"),
    "NAPTR": _naptr,
    "NS": _text(RdataType.NS, "nsdname"),
    "PTR": _text(RdataType.PTR, "ptrdname"),
    "SOA": _soa,
    "SRV": _text(RdataType.SRV, "priority", "weight", "port", "target"),
    "TLSA": _text(RdataType.TLSA, "usage", "selector", "matchingType", "certAssociationData"),
    "TXT": _txt,
}
