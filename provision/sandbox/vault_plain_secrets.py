"""Secrets of a vault that no certificate stands behind: set, changed, deleted, recovered, purged.

Sources: Key Vault REST reference 7.6, "Secrets"; az CLI recording test_keyvault_secret_soft_delete (2021) for
the shapes; "Azure Key Vault soft-delete overview", Microsoft Learn, 2026. That a deleted secret is neither
here nor there for a moment is so with certificates; for secrets the same times are inferred.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from provision.sandbox.azure import Answer, Json, Refusal
from provision.sandbox.certificate_lists import page
from provision.sandbox.certificate_policy import bad_parameter
from provision.sandbox.certificate_store import (
    BEING_DELETED,
    BEING_PURGED,
    BEING_RECOVERED,
    conflict,
    find,
    recovery,
)
from provision.sandbox.http import Route
from provision.sandbox.vault_access import Call, Permission, guarded

SECRET = "keyvault.plainsecret"
VERSION = "keyvault.plainsecretversion"

_NAME = re.compile(r"[0-9a-zA-Z-]{1,127}")
_LARGEST = 25 * 1024
"""Bytes of a value (Key Vault limits, Microsoft Learn, 2026)."""
_DAY = 86400


def not_found(name: str) -> Refusal:
    return Refusal(
        404,
        "SecretNotFound",
        f"A secret with (name/id) {name} was not found in this key vault. If you recently deleted this"
        " secret you may be able to recover it using the correct recovery command. For help resolving this"
        " issue, please see https://go.microsoft.com/fwlink/?linkid=2125182",
    )


def lookup(call: Call, name: str, version: str = "") -> tuple[str, Json] | None:
    """The name as first spelled, and the version asked for or the current one; None when there is none."""
    document = _live(call, name)
    if document is None:
        return None
    found = call.azure.store.get(VERSION, _version_id(call, document["name"], version or document["current"]))
    return None if found is None else (document["name"], found)


def entries(call: Call) -> Iterator[tuple[str, Json]]:
    """Name and current version of each secret that is there for the caller."""
    for document in call.azure.store.list(SECRET, call.id("secrets", "")):
        found = lookup(call, document["name"])
        if found is not None:
            yield found


def put(call: Call) -> Answer:
    """A new secret, or a new version of one: 200."""
    value = call.body.get("value")
    if not _NAME.fullmatch(call.name):
        raise bad_parameter(
            f"The request URI contains an invalid name: {call.name}. Names must match"
            " ^[0-9a-zA-Z-]{1,127}$."
        )
    if not isinstance(value, str):
        raise bad_parameter("Property value has invalid value\r\n")
    if len(value.encode()) > _LARGEST:
        raise bad_parameter(f"Property value has invalid value: it is longer than {_LARGEST} bytes\r\n")
    document = _writable(call)
    version: Json = {"version": call.azure.guid().replace("-", ""), "value": value, "created": call.now}
    _change(call, version)
    document = {**document, "current": version["version"]}
    call.azure.store.put(SECRET, call.id("secrets", document["name"]), document)
    call.azure.store.put(VERSION, _version_id(call, document["name"], version["version"]), version)
    return Answer(200, shown(call, document["name"], version, value=True))


def patch(call: Call) -> Answer:
    """Other attributes, tags and content type; the value stays."""
    found = lookup(call, call.name, call.request.params.get("version", ""))
    if found is None:
        raise not_found(call.name)
    name, version = found
    _change(call, version)
    call.azure.store.put(VERSION, _version_id(call, name, version["version"]), version)
    return Answer(200, shown(call, name, version))


def versions(call: Call) -> Answer:
    """Those of a secret in the order of their (random) names, without values."""
    document = _live(call, call.name)
    if document is None:
        raise not_found(call.name)
    name = document["name"]
    found = call.azure.store.list(VERSION, _version_id(call, name, ""))
    return page(call, [line(call, name, each, f"/{each['version']}") for each in found])


def delete(call: Call) -> Answer:
    """Kept for the vault's days of retention; its name is taken meanwhile."""
    found = lookup(call, call.name)
    if found is None:
        raise not_found(call.name)
    name, version = found
    document = call.azure.store.get(SECRET, call.id("secrets", name)) or {}
    days = call.vault["properties"]["softDeleteRetentionInDays"]
    deleted = {
        "date": call.now,
        "purge": call.now + days * _DAY,
        "ready": call.azure.clock.after(BEING_DELETED),
    }
    document = {**document, "deleted": deleted}
    call.azure.store.put(SECRET, call.id("secrets", name), document)
    return Answer(200, {**_deletion(call, document), **shown(call, name, version)})


def get_deleted(call: Call) -> Answer:
    document, version = _deleted(call)
    return Answer(200, {**_deletion(call, document), **shown(call, document["name"], version)})


def list_deleted(call: Call) -> Answer:
    found = []
    for document in call.azure.store.list(SECRET, call.id("secrets", "")):
        if document.get("deleted") and call.azure.clock.now() >= document["deleted"]["ready"]:
            version = call.azure.store.get(VERSION, _version_id(call, document["name"], document["current"]))
            found.append({**_deletion(call, document), **line(call, document["name"], version or {})})
    return page(call, found)


def recover(call: Call) -> Answer:
    document, version = _deleted(call)
    back = {key: value for key, value in document.items() if key != "deleted"}
    back["recovered"] = call.azure.clock.after(BEING_RECOVERED)
    call.azure.store.put(SECRET, call.id("secrets", document["name"]), back)
    return Answer(200, shown(call, document["name"], version))


def purge(call: Call) -> Answer:
    document, _ = _deleted(call)
    if call.vault["properties"].get("enablePurgeProtection"):
        raise Refusal(
            403,
            "Forbidden",
            'Operation "purge" is not allowed because purge protection is enabled for this vault. Key Vault'
            " service will automatically purge it after the retention period has passed.\r\n"
            f"Vault: {call.vault['name']};location={call.vault['location']}",
        )
    for version in call.azure.store.list(VERSION, _version_id(call, document["name"], "")):
        call.azure.store.delete(VERSION, _version_id(call, document["name"], version["version"]))
    gone = {"name": document["name"], "purged": call.azure.clock.after(BEING_PURGED)}
    call.azure.store.put(SECRET, call.id("secrets", document["name"]), gone)
    return Answer(204)


def shown(call: Call, name: str, version: Json, *, value: bool = False) -> Json:
    """`{value, contentType, id, attributes[, tags]}`; what was not given is left out."""
    body: Json = {"value": version["value"]} if value else {}
    if version.get("contentType"):
        body["contentType"] = version["contentType"]
    body["id"] = f"{call.base}/secrets/{name}/{version['version']}"
    body["attributes"] = {**_attributes(version), **recovery(call.vault)}
    return body | ({"tags": version["tags"]} if version.get("tags") else {})


def line(call: Call, name: str, version: Json, tail: str = "") -> Json:
    """What a list shows of a secret, and with `tail` of a version."""
    full = shown(call, name, {"version": "", **version})
    return {**full, "id": f"{call.base}/secrets/{name}{tail}"}


def _attributes(version: Json) -> Json:
    kept = {key: version[key] for key in ("nbf", "exp") if version.get(key) is not None}
    return {
        "enabled": version.get("enabled", True),
        **kept,
        "created": version.get("created"),
        "updated": version.get("updated"),
    }


def _change(call: Call, version: Json) -> None:
    """Take over what the request says of a version."""
    attributes = call.body.get("attributes") or {}
    for key in ("enabled", "nbf", "exp"):
        if attributes.get(key) is not None:
            version[key] = attributes[key]
    for key in ("contentType", "tags"):
        if call.body.get(key) is not None:
            version[key] = call.body[key]
    version["updated"] = call.now


def _version_id(call: Call, name: str, version: str) -> str:
    return call.id("secrets", name, version)


def _live(call: Call, name: str) -> Json | None:
    document = call.azure.store.get(SECRET, call.id("secrets", name))
    if document is None or "purged" in document or document.get("deleted"):
        return None
    return document if call.azure.clock.now() >= document.get("recovered", 0) else None


def _writable(call: Call) -> Json:
    """The document that a new version goes to; 409 when the name is not free."""
    if find(call, call.name) is not None:
        # Inferred: the secret of a certificate changes through the certificate only.
        raise conflict(f"Secret {call.name} is managed by a certificate of this name and can't be set.")
    document = call.azure.store.get(SECRET, call.id("secrets", call.name))
    now = call.azure.clock.now()
    if document is None or now >= document.get("purged", now + 1):
        return {"name": call.name}
    if "purged" in document or (document.get("deleted") and now < document["deleted"]["ready"]):
        raise conflict("Secret is currently being deleted.", "ObjectIsBeingDeleted")
    if document.get("deleted"):
        raise conflict(
            f"Secret {document['name']} is currently in a deleted but recoverable state, and its name cannot"
            " be reused; in this state, the secret can only be recovered or purged.",
            "ObjectIsDeletedButRecoverable",
        )
    if now < document.get("recovered", 0):
        raise conflict("Secret is currently being recovered.", "ObjectIsBeingRecovered")
    return document


def _deleted(call: Call) -> tuple[Json, Json]:
    document = call.azure.store.get(SECRET, call.id("secrets", call.name)) or {}
    deleted = document.get("deleted")
    if not deleted or call.azure.clock.now() < deleted["ready"]:
        raise Refusal(404, "SecretNotFound", f"Deleted Secret not found: {call.name}")
    version = call.azure.store.get(VERSION, _version_id(call, document["name"], document["current"]))
    return document, version or {}


def _deletion(call: Call, document: Json) -> Json:
    return {
        "recoveryId": f"{call.base}/deletedsecrets/{document['name']}",
        "deletedDate": document["deleted"]["date"],
        "scheduledPurgeDate": document["deleted"]["purge"],
    }


def _permission(action: str, name: str) -> Permission:
    return Permission(f"secrets/{action}", "secrets", name)


_LIST = _permission("readMetadata/action", "list")
_GET_DELETED = _permission("readMetadata/action", "get")
_UPDATE = _permission("update/action", "set")

ROUTES: tuple[Route, ...] = tuple(
    Route(method, path, guarded(permission, operation), host="vault")
    for method, path, permission, operation in (
        ("PUT", "/secrets/{name}", _permission("setSecret/action", "set"), put),
        ("PATCH", "/secrets/{name}", _UPDATE, patch),
        ("PATCH", "/secrets/{name}/{version}", _UPDATE, patch),
        ("GET", "/secrets/{name}/versions", _LIST, versions),
        ("DELETE", "/secrets/{name}", _permission("delete", "delete"), delete),
        ("GET", "/deletedsecrets", _LIST, list_deleted),
        ("GET", "/deletedsecrets/{name}", _GET_DELETED, get_deleted),
        ("POST", "/deletedsecrets/{name}/recover", _permission("recover/action", "recover"), recover),
        ("DELETE", "/deletedsecrets/{name}", _permission("purge/action", "purge"), purge),
    )
)
