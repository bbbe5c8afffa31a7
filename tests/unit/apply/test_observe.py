"""Reading: everything at once, what needs another's answer as soon as that is in."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest

from provision.apply.handler import Reading
from provision.apply.observe import observe
from provision.errors import CredentialError, ProvisionError, ServiceError
from provision.plan.orphans import Orphan
from provision.plan.plan import Observation
from provision.resources.dns import DnsZone, RecordSet
from provision.resources.graph import ResourceGraph
from provision.resources.identity import FederatedCredential, RoleAssignment, UserAssignedIdentity
from provision.resources.observed import Absent, Observed, Present, Unread
from provision.resources.ref import Lookup, Ref
from provision.resources.resource import Condition, Resource
from provision.resources.vault import ACCESS_POLICY, RBAC, KeyVault

from .memory import Objects, World

IDENTITY = UserAssignedIdentity(name="i", id="/i", location="westeurope")
VAULT = KeyVault(name="kv", id="/kv")
ZONE = DnsZone(name="z", id="/z")
IN_VAULT = RoleAssignment(
    name="kv",
    scope="/kv",
    role_id="1",
    role_name="R",
    principal_id=Ref(IDENTITY.address, "principalId"),
    when=Condition(Ref(VAULT.address, "authorization"), RBAC),
)
IN_ZONE = RoleAssignment(
    name="z", scope="/z", role_id="1", role_name="R", principal_id=Ref(IDENTITY.address, "principalId")
)
CREDENTIAL = FederatedCredential(
    name="i/c", identity_id="/i", credential_name="c", issuer="", subject="", after=(IDENTITY.address,)
)
HERE = {
    VAULT.address: Present({}, {"authorization": RBAC}),
    IDENTITY.address: Present({}, {"principalId": "p"}),
    ZONE.address: Present(),
    IN_VAULT.address: Present(),
    IN_ZONE.address: Present(),
}


class Counting(Objects):
    """Keeps which resources each call was for."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.reads: list[list[str]] = []

    async def read(self, resources: Sequence[Resource], profile: str) -> Reading:
        self.reads.append([resource.address for resource in resources])
        return await super().read(resources, profile)


async def seen(world: World, *resources: Resource) -> Observation:
    return await observe("shop", ResourceGraph(resources), world.handlers())


def kinds(observation: Observation) -> dict[str, type[Observed]]:
    return {address: type(each) for address, each in observation.objects.items()}


async def test_one_call_reads_all_of_a_kind_that_are_ready_together() -> None:
    """So that a handler can serve them by one list call."""
    world = World(objects=dict(HERE))
    counting = Counting(world)
    zones = [ZONE, DnsZone(name="y", id="/y"), DnsZone(name="x", id="/x", after=(ZONE.address,))]
    graph = ResourceGraph([*zones, VAULT, IDENTITY, IN_VAULT, IN_ZONE])
    observation = await observe("shop", graph, dict.fromkeys(world.handlers(), counting))
    assert sorted(map(sorted, counting.reads)) == [
        ["dns_zone/x", "dns_zone/y", "dns_zone/z"],
        ["key_vault/kv"],
        ["role_assignment/kv"],
        ["role_assignment/z"],
        ["user_assigned_identity/i"],
    ]
    assert observation.objects[IN_VAULT.address] == Present()


async def test_nothing_waits_for_more_than_it_needs() -> None:
    """The vault is slow: the role in the zone needs the identity only and is read meanwhile."""
    world = World(objects=dict(HERE))
    gate = world.gate(VAULT.address)
    world.gate(IN_ZONE.address).set()
    reading = asyncio.create_task(seen(world, VAULT, IDENTITY, ZONE, IN_VAULT, IN_ZONE))
    await world.reached[IN_ZONE.address].wait()
    assert f"read {IN_VAULT.address}" not in world.calls
    gate.set()
    assert set(kinds(await reading).values()) == {Present}


async def test_what_refers_to_something_absent_is_absent() -> None:
    world = World(objects={ZONE.address: Present()})
    observation = await seen(world, IDENTITY, ZONE, IN_ZONE)
    assert kinds(observation) == {
        IDENTITY.address: Absent,
        ZONE.address: Present,
        IN_ZONE.address: Absent,
    }
    assert f"read {IN_ZONE.address}" not in world.calls


async def test_what_refers_to_something_unread_is_unread() -> None:
    world = World(objects=dict(HERE), unreadable={VAULT.address})
    observation = await seen(world, VAULT, IDENTITY, IN_VAULT)
    assert kinds(observation) == {
        VAULT.address: Unread,
        IDENTITY.address: Present,
        IN_VAULT.address: Unread,
    }
    assert observation.objects[IN_VAULT.address] is observation.objects[VAULT.address]


async def test_absence_of_one_weighs_more_than_ignorance_of_another() -> None:
    world = World(unreadable={VAULT.address})
    assert kinds(await seen(world, VAULT, IDENTITY, IN_VAULT))[IN_VAULT.address] is Absent


async def test_what_is_in_something_absent_is_absent_though_it_could_not_be_read() -> None:
    world = World(unreadable={CREDENTIAL.address})
    assert kinds(await seen(world, IDENTITY, CREDENTIAL))[CREDENTIAL.address] is Absent


async def test_what_is_there_is_there_though_what_holds_it_could_not_be_read() -> None:
    world = World(objects={CREDENTIAL.address: Present()}, unreadable={IDENTITY.address})
    assert kinds(await seen(world, IDENTITY, CREDENTIAL))[CREDENTIAL.address] is Present


@pytest.mark.parametrize(("authorization", "expected"), [(RBAC, Present), (ACCESS_POLICY, Absent)])
async def test_what_is_not_wanted_is_not_looked_up(authorization: str, expected: type[Observed]) -> None:
    world = World(objects={**HERE, VAULT.address: Present({}, {"authorization": authorization})})
    assert kinds(await seen(world, VAULT, IDENTITY, IN_VAULT))[IN_VAULT.address] is expected
    assert (f"read {IN_VAULT.address}" in world.calls) == (expected is Present)


async def test_what_carries_our_mark_and_is_not_declared() -> None:
    old = RecordSet(
        name="z/A/old",
        zone_id="/z",
        visibility="public",
        record_type="A",
        record_name="old",
        ttl=1,
        values=frozenset(),
    )
    here = RecordSet(
        name="z/A/here",
        zone_id="/z",
        visibility="public",
        record_type="A",
        record_name="here",
        ttl=1,
        values=frozenset(),
    )
    present = Present(old.properties(), {}, "shop")
    world = World(objects={ZONE.address: Present(), old.address: present}, made_from={old.address: old})
    assert (await seen(world, ZONE, here)).orphans == ((old, present),)
    assert (await seen(world, ZONE, here, old)).orphans == ()


async def test_what_is_left_over_is_looked_for_where_nothing_of_its_kind_is_declared() -> None:
    world = World(
        objects={ZONE.address: Present(), IN_ZONE.address: replace(HERE[IN_ZONE.address], owner="shop")},
        made_from={IN_ZONE.address: IN_ZONE, ZONE.address: ZONE},
    )
    assert (await seen(world, ZONE)).orphans == ()  # the profile gives no roles
    owned = Present(owner="shop")
    world.objects[ZONE.address] = owned
    assert (await seen(world, VAULT)).orphans == ((ZONE, owned),)


async def test_a_search_waits_until_it_is_known_what_is_wanted() -> None:
    """A role that an access policy took the place of is still there, and left over."""
    ours = Present(owner="shop")
    world = World(
        objects={
            **HERE,
            IN_VAULT.address: ours,
            VAULT.address: Present({}, {"authorization": ACCESS_POLICY}),
        },
        made_from={IN_VAULT.address: IN_VAULT},
    )
    gate = world.gate(VAULT.address)
    reading = asyncio.create_task(seen(world, VAULT, IDENTITY, ZONE, IN_VAULT, IN_ZONE))
    await world.reached[VAULT.address].wait()
    gate.set()
    (found,) = (await reading).orphans
    assert found_one(found)[0] == replace(IN_VAULT, after=(), when=None)
    world.objects[VAULT.address] = Present({}, {"authorization": RBAC})
    assert (await seen(world, VAULT, IDENTITY, ZONE, IN_VAULT, IN_ZONE)).orphans == ()


class Finding(Objects):
    """Finds what it is told."""

    def __init__(self, found: Reading) -> None:
        super().__init__(World(objects=dict(HERE), unreadable={VAULT.address}))
        self.found = found

    async def search(self, resources: Sequence[Resource], profile: str) -> Reading:
        return self.found


async def test_an_orphan_gets_an_address_of_its_own() -> None:
    """A zone that moved is declared under the name under which it is left over."""

    def zone(subscription: str, group: str) -> DnsZone:
        kind = "providers/Microsoft.Network/dnsZones"
        return DnsZone(name="z", id=f"/subscriptions/{subscription}/resourceGroups/{group}/{kind}/z")

    found = [zone("s", "old"), zone("s", "older"), zone("t", "old"), replace(ZONE, name="free")]
    finding = Finding(Reading({}, tuple((each, Present()) for each in found)))
    handlers = {**finding._world.handlers(), ZONE.KIND: finding}
    observation = await observe("shop", ResourceGraph([ZONE]), handlers)
    assert [orphan.name for orphan, _ in map(found_one, observation.orphans)] == [
        "z@old",
        "z@older",
        "z@t/old",
        "free",
    ]


def found_one(orphan: Orphan | ProvisionError) -> Orphan:
    assert not isinstance(orphan, ProvisionError)
    return orphan


async def test_a_place_that_could_not_be_looked_at_is_told_once() -> None:
    error = ServiceError("looking", "no answer")
    unread = Reading({"subscription/s": Unread(error), IDENTITY.address: Unread(error)})
    finding, again = Finding(unread), Finding(unread)
    handlers = {**finding._world.handlers(), ZONE.KIND: finding, VAULT.KIND: again}
    observation = await observe("shop", ResourceGraph([ZONE, IDENTITY]), handlers)
    assert observation.orphans == (error,)


@pytest.mark.parametrize("place", [VAULT, DnsZone(name="gone", id="/gone")], ids=["unread", "absent"])
async def test_what_is_absent_holds_nothing_and_what_is_unread_is_told_already(place: Resource) -> None:
    finding = Finding(Reading({place.address: Unread(ServiceError("looking", "no answer"))}))
    handlers = {**finding._world.handlers(), ZONE.KIND: finding}
    observation = await observe("shop", ResourceGraph([place, ZONE]), {**handlers, VAULT.KIND: finding})
    assert observation.orphans == ()


async def test_without_credentials_nothing_can_be_read() -> None:
    class Refused(Objects):
        async def read(self, resources: Sequence[Resource], profile: str) -> Reading:
            raise CredentialError("signing in", "no credentials")

    world = World(objects=dict(HERE))
    handlers = {**world.handlers(), VAULT.KIND: Refused(world)}
    world.gate(ZONE.address)  # another read, which must not keep the error back
    with pytest.raises(CredentialError):
        await observe("shop", ResourceGraph([VAULT, ZONE, IDENTITY, IN_VAULT]), handlers)


async def test_thousands_of_resources_are_not_compared_with_one_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nor resolved anew for every kind that is searched: most have no refs."""
    records = [
        RecordSet(
            name=f"z/A/{number}", zone_id="/z", visibility="public", record_type="A", record_name="x", ttl=1
        )
        for number in range(300)
    ]

    def refuse(*_: object) -> bool:
        raise AssertionError("compared")

    resolved: list[str] = []
    resolve = RecordSet.resolved

    def counting(self: RecordSet, lookup: Lookup) -> RecordSet:
        resolved.append(self.address)
        return resolve(self, lookup)

    monkeypatch.setattr(RecordSet, "__eq__", refuse)
    monkeypatch.setattr(RecordSet, "resolved", counting)
    world = World({})
    handlers = world.handlers()
    observation = await observe("me", ResourceGraph([ZONE, *records]), handlers)
    assert len(observation.objects) == 301
    assert len(resolved) <= 2 * len(records)
