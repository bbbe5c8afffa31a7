"""The objects of a cluster: kinds, storage, resource versions, the history that watches read.

Everything here runs inside the transaction of the request or settlement that calls it.
"""

from __future__ import annotations

import builtins
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from provision.sandbox.azure import Azure, Json
from provision.sandbox.documents import copied

_KEPT = 2000
"""Changes a watch can still ask for; an older resource version is 410 Gone."""


_Events = list[Json]  # named here because `list` is a method inside the class


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of object that a cluster serves.

    `schema` is a structural schema (the OpenAPI v3 of a CRD's version), empty for "anything goes".
    """

    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool
    singular: str = ""
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    schema: Mapping[str, object] = field(default_factory=dict)
    status: bool = True
    """Whether there is a status subresource."""
    list_name: str = ""
    """The kind of a list of them where it is not `<kind>List`."""

    @property
    def api_version(self) -> str:
        """`v1` or `group/version`."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def resource(self) -> str:
        """`plural.group`, as error messages and CRD names have it; `plural` in the core group."""
        return f"{self.plural}.{self.group}" if self.group else self.plural


class Cluster:
    """The objects of one cluster. `uid` is the ARM document's `properties.resourceUID`."""

    def __init__(self, azure: Azure, uid: str) -> None:
        self.azure = azure
        self.uid = uid

    def get(self, kind: Kind, name: str, namespace: str = "") -> Json | None:
        """The stored object, or None. A copy: changing it changes nothing."""
        return self.azure.store.get(self._table(kind), self._id(name, namespace))

    def list(self, kind: Kind, namespace: str = "") -> builtins.list[Json]:
        """Objects of the kind in one namespace, or in all of them, ordered by namespace and name."""
        prefix = f"{self.uid}/{namespace}/" if namespace else f"{self.uid}/"
        return self.azure.store.list(self._table(kind), prefix)

    def texts(self, kind: Kind) -> dict[str, str]:
        """Objects of a kind that has no namespaces, as they are stored, by name."""
        found = self.azure.store.texts(self._table(kind), f"{self.uid}/")
        return {id_.rpartition("/")[2]: text for id_, text in found}

    def text(self, kind: Kind, name: str) -> str | None:
        """One of `texts`."""
        return self.azure.store.text(self._table(kind), self._id(name, ""))

    def put(self, kind: Kind, body: Json) -> Json:
        """Create or replace; returns what was stored.

        Fills apiVersion, kind, uid, creationTimestamp; bumps resourceVersion; bumps generation when
        anything but metadata and status changed. An object that is the same as before is left alone and
        keeps its resource version, as the API server does.
        """
        body = copied(body)
        metadata = body.setdefault("metadata", {})
        before = self.get(kind, metadata["name"], metadata.get("namespace", ""))
        body["apiVersion"], body["kind"] = kind.api_version, kind.kind
        if before:
            metadata["uid"] = before["metadata"]["uid"]
            metadata["creationTimestamp"] = before["metadata"]["creationTimestamp"]
            metadata["resourceVersion"] = before["metadata"]["resourceVersion"]
            metadata["generation"] = before["metadata"].get("generation", 1)
            if body == before:
                return before
            if _specification(body) != _specification(before):
                metadata["generation"] += 1
        else:
            metadata["uid"] = str(uuid.uuid4())
            metadata.setdefault("creationTimestamp", self.now())
            metadata["generation"] = 1
        text = self._record("MODIFIED" if before else "ADDED", kind, body)
        id_ = self._id(metadata["name"], metadata.get("namespace", ""))
        self.azure.store.put_text(self._table(kind), id_, text)
        return body

    def delete(self, kind: Kind, name: str, namespace: str = "") -> Json | None:
        """Remove at once (finalizers and owner references are the caller's); returns the last state."""
        body = self.get(kind, name, namespace)
        if body is None:
            return None
        self.azure.store.delete(self._table(kind), self._id(name, namespace))
        self._record("DELETED", kind, body)
        return body

    def version(self) -> int:
        """The latest resource version of the cluster."""
        return int((self.azure.store.get("kubernetes:version", self.uid) or {"value": 1})["value"])

    def changes(self, kind: Kind, after: int, namespace: str = "") -> _Events | None:
        """Watch events `{type, object}` later than resource version `after`; None when that is too old."""
        if after < self.version() - _KEPT:
            return None
        prefix = f"{self.uid}/"
        return [
            {"type": change["type"], "object": change["object"]}
            for change in self.azure.store.list("kubernetes:change", prefix)
            if change["version"] > after
            and change["resource"] == kind.resource
            and (not namespace or change["object"]["metadata"].get("namespace") == namespace)
        ]

    def now(self) -> str:
        """The time as Kubernetes writes it: whole seconds, UTC."""
        moment = datetime.fromtimestamp(self.azure.clock.now(), UTC)
        return moment.strftime("%Y-%m-%dT%H:%M:%SZ")

    def _record(self, what: str, kind: Kind, body: Json) -> str:
        """Give the object its version and watches their event; returns the object as JSON."""
        version = self.version() + 1
        self.azure.store.put("kubernetes:version", self.uid, {"value": version})
        body["metadata"]["resourceVersion"] = str(version)
        text = json.dumps(body)
        change = json.dumps({"type": what, "version": version, "resource": kind.resource})
        self.azure.store.put_text(
            "kubernetes:change", f"{self.uid}/{version:012}", f'{change[:-1]}, "object": {text}}}'
        )
        self.azure.store.delete("kubernetes:change", f"{self.uid}/{version - _KEPT:012}")
        return text

    @staticmethod
    def _table(kind: Kind) -> str:
        return f"kubernetes:{kind.resource}"

    def _id(self, name: str, namespace: str) -> str:
        return f"{self.uid}/{namespace}/{name}"


def _specification(body: Json) -> Json:
    return {key: value for key, value in body.items() if key not in ("metadata", "status")}
