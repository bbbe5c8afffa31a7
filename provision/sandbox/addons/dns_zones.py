"""Zones as external-dns meets them in Azure: those of one resource group that it may see.

Source: kubernetes-sigs/external-dns, provider/azure (v0.21.0, 2026): it lists the zones of the group of the
first zone and keeps all that match its domain filters, those below them as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from provision.sandbox import dns_records, rbac
from provision.sandbox.addons.dns_plan import Plan, Record, within, zone_of
from provision.sandbox.addons.workload_identity import AccessError
from provision.sandbox.azure import Azure, Json, Refusal
from provision.sandbox.dns_flavours import PRIVATE, PUBLIC, Flavour
from provision.sandbox.http import Principal

_FIELD = {"A": "ipv4Address", "AAAA": "ipv6Address"}


@dataclass(frozen=True, slots=True)
class Zones:
    """The zones that a controller works with, by name, and as whom."""

    azure: Azure
    flavour: Flavour
    caller: Principal
    by_name: dict[str, Json]

    def records(self) -> list[Record]:
        """Every record set of the types that external-dns reads."""
        return [
            record
            for zone in self.by_name.values()
            for document in self.azure.store.list(self.flavour.record_kind, f"{zone['id']}/")
            if (record := self._record(zone, document))
        ]

    def apply(self, plan: Plan) -> list[str]:
        """Carry a plan out; returns what external-dns logs of the changes that Azure refuses."""
        failures = []
        for name, kind in plan.removals:
            failures += self._change(kind, name, None)
        for record in plan.writes:
            failures += self._change(record.kind, record.name, record)
        return failures

    def _change(self, kind: str, name: str, record: Record | None) -> list[str]:
        found = zone_of(name, self.by_name)
        if found is None:
            return []
        zone = self.by_name[found]
        relative = name[: -len(found)].rstrip(".") or "@"
        verb = "write" if record else "delete"
        refused = self._refusal(f"{self.flavour.kind}/{kind}/{verb}", f"{zone['id']}/{kind}/{relative}")
        if refused:
            what = f"update {kind} record named '{relative}' to '{';'.join(record.values)}'" if record else ""
            what = what or f"delete {kind} record named '{relative}'"
            return [f"Failed to {what} for DNS zone '{found}': {refused}"]
        if record is None:
            self.azure.store.delete(self.flavour.record_kind, f"{zone['id']}/{kind}/{relative}")
        else:
            dns_records.new_record_set(
                self.azure, self.flavour, zone, kind, relative, self._properties(record)
            )
        return []

    def _refusal(self, action: str, scope: str) -> str:
        try:
            rbac.require(self.azure, self.caller, action, scope)
        except Refusal as refusal:
            return told(scope, refusal)
        return ""

    def _properties(self, record: Record) -> Json:
        field = self.flavour.fields[record.kind]
        if record.kind == "TXT":
            values: list[Json] = [{"value": list(record.values)}]
        else:
            values = [{_FIELD[record.kind]: value} for value in record.values]
        return {self.flavour.ttl: record.ttl, field: values}

    def _record(self, zone: Json, document: Json) -> Record | None:
        kind = document["type"].rpartition("/")[2]
        properties = document["properties"]
        content: Any = properties.get(self.flavour.fields[kind]) or []
        if kind == "CNAME":
            values = (content["cname"],) if content else ()
        elif kind == "TXT":
            values = tuple(each["value"][0] for each in content[:1] if each["value"])
        elif kind in _FIELD:
            values = tuple(each[_FIELD[kind]] for each in content)
        else:
            return None
        own = document["name"].lower()
        name = zone["name"].lower() if own == "@" else f"{own}.{zone['name'].lower()}"
        return Record(name, kind, values, properties[self.flavour.ttl]) if values else None


def visible(azure: Azure, caller: Principal, zone_ids: list[str]) -> tuple[Zones, list[str]]:
    """The zones a controller with these ids works with, and what is refused on the way.

    Raises AccessError when the list itself is refused: no right to read any zone of the group. Where none of
    the zones exists that is what is told.
    """
    flavour = flavour_of(zone_ids[0])
    segments = zone_ids[0].split("/")
    group = "/".join(segments[:5])
    filters = [zone_id.rsplit("/", 1)[-1].lower() for zone_id in zone_ids]
    read = f"{flavour.kind}/read"
    listed = azure.store.list(flavour.kind, f"{group}/providers/")
    seen = [zone for zone in listed if rbac.allows(azure, caller.object_id, read, zone["id"])]
    if not seen and any(azure.store.get(flavour.kind, zone_id) for zone_id in zone_ids):
        try:
            rbac.require(azure, caller, read, group)
        except Refusal as refusal:
            raise AccessError(told(f"{group}/providers/{flavour.kind}", refusal)) from refusal
    by_name = {zone["name"].lower(): zone for zone in seen if within(zone["name"].lower(), filters)}
    problems = []
    for zone_id, name in zip(zone_ids, filters, strict=True):
        if name not in by_name:
            problems.append(_absence(azure, flavour, caller, zone_id))
    return Zones(azure, flavour, caller, by_name), problems


def flavour_of(zone_id: str) -> Flavour:
    """Whether a zone is public or private, by its id."""
    return PRIVATE if zone_id.split("/")[-2].lower() == "privatednszones" else PUBLIC


def told(scope: str, refusal: Refusal) -> str:
    """A refusal of ARM as the Go SDK prints it (azcore, 2026)."""
    return (
        f"https://management.azure.com{scope}\nRESPONSE {refusal.status}\nERROR CODE: {refusal.code}\n"
        f"{refusal.message}"
    )


def _absence(azure: Azure, flavour: Flavour, caller: Principal, zone_id: str) -> str:
    """Why a zone is not among the visible ones. external-dns logs only that it found no suitable zone; the
    refusal is told as well, because it is the link that is missing."""
    name = zone_id.rsplit("/", 1)[-1]
    missing = f"Ignoring changes to '{name}' because a suitable Azure DNS zone was not found."
    try:
        rbac.require(azure, caller, f"{flavour.kind}/read", zone_id)
    except Refusal as refusal:
        return f"{missing} {told(zone_id, refusal)}"
    return missing
