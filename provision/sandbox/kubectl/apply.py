"""`kubectl apply`: on the server, or the older way with the last applied object in an annotation."""

from __future__ import annotations

import json
from typing import Any

from provision.sandbox.documents import copied
from provision.sandbox.http import Json
from provision.sandbox.kubectl import output
from provision.sandbox.kubectl.client import Resource
from provision.sandbox.kubectl.errors import KubectlError, ServerError
from provision.sandbox.kubectl.session import Session

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"

_CONFLICT = """
Please review the fields above--they currently have other managers. Here
are the ways you can resolve this warning:
* If you intend to manage all of these fields, please re-run the apply
  command with the `--force-conflicts` flag.
* If you do not intend to manage all of the fields, please edit your
  manifest to remove references to the fields that should keep their
  current managers.
* You may co-own fields by updating your manifest to match the existing
  value; in this case, you'll become the manager if the other manager(s)
  stop managing the field (remove it from their configuration).
See https://kubernetes.io/docs/reference/using-api/server-side-apply/#conflicts"""


def apply(session: Session) -> None:
    """Every object is tried; the errors come together at the end."""
    arguments = session.arguments
    output.check(session.form)
    if arguments.has("force-conflicts") and not arguments.has("server-side"):
        raise KubectlError("error: --force-conflicts only works with --server-side")
    errors: list[str] = []
    applied: list[Json] = []
    for source, document in _mapped(session, errors):
        try:
            found, verb = (
                _on_server(session, document, source)
                if arguments.has("server-side")
                else _by_client(session, document, source)
            )
        except KubectlError as error:
            errors.append(str(error))
            continue
        applied.append(found)
        if session.form in ("", "name"):
            session.done(found, verb)
    if applied and session.form not in ("", "name"):
        session.show(applied[0] if len(applied) == 1 else output.listed(applied))
    if errors:
        raise KubectlError("\n".join(errors))


def _mapped(session: Session, errors: list[str]) -> list[tuple[str, Json]]:
    """The manifests whose kinds the server knows; for the others kubectl has an error, and goes on."""
    known: list[tuple[str, Json]] = []
    for source, document in session.manifests("apply"):
        try:
            session.client.of_object(document, source)
        except ServerError:
            raise
        except KubectlError as error:
            errors.append(str(error))
        else:
            known.append((source, document))
    return known


def _on_server(session: Session, document: Json, source: str) -> tuple[Json, str]:
    resource, namespace = session.place(document, source)
    query = {
        "fieldManager": session.arguments.flags.get("field-manager", "kubectl"),
        "fieldValidation": _validation(session),
        "force": "true" if session.arguments.has("force-conflicts") else "false",
        **session.query,
    }
    try:
        found = session.client.send(
            "PATCH",
            resource.path(namespace, _name(document)),
            query=query,
            body=_placed(document, namespace),
            content_type="application/apply-patch+yaml",
        )
    except ServerError as error:
        if error.reason != "Conflict":
            raise
        raise KubectlError(f"error: {error.status.get('message', '')}{_CONFLICT}") from error
    return found, "serverside-applied"


def _by_client(session: Session, document: Json, source: str) -> tuple[Json, str]:
    resource, namespace = session.place(document, source)
    body = _placed(document, namespace)
    annotations = body["metadata"].setdefault("annotations", {})
    annotations.pop(LAST_APPLIED, None)
    kept = json.dumps(body, separators=(",", ":"), sort_keys=True) + "\n"
    annotations[LAST_APPLIED] = kept
    query = {
        "fieldManager": session.arguments.flags.get("field-manager", "kubectl-client-side-apply"),
        "fieldValidation": _validation(session),
        **session.query,
    }
    path = resource.path(namespace, _name(document))
    try:
        live = session.client.send("GET", path)
    except ServerError as error:
        if error.reason != "NotFound":
            raise
        return _created(session, resource, namespace, body, source, query), "created"
    before = (live["metadata"].get("annotations") or {}).get(LAST_APPLIED)
    if before is None:
        session.process.err.extend(_missing(resource, _name(document)).encode())
    patch = _patch(json.loads(before) if before else {}, body, live)
    if not patch:
        return live, "unchanged"
    if session.arguments.dry_run == "client":
        return live, "configured"
    try:
        found = session.client.send(
            "PATCH", path, query=query, body=patch, content_type="application/merge-patch+json"
        )
    except ServerError as error:
        raise error.while_(f'error when patching "{source}"') from error
    return found, "configured"


def _created(
    session: Session, resource: Resource, namespace: str, body: Json, source: str, query: dict[str, str]
) -> Json:
    if session.arguments.dry_run == "client":
        return body
    try:
        made: Json = session.client.send("POST", resource.path(namespace), query=query, body=body)
    except ServerError as error:
        raise error.while_(f'error when creating "{source}"') from error
    return made


def _patch(before: Json, wanted: Json, live: Json) -> Json:
    """A JSON merge patch: what is wanted and differs, and what was applied before and no longer is."""
    patch: Json = {}
    for key, value in wanted.items():
        current = live.get(key)
        if isinstance(value, dict) and isinstance(current, dict):
            earlier = before.get(key)
            inner = _patch(earlier if isinstance(earlier, dict) else {}, value, current)
            if inner:
                patch[key] = inner
        elif not _same(value, current):
            patch[key] = value
    patch.update({key: None for key in before if key not in wanted and key in live})
    return patch


def _same(wanted: Any, live: Any) -> bool:
    """Equal up to what the server filled in inside of lists, which are sent whole when they differ."""
    if isinstance(wanted, list) and isinstance(live, list):
        return len(wanted) == len(live) and all(map(_same, wanted, live))
    if isinstance(wanted, dict) and isinstance(live, dict):
        return all(_same(value, live.get(key)) for key, value in wanted.items())
    return bool(wanted == live)


def _missing(resource: Resource, name: str) -> str:
    return (
        f"Warning: resource {resource.plural}/{name} is missing the {LAST_APPLIED} annotation which is"
        " required by kubectl apply. kubectl apply should only be used on resources created declaratively by"
        " either kubectl create --save-config or kubectl apply. The missing annotation will be patched"
        " automatically.\n"
    )


def _validation(session: Session) -> str:
    chosen = session.arguments.flags.get("validate", "strict")
    return {"true": "Strict", "strict": "Strict", "warn": "Warn"}.get(chosen, "Ignore")


def _name(document: Json) -> str:
    name = (document.get("metadata") or {}).get("name")
    if not name:
        raise KubectlError("error: resource name may not be empty")
    return str(name)


def _placed(document: Json, namespace: str) -> Json:
    body = copied(document)
    if namespace:
        body.setdefault("metadata", {})["namespace"] = namespace
    return body
