"""What happens to a certificate over time: pending issuance, cancellation, merge, deletion, recovery, purge.

Sources: recordings of the JavaScript SDK's certificate tests (2019-2021); az CLI recordings
test_keyvault_certificate_soft_delete (2023) and test_keyvault_pending_certificate (2019); "Monitor and manage
certificate creation", Microsoft Learn.
"""

from __future__ import annotations

from datetime import UTC, datetime

from provision.sandbox import certificate_store, issuance
from provision.sandbox.azure import Answer, Azure, Json, Refusal
from provision.sandbox.certificate_import import read_chain
from provision.sandbox.certificate_lists import page
from provision.sandbox.certificate_policy import SELF, UNKNOWN, bad_parameter
from provision.sandbox.certificate_store import (
    CERTIFICATE,
    VERSION,
    bundle,
    find_version,
    is_pending,
    live,
    save,
)
from provision.sandbox.http import Route
from provision.sandbox.vault_access import Call, Permission, guarded

ISSUANCE = 12.0
"""Seconds from create to completed, self-signed. Seen: 12 s (2023), 8 s (2021)."""
CANCELLATION = 5.0
_RETRY = 10.0  # Retry-After of a pending operation, seen in 2020 and 2021
_DAY = 86_400

_IN_PROGRESS = (
    "Pending certificate created. Certificate request is in progress. This may take some time based on the"
    " issuer provider. Please check again later."
)
_WAITS_FOR_MERGE = "Pending certificate created. Please Perform Merge to complete the request."


def expiry(now: int, policy: Json) -> int:
    """Epoch seconds at which a certificate made `now` ends."""
    start = datetime.fromtimestamp(now, UTC)
    return int(issuance.months_later(start, policy["x509_props"]["validity_months"]).timestamp())


def begin(call: Call, document: Json, version: Json, csr: str, key: str) -> None:
    """Attach a new pending operation to the document; a certificate of issuer Unknown waits for a merge."""
    request_id = call.azure.guid().replace("-", "")
    document["pending"] = {
        "request_id": request_id,
        "version": version["version"],
        "issuer": document["policy"]["issuer"],
        "csr": csr,
        "key": key,
        "cancellation_requested": False,
        "status": "inProgress",
    }
    if document["policy"]["issuer"]["name"] != UNKNOWN:
        _settle_after(call, ISSUANCE, request_id)


def _settle_after(call: Call, seconds: float, request_id: str) -> None:
    id_ = call.id("certificates", call.name)
    call.azure.start_operation("certificates.issue", seconds, certificate=id_, request_id=request_id)


def issue(azure: Azure, operation: Json) -> None:
    """Sign what is pending, or cancel it. Nothing happens if it was deleted or merged meanwhile."""
    document = azure.store.get(CERTIFICATE, operation["certificate"])
    pending = (document or {}).get("pending") or {}
    if document is None or pending.get("request_id") != operation["request_id"]:
        return
    if pending["status"] != "inProgress":
        return
    if pending["cancellation_requested"]:
        pending["status"] = "cancelled"
        pending["status_details"] = "The certificate operation was cancelled by user request."
    else:
        _sign(azure, operation, document, pending)
    azure.store.put(CERTIFICATE, operation["certificate"], document)


def _sign(azure: Azure, operation: Json, document: Json, pending: Json) -> None:
    id_ = f"{operation['certificate']}/{pending['version']}"
    version = azure.store.get(VERSION, id_)
    if version is None:
        return
    policy, at = document["policy"], operation["due"]
    key = issuance.load_key(pending["key"])
    if pending["issuer"]["name"] == SELF:
        certificate_store.complete(version, policy, key, issuance.self_signed(policy, key, at), [], at=at)
    else:
        certificate, authority = issuance.issued_by_authority(azure, policy, key, at)
        certificate_store.complete(version, policy, key, certificate, [authority], at=at)
    azure.store.put(VERSION, id_, version)
    pending["status"] = "completed"
    document["current"] = pending["version"]


def shown(call: Call, document: Json) -> Json:
    """The pending operation as answered; `status_details` while it runs, `target` when it is completed."""
    pending = document["pending"]
    body: Json = {
        "id": f"{call.base}/certificates/{document['name']}/pending",
        "issuer": pending["issuer"],
        "csr": pending["csr"],
        "cancellation_requested": pending["cancellation_requested"],
        "status": pending["status"],
    }
    if is_pending(document):
        unknown = pending["issuer"]["name"] == UNKNOWN
        body["status_details"] = _WAITS_FOR_MERGE if unknown else _IN_PROGRESS
    elif "status_details" in pending:
        body["status_details"] = pending["status_details"]
    if pending["status"] == "completed":
        body["target"] = f"{call.base}/certificates/{document['name']}"
    return {**body, "request_id": pending["request_id"]}


def accepted(call: Call, document: Json) -> Answer:
    """202 of create."""
    body = shown(call, document)
    location = f"{body['id']}?api-version={call.api_version}&request_id={body['request_id']}"
    return Answer(202, body, {"Location": location, **call.azure.clock.retry_headers(_RETRY)})


def _pending(call: Call) -> Json:
    """The document that has the operation asked for; `request_id` in the query filters."""
    document = live(call, call.name)
    wanted = call.request.query.get("request_id")
    pending = document.get("pending")
    if not pending or wanted not in (None, pending["request_id"]):
        raise Refusal(404, "PendingCertificateNotFound", f"Pending certificate not found: {call.name}")
    return document


def get_pending(call: Call) -> Answer:
    document = _pending(call)
    headers = call.azure.clock.retry_headers(_RETRY) if is_pending(document) else {}
    return Answer(200, shown(call, document), headers)


def cancel_pending(call: Call) -> Answer:
    """PATCH: ask for cancellation. The status follows later; 400 when nothing is in progress."""
    document = _pending(call)
    if not is_pending(document):
        raise bad_parameter("The pending certificate operation is not in progress and can not be updated.")
    pending = document["pending"]
    pending["cancellation_requested"] = bool(call.body.get("cancellation_requested"))
    save(call, document)
    if pending["issuer"]["name"] == UNKNOWN and pending["cancellation_requested"]:
        _settle_after(call, CANCELLATION, pending["request_id"])
    return Answer(200, shown(call, document))


def delete_pending(call: Call) -> Answer:
    """Forget the operation, finished or not; answers it as it was."""
    document = _pending(call)
    body = shown(call, document)
    del document["pending"]
    save(call, document)
    return Answer(200, body)


def merge(call: Call) -> Answer:
    """Complete a pending certificate with one that a certification authority made of its request: 201."""
    document = _pending(call)
    pending = document["pending"]
    if pending["status"] == "completed":
        raise Refusal(404, "PendingCertificateNotFound", f"Pending certificate not found: {call.name}")
    if is_pending(document) and pending["issuer"]["name"] != UNKNOWN:
        raise Refusal(
            403,
            "Forbidden",
            f"Merge is forbidden on pending object created with issuer : {pending['issuer']['name']} while it"
            " is in progess.",  # Azure's spelling
        )
    key = issuance.load_key(pending["key"])
    certificate, chain = read_chain(call.body.get("x5c") or [], key)
    version = find_version(call, document, pending["version"])
    version["tags"] = certificate_store.checked_tags(call.body.get("tags") or {}) or version.get("tags")
    certificate_store.complete(version, document["policy"], key, certificate, chain, at=call.now)
    pending["status"] = "completed"
    document["current"] = pending["version"]
    save(call, document)
    certificate_store.save_version(call, call.name, version)
    location = f"{call.base}/certificates/{document['name']}?api-version={call.api_version}"
    return Answer(201, bundle(call, document, version), {"Location": location})


def delete(call: Call) -> Answer:
    """Soft delete. For some seconds the certificate is neither live nor among the deleted ones."""
    document = live(call, call.name)
    document.pop("recovered", None)
    document["deleted"] = {
        "date": call.now,
        "purge": call.now + call.vault["properties"]["softDeleteRetentionInDays"] * _DAY,
        "ready": call.azure.clock.after(certificate_store.BEING_DELETED),
    }
    save(call, document)
    return Answer(200, _deleted_bundle(call, document))


def _deleted_bundle(call: Call, document: Json) -> Json:
    return {
        **certificate_store.deletion(call, document),
        **bundle(call, document, find_version(call, document, None)),
    }


def _deleted(call: Call) -> Json:
    document = certificate_store.find(call, call.name)
    if document is None or not document.get("deleted"):
        raise _not_deleted(call.name)
    return document


def _not_deleted(name: str) -> Refusal:
    return Refusal(404, "CertificateNotFound", f"Deleted Certificate not found: {name}")


def _is_ready(call: Call, document: Json) -> bool:
    return bool(call.azure.clock.now() >= document["deleted"]["ready"])


def get_deleted(call: Call) -> Answer:
    document = _deleted(call)
    if not _is_ready(call, document):
        raise _not_deleted(call.name)
    return Answer(200, _deleted_bundle(call, document))


def list_deleted(call: Call) -> Answer:
    entries = []
    for document in call.azure.store.list(CERTIFICATE, call.id("certificates", "")):
        if document.get("deleted") and _is_ready(call, document):
            line = certificate_store.item(call, document, find_version(call, document, None))
            line["attributes"] |= certificate_store.recovery(call.vault)
            del line["subject"]  # seen: deleted ones have none
            entries.append({**certificate_store.deletion(call, document), **line})
    return page(call, entries)


def recover(call: Call) -> Answer:
    """200 with the certificate, which answers again some seconds later."""
    document = _deleted(call)
    if not _is_ready(call, document):
        raise certificate_store.being_deleted()
    del document["deleted"]
    document["recovered"] = call.azure.clock.after(certificate_store.BEING_RECOVERED)
    save(call, document)
    return Answer(200, bundle(call, document, find_version(call, document, None)))


def purge(call: Call) -> Answer:
    """204; the name can be used again only some seconds later."""
    document = _deleted(call)
    if not _is_ready(call, document):
        raise certificate_store.being_deleted()
    if call.vault["properties"].get("enablePurgeProtection"):
        raise Refusal(
            403,
            "Forbidden",
            'Operation "purge" is not allowed because purge protection is enabled for this vault. Key Vault'
            " service will automatically purge it after the retention period has passed.\r\nVault:"
            f" {call.vault['name']};location={call.vault['location']}",
            extra={"innererror": {"code": "ForbiddenByPolicy"}},
        )
    for version in certificate_store.versions(call, call.name):
        call.azure.store.delete(VERSION, call.id("certificates", call.name, version["version"]))
    free = call.azure.clock.after(certificate_store.BEING_PURGED)
    save(call, {"name": document["name"], "purged": free})
    return Answer(204)


def _permission(action: str, name: str) -> Permission:
    return Permission(f"certificates/{action}", "certificates", name)


_GET, _LIST, _DELETE = (
    _permission("read", "get"),
    _permission("read", "list"),
    _permission("delete", "delete"),
)
_CREATE, _UPDATE = _permission("create/action", "create"), _permission("update/action", "update")
_RECOVER, _PURGE = _permission("recover/action", "recover"), _permission("purge/action", "purge")
_PENDING = "/certificates/{name}/pending"
_ONE_DELETED = "/deletedcertificates/{name}"

ROUTES: tuple[Route, ...] = (
    Route("GET", _PENDING, guarded(_GET, get_pending), host="vault"),
    Route("PATCH", _PENDING, guarded(_UPDATE, cancel_pending), host="vault"),
    Route("DELETE", _PENDING, guarded(_UPDATE, delete_pending), host="vault"),
    Route("POST", f"{_PENDING}/merge", guarded(_CREATE, merge), host="vault"),
    Route("DELETE", "/certificates/{name}", guarded(_DELETE, delete), host="vault"),
    Route("GET", "/deletedcertificates", guarded(_LIST, list_deleted), host="vault"),
    Route("GET", _ONE_DELETED, guarded(_GET, get_deleted), host="vault"),
    Route("DELETE", _ONE_DELETED, guarded(_PURGE, purge), host="vault"),
    Route("POST", f"{_ONE_DELETED}/recover", guarded(_RECOVER, recover), host="vault"),
)
