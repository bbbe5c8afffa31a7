"""What the sandbox's name servers say: the zones of the store, seen by a resolver and from above.

Two views, each on a port of its own, because on loopback one address stands for every name server:

- `resolved`: what a resolver finds out that reaches every zone, public ones and private ones that are linked
  to some network. A name is answered by the zone with the longest name that holds it; so the NS record set of
  a child zone is the child's own. Where a private zone has the name of a public one, it is asked first, and
  the public one for names that it lacks.
- `from_above`: what the name servers of the public zone *above* the asked name say: the referral of a child
  zone is the parent's NS record set. Above a zone whose parent is nobody's in the sandbox is a registry, and
  its registrar has entered the zone's name servers there, unless a document of kind UNDELEGATED has the
  zone's name as its id: then the registry knows no such name.

Names outside all zones are refused, except those of frontends of Application Gateway for Containers and
Azure's name servers themselves, which are on 127.0.0.1.
"""

from __future__ import annotations

import re
from dataclasses import replace

import dns.exception
import dns.name
from dns.rcode import Rcode
from dns.rdatatype import RdataType

from provision.sandbox.azure import Azure, Json
from provision.sandbox.dns_flavours import PRIVATE, PUBLIC, Flavour
from provision.sandbox.edge import frontends, records
from provision.sandbox.edge.zone import REFUSED, Reply, Zone
from provision.sandbox.private_dns_links import LINK

UNDELEGATED = "edge:undelegated"
_LONGEST_CHAIN = 8
_NAME_SERVER = re.compile(r"ns\d-\d\d\.azure-dns\.(com|net|org|info)\.", re.IGNORECASE)
_DELEGATION_TTL = 172800
_REGISTRY = "a.registry.invalid."


def resolved(azure: Azure, name: dns.name.Name, kind: RdataType) -> Reply:
    """The answer of the zone that holds the name, with aliases followed as far as our zones go."""
    reply = _answered(azure, name, kind)
    chain = [*reply.answer]
    for _ in range(_LONGEST_CHAIN):
        target = _target(reply, kind)
        if target is None:
            break
        reply = _answered(azure, target, kind)
        if not reply.ours:
            return Reply(answer=chain)
        chain += reply.answer
    return replace(reply, answer=chain)


def from_above(azure: Azure, name: dns.name.Name, kind: RdataType) -> Reply:
    """The answer of the zone above the name, a referral where it delegates."""
    server = _name_server(name, kind)
    if server:
        return server
    found = _holding(azure, name, (PUBLIC,))
    for flavour, document in found:
        if _apex(document) != name:
            return Zone(azure, flavour, document).answer(name, kind)
    return _registry(azure, found[0][1]) if found else REFUSED


def addresses(azure: Azure, host: str) -> list[str] | None:
    """The IPv4 addresses of a host name; None when it is in none of our zones."""
    try:
        name = dns.name.from_text(host)
    except dns.exception.DNSException:
        return None
    reply = resolved(azure, name, RdataType.A)
    if reply.rcode == Rcode.REFUSED:
        return None
    found = [records for records in reply.answer if records.rdtype == RdataType.A]
    return [record.to_text() for records in found for record in records]


def _target(reply: Reply, kind: RdataType) -> dns.name.Name | None:
    """Where an alias leads that was answered in place of what was asked for."""
    last = reply.answer[-1] if reply.answer else None
    if last is None or last.rdtype != RdataType.CNAME or kind in (RdataType.CNAME, RdataType.ANY):
        return None
    target: dns.name.Name = last[0].target
    return target


def _answered(azure: Azure, name: dns.name.Name, kind: RdataType) -> Reply:
    server = _name_server(name, kind) or frontends.answer(azure, name, kind)
    if server:
        return server
    found = _holding(azure, name, (PRIVATE, PUBLIC))
    # more than one: a private zone beside the public one, or zones of several resource groups
    replies = (
        Zone(azure, flavour, document).answer(name, kind)
        for flavour, document in found
        if _apex(document) == _apex(found[0][1])
    )
    first = next(replies, REFUSED)
    if first.rcode != Rcode.NXDOMAIN:
        return first
    return next((reply for reply in replies if reply.rcode != Rcode.NXDOMAIN), first)


def _holding(azure: Azure, name: dns.name.Name, flavours: tuple[Flavour, ...]) -> list[tuple[Flavour, Json]]:
    """The zones at or above a name, the one with the longest name first."""
    found = [
        (flavour, document)
        for flavour in flavours
        for document in azure.store.list(flavour.kind)
        if name.is_subdomain(_apex(document)) and (flavour.public or _linked(azure, document))
    ]
    return sorted(found, key=lambda pair: -len(_apex(pair[1])))


def _apex(document: Json) -> dns.name.Name:
    return dns.name.from_text(document["name"])


def _linked(azure: Azure, document: Json) -> bool:
    return bool(azure.store.list(LINK, f"{document['id']}/"))


def _registry(azure: Azure, document: Json) -> Reply:
    apex = _apex(document)
    servers = document["properties"]["nameServers"]
    if azure.store.get(UNDELEGATED, document["name"]) is not None:
        above = apex.parent()
        return Reply(Rcode.NXDOMAIN, authority=[records.authority(above, _REGISTRY)])
    return Reply(authority=[records.name_servers(apex, servers, _DELEGATION_TTL)], ours=False)


def _name_server(name: dns.name.Name, kind: RdataType) -> Reply | None:
    """The answer about one of Azure's name servers; None for any other name."""
    if not _NAME_SERVER.fullmatch(name.to_text()):
        return None
    if kind == RdataType.A:
        return Reply(answer=[records.address(name, "127.0.0.1", 3600)])
    return Reply(authority=[records.authority(name.parent(), name.to_text())])
