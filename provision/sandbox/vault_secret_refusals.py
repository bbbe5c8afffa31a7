"""What Key Vault says of secrets that are not there, not free, or a certificate's."""

from __future__ import annotations

from provision.sandbox.azure import Json, Refusal
from provision.sandbox.certificate_store import conflict, find, is_live
from provision.sandbox.vault_access import Call


def not_found(name: str, version: str = "") -> Refusal:
    """Of a version that is named, both are told: inferred from what is said of certificates."""
    where = f"{name}/{version}" if version else name
    return Refusal(
        404,
        "SecretNotFound",
        f"A secret with (name/id) {where} was not found in this key vault. If you recently deleted this"
        " secret you may be able to recover it using the correct recovery command. For help resolving this"
        " issue, please see https://go.microsoft.com/fwlink/?linkid=2125182",
    )


def not_deleted(name: str) -> Refusal:
    return Refusal(404, "SecretNotFound", f"Deleted Secret not found: {name}")


def deny_managed(call: Call, operation: str) -> None:
    """403 while a certificate stands behind the secret.

    Sources: hashicorp/terraform-provider-azurerm 5659 (set, 2020), the JavaScript SDK's recording
    recording_authentication_should_work_for_parallel_requests (delete, 2020); the newer words from a log of
    2026 in a public repository (delete). That update, recover and purge say the same is inferred.
    """
    certificate = find(call, call.name)
    if certificate is None or not is_live(call, certificate):
        return
    raise managed(operation)


def managed(operation: str) -> Refusal:
    return Refusal(
        403,
        "Forbidden",
        f'Operation "{operation}" is not allowed on this secret, since it is associated with a certificate.'
        " Perform the operation on the corresponding certificate. For more information refer to"
        " https://docs.microsoft.com/en-us/azure/key-vault/certificates/about-certificates"
        "#composition-of-a-certificate",
        extra={"innererror": {"code": "SecretManagedByKeyVault"}},
    )


def check_free(document: Json, now: float) -> None:
    """Sources of the words: Azure/azure-sdk-for-net 34322 (2023, while it is deleted or purged) and
    external-secrets/external-secrets 3519 (2024); while it is recovered: inferred."""
    name, deleted = document["name"], document.get("deleted")
    if now < document.get("purged", 0) or (deleted and now < deleted["ready"]):
        raise conflict(
            f"Secret {name} is currently being deleted and cannot be re-created; retry later.",
            "ObjectIsBeingDeleted",
        )
    if deleted:
        raise conflict(
            f"Secret {name} is currently in a deleted but recoverable state, and its name cannot be reused;"
            " in this state, the secret can only be recovered or purged.",
            "ObjectIsDeletedButRecoverable",
        )
    if now < document.get("recovered", 0):
        raise conflict("Secret is currently being recovered.", "ObjectIsBeingRecovered")
