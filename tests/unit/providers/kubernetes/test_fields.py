"""Fields of objects: by path, and by manager."""

from __future__ import annotations

from typing import Any

import pytest

from provision.providers.kubernetes.fields import at, managers, manages, steps, surplus
from provision.resources.manifest import leaves

BODY: dict[str, Any] = {
    "metadata": {"annotations": {"a.b/c": "1", "plain": "2"}},
    "spec": {
        "listeners": [{"name": "https", "port": 443}, {"name": "my.host", "port": 80, "list": [{"x": [1]}]}],
        "zones": ["a", "b"],
    },
}


def test_every_path_of_an_object_leads_to_its_value() -> None:
    found = dict(leaves(BODY))
    assert "spec.listeners[my.host].list" in found
    assert found == {path: at(BODY, path) for path in found}


@pytest.mark.parametrize(
    "path", ["spec.listeners[other].port", "spec.zones.a", "status", "metadata.annotations[x.y]"]
)
def test_what_is_not_there_is_none(path: str) -> None:
    assert at(BODY, path) is None


def test_a_bracket_is_one_step() -> None:
    assert steps("metadata.labels[a.b/c].d") == ["metadata", "labels", "a.b/c", "d"]


FIELDS: dict[str, Any] = {
    "f:metadata": {"f:labels": {".": {}, "f:a.b/c": {}}},
    "f:spec": {
        "f:rules": {},
        "f:listeners": {'k:{"name":"https"}': {".": {}, "f:name": {}, "f:port": {}}},
    },
}


@pytest.mark.parametrize(
    ("path", "held"),
    [
        ("metadata.labels[a.b/c]", True),
        ("metadata.labels.other", False),
        ("spec.listeners[https].port", True),
        ("spec.listeners[https].hostname", False),
        ("spec.listeners[http].port", False),
        ("spec.rules.anything.below", True),
        ("data.a", False),
    ],
)
def test_what_a_manager_holds(path: str, held: bool) -> None:
    assert manages(FIELDS, path) is held


def entry(manager: str, fields: dict[str, Any], **more: str) -> dict[str, Any]:
    return {"manager": manager, "operation": "Apply", "fieldsV1": fields, **more}


def test_a_status_is_nobodys_field() -> None:
    live = {"metadata": {"managedFields": [entry("x", {}, subresource="status"), entry("y", {}, time="t")]}}
    assert [(manager.name, manager.time) for manager in managers(live)] == [("y", "t")]


def live(**spec: Any) -> dict[str, Any]:
    """An object of which we applied two listeners, a set, ports and an annotation."""
    fields = {
        "f:metadata": {"f:annotations": {"f:a.b/c": {}}},
        "f:spec": {
            "f:listeners": {
                'k:{"name":"https"}': {".": {}, "f:name": {}, "f:port": {}},
                'k:{"name":"old"}': {".": {}, "f:name": {}},
            },
            "f:zones": {'v:"a"': {}, 'v:"z"': {}},
            "f:ports": {'k:{"port":80,"protocol":"TCP"}': {".": {}, "f:port": {}}},
        },
    }
    return {
        "metadata": {"annotations": {"a.b/c": "1"}, "managedFields": [entry("provision", fields)]},
        "spec": {
            "listeners": [{"name": "https", "port": 443}, {"name": "old"}],
            "zones": ["a", "z"],
            "ports": [{"port": 80, "protocol": "TCP"}],
            **spec,
        },
    }


def test_what_is_no_longer_declared_is_surplus() -> None:
    declared = {
        "spec": {"listeners": ({"name": "https", "port": 443},), "zones": ("a",), "ports": ({"port": 80},)}
    }
    assert surplus(live(), declared) == {
        "metadata.annotations[a.b/c]": "1",
        "spec.listeners[old]": {"name": "old"},
        "spec.zones[z]": "z",
    }


def test_what_is_declared_is_not() -> None:
    declared = {
        "metadata": {"annotations": {"a.b/c": "1"}},
        "spec": {
            "listeners": ({"name": "https", "port": 1}, {"name": "old"}),
            "zones": ("a", "z"),
            "ports": ({"port": 80},),
        },
    }
    assert surplus(live(), declared) == {}


def test_what_others_removed_already_is_not() -> None:
    declared: dict[str, Any] = {"metadata": {"annotations": {"a.b/c": "1"}}, "spec": {"zones": ("a", "z")}}
    assert surplus(live(listeners=[], ports=None), declared) == {}
