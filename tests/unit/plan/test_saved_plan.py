"""Plans in a file: they come back as they were, and are carried out exactly or not at all."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provision.errors import StalePlanError, UsageError
from provision.plan import saved
from provision.plan.change import Action, Change, FieldChange
from provision.plan.plan import Plan
from provision.resources.dns import DnsZone
from provision.resources.observed import Absent
from provision.resources.ref import Ref
from provision.resources.values import CaseInsensitive, Value

VALUES: st.SearchStrategy[Value] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(0, 9),
    st.text(max_size=4),
    st.text("aB", max_size=2).map(CaseInsensitive),
    st.frozensets(st.text(max_size=2), max_size=2),
    st.just(Ref("dns_zone/z", "id")),
)
FIELDS = st.builds(FieldChange, st.sampled_from(["p", "q"]), VALUES, VALUES)


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    names = draw(st.lists(st.sampled_from("abcd"), min_size=1, unique=True))
    changes = [
        Change(
            DnsZone(name=name, id=""),
            Absent(),
            draw(st.sampled_from(Action)),
            tuple(draw(st.lists(FIELDS, max_size=2))),
            draw(st.sampled_from(["", "does not exist", "Größe ≠ 1"])),
        )
        for name in names
    ]
    return Plan("shop", tuple(changes))


def through_a_file(plan: Plan) -> saved.SavedPlan:
    text = saved.dump(plan, {"name": "shop"}, "p.yaml", True, ("dns_zone/a",))
    assert saved.is_saved_plan(text)
    return saved.parse(text, "plan.json")


@given(plans())
def test_a_saved_plan_is_confirmed_by_the_same_plan(plan: Plan) -> None:
    read = through_a_file(plan)
    assert (read.profile, read.file, read.adopt, read.targets) == (
        {"name": "shop"},
        "p.yaml",
        True,
        ("dns_zone/a",),
    )
    assert [change["resource"] for change in read.changes] == [each.address for each in plan.pending()]
    saved.confirm(read, plan)


EDITS: dict[str, Callable[[Change], Change]] = {
    "action": lambda change: replace(
        change, action=Action.DELETE if change.action is Action.CREATE else Action.CREATE
    ),
    "reason": lambda change: replace(change, reason=f"{change.reason}!"),
    "field": lambda change: replace(change, fields=(*change.fields, FieldChange("new", None, None))),
    "before": lambda change: replace(
        change, fields=(FieldChange("p", "other than any", 1), *change.fields[1:])
    ),
    "after": lambda change: replace(
        change, fields=(FieldChange("p", 1, "other than any"), *change.fields[1:])
    ),
    "resource": lambda change: replace(change, resource=DnsZone(name="other", id="")),
    "gone": lambda change: replace(change, action=Action.NO_OP),
}


@given(plans(), st.sampled_from(sorted(EDITS)), st.integers(0, 3))
def test_a_saved_plan_is_refused_when_any_change_is_another(plan: Plan, edit: str, number: int) -> None:
    pending = plan.pending()
    if not pending:
        return
    changed = pending[number % len(pending)]
    now = replace(
        plan, changes=tuple(EDITS[edit](each) if each is changed else each for each in plan.changes)
    )
    with pytest.raises(StalePlanError) as caught:
        saved.confirm(through_a_file(plan), now)
    assert changed.address in str(caught.value)
    with pytest.raises(StalePlanError):
        saved.confirm(through_a_file(now), plan)


def test_another_order_is_another_plan() -> None:
    one, two = (Change(DnsZone(name=name, id=""), Absent(), Action.CREATE) for name in "ab")
    with pytest.raises(StalePlanError, match="another order"):
        saved.confirm(through_a_file(Plan("shop", (one, two))), Plan("shop", (two, one)))


def test_what_is_unchanged_is_not_saved() -> None:
    change = Change(DnsZone(name="a", id=""), Absent(), Action.NO_OP)
    assert through_a_file(Plan("shop", (change,))).changes == ()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "not a saved plan"),
        ("[]", "not a saved plan"),
        ('{"changes": []}', r"not a saved plan \('format'\)"),
        ('{"format": 1, "changes": []}', "not a saved plan"),
        ('{"format": 2, "changes": []}', "it has format 2, this version reads 1"),
    ],
)
def test_what_is_no_saved_plan(text: str, why: str) -> None:
    with pytest.raises(UsageError, match=why) as caught:
        saved.parse(text, "plan.json")
    assert "plan.json" in caught.value.doing


@pytest.mark.parametrize(
    ("text", "expected"),
    [('\n {"changes": []}', True), ("name: shop\n", False), ("{name: shop}", False), ("", False)],
)
def test_a_plan_is_told_from_a_profile(text: str, expected: bool) -> None:
    assert saved.is_saved_plan(text) is expected


def test_a_file_can_be_read_by_people() -> None:
    assert '"name": "Größe"' in saved.dump(Plan("shop", ()), {"name": "Größe"}, "p", False, ())


def test_refs_and_sets_in_a_file() -> None:
    fields = (FieldChange("p", frozenset({"b", "a"}), Ref("dns_zone/z", "id")),)
    plan = Plan("shop", (Change(DnsZone(name="a", id=""), Absent(), Action.UPDATE, fields, "why"),))
    assert json.loads(saved.dump(plan, {}, "p", False, ()))["changes"] == [
        {
            "resource": "dns_zone/a",
            "action": "update",
            "reason": "why",
            "fields": [{"path": "p", "before": ["a", "b"], "after": {"ref": "dns_zone/z.id"}}],
        }
    ]
