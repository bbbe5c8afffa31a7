"""Findings: each difference between a profile and what was observed, with its severity."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from fnmatch import fnmatchcase

from provision.errors import ForeignError
from provision.plan.change import Action, Change
from provision.plan.plan import Plan
from provision.profile.model import Ignore
from provision.resources.dns import RecordSet
from provision.resources.observed import Absent, Present, Unread
from provision.resources.ref import refs
from provision.resources.values import Value, plain


class Kind(StrEnum):
    """What sort of difference it is."""

    CHANGED = "changed"
    MISSING = "missing"
    LEFT_OVER = "left over"
    NOT_APPLIED = "not applied"
    RULED_OUT = "ruled out"


class Severity(StrEnum):
    """How much it matters: `error` can stop traffic or renewals, `warning` can't."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """One difference. `field` is empty when the object as a whole is missing or left over.

    `changed_by` and `changed_at` are what the service tells of the last change, empty where it does not.
    `note` is what stands in the way of repairing it: the object lost our mark, or the cluster can't have it.
    `ignored` is the reason of the profile's ignore rule that covers it.
    """

    address: str
    field: str
    kind: Kind
    severity: Severity
    desired: Value = None
    observed: Value = None
    changed_by: str = ""
    changed_at: str = ""
    note: str = ""
    ignored: str = ""


@dataclass(frozen=True, slots=True)
class Unchecked:
    """A resource about which nothing can be said, and why."""

    address: str
    why: str


@dataclass(frozen=True, slots=True)
class DriftReport:
    """The result for one profile. It is in sync only if there are no findings and nothing is unchecked."""

    profile: str
    findings: tuple[Finding, ...]
    ignored: tuple[Finding, ...]
    unchecked: tuple[Unchecked, ...]
    checked: int


def report(plan: Plan, ignores: Iterable[Ignore], today: str) -> DriftReport:
    """Findings of a plan that was made but not applied. `today` (ISO) decides which ignores still hold."""
    active = [ignore for ignore in ignores if ignore.expires is None or ignore.expires > today]
    findings = [_ignored(finding, active) for change in plan.changes for finding in _findings(change)]
    findings += [Finding("", "", Kind.RULED_OUT, Severity.ERROR, note=error.why) for error in plan.refused]
    unchecked = tuple(
        Unchecked(change.address, str(change.observed.error))
        for change in plan.changes
        if isinstance(change.observed, Unread)
    )
    unread = len(unchecked)
    unchecked += tuple(Unchecked(plan.profile, part) for part in plan.unchecked)
    return DriftReport(
        plan.profile,
        tuple(finding for finding in findings if not finding.ignored),
        tuple(finding for finding in findings if finding.ignored),
        unchecked,
        len(plan.changes) - unread,
    )


def _findings(change: Change) -> list[Finding]:
    observed = change.observed
    severity = Severity.WARNING if isinstance(change.resource, RecordSet) else Severity.ERROR
    if isinstance(observed, Absent):
        return [Finding(change.address, "", Kind.MISSING, severity)]
    if not isinstance(observed, Present):
        return []
    if change.action is Action.DELETE:
        return [Finding(change.address, "", Kind.LEFT_OVER, Severity.WARNING)]
    # Once our mark says that just this was applied, a difference is somebody else's doing.
    kind = Kind.CHANGED if observed.digest in (change.digest, None) else Kind.NOT_APPLIED
    note = _note(change)
    ruled_out = note != "" and not isinstance(change.blocked, ForeignError)
    whole = [Finding(change.address, "", Kind.RULED_OUT, Severity.ERROR, note=note)] if ruled_out else []
    return whole + [
        Finding(
            change.address,
            field.path,
            kind,
            severity,
            field.after,
            field.before,
            *observed.authors.get(field.path, (observed.changed_by, observed.changed_at)),
            note,
        )
        for field in change.fields
        # What it should be is not known while that is missing or unread, which is told of that.
        if not any(refs(field.after))
    ]


def _note(change: Change) -> str:
    if change.blocked is None:
        return ""
    # What others keep can't be taken over, only they can change it.
    adoptable = isinstance(change.blocked, ForeignError) and not change.awaits_others
    return f"{change.blocked.why}; apply needs --adopt" if adoptable else change.blocked.why


def _ignored(finding: Finding, ignores: Iterable[Ignore]) -> Finding:
    for ignore in ignores:
        if fnmatchcase(finding.address, ignore.resource) and fnmatchcase(finding.field, ignore.path):
            return replace(finding, ignored=ignore.reason)
    return finding


def as_plain(finding: Finding) -> dict[str, object]:
    """A finding as JSON."""
    return {
        "resource": finding.address,
        "field": finding.field or None,
        "kind": finding.kind.value,
        "severity": finding.severity.value,
        "desired": plain(finding.desired),
        "observed": plain(finding.observed),
        "changedBy": finding.changed_by or None,
        "changedAt": finding.changed_at or None,
        **({"note": finding.note} if finding.note else {}),
        **({"ignored": finding.ignored} if finding.ignored else {}),
    }
