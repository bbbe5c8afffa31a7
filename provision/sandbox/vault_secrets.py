"""Secrets and keys of a vault, above all those of certificates: certificate and, if exportable, its key.

This is what the Secrets Store driver and app routing read. Source: recordings of the JavaScript SDK's
certificate tests (2021). A certificate that is made under the name of a plain secret takes the name over:
inferred from a log of 2026 in a public repository, where Terraform could not delete its secret any more.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NoReturn

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
from provision.sandbox.certificate_store import versions as certificate_versions
from provision.sandbox.http import Route
from provision.sandbox.vault_access import Call, Permission, guarded
from provision.sandbox.vault_secret_refusals import not_deleted, not_found


def get(call: Call) -> Answer:
    """`{value, contentType, id, managed, attributes, kid[, tags]}` of the current or the named version."""
    wanted = call.request.params.get("version", "")
    found = _version(call, wanted)
    plain = None if found else vault_plain_secrets.lookup(call, call.name, wanted)
    name, version = found or plain or _missing(call, wanted)
    if not version.get("enabled", True):
        raise Refusal(
            403,
            "Forbidden",
            "Operation get is not allowed on a disabled secret.",
            extra={"innererror": {"code": "SecretDisabled"}},
        )
    if plain:
        return Answer(200, vault_plain_secrets.shown(call, name, version, value=True))
    return Answer(200, {"value": version["secret"], **_bundle(call, name, version)})


def _bundle(call: Call, name: str, version: Json) -> Json:
    body = {
        "contentType": version["contentType"],
        "id": f"{call.base}/secrets/{name}/{version['version']}",
        "managed": True,
        "attributes": {**attributes(version), **recovery(call.vault)},
        "kid": f"{call.base}/keys/{name}/{version['version']}",
    }
    return body | ({"tags": version["tags"]} if version.get("tags") else {})


def _version(call: Call, wanted: str) -> tuple[str, Json] | None:
    """The certificate's name as first spelled and the version asked for, if it is complete."""
    document = find(call, call.name)
    if document is not None and is_live(call, document):
        id_ = call.id("certificates", document["name"], wanted or document["current"])
        version = call.azure.store.get(VERSION, id_)
        if version is not None and "secret" in version:
            return document["name"], version
    return None


def _missing(call: Call, wanted: str) -> NoReturn:
    raise not_found(call.name, wanted)


def get_deleted(call: Call) -> Answer:
    """A deleted secret, also one that went with its certificate."""
    document = find(call, call.name) or {}
    if "deleted" not in document:
        return vault_plain_secrets.get_deleted(call)
    version = find_version(call, document, None)
    if call.azure.clock.now() < document["deleted"]["ready"] or "secret" not in version:
        raise not_deleted(call.name)
    deletion = vault_plain_secrets.deletion(call, document)
    return Answer(200, {**deletion, **_bundle(call, document["name"], version)})


def list_versions(call: Call) -> Answer:
    """Those of a certificate and of any other secret, in the order of their (random) names; no values."""
    found = {
        version["version"]: vault_plain_secrets.line(call, name, version, f"/{version['version']}")
        for name, version in vault_plain_secrets.versions(call)
    }
    document = find(call, call.name)
    if document is not None and is_live(call, document):
        for version in certificate_versions(call, document["name"]):
            if "secret" in version:
                found[version["version"]] = _line(call, document["name"], version, f"/{version['version']}")
    return page(call, [found[each] for each in sorted(found)])


def list_secrets(call: Call) -> Answer:
    """`{id, contentType, attributes, managed[, tags]}` of every certificate that is complete, and of every
    other secret, by name."""
    others = vault_plain_secrets.entries(call)
    found = {name.lower(): vault_plain_secrets.line(call, name, version) for name, version in others}
    found |= {name.lower(): _line(call, name, version) for name, version in _complete(call)}
    return page(call, [found[name] for name in sorted(found)])


def _line(call: Call, name: str, version: Json, tail: str = "") -> Json:
    return {
        "id": f"{call.base}/secrets/{name}{tail}",
        "contentType": version["contentType"],
        **_entry(call, version),
    }


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
_GET_DELETED = Permission("secrets/readMetadata/action", "secrets", "get")
_KEYS = Permission("keys/read", "keys", "list")

ROUTES: tuple[Route, ...] = (
    *vault_plain_secrets.ROUTES,
    Route("GET", "/secrets", guarded(_LIST, list_secrets), host="vault"),
    Route("GET", "/keys", guarded(_KEYS, list_keys), host="vault"),
    Route("GET", "/secrets/{name}", guarded(_GET, get), host="vault"),
    Route("GET", "/secrets/{name}/versions", guarded(_LIST, list_versions), host="vault"),
    Route("GET", "/deletedsecrets/{name}", guarded(_GET_DELETED, get_deleted), host="vault"),
    Route("GET", "/secrets/{name}/{version}", guarded(_GET, get), host="vault"),
)
