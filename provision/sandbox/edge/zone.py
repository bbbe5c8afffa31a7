"""One DNS zone of the store and what its name servers answer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset
from dns.rcode import Rcode
from dns.rdatatype import RdataType

from provision.sandbox.azure import Azure, Json
from provision.sandbox.dns_flavours import Flavour
from provision.sandbox.edge import records


@dataclass(frozen=True, slots=True)
class Reply:
    """What a name server says to one question. `ours` is false for a referral, whose data is another's."""

    rcode: Rcode = Rcode.NOERROR
    answer: list[dns.rrset.RRset] = field(default_factory=list)
    authority: list[dns.rrset.RRset] = field(default_factory=list)
    ours: bool = True


REFUSED = Reply(Rcode.REFUSED, ours=False)

_Node = dict[RdataType, dns.rrset.RRset]


class Zone:
    """A zone document with its record sets; names compare without case."""

    def __init__(self, azure: Azure, flavour: Flavour, document: Json) -> None:
        self.name = dns.name.from_text(document["name"])
        self.document = document
        self._nodes: dict[dns.name.Name, _Node] = {}
        sets = azure.store.list(flavour.record_kind, f"{document['id']}/")
        for record_set in sets:
            kind = record_set["type"].rpartition("/")[2]
            owner = self.name
            if record_set["name"] != "@":
                owner = dns.name.from_text(record_set["name"], self.name)
            properties = record_set["properties"]
            aliased = _aliased(azure, flavour, kind, properties)
            found = records.rrset(owner, kind, properties, flavour, aliased)
            if found is not None:
                self._nodes.setdefault(owner, {})[found.rdtype] = found
        # names that have no records but names below them exist too (RFC 4592, 2.2.2)
        for owner in list(self._nodes):
            for above in _between(owner, self.name):
                self._nodes.setdefault(above, {})

    def answer(self, name: dns.name.Name, kind: RdataType) -> Reply:
        """The authoritative answer for a name at or below the apex, or a referral at a zone cut."""
        for above in reversed([name, *_between(name, self.name)]):
            cut = self._nodes.get(above, {}).get(RdataType.NS)
            asks_parent = above == name and kind == RdataType.DS
            if cut and above != self.name and not asks_parent:
                return Reply(authority=[cut], ours=False)
        node = self._node(name)
        if node is None:
            return Reply(Rcode.NXDOMAIN, authority=[self.authority])
        if kind == RdataType.ANY and node:
            return Reply(answer=[_owned(found, name) for found in node.values()])
        found = node.get(kind) or node.get(RdataType.CNAME)
        return Reply(answer=[_owned(found, name)]) if found else Reply(authority=[self.authority])

    @property
    def authority(self) -> dns.rrset.RRset:
        """The SOA record set, with the TTL of negative answers (RFC 2308, 3)."""
        found = self._nodes[self.name][RdataType.SOA]
        return dns.rrset.from_rdata_list(self.name, min(found.ttl, found[0].minimum), list(found))

    def _node(self, name: dns.name.Name) -> _Node | None:
        """The records of a name: its own, or those of the wildcard at its closest encloser (RFC 4592)."""
        if name in self._nodes:
            return self._nodes[name]
        encloser = next(above for above in [*_between(name, self.name), self.name] if above in self._nodes)
        return self._nodes.get(dns.name.Name((b"*", *encloser.labels)))


def _between(name: dns.name.Name, apex: dns.name.Name) -> Iterator[dns.name.Name]:
    """The names above `name` and below `apex`, the nearest first."""
    while name != apex:
        name = name.parent()
        if name != apex:
            yield name


def _owned(found: dns.rrset.RRset, name: dns.name.Name) -> dns.rrset.RRset:
    """The same records under the name that was asked for, in the asker's casing."""
    return dns.rrset.from_rdata_list(name, found.ttl, list(found))


def _aliased(azure: Azure, flavour: Flavour, kind: str, properties: Json) -> list[Json] | None:
    """The records of the record set that an alias points to; the sandbox has no other targets of aliases."""
    target = (properties.get("targetResource") or {}).get("id")
    if not target:
        return None
    found = azure.store.get(flavour.record_kind, target)
    return records.records_of(kind, found["properties"], flavour) if found else []
