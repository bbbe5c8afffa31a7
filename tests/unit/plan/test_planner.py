"""What the scenarios don't show of the planner: order, casing, and what stands in the way of what."""

from __future__ import annotations

from dataclasses import replace

import pytest
from planned_objects import manifest

from provision.plan.change import Action, digest
from provision.plan.plan import Observation, Plan, plan
from provision.resources.dns import DnsZone, RecordSet
from provision.resources.graph import ResourceGraph
from provision.resources.managed_cluster import APP_ROUTING, ZONES, ManagedCluster
from provision.resources.manifest import GATEWAY, INTERNAL
from provision.resources.observed import Absent, Observed, Present
from provision.resources.ref import Ref
from provision.resources.values import CaseInsensitive, Value
from provision.resources.vault import AccessPolicy

ZONE = DnsZone(name="z", id="/dnsZones/z")


def record(name: str, record_type: str = "CNAME", zone_id: str = "/dnsZones/z") -> RecordSet:
    return RecordSet(
        name=f"z/{record_type}/{name}",
        zone_id=zone_id,
        visibility="public",
        record_type=record_type,
        record_name=name,
        ttl=1,
        values=frozenset({"a.example"}),
    )


def planned(*resources: RecordSet | DnsZone | ManagedCluster | AccessPolicy, **objects: Observed) -> Plan:
    """Each resource with what is there under its name; nothing is, without one."""
    return plan(
        "shop",
        ResourceGraph(resources),
        Observation({each.address: objects.get(each.name, Absent()) for each in resources}),
    )


@pytest.mark.parametrize(
    ("orphan", "waits"),
    [
        (record("www", "A"), True),
        (record("WWW", "A"), True),
        (record("www", "A", "/DNSzones/Z"), True),
        (record("api", "A"), False),
        (record("www", "A", "/dnsZones/y"), False),
    ],
)
def test_a_new_record_waits_for_an_orphan_of_its_name(orphan: RecordSet, waits: bool) -> None:
    new = record("Www")
    observation = Observation({new.address: Absent()}, ((orphan, Present({}, {}, "shop")),))
    made = plan("shop", ResourceGraph([new]), observation)
    (created,) = [each for each in made.changes if each.action is Action.CREATE]
    assert created.resource.after == ((orphan.address,) if waits else ())
    assert [each.action for each in made.changes] == (
        [Action.DELETE, Action.CREATE] if waits else [Action.CREATE, Action.DELETE]
    )


def test_a_record_that_is_there_waits_for_nothing() -> None:
    there = record("www")
    observation = Observation(
        {there.address: Present({"ttl": 2, "values": frozenset()}, {}, "shop")},
        ((record("www", "A"), Present({}, {}, "shop")),),
    )
    changes = plan("shop", ResourceGraph([there]), observation).changes
    assert [each.action for each in changes] == [Action.UPDATE, Action.DELETE]
    assert changes[0].resource.after == ()


def policy(*, managed: bool) -> AccessPolicy:
    return AccessPolicy(
        name="kv",
        vault_id="/kv",
        principal_id="p",
        secrets=frozenset({"get"}),
        certificates=frozenset({"get"}),
        managed=managed,
    )


def test_what_others_keep_stands_only_in_the_way_of_what_needs_it() -> None:
    lacking = Present({"secrets": frozenset(), "certificates": frozenset()}, {}, "shop")
    made = planned(policy(managed=False), ZONE, kv=lacking)
    assert made.blocked() == ()
    (awaited,) = made.awaited()
    assert str(awaited.blocked).startswith(
        "planning access_policy/kv: it differs in secrets, certificates, and it is kept by others\n"
        "Have it changed:"
    )
    assert [each.address for each in made.pending()] == [ZONE.address]
    ours = planned(policy(managed=True), kv=lacking)
    assert [each.action for each in ours.changes] == [Action.UPDATE]
    assert ours.awaited() == ()


def test_taking_over_must_be_asked_for() -> None:
    foreign = Present({"ttl": 2, "values": frozenset()})
    made = planned(record("www"), **{"z/CNAME/www": foreign})
    assert len(made.blocked()) == 1
    assert "--adopt" in str(made.blocked()[0])


def cluster(**settings: Value) -> ManagedCluster:
    return ManagedCluster(name="aks", id="/aks", settings=settings)


def test_the_zones_that_would_be_dropped_are_named_in_order() -> None:
    attached = frozenset(CaseInsensitive(f"/dnsZones/{each}") for each in "dbeca")
    kept: Value = frozenset({CaseInsensitive("/dnszones/C")})
    wanted = cluster(**{APP_ROUTING: True, ZONES: kept})
    made = planned(wanted, aks=Present({APP_ROUTING: False, ZONES: attached}))
    assert made.changes[0].reason.endswith("does not name: a, b, d, e")
    unowned = planned(cluster(**{APP_ROUTING: True}), aks=Present({APP_ROUTING: False, ZONES: attached}))
    assert unowned.blocked() == ()


def test_a_digest_does_not_depend_on_the_order_of_properties() -> None:
    assert digest(cluster(a=1, b=2)) == digest(cluster(b=2, a=1)) != digest(cluster(a=2, b=1))


def test_no_targets_are_all_targets() -> None:
    graph = ResourceGraph([ZONE])
    observation = Observation({ZONE.address: Absent()})
    assert len(plan("shop", graph, observation, targets=[]).changes) == 1
    assert plan("shop", graph, observation, warnings=["w"]).warnings == ("w",)


def test_the_address_of_a_gateway_that_moves_is_not_known_yet() -> None:
    """Nor is what is made from it; a Gateway that changes otherwise keeps its address."""
    gateway = manifest(GATEWAY, "prod", {"infrastructure": {"annotations": {INTERNAL: "true"}}})
    address = Ref(gateway.address, "address")
    host = replace(record("www", "A"), values=frozenset({address}))
    there = Present({"ttl": 1, "values": frozenset({"20.1.2.3"})}, {}, "shop")
    graph = ResourceGraph([gateway, host])

    def changes(**properties: Value) -> list[Action]:
        seen = Present(properties, {"address": "20.1.2.3"}, "shop")
        observation = Observation({gateway.address: seen, host.address: there})
        return [each.action for each in plan("shop", graph, observation).changes]

    path = f"spec.infrastructure.annotations[{INTERNAL}]"
    assert changes(**{path: None}) == [Action.UPDATE, Action.UPDATE]
    assert changes(**{path: "true"}) == [Action.NO_OP, Action.NO_OP]
    other = Present({path: "true"}, {"address": "20.1.2.3"}, "shop", surplus={"spec.listeners[a]": "gone"})
    seen = {gateway.address: other, host.address: there}
    assert [each.action for each in plan("shop", graph, Observation(seen)).changes] == [
        Action.UPDATE,
        Action.NO_OP,
    ]
