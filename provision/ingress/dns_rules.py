"""Rules for zones, links and delegations; those for records are in `record_rules`."""

from __future__ import annotations

from collections.abc import Iterator

from provision.errors import Problem
from provision.ingress import record_rules
from provision.ingress.dns_limits import LINKS, REGISTERING_LINKS
from provision.ingress.hosts import zone_of
from provision.ingress.zones import parent_zone
from provision.profile.loaded import LoadedProfile


def _hosts_are_in_zones(loaded: LoadedProfile) -> Iterator[Problem]:
    zones = loaded.profile.dns.zones
    for host in loaded.profile.hosts if zones else ():
        if zone_of(host, zones) is None:
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


def _registration(loaded: LoadedProfile) -> Iterator[Problem]:
    """A network registers its machines in one zone. Source: "What is the autoregistration feature in Azure
    DNS private zones", Microsoft Learn, 2026."""
    seen: dict[str, str] = {}
    for name, zone in loaded.profile.dns.zones.items():
        for index, link in enumerate(zone.links):
            other = seen.setdefault(link.virtual_network.lower(), name) if link.registration else name
            if other != name:
                network = link.virtual_network.rsplit("/", 1)[-1]
                message = f"the network {network} registers its machines in {other} already"
                path = ("dns", "zones", name, "links", index, "registration")
                yield loaded.problem(path, message, "Only one zone of a network can have registration: true.")


def _links_fit(loaded: LoadedProfile) -> Iterator[Problem]:
    for name, zone in loaded.profile.dns.zones.items():
        path = ("dns", "zones", name, "links")
        registering = sum(link.registration for link in zone.links)
        for count, limit in ((len(zone.links), LINKS), (registering, REGISTERING_LINKS)):
            if count > limit.value:
                yield loaded.problem(path, f"{count} {limit.text}; at most {limit.value} are possible")


def _delegations(loaded: LoadedProfile) -> Iterator[Problem]:
    profile = loaded.profile
    for name, zone in profile.dns.zones.items():
        path = ("dns", "zones", name, "delegate")
        if zone.visibility == "private" and zone.delegate is not None:
            message = f"the private zone {name} has no delegation: its links say who resolves it"
            yield loaded.problem(path, message, "Remove delegate.")
            continue
        parent = parent_zone(profile, name)
        if parent is None and zone.delegate:
            message = f"no public zone of the profile is above {name}"
            hint = "Add its parent to dns.zones, or remove delegate and have the name servers entered there."
            yield loaded.problem(path, message, hint)
        elif parent is not None and zone.delegate is not False:
            yield from _delegated_name(loaded, parent, name, demanded=zone.delegate is True)


def _delegated_name(loaded: LoadedProfile, parent: str, name: str, *, demanded: bool) -> Iterator[Problem]:
    """Beside the NS records of a delegation there can be no CNAME, and none of the profile's own."""
    relative = name.removesuffix(f".{parent}")
    for index, record in enumerate(loaded.profile.dns.records):
        path = ("dns", "records", index)
        if (record.zone, record.name.lower()) != (parent, relative):
            continue
        if record.type == "CNAME":
            message = f"{relative} in {parent} can't be a CNAME: the zone {name} is delegated there"
            yield loaded.problem(path, message, "Remove the record, or the zone.")
        elif record.type == "NS" and demanded:
            message = f"delegate: true of zone {name} writes these NS records"
            yield loaded.problem(path, message, "Remove the record, or delegate.")


RULES = (
    _hosts_are_in_zones,
    _links_are_private,
    _registration,
    _links_fit,
    _delegations,
    *record_rules.RULES,
)
