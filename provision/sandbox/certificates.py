"""Key Vault's data plane: certificates, with their pending operations, issuers, contacts and secrets.

Sources: az CLI recordings test_keyvault_certificate_soft_delete, test_keyvault_certificate_import and
test_keyvault_pending_certificate (2019-2023); recordings of the JavaScript SDK's certificate tests
(2019-2022); "Monitor and manage certificate creation", Microsoft Learn.
"""

from __future__ import annotations

import base64
import re

from provision.sandbox import (
    certificate_operations,
    certificate_store,
    issuance,
    vault_issuers,
    vault_secrets,
)
from provision.sandbox.azure import Answer, Json, Settle
from provision.sandbox.certificate_import import content_type, imported_policy, read
from provision.sandbox.certificate_lists import page
from provision.sandbox.certificate_policy import SELF, UNKNOWN, bad_parameter, normalised, updated
from provision.sandbox.certificate_store import bundle, find_version, live, reusable, save, save_version
from provision.sandbox.http import Route
from provision.sandbox.vault_access import Call, Operation, Permission, guarded

_NAME = re.compile(r"[0-9a-zA-Z-]{1,127}")


def create(call: Call) -> Answer:
    """Start a new certificate or version: 202, Location of the pending operation, its key made now."""
    _check_name(call.name)
    document = reusable(call, call.name)
    sent = call.body.get("policy")
    if sent is None and document is None:
        raise bad_parameter("Property policy has invalid value\r\n")
    policy = document["policy"] if sent is None and document else normalised(sent or {}, call.now)
    if policy["issuer"]["name"] not in (SELF, UNKNOWN):
        vault_issuers.find(call, policy["issuer"]["name"])
    key = _key(call, document, policy)
    version = certificate_store.new_version(call, call.body.get("attributes") or {}, call.body.get("tags"))
    # a pending version already shows when it would begin and end (seen in 2019 and 2020)
    version.update(nbf=call.now - 600, exp=certificate_operations.expiry(call.now, policy))
    document = _with_version(call, document, version["version"])
    document["policy"] = policy
    csr = base64.b64encode(issuance.signing_request(policy, key)).decode()
    certificate_operations.begin(call, document, version, csr, issuance.key_pem(key))
    save(call, document)
    save_version(call, call.name, version)
    return certificate_operations.accepted(call, document)


def _with_version(call: Call, document: Json | None, version: str) -> Json:
    """The document a version is added to. An earlier complete version stays current until it is replaced."""
    if document is None:
        return {"name": call.name, "current": version}
    complete = "cer" in find_version(call, document, None)
    return {**document, "current": document["current"] if complete else version}


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise bad_parameter(
            f"The request URI contains an invalid name: {name}. Names must match ^[0-9a-zA-Z-]{{1,127}}$."
        )


def _key(call: Call, document: Json | None, policy: Json) -> issuance.PrivateKey:
    """A new key, or the one of the current version when the policy says so."""
    if document and policy["key_props"]["reuse_key"]:
        current = find_version(call, document, None)
        if "key" in current and document["policy"]["key_props"]["kty"] == policy["key_props"]["kty"]:
            return issuance.load_key(current["key"])
    return issuance.new_key(policy["key_props"])


def import_certificate(call: Call) -> Answer:
    """A certificate with its key from PKCS#12 or PEM, complete at once: 200."""
    _check_name(call.name)
    document = reusable(call, call.name)
    sent = call.body.get("policy") or {}
    found = read(call.body.get("value") or "", call.body.get("pwd"), content_type(sent))
    policy = imported_policy(sent, found, call.now)
    if found.certificate.not_valid_after_utc.timestamp() < call.now:
        raise bad_parameter(
            "The specified X.509 certificate content is invalid. Error: Certificate is expired."
        )
    version = certificate_store.new_version(call, call.body.get("attributes") or {}, call.body.get("tags"))
    certificate_store.complete(version, policy, found.key, found.certificate, found.chain, at=call.now)
    document = {
        "name": (document or {}).get("name", call.name),
        "policy": policy,
        "current": version["version"],
    }
    save(call, document)
    save_version(call, call.name, version)
    return Answer(200, bundle(call, document, version))


def get(call: Call) -> Answer:
    """The current version, or the one named in the path."""
    document = live(call, call.name)
    version = find_version(call, document, call.request.params.get("version"))
    return Answer(200, bundle(call, document, version))


def update(call: Call) -> Answer:
    """Change attributes and tags of a version; a policy that comes along is changed too."""
    document = live(call, call.name)
    version = find_version(call, document, call.request.params.get("version"))
    enabled = (call.body.get("attributes") or {}).get("enabled")
    if enabled is not None:
        version["enabled"] = enabled
    if call.body.get("tags") is not None:
        version["tags"] = certificate_store.checked_tags(call.body["tags"])
    if call.body.get("policy"):
        document["policy"] = updated(document["policy"], call.body["policy"], call.now)
        save(call, document)
    version["updated"] = call.now
    save_version(call, call.name, version)
    return Answer(200, bundle(call, document, version))


def get_policy(call: Call) -> Answer:
    return Answer(200, certificate_store.shown_policy(call, live(call, call.name)))


def update_policy(call: Call) -> Answer:
    """PATCH: sections that are sent replace those of the policy. The certificate stays as it is."""
    document = live(call, call.name)
    document["policy"] = updated(document["policy"], call.body, call.now)
    save(call, document)
    return Answer(200, certificate_store.shown_policy(call, document))


def list_certificates(call: Call) -> Answer:
    """Current versions; certificates of which none is complete only with includePending=true."""
    pending_too = call.request.query.get("includepending", "false").lower() == "true"
    entries = []
    for document in certificate_store.live_ones(call):
        version = find_version(call, document, None)
        if pending_too or "cer" in version:
            entries.append(certificate_store.item(call, document, version))
    return page(call, entries)


def list_versions(call: Call) -> Answer:
    document = live(call, call.name)
    found = certificate_store.versions(call, call.name)
    return page(call, [certificate_store.item(call, document, each, versioned=True) for each in found])


_VERSIONED = "/certificates/{name}/{version}"


def _certificates(action: str, name: str) -> Permission:
    return Permission(f"certificates/{action}", "certificates", name)


def _route(method: str, template: str, permission: Permission, operation: Operation) -> Route:
    return Route(method, template, guarded(permission, operation), host="vault")


_GET, _LIST = _certificates("read", "get"), _certificates("read", "list")
_CREATE, _IMPORT = _certificates("create/action", "create"), _certificates("import/action", "import")
_UPDATE = _certificates("update/action", "update")

# the order matters: `issuers`, `contacts`, `policy`, `pending` and `versions` are no names of versions
ROUTES: tuple[Route, ...] = (
    *vault_issuers.ROUTES,
    _route("POST", "/certificates/{name}/create", _CREATE, create),
    _route("POST", "/certificates/{name}/import", _IMPORT, import_certificate),
    *certificate_operations.ROUTES,
    _route("GET", "/certificates/{name}/policy", _GET, get_policy),
    _route("PATCH", "/certificates/{name}/policy", _UPDATE, update_policy),
    _route("GET", "/certificates/{name}/versions", _LIST, list_versions),
    _route("GET", "/certificates", _LIST, list_certificates),
    _route("GET", "/certificates/{name}", _GET, get),
    _route("GET", _VERSIONED, _GET, get),
    _route("PATCH", "/certificates/{name}", _UPDATE, update),
    _route("PATCH", _VERSIONED, _UPDATE, update),
    *vault_secrets.ROUTES,
)
SETTLERS: dict[str, Settle] = {"certificates.issue": certificate_operations.issue}
