"""Secrets of a vault that no certificate stands behind: set, changed, deleted, recovered, purged.

Sources: Key Vault REST reference 7.6, "Secrets"; az CLI recordings test_keyvault_secret (2025) and
test_keyvault_secret_soft_delete (2021) for the shapes; "Azure Key Vault soft-delete overview", Microsoft
Learn, 2026. Recordings of the JavaScript SDK's secret tests: a deleted secret is neither here nor there for
4 s (2022) or 15 s (2020), so that the times of certificates do; of a name that nobody knows the list of
versions is empty, not 404 (recording_can_list_secret_versions_non_existing, 2022).
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
    CERTIFICATE,
    checked_tags,
    conflict,
    find,
    recovery,
)
from provision.sandbox.http import Route
from provision.sandbox.vault_access import Call, Permission, guarded
from provision.sandbox.vault_secret_refusals import check_free, deny_managed, managed, not_deleted, not_found

SECRET = "keyvault.plainsecret"
VERSION = "keyvault.plainsecretversion"

_NAME = re.compile(r"[0-9a-zA-Z-]{1,127}")
_LARGEST = 25 * 1024
"""Bytes of a value (Key Vault limits, Microsoft Learn, 2026)."""
_LONGEST_TYPE = 255
"""Characters of a content type ("About Azure Key Vault secrets", Microsoft Learn, 2026)."""
_DAY = 86400


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
    deny_managed(call, "update")
    wanted = call.request.params.get("version", "")
    found = lookup(call, call.name, wanted)
    if found is None:
        raise not_found(call.name, wanted)
    name, version = found
    _change(call, version)
    call.azure.store.put(VERSION, _version_id(call, name, version["version"]), version)
    return Answer(200, shown(call, name, version))


def versions(call: Call) -> Iterator[tuple[str, Json]]:
    """The name and each version of a secret, in the order of the versions' (random) names."""
    document = _live(call, call.name)
    if document is not None:
        for version in call.azure.store.list(VERSION, _version_id(call, document["name"], "")):
            yield document["name"], version


def delete(call: Call) -> Answer:
    """Kept for the vault's days of retention; its name is taken meanwhile."""
    deny_managed(call, "delete")
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
    return Answer(200, {**deletion(call, document), **shown(call, name, version)})


def get_deleted(call: Call) -> Answer:
    document, version = _deleted(call)
    return Answer(200, {**deletion(call, document), **shown(call, document["name"], version)})


def list_deleted(call: Call) -> Answer:
    """Without those of deleted certificates, which `GET` shows all the same. Source: a comparison with the
    real service, https://github.com/james-gould/azure-keyvault-emulator/issues/398 (2025)."""
    found = []
    for document in call.azure.store.list(SECRET, call.id("secrets", "")):
        if document.get("deleted") and call.azure.clock.now() >= document["deleted"]["ready"]:
            version = call.azure.store.get(VERSION, _version_id(call, document["name"], document["current"]))
            found.append({**deletion(call, document), **line(call, document["name"], version or {})})
    return page(call, found)


def recover(call: Call) -> Answer:
    document, version = _deleted(call, "recover")
    back = {key: value for key, value in document.items() if key != "deleted"}
    back["recovered"] = call.azure.clock.after(BEING_RECOVERED)
    call.azure.store.put(SECRET, call.id("secrets", document["name"]), back)
    return Answer(200, shown(call, document["name"], version))


def purge(call: Call) -> Answer:
    document, _ = _deleted(call, "purge")
    if call.vault["properties"].get("enablePurgeProtection"):
        raise Refusal(
            403,
            "Forbidden",
            'Operation "purge" is not allowed because purge protection is enabled for this vault. Key Vault'
            " service will automatically purge it after the retention period has passed.\r\n"
            f"Vault: {call.vault['name']};location={call.vault['location']}",
            extra={"innererror": {"code": "ForbiddenByPolicy"}},
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
    if not isinstance(attributes, dict):
        raise bad_parameter("Property attributes has invalid value\r\n")
    for key, kind in (("enabled", bool), ("nbf", int), ("exp", int)):
        if attributes.get(key) is not None:
            if type(attributes[key]) is not kind:  # a bool is an int
                raise bad_parameter(f"Property {key} has invalid value\r\n")
            version[key] = attributes[key]
    content_type = call.body.get("contentType")
    if content_type is not None:
        if not isinstance(content_type, str) or len(content_type) > _LONGEST_TYPE:
            raise bad_parameter("Property contentType has invalid value\r\n")
        version["contentType"] = content_type
    if call.body.get("tags") is not None:
        version["tags"] = checked_tags(call.body["tags"])
    version["updated"] = call.now


def _version_id(call: Call, name: str, version: str) -> str:
    return call.id("secrets", name, version)


def _live(call: Call, name: str) -> Json | None:
    document = call.azure.store.get(SECRET, call.id("secrets", name))
    if document is None or "purged" in document or document.get("deleted"):
        return None
    if (find(call, name) or {}).get("deleted"):  # it went with the certificate that had taken its name
        return None
    return document if call.azure.clock.now() >= document.get("recovered", 0) else None


def _writable(call: Call) -> Json:
    """The document that a new version goes to; refused when the name is not free."""
    deny_managed(call, "set")
    document = call.azure.store.get(SECRET, call.id("secrets", call.name))
    certificate = call.azure.store.get(CERTIFICATE, call.id("certificates", call.name))
    for each in (certificate, document):  # a certificate's secret is deleted and purged with it
        if each is not None:
            check_free(each, call.azure.clock.now())
    return {"name": call.name} if document is None or "purged" in document else document


def _deleted(call: Call, operation: str = "") -> tuple[Json, Json]:
    """What is deleted and its current version. To recover or purge it while it is still being deleted is a
    conflict (hashicorp/terraform-provider-azurerm 10454, 2021)."""
    document = call.azure.store.get(SECRET, call.id("secrets", call.name)) or {}
    deleted = document.get("deleted")
    if operation and not deleted and (find(call, call.name) or {}).get("deleted"):
        raise managed(operation)
    if operation and deleted and call.azure.clock.now() < deleted["ready"]:
        raise conflict("Secret is currently being deleted.", "ObjectIsBeingDeleted")
    if not deleted or call.azure.clock.now() < deleted["ready"]:
        raise not_deleted(call.name)
    version = call.azure.store.get(VERSION, _version_id(call, document["name"], document["current"]))
    return document, version or {}


def deletion(call: Call, document: Json) -> Json:
    return {
        "recoveryId": f"{call.base}/deletedsecrets/{document['name']}",
        "deletedDate": document["deleted"]["date"],
        "scheduledPurgeDate": document["deleted"]["purge"],
    }


def _permission(action: str, name: str) -> Permission:
    return Permission(f"secrets/{action}", "secrets", name)


_LIST = _permission("readMetadata/action", "list")
_UPDATE = _permission("update/action", "set")

ROUTES: tuple[Route, ...] = tuple(
    Route(method, path, guarded(permission, operation), host="vault")
    for method, path, permission, operation in (
        ("PUT", "/secrets/{name}", _permission("setSecret/action", "set"), put),
        ("PATCH", "/secrets/{name}", _UPDATE, patch),
        ("PATCH", "/secrets/{name}/{version}", _UPDATE, patch),
        ("DELETE", "/secrets/{name}", _permission("delete", "delete"), delete),
        ("GET", "/deletedsecrets", _LIST, list_deleted),
        ("POST", "/deletedsecrets/{name}/recover", _permission("recover/action", "recover"), recover),
        ("DELETE", "/deletedsecrets/{name}", _permission("purge/action", "purge"), purge),
    )
)
