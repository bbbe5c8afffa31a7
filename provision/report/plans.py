"""A plan as text and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from provision.errors import ProvisionError, UnreachableError
from provision.plan.change import Action, Change
from provision.plan.plan import Plan
from provision.plan.saved import change_as_plain
from provision.report import bulk
from provision.report.style import Style
from provision.report.values import field_line
from provision.resources.managed_cluster import ManagedCluster
from provision.resources.observed import Absent, Unread

_SYMBOLS = {
    Action.CREATE: ("+", "green"),
    Action.UPDATE: ("~", "yellow"),
    Action.REPLACE: ("±", "red"),
    Action.DELETE: ("-", "red"),
    Action.NO_OP: (" ", "dim"),
}
_WORDS = {
    Action.CREATE: "create",
    Action.UPDATE: "update",
    Action.REPLACE: "replace",
    Action.DELETE: "delete",
}


def plan_text(plan: Plan, where: str, style: Style, notes: Iterable[str] = ()) -> str:
    """The plan for a reader: what changes and why, then what stands in the way, then the sums."""
    lines = [style("bold", f"Plan for profile {plan.profile}: {where}"), ""]
    for group in bulk.together(plan.pending()):
        lines.extend(_change(group[0], style) if len(group) == 1 else _bulk(group, style))
    lines.extend(_kept(plan, style))
    lines.extend(style("yellow", f"Note: {note}") for note in (*plan.warnings, *notes))
    lines.extend(style("yellow", f"Not checked: {part}") for part in plan.unchecked)
    lines.extend(_obstacles(plan, style))
    lines.append(style("bold", summary(plan)))
    return "\n".join(lines) + "\n"


def _change(change: Change, style: Style) -> list[str]:
    symbol, colour = _SYMBOLS[change.action]
    head = style(colour, f"{symbol} {change.address}")
    lines = [f"{head}  {style('dim', change.reason)}" if change.reason else head]
    creating = change.action is Action.CREATE
    lines.extend(f"    {field_line(field, creating)}" for field in change.fields)
    if change.release:
        lines.append("    our marks are taken off")
    return [*lines, ""]


def _bulk(group: Sequence[Change], style: Style) -> list[str]:
    symbol, colour = _SYMBOLS[group[0].action]
    head = f"{style(colour, f'{symbol} {bulk.heading(group)}')}  {style('dim', bulk.reason(group))}"
    return [head, *(f"    {line}" for line in bulk.lines(group)), ""]


def _kept(plan: Plan, style: Style) -> list[str]:
    """In a destroy, what stays although the profile names it."""
    if not plan.backwards:
        return []
    kept = [change for change in plan.changes if change.action is Action.NO_OP and change.reason]
    lines = [style("dim", f"  {change.address}  {change.reason}") for change in kept if not change.blocked]
    return [*lines, ""] if lines else []


def _obstacles(plan: Plan, style: Style) -> list[str]:
    lines: list[str] = []
    kept_out = {
        str(change.blocked) for change in plan.unread() if isinstance(change.blocked, UnreachableError)
    }
    for text, addresses in distinct(plan).items():
        head = style("yellow", "Not checked: ") if text in kept_out else style("red", "Error: ")
        lines.append(head + text)
        if len(addresses) > 1:
            lines.append(f"    (also stands in the way of {', '.join(addresses[1:])})")
        lines.append("")
    for error in plan.refused:
        lines += [style("red", "Error: ") + str(error), ""]
    return lines


def distinct(plan: Plan) -> dict[str, list[str]]:
    """Obstacles by reason, so that one wrong subscription is one error and not twenty."""
    found: dict[tuple[str, str, str], ProvisionError] = {}
    addresses: dict[tuple[str, str, str], list[str]] = {}
    for change in plan.changes:
        if change.blocked:
            key = (change.blocked.why, change.blocked.fix, change.blocked.command)
            found.setdefault(key, change.blocked)
            addresses.setdefault(key, []).append(change.address)
    return {str(error): addresses[key] for key, error in found.items()}


def summary(plan: Plan) -> str:
    """`3 to create, 1 to update, 4 unchanged.`"""
    counts = plan.count()
    parts = [f"{counts[action]} to {word}" for action, word in _WORDS.items() if counts[action]]
    unread = len(plan.unread())
    others = sum(_is_for_others(change, plan) for change in plan.changes)
    unchanged = counts[Action.NO_OP] - unread - others
    if not parts and not unread and not others:
        return (
            f"No changes: {unchanged} resources are as the profile says."
            if not plan.backwards
            else "Nothing to destroy."
        )
    tail = [f"{unchanged} unchanged"] if unchanged else []
    tail += [f"{others} for others to make or change"] if others else []
    tail += [f"{unread} could not be read"] if unread else []
    sums = ", ".join([*parts, *tail])
    updates = sum(isinstance(change.resource, ManagedCluster) for change in plan.pending())
    cluster = " One update of the cluster, which takes AKS some minutes." if updates else ""
    return f"{sums}.{cluster}"


def _is_for_others(change: Change, plan: Plan) -> bool:
    """Whether nothing is done although the object is missing or differs."""
    if plan.backwards or change.action is not Action.NO_OP or isinstance(change.observed, Unread):
        return False
    return isinstance(change.observed, Absent) or bool(change.fields)


def plan_json(plan: Plan, notes: Iterable[str] = ()) -> str:
    """The plan for a program."""
    body = {
        "profile": plan.profile,
        "changes": [change_as_plain(change) for change in plan.pending()],
        "unchanged": [
            change.address
            for change in plan.changes
            if change.action is Action.NO_OP
            and not isinstance(change.observed, Unread)
            and not _is_for_others(change, plan)
        ],
        "unchecked": [{"resource": change.address, "why": str(change.blocked)} for change in plan.unread()]
        + [{"resource": None, "why": part} for part in plan.unchecked],
        "errors": [
            {"resource": change.address, "error": str(change.blocked)}
            for change in plan.changes
            if change.blocked and not isinstance(change.observed, Unread)
        ]
        + [{"resource": None, "error": str(error)} for error in plan.refused],
        "notes": [*plan.warnings, *notes],
    }
    return json.dumps(body, indent=2, ensure_ascii=False) + "\n"
