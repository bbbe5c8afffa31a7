"""The tag that remembers how a cluster was before us."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from provision.resources import managed_cluster as mc
from provision.resources.managed_cluster import OFF, released, remember
from provision.resources.values import CaseInsensitive, Value

ZONE = "/subscriptions/S/resourceGroups/G/providers/Microsoft.Network/dnsZones/{}"
ZONE_SETS = st.frozensets(st.sampled_from("abcdefgh").map(lambda each: CaseInsensitive(ZONE.format(each))))
CONTROLLERS = st.sampled_from(["AnnotationControlled", "External", "Internal", "None"])
STRATEGIES: dict[str, st.SearchStrategy[Value]] = {
    mc.NGINX_CONTROLLER: CONTROLLERS,
    mc.ZONES: ZONE_SETS,
    mc.GATEWAY_API: st.sampled_from(["Standard", "Disabled"]),
    mc.APP_ROUTING_ISTIO: st.sampled_from(["Enabled", "Disabled"]),
    mc.SECRET_ROTATION: st.sampled_from(["true", "false"]),
    mc.MESH: st.sampled_from(["Istio", "Disabled"]),
    mc.MESH_REVISIONS: st.sampled_from([frozenset(), frozenset({"asm-1-29"})]),
    mc.MESH_REDIRECTION: st.sampled_from([None, "CNIChaining"]),
    mc.MESH_AUTHORITY: st.sampled_from([None, {"rootCertObjectName": "root"}]),
}
ONE_WAY = {mc.MESH_REVISIONS, mc.MESH_REDIRECTION, mc.MESH_AUTHORITY}
"""A mesh that stays keeps what it was upgraded to."""
WORLDS = st.fixed_dictionaries({path: STRATEGIES.get(path, st.booleans()) for path in OFF})


def changed(before: dict[str, Value], after: dict[str, Value]) -> list[tuple[str, Value]]:
    return [(path, before[path]) for path in OFF if before[path] != after[path]]


@given(WORLDS, WORLDS, WORLDS)
def test_what_was_there_is_put_back(
    before: dict[str, Value], first: dict[str, Value], second: dict[str, Value]
) -> None:
    """Whatever our two applies switched, released settings are those before the first of them."""
    # Zones that were attached before us stay attached: dropping them needs --adopt.
    for after in (first, second):
        after[mc.ZONES] = frozenset({*_zones(before), *_zones(after)})
    tag = remember(remember("", changed(before, first)), changed(first, second))
    back = released(tag, second)
    expected = {path: before[path] for path, _ in [*changed(before, first), *changed(first, second)]}
    meaningless = {
        path
        for path, parent in mc.PARENTS.items()
        if path in expected and {**second, **expected}[parent] in (None, OFF[parent])
    }
    assert back == {
        path: value
        for path, value in expected.items()
        if path not in mc.IRREVERSIBLE | ONE_WAY and path not in meaningless
    }


def _zones(settings_: dict[str, Value]) -> frozenset[Value]:
    zones = settings_[mc.ZONES]
    assert isinstance(zones, frozenset)
    return zones


@given(WORLDS, WORLDS)
def test_remembering_twice_is_remembering_once(before: dict[str, Value], after: dict[str, Value]) -> None:
    tag = remember("", changed(before, after))
    assert remember(tag, changed(before, after)) == tag
    assert remember(tag, changed(after, before)) == tag
    assert remember(tag, []) == tag


def test_the_tag_fits() -> None:
    """A tag's value has at most 256 characters ("Use tags to organize your Azure resources", 2026-03)."""
    zones = frozenset(CaseInsensitive(ZONE.format(each)) for each in range(5))
    longest: dict[str, Value] = {**OFF, mc.ZONES: zones, mc.NGINX_CONTROLLER: "AnnotationControlled"}
    tag = remember("", list(longest.items()))
    assert len(tag) <= 256
    hashes = [entry.removeprefix("zones=").split(",") for entry in tag.split() if entry.startswith("zones=")]
    assert hashes == [sorted(map(mc.short_hash, map(str, zones)))]
    assert tag.startswith("app=0 nginx=AnnotationControlled zones=")


def test_a_zone_is_remembered_without_case_and_only_while_it_is_attached() -> None:
    here, gone = CaseInsensitive(ZONE.format("here")), CaseInsensitive(ZONE.format("gone"))
    tag = remember("", [(mc.ZONES, frozenset({here, gone}))])
    current: dict[str, Value] = {
        mc.APP_ROUTING: True,
        mc.ZONES: frozenset({CaseInsensitive(here.upper()), CaseInsensitive(ZONE.format("ours"))}),
    }
    assert released(tag, current) == {mc.ZONES: frozenset({here})}


def test_a_cluster_without_a_controller_type_gets_the_usual_one_back() -> None:
    tag = remember("", [(mc.NGINX_CONTROLLER, None)])
    assert released(tag, {}) == {mc.NGINX_CONTROLLER: "AnnotationControlled"}


def test_what_else_stands_in_the_tag_is_let_be() -> None:
    assert released("", {}) == {}
    assert released("hello x=1 app=0", {}) == {mc.APP_ROUTING: False}
    assert remember("hello x=1", [(mc.APP_ROUTING, True)]) == "x=1 app=1"
