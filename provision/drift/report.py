"""A plan that was made but not applied → findings."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from fnmatch import fnmatchcase

from provision.drift import expiry
from provision.drift.findings import CONTENT, DriftReport, Finding, Kind, Looked, Unchecked
from provision.drift.severity import Severity, of_field, of_missing
from provision.errors import ForeignError, UnsafePlanError
from provision.plan.change import Action, Change, FieldChange
from provision.plan.plan import Plan
from provision.profile.model import Ignore
from provision.resources.observed import Absent, Present, Unread
from provision.resources.ref import refs


def report(plan: Plan, ignores: Iterable[Ignore], today: str, copies: Looked | None = None) -> DriftReport:
    """Findings of a plan that was made but not applied. `today` (ISO) decides which ignores still hold.

    `copies` is what was seen of the cluster's copies of certificates, if they were looked at.
    """
    active = [ignore for ignore in ignores if ignore.expires is None or ignore.expires > today]
    copies = copies or Looked()
    found = [finding for change in plan.changes for finding in _findings(change)]
    found += [finding for change in plan.changes for finding in expiry.findings(change, today)]
    found += copies.findings
    found += [Finding("", "", Kind.RULED_OUT, Severity.ERROR, note=error.why) for error in plan.refused]
    findings = [_ignored(finding, active) for finding in found]
    unread = tuple(
        Unchecked(change.address, str(change.observed.error), change.observed.error.why)
        for change in plan.changes
        if isinstance(change.observed, Unread)
    )
    unchecked, left_alone = _divided(copies.unchecked, active)
    unsearched = tuple(Unchecked(plan.profile, part) for part in plan.unchecked)
    return DriftReport(
        plan.profile,
        tuple(finding for finding in findings if not finding.ignored),
        (*(finding for finding in findings if finding.ignored), *left_alone),
        (*unread, *unchecked, *unsearched),
        len(plan.changes) - len(unread),
    )


def _divided(
    unchecked: Iterable[Unchecked], ignores: Iterable[Ignore]
) -> tuple[tuple[Unchecked, ...], tuple[Finding, ...]]:
    """What counts, and what an ignore rule covers: whoever may not read Secrets can say so once."""
    counting, left_alone = [], []
    for each in unchecked:
        as_finding = Finding(each.address, CONTENT, Kind.NOT_CHECKED, Severity.INFO, note=each.why)
        covered = _ignored(as_finding, ignores)
        if covered.ignored:
            left_alone.append(covered)
        else:
            counting.append(each)
    return tuple(counting), tuple(left_alone)


def _findings(change: Change) -> list[Finding]:
    observed = change.observed
    if isinstance(observed, Absent):
        begun = observed.note if observed.owner else ""
        return [Finding(change.address, "", Kind.MISSING, of_missing(change.resource.KIND), note=begun)]
    if not isinstance(observed, Present):
        return []
    if change.action is Action.DELETE:
        return [Finding(change.address, "", Kind.LEFT_OVER, Severity.WARNING)]
    # Once our mark says that just this was applied, a difference is somebody else's doing.
    kind = Kind.CHANGED if observed.digest in (change.digest, None) else Kind.NOT_APPLIED
    note = _note(change)
    # What can't be had for its fields alone is told with them.
    in_fields = isinstance(change.blocked, ForeignError | UnsafePlanError)
    ruled_out = note != "" and not in_fields
    whole = [Finding(change.address, "", Kind.RULED_OUT, Severity.ERROR, note=note)] if ruled_out else []
    return whole + [
        _of_field(change, field, observed, kind, note)
        for field in change.fields
        # What it should be is not known while that is missing or unread, which is told of that.
        if not any(refs(field.after))
    ]


def _of_field(change: Change, field: FieldChange, observed: Present, kind: Kind, note: str) -> Finding:
    severity, effect = of_field(change.resource.KIND, field)
    by, at = observed.authors.get(field.path, (observed.changed_by, observed.changed_at))
    return Finding(
        change.address,
        field.path,
        kind,
        severity,
        field.after,
        field.before,
        by,
        at,
        note,
        effect=effect,
    )


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
