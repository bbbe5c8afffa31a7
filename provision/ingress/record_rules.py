"""Rules for the record sets that a profile declares."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterator

from provision.errors import Problem
from provision.ingress import catalog
from provision.ingress.dns_limits import ALIAS_TARGETS, RECORD_SETS
from provision.ingress.hosts import zone_of
from provision.ingress.record_values import FORMS, comparable, is_valid
from provision.ingress.zones import record_id, zone_ids
from provision.profile.loaded import LoadedProfile
from provision.profile.model import Record, Zone
from provision.profile.nodes import Path
from provision.resources.values import CaseInsensitive

_ADDRESSES = frozenset({"A", "AAAA", "CNAME"})
_ALIASES = ("A", "AAAA", "CNAME")
"""Types of alias records. Source: "Azure DNS alias records overview", Microsoft Learn, 2024-11."""


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
            yield from _alias(loaded, index, record, zone)


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
    elif name != "@" and not _fits(name, record.zone):
        message = f"`{record.name}` in {record.zone} is no domain name"
        yield loaded.problem(path, message, "Labels have 1 to 63 characters, all together with the zone 253.")


def _fits(name: str, zone: str) -> bool:
    return all(1 <= len(label) <= 63 for label in name.split(".")) and len(name) + 1 + len(zone) <= 253


def _record_type(loaded: LoadedProfile, index: int, record: Record, zone: Zone) -> Iterator[Problem]:
    path = ("dns", "records", index, "type")
    if zone.visibility == "private" and record.type not in catalog.PRIVATE_ZONE_TYPES:
        message = f"the private zone {record.zone} can't hold {record.type} records"
        yield loaded.problem(path, message, f"It holds {', '.join(sorted(catalog.PRIVATE_ZONE_TYPES))}.")
    host = record.zone if record.name == "@" else f"{record.name.lower()}.{record.zone}"
    if record.type in _ADDRESSES and host in loaded.profile.hosts:
        message = f"the cluster keeps the address records of the host {host}"
        yield loaded.problem(path, message, "Remove the record, or the host.")
    zones = loaded.profile.dns.zones
    for below in loaded.profile.hosts if record.type == "NS" and record.name != "@" else ():
        if zone_of(below, zones) == record.zone and (below == host or below.endswith(f".{host}")):
            message = f"the host {below} is below this delegation: nobody would ask {record.zone} for it"
            yield loaded.problem(path, message, f"Add {host} to dns.zones, or remove the record.")


def _record_values(loaded: LoadedProfile, index: int, record: Record, zone: Zone) -> Iterator[Problem]:
    path = ("dns", "records", index, "values")
    seen: set[str] = set()
    for position, value in enumerate(record.values):
        if not is_valid(record.type, value):
            message = f"`{value}` is not a value of a record of type {record.type}"
            yield loaded.problem((*path, position), message, f"Write {FORMS[record.type][1]}.")
            continue
        same = comparable(record.type, value)
        if same in seen:
            yield loaded.problem((*path, position), f"`{value}` is there twice", "Keep one of the two.")
        seen.add(same)
    if record.type == "CNAME" and len(record.values) > 1:
        yield loaded.problem(path, "a CNAME record has exactly one value", "Keep one.")
    limit = catalog.TXT_PUBLIC if zone.visibility == "public" else catalog.TXT_PRIVATE
    length = sum(len(value.encode()) for value in record.values)
    if record.type == "TXT" and length > limit.value:
        yield loaded.problem(path, f"the values have {length} octets; at most {limit.value} are possible")


def _alias(loaded: LoadedProfile, index: int, record: Record, zone: Zone) -> Iterator[Problem]:
    """Either values, or the target of an alias that the zone and the type allow."""
    path = ("dns", "records", index)
    if record.target is None:
        if not record.values:
            message = f"the record {record.name} has neither values nor a target"
            yield loaded.problem(path, message, f"Write values: {FORMS[record.type][1]}.")
        return
    at = (*path, "target")
    if record.values:
        message = f"the record {record.name} has a target, and so its values come from there"
        yield loaded.problem(at, message, "Remove values, or target.")
    elif zone.visibility == "private":
        message = f"the private zone {record.zone} can't hold alias records"
        yield loaded.problem(at, message, "Write values instead of target.")
    elif record.type not in _ALIASES:
        message = f"a record of type {record.type} can't be an alias"
        yield loaded.problem(at, message, f"Only {', '.join(_ALIASES)} can: write values instead of target.")
    else:
        yield from _alias_target(loaded, at, record)


def _alias_target(loaded: LoadedProfile, path: Path, record: Record) -> Iterator[Problem]:
    target = (record.target or "").lower()
    types = "/".join(target.rpartition("/providers/")[2].split("/")[1::2])
    kind = "/".join((target.rpartition("/providers/")[2].split("/")[0], types))
    zone = zone_ids(loaded.profile)[record.zone]
    if kind.startswith("microsoft.network/dnszones/"):
        if not target.startswith(f"{zone.lower()}/{record.type.lower()}/"):
            message = f"an alias can only follow a record set of type {record.type} in the zone {record.zone}"
            yield loaded.problem(path, message, f"Its id begins {zone}/{record.type}/.")
        return
    able = ALIAS_TARGETS.get(kind)
    if able is None:
        message = f"an alias can't follow a resource of type {kind}"
        hint = "It can follow a public IP address, a Traffic Manager profile, a Front Door or CDN endpoint"
        yield loaded.problem(path, message, f"{hint}, or a record set of the same zone.")
    elif record.type not in able:
        message = f"an alias of type {record.type} can't follow a resource of type {kind}"
        yield loaded.problem(path, message, f"Its type can be {' or '.join(able)}.")


def _alias_circles(loaded: LoadedProfile) -> Iterator[Problem]:
    """An alias must not lead back to itself."""
    profile = loaded.profile
    known = zone_ids(profile)
    aliases = {
        record_id(known, record): (index, CaseInsensitive(record.target))
        for index, record in enumerate(profile.dns.records)
        if record.target and record.zone in known
    }
    for own, (index, target) in aliases.items():
        passed = {own}
        while target in aliases and target not in passed:
            passed.add(target)
            target = aliases[target][1]
        if target == own:
            message = "this alias leads back to itself"
            path = ("dns", "records", index, "target")
            yield loaded.problem(path, message, "Give one of the records values.")


def _sets_fit(loaded: LoadedProfile) -> Iterator[Problem]:
    profile = loaded.profile
    counts = Counter(record.zone for record in profile.dns.records)
    for name, zone in profile.dns.zones.items():
        limit = RECORD_SETS[zone.visibility]
        if counts[name] > limit.value:
            message = f"{counts[name]} {limit.text}; at most {limit.value} are possible"
            yield loaded.problem(("dns", "zones", name), message)


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


RULES = (_records, _records_agree, _alias_circles, _sets_fit)
