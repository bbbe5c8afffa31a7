"""Plans in a file: reviewed now, applied later, exactly or not at all.

The file holds the profile as planned and the changes as shown. Applying it reads what is there again
and plans again; only if the same changes come out are they carried out.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from provision.errors import StalePlanError, UsageError
from provision.plan.change import Change
from provision.plan.plan import Plan
from provision.resources.values import plain

FORMAT = 1


@dataclass(frozen=True, slots=True)
class SavedPlan:
    """A plan file's contents. `profile` is the profile with a profile file's keys."""

    profile: Mapping[str, Any]
    file: str
    adopt: bool
    targets: tuple[str, ...]
    changes: tuple[Mapping[str, Any], ...]


def change_as_plain(change: Change) -> dict[str, Any]:
    """One change as JSON: what will be done to what, field by field."""
    return {
        "resource": change.address,
        "action": change.action.value,
        "reason": change.reason,
        "fields": [
            {"path": field.path, "before": plain(field.before), "after": plain(field.after)}
            for field in change.fields
        ],
    }


def dump(plan: Plan, profile: Mapping[str, Any], file: str, adopt: bool, targets: tuple[str, ...]) -> str:
    """The text of a plan file."""
    body = {
        "format": FORMAT,
        "file": file,
        "adopt": adopt,
        "targets": list(targets),
        "profile": profile,
        "changes": [change_as_plain(change) for change in plan.pending()],
    }
    return json.dumps(body, indent=2, ensure_ascii=False) + "\n"


def is_saved_plan(text: str) -> bool:
    """Whether a file's text is a plan of ours (a profile is YAML and begins otherwise)."""
    return text.lstrip().startswith("{") and '"changes"' in text


def parse(text: str, file: str) -> SavedPlan:
    """The plan in a file. Raises UsageError when it is none or of another format."""
    doing = f"reading plan {file}"
    try:
        body = json.loads(text)
        if body["format"] != FORMAT:
            raise UsageError(
                doing, f"it has format {body['format']}, this version reads {FORMAT}", "Plan again."
            )
        return SavedPlan(
            body["profile"],
            str(body["file"]),
            bool(body["adopt"]),
            tuple(body["targets"]),
            tuple(body["changes"]),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(doing, f"not a saved plan ({error})", "Make one with provision plan -o.") from error


def confirm(saved: SavedPlan, plan: Plan) -> None:
    """Raise StalePlanError unless planning again gave just the saved changes."""
    now = [change_as_plain(change) for change in plan.pending()]
    reviewed = list(saved.changes)
    if now == reviewed:
        return
    before = {str(change["resource"]): change for change in reviewed}
    after = {str(change["resource"]): change for change in now}
    moved = [address for address in {**before, **after} if before.get(address) != after.get(address)]
    raise StalePlanError(
        "applying the saved plan",
        f"what is there has changed since it was made: {', '.join(moved) or 'another order'}",
        "Plan again, review, then apply the new plan.",
    )
