"""Errors of the Kubernetes API: `Status` objects, worded as the API server words them.

Source: k8s.io/apimachinery `api/errors` and the answers of API servers 1.30 to 1.34.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from provision.sandbox.http import Answer, Json, Refusal
from provision.sandbox.kubernetes.objects import Kind


class StatusRefusal(Refusal):
    """A refusal in the envelope of Kubernetes. `code` is the reason (`NotFound`, `Invalid`, …)."""

    def __init__(
        self,
        status: int,
        reason: str,
        message: str,
        details: Json | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(status, reason, message, headers=headers)
        self.details = details

    def answer(self) -> Answer:
        body: Json = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
        }
        if self.code:
            body["reason"] = self.code
        if self.details is not None:
            body["details"] = self.details
        return Answer(self.status, {**body, "code": self.status}, self.headers)


def details(kind: Kind, name: str = "", *, uid: str = "") -> Json:
    """What an answer is about; `kind` there is the plural."""
    found: Json = {"name": name, "group": kind.group, "kind": kind.plural, "uid": uid}
    return {key: value for key, value in found.items() if value}


def not_found(kind: Kind, name: str) -> StatusRefusal:
    return StatusRefusal(404, "NotFound", f'{kind.resource} "{name}" not found', details(kind, name))


def no_such_path() -> StatusRefusal:
    """A path that no kind is served at, a missing CRD's too."""
    return StatusRefusal(404, "NotFound", "the server could not find the requested resource", {})


def already_exists(kind: Kind, name: str) -> StatusRefusal:
    return StatusRefusal(
        409, "AlreadyExists", f'{kind.resource} "{name}" already exists', details(kind, name)
    )


def modified(kind: Kind, name: str) -> StatusRefusal:
    """The resource version sent is not the latest."""
    return conflict(
        kind,
        name,
        "the object has been modified; please apply your changes to the latest version and try again",
    )


def conflict(kind: Kind, name: str, why: str) -> StatusRefusal:
    return StatusRefusal(
        409,
        "Conflict",
        f'Operation cannot be fulfilled on {kind.resource} "{name}": {why}',
        details(kind, name),
    )


def apply_conflict(causes: Sequence[Json], message: str) -> StatusRefusal:
    """Other managers own fields that are applied; a cause is `{reason, message, field}`."""
    return StatusRefusal(409, "Conflict", message, {"causes": list(causes)})


def invalid(kind: Kind, name: str, causes: Sequence[Json]) -> StatusRefusal:
    """422. Each cause is `{reason, message, field}`, the message without the field."""
    kind_name = f"{kind.kind}.{kind.group}" if kind.group else kind.kind
    return invalid_named(kind_name, kind.group, kind.kind, name, causes)


def invalid_options(causes: Sequence[Json]) -> StatusRefusal:
    """422 about the options of a patch."""
    return invalid_named("PatchOptions.meta.k8s.io", "meta.k8s.io", "PatchOptions", "", causes)


def invalid_named(qualified: str, group: str, kind: str, name: str, causes: Sequence[Json]) -> StatusRefusal:
    texts = list(dict.fromkeys(_text(cause) for cause in causes))
    listed = texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
    about: Json = {"name": name, "group": group, "kind": kind}
    return StatusRefusal(
        422,
        "Invalid",
        f'{qualified} "{name}" is invalid: {listed}',
        {**{key: value for key, value in about.items() if value}, "causes": list(causes)},
    )


def _text(cause: Json) -> str:
    return f"{cause['field']}: {cause['message']}" if cause.get("field") else str(cause["message"])


def bad_request(message: str) -> StatusRefusal:
    return StatusRefusal(400, "BadRequest", message)


def forbidden(kind: Kind, name: str, why: str, causes: Iterable[Json] = ()) -> StatusRefusal:
    subject = f'{kind.resource} "{name}"' if name else kind.resource
    about = details(kind, name)
    if found := list(causes):
        about["causes"] = found
    return StatusRefusal(403, "Forbidden", f"{subject} is forbidden: {why}", about)


def denied_by_webhook(webhook: str, why: str, status: int = 403) -> StatusRefusal:
    """What a validating webhook's refusal looks like, for a fault's body (`answer().body`).

    A webhook that names no code of its own makes a 400.
    """
    reason = {403: "Forbidden", 400: "BadRequest"}.get(status, "")
    return StatusRefusal(status, reason, f'admission webhook "{webhook}" denied the request: {why}')


def unauthorized() -> StatusRefusal:
    return StatusRefusal(401, "Unauthorized", "Unauthorized")


def method_not_allowed() -> StatusRefusal:
    return StatusRefusal(
        405, "MethodNotAllowed", "the server does not allow this method on the requested resource", {}
    )


def unsupported_media(accepted: Sequence[str]) -> StatusRefusal:
    return StatusRefusal(
        415,
        "UnsupportedMediaType",
        "the body of the request was in an unknown format - accepted media types include: "
        + ", ".join(accepted),
    )


def expired(message: str) -> StatusRefusal:
    """410: a resource version or a continue token that history no longer reaches."""
    return StatusRefusal(410, "Expired", message)
