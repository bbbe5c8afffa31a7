"""The first links: is every resource that a host depends on as the profile says."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from provision.errors import ProvisionError
from provision.plan.change import Action, Change, FieldChange
from provision.plan.plan import Observation, Plan, known_outputs, wanted
from provision.profile.model import Ignore
from provision.resources.graph import ResourceGraph
from provision.resources.observed import Absent, Unread
from provision.verify.links import Link, Status, not_checked, ok

_KIND = "resource"


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan that was made but not applied, and what it was made from. `file` is the profile's."""

    file: str
    graph: ResourceGraph
    observation: Observation
    plan: Plan
    ignores: tuple[Ignore, ...] = ()
    """The profile's ignore rules that hold today."""

    @property
    def apply(self) -> str:
        """The command that repairs what is ours."""
        return f"provision apply {self.file}"


def needs(addresses: Iterable[str], planned: Planned) -> list[Link]:
    """A link for each resource, and one for each reason why the profile as a whole can't be had."""
    changes = {change.address: change for change in planned.plan.changes}
    links = [_refusal(error) for error in planned.plan.refused]
    for address in addresses:
        change = changes.get(address)
        if change is not None:
            links.append(_link(change, planned))
        elif address not in planned.graph:
            links.append(not_checked(_KIND, named(address), "the profile leaves it out"))
        else:
            links.extend(_undecided(address, planned))
    return links


def named(address: str) -> str:
    """An address in words: `role_assignment/kv/x` → `role assignment kv/x`."""
    kind, _, name = address.partition("/")
    return f"{kind.replace('_', ' ')} {name}"


def _refusal(error: ProvisionError) -> Link:
    subject = error.doing or "the profile"
    return Link(_KIND, subject, Status.BROKEN, error.why, fix=error.fix, command=error.command)


def _undecided(address: str, planned: Planned) -> list[Link]:
    """A resource that is not planned: not wanted here, or what decides about it is not there."""
    resource = planned.graph[address]
    if resource.when is None or not wanted(resource, known_outputs(planned.observation)):
        return []
    why = f"whether it is needed can't be told without {named(resource.when.ref.address)}"
    return [not_checked(_KIND, named(address), why)]


def _link(change: Change, planned: Planned) -> Link:
    subject = named(change.address)
    if isinstance(change.observed, Unread):
        return not_checked(_KIND, subject, str(change.observed.error))
    if isinstance(change.observed, Absent):
        return _repairable(change, change.observed.note or "missing", (), planned)
    if change.action is Action.NO_OP and not change.fields and change.blocked is None:
        return ok(_KIND, subject)
    left, ignored = _divided(change, planned.ignores)
    if change.fields and not left and change.blocked is None:
        reasons = ", ".join(dict.fromkeys(ignored))
        return Link(_KIND, subject, Status.WARNING, f"differs, which drift ignores: {reasons}", change.fields)
    return _repairable(change, "differs" if left else "can't be had", left, planned)


def _repairable(change: Change, what: str, fields: tuple[FieldChange, ...], planned: Planned) -> Link:
    subject = named(change.address)
    error = change.blocked
    if error is not None:
        detail = what if isinstance(change.observed, Absent) else error.why
        return Link(_KIND, subject, Status.BROKEN, detail, fields, fix=error.fix, command=error.command)
    if change.awaits_others:
        return Link(_KIND, subject, Status.BROKEN, f"{what}, {change.reason}", fields)
    return Link(_KIND, subject, Status.BROKEN, what, fields, fix="Apply the profile:", command=planned.apply)


def _divided(change: Change, ignores: Iterable[Ignore]) -> tuple[tuple[FieldChange, ...], list[str]]:
    """The fields that count, and the reasons why the others do not."""
    rules = [ignore for ignore in ignores if fnmatchcase(change.address, ignore.resource)]
    left: list[FieldChange] = []
    reasons: list[str] = []
    for field in change.fields:
        reason = next((rule.reason for rule in rules if fnmatchcase(field.path, rule.path)), None)
        if reason is None:
            left.append(field)
        else:
            reasons.append(reason)
    return tuple(left), reasons
