"""Rules for zones, links and records."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from provision.errors import Problem
from provision.ingress import catalog
from provision.profile.loaded import LoadedProfile
from provision.profile.model import Record, Zone

_TARGET = re.compile(
    r"(?=.{1,254}$)(?:[a-zA-Z0-9_](?:[a-zA-Z0-9_-]{0,61}[a-zA-Z0-9_])?\.)*[a-zA-Z0-9_-]{1,63}\.?"
)
_CAA = re.compile(r'(\d{1,3}) (?:issue|issuewild|iodef) "[^"]*"')
_ADDRESSES = frozenset({"A", "AAAA", "CNAME"})


def _zone_of(loaded: LoadedProfile, host: str) -> str | None:
    """The zone that a host's records belong to: the longest that ends its name."""
    zones = [each for each in loaded.profile.dns.zones if host == each or host.endswith(f".{each}")]
    return max(zones, key=len, default=None)


def _hosts_are_in_zones(loaded: LoadedProfile) -> Iterator[Problem]:
    zones = loaded.profile.dns.zones
    for host in loaded.profile.hosts if zones else ():
        if _zone_of(loaded, host) is None:
            message = f"host {host} is in none of the profile's zones ({', '.join(zones)})"
            hint = "Add its zone to dns.zones, or leave dns.zones empty and keep all records elsewhere."
            yield loaded.problem(("hosts", host), message, hint)


def _links_are_private(loaded: LoadedProfile) -> Iterator[Problem]:
    for name, zone in loaded.profile.dns.zones.items():
        path = ("dns", "zones", name, "links")
        if zone.links and zone.visibility == "public":
            message = f"the public zone {name} can't be linked to virtual networks"
            yield loaded.problem(path, message, "Remove links, or write visibility: private.")
        seen: set[str] = set()
        for index, link in enumerate(zone.links):
            network = link.virtual_network.rsplit("/", 1)[-1].lower()
            if "/virtualnetworks/" not in link.virtual_network.lower():
                message = f"`{link.virtual_network}` is not the id of a virtual network"
                hint = "It ends /providers/Microsoft.Network/virtualNetworks/<name>."
                yield loaded.problem((*path, index, "virtualNetwork"), message, hint)
            elif network in seen:
                message = f"zone {name} has two links to networks called {network}: links are named so"
                yield loaded.problem((*path, index), message, "Keep one of the two.")
            seen.add(network)


def _records(loaded: LoadedProfile) -> Iterator[Problem]:
    zones = loaded.profile.dns.zones
    for index, record in enumerate(loaded.profile.dns.records):
        path = ("dns", "records", index)
        zone = zones.get(record.zone)
        if zone is None:
            near = difflib.get_close_matches(record.zone, zones, 1)
            has = f"dns.zones has {', '.join(zones)}." if zones else "dns.zones is empty."
            message = f"there is no zone `{record.zone}` in dns.zones"
            yield loaded.problem((*path, "zone"), message, f"Did you mean `{near[0]}`?" if near else has)
        else:
            yield from _record_name(loaded, index, record)
            yield from _record_type(loaded, index, record, zone)
            yield from _record_values(loaded, index, record, zone)


def _record_name(loaded: LoadedProfile, index: int, record: Record) -> Iterator[Problem]:
    name = record.name.lower()
    path = ("dns", "records", index, "name")
    if name == record.zone or name.endswith(f".{record.zone}"):
        relative = name[: -len(record.zone)].rstrip(".") or "@"
        message = f"`{record.name}` would be {record.name}.{record.zone}: a name is relative to its zone"
        yield loaded.problem(path, message, f'Write "{relative}".')
    elif name == "@" and record.type in ("CNAME", "NS"):
        why = "there are always other records" if record.type == "CNAME" else "Azure keeps the zone's own"
        message = f"a zone itself can't have {record.type} records: {why}"
        yield loaded.problem(path, message, "Give the record another name.")


def _record_type(loaded: LoadedProfile, index: int, record: Record, zone: Zone) -> Iterator[Problem]:
    path = ("dns", "records", index, "type")
    if zone.visibility == "private" and record.type not in catalog.PRIVATE_ZONE_TYPES:
        message = f"the private zone {record.zone} can't hold {record.type} records"
        yield loaded.problem(path, message, f"It holds {', '.join(sorted(catalog.PRIVATE_ZONE_TYPES))}.")
    host = record.zone if record.name == "@" else f"{record.name.lower()}.{record.zone}"
    if record.type in _ADDRESSES and host in loaded.profile.hosts:
        message = f"the cluster keeps the address records of the host {host}"
        yield loaded.problem(path, message, "Remove the record, or the host.")
    for below in loaded.profile.hosts if record.type == "NS" and record.name != "@" else ():
        if _zone_of(loaded, below) == record.zone and (below == host or below.endswith(f".{host}")):
            message = f"the host {below} is below this delegation: nobody would ask {record.zone} for it"
            yield loaded.problem(path, message, f"Add {host} to dns.zones, or remove the record.")


def _record_values(loaded: LoadedProfile, index: int, record: Record, zone: Zone) -> Iterator[Problem]:
    path = ("dns", "records", index, "values")
    is_valid, instead = _VALUES[record.type]
    seen: set[str] = set()
    for position, value in enumerate(record.values):
        same = value if record.type in ("TXT", "CAA") else value.lower().rstrip(".")
        if not is_valid(value):
            message = f"`{value}` is not a value of a record of type {record.type}"
            yield loaded.problem((*path, position), message, f"Write {instead}.")
        elif same in seen:
            yield loaded.problem((*path, position), f"`{value}` is there twice", "Keep one of the two.")
        seen.add(same)
    if record.type == "CNAME" and len(record.values) > 1:
        yield loaded.problem(path, "a CNAME record has exactly one value", "Keep one.")
    limit = catalog.TXT_PUBLIC if zone.visibility == "public" else catalog.TXT_PRIVATE
    length = sum(map(len, record.values))
    if record.type == "TXT" and length > limit.value:
        yield loaded.problem(path, f"the values have {length} characters; at most {limit.value} are possible")


def _records_agree(loaded: LoadedProfile) -> Iterator[Problem]:
    """One record set a name and type, and nothing beside a CNAME (RFC 1034)."""
    types: dict[tuple[str, str], list[str]] = {}
    for index, record in enumerate(loaded.profile.dns.records):
        path = ("dns", "records", index)
        others = types.setdefault((record.zone, record.name.lower()), [])
        if record.type in others:
            message = f"there is already a {record.type} record {record.name} in {record.zone}"
            yield loaded.problem(path, message, "Put all values into one record.")
        elif others and "CNAME" in (record.type, *others):
            message = (
                f"{record.name} in {record.zone} has a CNAME record and others ({others[0]}, {record.type})"
            )
            yield loaded.problem(path, message, "Beside a CNAME there can be no other record of that name.")
        others.append(record.type)


RULES = (_hosts_are_in_zones, _links_are_private, _records, _records_agree)


def warnings(loaded: LoadedProfile) -> Iterator[Problem]:
    """Private addresses that a public zone would publish."""
    profile = loaded.profile
    for index, record in enumerate(profile.dns.records):
        zone = profile.dns.zones[record.zone]
        for position, value in enumerate(record.values if record.type in ("A", "AAAA") else ()):
            address = address_of(value)
            if zone.visibility == "public" and address is not None and is_private(address):
                message = f"the public zone {record.zone} would publish the private address {value}"
                yield loaded.problem(("dns", "records", index, "values", position), message)
    for host in profile.hosts if profile.ingress.load_balancer == "internal" else ():
        name = _zone_of(loaded, host)
        if name is not None and profile.dns.zones[name].visibility == "public":
            message = f"the public zone {name} would publish the internal address of {host}"
            yield loaded.problem(("hosts", host), message)


def address_of(text: str) -> IPv4Address | IPv6Address | None:
    """The IP address that `text` is, if it is one."""
    try:
        return ip_address(text)
    except ValueError:
        return None


def is_private(address: IPv4Address | IPv6Address) -> bool:
    """RFC 1918, RFC 6598 (carrier-grade NAT) and RFC 4193: the ranges of virtual networks."""
    ranges = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")
    return any(address in ip_network(each) for each in ranges)


def _is_address(version: int) -> Callable[[str], bool]:
    def check(text: str) -> bool:
        address = address_of(text)
        return address is not None and address.version == version and "%" not in text

    return check


def _is_target(text: str) -> bool:
    """A host name, with or without the final dot."""
    return _TARGET.fullmatch(text) is not None and address_of(text) is None


def _is_mx(text: str) -> bool:
    preference, _, target = text.partition(" ")
    return (
        re.fullmatch(r"\d{1,5}", preference) is not None and int(preference) <= 65535 and _is_target(target)
    )


def _is_caa(text: str) -> bool:
    match = _CAA.fullmatch(text)
    return match is not None and int(match[1]) <= 255


_VALUES: dict[str, tuple[Callable[[str], bool], str]] = {
    "A": (_is_address(4), "an IPv4 address such as 20.50.1.2"),
    "AAAA": (_is_address(6), "an IPv6 address such as 2603:1020::1"),
    "CNAME": (_is_target, "a host name such as status.example.net"),
    "NS": (_is_target, "a name server such as ns1.example.net"),
    "MX": (_is_mx, "a preference and a host name, such as 10 mail.contoso.com"),
    "CAA": (_is_caa, """flags, a tag and a quoted value, such as '0 issue "digicert.com"'"""),
    "TXT": (lambda text: True, ""),
}
