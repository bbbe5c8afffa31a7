"""How long Azure lets a plan take, where that is minutes."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable

from provision.plan.change import Action, Change
from provision.resources.dns import CHANGES_A_MINUTE, RecordSet


def notes(changes: Iterable[Change]) -> tuple[str, ...]:
    """A note if record sets change that Azure does not take within a minute."""
    counts: Counter[tuple[str, str]] = Counter()
    for change in changes:
        record = change.resource
        if isinstance(record, RecordSet) and change.action is not Action.NO_OP:
            counts[record.visibility, record.zone_id.casefold()] += 1
    # All zones of a subscription together have what Microsoft.Network takes, a public zone's 200 a minute.
    whole = counts.total() / CHANGES_A_MINUTE["public"]
    minutes = max([whole, *(count / CHANGES_A_MINUTE[kind] for (kind, _), count in counts.items())])
    if minutes <= 1:
        return ()
    limits = " and ".join(
        f"{CHANGES_A_MINUTE[kind]} a minute of a {kind} zone"
        for kind in CHANGES_A_MINUTE
        if any(each == kind for each, _ in counts)
    )
    return (
        f"{counts.total()} record sets change, and Azure takes {limits}: about {math.ceil(minutes)} minutes.",
    )
