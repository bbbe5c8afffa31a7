"""Watches: changes of a kind since a resource version, as they happen."""

from __future__ import annotations

from provision.sandbox.azure import Answer, Json
from provision.sandbox.kubernetes import selectors, tables
from provision.sandbox.kubernetes.operation import Operation
from provision.sandbox.kubernetes.refusals import bad_request, expired

_LONGEST = 1800.0
"""Seconds (real ones) until the server itself ends a watch."""
_BOOKMARKS = 60.0

Key = tuple[str, str]


def start(operation: Operation, takes: selectors.Selector) -> Answer:
    """The answer to `?watch=true`; 410 as an event when the resource version asked for is too old."""
    return Answer(200, None, {"Content-Type": "application/json"}, stream=Watch(operation, takes))


class Watch:
    """Events `{type, object}`. Without a resource version it begins with all there is as ADDED."""

    def __init__(self, operation: Operation, takes: selectors.Selector) -> None:
        self._operation = operation
        self._takes = takes
        query = operation.request.query
        target, cluster = operation.target, operation.cluster
        self._clock = operation.azure.clock
        self._end = self._clock.now() + _seconds(query.get("timeoutseconds", ""))
        self._bookmark = self._clock.now() + _BOOKMARKS
        self._bookmarks = query.get("allowwatchbookmarks") in ("1", "true")
        now = cluster.version()
        current = [each for each in cluster.list(target.kind, target.namespace) if takes(each)]
        self._known: set[Key] = {_key(each) for each in current}
        self._first: list[Json] = []
        asked = query.get("resourceversion", "")
        if asked in ("", "0"):
            self._version = now
            self._first = [{"type": "ADDED", "object": each} for each in current]
        elif asked.isdecimal():
            self._version = int(asked)
            self._known = self._known_at(current)
        else:
            raise bad_request(f'Invalid value: "{asked}": strconv.ParseUint: invalid syntax')
        self._tables = tables.asked(operation.request)
        self._headed = False

    def look(self) -> list[Json] | None:
        """What happened since the last look; None when the watch is over."""
        events, self._first = self._first, []
        cluster, target = self._operation.cluster, self._operation.target
        version = cluster.version()
        if version > self._version:
            changes = cluster.changes(target.kind, self._version, target.namespace)
            if changes is None:
                gone = expired(f"too old resource version: {self._version} ({version})").answer()
                self._end, self._version = 0.0, version  # nothing more is to come
                return [{"type": "ERROR", "object": gone.body}]
            events += [event for change in changes for event in self._selected(change)]
            self._version = version
        now = self._clock.now()
        if not events and now >= self._end:
            return None
        shown = [self._shown(event) for event in events]
        if self._bookmarks and now >= self._bookmark:
            self._bookmark = now + _BOOKMARKS
            shown.append(self._marker())
        return shown

    def _known_at(self, current: list[Json]) -> set[Key]:
        """What the client has seen at the resource version it names.

        An object that changed since counts as seen unless it was added since: whether it matched the selector
        before its change is not kept.
        """
        cluster, target = self._operation.cluster, self._operation.target
        changes = cluster.changes(target.kind, self._version, target.namespace) or []
        added = {_key(change["object"]) for change in changes if change["type"] == "ADDED"}
        changed = {_key(change["object"]) for change in changes}
        return ({_key(each) for each in current} | changed) - added

    def _selected(self, change: Json) -> list[Json]:
        """The event as the selector sees it: an object enters and leaves what it takes."""
        body, key = change["object"], _key(change["object"])
        seen, matches = key in self._known, self._takes(change["object"])
        if matches and change["type"] != "DELETED":
            self._known.add(key)
            return [{"type": "MODIFIED" if seen else "ADDED", "object": body}]
        self._known.discard(key)
        return [{"type": "DELETED", "object": body}] if seen else []

    def _shown(self, event: Json) -> Json:
        kind = self._operation.target.kind
        body = {**event["object"], "apiVersion": kind.api_version, "kind": kind.kind}
        if self._tables:
            version = body["metadata"]["resourceVersion"]
            body = tables.table(
                self._operation, [body], {"resourceVersion": version}, headed=not self._headed
            )
            self._headed = True
        return {"type": event["type"], "object": body}

    def _marker(self) -> Json:
        kind = self._operation.target.kind
        metadata = {"resourceVersion": str(self._version), "creationTimestamp": None}
        body = {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": metadata}
        return {"type": "BOOKMARK", "object": body}


def _seconds(text: str) -> float:
    return float(text) if text.isdecimal() and int(text) else _LONGEST


def _key(body: Json) -> Key:
    return body["metadata"].get("namespace", ""), body["metadata"]["name"]
