"""The zones of the store, asked over DNS."""

from __future__ import annotations

import asyncio
import sqlite3
import struct

import dns.asyncresolver
import dns.flags
import dns.message
import dns.opcode
import dns.rcode
import pytest
from dns.rcode import Rcode
from dns.rdatatype import RdataType
from edge_bench import Contents, ask, serving, texts

from provision.sandbox import dns as public_dns
from provision.sandbox.azure import Azure
from provision.sandbox.edge.names import UNDELEGATED
from provision.sandbox.services import SETTLERS

TYPES: dict[str, tuple[dict[str, object], str]] = {
    "A": ({"ipv4Address": "20.1.2.3"}, "20.1.2.3"),
    "AAAA": ({"ipv6Address": "2001:db8::1"}, "2001:db8::1"),
    "CAA": (
        {"flags": 0, "tag": "issue", "value": 'ca.example; policy="ev"'},
        '0 issue "ca.example; policy=\\"ev\\""',
    ),
    "CNAME": ({"cname": "shop.example.net"}, "shop.example.net."),
    "DS": (
        {"keyTag": 5, "algorithm": 13, "digest": {"algorithmType": 2, "value": "AB" * 32}},
        f"5 13 2 {'ab' * 32}",
    ),
    "MX": ({"preference": 10, "exchange": "mail.example.net."}, "10 mail.example.net."),
    "NAPTR": (
        {
            "order": 1,
            "preference": 2,
            "flags": "s",
            "services": "SIP+D2U",
            "regexp": "",
            "replacement": "x.y",
        },
        '1 2 "s" "SIP+D2U" "" x.y.',
    ),
    "PTR": ({"ptrdname": "host.example.net"}, "host.example.net."),
    "SRV": (
        {"priority": 1, "weight": 2, "port": 443, "target": "shop.example.net"},
        "1 2 443 shop.example.net.",
    ),
    "TLSA": (
        {"usage": 3, "selector": 1, "matchingType": 1, "certAssociationData": "CD" * 32},
        f"3 1 1 {'cd' * 32}",
    ),
    "TXT": ({"value": ["heritage=external-dns", 'say "x"; y']}, '"heritage=external-dns" "say \\"x\\"; y"'),
}


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("tcp", [False, True], ids=["udp", "tcp"])
async def test_every_type(contents: Contents, kind: str, tcp: bool) -> None:
    value, text = TYPES[kind]
    contents.record(contents.zone("contoso.com"), kind, "x", value, ttl=77)
    async with serving(contents) as edge:
        answer = await ask(edge.dns, "x.contoso.com", RdataType[kind], tcp=tcp)
    assert texts(answer.answer) == [f"x.contoso.com. 77 IN {kind} {text}"]
    assert answer.flags & dns.flags.AA


async def test_a_resolver_finds_an_address(contents: Contents) -> None:
    contents.address(contents.zone("contoso.com"), "shop", "20.1.2.3")
    async with serving(contents) as edge:
        resolver = dns.asyncresolver.Resolver(configure=False)
        resolver.nameservers, resolver.port = [edge.dns[0]], edge.dns[1]
        found = await resolver.resolve("SHOP.contoso.com", "A")
    assert [record.address for record in found] == ["20.1.2.3"]


async def test_the_apex_has_its_soa_and_name_servers_which_are_here(contents: Contents) -> None:
    zone = contents.zone("contoso.com")
    async with serving(contents) as edge:
        servers = await ask(edge.dns, "contoso.com", RdataType.NS)
        authority = await ask(edge.dns, "contoso.com", RdataType.SOA)
        own = zone["properties"]["nameServers"]
        address = await ask(edge.dns, own[0])
        newer = await ask(edge.dns, own[0], RdataType.AAAA)
    assert texts(servers.answer) == sorted(f"contoso.com. 172800 IN NS {server}" for server in own)
    soa = f"contoso.com. 3600 IN SOA {own[0]} azuredns-hostmaster.microsoft.com. 1 3600 300 2419200 300"
    assert texts(authority.answer) == [soa]
    assert texts(address.answer) == [f"{own[0]} 3600 IN A 127.0.0.1"]
    assert (newer.rcode(), newer.answer, len(newer.authority)) == (Rcode.NOERROR, [], 1)


async def test_no_name_no_data_and_no_zone_are_told_apart(contents: Contents) -> None:
    zone = contents.zone("contoso.com")
    contents.address(zone, "shop", "20.1.2.3")
    contents.address(zone, "a.b", "20.1.2.4")
    contents.record(zone, "A", "empty")
    async with serving(contents) as edge:
        names = ("shop.contoso.com", "none.contoso.com", "b.contoso.com", "empty.contoso.com", "fabrikam.com")
        answers = {name: await ask(edge.dns, name, RdataType.TXT) for name in names}
    assert {name: answer.rcode() for name, answer in answers.items()} == {
        "shop.contoso.com": Rcode.NOERROR,
        "none.contoso.com": Rcode.NXDOMAIN,
        "b.contoso.com": Rcode.NOERROR,  # nothing but names below it
        "empty.contoso.com": Rcode.NXDOMAIN,  # name servers don't show empty record sets
        "fabrikam.com": Rcode.REFUSED,
    }
    for name, answer in answers.items():
        assert answer.answer == []
        sets = [(each.name.to_text(), each.rdtype, each.ttl) for each in answer.authority]
        # the TTL of the SOA is how long "no" may be kept: its minimum
        assert sets == ([] if name == "fabrikam.com" else [("contoso.com.", RdataType.SOA, 300)])
    assert not answers["fabrikam.com"].flags & dns.flags.AA


@pytest.mark.parametrize(
    ("asked", "kind", "answer"),
    [
        # the example of RFC 4592, 2.2.1
        ("host3.example.org", "MX", "10 host1.example.org."),
        ("host3.example.org", "A", None),
        ("foo.bar.example.org", "TXT", '"this is a wildcard"'),
        ("host1.example.org", "MX", Rcode.NOERROR),
        ("sub.*.example.org", "MX", Rcode.NOERROR),
        ("_telnet._tcp.host1.example.org", "SRV", Rcode.NXDOMAIN),
        ("host.subdel.example.org", "A", "referral"),
        ("ghost.*.example.org", "MX", Rcode.NXDOMAIN),
    ],
)
async def test_wildcards(contents: Contents, asked: str, kind: str, answer: str | Rcode | None) -> None:
    zone = contents.zone("example.org")
    contents.record(zone, "TXT", "*", {"value": ["this is a wildcard"]})
    contents.record(zone, "MX", "*", {"preference": 10, "exchange": "host1.example.org"})
    contents.record(zone, "TXT", "sub.*", {"value": ["this is not a wildcard"]})
    contents.address(zone, "host1", "192.0.2.1")
    contents.record(zone, "SRV", "_ssh._tcp.host1", {"priority": 0, "weight": 0, "port": 22, "target": "h"})
    contents.record(zone, "NS", "subdel", {"nsdname": "ns.example.com"})
    async with serving(contents) as edge:
        got = await ask(edge.dns, asked, RdataType[kind])
    if answer == "referral":
        assert texts(got.authority) == ["subdel.example.org. 300 IN NS ns.example.com."]
        assert (got.answer, got.flags & dns.flags.AA) == ([], 0)
    elif isinstance(answer, str):
        assert texts(got.answer) == [f"{asked}. 300 IN {kind} {answer}"]
    else:
        assert (got.rcode(), got.answer) == (answer or Rcode.NOERROR, [])


async def test_an_alias_is_followed_through_our_zones_and_no_further(contents: Contents) -> None:
    contoso, fabrikam = contents.zone("contoso.com"), contents.zone("fabrikam.com")
    contents.record(contoso, "CNAME", "www", {"cname": "shop.fabrikam.com"})
    contents.record(contoso, "CNAME", "gone", {"cname": "none.fabrikam.com"})
    contents.record(contoso, "CNAME", "status", {"cname": "status.example.net"})
    contents.record(contoso, "CNAME", "loop", {"cname": "loop.contoso.com"})
    contents.address(fabrikam, "shop", "20.1.2.3")
    async with serving(contents) as edge:
        found = await ask(edge.dns, "www.contoso.com")
        gone = await ask(edge.dns, "gone.contoso.com")
        outside = await ask(edge.dns, "status.contoso.com")
        itself = await ask(edge.dns, "www.contoso.com", RdataType.CNAME)
        loop = await ask(edge.dns, "loop.contoso.com")
    alias = "www.contoso.com. 300 IN CNAME shop.fabrikam.com."
    assert texts(found.answer) == ["shop.fabrikam.com. 300 IN A 20.1.2.3", alias]
    assert (gone.rcode(), len(gone.answer)) == (Rcode.NXDOMAIN, 1)
    assert (outside.rcode(), len(outside.answer)) == (Rcode.NOERROR, 1)
    assert texts(itself.answer) == [alias]
    assert len(loop.answer) == 1


async def test_an_alias_record_set_has_the_records_of_its_target(contents: Contents) -> None:
    zone = contents.zone("contoso.com")
    contents.address(zone, "shop", "20.1.2.3")
    contents.record(zone, "A", "@", targetResource={"id": f"{zone['id']}/A/shop"})
    contents.record(zone, "A", "x", targetResource={"id": f"{zone['id']}/A/none"})
    async with serving(contents) as edge:
        apex, dangling = await ask(edge.dns, "contoso.com"), await ask(edge.dns, "x.contoso.com")
    assert texts(apex.answer) == ["contoso.com. 300 IN A 20.1.2.3"]
    assert dangling.rcode() == Rcode.NXDOMAIN


async def test_a_private_zone_is_seen_once_it_is_linked(contents: Contents) -> None:
    contents.address(contents.private_zone("corp.contoso.com"), "api", "10.224.1.1")
    contents.address(contents.private_zone("lab.contoso.com", linked=False), "api", "10.224.1.2")
    async with serving(contents) as edge:
        linked = await ask(edge.dns, "api.corp.contoso.com")
        alone = await ask(edge.dns, "api.lab.contoso.com")
        negative = await ask(edge.dns, "none.corp.contoso.com")
        above = await ask(edge.parent_dns, "corp.contoso.com", RdataType.NS)
    assert texts(linked.answer) == ["api.corp.contoso.com. 300 IN A 10.224.1.1"]
    assert (alone.rcode(), negative.rcode()) == (Rcode.REFUSED, Rcode.NXDOMAIN)
    assert negative.authority[0].ttl == 10
    assert above.rcode() == Rcode.REFUSED  # private zones are not delegated


async def test_a_private_zone_hides_names_of_the_public_one_beside_it(contents: Contents) -> None:
    public, private = contents.zone("contoso.com"), contents.private_zone("contoso.com")
    contents.address(public, "shop", "20.1.2.3")
    contents.address(public, "api", "20.1.2.4")
    contents.address(private, "api", "10.224.1.1")
    async with serving(contents) as edge:
        shop, api = await ask(edge.dns, "shop.contoso.com"), await ask(edge.dns, "api.contoso.com")
        none = await ask(edge.dns, "none.contoso.com")
    assert texts(shop.answer) == ["shop.contoso.com. 300 IN A 20.1.2.3"]
    assert texts(api.answer) == ["api.contoso.com. 300 IN A 10.224.1.1"]
    assert none.rcode() == Rcode.NXDOMAIN


async def test_a_registrar_delegates_a_zone_unless_told_otherwise(contents: Contents) -> None:
    servers = contents.zone("contoso.com")["properties"]["nameServers"]
    async with serving(contents) as edge:
        referral = await ask(edge.parent_dns, "contoso.com", RdataType.NS)
        contents.azure.store.put(UNDELEGATED, "contoso.com", {})
        missing = await ask(edge.parent_dns, "contoso.com", RdataType.NS)
        nobodys = await ask(edge.parent_dns, "fabrikam.com", RdataType.NS)
    assert texts(referral.authority) == sorted(f"contoso.com. 172800 IN NS {server}" for server in servers)
    assert (referral.answer, referral.flags & dns.flags.AA) == ([], 0)
    assert missing.rcode() == Rcode.NXDOMAIN
    assert [(each.name.to_text(), each.rdtype) for each in missing.authority] == [("com.", RdataType.SOA)]
    assert nobodys.rcode() == Rcode.REFUSED


async def test_a_child_zone_is_delegated_by_its_parent_and_speaks_for_itself(contents: Contents) -> None:
    parent, child = contents.zone("contoso.com"), contents.zone("eu.contoso.com")
    contents.address(child, "shop", "20.1.2.3")
    own = child["properties"]["nameServers"]
    async with serving(contents) as edge:
        undelegated = await ask(edge.parent_dns, "eu.contoso.com", RdataType.NS)
        contents.record(parent, "NS", "eu", {"nsdname": own[0]}, {"nsdname": "ns.wrong.example"}, ttl=60)
        delegated = await ask(edge.parent_dns, "eu.contoso.com", RdataType.NS)
        child_says = await ask(edge.dns, "eu.contoso.com", RdataType.NS)
        below = await ask(edge.dns, "shop.eu.contoso.com")
        signer = await ask(edge.parent_dns, "eu.contoso.com", RdataType.DS)
    assert undelegated.rcode() == Rcode.NXDOMAIN
    assert undelegated.authority[0].name.to_text() == "contoso.com."
    names = sorted([own[0], "ns.wrong.example."])
    assert texts(delegated.authority) == [f"eu.contoso.com. 60 IN NS {name}" for name in names]
    assert texts(child_says.answer) == sorted(f"eu.contoso.com. 172800 IN NS {server}" for server in own)
    assert texts(below.answer) == ["shop.eu.contoso.com. 300 IN A 20.1.2.3"]
    assert (signer.rcode(), bool(signer.flags & dns.flags.AA)) == (Rcode.NOERROR, True)


async def test_name_servers_are_found_from_above_too(contents: Contents) -> None:
    async with serving(contents) as edge:
        answer = await ask(edge.parent_dns, "ns1-01.azure-dns.com")
    assert texts(answer.answer) == ["ns1-01.azure-dns.com. 3600 IN A 127.0.0.1"]


async def test_everything_that_a_name_has(contents: Contents) -> None:
    zone = contents.zone("contoso.com")
    contents.address(zone, "shop", "20.1.2.3")
    contents.record(zone, "TXT", "shop", {"value": ["x"]})
    async with serving(contents) as edge:
        answer = await ask(edge.dns, "shop.contoso.com", RdataType.ANY)
    assert texts(answer.answer) == ["shop.contoso.com. 300 IN A 20.1.2.3", 'shop.contoso.com. 300 IN TXT "x"']


async def test_a_damaged_state_is_a_failure_of_the_server(contents: Contents) -> None:
    contents.zone("contoso.com")
    async with serving(contents) as edge:
        with sqlite3.connect(contents.state) as database:
            database.execute("DROP TABLE document")
        database.close()
        assert (await ask(edge.dns, "contoso.com")).rcode() == Rcode.SERVFAIL


async def test_a_zone_of_another_group_answers_what_the_first_lacks(contents: Contents) -> None:
    contents.zone("contoso.com", "rg-a")
    contents.address(contents.zone("contoso.com", "rg-b"), "shop", "20.1.2.3")
    async with serving(contents) as edge:
        assert len((await ask(edge.dns, "shop.contoso.com")).answer) == 1


async def test_changes_are_seen_at_once_also_those_that_are_due(contents: Contents) -> None:
    zone = contents.zone("contoso.com")
    azure = Azure(contents.azure.store, contents.azure.clock, SETTLERS)
    async with serving(contents) as edge:
        assert (await ask(edge.dns, "shop.contoso.com")).rcode() == Rcode.NXDOMAIN
        contents.address(zone, "shop", "20.1.2.3")
        assert len((await ask(edge.dns, "shop.contoso.com")).answer) == 1
        azure.start_operation("dns.delete", 0, kind=public_dns.ZONE, resource=zone["id"], if_match="")
        assert (await ask(edge.dns, "shop.contoso.com")).rcode() == Rcode.REFUSED


async def test_what_fits_no_datagram_is_asked_again_over_tcp(contents: Contents) -> None:
    zone = contents.zone("contoso.com")
    contents.record(zone, "TXT", "big", *({"value": [f"{number:03}" + "x" * 200]} for number in range(20)))
    async with serving(contents) as edge:
        short = await ask(edge.dns, "big.contoso.com", RdataType.TXT)
        whole = await ask(edge.dns, "big.contoso.com", RdataType.TXT, tcp=True)
    assert short.flags & dns.flags.TC
    assert not short.answer
    assert len(whole.answer[0]) == 20


async def test_questions_that_are_not_answered(contents: Contents) -> None:
    contents.zone("contoso.com")
    update = dns.message.make_query("contoso.com", "SOA")
    update.set_opcode(dns.opcode.NOTIFY)
    chaos = dns.message.make_query("version.bind", "TXT", "CH")
    transfer = dns.message.make_query("contoso.com", "AXFR")
    none = dns.message.Message(7)
    damaged = struct.pack("!HHHHHH", 8, 0, 1, 0, 0, 0) + b"\x3fabc"
    messages = [update.to_wire(), chaos.to_wire(), transfer.to_wire(), none.to_wire(), damaged]
    async with serving(contents) as edge:
        reader, writer = await asyncio.open_connection(*edge.dns)
        rcodes = []
        for message in messages:
            writer.write(struct.pack("!H", len(message)) + message)
            (length,) = struct.unpack("!H", await reader.readexactly(2))
            rcodes.append(dns.message.from_wire(await reader.readexactly(length)).rcode())
        writer.write(b"\x00\x03abc")  # shorter than a header: nobody to answer
        assert await reader.read() == b""
        writer.close()
    assert rcodes == [Rcode.NOTIMP, Rcode.REFUSED, Rcode.REFUSED, Rcode.FORMERR, Rcode.FORMERR]
