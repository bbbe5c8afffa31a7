"""Secrets and keys of a vault, above all those of certificates: certificate and, if exportable, its key.

This is what the Secrets Store driver and app routing read. Source: recordings of the JavaScript SDK's
certificate tests (2021).
"""

from __future__ import annotations

from collections.abc import Iterator

from provision.sandbox import vault_plain_secrets
from provision.sandbox.azure import Answer, Json, Refusal
from provision.sandbox.certificate_lists import page
from provision.sandbox.certificate_store import (
    VERSION,
    attributes,
    find,
    find_version,
    is_live,
    live_ones,
    recovery,
)
from provision.sandbox.http import Route
from provision.sandbox.vault_access import Call, Permission, guarded


def get(call: Call) -> Answer:
    """`{value, contentType, id, managed, attributes, kid[, tags]}` of the current or the named version."""
    plain = vault_plain_secrets.lookup(call, call.name, call.request.params.get("version", ""))
    name, version = plain or _version(call)
    if not version.get("enabled", True):
        raise Refusal(
            403,
            "Forbidden",
            "Operation get is not allowed on a disabled secret.",
            extra={"innererror": {"code": "SecretDisabled"}},
        )
    if plain:
        return Answer(200, vault_plain_secrets.shown(call, name, version, value=True))
    body = {
        "value": version["secret"],
        "contentType": version["contentType"],
        "id": f"{call.base}/secrets/{name}/{version['version']}",
        "managed": True,
        "attributes": {**attributes(version), **recovery(call.vault)},
        "kid": f"{call.base}/keys/{name}/{version['version']}",
    }
    if version.get("tags"):
        body["tags"] = version["tags"]
    return Answer(200, body)


def _version(call: Call) -> tuple[str, Json]:
    """The certificate's name as first spelled and the complete version asked for."""
    document = find(call, call.name)
    if document is not None and is_live(call, document):
        wanted = call.request.params.get("version") or document["current"]
        version = call.azure.store.get(VERSION, call.id("certificates", document["name"], wanted))
        if version is not None and "secret" in version:
            return document["name"], version
    raise vault_plain_secrets.not_found(call.name)


def list_secrets(call: Call) -> Answer:
    """`{id, contentType, attributes, managed[, tags]}` of every certificate that is complete, and of every
    other secret, by name."""
    found = {
        name: {
            "id": f"{call.base}/secrets/{name}",
            "contentType": version["contentType"],
            **_entry(call, version),
        }
        for name, version in _complete(call)
    }
    others = vault_plain_secrets.entries(call)
    found |= {name: vault_plain_secrets.line(call, name, version) for name, version in others}
    return page(call, [found[name] for name in sorted(found, key=str.lower)])


def list_keys(call: Call) -> Answer:
    """`{kid, attributes, managed[, tags]}` of every certificate's key; there are no others here."""
    entries = [
        {"kid": f"{call.base}/keys/{name}", **_entry(call, version)} for name, version in _complete(call)
    ]
    return page(call, entries)


def _complete(call: Call) -> Iterator[tuple[str, Json]]:
    for document in live_ones(call):
        version = find_version(call, document, None)
        if "secret" in version:
            yield document["name"], version


def _entry(call: Call, version: Json) -> Json:
    entry = {"attributes": {**attributes(version), **recovery(call.vault)}, "managed": True}
    return entry | ({"tags": version["tags"]} if version.get("tags") else {})


_GET = Permission("secrets/getSecret/action", "secrets", "get")
_LIST = Permission("secrets/readMetadata/action", "secrets", "list")
_KEYS = Permission("keys/read", "keys", "list")

ROUTES: tuple[Route, ...] = (
    *vault_plain_secrets.ROUTES,
    Route("GET", "/secrets", guarded(_LIST, list_secrets), host="vault"),
    Route("GET", "/keys", guarded(_KEYS, list_keys), host="vault"),
    Route("GET", "/secrets/{name}", guarded(_GET, get), host="vault"),
    Route("GET", "/secrets/{name}/{version}", guarded(_GET, get), host="vault"),
)
