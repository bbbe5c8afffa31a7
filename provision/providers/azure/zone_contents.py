"""Everything that a zone holds, ours or not: for a zone file, and for what keeps it from being deleted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from provision.errors import NotFoundError
from provision.plan.change import Action
from provision.plan.plan import Plan
from provision.plan.zone_contents import Held
from provision.providers.azure.clients import Clients
from provision.providers.azure.reading import found
from provision.providers.azure.record_bodies import (
    PROFILE_KEY,
    body_of,
    present_of,
    properties_of,
    type_of,
)
from provision.resources.arm import ArmId
from provision.resources.dns import DnsZone, PrivateDnsZone

_SHOWN = 20
"""Of record sets that keep a zone from being deleted."""
_HERITAGE = "heritage=external-dns"
"""How the TXT record that external-dns writes beside each of its own begins."""
_SOA = ("host", "email", "serialnumber", "refreshtime", "retrytime", "expiretime", "minimumttl")


async def contents(clients: Clients, id_: str, visibility: str) -> list[Held]:
    """The record sets of a zone, in pages of 100. Raises NotFoundError when there is no such zone."""
    bodies = await _bodies(clients, id_, visibility)
    if bodies is None:
        raise NotFoundError(
            _doing(id_), f"this zone does not exist ({id_})", "Run provision apply, which makes it."
        )
    return [_held(body) for body in bodies]


async def kept_by_others(clients: Clients, plan: Plan) -> list[str]:
    """A note for each zone that is to go and holds what is neither the profile's nor the zone's own."""
    notes = []
    for change in plan.changes:
        zone = change.resource
        if not isinstance(zone, DnsZone | PrivateDnsZone) or change.action is not Action.DELETE:
            continue
        bodies = await _bodies(clients, zone.id, "public" if isinstance(zone, DnsZone) else "private") or []
        foreign = others([body for body in bodies if _owner(body) != plan.profile])
        if foreign:
            held = f"{zone.address} holds {len(foreign)} record sets of others"
            notes.append(f"{held}, and goes only once they are gone: {listed(foreign)}")
    return notes


def others(bodies: Iterable[Mapping[str, Any]]) -> list[str]:
    """Type and name of each record set that a zone does not have by itself, and whose it is where it says."""
    return sorted(_described(body) for body in bodies if not _belongs_to_zone(body))


def listed(described: Sequence[str]) -> str:
    """The first of them, and how many are left."""
    more = f" and {len(described) - _SHOWN} more" if len(described) > _SHOWN else ""
    return ", ".join(described[:_SHOWN]) + more


async def _bodies(clients: Clients, id_: str, visibility: str) -> list[dict[str, Any]] | None:
    zone = ArmId.parse(id_)

    async def every() -> list[dict[str, Any]]:
        if visibility == "public":
            sets = clients.dns(zone.subscription).record_sets
            pages: Any = sets.list_all_by_dns_zone(zone.group, zone.name)
        else:
            pages = clients.private_dns(zone.subscription).record_sets.list(zone.group, zone.name)
        return [body_of(each) async for each in pages]

    return await found(_doing(id_), every())


def _doing(id_: str) -> str:
    return f"reading the records of zone {ArmId.parse(id_).name}"


def _owner(body: Mapping[str, Any]) -> str | None:
    owner: str | None = (properties_of(body).get("metadata") or {}).get(PROFILE_KEY)
    return owner


def _described(body: Mapping[str, Any]) -> str:
    texts = ["".join(entry["value"]) for entry in properties_of(body).get("txtrecords") or ()]
    if any(text.lstrip('"').startswith(_HERITAGE) for text in texts):
        return f"{type_of(body)} {body['name']} (an external-dns controller's)"
    owner = _owner(body)
    return f"{type_of(body)} {body['name']}" + (f" (profile {owner}'s)" if owner else "")


def _belongs_to_zone(body: Mapping[str, Any]) -> bool:
    """What a zone has by itself, and what machines registered: that goes with the links."""
    if properties_of(body).get("isautoregistered"):
        return True
    return body["name"] == "@" and type_of(body) in ("SOA", "NS")


def _held(body: Mapping[str, Any]) -> Held:
    kind = type_of(body)
    present = present_of(kind, body)
    values = present.properties["values"]
    texts = sorted(map(str, values)) if isinstance(values, frozenset) else []
    if kind == "SOA":
        soa = {name.casefold(): value for name, value in properties_of(body).get("soarecord", {}).items()}
        texts = [" ".join(str(soa.get(each, 0)) for each in _SOA)]
    ttl = present.properties["ttl"]
    return Held(
        name=str(body["name"]),
        type=kind,
        ttl=ttl if isinstance(ttl, int) else 0,
        values=tuple(texts),
        target=str(present.properties.get("target") or ""),
        registered=bool(present.outputs.get("autoRegistered")),
    )
