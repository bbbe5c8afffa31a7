"""What is ours and no longer declared: in which order it goes, and what nobody could look for."""

from __future__ import annotations

from dataclasses import replace

from planned_objects import manifest

from provision.errors import ServiceError
from provision.plan.change import Action, Change
from provision.plan.orphans import Orphans, removals, unsearched, with_orphans
from provision.resources.dns import HostRecord, PrivateDnsZone, RecordSet, VirtualNetworkLink
from provision.resources.graph import ResourceGraph
from provision.resources.identity import RoleAssignment
from provision.resources.managed_cluster import ManagedCluster
from provision.resources.manifest import HTTP_ROUTE
from provision.resources.observed import Present

CLUSTER = ManagedCluster(name="aks", id="/c")
ZONE = PrivateDnsZone(name="z", id="/Zones/z")
LINK = VirtualNetworkLink(name="z/v", id="/zones/z/virtualNetworkLinks/v", virtual_network="/v")
ROLE = RoleAssignment(name="z/r/i", scope="/zones/Z", role_id="r", role_name="R", principal_id="p")
RECORD = RecordSet(
    name="z/A/x",
    zone_id="/zones/z",
    visibility="private",
    record_type="A",
    record_name="x",
    ttl=1,
    values=frozenset(),
)
RECORD_OF_HOST = HostRecord(name="w/h", zone_id="/zones/w", visibility="public", record_name="h", target="1")
ROUTE = manifest(HTTP_ROUTE, "first")
HERE = Present(owner="shop")
FOUND: Orphans = ((ZONE, HERE), (LINK, HERE), (ROLE, HERE), (RECORD, HERE))
CONTENTS = {LINK.address, ROLE.address, RECORD.address}
UNKNOWN = ServiceError("looking into /w", "no answer")


def test_a_zone_goes_after_what_is_in_it_and_that_after_the_cluster() -> None:
    update = Change(CLUSTER, HERE, Action.UPDATE)
    changes = with_orphans([update], ResourceGraph([CLUSTER]), FOUND)
    assert [change.address for change in changes] == [
        CLUSTER.address,
        *(LINK.address, ROLE.address, RECORD.address, ZONE.address),
    ]
    waits = {change.address: change.resource.dependencies() for change in changes}
    assert waits[ZONE.address] == {CLUSTER.address, *CONTENTS}
    assert all(waits[each] == {CLUSTER.address} for each in CONTENTS)


def test_in_a_destroy_it_waits_for_what_is_in_it_too() -> None:
    waits = {each.address: each.resource.dependencies() for each in removals(ResourceGraph([]), FOUND)}
    assert waits == {ZONE.address: frozenset(), **{each: {ZONE.address} for each in CONTENTS}}


def test_a_declared_zone_waits_for_what_is_left_in_it() -> None:
    declared = replace(ZONE, id=ZONE.id.upper())
    waits = {
        each.address: each.resource.dependencies() for each in removals(ResourceGraph([declared]), FOUND[1:])
    }
    assert waits == {each: {ZONE.address} for each in CONTENTS}


def test_what_works_in_the_cluster_goes_before_what_it_works_with() -> None:
    """The DNS controller can take a route's records away only while its identity has its roles."""
    after = replace(ROUTE, name="HTTPRoute/n/second", after=(ROUTE.address,), outlives=(ROUTE.address,))
    orphans = ((ROLE, HERE), (ROUTE, HERE), (after, HERE))
    changes = with_orphans([], ResourceGraph([]), orphans)
    assert [change.address for change in changes] == [ROUTE.address, after.address, ROLE.address]
    assert changes[-1].resource.dependencies() == {ROUTE.address, after.address}
    assert changes[0].resource.dependencies() == frozenset()

    first = {ROUTE.address, after.address, RECORD_OF_HOST.address}
    *routes, role = (change.resource for change in removals(ResourceGraph([RECORD_OF_HOST]), orphans))
    assert role.dependencies() == first == {*role.outlives}
    assert [each.outlives for each in routes] == [(), (ROUTE.address,)]


def test_what_could_not_be_looked_at_deletes_nothing_and_is_told() -> None:
    assert with_orphans([], ResourceGraph([]), (UNKNOWN,)) == []
    assert list(removals(ResourceGraph([]), (UNKNOWN,))) == []
    assert unsearched((*FOUND, UNKNOWN)) == ("looking into /w: no answer",)
