"""Private zones as Azure has them: their name servers answer inside of linked networks only."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from provision.apply.together import together
from provision.errors import ProvisionError
from provision.providers.azure.clients import Clients
from provision.providers.azure.errors import translating
from provision.providers.azure.reading import found
from provision.resources.arm import ArmId
from provision.resources.dns import PrivateDnsZone
from provision.verify.evidence import Records, Unknown

_LONGEST_CHAIN = 8


async def linked_networks(clients: Clients, zone: PrivateDnsZone) -> tuple[str, ...] | Unknown:
    """Names of the virtual networks that are linked to the zone."""
    arm = ArmId.parse(zone.id)
    try:
        with translating(f"listing the virtual network links of {zone.name}"):
            links = [
                link
                async for link in clients.private_dns(arm.subscription).virtual_network_links.list(
                    arm.group, arm.name
                )
            ]
    except ProvisionError as error:
        return Unknown(str(error))
    networks = [
        link.properties.virtual_network.id or ""
        for link in links
        if link.properties is not None and link.properties.virtual_network is not None
    ]
    return tuple(network.rsplit("/", 1)[-1] for network in networks)


async def records(clients: Clients, host: str, zone: PrivateDnsZone) -> Records | Unknown | None:
    """What the zone's record sets make of a name, aliases within the zone followed."""
    name = host
    aliases: list[str] = []
    try:
        for _ in range(_LONGEST_CHAIN):
            sets = await _sets(clients, name, zone)
            if sets is None:
                break
            alias, addresses = sets
            if alias is None:
                return Records(addresses, tuple(aliases))
            aliases.append(alias)
            if not alias.endswith(f".{zone.name}"):
                return Records(frozenset(), tuple(aliases), outside=True)
            name = alias
    except ProvisionError as error:
        return Unknown(str(error))
    return Records(frozenset(), tuple(aliases)) if aliases else None


async def _sets(
    clients: Clients, name: str, zone: PrivateDnsZone
) -> tuple[str | None, frozenset[str]] | None:
    """The alias or the addresses of a name: its own, or those of the nearest wildcard above it."""
    arm = ArmId.parse(zone.id)
    sets = clients.private_dns(arm.subscription).record_sets
    for relative in _relative(name, zone.name):
        four, six, alias = await together(
            found(f"reading {kind} {relative}.{zone.name}", sets.get(arm.group, arm.name, kind, relative))
            for kind in ("A", "AAAA", "CNAME")
        )
        if alias is not None:
            return _target(alias), frozenset()
        if four is not None or six is not None:
            return None, frozenset(
                (*_values(four, "a_records", "ipv4_address"), *_values(six, "aaaa_records", "ipv6_address"))
            )
    return None


def _relative(name: str, zone: str) -> Iterator[str]:
    """The record names that may stand for a name, the nearest first."""
    relative = name.removesuffix(zone).rstrip(".")
    yield relative or "@"
    labels = relative.split(".") if relative else []
    for number in range(1, len(labels) + 1):
        wildcard = ".".join(("*", *labels[number:]))
        if wildcard != relative:
            yield wildcard


def _values(record_set: Any, records_: str, value: str) -> list[str]:
    held = getattr(record_set.properties, records_) if record_set is not None else None
    return [str(getattr(record, value)) for record in held or ()]


def _target(record_set: Any) -> str | None:
    record = record_set.properties.cname_record
    return str(record.cname).rstrip(".").casefold() if record and record.cname else None
