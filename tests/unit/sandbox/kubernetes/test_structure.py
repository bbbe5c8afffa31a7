"""Merging and pruning by structure, where the order of items and the emptying of containers matter."""

from __future__ import annotations

import pytest

from provision.sandbox.kubernetes import structure
from provision.sandbox.kubernetes.shapes import array, atomic, mapping, record, text

NAMED = array(record(["name"], name=text(), value=text()), keys=["name"])
SET = array(text(), unique=True)


@pytest.mark.parametrize(
    ("live", "applied", "merged"),
    [
        ("", "ab", "ab"),
        ("ab", "", "ab"),
        ("ab", "ba", "ba"),
        ("axb", "ab", "axb"),
        ("abx", "ba", "bxa"),
        ("ab", "anb", "anb"),
        ("xa", "na", "xna"),
        ("ax", "an", "axn"),
    ],
)
def test_applied_order_wins_and_live_items_keep_their_place(live: str, applied: str, merged: str) -> None:
    assert structure.merge(SET, list(live), list(applied)) == list(merged)


def test_items_merge_by_key() -> None:
    live = [{"name": "a", "value": "1", "extra": True}, {"name": "b"}]
    assert structure.merge(NAMED, live, [{"name": "a", "value": "2"}]) == [
        {"name": "a", "value": "2", "extra": True},
        {"name": "b"},
    ]


def test_atomic_values_are_replaced_whole() -> None:
    shape = record(labels=atomic(mapping(text())), hosts=array(text()))
    merged = structure.merge(
        shape, {"labels": {"a": "1"}, "hosts": ["a"]}, {"labels": {"b": "2"}, "hosts": ["b"]}
    )
    assert merged == {"labels": {"b": "2"}, "hosts": ["b"]}


def test_a_container_that_becomes_empty_goes_and_one_that_was_empty_stays() -> None:
    shape = record(spec=record(labels=mapping(text()), other=mapping(text())))
    doomed = frozenset([("f:spec", "f:labels", "f:a")])
    assert structure.remove(shape, {"spec": {"labels": {"a": "1"}, "other": {}}}, doomed) == {
        "spec": {"other": {}}
    }


def test_an_added_container_counts_with_all_that_is_in_it() -> None:
    shape = record(metadata=record(labels=mapping(text())))
    found = structure.compare(shape, {"metadata": {}}, {"metadata": {"labels": {"a": "1"}}})
    assert found.added == {("f:metadata", "f:labels"), ("f:metadata", "f:labels", "f:a")}
    assert not found.removed | found.modified


def test_an_absent_key_takes_its_default() -> None:
    shape = array(record(port=text(), protocol=text(default="TCP")), keys=["port", "protocol"])
    assert structure.item_element(shape, {"port": 80}) == 'k:{"port":80,"protocol":"TCP"}'


def test_one_item_twice_has_no_field_set() -> None:
    with pytest.raises(structure.DuplicateItemError):
        structure.field_set(NAMED, [{"name": "a"}, {"name": "a"}])
