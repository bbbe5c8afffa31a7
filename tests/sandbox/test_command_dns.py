"""Zones, records, aliases, delegations and links through the command line."""

from __future__ import annotations

from typing import Any, cast

import pytest
from command_line import Ran
from dns_profile import Profile

from provision.sandbox import dns_records, private_dns, services
from provision.sandbox.azure import SUBSCRIPTION, Azure, Json, Settle
from provision.sandbox.dns_flavours import PUBLIC
from provision.sandbox.edge.names import UNDELEGATED
from provision.sandbox.private_dns_links import LINK

NETWORK = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-dns/providers/Microsoft.Network"
ZONE = f"{NETWORK}/dnszones/contoso.com"
PRIVATE = f"{NETWORK}/privateDnsZones/corp.example"
VIRTUAL_NETWORK = "providers/Microsoft.Network/virtualNetworks"
HUB = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-net/{VIRTUAL_NETWORK}/hub"
PUBLIC_ZONES = "Microsoft.Network/dnsZones"
ASSIGNMENTS = "Microsoft.Authorization/roleAssignments"
DNS_ZONE_CONTRIBUTOR = "befefa01-2a29-4197-83a8-272ff33ce314"
PUBLIC_RECORDS = "Microsoft.Network/dnsZones/recordsets"
PRIVATE_RECORDS = "Microsoft.Network/privateDnsZones/recordsets"

COMMON: dict[str, list[str]] = {
    "A": ["20.1.2.3", "20.1.2.4"],
    "AAAA": ["2603:1020:0::1"],
    "CNAME": ["Status.Example.net."],
    "MX": ["10 mail.example.net", "0020 Mail2.example.net."],
    "PTR": ["host.example.net", "other.example.net."],
    "SRV": ["0 5 5061 sip.example.net", "10 5 5061 sip2.example.net."],
    "TXT": ["v=spf1 -all", "x" * 300 + "ü" * 200],
}
PUBLIC_ONLY: dict[str, list[str]] = {
    "CAA": ['0 issue "digicert.com"', '128 IODEF "mailto:sec@example.net"'],
    "NS": ["ns1.example.net.", "NS2.example.net"],
}


def record(zone: str, type_: str, values: list[str], name: str = "") -> Json:
    return {"zone": zone, "name": name or f"one-{type_.lower()}", "type": type_, "values": values}


def properties(azure: Azure, kind: str, id_: str) -> Json:
    found = azure.store.get(kind, id_)
    assert found is not None
    body: Json = found["properties"]
    return body


@pytest.mark.parametrize("type_", [*COMMON, *PUBLIC_ONLY])
def test_every_type_of_record_in_a_public_zone(profile: Profile, type_: str) -> None:
    values = {**COMMON, **PUBLIC_ONLY}[type_]
    statuses = profile.apply(records=[record("contoso.com", type_, values)])
    address = f"record_set/contoso.com/{type_}/one-{type_.lower()}"
    assert statuses[address] == "created"
    assert profile.in_sync()
    # Another order and another spelling of the same are no change.
    profile.write(records=[record("contoso.com", type_, [*reversed(values)])])
    assert profile.in_sync()
    with profile.provision.azure() as azure:
        written = azure.store.get(PUBLIC_RECORDS, f"{ZONE}/{type_}/one-{type_.lower()}")
        assert written is not None
        written["properties"]["TTL"] = 60
        azure.store.put(PUBLIC_RECORDS, written["id"], written)
    assert profile.run("drift").code == 2
    assert profile.again()[address] == "updated"
    profile.write(records=[])
    assert profile.run("apply", "--yes", "--format", "json").statuses()[address] == "deleted"


@pytest.mark.parametrize("type_", COMMON)
def test_every_type_of_record_in_a_private_zone(profile: Profile, type_: str) -> None:
    zones = {"corp.example": {"resourceGroup": "rg-dns", "visibility": "private"}}
    values = COMMON[type_]
    statuses = profile.apply(zones=zones, records=[record("corp.example", type_, values)])
    assert statuses[f"record_set/corp.example/{type_}/one-{type_.lower()}"] == "created"
    assert profile.in_sync()
    with profile.provision.azure() as azure:
        body = properties(azure, PRIVATE_RECORDS, f"{PRIVATE}/{type_}/one-{type_.lower()}")
    assert body["metadata"]["provision_profile"] == "names"


def test_the_fields_of_an_srv_record(profile: Profile) -> None:
    profile.apply(records=[record("contoso.com", "SRV", ["0 5 5061 sip.example.net"], "_sip._tcp")])
    with profile.provision.azure() as azure:
        body = properties(azure, PUBLIC_RECORDS, f"{ZONE}/SRV/_sip._tcp")
    assert body["SRVRecords"] == [{"priority": 0, "weight": 5, "port": 5061, "target": "sip.example.net"}]


ADDRESS = f"{NETWORK}/publicIPAddresses/front"
SECOND = f"{NETWORK}/publicIPAddresses/second"


def alias(target: str, name: str = "@", type_: str = "A") -> Json:
    return {"zone": "contoso.com", "name": name, "type": type_, "target": target}


def test_an_alias_follows_its_target(profile: Profile) -> None:
    address = "record_set/contoso.com/A/@"
    assert profile.apply(records=[alias(ADDRESS)])[address] == "created"
    assert profile.in_sync()
    profile.write(records=[alias(ADDRESS.upper().replace("/SUBSCRIPTIONS", "/subscriptions"))])
    profile.write(records=[alias(SECOND)])
    assert "target" in profile.run("plan").out
    assert profile.again()[address] == "updated"
    with profile.provision.azure() as azure:
        assert properties(azure, PUBLIC_RECORDS, f"{ZONE}/A/@")["targetResource"] == {"id": SECOND}
    assert profile.in_sync()


def test_an_alias_becomes_a_record_with_values_and_one_again(profile: Profile) -> None:
    address = "record_set/contoso.com/A/@"
    profile.apply(records=[alias(ADDRESS)])
    plain = record("contoso.com", "A", ["20.1.2.3"], "@")
    profile.write(records=[plain])
    (change,) = [each for each in profile.run("plan", "--format", "json").json()["changes"] if each["fields"]]
    assert {each["path"]: each["after"] for each in change["fields"]} == {
        "values": ["20.1.2.3"],
        "target": None,
    }
    assert profile.again()[address] == "updated"
    assert profile.in_sync()
    profile.write(records=[alias(ADDRESS)])
    assert profile.again()[address] == "updated"
    with profile.provision.azure() as azure:
        body = properties(azure, PUBLIC_RECORDS, f"{ZONE}/A/@")
    assert (body["ARecords"], body["targetResource"]) == ([], {"id": ADDRESS})
    assert profile.in_sync()


def test_an_alias_of_another_record_set_comes_after_it(profile: Profile) -> None:
    followed = record("contoso.com", "A", ["20.1.2.3"], "www")
    profile.write(records=[alias(f"{NETWORK}/dnsZones/contoso.com/A/www"), followed])
    changes = [each["resource"] for each in profile.run("plan", "--format", "json").json()["changes"]]
    assert changes.index("record_set/contoso.com/A/www") < changes.index("record_set/contoso.com/A/@")
    profile.again()
    assert profile.in_sync()


ZONES: dict[str, Any] = {
    "contoso.com": {"resourceGroup": "rg-dns"},
    "shop.contoso.com": {"resourceGroup": "rg-shop"},
    "a.b.contoso.com": {"resourceGroup": "rg-shop"},
    "x.shop.contoso.com": {"resourceGroup": "rg-shop"},
}


def servers(azure: Azure, zone: str) -> set[str]:
    path = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-shop/providers/Microsoft.Network/dnszones/{zone}"
    names: list[str] = properties(azure, "Microsoft.Network/dnsZones", path)["nameServers"]
    return {name.rstrip(".") for name in names}


def test_zones_below_others_are_delegated_by_the_nearest(profile: Profile) -> None:
    statuses = profile.apply(zones=ZONES)
    wanted = {
        "record_set/contoso.com/NS/shop": "shop.contoso.com",
        "record_set/contoso.com/NS/a.b": "a.b.contoso.com",
        "record_set/shop.contoso.com/NS/x": "x.shop.contoso.com",
    }
    assert {address for address in statuses if "/NS/" in address} == wanted.keys()
    assert profile.in_sync()
    with profile.provision.azure() as azure:
        body = properties(azure, PUBLIC_RECORDS, f"{ZONE}/NS/shop")
        assert {each["nsdname"] for each in body["NSRecords"]} == servers(azure, "shop.contoso.com")
        assert body["TTL"] == 3600
    gone = {name: zone for name, zone in ZONES.items() if name != "a.b.contoso.com"}
    statuses = profile.apply(zones={**gone})
    assert statuses["record_set/contoso.com/NS/a.b"] == "deleted"
    assert profile.run("destroy", "--yes").code == 0
    with profile.provision.azure() as azure:
        assert azure.store.list("Microsoft.Network/dnsZones") == []


def test_a_delegation_that_lost_a_server_is_repaired_and_its_ttl_is_anyones(profile: Profile) -> None:
    profile.apply(zones=ZONES)
    with profile.provision.azure() as azure:
        written = azure.store.get(PUBLIC_RECORDS, f"{ZONE}/NS/shop")
        assert written is not None
        written["properties"]["TTL"] = 172800
        azure.store.put(PUBLIC_RECORDS, written["id"], written)
    assert profile.in_sync()
    with profile.provision.azure() as azure:
        written["properties"]["NSRecords"].pop()
        azure.store.put(PUBLIC_RECORDS, written["id"], written)
    assert profile.run("drift").code == 2
    assert profile.again()["record_set/contoso.com/NS/shop"] == "updated"
    with profile.provision.azure() as azure:
        body = properties(azure, PUBLIC_RECORDS, f"{ZONE}/NS/shop")
    assert (len(body["NSRecords"]), body["TTL"]) == (4, 172800)


def test_delegations_that_others_keep(profile: Profile) -> None:
    zones = {**ZONES, "shop.contoso.com": {"resourceGroup": "rg-shop", "delegate": False}}
    own = record("contoso.com", "NS", ["ns1.example.net"], "a.b")
    statuses = profile.apply(zones=zones, records=[own])
    assert {address for address in statuses if "/NS/" in address} == {
        "record_set/contoso.com/NS/a.b",
        "record_set/shop.contoso.com/NS/x",
    }
    with profile.provision.azure() as azure:
        body = properties(azure, PUBLIC_RECORDS, f"{ZONE}/NS/a.b")
    assert body["NSRecords"] == [{"nsdname": "ns1.example.net"}]


def private_zone(**says: Any) -> dict[str, Any]:
    return {"corp.example": {"resourceGroup": "rg-dns", "visibility": "private", **says}}


def test_a_link_with_registration(profile: Profile) -> None:
    link = {"virtualNetwork": HUB, "registration": True}
    address = "virtual_network_link/corp.example/hub"
    assert profile.apply(zones=private_zone(links=[link]))[address] == "created"
    assert profile.in_sync()
    assert profile.apply(zones=private_zone(links=[{**link, "registration": False}]))[address] == "updated"
    assert profile.in_sync()
    assert profile.run("destroy", "--yes").code == 0


def registered(azure: Azure) -> Json:
    """What Azure writes when a machine of a linked network starts."""
    machine: Json = {
        "id": f"{PRIVATE}/A/vm-1",
        "name": "vm-1",
        "type": "Microsoft.Network/privateDnsZones/A",
        "etag": azure.guid(),
        "properties": {
            "ttl": 10,
            "aRecords": [{"ipv4Address": "10.0.0.4"}],
            "fqdn": "vm-1.corp.example.",
            "isAutoRegistered": True,
        },
    }
    azure.store.put(PRIVATE_RECORDS, machine["id"], machine)
    return machine


def test_what_a_machine_registered_is_never_touched(profile: Profile) -> None:
    link = {"virtualNetwork": HUB, "registration": True}
    profile.apply(zones=private_zone(links=[link]))
    with profile.provision.azure() as azure:
        machine = registered(azure)
    assert profile.in_sync()
    profile.write(
        zones=private_zone(links=[link]), records=[record("corp.example", "A", ["10.0.0.5"], "vm-1")]
    )
    assert profile.run("plan").code == 1
    ran = profile.run("apply", "--yes", "--adopt", "--format", "json")
    assert (
        "a virtual machine of a linked network registered" in ran.errors()["record_set/corp.example/A/vm-1"]
    )
    assert profile.provision.document(PRIVATE_RECORDS, machine["id"]) == machine
    profile.write(zones=private_zone(links=[link]))
    assert profile.run("destroy", "--yes").code == 0  # it goes with the link


_PUT_ZONE = "private_dns.UpsertPrivateDnsZone"
_SETTLERS = cast("dict[str, Settle]", services.SETTLERS)


def test_a_private_zone_that_somebody_makes_meanwhile(
    profile: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The service answers 202 and says only in the poll that If-None-Match did not hold."""
    profile.write(zones=private_zone())
    settle = _SETTLERS[_PUT_ZONE]

    def late(azure: Azure, operation: Json) -> Json | None:
        private_dns.new_zone(azure, operation["resource"])
        return settle(azure, operation)

    monkeypatch.setitem(_SETTLERS, _PUT_ZONE, late)
    ran = profile.run("apply", "--yes", "--format", "json")
    assert ran.code == 1
    error = ran.errors()["private_dns_zone/corp.example"]
    assert "PreconditionFailed" in error
    assert "run plan again" in error


@pytest.mark.parametrize("made", [False, True])
def test_a_link_that_somebody_writes_meanwhile(
    profile: Profile, monkeypatch: pytest.MonkeyPatch, made: bool
) -> None:
    """If-None-Match and If-Match of a link are answered 202 and fail in the poll; the next apply goes on."""
    link = {"virtualNetwork": HUB, "registration": False}
    address = "virtual_network_link/corp.example/hub"
    profile.apply(zones=private_zone(links=[link] if made else []))
    settle = _SETTLERS["private_dns.UpsertVirtualNetworkLink"]

    def late(azure: Azure, operation: Json) -> Json | None:
        theirs: Json = {
            "id": f"{PRIVATE}/virtualNetworkLinks/hub",
            "name": "hub",
            "type": LINK,
            "etag": '"somebody-elses"',
            "location": "global",
            "tags": {"provision-profile": "names"} if made else {},
            "properties": {"virtualNetwork": {"id": HUB}, "registrationEnabled": not made},
        }
        azure.store.put(LINK, theirs["id"], theirs)
        return settle(azure, operation)

    wanted = private_zone(links=[{**link, "registration": True}])
    with monkeypatch.context() as patch:
        patch.setitem(_SETTLERS, "private_dns.UpsertVirtualNetworkLink", late)
        profile.write(zones=wanted)
        ran = profile.run("apply", "--yes", "--format", "json")
    assert ran.code == 1
    assert "PreconditionFailed" in ran.errors()[address]
    assert "run plan again" in ran.errors()[address]
    assert profile.again()[address] == ("updated" if made else "unchanged")
    assert profile.in_sync()


def test_what_others_wrote_in_a_link_stays(profile: Profile) -> None:
    profile.apply(zones=private_zone(links=[{"virtualNetwork": HUB}]))
    id_ = f"{PRIVATE}/virtualNetworkLinks/hub"
    with profile.provision.azure() as azure:
        link = azure.store.get(LINK, id_)
        assert link is not None
        link["tags"]["team"] = "net"
        link["properties"]["resolutionPolicy"] = "NxDomainRedirect"
        azure.store.put(LINK, id_, link)
    profile.apply(zones=private_zone(links=[{"virtualNetwork": HUB, "registration": True}]))
    written = profile.provision.document(LINK, id_)
    assert written["tags"]["team"] == "net"
    assert written["properties"]["resolutionPolicy"] == "NxDomainRedirect"
    assert written["properties"]["registrationEnabled"] is True


OTHER = "22222222-0000-4000-8000-000000000002"
ELSEWHERE = f"/subscriptions/{OTHER}/resourceGroups"


def test_zones_and_links_in_other_subscriptions(profile: Profile) -> None:
    zones = {
        **private_zone(links=[{"virtualNetwork": f"{ELSEWHERE}/rg-net/{VIRTUAL_NETWORK}/hub"}]),
        "contoso.com": {"resourceGroup": "rg-dns"},
        "shop.contoso.com": {"resourceGroup": "rg-shop", "subscription": OTHER},
        "lab.example": {
            "resourceGroup": "rg-shop",
            "subscription": OTHER,
            "visibility": "private",
            "links": [{"virtualNetwork": HUB}],
        },
    }
    records = [record("shop.contoso.com", "A", ["20.1.2.3"]), record("lab.example", "A", ["10.0.0.1"])]
    statuses = profile.apply(zones=zones, records=records)
    assert statuses["record_set/contoso.com/NS/shop"] == "created"
    assert profile.in_sync()
    with profile.provision.azure() as azure:
        (role,) = azure.store.list(ASSIGNMENTS, f"{ELSEWHERE}/rg-shop/providers/{PUBLIC_ZONES}")
        assert azure.store.get(PUBLIC_ZONES, f"{ELSEWHERE}/rg-shop/providers/{PUBLIC_ZONES}/shop.contoso.com")
    assert role["properties"]["roleDefinitionId"].endswith(DNS_ZONE_CONTRIBUTOR)
    # A zone that is no longer named is found there too, as long as the subscription has something declared.
    del zones["shop.contoso.com"]
    statuses = profile.apply(zones=zones, records=records[1:])
    assert statuses["dns_zone/shop.contoso.com"] == "deleted"
    assert profile.run("destroy", "--yes").code == 0


def test_a_network_that_another_zone_registers(profile: Profile) -> None:
    """Said late, inside the poll of an operation that was accepted; the rest is done."""
    profile.apply()
    with profile.provision.azure() as azure:
        other = f"{NETWORK}/privateDnsZones/other.example"
        private_dns.new_zone(azure, other)
        taken: Json = {
            "id": f"{other}/virtualNetworkLinks/hub",
            "name": "hub",
            "type": "Microsoft.Network/privateDnsZones/virtualNetworkLinks",
            "properties": {"virtualNetwork": {"id": HUB}, "registrationEnabled": True},
        }
        azure.store.put(LINK, taken["id"], taken)
    link = {"virtualNetwork": HUB, "registration": True}
    profile.write(zones=private_zone(links=[link]), records=[record("corp.example", "A", ["10.0.0.1"])])
    ran = profile.run("apply", "--yes", "--format", "json")
    assert ran.code == 1
    error = ran.errors()["virtual_network_link/corp.example/hub"]
    assert "conflicting Private DNS zone is 'other.example'" in error
    assert ran.statuses()["record_set/corp.example/A/one-a"] == "created"


def test_a_zone_with_records_of_others_stays(profile: Profile) -> None:
    profile.apply()
    with profile.provision.azure() as azure:
        zone = azure.store.get(PUBLIC_ZONES, ZONE)
        assert zone is not None
        text = '"heritage=external-dns,external-dns/owner=u,external-dns/resource=httproute/n/shop"'
        for kind, name, body in (
            ("A", "shop", {"TTL": 300, "ARecords": [{"ipv4Address": "20.1.2.3"}]}),
            ("TXT", "a-shop", {"TTL": 300, "TXTRecords": [{"value": [text]}]}),
        ):
            dns_records.new_record_set(azure, PUBLIC, zone, kind, name, body)
    held = "A shop, TXT a-shop (an external-dns controller's)"
    shown = profile.run("destroy")  # without a terminal it only shows
    assert (
        "Note: dns_zone/contoso.com holds 2 record sets of others, and goes only once they are gone:"
        f" {held}\n" in shown.out
    )
    ran = profile.run("destroy", "--yes", "--format", "json")
    error = ran.errors()["dns_zone/contoso.com"]
    assert "2 record sets that are not ours: A shop, TXT a-shop (an external-dns controller's)" in error
    assert ran.code == 1
    with profile.provision.azure() as azure:
        assert len(azure.store.list(PUBLIC_RECORDS)) == 4


def test_a_list_call_a_zone_however_many_records(profile: Profile) -> None:
    """250 record sets and the two of the zone are three pages of 100."""
    profile.apply(records=[record("contoso.com", "A", ["20.1.2.3"], f"n{number}") for number in range(250)])
    plan = profile.run("plan")
    assert plan.code == 0
    assert (
        len(plan.below("/dnsZones/contoso.com/all")) + len(plan.below("/dnsZones/contoso.com/recordsets"))
        == 3
    )
    assert not plan.below("/dnsZones/contoso.com/A/")


def links(ran: Ran) -> dict[str, tuple[str, str]]:
    """Status and detail of each delegation, by zone."""
    return {
        host["host"]: (link["status"], link["detail"])
        for host in ran.json()["hosts"]
        for link in host["links"]
        if link["link"] == "delegation"
    }


def test_verify_looks_at_the_delegation_of_zones_without_hosts(profile: Profile) -> None:
    profile.apply(
        zones={"contoso.com": {"resourceGroup": "rg-dns"}, "shop.contoso.com": ZONES["shop.contoso.com"]}
    )
    ran = profile.run("verify", "--format", "json")
    assert {zone: status for zone, (status, _) in links(ran).items()} == {
        "contoso.com": "ok",
        "shop.contoso.com": "ok",
    }
    with profile.provision.azure() as azure:
        azure.store.delete(PUBLIC_RECORDS, f"{ZONE}/NS/shop")
        azure.store.put(UNDELEGATED, "contoso.com", {})
    ran = profile.run("verify", "--format", "json")
    assert links(ran)["contoso.com"] == ("broken", "the parent names no servers for it")
    assert links(ran)["shop.contoso.com"] == ("broken", "the parent names no servers for it")
    assert ran.code == 2
