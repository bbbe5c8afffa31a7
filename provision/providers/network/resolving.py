"""Asks name servers: those of a zone for its records, those above it for its delegation. Never a cache."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

import dns.asyncquery
import dns.asyncresolver
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rdatatype
import dns.resolver
from dns.rcode import Rcode
from dns.rdatatype import RdataType

from provision.apply.together import together
from provision.providers.network.reach import Endpoint, Reach
from provision.verify.evidence import Records, Unknown, Unreached

_PORT = 53

_SECONDS = 3.0
"""For one server's answer."""

_LIFETIME = 8.0
"""For a look-up by the resolvers of this machine, all tries together."""

_TELLING = (Rcode.NOERROR, Rcode.NXDOMAIN)
_FAILURES = (dns.exception.DNSException, OSError, TimeoutError)


class _NoAnswerError(Exception):
    """No name server gave an answer that says something."""


class Resolving:
    """Looks names up from here. The sandbox's pair of resolvers, where set, is asked directly."""

    def __init__(self, reach: Reach) -> None:
        self._reach = reach

    async def parent_servers(self, zone: str) -> frozenset[str] | Unknown:
        """The name servers that the parent of a zone names for it; none when it does not know the zone."""
        name = dns.name.from_text(zone)
        try:
            above = self._reach.parent_resolver
            servers = [above] if above else await self._endpoints(await self._servers(name.parent()))
            answer = await _ask(name, RdataType.NS, servers)
        except (*_FAILURES, _NoAnswerError) as error:
            return Unknown(f"asking for the delegation of {zone}: {_brief(error)}")
        sets = [
            records
            for records in (*answer.answer, *answer.authority)
            if records.rdtype == RdataType.NS and records.name == name
        ]
        return frozenset(_text(record.target) for records in sets for record in records)

    async def records(self, host: str, servers: frozenset[str]) -> Records | Unknown | None:
        """The addresses of a name by its zone's own `servers`; they are looked for when none are given."""
        name = dns.name.from_text(host)
        try:
            endpoints = await self._authoritative(name, servers)
            four, six = await together(_ask(name, kind, endpoints) for kind in (RdataType.A, RdataType.AAAA))
            found = [_chained(answer) for answer in (four, six)]
            aliases, last, addresses = found[0][0] or found[1][0], found[0][1], {*found[0][2], *found[1][2]}
            if aliases and not addresses:
                addresses = await self._elsewhere(last)
        except (*_FAILURES, _NoAnswerError) as error:
            return Unknown(f"asking for {host}: {_brief(error)}")
        if not addresses and not aliases:
            return None
        return Records(frozenset(addresses), aliases)

    async def address(self, gateway: str) -> str | Unreached | Unknown:
        """An address of a gateway: its own, or one that its name has from here."""
        try:
            return str(ipaddress.ip_address(gateway))
        except ValueError:
            pass
        try:
            found = await self._elsewhere(dns.name.from_text(gateway))
        except _FAILURES as error:
            return Unknown(f"asking for {gateway}: {_brief(error)}")
        return min(found) if found else Unreached(f"{gateway} has no address")

    async def _authoritative(self, name: dns.name.Name, servers: frozenset[str]) -> list[Endpoint]:
        if self._reach.resolver and self._reach.parent_resolver:
            return [self._reach.resolver]
        return await self._endpoints(servers or await self._servers(name))

    async def _servers(self, name: dns.name.Name) -> frozenset[str]:
        """The name servers of the zone that holds a name."""
        resolver = self._resolver()
        zone = await dns.asyncresolver.zone_for_name(name, resolver=resolver, lifetime=_LIFETIME)
        answer = await resolver.resolve(zone, RdataType.NS)
        return frozenset(_text(record.target) for record in answer)

    async def _endpoints(self, servers: Iterable[str]) -> list[Endpoint]:
        """Addresses of name servers."""
        resolver = self._resolver()

        async def addresses(server: str) -> list[str]:
            try:
                return list((await resolver.resolve_name(server)).addresses())
            except _FAILURES:  # the others may do
                return []

        found = await together(addresses(server) for server in sorted(servers))
        return [(address, _PORT) for each in found for address in each]

    async def _elsewhere(self, name: dns.name.Name) -> set[str]:
        """Addresses of a name outside of the zone, where an alias leads; none when it has none."""
        try:
            return set((await self._resolver().resolve_name(name)).addresses())
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return set()

    def _resolver(self) -> dns.asyncresolver.Resolver:
        own = self._reach.resolver
        resolver = dns.asyncresolver.Resolver(configure=own is None)
        if own is not None:
            resolver.nameservers, resolver.port = [own[0]], own[1]
        resolver.lifetime = _LIFETIME
        return resolver


async def _ask(name: dns.name.Name, kind: RdataType, servers: list[Endpoint]) -> dns.message.QueryMessage:
    """The first answer that says whether the name exists. Raises _NoAnswerError."""
    troubles = []
    query = dns.message.make_query(name, kind)
    query.flags &= ~dns.flags.RD  # what the server itself knows
    for address, port in servers:
        try:
            answer, _ = await dns.asyncquery.udp_with_fallback(query, address, timeout=_SECONDS, port=port)
        except _FAILURES as error:
            troubles.append(f"{address}: {_brief(error)}")
            continue
        if isinstance(answer, dns.message.QueryMessage) and answer.rcode() in _TELLING:
            return answer
        troubles.append(f"{address}: {dns.rcode.to_text(answer.rcode())}")
    raise _NoAnswerError("; ".join(troubles) or "no name server was found")


def _chained(answer: dns.message.QueryMessage) -> tuple[tuple[str, ...], dns.name.Name, set[str]]:
    """The aliases passed, the name they end at, and its addresses."""
    chain = answer.resolve_chaining()
    aliases = tuple(_text(record.target) for records in chain.cnames for record in records)
    addresses = {record.address for record in chain.answer} if chain.answer else set()
    return aliases, chain.canonical_name, addresses


def _text(name: dns.name.Name) -> str:
    return name.to_text(omit_final_dot=True).casefold()


def _brief(error: Exception) -> str:
    if isinstance(error, TimeoutError | dns.exception.Timeout):
        return "no answer in time"
    return str(error) or type(error).__name__
