"""Many record sets that are made or deleted alike, a line each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from provision.plan.change import Action, Change
from provision.report.values import shown
from provision.resources.dns import RecordSet

_MANY = 20
"""Of a zone: more are shown together."""

_ALIKE = (Action.CREATE, Action.DELETE)
_Key = tuple[object, ...]


def together(changes: Iterable[Change]) -> Iterable[Sequence[Change]]:
    """The changes in their order; those of many record sets together, where the first of them stands."""
    listed = list(changes)
    counts = Counter(map(_key, listed))
    groups: dict[_Key, list[Change]] = {}
    for change in listed:
        key = _key(change)
        groups.setdefault(key if counts[key] > _MANY else (change.address,), []).append(change)
    return groups.values()


def _key(change: Change) -> _Key:
    if isinstance(change.resource, RecordSet) and change.action in _ALIKE:
        return change.action, change.resource.zone_id.casefold(), change.reason
    return (change.address,)


def heading(group: Sequence[Change]) -> str:
    """`3000 record sets of contoso.com`."""
    return f"{len(group)} record sets of {group[0].resource.name.partition('/')[0]}"


def reason(group: Sequence[Change]) -> str:
    """Their common reason, of many."""
    return group[0].reason.replace("does not", "do not")


def lines(group: Sequence[Change]) -> list[str]:
    """Name, TTL, type and values of each, as a zone file has them."""
    rows = [_row(change) for change in group]
    name, ttl, kind = (min(max(len(row[column]) for row in rows), 40) for column in range(3))
    return [f"{row[0]:<{name}}  {row[1]:>{ttl}}  {row[2]:<{kind}}  {row[3]}".rstrip() for row in rows]


def _row(change: Change) -> tuple[str, str, str, str]:
    resource = change.resource
    assert isinstance(resource, RecordSet)  # noqa: S101 - as `_key` says
    values = resource.properties()["values"]
    if resource.target:
        text = f"alias of {shown(resource.target)}"
    elif isinstance(values, frozenset):
        text = ", ".join(sorted(map(shown, values)))
    else:
        text = shown(values)
    ttl = "" if resource.delegation else str(resource.ttl)
    return resource.record_name, ttl, resource.record_type, text
