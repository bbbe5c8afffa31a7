"""Records that the DNS controller wrote for hosts whose routes go: they go before what it works with."""

from __future__ import annotations

from dataclasses import replace

from planned_objects import manifest

from provision.plan.change import Action, Change, FieldChange
from provision.plan.host_records import left_over
from provision.plan.orphans import in_order, removals, with_orphans
from provision.resources.dns import DnsZone, HostRecord, PrivateDnsZone, RecordSet
from provision.resources.graph import ResourceGraph
from provision.resources.identity import RoleAssignment
from provision.resources.managed_cluster import ZONES, ManagedCluster
from provision.resources.manifest import (
    CLUSTER_EXTERNAL_DNS,
    GATEWAY,
    HTTP_ROUTE,
    SERVICE_ACCOUNT,
    Manifest,
)
from provision.resources.observed import Present

PREFIX = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network"
ZONE = DnsZone(name="contoso.com", id=f"{PREFIX}/dnsZones/contoso.com")
MOVED = DnsZone(name="contoso.com@old", id=f"{PREFIX}/dnsZones/Contoso.com".replace("/g/", "/old/"))
CHILD = PrivateDnsZone(name="corp.contoso.com", id=f"{PREFIX}/privateDnsZones/corp.contoso.com")
CLUSTER = ManagedCluster(name="aks", id="/c")
ROLE = RoleAssignment(name="z/r/i", scope=ZONE.id, role_id="r", role_name="R", principal_id="p")
HERE = Present(owner="shop")
SHOP = "host_record/contoso.com/shop.contoso.com"


ROUTE = manifest(HTTP_ROUTE, "shop")
DNS = manifest(CLUSTER_EXTERNAL_DNS, "dns")
ACCOUNT = manifest(SERVICE_ACCOUNT, "account")


def asking(*hosts: str) -> Present:
    return Present(outputs={"hosts": hosts}, owner="shop")


def addresses(graph: ResourceGraph, *orphans: tuple[Manifest, Present]) -> set[str]:
    return {record.address for record in left_over(graph, orphans)}


def test_a_host_belongs_to_the_zone_of_the_longest_name() -> None:
    graph = ResourceGraph([ZONE, CHILD])
    (record,) = left_over(graph, [(ROUTE, asking("A.corp.contoso.com"))])
    assert (record.address, record.record_name) == ("host_record/corp.contoso.com/a.corp.contoso.com", "a")
    assert (record.zone_id, record.visibility) == (CHILD.id, "private")
    (apex,) = left_over(graph, [(ROUTE, asking("contoso.com"))])
    assert apex.record_name == "@"
    assert addresses(graph, (ROUTE, asking("shop.example"))) == set()


def test_only_routes_ask_for_records() -> None:
    assert addresses(ResourceGraph([ZONE]), (manifest(GATEWAY, "web"), asking("shop.contoso.com"))) == set()


def test_a_record_that_two_routes_ask_for_waits_for_both() -> None:
    other = manifest(HTTP_ROUTE, "shop-redirect")
    (record,) = left_over(
        ResourceGraph([ZONE]), [(each, asking("shop.contoso.com")) for each in (ROUTE, other)]
    )
    assert record.after == (ROUTE.address, other.address)


def test_what_is_still_declared_stays() -> None:
    declared = HostRecord(
        name="contoso.com/shop.contoso.com",
        zone_id=ZONE.id.upper(),
        visibility="public",
        record_name="shop",
        target="1",
    )
    own = RecordSet(
        name="contoso.com/A/shop",
        zone_id=ZONE.id,
        visibility="public",
        record_type="A",
        record_name="shop",
        ttl=1,
    )
    for record in (declared, own):
        assert addresses(ResourceGraph([ZONE, record]), (ROUTE, asking("shop.contoso.com"))) == set()


def test_while_a_zone_moves_the_record_is_looked_for_in_both() -> None:
    found = left_over(ResourceGraph([ZONE]), [(ROUTE, asking("shop.contoso.com")), (MOVED, HERE)])
    assert {record.zone_id for record in found} == {ZONE.id, MOVED.id}


def test_the_controller_keeps_what_it_needs_until_the_record_is_gone() -> None:
    orphans = ((ROUTE, asking("shop.contoso.com")), (DNS, HERE), (ACCOUNT, HERE), (ROLE, HERE), (ZONE, HERE))
    changes = with_orphans([], ResourceGraph([]), orphans)
    waits = {change.address: change.resource.dependencies() for change in changes}
    assert waits[SHOP] == {ROUTE.address}
    assert all(SHOP in waits[each.address] for each in (DNS, ACCOUNT, ROLE, ZONE))
    order = [change.address for change in changes]
    assert order.index(ROUTE.address) < order.index(SHOP) < order.index(DNS.address)


def test_zones_are_taken_from_a_controller_after_the_record() -> None:
    graph = ResourceGraph([CLUSTER, ZONE])
    orphans = ((ROUTE, asking("shop.contoso.com")), (ROLE, HERE))
    detaches = Change(CLUSTER, HERE, Action.UPDATE, (FieldChange(ZONES, frozenset({"z"}), frozenset()),))
    order = [change.address for change in with_orphans([detaches], graph, orphans)]
    assert order == [ROUTE.address, SHOP, CLUSTER.address, ROLE.address]
    names = Change(DNS, HERE, Action.UPDATE)
    waiting = {each.address: each.resource.dependencies() for each in with_orphans([names], graph, orphans)}
    assert SHOP in waiting[DNS.address]
    other = replace(detaches, fields=(FieldChange("oidc", False, True),))
    first, *_ = with_orphans([other], graph, orphans)
    assert (first.address, first.resource.dependencies()) == (CLUSTER.address, frozenset())


def test_a_destroy_waits_for_the_record_too() -> None:
    orphans = ((ROUTE, asking("shop.contoso.com")), (DNS, HERE))
    changes = {change.address: change.resource for change in removals(ResourceGraph([ZONE, ROLE]), orphans)}
    record = changes[SHOP]
    assert record.outlives == (ROUTE.address,)
    assert {DNS.address, ROLE.address, ZONE.address} <= record.dependencies()


def test_the_order_of_changes_that_wait_for_none_is_kept() -> None:
    one, two = (
        Change(ROLE, HERE, Action.NO_OP),
        Change(replace(ZONE, after=(CLUSTER.address,)), HERE, Action.NO_OP),
    )
    three = Change(CLUSTER, HERE, Action.NO_OP)
    assert in_order([one, two, three]) == [one, three, two]
