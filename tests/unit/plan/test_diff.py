"""Equality as Azure means it, and what differs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provision.plan.change import FieldChange, digest
from provision.plan.diff import diff, same
from provision.resources.dns import RecordSet
from provision.resources.ref import Ref
from provision.resources.values import CaseInsensitive, Value

TEXT = st.text("aAbB", max_size=2)
# Either kind of text, but one kind in a value: a path is compared with or without case, never both ways.
SCALARS = st.none() | st.booleans() | st.integers(0, 2)
PLAIN = st.recursive(
    SCALARS | TEXT,
    lambda inner: st.frozensets(inner, max_size=2) | st.tuples(inner, inner),
    max_leaves=4,
)
FOLDED = st.recursive(
    SCALARS | TEXT.map(CaseInsensitive),
    lambda inner: st.frozensets(inner, max_size=2) | st.tuples() | st.tuples(inner),
    max_leaves=4,
)
THREE = st.one_of(st.tuples(PLAIN, PLAIN, PLAIN), st.tuples(FOLDED, FOLDED, FOLDED))


@given(THREE)
def test_same_is_an_equivalence(values: tuple[Value, Value, Value]) -> None:
    one, two, three = values
    assert same(one, one)
    assert same(one, two) == same(two, one)
    if same(one, two) and same(two, three):
        assert same(one, three)


@pytest.mark.parametrize(
    ("one", "two"),
    [
        (None, frozenset()),
        ((), None),
        ({}, frozenset()),
        (CaseInsensitive("A"), "a"),
        (frozenset({CaseInsensitive("A"), CaseInsensitive("b")}), frozenset({CaseInsensitive("B"), "a"})),
        (("x", 1), ("x", 1)),
        ({"a": 1}, {"a": 1}),
    ],
)
def test_same(one: Value, two: Value) -> None:
    assert same(one, two)


@pytest.mark.parametrize(
    ("one", "two"),
    [
        (None, ""),
        (None, False),
        (None, 0),
        (False, 0),
        (True, 1),
        ("true", True),
        ("a", "A"),
        (("x", "y"), ("y", "x")),
        (frozenset({"a"}), frozenset({"a", "b"})),
        (Ref("dns_zone/z", "id"), "x"),
    ],
)
def test_not_same(one: Value, two: Value) -> None:
    assert not same(one, two)


PROPERTIES = st.dictionaries(st.sampled_from("pqrs"), PLAIN, max_size=4)


@given(PROPERTIES, PROPERTIES)
def test_a_diff_mentions_what_is_declared_and_differs(
    desired: dict[str, Value], observed: dict[str, Value]
) -> None:
    fields = diff(desired, observed)
    paths = [field.path for field in fields]
    assert paths == [path for path in desired if not same(desired[path], observed.get(path))]
    for field in fields:
        assert (field.before, field.after) == (observed.get(field.path), desired[field.path])
    settled = {**observed, **{field.path: field.after for field in fields}}
    assert diff(desired, settled) == ()


def test_a_ref_that_is_not_known_differs_from_everything() -> None:
    ref = Ref("dns_zone/z", "id")
    for value in (None, "x", frozenset[Value]()):
        assert diff({"p": ref}, {"p": value}) == (FieldChange("p", value, ref),)


def record(*values: str, ttl: int = 300) -> RecordSet:
    return RecordSet(
        name="r",
        zone_id="",
        visibility="public",
        record_type="TXT",
        record_name="r",
        ttl=ttl,
        values=frozenset(values),
    )


def test_a_digest_is_of_the_properties() -> None:
    assert digest(record("a", "b")) == digest(record("b", "a"))
    assert len({digest(record("a")), digest(record("b")), digest(record("a", ttl=1))}) == 3
    assert len(digest(record("a"))) == 16
