"""`kubectl create`, `replace`, `delete`, `label` and `annotate`."""

from __future__ import annotations

from collections.abc import Callable

from provision.sandbox.http import Json
from provision.sandbox.kubectl import output
from provision.sandbox.kubectl.client import Resource
from provision.sandbox.kubectl.errors import KubectlError, ServerError
from provision.sandbox.kubectl.manifests import single
from provision.sandbox.kubectl.session import Session, Target


def create(session: Session) -> None:
    arguments = session.arguments
    output.check(session.form)
    if "raw" in arguments.flags:
        _raw(session, "POST")
    elif arguments.words[:1] in (["namespace"], ["ns"]):
        if len(arguments.words) != 2:
            raise KubectlError(
                f"error: exactly one NAME is required, got {len(arguments.words) - 1}\n"
                "See 'kubectl create namespace -h' for help and examples"
            )
        body: Json = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": arguments.words[1]}}
        session.done(_post(session, session.client.find("namespaces"), "", body), "created")
    elif arguments.words:
        raise KubectlError(f"error: kubectl create {arguments.words[0]} is not in the sandbox")
    else:
        _each(session, "create", _create_one)


def _create_one(session: Session, source: str, document: Json) -> None:
    resource, namespace = session.place(document, source)
    try:
        found = _post(session, resource, namespace, _inside(document, namespace))
    except ServerError as error:
        raise error.while_(f'error when creating "{source}"') from error
    session.done(found, "created")


def _post(session: Session, resource: Resource, namespace: str, body: Json) -> Json:
    if session.arguments.dry_run == "client":
        return body
    manager = session.arguments.flags.get("field-manager", "kubectl-create")
    query = {"fieldManager": manager, "fieldValidation": "Strict", **session.query}
    made: Json = session.client.send("POST", resource.path(namespace), query=query, body=body)
    return made


def replace(session: Session) -> None:
    output.check(session.form)
    if "raw" in session.arguments.flags:
        _raw(session, "PUT")
        return
    _each(session, "replace", _replace_one)


def _replace_one(session: Session, source: str, document: Json) -> None:
    resource, namespace = session.place(document, source)
    path = resource.path(namespace, document["metadata"]["name"])
    manager = session.arguments.flags.get("field-manager", "kubectl-replace")
    query = {"fieldManager": manager, "fieldValidation": "Strict", **session.query}
    try:
        found = session.client.send("PUT", path, query=query, body=_inside(document, namespace))
    except ServerError as error:
        raise error.while_(f'error when replacing "{source}"') from error
    session.done(found, "replaced")


def delete(session: Session) -> None:
    arguments = session.arguments
    if "raw" in arguments.flags:
        _raw(session, "DELETE")
        return
    if arguments.files:
        targets = [
            (Target(*session.place(document, source), document["metadata"]["name"]), source)
            for source, document in session.manifests("delete")
        ]
    else:
        targets = [(target, "") for target in session.expanded(list(arguments.words))]
    errors: list[str] = []
    for target, source in targets:
        try:
            _delete_one(session, target)
        except ServerError as error:
            gone = error.reason == "NotFound" and (
                arguments.has("ignore-not-found") or arguments.has("all") or "selector" in arguments.flags
            )
            if not gone:
                errors.append(str(error.while_(f'error when deleting "{source}"') if source else error))
    if not targets:
        session.process.write("No resources found\n")
    if errors:
        raise KubectlError("\n".join(errors))


def _delete_one(session: Session, target: Target) -> None:
    policy = {"orphan": "Orphan", "foreground": "Foreground"}.get(
        session.arguments.flags.get("cascade", ""), "Background"
    )
    body = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": policy}
    if session.arguments.dry_run != "client":
        session.client.send("DELETE", target.path, query=session.query, body=body)
    if session.form == "name":
        session.process.write(f"{target.resource.label}/{target.name}\n")
        return
    suffix = {"none": "", "client": " (dry run)", "server": " (server dry run)"}[session.arguments.dry_run]
    session.process.write(f'{target.resource.label} "{target.name}" deleted{suffix}\n')


def label(session: Session) -> None:
    _mark(session, "labels", "label", ("labeled", "unlabeled", "not labeled"))


def annotate(session: Session) -> None:
    _mark(session, "annotations", "annotation", ("annotated", "annotated", "annotated"))


def _mark(session: Session, field: str, noun: str, verbs: tuple[str, str, str]) -> None:
    """Set (`key=value`) and remove (`key-`) labels or annotations."""
    words = list(session.arguments.words)
    pairs = [word for word in words[1:] if "=" in word or word.endswith("-")]
    named = [word for word in words if word not in pairs]
    if not pairs:
        raise KubectlError(f"error: at least one {noun} update is required")
    wanted = {key: value for key, equals, value in (pair.partition("=") for pair in pairs) if equals}
    removed = [pair[:-1] for pair in pairs if "=" not in pair]
    for target in session.expanded(named):
        live = session.client.send("GET", target.path)
        present = live["metadata"].get(field) or {}
        if not session.arguments.has("overwrite"):
            _check_kept(present, wanted)
        for key in removed:
            if key not in present:
                session.process.write(f'{noun} "{key}" not found.\n')
        changes = {key: value for key, value in wanted.items() if present.get(key) != value}
        patch = {**changes, **{key: None for key in removed if key in present}}
        verb = verbs[0] if changes else verbs[1] if patch else verbs[2]
        if patch and session.arguments.dry_run != "client":
            manager = session.arguments.flags.get("field-manager", f"kubectl-{noun.removesuffix('ion')}")
            live = session.client.send(
                "PATCH",
                target.path,
                query={"fieldManager": manager, **session.query},
                body={"metadata": {field: patch}},
                content_type="application/merge-patch+json",
            )
        session.done(live, verb)


def _check_kept(present: Json, wanted: dict[str, str]) -> None:
    for key, value in wanted.items():
        if present.get(key, value) != value:
            raise KubectlError(
                f"error: '{key}' already has a value ({present[key]}), and --overwrite is false"
            )


def _each(session: Session, verb: str, act: Callable[[Session, str, Json], None]) -> None:
    errors: list[str] = []
    for source, document in session.manifests(verb):
        try:
            act(session, source, document)
        except KubectlError as error:
            errors.append(str(error))
    if errors:
        raise KubectlError("\n".join(errors))


def _raw(session: Session, method: str) -> None:
    body = single(session.process, session.arguments.files)
    session.process.write(session.client.raw(method, session.arguments.flags["raw"], body))


def _inside(document: Json, namespace: str) -> Json:
    if not namespace:
        return document
    return {**document, "metadata": {**(document.get("metadata") or {}), "namespace": namespace}}
