"""The limit on deletes in a zone."""

from __future__ import annotations

import pytest

from provision.plan.change import Action, Change
from provision.plan.safety import deletes_too_much
from provision.resources.dns import DnsZone, RecordSet
from provision.resources.observed import Absent, Present

ZONE = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/dnsZones/contoso.com"


def changes(count: int, action: Action, zone: str = ZONE) -> list[Change]:
    record = RecordSet(
        name="contoso.com/A/x", zone_id=zone, visibility="public", record_type="A", record_name="x", ttl=1
    )
    return [Change(record, Absent() if action is Action.CREATE else Present(), action)] * count


@pytest.mark.parametrize(
    ("kept", "deleted", "refused"),
    [
        (0, 9, False),
        (7, 3, False),
        (6, 4, True),
        (0, 10, True),
        (70, 30, False),
        (69, 31, True),
        (100, 0, False),
    ],
)
def test_more_than_30_percent_of_at_least_10(kept: int, deleted: int, refused: bool) -> None:
    planned = changes(kept, Action.NO_OP) + changes(deleted, Action.DELETE)
    assert bool(deletes_too_much(planned)) is refused


def test_what_is_made_only_now_does_not_count() -> None:
    assert deletes_too_much(
        changes(100, Action.CREATE) + changes(6, Action.UPDATE) + changes(4, Action.DELETE)
    )


def test_each_zone_counts_for_itself_whatever_case_its_id_has() -> None:
    other = ZONE.replace("contoso.com", "other.example")
    safe = changes(100, Action.NO_OP, other)
    planned = [*safe, *changes(6, Action.NO_OP), *changes(4, Action.DELETE, ZONE.upper())]
    (error,) = deletes_too_much(planned)
    assert str(error).startswith("planning zone contoso.com: 4 of 10 record sets would be deleted")
    assert "add --force" in str(error)


def test_zones_are_no_record_sets() -> None:
    zones = [Change(DnsZone(name=f"z{number}", id=ZONE), Present(), Action.DELETE) for number in range(20)]
    assert deletes_too_much(zones) == ()
