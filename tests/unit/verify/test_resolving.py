"""Name servers asked for records and delegations."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import dns.rcode
import pytest

from provision.providers.network import resolving
from provision.providers.network.reach import Reach
from provision.providers.network.resolving import Resolving
from provision.verify.evidence import Records, Unknown

from .servers import NameServer, Zone, name_server

HOST = "shop.contoso.com"


@asynccontextmanager
async def pair(
    zone: Zone, above: Zone | None = None, rcode: int = dns.rcode.NOERROR
) -> AsyncIterator[Resolving]:
    """As in the sandbox: one server that answers for every zone, one for what is above them."""
    async with (
        name_server(NameServer(zone, zone, rcode)) as resolver,
        name_server(NameServer(above or {}, rcode=rcode)) as parent,
    ):
        yield Resolving(Reach(resolver, parent))


REFERRAL = [
    "172800 IN NS NS1-01.azure-dns.com.",
    "172800 IN NS ns2-01.azure-dns.net.",
]
SERVERS = frozenset({"ns1-01.azure-dns.com", "ns2-01.azure-dns.net"})


@pytest.mark.parametrize(
    ("above", "expected"),
    [
        ({("contoso.com.", "REFERRAL"): REFERRAL}, SERVERS),
        ({("contoso.com.", "NS"): REFERRAL}, SERVERS),
        ({("contoso.com.", "SOA"): []}, frozenset()),
        ({("contoso.com.", "CHAIN"): ["com. 300 IN NS a.registry.net."]}, frozenset()),
        ({}, frozenset()),
    ],
)
async def test_delegation(above: Zone, expected: frozenset[str]) -> None:
    async with pair({}, above) as names:
        assert await names.parent_servers("contoso.com") == expected


A = "300 IN A"
RECORDS: dict[str, tuple[Zone, Records | None]] = {
    "none": ({}, None),
    "no address": ({(f"{HOST}.", "TXT"): []}, None),
    "one": ({(f"{HOST}.", "A"): [f"{A} 20.1.1.1"]}, Records(frozenset({"20.1.1.1"}))),
    "several": (
        {
            (f"{HOST}.", "A"): [f"{A} 20.1.1.1", f"{A} 20.1.1.2"],
            (f"{HOST}.", "AAAA"): ["300 IN AAAA 2001:db8::1"],
        },
        Records(frozenset({"20.1.1.1", "20.1.1.2", "2001:db8::1"})),
    ),
    "alias": (
        {(f"{HOST}.", "CHAIN"): [f"{HOST}. 300 IN CNAME x.contoso.com.", f"x.contoso.com. {A} 20.1.1.1"]},
        Records(frozenset({"20.1.1.1"}), ("x.contoso.com",)),
    ),
    "alias to another zone": (
        {(f"{HOST}.", "CHAIN"): [f"{HOST}. 300 IN CNAME y.net."], ("y.net.", "A"): [f"{A} 20.3.3.3"]},
        Records(frozenset({"20.3.3.3"}), ("y.net",)),
    ),
    "alias to nothing": (
        {(f"{HOST}.", "CHAIN"): [f"{HOST}. 300 IN CNAME gone.net."]},
        Records(frozenset(), ("gone.net",)),
    ),
}


@pytest.mark.parametrize("case", RECORDS)
async def test_records(case: str) -> None:
    zone, expected = RECORDS[case]
    async with pair(zone) as names:
        assert await names.records(HOST, SERVERS) == expected


@pytest.mark.parametrize("rcode", [dns.rcode.SERVFAIL, dns.rcode.REFUSED])
async def test_a_refusal_says_nothing_about_the_name(rcode: dns.rcode.Rcode) -> None:
    text = dns.rcode.to_text(rcode)
    async with pair({}, rcode=rcode) as names:
        records, parent = await names.records(HOST, SERVERS), await names.parent_servers("contoso.com")
    assert records == Unknown(f"asking for {HOST}: 127.0.0.1: {text}")
    assert parent == Unknown(f"asking for the delegation of contoso.com: 127.0.0.1: {text}")


FOUND: Zone = {
    ("contoso.com.", "SOA"): ["300 IN SOA ns1. h. 1 1 1 1 1"],
    ("com.", "SOA"): ["300 IN SOA ns1. h. 1 1 1 1 1"],
    (f"{HOST}.", "SOA"): [],
    ("com.", "NS"): ["300 IN NS tld.net.", "300 IN NS dead.net."],
    ("contoso.com.", "NS"): ["300 IN NS zone.net."],
    ("tld.net.", "A"): ["300 IN A 127.0.0.1"],
    ("zone.net.", "A"): ["300 IN A 127.0.0.1"],
}


async def test_the_zones_own_servers_are_found_and_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a resolver only: it leads to the servers, and what it holds of the name itself does not count."""
    own: Zone = {("contoso.com.", "REFERRAL"): REFERRAL, (f"{HOST}.", "A"): ["300 IN A 20.1.1.1"]}
    cached: Zone = {**FOUND, (f"{HOST}.", "A"): ["300 IN A 9.9.9.9"]}
    server = NameServer(own, cached)
    async with name_server(server) as (address, port):
        monkeypatch.setattr(resolving, "_PORT", port)
        names = Resolving(Reach((address, port)))
        assert await names.parent_servers("contoso.com") == SERVERS
        expected = Records(frozenset({"20.1.1.1"}))
        assert await names.records(HOST, frozenset({"zone.net"})) == expected
        assert ("contoso.com.", "SOA") not in server.asked
        assert await names.records(HOST, frozenset()) == expected


async def test_no_server_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    async with name_server(NameServer({}, FOUND)) as resolver:
        names = Resolving(Reach(resolver))
        found = await names.records(HOST, frozenset({"dead.net"}))
    assert found == Unknown(f"asking for {HOST}: no name server was found")
