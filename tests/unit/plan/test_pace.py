"""How long Azure lets a plan of many record sets take."""

from __future__ import annotations

from typing import Literal

import pytest

from provision.plan import pace
from provision.plan.change import Action, Change
from provision.resources.dns import RecordSet
from provision.resources.observed import Absent


def changes(
    count: int, zone: str, visibility: Literal["public", "private"], action: Action = Action.CREATE
) -> list[Change]:
    record = RecordSet(
        name=f"{zone}/A/x", zone_id=zone, visibility=visibility, record_type="A", record_name="x", ttl=1
    )
    return [Change(record, Absent(), action)] * count


PUBLIC = "200 a minute of a public zone"
PRIVATE = "60 a minute of a private zone"


@pytest.mark.parametrize(
    ("planned", "expected"),
    [
        ([], None),
        (changes(200, "a", "public"), None),
        (changes(9000, "a", "public", Action.NO_OP), None),
        (
            changes(201, "a", "public"),
            f"201 record sets change, and Azure takes {PUBLIC}: about 2",
        ),
        (
            changes(3000, "a", "public", Action.DELETE),
            f"3000 record sets change, and Azure takes {PUBLIC}: about 15 minutes.",
        ),
        (changes(60, "a", "private"), None),
        (
            changes(90, "a", "private"),
            f"90 record sets change, and Azure takes {PRIVATE}: about 2",
        ),
        # Zones of their own, but one service.
        (changes(60, "a", "private") + changes(60, "b", "private"), None),
        (
            changes(600, "a", "public") + changes(300, "b", "private"),
            f"900 record sets change, and Azure takes {PUBLIC} and {PRIVATE}: about 5 minutes.",
        ),
        (
            [each for zone in "abcdefghij" for each in changes(60, zone, "private")],
            f"600 record sets change, and Azure takes {PRIVATE}: about 3 minutes.",
        ),
    ],
)
def test_the_note(planned: list[Change], expected: str | None) -> None:
    notes = pace.notes(planned)
    assert len(notes) == (expected is not None)
    assert all(note.startswith(expected or "") for note in notes)
