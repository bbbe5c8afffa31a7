"""What happens during an apply, as values; renderers listen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from provision.errors import ProvisionError
from provision.plan.change import Action, Change
from provision.resources.values import Value


class Status(StrEnum):
    """How a change ended."""

    CREATED = "created"
    UPDATED = "updated"
    REPLACED = "replaced"
    DELETED = "deleted"
    UNCHANGED = "unchanged"
    SKIPPED = "skipped"
    FAILED = "failed"


DONE = {
    Action.CREATE: Status.CREATED,
    Action.UPDATE: Status.UPDATED,
    Action.REPLACE: Status.REPLACED,
    Action.DELETE: Status.DELETED,
    Action.NO_OP: Status.UNCHANGED,
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one change ended, after `seconds`; `reason` for a skip, `error` for a failure. `made` are outputs
    that a reader wants to know, such as a name under which something can be reached now."""

    change: Change
    status: Status
    seconds: float = 0.0
    reason: str = ""
    error: ProvisionError | None = None
    made: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Started:
    """A change begins."""

    change: Change


@dataclass(frozen=True, slots=True)
class Progress:
    """Something to tell of a running change ("waiting for operation … of another client")."""

    change: Change
    text: str


@dataclass(frozen=True, slots=True)
class Finished:
    """A change has ended."""

    outcome: Outcome


Event = Started | Progress | Finished
Listener = Callable[[Event], None]
