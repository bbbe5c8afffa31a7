"""Hosts that move: what served them waits until they are served anew."""

from __future__ import annotations

from dataclasses import replace

import pytest
from planned_objects import manifest

from provision.plan.change import Change
from provision.plan.plan import Observation, plan
from provision.resources.dns import HostRecord, RecordSet
from provision.resources.graph import ResourceGraph
from provision.resources.manifest import (
    APPLICATION_LOAD_BALANCER,
    CLUSTER_EXTERNAL_DNS,
    GATEWAY,
    HTTP_ROUTE,
    INGRESS,
    NGINX_INGRESS_CONTROLLER,
    PINNED,
    VIRTUAL_SERVICE,
    Manifest,
)
from provision.resources.observed import Absent, Observed, Present
from provision.resources.resource import Resource

ZONE = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/dnszones/contoso.com"
HOST = "shop.contoso.com"


GATE = manifest(GATEWAY, "new")
ROUTE = manifest(HTTP_ROUTE, "new", {"hostnames": ("Shop.contoso.com",)}, (GATE.address,))
WRITER = manifest(CLUSTER_EXTERNAL_DNS, "zones")
RECORD = HostRecord(
    name=f"contoso.com/{HOST}",
    zone_id=ZONE,
    visibility="public",
    record_name="shop",
    target="20.0.0.2",
    after=(ROUTE.address, WRITER.address),
)
OWN = RecordSet(
    name="contoso.com/A/shop",
    zone_id=ZONE,
    visibility="public",
    record_type="A",
    record_name="shop",
    ttl=60,
    values=frozenset({"20.0.0.2"}),
)
OLD = manifest(INGRESS, "old", {"rules": ({"host": HOST},)})
OTHER = manifest(INGRESS, "other", {"rules": ({"host": "gone.contoso.com"},)})
CONTROLLER = manifest(NGINX_INGRESS_CONTROLLER, "old", after=(OLD.address, OTHER.address))


def moved(
    record: Resource, observed: Observed, *orphans: Resource, writer: Observed | None = None
) -> dict[str, Change]:
    """The changes by address, when ROUTE is new, `record` is as observed and `orphans` are left over."""
    graph = ResourceGraph([GATE, ROUTE, WRITER, record])
    objects: dict[str, Observed] = {each.address: Absent() for each in graph}
    objects[record.address] = observed
    objects[WRITER.address] = writer or Absent()
    left = tuple((each, Present({}, {"hosts": hosts(each)}, "p")) for each in orphans)
    made = plan("p", graph, Observation(objects, left))
    done: set[str] = set()
    for change in made.changes:  # in an order in which they can be done
        assert change.resource.dependencies() & {each.address for each in made.changes} <= done
        done.add(change.address)
    return {change.address: change for change in made.changes}


def hosts(orphan: Resource) -> tuple[str, ...] | None:
    return {OLD.name: (HOST,), OTHER.name: ("gone.contoso.com",)}.get(orphan.name)


def test_the_old_route_waits_for_the_new_and_the_record_and_for_resolvers() -> None:
    changes = moved(RECORD, Present({"address": "20.0.0.1"}, {}, "p"), OLD, CONTROLLER, OTHER)
    old = changes[OLD.address].resource
    assert isinstance(old, Manifest)
    assert {ROUTE.address, RECORD.address} <= old.dependencies()
    assert old.linger == 300
    assert changes[OLD.address].reason.endswith("goes 300 s after its hosts are served anew")
    assert OLD.address in changes[CONTROLLER.address].resource.dependencies()
    assert ROUTE.address in changes[WRITER.address].resource.dependencies()
    gone = changes[OTHER.address].resource  # nobody serves its host anew
    assert isinstance(gone, Manifest)
    assert ROUTE.address not in gone.dependencies()
    assert gone.linger == 0


def test_one_controller_writes_the_addresses_of_both_until_the_old_route_is_gone() -> None:
    before = manifest(HTTP_ROUTE, "old")
    graph = ResourceGraph([GATE, ROUTE, WRITER, RECORD])
    there: dict[str, Observed] = {each.address: Absent() for each in graph}
    there[WRITER.address] = Present({}, {}, "p")
    there[RECORD.address] = Present({"address": "20.0.0.1"}, {}, "p")
    left = ((before, Present({}, {"hosts": (HOST,)}, "p")),)
    changes = {each.address: each for each in plan("p", graph, Observation(there, left)).changes}
    old = changes[before.address].resource
    assert isinstance(old, Manifest)
    assert ROUTE.address in old.dependencies()
    assert RECORD.address not in old.dependencies()
    assert old.linger == 480  # a round of the controller, and the time to live
    assert before.address in changes[RECORD.address].resource.dependencies()


def test_a_dns_controller_ends_before_its_hosts_lead_elsewhere() -> None:
    """It would take the record away that another has written by then."""
    ending = manifest(CLUSTER_EXTERNAL_DNS, "old", after=(OLD.address, OTHER.address))
    changes = moved(RECORD, Present({"address": "20.0.0.1"}, {}, "p"), OLD, OTHER, ending)
    assert ending.address in changes[RECORD.address].resource.dependencies()
    before = changes[ending.address].resource.dependencies()
    assert OLD.address not in before
    assert OTHER.address in before  # after that one it has to tidy up


def test_a_dns_controller_that_is_there_already_waits_for_nothing() -> None:
    changes = moved(RECORD, Present({"address": "20.0.0.1"}, {}, "p"), OLD, writer=Present({}, {}, "p"))
    assert ROUTE.address not in changes[WRITER.address].resource.dependencies()


@pytest.mark.parametrize(
    ("observed", "seconds"),
    [
        (Present({"ttl": 60, "values": frozenset({"20.0.0.1"})}, {}, "p"), 60),
        (Present({"ttl": 60, "values": frozenset({"20.0.0.2"})}, {}, "p"), 0),  # it leads there already
        (Absent(), 0),
    ],
)
def test_resolvers_hold_on_to_an_address_for_its_time_to_live(observed: Observed, seconds: float) -> None:
    old = moved(OWN, observed, OLD)[OLD.address].resource
    assert isinstance(old, Manifest)
    assert {ROUTE.address, OWN.address} <= old.dependencies()
    assert old.linger == seconds


@pytest.mark.parametrize("orphans", [(OLD,), (OLD, OWN)])
def test_a_name_in_place_of_an_address_can_not_wait(orphans: tuple[Resource, ...]) -> None:
    """There can be nothing beside a CNAME, and a DNS controller takes its address away after the route."""
    name = replace(OWN, name="contoso.com/CNAME/shop", record_type="CNAME", values=frozenset({"x.example"}))
    old = moved(name, Absent(), *orphans)[OLD.address].resource
    assert name.address not in old.dependencies()
    assert ROUTE.address not in old.dependencies()


def test_a_virtual_service_serves_hosts_too() -> None:
    new = manifest(VIRTUAL_SERVICE, "new", {"hosts": (HOST,)})
    graph = ResourceGraph([new])
    left = ((OLD, Present({}, {"hosts": (HOST,)}, "p")),)
    made = plan("p", graph, Observation({new.address: Absent()}, left))
    assert new.address in made.changes[-1].resource.dependencies()


@pytest.mark.parametrize("needed", [False, True])
def test_a_gateway_keeps_its_listener_until_the_route_has_left(needed: bool) -> None:
    """Unless the new route waits for its change, as where two hosts change places."""
    elsewhere = manifest(HTTP_ROUTE, "old", namespace="store")
    staying = manifest(GATEWAY, "stays", namespace="store")
    route = replace(ROUTE, after=(GATE.address, *((staying.address,) if needed else ())))
    graph = ResourceGraph([GATE, staying, route])
    there: dict[str, Observed] = {each.address: Absent() for each in graph}
    there[staying.address] = Present({}, {}, "p", surplus={"spec.listeners[shop]": "gone"})
    left = ((elsewhere, Present({}, {"hosts": (HOST,)}, "p")),)
    changes = {each.address: each for each in plan("p", graph, Observation(there, left)).changes}
    assert (elsewhere.address in changes[staying.address].resource.dependencies()) is not needed


@pytest.mark.parametrize(
    ("new", "old", "address"),
    [
        (manifest(APPLICATION_LOAD_BALANCER, "new"), manifest(APPLICATION_LOAD_BALANCER, "old"), None),
        (
            manifest(GATEWAY, "pinned", {"infrastructure": {"annotations": {PINNED: "20.0.0.9"}}}),
            manifest(NGINX_INGRESS_CONTROLLER, "old"),
            "20.0.0.9",
        ),
    ],
)
def test_what_can_not_be_beside_the_old_does_not_wait_for_it(
    new: Manifest, old: Manifest, address: str | None
) -> None:
    """A subnet has one association, and an address is of one load balancer."""
    graph = ResourceGraph([new, GATE, ROUTE])
    left = ((OLD, Present({}, {"hosts": (HOST,), "address": address}, "p")), (old, Present({}, {}, "p")))
    made = plan("p", graph, Observation({each.address: Absent() for each in graph}, left))
    changes = {each.address: each.resource for each in made.changes}
    assert ROUTE.address not in changes[OLD.address].dependencies()
