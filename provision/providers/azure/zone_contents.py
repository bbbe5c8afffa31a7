"""Everything that a zone holds, ours or not, for a zone file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from provision.errors import NotFoundError
from provision.plan.zone_contents import Held
from provision.providers.azure.clients import Clients
from provision.providers.azure.reading import found
from provision.providers.azure.record_bodies import body_of, present_of, properties_of, type_of
from provision.resources.arm import ArmId

_SOA = ("host", "email", "serialnumber", "refreshtime", "retrytime", "expiretime", "minimumttl")


async def contents(clients: Clients, id_: str, visibility: str) -> list[Held]:
    """The record sets of a zone, in pages of 100. Raises NotFoundError when there is no such zone."""
    zone = ArmId.parse(id_)
    doing = f"reading the records of zone {zone.name}"

    async def listed() -> list[Held]:
        if visibility == "public":
            pages: Any = clients.dns(zone.subscription).record_sets.list_all_by_dns_zone(
                zone.group, zone.name
            )
        else:
            pages = clients.private_dns(zone.subscription).record_sets.list(zone.group, zone.name)
        return [_held(body_of(each)) async for each in pages]

    held = await found(doing, listed())
    if held is None:
        raise NotFoundError(
            doing, f"this zone does not exist ({id_})", "Run provision apply, which makes it."
        )
    return held


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
