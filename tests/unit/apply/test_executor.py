"""Carrying out plans: what runs when, what a failure stops, and that every change is accounted for."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from types import SimpleNamespace

import pytest

from provision.apply import executor
from provision.apply.events import Event, Finished, Outcome, Progress, Started
from provision.apply.executor import Execution
from provision.apply.handler import Work
from provision.apply.observe import observe
from provision.errors import ServiceError
from provision.plan.change import Action, Change
from provision.plan.destroy import destroy
from provision.plan.plan import Plan, plan
from provision.resources.dns import DnsZone, RecordSet, VirtualNetworkLink
from provision.resources.graph import ResourceGraph
from provision.resources.identity import RoleAssignment, UserAssignedIdentity
from provision.resources.observed import Absent, Present
from provision.resources.ref import Ref
from provision.resources.resource import Resource

from .memory import Objects, World, settled

PROFILE = "shop"
IDENTITY = UserAssignedIdentity(name="i", id="/i", location="westeurope")


def zone(name: str, *after: str) -> DnsZone:
    return DnsZone(name=name, id=f"/{name}", after=tuple(f"dns_zone/{each}" for each in after))


def record(name: str, in_zone: str, *, ttl: int = 300) -> RecordSet:
    return RecordSet(
        name=f"{in_zone}/A/{name}",
        zone_id=f"/{in_zone}",
        visibility="public",
        record_type="A",
        record_name=name,
        ttl=ttl,
        values=frozenset({"20.1.2.3"}),
        after=(f"dns_zone/{in_zone}",),
    )


def role(*, managed: bool = True) -> RoleAssignment:
    return RoleAssignment(
        name="r",
        scope="/z",
        role_id="1",
        role_name="Reader",
        principal_id=Ref(IDENTITY.address, "principalId"),
        managed=managed,
    )


async def planned(world: World, *resources: Resource) -> Plan:
    graph = ResourceGraph(resources)
    return plan(PROFILE, graph, await observe(PROFILE, graph, world.handlers()))


def statuses(outcomes: tuple[Outcome, ...]) -> dict[str, str]:
    return {each.change.address: each.status.value for each in outcomes}


def reasons(outcomes: tuple[Outcome, ...]) -> dict[str, str]:
    return {each.change.address: each.reason for each in outcomes if each.reason}


class Run:
    """A run in a task of its own, and what it told."""

    def __init__(self, world: World, made: Plan) -> None:
        self.events: list[Event] = []
        self.execution = Execution(made, world.handlers(), self._listen)
        self.task = asyncio.create_task(self.execution.run())
        self._waiting: dict[str, asyncio.Event] = {}

    def _listen(self, event: Event) -> None:
        self.events.append(event)
        if isinstance(event, Finished):
            self._event(event.outcome.change.address).set()

    def _event(self, address: str) -> asyncio.Event:
        return self._waiting.setdefault(address, asyncio.Event())

    async def finished(self, address: str) -> None:
        await self._event(address).wait()


async def test_a_change_starts_when_its_own_dependencies_are_done() -> None:
    """`b` waits for `a` only: it does not wait for `slow`, which stands beside `a`."""
    world = World()
    slow = world.gate("dns_zone/slow")
    run = Run(world, await planned(World(), zone("a"), zone("slow"), zone("b", "a"), zone("c", "b", "slow")))
    await run.finished("dns_zone/b")
    await world.reached["dns_zone/slow"].wait()
    assert "create dns_zone/c" not in world.calls
    slow.set()
    assert set(statuses(await run.task).values()) == {"created"}
    assert world.calls[-1] == "create dns_zone/c"


async def test_what_does_not_depend_on_each_other_runs_at_once() -> None:
    world = World()
    names = ["a", "b", "c"]
    gates = [world.gate(f"dns_zone/{name}") for name in names]
    run = Run(world, await planned(World(), *map(zone, names)))
    await asyncio.gather(*(world.reached[f"dns_zone/{name}"].wait() for name in names))
    for gate in gates:
        gate.set()
    assert len(await run.task) == 3


async def test_a_failure_skips_those_that_depend_on_it_and_no_other() -> None:
    world = World()
    world.refused["dns_zone/a"] = ServiceError("creating dns_zone/a", "quota")
    made = await planned(
        World(), zone("a"), zone("b", "a"), zone("c", "b"), zone("d"), zone("e", "d"), record("x", "a")
    )
    run = Run(world, made)
    outcomes = await run.task
    assert statuses(outcomes) == {
        "dns_zone/a": "failed",
        "dns_zone/b": "skipped",
        "dns_zone/c": "skipped",
        "record_set/a/A/x": "skipped",
        "dns_zone/d": "created",
        "dns_zone/e": "created",
    }
    assert reasons(outcomes) == {
        "dns_zone/b": "dns_zone/a failed",
        "dns_zone/c": "dns_zone/b was skipped",
        "record_set/a/A/x": "dns_zone/a failed",
    }
    assert [each.error for each in outcomes if each.error] == [world.refused["dns_zone/a"]]
    assert [each.change for each in outcomes] == list(made.changes)
    finished = [each.outcome for each in run.events if isinstance(each, Finished)]
    assert Counter(statuses(tuple(finished)).values()) == Counter(statuses(outcomes).values())


async def test_what_is_blocked_is_skipped_with_its_reason() -> None:
    world = World(unreadable={"dns_zone/a"})
    run = Run(world, await planned(world, zone("a"), zone("b", "a"), zone("c")))
    outcomes = await run.task
    assert statuses(outcomes) == {"dns_zone/a": "skipped", "dns_zone/b": "skipped", "dns_zone/c": "created"}
    assert reasons(outcomes) == {"dns_zone/a": "could not be read", "dns_zone/b": "dns_zone/a was skipped"}


async def test_refs_are_filled_in_from_what_was_just_made() -> None:
    world = World()
    made = await planned(world, IDENTITY, role())
    assert isinstance(made.changes[1].resource, RoleAssignment)
    assert made.changes[1].resource.principal_id == Ref(IDENTITY.address, "principalId")
    assert set(statuses(await Run(world, made).task).values()) == {"created"}
    written = world.made_from["role_assignment/r"]
    assert isinstance(written, RoleAssignment)
    assert written.principal_id == world.objects[IDENTITY.address].outputs["principalId"] == "principal-1"


async def test_an_output_that_does_not_come_fails_what_needs_it() -> None:
    world = World()
    made = await planned(world, zone("z"), IDENTITY, RoleAssignment(
        name="r", scope="/z", role_id="1", role_name="R", principal_id=Ref("dns_zone/z", "nothing")
    ))  # fmt: skip
    outcomes = await Run(world, made).task
    assert statuses(outcomes)["role_assignment/r"] == "failed"
    (error,) = [each.error for each in outcomes if each.error]
    assert error.why == "dns_zone/z did not give its nothing"


async def test_what_others_must_make_fails_at_last_with_the_command() -> None:
    """The identity is made; only then it is known for whom the role is."""
    world = World()
    waiting = DnsZone(name="z", id="/z", after=("role_assignment/r",))
    outcomes = await Run(world, await planned(world, IDENTITY, role(managed=False), waiting)).task
    assert statuses(outcomes) == {
        IDENTITY.address: "created",
        "role_assignment/r": "failed",
        "dns_zone/z": "skipped",
    }
    (error,) = [each.error for each in outcomes if each.error]
    assert "--assignee-object-id principal-1 " in error.command


async def test_what_others_must_make_for_somebody_known_fails_as_planned() -> None:
    world = World(objects={IDENTITY.address: Present({}, {"principalId": "p"})})
    made = await planned(world, IDENTITY, role(managed=False), zone("z"))
    assert made.blocked() == ()
    (awaited,) = made.awaited()
    outcomes = await Run(world, made).task
    assert statuses(outcomes) == {
        IDENTITY.address: "unchanged",
        "role_assignment/r": "failed",
        "dns_zone/z": "created",
    }
    assert [each.error for each in outcomes if each.error] == [awaited.blocked]


async def test_for_whom_others_must_make_it_never_comes_out() -> None:
    world = World()
    others = RoleAssignment(
        name="r",
        scope="/z",
        role_id="1",
        role_name="R",
        principal_id=Ref("dns_zone/z", "nothing"),
        managed=False,
    )
    outcomes = await Run(world, await planned(world, zone("z"), others)).task
    assert statuses(outcomes) == {"dns_zone/z": "created", "role_assignment/r": "failed"}
    (error,) = [each.error for each in outcomes if each.error]
    assert error.why == "dns_zone/z did not give its nothing"


class Buggy(Objects):
    """Has a bug where it creates `a`."""

    async def create(self, resource: Resource, work: Work) -> Present:
        if resource.name == "a":
            await self._world.enter("create", resource.address)
            raise KeyError("forgotten")
        return await super().create(resource, work)


async def test_a_bug_is_a_failure_like_any_other(caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    made = await planned(world, zone("a"), zone("b", "a"), zone("c"), zone("d", "c"))
    with caplog.at_level(logging.DEBUG, "provision"):
        outcomes = await Execution(made, {DnsZone.KIND: Buggy(world)}, lambda event: None).run()
    assert statuses(outcomes) == {
        "dns_zone/a": "failed",
        "dns_zone/b": "skipped",
        "dns_zone/c": "created",
        "dns_zone/d": "created",
    }
    (error,) = [each.error for each in outcomes if each.error]
    assert error.doing == "applying dns_zone/a"
    assert error.why == "this is a bug in provision (KeyError)"
    assert isinstance(error.__cause__, KeyError)
    (record,) = caplog.records
    assert record.exc_info is not None
    assert record.exc_info[1] is error.__cause__


async def test_a_bug_that_shows_while_leaving() -> None:
    class Hasty(Buggy):
        async def create(self, resource: Resource, work: Work) -> Present:
            try:
                return await super().create(resource, work)
            except asyncio.CancelledError:
                raise KeyError("forgotten") from None

    world = World()
    world.gate("dns_zone/a")
    execution = Execution(await planned(World(), zone("a")), {DnsZone.KIND: Hasty(world)}, lambda event: None)
    task = asyncio.create_task(execution.run())
    await world.reached["dns_zone/a"].wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    (outcome,) = execution.outcomes()
    assert outcome.error is not None
    assert "this is a bug in provision" in outcome.error.why


async def test_nobody_reads_the_output() -> None:
    """Not a bug: what is left of it is the command line's to do."""

    def gone(event: Event) -> None:
        raise BrokenPipeError

    execution = Execution(await planned(World(), zone("a")), World().handlers(), gone)
    with pytest.raises(BrokenPipeError):
        await execution.run()


async def test_replacing_is_deleting_and_creating() -> None:
    link = VirtualNetworkLink(name="z/l", id="/z/l", virtual_network="/new")
    world = World(objects={link.address: Present({"virtualNetwork": "/old"}, {}, PROFILE)})
    made = await planned(world, link)
    assert made.changes[0].action is Action.REPLACE
    assert statuses(await Run(world, made).task) == {link.address: "replaced"}
    assert world.calls == [f"read {link.address}", f"delete {link.address}", f"create {link.address}"]
    assert world.objects[link.address].properties["virtualNetwork"] == "/new"


async def test_updating_writes_the_mark_and_the_digest() -> None:
    world = World(objects={"record_set/z/A/x": Present(record("x", "z", ttl=1).properties(), {}, PROFILE)})
    made = await planned(world, zone("z"), record("x", "z"))
    assert statuses(await Run(world, made).task) == {"dns_zone/z": "created", "record_set/z/A/x": "updated"}
    written = world.objects["record_set/z/A/x"]
    assert (written.owner, written.digest) == (PROFILE, made.changes[1].digest)
    assert written.properties["ttl"] == 300


async def test_a_change_without_anything_to_do_touches_nothing() -> None:
    world = World(objects={"dns_zone/z": settled(zone("z"))})
    run = Run(world, await planned(world, zone("z")))
    assert statuses(await run.task) == {"dns_zone/z": "unchanged"}
    assert world.calls == ["read dns_zone/z"]
    assert [type(each) for each in run.events] == [Finished]


async def test_the_events_of_a_change() -> None:
    class Telling(Objects):
        async def create(self, resource: Resource, work: Work) -> Present:
            work.progress("waiting")
            return await super().create(resource, work)

    world = World()
    events: list[Event] = []
    made = await planned(world, zone("z"))
    outcomes = await Execution(made, {DnsZone.KIND: Telling(world)}, events.append).run()
    change = made.changes[0]
    assert events == [Started(change), Progress(change, "waiting"), Finished(outcomes[0])]


async def test_how_long_a_change_took(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([100.0, 130.5, 200.0, 201.0])
    monkeypatch.setattr(executor, "time", SimpleNamespace(monotonic=lambda: next(times)))
    world = World(refused={"dns_zone/b": ServiceError("creating dns_zone/b", "quota")})
    made = await planned(World(), zone("a"), zone("b", "a"))
    outcomes = await Execution(made, world.handlers(), lambda event: None).run()
    assert [each.seconds for each in outcomes] == [30.5, 1.0]


async def test_a_destroy_goes_backwards() -> None:
    world = World()
    resources = [zone("z"), record("x", "z"), record("y", "z"), IDENTITY, role()]
    await Run(world, await planned(world, *resources)).task
    graph = ResourceGraph(resources)
    observation = await observe(PROFILE, graph, world.handlers())
    world.calls.clear()
    gates = [world.gate("record_set/z/A/y"), world.gate("role_assignment/r")]
    run = Run(world, destroy(PROFILE, graph, observation, []))
    await run.finished("record_set/z/A/x")
    await world.reached["role_assignment/r"].wait()
    assert not {"delete dns_zone/z", f"delete {IDENTITY.address}"} & set(world.calls)
    for gate in gates:
        gate.set()
    assert set(statuses(await run.task).values()) == {"deleted"}
    assert not world.objects


async def test_a_zone_waits_for_the_orphan_in_it() -> None:
    """The provider refuses to delete a zone that holds a record, as Azure's handler does."""
    world = World()
    await Run(world, await planned(world, zone("z"), record("x", "z"), record("old", "z"))).task
    graph = ResourceGraph([zone("z"), record("x", "z")])
    observation = await observe(PROFILE, graph, world.handlers())
    gate = world.gate("record_set/z/A/old")
    run = Run(world, destroy(PROFILE, graph, observation, []))
    await run.finished("record_set/z/A/x")
    gate.set()
    assert statuses(await run.task) == {
        "dns_zone/z": "deleted",
        "record_set/z/A/x": "deleted",
        "record_set/z/A/old": "deleted",
    }


async def test_stopping_lets_what_runs_end_and_starts_nothing() -> None:
    world = World(objects={"dns_zone/same": settled(zone("same"))})
    gate = world.gate("dns_zone/a")
    run = Run(
        world, await planned(World(objects=world.objects), zone("a"), zone("b", "a"), zone("same", "a"))
    )
    await world.reached["dns_zone/a"].wait()
    run.execution.stop()
    gate.set()
    outcomes = await run.task
    assert statuses(outcomes) == {
        "dns_zone/a": "created",
        "dns_zone/b": "skipped",
        "dns_zone/same": "unchanged",
    }
    assert reasons(outcomes) == {"dns_zone/b": "interrupted"}


async def test_leaving_accounts_for_every_change() -> None:
    world = World()
    world.gate("dns_zone/b")
    run = Run(world, await planned(World(), zone("a"), zone("b"), zone("c", "b"), zone("d", "c")))
    await run.finished("dns_zone/a")
    await world.reached["dns_zone/b"].wait()
    run.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run.task
    outcomes = run.execution.outcomes()
    assert statuses(outcomes) == {
        "dns_zone/a": "created",
        "dns_zone/b": "failed",
        "dns_zone/c": "skipped",
        "dns_zone/d": "skipped",
    }
    assert reasons(outcomes) == {"dns_zone/c": "interrupted", "dns_zone/d": "interrupted"}
    (error,) = [each.error for each in outcomes if each.error]
    assert "the service may still be at it" in error.why
    assert all(task.done() for task in asyncio.all_tasks() - {asyncio.current_task()})


async def test_what_was_done_when_the_cancellation_came_is_done() -> None:
    """The task of `a` has ended, but the run was cancelled before it looked."""
    made = await planned(World(), zone("a"), zone("b"))
    world = World()
    world.gate("dns_zone/b")

    class Cancelling(Objects):
        async def create(self, resource: Resource, work: Work) -> Present:
            present = await super().create(resource, work)
            task.cancel()
            return present

    execution = Execution(made, {DnsZone.KIND: Cancelling(world)}, lambda event: None)
    task = asyncio.create_task(execution.run())
    with pytest.raises(asyncio.CancelledError):
        await task
    assert statuses(execution.outcomes()) == {"dns_zone/a": "created", "dns_zone/b": "failed"}


async def test_before_anything_ran_everything_was_skipped() -> None:
    execution = Execution(await planned(World(), zone("a")), World().handlers(), lambda event: None)
    assert reasons(execution.outcomes()) == {"dns_zone/a": "interrupted"}


def test_two_changes_of_one_address_are_no_plan() -> None:
    change = Change(zone("a"), Absent(), Action.CREATE)
    with pytest.raises(AssertionError, match="no outcome of its own"):
        Execution(Plan(PROFILE, (change, change)), {}, lambda event: None).outcomes()


async def test_an_empty_plan() -> None:
    assert await Execution(Plan(PROFILE, ()), {}, lambda event: None).run() == ()
