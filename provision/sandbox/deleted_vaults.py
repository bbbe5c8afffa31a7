"""Microsoft.KeyVault/deletedVaults: soft-deleted key vaults, listed, read and purged.

Source: "Vaults", Key Vault resource provider REST reference (2026); no recording shows a purge.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from provision.sandbox.azure import Answer, Azure, Json, Refusal, Request, Settle, signed
from provision.sandbox.http import Route

DELETED_VAULT = "Microsoft.KeyVault/deletedVaults"

PURGE = 20.0
"""Seconds to purge a vault; no source, "a few minutes at most" in issue reports."""

_KEY_VAULT = "/subscriptions/{subscription}/providers/Microsoft.KeyVault"
_LOCATION = f"{_KEY_VAULT}/locations/{{location}}"


def bury(azure: Azure, vault: Json) -> None:
    """Keep a deleted vault's document under its deletedVaults id until it is recovered or purged."""
    id_ = _id(vault["id"].split("/")[2], vault["location"], vault["name"])
    now = datetime.fromtimestamp(azure.clock.now(), UTC).replace(microsecond=0)
    purge_date = now + timedelta(days=vault["properties"]["softDeleteRetentionInDays"])
    deleted = {
        "id": id_,
        "name": vault["name"],
        "deletionDate": now.isoformat().replace("+00:00", "Z"),
        "scheduledPurgeDate": purge_date.isoformat().replace("+00:00", "Z"),
        "vault": vault,
    }
    azure.store.put(DELETED_VAULT, id_, deleted)


def exhume(azure: Azure, deleted: Json) -> None:
    azure.store.delete(DELETED_VAULT, deleted["id"])


def find(azure: Azure, name: str) -> Json | None:
    """The deleted vault of that name in any subscription and location: `{id, name, …Date, vault}`."""
    wanted = name.lower()
    return next((each for each in azure.store.list(DELETED_VAULT) if each["name"].lower() == wanted), None)


def _id(subscription: str, location: str, name: str) -> str:
    provider = f"/subscriptions/{subscription}/providers/Microsoft.KeyVault"
    return f"{provider}/locations/{location}/deletedVaults/{name}"


def _shown(deleted: Json) -> Json:
    vault = deleted["vault"]
    properties = {
        "vaultId": vault["id"],
        "location": vault["location"],
        "tags": vault["tags"],
        "deletionDate": deleted["deletionDate"],
        "scheduledPurgeDate": deleted["scheduledPurgeDate"],
    }
    if vault["properties"].get("enablePurgeProtection"):
        properties["purgeProtectionEnabled"] = True
    return {"id": deleted["id"], "name": deleted["name"], "type": DELETED_VAULT, "properties": properties}


def list_deleted(request: Request, azure: Azure) -> Answer:
    deleted = azure.store.list(DELETED_VAULT, f"/subscriptions/{request.params['subscription']}/")
    return Answer(200, {"value": [_shown(each) for each in deleted]})


def _deleted(request: Request, azure: Azure) -> Json:
    params = request.params
    found = azure.store.get(DELETED_VAULT, _id(params["subscription"], params["location"], params["name"]))
    if found is None:
        raise Refusal(
            404, "DeletedVaultNotFound", f"The specified deleted vault '{params['name']}' does not exist."
        )
    return found


def get_deleted(request: Request, azure: Azure) -> Answer:
    return Answer(200, _shown(_deleted(request, azure)))


def purge(request: Request, azure: Azure) -> Answer:
    """202 with Location; the name is free once the poll answers 200."""
    deleted = _deleted(request, azure)
    if deleted["vault"]["properties"].get("enablePurgeProtection"):
        raise Refusal(
            409,
            "OperationNotAllowed",
            f"Vault '{deleted['name']}' can't be purged because purge protection is enabled for this vault.",
        )
    operation = azure.start_operation("vaults.purge", PURGE, deleted=deleted["id"])
    return _accepted(operation, request, azure)


def _accepted(operation: Json, request: Request, azure: Azure) -> Answer:
    params = request.params
    location = signed(
        f"{request.base_url}/subscriptions/{params['subscription']}/providers/Microsoft.KeyVault/locations/"
        f"{params['location']}/operationResults/{operation['name']}?api-version=2023-07-01"
    )
    return Answer(202, None, {"Location": location, **azure.clock.retry_headers(15)})


def _purged(azure: Azure, operation: Json) -> None:
    deleted = azure.store.get(DELETED_VAULT, operation["deleted"])
    if deleted is None:
        return
    azure.store.delete(DELETED_VAULT, deleted["id"])
    for kind, id_ in azure.store.ids(f"{deleted['vault']['id']}/"):
        azure.store.delete(kind, id_)


def list_deleted_hsms(_request: Request, _azure: Azure) -> Answer:
    """No managed HSM exists here; `az keyvault list-deleted` asks for both kinds."""
    return Answer(200, {"value": []})


def operation_result(request: Request, azure: Azure) -> Answer:
    operation = azure.operation(request.params["operation"])
    return _accepted(operation, request, azure) if operation["status"] == "InProgress" else Answer(200)


_ACTION = "Microsoft.KeyVault/locations/deletedVaults"
_HSMS = "Microsoft.KeyVault/deletedManagedHsms/read"
_RESULTS = "Microsoft.KeyVault/locations/operationResults/read"

ROUTES: tuple[Route, ...] = (
    Route("GET", f"{_KEY_VAULT}/deletedVaults", list_deleted, "Microsoft.KeyVault/deletedVaults/read"),
    Route("GET", f"{_KEY_VAULT}/deletedManagedHSMs", list_deleted_hsms, _HSMS),
    Route("GET", f"{_LOCATION}/deletedVaults/{{name}}", get_deleted, f"{_ACTION}/read"),
    Route("POST", f"{_LOCATION}/deletedVaults/{{name}}/purge", purge, f"{_ACTION}/purge/action"),
    Route("GET", f"{_LOCATION}/operationResults/{{operation}}", operation_result, _RESULTS),
)
SETTLERS: dict[str, Settle] = {"vaults.purge": _purged}
