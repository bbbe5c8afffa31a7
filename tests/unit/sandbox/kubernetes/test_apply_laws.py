"""Laws of server-side apply, for objects of every structure a schema can have."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from provision.sandbox.http import Json
from provision.sandbox.kubernetes import managers, structure
from provision.sandbox.kubernetes.object_schema import object_schema
from provision.sandbox.kubernetes.objects import Kind
from provision.sandbox.kubernetes.server_side_apply import apply, update
from provision.sandbox.kubernetes.shapes import array, atomic, integer, mapping, record, text

SPEC = record(
    class_=text(),
    count=integer(),
    labels=mapping(text()),
    selector=atomic(mapping(text())),
    hosts=array(text()),
    finalizers=array(text(), unique=True),
    listeners=array(
        record(["name"], name=text(), port=integer(), tls=record(mode=text(), options=mapping(text()))),
        keys=["name"],
    ),
)
KIND = Kind("example.org", "v1", "Thing", "things", True, schema=record(spec=SPEC), status=False)

WORDS = st.sampled_from("abc")
MAPS = st.dictionaries(WORDS, WORDS, min_size=1, max_size=3)
LISTENERS = st.dictionaries(
    WORDS,
    st.fixed_dictionaries(
        {},
        optional={
            "port": st.integers(1, 3),
            "tls": st.fixed_dictionaries({"mode": WORDS}, optional={"options": MAPS}),
        },
    ),
    min_size=1,
    max_size=3,
).map(lambda found: [{"name": name, **rest} for name, rest in found.items()])
SPECS = st.fixed_dictionaries(
    {},
    optional={
        "class": WORDS,
        "count": st.integers(0, 2),
        "labels": MAPS,
        "selector": MAPS,
        "hosts": st.lists(WORDS, min_size=1, max_size=3),
        "finalizers": st.lists(WORDS, min_size=1, max_size=3, unique=True),
        "listeners": LISTENERS,
    },
)


def thing(spec: Json) -> Json:
    body: Json = {"apiVersion": "example.org/v1", "kind": "Thing", "metadata": {"name": "thing"}}
    return body | ({"spec": copy.deepcopy(spec)} if spec else {})


def applied(live: Json | None, spec: Json, manager: str, *, force: bool = False, now: str = "1") -> Json:
    return apply(live, thing(spec), kind=KIND, manager=manager, force=force, now=now)


def spec_of(body: Json) -> Any:
    return body.get("spec", {})


def owned(body: Json, manager: str) -> frozenset[tuple[str, ...]]:
    known = managers.read(body["metadata"].get("managedFields"))
    return frozenset().union(*(each.fields for who, each in known.items() if who.name == manager))


@given(SPECS, SPECS)
def test_applying_twice_is_applying_once(first: Json, second: Json) -> None:
    once = applied(applied(None, first, "first"), second, "second", force=True)
    assert applied(once, second, "second", now="2") == once


@given(SPECS)
def test_equal_values_are_shared_without_conflict(spec: Json) -> None:
    made = applied(None, spec, "first")
    shared = applied(made, spec, "second")
    assert spec_of(shared) == spec_of(made)
    assert owned(shared, "second") == owned(shared, "first") == owned(made, "first")


@given(SPECS, SPECS)
def test_what_two_apply_without_conflict_is_the_union(first: Json, second: Json) -> None:
    agreeing = structure.merge(SPEC, second, first)
    both = applied(applied(None, first, "first"), agreeing, "second", force=True)
    assert spec_of(both) == agreeing


@given(SPECS, SPECS)
def test_what_no_one_manages_any_more_disappears(first: Json, second: Json) -> None:
    made = applied(applied(None, first, "first"), second, "second", force=True)
    left = applied(made, {}, "second")
    gone = applied(left, {}, "first")
    assert "spec" not in gone
    assert "managedFields" not in gone["metadata"]


@given(SPECS, SPECS)
def test_fields_of_others_survive_when_ours_go(theirs: Json, ours: Json) -> None:
    made = update(None, thing(theirs), kind=KIND, manager="them", now="1")
    both = applied(made, ours, "us", force=True)
    left = applied(both, {}, "us")
    shape = object_schema(KIND)
    ours_only = structure.compare(shape, made, thing(structure.merge(SPEC, theirs, ours)))
    survived = structure.field_set(shape, thing(spec_of(left)))
    untouched = structure.field_set(shape, thing(theirs)) - ours_only.modified
    assert untouched <= survived


@given(SPECS, SPECS)
def test_force_leaves_what_was_applied_and_one_owner_of_what_changed(first: Json, second: Json) -> None:
    made = applied(None, first, "first")
    forced = applied(made, second, "second", force=True)
    shape = object_schema(KIND)
    assert structure.field_set(shape, thing(second)) - managers.NEVER_MANAGED == owned(forced, "second")
    changed = structure.compare(shape, thing(spec_of(made)), thing(spec_of(forced)))
    assert not owned(forced, "first") & (changed.modified | changed.added | changed.removed)


@given(st.lists(st.tuples(WORDS, SPECS, st.booleans()), min_size=1, max_size=5))
def test_every_managed_field_is_in_the_object(operations: list[tuple[str, Json, bool]]) -> None:
    live: Json | None = None
    for manager, spec, by_update in operations:
        if by_update:
            sent = thing(spec)
            sent["metadata"]["managedFields"] = (live or {}).get("metadata", {}).get("managedFields")
            live = update(live, sent, kind=KIND, manager=manager, now="1")
        else:
            live = applied(live, spec, manager, force=True)
    assert live is not None
    shape = object_schema(KIND)
    present = structure.with_declared_parents(shape, structure.field_set(shape, live))
    for manager in "abc":
        assert owned(live, manager) <= present
