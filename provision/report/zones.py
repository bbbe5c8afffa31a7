"""Zones as BIND zone files, and record sets as YAML for a profile."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import yaml

from provision.plan.zone_contents import Held
from provision.profile.model import Record
from provision.resources.record_value import strings


def zone_text(zone: str, contents: Iterable[Held]) -> tuple[str, list[str]]:
    """The zone file, the zone itself first and then by name, and notes on what it can't hold.

    Aliases and registered machines are comments in it: they would be wrong with another server. The SOA and
    NS records that Azure keeps are in it as in a file of az's, so that it is a whole zone to other programs.
    """
    import dns.name

    origin = dns.name.from_text(zone)
    lines = [f"$ORIGIN {origin.to_text()}"]
    notes: list[str] = []
    sets = [(dns.name.from_text(each.name, origin), each) for each in contents]
    for _, held in sorted(sets, key=lambda pair: (pair[0], pair[1].type != "SOA", pair[1].type)):
        if held.target:
            lines.append(f"; {held.name} {held.ttl} IN {held.type} is an alias of {held.target}")
            notes.append(f"{held.type} {held.name} is an alias: a comment in the file")
        elif held.registered:
            lines += [f"; {line} ; registered by a virtual network" for line in _lines(held)]
            notes.append(f"{held.type} {held.name} is a registered machine: a comment in the file")
        elif not held.values:
            notes.append(f"{held.type} {held.name} has no records that can be read: left out of the file")
        else:
            lines += _lines(held)
    return "\n".join(lines) + "\n", notes


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
        {
            "zone": each.zone,
            "name": each.name,
            "type": each.type,
            "ttl": each.ttl,
            "values": [value.replace("${", "$${") for value in each.values],  # no variables of ours
        }
        for each in records
    ]
    # PyYAML folds U+0085 and its like into line breaks where it may write them as they are.
    readable = all(value.isprintable() for each in records for value in each.values)
    body = {"dns": {"records": plain}}
    return str(
        yaml.safe_dump(body, sort_keys=False, allow_unicode=readable, default_flow_style=None, width=110)
    )
