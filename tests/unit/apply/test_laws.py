"""Laws that hold for every profile and every world."""

from __future__ import annotations

import asyncio
import copy
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from provision.apply.events import Outcome, Status
from provision.apply.executor import Execution
from provision.apply.observe import observe
from provision.ingress import desired
from provision.plan.destroy import destroy
from provision.plan.plan import Plan, plan
from provision.profile.model import Profile
from provision.providers.azure import managed_clusters as clusters
from provision.resources import managed_cluster as mc
from provision.resources.identity import RoleAssignment
from provision.resources.observed import Present

from .generated import profiles, worlds
from .memory import GRANTS, UNSEEN, World, made_as

CASES = st.tuples(profiles(), profiles()).flatmap(
    lambda both: st.tuples(st.just(both[0]), st.just(both[1]), worlds(*both))
)
OWN = {f"properties.{path}" for path in mc.OFF} | {
    "properties.ingressProfile.webAppRouting.identity",
    "properties.oidcIssuerProfile.issuerURL",
    "tags.provision-profile",
    "tags.provision-digest",
    "tags.provision-before",
}
"""What we, and AKS by our doing, may change in a cluster."""


async def planned(profile: Profile, world: World) -> Plan:
    graph = desired.graph(profile)
    return plan(profile.name, graph, await observe(profile.name, graph, world.handlers()))


async def carried_out(made: Plan, world: World, *, whole: bool = True) -> tuple[Outcome, ...]:
    """With `whole`, nothing may fail."""
    assert not made.blocked(), made.blocked()
    outcomes = await Execution(made, world.handlers(), lambda event: None).run()
    assert not whole or [str(each.error) for each in outcomes if each.error] == []
    assert len(outcomes) == len(made.changes)
    return outcomes


async def applied(profile: Profile, world: World) -> Plan:
    made = await planned(profile, world)
    await carried_out(made, world)
    return made


async def destroyed(profile: Profile, world: World, *, whole: bool = True) -> Plan:
    graph = desired.graph(profile)
    observation = await observe(profile.name, graph, world.handlers())
    cluster = observation.objects[desired.cluster_address(profile)]
    made = destroy(profile.name, graph, observation, [desired.given_back(graph, profile, cluster)])
    await carried_out(made, world, whole=whole)
    return made


@given(CASES)
def test_after_an_apply_there_is_nothing_to_do(case: tuple[Profile, Profile, World]) -> None:
    first, second, world = case

    async def run() -> None:
        for profile in (first, second):
            await applied(profile, world)
            again = await planned(profile, world)
            assert again.pending() == ()
            before = copy.deepcopy((world.objects, world.clusters))
            outcomes = await carried_out(again, world)
            assert {each.status for each in outcomes} == {Status.UNCHANGED}
            assert (world.objects, world.clusters) == before

    asyncio.run(run())


@given(CASES)
def test_only_what_is_declared_is_ever_mentioned(case: tuple[Profile, Profile, World]) -> None:
    first, second, world = case

    async def run() -> None:
        await applied(first, world)
        graph = desired.graph(second)
        for change in (await planned(second, world)).changes:
            paths = {field.path for field in change.fields}
            if paths:
                there = change.observed.properties if isinstance(change.observed, Present) else {}
                assert paths <= graph[change.address].declared(there).keys()

    asyncio.run(run())


@given(CASES)
def test_what_is_not_ours_survives(case: tuple[Profile, Profile, World]) -> None:
    first, second, world = case
    ((address, before),) = copy.deepcopy(world.clusters).items()
    unmarked = {each for each, present in world.objects.items() if present.owner is None}

    def check() -> None:
        assert without_own(world.clusters[address]) == without_own(before)
        assert unmarked <= world.objects.keys()

    async def run() -> None:
        await applied(first, world)
        check()
        await applied(second, world)
        check()
        await destroyed(second, world, whole=False)
        check()

    asyncio.run(run())


@given(CASES)
def test_a_destroy_takes_away_what_is_ours_and_puts_the_cluster_back(
    case: tuple[Profile, Profile, World],
) -> None:
    profile, _, world = case
    ((address, before),) = copy.deepcopy(world.clusters).items()
    unmarked = {each for each, present in world.objects.items() if present.owner is None}

    async def run() -> None:
        await applied(profile, world)
        touched = (world.clusters[address].get("tags") or {}).get("provision-profile") is not None
        await destroyed(profile, world)
        staying = {each for each in world.made_from if world.made_from[each].stays()}
        assert world.objects.keys() - staying == unmarked - staying
        assert (await destroyed(profile, world)).pending() == ()
        assert not {*(world.clusters[address].get("tags") or {})} & {"provision-profile", "provision-before"}
        if touched:
            check_put_back(clusters.settings(before), clusters.settings(world.clusters[address]))
        else:
            assert world.clusters[address] == before

    asyncio.run(run())


def check_put_back(before: dict[str, Any], after: dict[str, Any]) -> None:
    for path in mc.OFF.keys() - mc.IRREVERSIBLE:
        if path in mc.PARENTS and not after[mc.PARENTS[path]]:
            continue
        if path == mc.NGINX_CONTROLLER and before[path] is None:
            assert after[path] in (None, "AnnotationControlled")
        else:
            assert after[path] == before[path], path


@given(CASES)
def test_what_the_profile_no_longer_names_is_deleted(case: tuple[Profile, Profile, World]) -> None:
    """All but the certificates in vaults that are no longer named, and what the mark can't be seen on."""
    first, second, world = case

    async def run() -> None:
        await applied(first, world)
        await applied(second, world)
        declared = {resource.address for resource in desired.graph(second)}
        left = {each for each, present in world.objects.items() if present.owner == second.name} - declared
        unseen = {*UNSEEN}
        if not any(isinstance(each, GRANTS) for each in desired.graph(second)):
            unseen.add(RoleAssignment.KIND)
        assert {made_as(each) for each in left} <= unseen

    asyncio.run(run())


@given(CASES)
def test_a_change_comes_after_what_it_waits_for(case: tuple[Profile, Profile, World]) -> None:
    first, second, world = case

    async def run() -> None:
        await applied(first, world)
        made = await planned(second, world)
        planned_too = {change.address for change in made.changes}
        done: set[str] = set()
        for change in made.changes:
            assert change.resource.dependencies() & planned_too <= done
            done.add(change.address)

    asyncio.run(run())


def without_own(body: dict[str, Any], at: str = "") -> Any:
    """The body without what we may change, and without objects that hold nothing else and are on the way."""
    kept = {}
    for name, value in body.items():
        path = f"{at}.{name}".lstrip(".")
        if path in OWN:
            continue
        if any(each.startswith(f"{path}.") for each in OWN):
            value = without_own(value or {}, path)
            if not value:
                continue
        kept[name] = value
    return kept
