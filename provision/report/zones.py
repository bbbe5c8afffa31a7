"""Zones as BIND zone files, and record sets as YAML for a profile."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import yaml

from provision.plan.zone_contents import Held
from provision.profile.model import Record
from provision.resources.record_value import strings


def zone_text(zone: str, contents: Iterable[Held]) -> tuple[str, list[str]]:
    """The zone file, the zone itself first and then by name, and warnings about what it can't hold.

    What Azure keeps (SOA, the zone's own NS), aliases and registered machines are comments in it: they would
    be wrong with another server.
    """
    import dns.name

    origin = dns.name.from_text(zone)
    lines = [f"$ORIGIN {origin.to_text()}"]
    warnings: list[str] = []
    sets = [(dns.name.from_text(each.name, origin), each) for each in contents]
    for _, held in sorted(sets, key=lambda pair: (pair[0], pair[1].type)):
        if held.target:
            lines.append(f"; {held.name} {held.ttl} IN {held.type} is an alias of {held.target}")
            warnings.append(f"{held.type} {held.name} is an alias: a comment in the file")
        elif held.registered:
            lines += [f"; {line} ; registered by a virtual network" for line in _lines(held)]
            warnings.append(f"{held.type} {held.name} is a registered machine: a comment in the file")
        elif held.type == "SOA" or (held.type == "NS" and held.name == "@"):
            lines += [f"; {line} ; Azure's own" for line in _lines(held)]
        else:
            lines += _lines(held)
    return "\n".join(lines) + "\n", warnings


def _lines(held: Held) -> list[str]:
    return [f"{held.name} {held.ttl} IN {held.type} {text}" for text in sorted(_values(held))]


def _values(held: Held) -> Iterable[str]:
    """The values in dnspython's spelling; host names, which Azure keeps absolute, with their final dot."""
    import dns.name
    import dns.rdata
    from dns.rdataclass import RdataClass
    from dns.rdatatype import RdataType
    from dns.rdtypes.ANY.TXT import TXT

    for value in held.values:
        if held.type == "TXT":
            pieces = [each.encode() for each in strings(value)]
            yield TXT(RdataClass.IN, RdataType.TXT, pieces).to_text()
        else:
            yield dns.rdata.from_text(
                RdataClass.IN, held.type, value, dns.name.root, relativize=False
            ).to_text()


def records_yaml(records: Sequence[Record]) -> str:
    """`dns.records` of a profile."""
    plain: list[dict[str, Any]] = [
        {"zone": each.zone, "name": each.name, "type": each.type, "ttl": each.ttl, "values": [*each.values]}
        for each in records
    ]
    body = {"dns": {"records": plain}}
    return str(yaml.safe_dump(body, sort_keys=False, allow_unicode=True, default_flow_style=None, width=110))
