"""Findings: each difference between a profile and what was observed, with its severity: the vocabulary."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from provision.drift.severity import Severity
from provision.resources.values import Value, plain

CONTENT = "tls.crt"
"""Field of what is said about the cluster's copy of a certificate."""


class Kind(StrEnum):
    """What sort of difference it is."""

    CHANGED = "changed"
    MISSING = "missing"
    LEFT_OVER = "left over"
    NOT_APPLIED = "not applied"
    RULED_OUT = "ruled out"
    EXPIRING = "expiring"
    OUTDATED = "outdated"
    NOT_CHECKED = "not checked"


@dataclass(frozen=True, slots=True)
class Finding:
    """One difference. `field` is empty when the object as a whole is missing or left over.

    `changed_by` and `changed_at` are what the service tells of the last change, empty where it does not.
    `note` is what stands in the way of repairing it: the object lost our mark, or the cluster can't have it.
    `ignored` is the reason of the profile's ignore rule that covers it; only there `NOT_CHECKED` appears.
    `effect` is what the difference leads to, where that is no matter of course.
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
    effect: str = ""


@dataclass(frozen=True, slots=True)
class Unchecked:
    """A resource about which nothing can be said, and why. `cause` is the same for all that it hides."""

    address: str
    why: str
    cause: str = ""


@dataclass(frozen=True, slots=True)
class DriftReport:
    """The result for one profile. It is in sync only if there are no findings and nothing is unchecked."""

    profile: str
    findings: tuple[Finding, ...]
    ignored: tuple[Finding, ...]
    unchecked: tuple[Unchecked, ...]
    checked: int


@dataclass(frozen=True, slots=True)
class Looked:
    """What was seen beside the plan: findings, and what could not be looked at."""

    findings: tuple[Finding, ...] = ()
    unchecked: tuple[Unchecked, ...] = ()


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
        **({"effect": finding.effect} if finding.effect else {}),
    }
