"""A change: one resource and what will be done to it, with the fields and the reason."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from enum import StrEnum

from provision.errors import ProvisionError
from provision.resources.observed import Observed
from provision.resources.resource import Resource
from provision.resources.values import Value, plain


class Action(StrEnum):
    """What will be done to one resource."""

    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"
    DELETE = "delete"
    NO_OP = "no-op"


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One property before and after. A `Ref` in `after` is known only after another change."""

    path: str
    before: Value
    after: Value


@dataclass(frozen=True, slots=True)
class Change:
    """One resource and its action.

    `resource` has every ref resolved that was known at planning time. `fields` are the differences
    (none for a no-op; every property for a create). `blocked` is why it can't be done, if it can't.
    """

    resource: Resource
    observed: Observed
    action: Action
    fields: tuple[FieldChange, ...] = ()
    reason: str = ""
    blocked: ProvisionError | None = None
    awaits_others: bool = False
    """What is missing is another team's to make: it ends as failed, but holds up only what depends on it."""
    digest: str = ""
    """Digest of the resource as declared, refs unresolved, so that it is the same in every run."""
    release: bool = False
    """Gives a shared object back: the update also removes our marks."""

    @property
    def address(self) -> str:
        return self.resource.address


def digest(resource: Resource) -> str:
    """16 hex digits of the properties as declared, written into the mark of what was applied."""
    declared = {path: plain(value) for path, value in resource.properties().items()}
    text = json.dumps(declared, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
