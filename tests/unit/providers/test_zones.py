"""Zones and virtual network links: made only where nothing is, removed only when nobody uses them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from azure.core import MatchConditions
from azure.mgmt.dns.models import RecordSet as PublicRecordSet
from azure.mgmt.dns.models import TxtRecord, Zone
from azure.mgmt.privatedns.models import PrivateZone
from azure.mgmt.privatedns.models import RecordSet as PrivateRecordSet
from azure.mgmt.privatedns.models import VirtualNetworkLink as LinkModel

from providers.bench import (
    GROUP,
    PREFIX,
    PROFILE,
    SUBSCRIPTION,
    TAGS,
    Bench,
    finished,
    paged,
    raised,
    refusal,
)
from provision.errors import AccessDeniedError, ConflictError
from provision.plan.change import FieldChange
from provision.plan.diff import diff
from provision.providers.azure.zones import DnsZones, PrivateDnsZones, VirtualNetworkLinks
from provision.resources.dns import DnsZone, PrivateDnsZone, VirtualNetworkLink
from provision.resources.observed import Absent, Present, Unread
from provision.resources.values import CaseInsensitive, Value

NETWORK = f"{PREFIX}/Microsoft.Network"
VNET = f"{NETWORK}/virtualNetworks/vnet"
ZONE = DnsZone(name="contoso.com", id=f"{NETWORK}/dnsZones/contoso.com")
PRIVATE = PrivateDnsZone(name="corp.contoso.com", id=f"{NETWORK}/privateDnsZones/corp.contoso.com")
LINK = VirtualNetworkLink(
    name="corp.contoso.com/hub", id=f"{PRIVATE.id}/virtualNetworkLinks/hub", virtual_network=VNET
)
SERVERS = ["ns1-01.azure-dns.com.", "ns2-01.azure-dns.net."]


def zone_model(**tags: str) -> Zone:
    # The recording spells the type `dnszones`. Source: az CLI recording test_dns, 2024.
    made = Zone.deserialize(
        {
            "id": ZONE.id.replace("dnsZones", "dnszones"),
            "name": "contoso.com",
            "type": "Microsoft.Network/dnszones",
            "location": "global",
            "tags": tags,
            "properties": {"nameServers": SERVERS, "zoneType": "Public"},
        }
    )
    assert isinstance(made, Zone)
    return made


def private_model(**tags: str) -> PrivateZone:
    return PrivateZone({"id": PRIVATE.id, "name": PRIVATE.name, "location": "global", "tags": tags or None})


def link_model(
    network: str | None = VNET, *, registration: bool = False, tags: Mapping[str, str] | None = None
) -> LinkModel:
    properties: dict[str, Any] = {"registrationEnabled": registration}
    if network:
        properties["virtualNetwork"] = {"id": network}
    return LinkModel({"id": LINK.id, "location": "global", "tags": tags, "properties": properties})


def public_record(record_type: str, name: str) -> PublicRecordSet:
    made = PublicRecordSet.deserialize({"name": name, "type": f"Microsoft.Network/dnszones/{record_type}"})
    assert isinstance(made, PublicRecordSet)
    return made


def private_record(record_type: str, name: str) -> PrivateRecordSet:
    return PrivateRecordSet({"name": name, "type": f"Microsoft.Network/privateDnsZones/{record_type}"})


async def test_a_public_zone_gives_its_name_servers_and_mark(bench: Bench) -> None:
    bench.public_zones.get.return_value = zone_model(**TAGS)
    reading = await DnsZones(bench.clients).read([ZONE], PROFILE)
    observed = reading.objects[ZONE.address]
    assert observed == Present(
        outputs={"id": CaseInsensitive(ZONE.id), "nameServers": tuple(SERVERS)},
        owner=PROFILE,
        digest=TAGS["provision-digest"],
    )
    bench.clients.dns.assert_called_with(SUBSCRIPTION)
    bench.public_zones.get.assert_awaited_once_with(GROUP, "contoso.com")


async def test_zones_of_others_have_no_owner(bench: Bench) -> None:
    bench.public_zones.get.return_value = zone_model(team="dns")
    bench.private_zones.get.return_value = private_model()
    public = (await DnsZones(bench.clients).read([ZONE], PROFILE)).objects[ZONE.address]
    private = (await PrivateDnsZones(bench.clients).read([PRIVATE], PROFILE)).objects[PRIVATE.address]
    assert isinstance(public, Present)
    assert isinstance(private, Present)
    assert (public.owner, private.owner) == (None, None)


async def test_what_is_not_there_is_absent(bench: Bench) -> None:
    bench.public_zones.get.side_effect = refusal(404, "ResourceNotFound")
    bench.private_zones.get.side_effect = refusal(404, "ResourceNotFound")
    bench.links.get.side_effect = refusal(404, "ParentResourceNotFound")
    assert (await DnsZones(bench.clients).read([ZONE], PROFILE)).objects == {ZONE.address: Absent()}
    private = await PrivateDnsZones(bench.clients).read([PRIVATE], PROFILE)
    assert private.objects == {PRIVATE.address: Absent()}
    links = await VirtualNetworkLinks(bench.clients).read([LINK], PROFILE)
    assert links.objects == {LINK.address: Absent()}


async def test_a_public_zone_is_made_only_where_none_is(bench: Bench) -> None:
    bench.public_zones.create_or_update.return_value = zone_model(**TAGS)
    made = await DnsZones(bench.clients).create(ZONE, bench.work())
    call = bench.public_zones.create_or_update.await_args
    assert call.args[:2] == (GROUP, "contoso.com")
    assert call.args[2].serialize() == {
        "location": "global",
        "tags": TAGS,
        "properties": {"zoneType": "Public"},
    }
    assert call.kwargs == {"if_none_match": "*"}
    assert made.outputs["nameServers"] == tuple(SERVERS)


async def test_a_private_zone_is_made_only_where_none_is(bench: Bench) -> None:
    bench.private_zones.begin_create_or_update.return_value = finished(private_model(**TAGS))
    made = await PrivateDnsZones(bench.clients).create(PRIVATE, bench.work())
    call = bench.private_zones.begin_create_or_update.await_args
    assert call.args[:2] == (GROUP, "corp.contoso.com")
    assert call.args[2].as_dict() == {"location": "global", "tags": TAGS}
    assert call.kwargs == {"match_condition": MatchConditions.IfMissing}
    assert made.owner == PROFILE


async def test_a_zone_made_by_another_meanwhile_is_a_conflict(bench: Bench) -> None:
    """Private DNS accepts the request and tells of the failed precondition in the poll.

    Source: az CLI recording test_PutZone_ZoneExistsIfNoneMatchFailure_ExpectError.
    """
    late = raised(200, '{"error":{"code":"PreconditionFailed","message":"It exists."},"status":"Failed"}')
    bench.private_zones.begin_create_or_update.return_value = finished(late)
    bench.public_zones.create_or_update.side_effect = refusal(412, "PreconditionFailed", bare=True)
    with pytest.raises(ConflictError, match=r"^creating private_dns_zone/corp\.contoso\.com: .*It exists"):
        await PrivateDnsZones(bench.clients).create(PRIVATE, bench.work())
    with pytest.raises(ConflictError, match=r"^creating dns_zone/contoso\.com: PreconditionFailed"):
        await DnsZones(bench.clients).create(ZONE, bench.work())


async def test_an_empty_zone_is_deleted_and_waited_for(bench: Bench) -> None:
    bench.public_records.list_all_by_dns_zone.return_value = paged(
        public_record("SOA", "@"), public_record("NS", "@")
    )
    bench.private_records.list.return_value = paged(private_record("SOA", "@"))
    bench.public_zones.begin_delete.return_value = public = finished()
    bench.private_zones.begin_delete.return_value = private = finished()
    await DnsZones(bench.clients).delete(ZONE, Present(), bench.work())
    await PrivateDnsZones(bench.clients).delete(PRIVATE, Present(), bench.work())
    bench.public_zones.begin_delete.assert_awaited_once_with(GROUP, "contoso.com")
    bench.private_zones.begin_delete.assert_awaited_once_with(GROUP, "corp.contoso.com")
    public.result.assert_awaited_once_with()
    private.result.assert_awaited_once_with()


async def test_a_zone_with_records_of_others_is_kept(bench: Bench) -> None:
    names = [f"n{number:02}" for number in range(22)]
    bench.public_records.list_all_by_dns_zone.return_value = paged(
        public_record("SOA", "@"), *(public_record("A", name) for name in names)
    )
    with pytest.raises(ConflictError) as caught:
        await DnsZones(bench.clients).delete(ZONE, Present(), bench.work())
    assert "holds 22 record sets that are not ours: A n00, A n01, A n02," in caught.value.why
    assert caught.value.why.endswith("A n19 and 2 more")
    bench.public_zones.begin_delete.assert_not_awaited()


@pytest.mark.parametrize(("record_type", "name"), [("A", "@"), ("NS", "child"), ("TXT", "www")])
async def test_only_soa_and_ns_of_the_apex_belong_to_the_zone(
    bench: Bench, record_type: str, name: str
) -> None:
    bench.private_records.list.return_value = paged(
        private_record("SOA", "@"), private_record(record_type, name)
    )
    with pytest.raises(ConflictError, match=f"^deleting .*: {record_type} {name}\n"):
        await PrivateDnsZones(bench.clients).delete(PRIVATE, Present(), bench.work())
    bench.private_zones.begin_delete.assert_not_awaited()


async def test_whose_a_record_set_is_that_keeps_a_zone(bench: Bench) -> None:
    told = public_record("TXT", "a-shop")
    told.txt_records = [TxtRecord(value=['"heritage=external-dns,', 'external-dns/owner=u"'])]
    theirs = public_record("A", "api")
    theirs.metadata = {"provision_profile": "other"}
    bench.public_records.list_all_by_dns_zone.return_value = paged(told, theirs)
    with pytest.raises(ConflictError) as caught:
        await DnsZones(bench.clients).delete(ZONE, Present(), bench.work())
    assert caught.value.why.endswith(
        "not ours: A api (profile other's), TXT a-shop (an external-dns controller's)"
    )


async def test_what_machines_registered_keeps_no_zone(bench: Bench) -> None:
    machine = PrivateRecordSet(
        {
            "name": "vm",
            "type": "Microsoft.Network/privateDnsZones/A",
            "properties": {"isAutoRegistered": True},
        }
    )
    bench.private_records.list.return_value = paged(machine)
    bench.private_zones.begin_delete.return_value = finished()
    await PrivateDnsZones(bench.clients).delete(PRIVATE, Present(), bench.work())
    bench.private_zones.begin_delete.assert_awaited_once_with(GROUP, "corp.contoso.com")


async def test_zones_have_nothing_to_update(bench: Bench) -> None:
    with pytest.raises(ConflictError, match="no property"):
        await DnsZones(bench.clients).update(ZONE, Present(), [], bench.work())
    with pytest.raises(ConflictError, match="no property"):
        await PrivateDnsZones(bench.clients).update(PRIVATE, Present(), [], bench.work())


async def test_a_link_is_compared_without_case(bench: Bench) -> None:
    bench.links.get.return_value = link_model(VNET.lower(), tags=TAGS)
    observed = (await VirtualNetworkLinks(bench.clients).read([LINK], PROFILE)).objects[LINK.address]
    assert isinstance(observed, Present)
    assert diff(LINK.properties(), observed.properties) == ()
    assert observed.owner == PROFILE
    bench.links.get.assert_awaited_once_with(GROUP, "corp.contoso.com", "hub")


async def test_a_link_to_another_network_differs(bench: Bench) -> None:
    bench.links.get.return_value = link_model(None, registration=True)
    observed = (await VirtualNetworkLinks(bench.clients).read([LINK], PROFILE)).objects[LINK.address]
    assert isinstance(observed, Present)
    assert [change.path for change in diff(LINK.properties(), observed.properties)] == [
        "virtualNetwork",
        "registrationEnabled",
    ]


@pytest.mark.parametrize("exists", [False, True])
async def test_a_link_is_written_whole(bench: Bench, exists: bool) -> None:
    bench.links.begin_create_or_update.return_value = finished(link_model(registration=True, tags=TAGS))
    wanted = VirtualNetworkLink(name=LINK.name, id=LINK.id, virtual_network=VNET, registration=True)
    handler = VirtualNetworkLinks(bench.clients)
    if exists:
        fields = [FieldChange("registrationEnabled", False, True)]
        seen: dict[str, Value] = {
            "etag": '"e"',
            "tags": {"team": "net"},
            "resolutionPolicy": "NxDomainRedirect",
        }
        written = await handler.update(wanted, Present({}, seen), fields, bench.work())
    else:
        written = await handler.create(wanted, bench.work())
    call = bench.links.begin_create_or_update.await_args
    assert call.args[:3] == (GROUP, "corp.contoso.com", "hub")
    assert call.args[3].as_dict() == {
        "location": "global",
        "tags": {**TAGS, "team": "net"} if exists else TAGS,
        "properties": {
            "virtualNetwork": {"id": VNET},
            "registrationEnabled": True,
            **({"resolutionPolicy": "NxDomainRedirect"} if exists else {}),
        },
    }
    condition = MatchConditions.IfNotModified if exists else MatchConditions.IfMissing
    assert call.kwargs == {"etag": '"e"' if exists else None, "match_condition": condition}
    assert diff(wanted.properties(), written.properties) == ()


async def test_a_link_is_deleted_and_waited_for(bench: Bench) -> None:
    bench.links.begin_delete.return_value = poller = finished()
    await VirtualNetworkLinks(bench.clients).delete(LINK, Present(), bench.work())
    bench.links.begin_delete.assert_awaited_once_with(GROUP, "corp.contoso.com", "hub")
    poller.result.assert_awaited_once_with()


async def test_a_refusal_says_what_was_being_done(bench: Bench) -> None:
    forbidden = refusal(403, "AuthorizationFailed")
    bench.public_records.list_all_by_dns_zone.return_value = paged(forbidden)
    bench.private_records.list.return_value = paged(forbidden)
    bench.links.get.side_effect = bench.links.begin_delete.side_effect = forbidden
    with pytest.raises(AccessDeniedError, match=r"^deleting dns_zone/contoso\.com: "):
        await DnsZones(bench.clients).delete(ZONE, Present(), bench.work())
    with pytest.raises(AccessDeniedError, match=r"^deleting private_dns_zone/corp\.contoso\.com: "):
        await PrivateDnsZones(bench.clients).delete(PRIVATE, Present(), bench.work())
    with pytest.raises(AccessDeniedError, match=r"^deleting virtual_network_link/corp\.contoso\.com/hub: "):
        await VirtualNetworkLinks(bench.clients).delete(LINK, Present(), bench.work())
    unread = (await VirtualNetworkLinks(bench.clients).read([LINK], PROFILE)).objects[LINK.address]
    assert isinstance(unread, Unread)
    assert unread.error.doing == "reading virtual_network_link/corp.contoso.com/hub"
