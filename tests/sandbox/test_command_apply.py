"""apply, plan and drift over the life of a profile."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from command_line import PROD, CommandLine, Ran


@pytest.mark.parametrize("name", ["prod", "dev", "nginx"])
def test_a_profile_is_applied_once_and_then_in_sync(
    name: str, provision: CommandLine, applied: Callable[[str], Ran]
) -> None:
    profile = (f"profiles/{name}.yaml", "--sandbox")
    before = provision("plan", *profile, "--format", "json")
    assert before.code == 2
    planned = before.json()
    first = applied(name).statuses()
    assert set(first) == {change["resource"] for change in planned["changes"]} | set(planned["unchanged"])
    assert set(first.values()) <= {"created", "updated", "unchanged"}
    assert [address for address, status in first.items() if status == "unchanged"] == planned["unchanged"]

    again = provision("apply", *profile, "--format", "json")
    assert again.code == 0
    assert set(again.statuses().values()) == {"unchanged"}
    assert again.writes() == []
    after = provision("plan", *profile)
    assert after.code == 0
    assert after.out.splitlines()[-1].startswith("No changes: ")
    drift = provision("drift", *profile)
    assert (drift.code, "in sync" in drift.out) == (0, True)


def test_a_plan_changes_nothing(provision: CommandLine) -> None:
    assert provision("plan", *PROD).writes() == []
    assert provision("plan", *PROD).code == 2
