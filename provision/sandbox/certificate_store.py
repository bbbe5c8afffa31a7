"""Certificates of a vault as documents, and the answers made of them.

One document a certificate (policy, pending operation, deletion) and one a version (X.509 data, secret).
Ids in answers are rendered with the address the caller used, because a vault's port changes between runs.
Source: recordings of the JavaScript SDK's certificate tests (2019-2022), az CLI recordings (2019-2023).
"""

from __future__ import annotations

import base64
import hashlib

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from provision.sandbox import certificate_secret
from provision.sandbox.azure import Json, Refusal
from provision.sandbox.certificate_policy import PEM, bad_parameter
from provision.sandbox.issuance import PrivateKey, key_pem
from provision.sandbox.vault_access import Call

CERTIFICATE = "keyvault.certificate"
VERSION = "keyvault.version"

_TAGS, _TAG_LENGTH = 15, 256
"""Of a version, and of each name and value. Source: "About Azure Key Vault secrets", 2025."""
BEING_DELETED = 7.0
"""Seconds for which a deleted certificate is neither here nor there. Seen: 7 s (2021), 14 s (2020)."""
BEING_RECOVERED = 7.0
"""Seconds until a recovered certificate answers again; inferred from the deletion."""
BEING_PURGED = 15.0
"""Seconds for which the name of a purged certificate is taken; "some minutes" in Azure/azure-powershell
13897 (2021)."""


def not_found(name: str) -> Refusal:
    return Refusal(
        404,
        "CertificateNotFound",
        f"A certificate with (name/id) {name} was not found in this key vault. If you recently deleted this"
        " certificate you may be able to recover it using the correct recovery command. For help resolving"
        " this issue, please see https://go.microsoft.com/fwlink/?linkid=2125182",
    )


def find(call: Call, name: str) -> Json | None:
    """The certificate's document, deleted or not; None when there is none or it is purged."""
    document = call.azure.store.get(CERTIFICATE, call.id("certificates", name))
    return None if document is None or "purged" in document else document


def reusable(call: Call, name: str) -> Json | None:
    """The document that a new version goes to, None for a new certificate; 409 when the name is not free."""
    document = call.azure.store.get(CERTIFICATE, call.id("certificates", name))
    if document is None:
        return None
    now = call.azure.clock.now()
    if "purged" in document:
        if now < document["purged"]:
            raise being_deleted()
        return None
    if document.get("deleted"):
        if now < document["deleted"]["ready"]:
            raise being_deleted()
        raise conflict(
            f"Certificate {document['name']} is currently in a deleted but recoverable state, and its name"
            " cannot be reused; in this state, the certificate can only be recovered or purged.",
            "ObjectIsDeletedButRecoverable",
        )
    if now < document.get("recovered", 0):
        raise conflict("Certificate is currently being recovered.", "ObjectIsBeingRecovered")
    if is_pending(document):
        raise conflict(
            "A new key vault certificate can not be created or imported while a pending key vault"
            " certificate's status is inProgress."
        )
    return document


def being_deleted() -> Refusal:
    return conflict("Certificate is currently being deleted.", "ObjectIsBeingDeleted")


def conflict(message: str, inner: str | None = None) -> Refusal:
    return Refusal(409, "Conflict", message, extra={"innererror": {"code": inner}} if inner else None)


def is_pending(document: Json) -> bool:
    """Whether an operation is under way; a completed one is kept until the next."""
    return (document.get("pending") or {}).get("status") == "inProgress"


def live(call: Call, name: str) -> Json:
    """The document of a certificate that is there for the caller; 404 when deleted or being recovered."""
    document = find(call, name)
    if document is None or not is_live(call, document):
        raise not_found(name)
    return document


def is_live(call: Call, document: Json) -> bool:
    """Neither deleted nor purged nor still being recovered."""
    hidden = "purged" in document or "deleted" in document
    return not hidden and bool(call.azure.clock.now() >= document.get("recovered", 0))


def live_ones(call: Call) -> list[Json]:
    """The vault's certificates that are there for the caller, by name."""
    documents = call.azure.store.list(CERTIFICATE, call.id("certificates", ""))
    return [document for document in documents if is_live(call, document)]


def save(call: Call, document: Json) -> None:
    call.azure.store.put(CERTIFICATE, call.id("certificates", document["name"]), document)


def save_version(call: Call, name: str, version: Json) -> None:
    call.azure.store.put(VERSION, call.id("certificates", name, version["version"]), version)


def versions(call: Call, name: str) -> list[Json]:
    """Versions of a certificate in the order of their (random) names, as Azure lists them."""
    return call.azure.store.list(VERSION, call.id("certificates", name) + "/")


def find_version(call: Call, document: Json, version: str | None) -> Json:
    """One version, or the current one: the latest that is complete, else the pending one."""
    wanted = version or document["current"]
    found = call.azure.store.get(VERSION, call.id("certificates", document["name"], wanted))
    if found is None:
        raise not_found(f"{document['name']}/{wanted}")
    return found


def new_version(call: Call, attributes: Json, tags: Json | None) -> Json:
    """A version without X.509 data yet; `attributes` are those of the request."""
    version: Json = {
        "version": call.azure.guid().replace("-", ""),
        "enabled": attributes.get("enabled") is not False,
        "created": call.now,
        "updated": call.now,
    }
    if tags:
        version["tags"] = checked_tags(tags)
    return version


def checked_tags(tags: object) -> Json:
    """What may be tags. The words of the refusal: https://github.com/aztfmod/terraform-azurerm-caf/pull/821."""
    if not isinstance(tags, dict) or len(tags) > _TAGS:
        raise bad_parameter("Property  has invalid value\r\n")
    for each in (*tags, *tags.values()):
        if not isinstance(each, str) or len(each) > _TAG_LENGTH:
            raise bad_parameter("Property  has invalid value\r\n")
    return tags


def complete(
    version: Json,
    policy: Json,
    key: PrivateKey,
    certificate: x509.Certificate,
    chain: list[x509.Certificate],
    *,
    at: float,
) -> None:
    """Put a certificate into a version. The key goes into the secret only if the policy lets it out."""
    der = certificate.public_bytes(Encoding.DER)
    version.update(
        cer=base64.b64encode(der).decode(),
        x5t=_base64url(hashlib.sha1(der, usedforsecurity=False).digest()),
        nbf=int(certificate.not_valid_before_utc.timestamp()),
        exp=int(certificate.not_valid_after_utc.timestamp()),
        created=int(at),
        updated=int(at),
        key=key_pem(key),
        contentType=policy["secret_props"]["contentType"],
        secret=_secret(policy, key, certificate, chain),
    )


def _secret(
    policy: Json, key: PrivateKey, certificate: x509.Certificate, chain: list[x509.Certificate]
) -> str:
    exportable = policy["key_props"]["exportable"]
    if policy["secret_props"]["contentType"] == PEM:
        certificates = "".join(each.public_bytes(Encoding.PEM).decode() for each in (certificate, *chain))
        return (key_pem(key) if exportable else "") + certificates
    return certificate_secret.pack(key if exportable else None, certificate, chain)


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def bundle(call: Call, document: Json, version: Json) -> Json:
    """A certificate as answered; one that is pending has neither key, secret nor X.509 data."""
    name, base = document["name"], call.base
    shown: Json = {"id": f"{base}/certificates/{name}/{version['version']}"}
    if "cer" in version:
        shown["kid"] = f"{base}/keys/{name}/{version['version']}"
        shown["sid"] = f"{base}/secrets/{name}/{version['version']}"
        shown["x5t"] = version["x5t"]
        shown["cer"] = version["cer"]
    shown["attributes"] = {**attributes(version), **recovery(call.vault)}
    if version.get("tags"):
        shown["tags"] = version["tags"]
    shown["policy"] = shown_policy(call, document)
    if document.get("pending"):
        shown["pending"] = {"id": f"{base}/certificates/{name}/pending"}
    return shown


def shown_policy(call: Call, document: Json) -> Json:
    return {"id": f"{call.base}/certificates/{document['name']}/policy", **document["policy"]}


def attributes(version: Json) -> Json:
    """Disabled while pending, whatever was asked for."""
    return {
        "enabled": version["enabled"] and "cer" in version,
        **{key: version[key] for key in ("nbf", "exp", "created", "updated")},
    }


def recovery(vault: Json) -> Json:
    """`recoveryLevel` and `recoverableDays` of everything in the vault."""
    days = vault["properties"]["softDeleteRetentionInDays"]
    level = "Recoverable" if days == 90 else "CustomizedRecoverable"
    if not vault["properties"].get("enablePurgeProtection"):
        level += "+Purgeable"
    return {"recoveryLevel": level, "recoverableDays": days}


def item(call: Call, document: Json, version: Json, *, versioned: bool = False) -> Json:
    """One line of a list."""
    tail = f"/{version['version']}" if versioned else ""
    shown: Json = {"id": f"{call.base}/certificates/{document['name']}{tail}"}
    if "x5t" in version:
        shown["x5t"] = version["x5t"]
    shown["attributes"] = attributes(version)
    if version.get("tags"):
        shown["tags"] = version["tags"]
    shown["subject"] = ""  # seen empty in every list (2019, 2022)
    return shown


def deletion(call: Call, document: Json) -> Json:
    """What a deleted certificate shows before everything else."""
    return {
        "recoveryId": f"{call.base}/deletedcertificates/{document['name']}",
        "deletedDate": document["deleted"]["date"],
        "scheduledPurgeDate": document["deleted"]["purge"],
    }
