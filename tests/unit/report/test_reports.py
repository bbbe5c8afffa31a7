"""What plans, outcomes and drift reports look like, word for word."""

from __future__ import annotations

import json

import pytest

from provision.plan.change import FieldChange
from provision.report.drift import drift_json, drift_text
from provision.report.outcomes import outcomes_json, outcomes_text, sums
from provision.report.plans import plan_json, plan_text
from provision.report.style import Style
from provision.report.values import field_line, shown
from provision.resources.ref import Ref
from provision.resources.values import Value

from . import examples
from .golden import check

PLAIN = Style()
COLOUR = Style(colour=True)


@pytest.mark.parametrize("name", examples.PLANS)
def test_plan_text(name: str) -> None:
    check(f"plan_{name}.txt", plan_text(examples.PLANS[name], examples.WHERE, PLAIN))


def test_plan_text_in_colour() -> None:
    check("plan_changes.ansi", plan_text(examples.PLANS["changes"], examples.WHERE, COLOUR))


def test_notes_stand_under_the_plan() -> None:
    text = plan_text(examples.PLANS["destroy"], examples.WHERE, PLAIN, ["it stays on"])
    assert "\nNote: it stays on\n" in text


@pytest.mark.parametrize("name", ["changes", "unread", "missing", "awaited", "refused"])
def test_plan_json(name: str) -> None:
    text = plan_json(examples.PLANS[name], ["a note"])
    check(f"plan_{name}.json", text)
    body = json.loads(text)
    told = [each["resource"] for part in ("changes", "unchecked", "errors") for each in body[part]]
    planned = {change.address for change in examples.PLANS[name].changes}
    assert {*told, *body["unchanged"]} - {None} == planned


def test_outcomes_text() -> None:
    check("outcomes.txt", outcomes_text(examples.OUTCOMES, PLAIN, ["the rest"]))
    check("outcomes.ansi", outcomes_text(examples.OUTCOMES, COLOUR))


def test_outcomes_json() -> None:
    check("outcomes.json", outcomes_json("shop", examples.OUTCOMES, ["the rest"]))


def test_sums() -> None:
    assert sums(()) == "Nothing to do."
    assert sums(examples.OUTCOMES[:1] * 2) == "2 changes: 2 created."
    assert outcomes_text((), PLAIN) == "Nothing to do.\n"


@pytest.mark.parametrize("name", examples.DRIFT)
def test_drift_text(name: str) -> None:
    check(f"drift_{name}.txt", drift_text(examples.DRIFT[name], PLAIN))


def test_drift_text_in_colour() -> None:
    check("drift_found.ansi", drift_text(examples.DRIFT["found"], COLOUR))
    check("drift_certificates.ansi", drift_text(examples.DRIFT["certificates"], COLOUR))


def test_drift_json() -> None:
    text = drift_json(list(examples.DRIFT.values()))
    check("drift.json", text)
    assert [each["inSync"] for each in json.loads(text)] == [True, False, True, False, False]


def test_colour_changes_nothing_but_colour() -> None:
    import re

    def bare(text: str) -> str:
        return re.sub(r"\x1b\[\d+m", "", text)

    for plan in examples.PLANS.values():
        assert bare(plan_text(plan, "w", COLOUR)) == plan_text(plan, "w", PLAIN)
    for report in examples.DRIFT.values():
        assert bare(drift_text(report, COLOUR)) == drift_text(report, PLAIN)
    assert bare(outcomes_text(examples.OUTCOMES, COLOUR)) == outcomes_text(examples.OUTCOMES, PLAIN)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "(none)"),
        (True, "true"),
        (False, "false"),
        (7, "7"),
        ("", '""'),
        ("first:\n  second\n", "first: ⏎ second"),
        (frozenset(), "[]"),
        (frozenset({"b", "a"}), "[a, b]"),
        (("b", "a"), "[b, a]"),
        ({"a": True, "b": ("x",)}, "{a: true, b: [x]}"),
        (Ref("dns_zone/z", "id"), "(known after dns_zone/z)"),
        ("/subscriptions/1/resourceGroups/g/providers/P/t/name", "name"),
        ("https://issuer.example/x", "https://issuer.example/x"),
    ],
)
def test_values(value: Value, text: str) -> None:
    assert shown(value) == text
    assert field_line(FieldChange("p", None, value), creating=True) == f"p: {text}"
    assert field_line(FieldChange("p", value, 1), creating=False) == f"p: {text} → 1"
