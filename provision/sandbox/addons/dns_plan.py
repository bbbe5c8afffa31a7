"""What external-dns would change in its zones, given what it wants and what is there. Pure.

Source: kubernetes-sigs/external-dns, plan/plan.go, registry/txt and provider/azure (v0.21.0, 2026): policy
sync; one TXT record of ownership a record, named `a-<name>`, with the owner's id in its text. What someone
else owns, or nobody, is never touched. At a zone's apex the TXT record would lie outside the zone and is not
written, so that such a record is made once and never again followed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from provision.sandbox.addons.dns_endpoints import Endpoint

TTL = 300
_WILDCARD = "approutingwildcard"
_TYPES = ("A", "AAAA", "CNAME")


@dataclass(frozen=True, slots=True)
class Record:
    """A record set: whole name, type, values, TTL."""

    name: str
    kind: str
    values: tuple[str, ...]
    ttl: int = TTL


@dataclass(frozen=True, slots=True)
class Plan:
    """Record sets to write and, by (name, type), to remove, in the order in which that is done."""

    removals: tuple[tuple[str, str], ...]
    writes: tuple[Record, ...]


def plan(owner: str, wanted: Iterable[Endpoint], present: Iterable[Record], filters: Sequence[str]) -> Plan:
    """Changes by which the records of `owner` become those that are wanted.

    `filters` are the domains the controller was given (`--domain-filter`): a name counts when it is one of
    them or lies below one, whichever zone that is.
    """
    records = {(each.name, each.kind): each for each in present}
    removals: list[tuple[str, str]] = []
    writes: list[Record] = []
    desired = {each.name: each for each in wanted if within(each.name, filters)}
    for endpoint in desired.values():
        writes += _writes(owner, endpoint, records)
    for name, kind in records:
        unwanted = kind in _TYPES and within(name, filters) and (name not in desired or kind != "A")
        if unwanted and _owner_of(name, kind, records) == owner:
            removals += [(name, kind), (txt_name(name, kind), "TXT")]
    return Plan(tuple(each for each in removals if each in records), tuple(writes))


def within(name: str, filters: Iterable[str]) -> bool:
    """Whether a name is one of the domains or below one."""
    return any(name == domain or name.endswith(f".{domain}") for domain in filters)


def txt_name(name: str, kind: str) -> str:
    """Name of the TXT record that tells the owner of a record."""
    first, dot, rest = name.partition(".")
    return f"{kind.lower()}-{_WILDCARD if first == '*' else first}{dot}{rest}"


def txt_text(owner: str, resource: str) -> str:
    """What that record says, quotes included."""
    return f'"heritage=external-dns,external-dns/owner={owner},external-dns/resource={resource}"'


def zone_of(name: str, zones: Iterable[str]) -> str | None:
    """The zone a name goes into: the longest it ends with."""
    return max((zone for zone in zones if within(name, [zone])), key=len, default=None)


def _writes(owner: str, endpoint: Endpoint, records: Mapping[tuple[str, str], Record]) -> list[Record]:
    taken = [kind for kind in _TYPES if (endpoint.name, kind) in records]
    if any(_owner_of(endpoint.name, kind, records) != owner for kind in taken):
        return []
    address = Record(endpoint.name, "A", tuple(sorted(endpoint.targets)), endpoint.ttl or TTL)
    present = records.get((endpoint.name, "A"))
    if present and sorted(present.values) == list(address.values) and endpoint.ttl in (0, present.ttl):
        return []
    text = txt_text(owner, endpoint.resource)
    return [address, Record(txt_name(endpoint.name, "A"), "TXT", (text,))]


def _owner_of(name: str, kind: str, records: Mapping[tuple[str, str], Record]) -> str:
    told = records.get((txt_name(name, kind), "TXT"))
    labels = dict(
        part.split("=", 1) for part in (told.values[0].strip('"').split(",") if told else ()) if "=" in part
    )
    return labels.get("external-dns/owner", "") if labels.get("heritage") == "external-dns" else ""
