"""What DNS allows and few mean: private addresses in public, split horizon, names that lead nowhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from provision.errors import Problem
from provision.ingress.addresses import address_of, is_private
from provision.ingress.hosts import zone_of
from provision.ingress.zones import parent_zone
from provision.profile.loaded import LoadedProfile
from provision.profile.model import Profile, Record
from provision.profile.nodes import few

_ANSWERED = frozenset({"A", "AAAA", "CNAME"})
_LEADING = frozenset({"CNAME", "MX", "SRV"})


def warnings(loaded: LoadedProfile) -> list[Problem]:
    """What deserves a look. The profile's rules hold."""
    names = _Names.of(loaded.profile)
    checks = (_private_addresses, _gateways, _quotes, _split_zones, _hidden)
    found = [check(loaded) for check in checks]
    found += [_dangling(loaded, names), _wildcards(loaded, names)]
    return [problem for each in found for problem in few([*each])]


@dataclass(frozen=True, slots=True)
class _Names:
    """Every name that the profile gives an answer to: `any_` of any type, `answered` with an address."""

    any_: frozenset[str]
    answered: frozenset[str]

    @classmethod
    def of(cls, profile: Profile) -> _Names:
        records = profile.dns.records
        written = {full_name(record) for record in records}
        answered = {full_name(record) for record in records if record.type in _ANSWERED}
        return cls(frozenset({*written, *profile.hosts}), frozenset({*answered, *profile.hosts}))

    def has(self, name: str) -> bool:
        """Whether the name, or a wildcard for it, is there."""
        labels = name.split(".")
        return name in self.any_ or any(
            f"*.{'.'.join(labels[count:])}" in self.any_ for count in range(1, len(labels))
        )


def full_name(record: Record) -> str:
    """The domain name of a record, in lower case."""
    return record.zone if record.name == "@" else f"{record.name.lower()}.{record.zone}"


def _private_addresses(loaded: LoadedProfile) -> Iterator[Problem]:
    profile = loaded.profile
    for index, record in enumerate(profile.dns.records):
        zone = profile.dns.zones[record.zone]
        for position, value in enumerate(record.values if record.type in ("A", "AAAA") else ()):
            address = address_of(value)
            if zone.visibility == "public" and address is not None and is_private(address):
                message = f"the public zone {record.zone} would publish the private address {value}"
                yield loaded.problem(("dns", "records", index, "values", position), message)


def _gateways(loaded: LoadedProfile) -> Iterator[Problem]:
    """Hosts whose zone and whose gateway are not for the same people."""
    profile = loaded.profile
    for host, declared in profile.hosts.items():
        internal = (declared.load_balancer or profile.ingress.load_balancer) == "internal"
        name = zone_of(host, profile.dns.zones)
        if name is None:
            continue
        private = profile.dns.zones[name].visibility == "private"
        if internal and not private:
            message = f"the public zone {name} would publish the internal address of {host}"
            yield loaded.problem(("hosts", host), message)
        elif private and not internal:
            message = f"host {host} is in the private zone {name}, but its gateway is on the internet"
            hint = "Write loadBalancer: internal if nobody outside is to reach it."
            yield loaded.problem(("hosts", host), message, hint)


def _quotes(loaded: LoadedProfile) -> Iterator[Problem]:
    for index, record in enumerate(loaded.profile.dns.records):
        for position, value in enumerate(record.values if record.type == "TXT" else ()):
            if len(value) > 1 and value[0] == value[-1] == '"':
                message = "the double quotes would be part of the text"
                hint = "A TXT value stands without quotes; long ones are split by themselves."
                yield loaded.problem(("dns", "records", index, "values", position), message, hint)


def _split_zones(loaded: LoadedProfile) -> Iterator[Problem]:
    """Networks that are linked to a private zone ask it for everything below its name.

    Source: "Azure DNS private zones scenarios", Microsoft Learn, 2026: the longest private zone that matches.
    """
    zones = loaded.profile.dns.zones
    private = [name for name, zone in zones.items() if zone.visibility == "private"]
    for name, zone in zones.items():
        above = _longest(name, private) if zone.visibility == "public" else None
        if above is not None:
            message = f"networks linked to the private zone {above} can't see the public zone {name} below it"
            hint = f"What they need of {name} must be in a private zone too."
            yield loaded.problem(("dns", "zones", name), message, hint)
    for index, record in enumerate(loaded.profile.dns.records):
        inside = _longest(full_name(record), private)
        if record.zone not in private and inside is not None and len(inside) > len(record.zone):
            message = (
                f"{full_name(record)} is in the public zone {record.zone}, but networks linked to the private"
                f" zone {inside} ask that one for it"
            )
            yield loaded.problem(("dns", "records", index), message, f"Put it into {inside} too.")


def _hidden(loaded: LoadedProfile) -> Iterator[Problem]:
    """What is at or below a delegated name is asked of the zone below."""
    profile = loaded.profile
    children = [name for name in profile.dns.zones if parent_zone(profile, name) is not None]
    for index, record in enumerate(profile.dns.records):
        below = _longest(full_name(record), children)
        if below is not None and len(below) > len(record.zone) and record.type != "NS":
            message = f"nobody would ask {record.zone} for {full_name(record)}: it is in the zone {below}"
            if profile.dns.zones[record.zone].visibility == "public":
                yield loaded.problem(("dns", "records", index), message, f"Move the record to {below}.")


def _dangling(loaded: LoadedProfile, names: _Names) -> Iterator[Problem]:
    """Targets in a zone that we make, where nothing has the name."""
    zones = {name: zone for name, zone in loaded.profile.dns.zones.items() if zone.create}
    for index, record in enumerate(loaded.profile.dns.records):
        for position, value in enumerate(record.values if record.type in _LEADING else ()):
            target = value.split()[-1].rstrip(".").lower()
            zone = zone_of(target, zones)
            if zone is not None and target != zone and not names.has(target):
                message = f"{full_name(record)} leads to {target}, which the profile does not have in {zone}"
                yield loaded.problem(("dns", "records", index, "values", position), message)


def _wildcards(loaded: LoadedProfile, names: _Names) -> Iterator[Problem]:
    """A wildcard answers for no name that exists, whatever type it has (RFC 4592)."""
    for index, record in enumerate(loaded.profile.dns.records):
        name = full_name(record)
        label, _, rest = name.partition(".")
        wildcard = f"*.{rest}"
        if record.type in _ANSWERED or name in names.answered or label in ("*", "") or label.startswith("_"):
            continue
        if record.name != "@" and record.type != "NS" and wildcard in names.answered:
            message = f"{wildcard} does not answer for {name}, which has only a {record.type} record"
            yield loaded.problem(("dns", "records", index), message, "Give it address records of its own.")


def _longest(name: str, zones: Iterable[str]) -> str | None:
    """The longest of the zones that a name is in or below."""
    return max((zone for zone in zones if name == zone or name.endswith(f".{zone}")), key=len, default=None)
