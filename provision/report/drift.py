"""Drift reports as text and as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence

from provision.drift.findings import DriftReport, Finding, Kind, as_plain
from provision.drift.severity import Severity
from provision.report.style import Style
from provision.report.values import shown

_COLOURS = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.INFO: "cyan"}


def drift_text(report: DriftReport, style: Style) -> str:
    """One profile's drift for a reader: what, where, who."""
    lines = [style("bold", f"{report.profile}: {_verdict(report)}")]
    lines += [_finding(finding, style) for finding in report.findings]
    lines += [style("dim", f"  ignored  {_where(finding)}: {finding.ignored}") for finding in report.ignored]
    seen: set[str] = set()
    for unchecked in report.unchecked:
        lines.append(style("yellow", f"  not checked  {unchecked.address}"))
        cause = unchecked.cause or unchecked.why
        if cause not in seen:
            lines += [f"      {line}" for line in unchecked.why.splitlines()]
        seen.add(cause)
    return "\n".join(lines) + "\n"


def _verdict(report: DriftReport) -> str:
    found = len(report.findings)
    parts = [f"{found} finding{'s' if found != 1 else ''}"] if found else []
    parts += [f"{len(report.unchecked)} not checked"] if report.unchecked else []
    parts += [f"{len(report.ignored)} ignored"] if report.ignored else []
    if not found and not report.unchecked:
        tail = f" ({', '.join(parts)})" if parts else ""
        return f"in sync, {report.checked} resources checked{tail}"
    return f"{', '.join(parts)}; {report.checked} resources checked"


def _where(finding: Finding) -> str:
    return f"{finding.address} {finding.field}".strip()


def _finding(finding: Finding, style: Style) -> str:
    colour = _COLOURS[finding.severity]
    head = f"  {style(colour, f'{finding.severity:7}')}  {_where(finding)}"
    match finding.kind:
        case Kind.MISSING:
            return f"{head}: missing" + (f" ({finding.note})" if finding.note else "")
        case Kind.EXPIRING:
            return f"{head}: {finding.note}"
        case Kind.RULED_OUT:
            return f"{head}: {finding.note}"
        case Kind.LEFT_OVER:
            return f"{head}: ours, and no longer in the profile"
        case _:
            who = f", changed by {finding.changed_by}" if finding.changed_by else ""
            when = f" at {finding.changed_at}" if finding.changed_at else ""
            since = (
                "; the profile was edited since it was applied" if finding.kind is Kind.NOT_APPLIED else ""
            )
            note = "".join(f"; {each}" for each in (finding.note, finding.effect) if each)
            is_and_should = f"is {shown(finding.observed)}, should be {shown(finding.desired)}"
            return f"{head}: {is_and_should}{who}{when}{since}{note}"


def drift_json(reports: Sequence[DriftReport]) -> str:
    """All profiles for a program."""
    body = [
        {
            "profile": report.profile,
            "inSync": not report.findings and not report.unchecked,
            "checked": report.checked,
            "findings": [as_plain(finding) for finding in report.findings],
            "ignored": [as_plain(finding) for finding in report.ignored],
            "unchecked": [{"resource": each.address, "why": each.why} for each in report.unchecked],
        }
        for report in reports
    ]
    return json.dumps(body, indent=2, ensure_ascii=False) + "\n"
