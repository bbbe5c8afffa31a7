"""Server-side apply: who manages which field of an object, and what follows from that.

Source: Kubernetes structured-merge-diff, merge (v6), and apimachinery, managedfields.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from provision.sandbox.documents import copied
from provision.sandbox.http import Json
from provision.sandbox.kubernetes import kinds, last_applied, managers, schema, structure
from provision.sandbox.kubernetes.fields import Fields, Path, text
from provision.sandbox.kubernetes.managers import Managed, Manager, Managers
from provision.sandbox.kubernetes.object_schema import object_schema
from provision.sandbox.kubernetes.objects import Kind
from provision.sandbox.kubernetes.schema import Cause

_BEFORE_FIRST_APPLY = "before-first-apply"
"""Who managed an object's fields before anything was tracked."""

_CURRENT = Manager("current-operation", managers.UPDATE, "", "")


class ApplyConflict(Exception):  # noqa: N818 (the name the API gives it)
    """Fields that others manage with other values.

    `causes` have the reason FieldManagerConflict, the message `conflict with "x" using apps/v1` and the field
    `.spec.replicas`; the exception's text is the message of the Status (409, reason Conflict).
    """

    def __init__(self, conflicts: Sequence[tuple[Manager, Path]]) -> None:
        super().__init__(_conflict_message(conflicts))
        self.fields = frozenset(path for _, path in conflicts)
        self.causes = tuple(
            Cause(text(path), "FieldManagerConflict", f"conflict with {who}") for who, path in conflicts
        )


class ApplyRefused(Exception):  # noqa: N818 (a refusal, as the API answers it)
    """What is applied cannot be read by the schema; the text is the message of the Status (500)."""


def apply(
    live: Json | None,
    applied: Json,
    *,
    kind: Kind,
    manager: str,
    force: bool,
    now: str,
    subresource: str = "",
) -> Json:
    """The live object after `manager` applies its fields, defaulted, managedFields included.

    `live` is None when the object is created. The result equals `live` when nothing changes.
    Raises ApplyConflict unless `force`, and ApplyRefused for fields that the kind does not have.
    """
    shape = object_schema(kind)
    _check_readable(kind, applied)
    before, known = _tracked(live, kind, shape, now, subresource)
    who = managers.manager(manager, managers.APPLY, kind.api_version, subresource)
    try:
        merged, known = _apply(before, applied, kind, shape, known, who, force=force)
    except ApplyConflict as conflict:
        if not last_applied.allows(conflict.fields, before, shape, manager):
            raise
        merged, known = _apply(before, applied, kind, shape, known, who, force=True)
    if merged != before and who in known:
        known[who] = Managed(known[who].fields, kind.api_version, now)
    merged = schema.default(kind, merged)
    if manager == last_applied.MANAGER:
        last_applied.keep_current(merged, applied)
    return _finished(live, merged, known)


def update(
    live: Json | None, new: Json, *, kind: Kind, manager: str, now: str, subresource: str = ""
) -> Json:
    """`new` with the managedFields that follow from a create, PUT or PATCH by `manager`.

    An object whose managedFields were cleared (`[]` or `[{}]`) is not tracked until it is applied.
    """
    sent = new.get("metadata", {}).get("managedFields")
    if managers.is_reset(sent) and not subresource:
        known: Managers = {}
    else:
        kept = (live or {}).get("metadata", {}).get("managedFields")
        known = managers.read(kept if subresource or not sent else sent)
    new = _bare(copied(new))
    if live is not None and not known:
        return _finished(live, new, {})
    before = _bare(live) if live is not None else _empty(kind)
    who = managers.manager(manager, managers.UPDATE, kind.api_version, subresource)
    return _finished(live, new, _update(before, new, kind, known, who, now))


def _apply(
    before: Json, applied: Json, kind: Kind, shape: Json, known: Managers, who: Manager, *, force: bool
) -> tuple[Json, Managers]:
    known = dict(known)
    last = known[who].fields if who in known else frozenset()
    time = known[who].time if who in known else None
    fields = managers.reset_fields(
        structure.field_set(shape, applied), who.subresource, has_status=kind.status
    )
    known[who] = Managed(fields, kind.api_version, time)
    merged: Json = structure.merge(shape, before, applied)
    if last:
        merged = _prune(shape, merged, last, known)
    _yield_fields(known, structure.compare(shape, before, merged), who, force=force)
    if who in known:
        managers.without(known, who, managers.NEVER_MANAGED)
    return merged, known


def _prune(shape: Json, merged: Json, last: Fields, known: Managers) -> Json:
    """Remove what the manager applied last time, but for what anyone, the manager included, still manages."""
    named = structure.with_declared_parents
    all_fields = named(shape, structure.field_set(shape, merged))
    left = structure.remove(shape, merged, named(shape, last))
    kept = named(shape, structure.field_set(shape, left))
    managed = named(shape, frozenset().union(*(each.fields for each in known.values())))
    left = structure.remove(shape, merged, all_fields - (kept | managed))
    kept = named(shape, structure.field_set(shape, left))
    # Fields that nobody applied, inside what is removed, stay where their parent stays.
    pruned: Json = structure.remove(shape, merged, (all_fields - kept) & named(shape, last))
    return pruned


def _update(before: Json, new: Json, kind: Kind, known: Managers, who: Manager, now: str) -> Managers:
    known = dict(known)
    changes = structure.compare(object_schema(kind), before, new)
    _yield_fields(known, changes, _CURRENT, force=True)
    taken = managers.reset_fields(changes.modified | changes.added, who.subresource, has_status=kind.status)
    taken -= managers.NEVER_MANAGED
    if taken:
        mine = known[who].fields if who in known else frozenset()
        known[who] = Managed(mine | taken, kind.api_version, now)
    return known


def _yield_fields(known: Managers, changes: structure.Comparison, who: Manager, *, force: bool) -> None:
    """Take from every other manager what the operation changes; refuse that unless forced."""
    changed = changes.modified | changes.added
    conflicts = [
        (other, path)
        for other, managed in sorted(known.items())
        if other != who
        for path in sorted(managed.fields & changed)
    ]
    if conflicts and not force:
        raise ApplyConflict(conflicts)
    for other in [each for each in known if each != who]:
        managers.without(known, other, changed | changes.removed)
    if who in known and not known[who].fields:
        del known[who]


def _tracked(live: Json | None, kind: Kind, shape: Json, now: str, subresource: str) -> tuple[Json, Managers]:
    """The live object without its managedFields, and its managers."""
    if live is None:
        return _empty(kind), {}
    before, known = _bare(live), managers.read(live.get("metadata", {}).get("managedFields"))
    if not known:
        who = managers.manager(_BEFORE_FIRST_APPLY, managers.UPDATE, kind.api_version, subresource)
        known = _update(_empty(kind), before, kind, {}, who, now)
    return before, known


def _finished(live: Json | None, body: Json, known: Managers) -> Json:
    """The object with its managedFields; the live object itself when nothing but times would change."""
    entries = managers.write(known)
    if entries:
        body.setdefault("metadata", {})["managedFields"] = entries
    if live is not None and _timeless(live) == _timeless(body):
        return copied(live)
    return body


def _timeless(body: Json) -> tuple[Json, list[Json]]:
    entries = body.get("metadata", {}).get("managedFields") or []
    bare = [{key: value for key, value in entry.items() if key != "time"} for entry in entries]
    return _bare(body), sorted(bare, key=str)


def _bare(body: Json) -> Json:
    """The object without managedFields; all but itself and its metadata is shared with the argument."""
    if "metadata" not in body:
        return dict(body)
    metadata = {key: value for key, value in body["metadata"].items() if key != "managedFields"}
    return {**body, "metadata": metadata}


def _empty(kind: Kind) -> Json:
    """The object before it is created: built-in types have their parts even when empty, others have none."""
    empty: dict[str, Any] = {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": {}}
    if kinds.is_built_in(kind):
        empty |= {"spec": {}, "status": {}}
    return empty


def _check_readable(kind: Kind, applied: Json) -> None:
    metadata = applied.get("metadata", {})
    name = "/".join(filter(None, [metadata.get("namespace", ""), metadata.get("name", "")]))
    what = f"failed to create typed patch object ({name}; {kind.api_version}, Kind={kind.kind})"
    unknown = [f".{path}: field not declared in schema" for path in schema.unknown_fields(kind, applied)]
    if unknown:
        lines = unknown[0] if len(unknown) == 1 else "errors:\n" + "\n".join(f"  {each}" for each in unknown)
        raise ApplyRefused(f"{what}: {lines}")
    try:
        structure.field_set(object_schema(kind), applied)
    except structure.DuplicateItemError as error:
        at, item = text(error.path[:-1]), text(error.path[-1:])
        raise ApplyRefused(f"{what}: {at}: duplicate entries for key {item}") from error


def _conflict_message(conflicts: Sequence[tuple[Manager, Path]]) -> str:
    if len(conflicts) == 1:
        who, path = conflicts[0]
        return f"Apply failed with 1 conflict: conflict with {who}: {text(path)}"
    lines = []
    for who in sorted({who for who, _ in conflicts}):
        lines.append(f"conflicts with {who}:")
        lines += [f"- {text(path)}" for other, path in conflicts if other == who]
    return f"Apply failed with {len(conflicts)} conflicts: " + "\n".join(lines)
