"""The entries of `metadata.managedFields`: who manages what, by which operation, since when."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import NamedTuple

from provision.sandbox.http import Json
from provision.sandbox.kubernetes.fields import Fields, Path, decode, encode

APPLY = "Apply"
UPDATE = "Update"

NEVER_MANAGED: Fields = frozenset(
    [
        ("f:apiVersion",),
        ("f:kind",),
        ("f:metadata",),
        *(
            ("f:metadata", f"f:{name}")
            for name in (
                "name",
                "namespace",
                "creationTimestamp",
                "selfLink",
                "uid",
                "clusterName",
                "generation",
                "managedFields",
                "resourceVersion",
            )
        ),
    ]
)
"""Fields that identify an object or that the server fills. Source: apimachinery, stripmeta."""


class Manager(NamedTuple):
    """What tells two entries apart. An Apply manager is one manager whatever version it applies."""

    name: str
    operation: str
    api_version: str
    subresource: str

    def __str__(self) -> str:
        """As conflicts print it: `"kubectl-edit" using apps/v1`."""
        said = f'"{self.name}"'
        if self.subresource:
            said += f' with subresource "{self.subresource}"'
        return said if self.operation == APPLY else f"{said} using {self.api_version}"


@dataclass(frozen=True, slots=True)
class Managed:
    """The fields of one manager."""

    fields: Fields
    api_version: str
    time: str | None


Managers = dict[Manager, Managed]


def manager(name: str, operation: str, api_version: str, subresource: str) -> Manager:
    """The manager who makes the current request; without a name it is `unknown`."""
    return Manager(name or "unknown", operation, "" if operation == APPLY else api_version, subresource)


def read(entries: Iterable[Json] | None) -> Managers:
    """The managers of an object, from its `metadata.managedFields`."""
    found: Managers = {}
    for entry in entries or ():
        version = entry["apiVersion"]
        who = manager(entry.get("manager", ""), entry["operation"], version, entry.get("subresource", ""))
        found[who] = Managed(decode(entry.get("fieldsV1") or {}), version, entry.get("time"))
    return found


def write(managers: Managers) -> list[Json]:
    """The entries, ordered as the API server orders them: by operation, time, name, version, subresource."""
    ordered = sorted(
        managers.items(),
        key=lambda item: (
            item[0].operation,
            item[1].time or "",
            item[0].name,
            item[1].api_version,
            item[0].subresource,
        ),
    )
    return [_entry(who, managed) for who, managed in ordered]


def without(managers: Managers, who: Manager, fields: Fields) -> None:
    """Take fields from a manager; one who has none left is forgotten."""
    left = managers[who].fields - fields
    if left:
        managers[who] = replace(managers[who], fields=left)
    else:
        del managers[who]


def is_reset(entries: object) -> bool:
    """Whether a request clears managedFields: `[]` or `[{}]`."""
    return entries in ([], [{}])


def reset_fields(fields: Fields, subresource: str, *, has_status: bool) -> Fields:
    """The fields that a request may change at all: not the status, or only the status."""

    def kept(path: Path) -> bool:
        return (path[0] == "f:status") == (subresource == "status")

    if not has_status:
        return fields
    return frozenset(path for path in fields if path and kept(path))


def _entry(who: Manager, managed: Managed) -> Json:
    entry: Json = {"manager": who.name, "operation": who.operation, "apiVersion": managed.api_version}
    entry |= {"time": managed.time} if managed.time else {}
    entry |= {"fieldsType": "FieldsV1", "fieldsV1": encode(managed.fields)}
    return entry | ({"subresource": who.subresource} if who.subresource else {})
