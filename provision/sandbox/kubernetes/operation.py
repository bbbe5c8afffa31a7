"""One call of a cluster's API: what it is about, who makes it, with which options."""

from __future__ import annotations

import re
from dataclasses import dataclass

from provision.sandbox.azure import Azure, Json, Request
from provision.sandbox.kubernetes import access, catalog
from provision.sandbox.kubernetes.objects import Cluster, Kind
from provision.sandbox.kubernetes.refusals import bad_request, no_such_path

SUBRESOURCES = ("status", "finalize")
_DIRECTIVES = ("", "Ignore", "Warn", "Strict")


@dataclass(frozen=True, slots=True)
class Target:
    """What a path names: a kind, perhaps in a namespace, perhaps one object or a part of it."""

    kind: Kind
    namespace: str = ""
    name: str = ""
    subresource: str = ""


@dataclass(frozen=True, slots=True)
class Operation:
    """`document` is the cluster's ARM document."""

    request: Request
    azure: Azure
    cluster: Cluster
    document: Json
    user: access.User
    target: Target

    @property
    def dry_run(self) -> bool:
        """`dryRun=All`, in the query or, for a delete, in the body."""
        options = self.options
        asked = [self.request.query.get("dryrun", ""), *(options.get("dryRun") or ())]
        for value in asked:
            if value not in ("", "All"):
                raise bad_request(f'invalid dry run option "{value}": only "All" is supported')
        return "All" in asked

    @property
    def options(self) -> Json:
        """The DeleteOptions in the body of a delete."""
        body = self.request.body
        return body if self.request.method == "DELETE" and isinstance(body, dict) else {}

    @property
    def manager(self) -> str:
        """`fieldManager`, else the client's name as its User-Agent begins."""
        agent = re.split(r"[/\s]", self.request.headers.get("user-agent", ""))[0]
        return self.request.query.get("fieldmanager") or agent or "unknown"

    @property
    def validation(self) -> str:
        """`fieldValidation`: Ignore, Warn or Strict."""
        asked = self.request.query.get("fieldvalidation", "")
        if asked not in _DIRECTIVES:
            raise bad_request(f"fieldValidation: Unsupported value: {asked!r}")
        return asked or "Warn"

    def require(self, verb: str) -> None:
        """403 unless the user may."""
        target = self.target
        # a namespace is in itself
        namespace = target.name if target.kind.resource == "namespaces" else target.namespace
        access.require(
            self.azure,
            self.document,
            self.user,
            verb,
            target.kind,
            namespace=namespace,
            name=target.name,
        )


def target_of(cluster: Cluster, path: str) -> Target:
    """The target of a path below the cluster's root: `/api/v1/…` or `/apis/<group>/<version>/…`."""
    segments = path.strip("/").split("/")
    group, version, rest = (
        ("", segments[1], segments[2:]) if segments[0] == "api" else (segments[1], segments[2], segments[3:])
    )
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 2 and not (len(rest) == 3 and rest[2] in SUBRESOURCES):
        namespace, rest = rest[1], rest[2:]
    plural, name, subresource, *more = [*rest, "", ""][: max(3, len(rest))]
    kind = catalog.find(cluster, group, version, plural)
    if kind is None or more or (namespace and not kind.namespaced):
        raise no_such_path()
    if name and kind.namespaced and not namespace:
        raise no_such_path()
    if subresource and not _has(kind, subresource):
        raise no_such_path()
    return Target(kind, namespace, name, subresource)


def _has(kind: Kind, subresource: str) -> bool:
    if subresource == "finalize":
        return kind.resource == "namespaces"
    return subresource == "status" and kind.status


def object_in(request: Request) -> Json:
    """The object in a body; 400 when it is none."""
    body = request.body
    if not isinstance(body, dict):
        raise bad_request("the object provided is unrecognized (must be of type Object)")
    return body
