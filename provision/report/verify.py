"""What verify found, as text and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator

from provision.plan.change import FieldChange
from provision.report.style import Style
from provision.report.values import shown
from provision.resources.values import plain
from provision.verify.links import HostReport, Link, Report, Status

_COLOURS = {
    Status.OK: "green",
    Status.WARNING: "yellow",
    Status.BROKEN: "red",
    Status.NOT_CHECKED: "yellow",
}
_WIDTH = max(len(status) for status in Status)


def verify_text(report: Report, style: Style) -> str:
    """Host by host, link by link, and under what is not well what to do."""
    lines: list[str] = []
    told: set[str] = set()
    for host in report.hosts:
        lines.append(style("bold", f"{host.host}: {_verdict(host)}"))
        for link in host.links:
            lines.extend(_link(link, style, told))
        lines.append("")
    lines.append(style("bold", _sum(report)))
    return "\n".join(lines) + "\n"


def _verdict(host: HostReport) -> str:
    counted = host.count()
    order = (Status.BROKEN, Status.NOT_CHECKED, Status.WARNING)
    parts = [_counted(counted[status], status) for status in order if counted[status]]
    links = f"{len(host.links)} link{'s' if len(host.links) != 1 else ''}"
    return f"{', '.join(parts)}; {links}" if parts else f"ok, {links}"


def _counted(number: int, status: Status) -> str:
    plural = "s" if status is Status.WARNING and number != 1 else ""
    return f"{number} {status}{plural}"


def _sum(report: Report) -> str:
    statuses = [host.status() for host in report.hosts]
    well = sum(status in (Status.OK, Status.WARNING) for status in statuses)
    return f"{report.profile}: hosts that answer as declared: {well} of {len(statuses)}"


def _link(link: Link, style: Style, told: set[str]) -> Iterator[str]:
    """A link's lines. Advice that was given already (`told`) is not given again."""
    detail, *more = link.detail.splitlines() or [""]
    head = style(_COLOURS[link.status], f"{link.status:{_WIDTH}}")
    yield f"  {head}  {link.subject}" + (f": {detail}" if detail else "")
    if "\n".join(more) not in told:
        yield from (f"      {line}" for line in more)
        told.add("\n".join(more))
    for field in link.fields:
        yield f"      {_field(field)}"
    for note in link.notes:
        yield style("dim", f"      {note}")
    advice = "\n".join((link.fix, link.command))
    if link.fix and advice not in told:
        yield f"      {link.fix}"
        if link.command:
            yield f"          {link.command}"
        told.add(advice)


def _field(field: FieldChange) -> str:
    return f"{field.path} is {shown(field.before)}, should be {shown(field.after)}"


def verify_json(report: Report) -> str:
    """The report for a program."""
    body = {
        "profile": report.profile,
        "hosts": [
            {
                "host": host.host,
                "status": host.status().value,
                "links": [_link_as_plain(link) for link in host.links],
            }
            for host in report.hosts
        ],
    }
    return json.dumps(body, indent=2, ensure_ascii=False) + "\n"


def _link_as_plain(link: Link) -> dict[str, object]:
    optional = {
        "fields": [
            {"field": field.path, "observed": plain(field.before), "desired": plain(field.after)}
            for field in link.fields
        ],
        "notes": list(link.notes),
        "fix": link.fix,
        "command": link.command,
    }
    return {
        "link": link.kind,
        "subject": link.subject,
        "status": link.status.value,
        "detail": link.detail,
        **{name: value for name, value in optional.items() if value},
    }
