"""The limit on deletes in a zone: what octoDNS calls an unsafe plan."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from provision.errors import UnsafePlanError
from provision.plan.change import Action, Change
from provision.resources.dns import RecordSet
from provision.resources.observed import Present

FEWEST = 10
"""Record sets that a zone must have for the limit to hold. Source: octoDNS, MIN_EXISTING_RECORDS."""
MOST_PERCENT = 30
"""Of the record sets there are. Source: octoDNS, DELETE_PCENT_THRESHOLD."""


def deletes_too_much(changes: Iterable[Change]) -> tuple[UnsafePlanError, ...]:
    """An error for each zone that would lose more than 30 % of at least 10 record sets.

    Counted are the record sets that the plan knows to exist: the profile's, and ours that it no longer has.
    A destroy is meant to delete, and is not asked.
    """
    existing: Counter[str] = Counter()
    deleted: Counter[str] = Counter()
    for change in changes:
        record = change.resource
        if isinstance(record, RecordSet) and isinstance(change.observed, Present):
            zone = record.zone_id.casefold()
            existing[zone] += 1
            deleted[zone] += change.action is Action.DELETE
    return tuple(
        UnsafePlanError(
            f"planning zone {zone.rpartition('/')[2]}",
            f"{count} of {existing[zone]} record sets would be deleted; over {MOST_PERCENT} % is refused",
            "Check that nothing is missing from the profile; if it is meant, add --force.",
        )
        for zone, count in deleted.items()
        if existing[zone] >= FEWEST and count * 100 > existing[zone] * MOST_PERCENT
    )
