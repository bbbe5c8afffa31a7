"""The outcomes of an apply or a destroy, as text and as JSON."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence

from provision.apply.events import Outcome, Status
from provision.report.style import Style
from provision.resources.values import plain

_ORDER = (
    Status.CREATED,
    Status.UPDATED,
    Status.REPLACED,
    Status.DELETED,
    Status.UNCHANGED,
    Status.SKIPPED,
    Status.FAILED,
)
_COLOURS = {Status.FAILED: "red", Status.SKIPPED: "yellow", Status.DELETED: "red", Status.UNCHANGED: "dim"}


def outcome_line(outcome: Outcome, style: Style) -> str:
    """`created dns_zone/contoso.com (1.2 s)`, and under what name or address it can be found."""
    head = style(_COLOURS.get(outcome.status, "green"), f"{outcome.status:9}")
    tail = f" ({outcome.seconds:.1f} s)" if outcome.seconds >= 0.05 else ""
    reason = f": {outcome.reason}" if outcome.reason else ""
    made = "".join(f", {name} {value}" for name, value in outcome.made.items())
    return f"{head} {outcome.change.address}{reason}{tail}{made}"


def outcomes_text(outcomes: Sequence[Outcome], style: Style, unchecked: Iterable[str] = ()) -> str:
    """Failures in full, then how every change ended, in numbers."""
    lines: list[str] = []
    for outcome in outcomes:
        if outcome.error:
            lines += ["", style("red", "Error: ") + str(outcome.error)]
    skipped = [outcome for outcome in outcomes if outcome.status is Status.SKIPPED]
    if skipped:
        lines.append("")
        lines += [outcome_line(outcome, style) for outcome in skipped]
    lines += [style("yellow", f"Not checked: {part}") for part in unchecked]
    return "\n".join([*lines, "", style("bold", sums(outcomes))]).lstrip("\n") + "\n"


def sums(outcomes: Sequence[Outcome]) -> str:
    """`10 changes: 6 created, 1 updated, 3 unchanged.`"""
    counts = Counter(outcome.status for outcome in outcomes)
    parts = ", ".join(f"{counts[status]} {status.value}" for status in _ORDER if counts[status])
    return f"{len(outcomes)} changes: {parts}." if outcomes else "Nothing to do."


def outcomes_json(profile: str, outcomes: Sequence[Outcome], unchecked: Iterable[str] = ()) -> str:
    """Every outcome for a program."""
    body = {
        "profile": profile,
        "outcomes": [
            {
                "resource": outcome.change.address,
                "action": outcome.change.action.value,
                "status": outcome.status.value,
                "seconds": round(outcome.seconds, 3),
                "reason": outcome.reason or None,
                "error": str(outcome.error) if outcome.error else None,
                **(
                    {"outputs": {name: plain(value) for name, value in outcome.made.items()}}
                    if outcome.made
                    else {}
                ),
            }
            for outcome in outcomes
        ],
        "unchecked": [{"resource": None, "why": part} for part in unchecked],
    }
    return json.dumps(body, indent=2, ensure_ascii=False) + "\n"
