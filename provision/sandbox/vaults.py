"""Microsoft.KeyVault/vaults: the control plane of key vaults, with soft delete, recovery and purge.

Sources: az CLI recordings test_keyvault_certificate_import (2020), test_keyvault_rbac (2019); "Vaults",
Key Vault resource provider REST reference (2026) for what no recording shows.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, cast

from provision.sandbox import deleted_vaults
from provision.sandbox.azure import TENANT, Answer, Azure, Json, Refusal, Request, Settle, not_found
from provision.sandbox.http import Principal, Route
from provision.sandbox.vault_rules import (
    bad_request,
    changed_properties,
    invalid_name,
    merged_policies,
    new_properties,
    valid_name,
)

VAULT = "Microsoft.KeyVault/vaults"
_NAME_OWNER = "keyvault.name"
"""Documents `{id}` by vault name: names are unique in all of Azure, the data plane knows only the name."""

REGISTRATION = 20.0
"""Seconds in RegisteringDns. Seen: over by the first poll after 30 s (2020)."""

_SUBSCRIPTION = "/subscriptions/{subscription}"
_GROUP = f"{_SUBSCRIPTION}/resourceGroups/{{group}}/providers/Microsoft.KeyVault"
_VAULT = f"{_GROUP}/vaults/{{name}}"


def new_vault(
    azure: Azure,
    subscription: str,
    group: str,
    name: str,
    *,
    rbac: bool,
    location: str = "westeurope",
    administrators: Iterable[str] = (),
) -> Json:
    """Put a finished vault into the store, for seeds and tests; returns its document.

    `rbac` chooses Azure RBAC; otherwise the vault has access policies, which give the `administrators`
    (object ids) everything and nobody else anything.
    """
    sent = {
        "tenantId": TENANT,
        "sku": {"family": "A", "name": "standard"},
        "accessPolicies": [
            {
                "tenantId": TENANT,
                "objectId": each,
                "permissions": {"certificates": ["all"], "secrets": ["all"]},
            }
            for each in administrators
        ],
        "enableRbacAuthorization": rbac,
    }
    vault = _document(azure, vault_id(subscription, group, name), location, new_properties(sent, ""), None)
    _save(azure, vault)
    return vault


def vault_id(subscription: str, group: str, name: str) -> str:
    return f"/subscriptions/{subscription}/resourceGroups/{group}/providers/{VAULT}/{name}"


def find_vault(azure: Azure, name: str) -> Json | None:
    """The vault of that name, wherever it is; None when there is none or it is deleted."""
    owner = azure.store.get(_NAME_OWNER, name)
    return azure.store.get(VAULT, owner["id"]) if owner else None


def vault_uri(base_url: str, name: str) -> str:
    """`https://<name>.vault.localhost:PORT`, or the public name for a client that came by a public one."""
    host, _, port = base_url.split("//", 1)[1].partition(":")
    if host == "127.0.0.1" or host.endswith("localhost"):
        return f"https://{name.lower()}.vault.localhost" + (f":{port}" if port else "")
    return f"https://{name.lower()}.vault.azure.net"


def _document(azure: Azure, id_: str, location: str, properties: Json, principal: Principal | None) -> Json:
    now = _milliseconds(azure)
    author = principal.client_id if principal else "00000000-0000-0000-0000-000000000000"
    return {
        "id": id_,
        "name": id_.rsplit("/", 1)[1],
        "type": VAULT,
        "location": location.replace(" ", "").lower(),
        "tags": {},
        "systemData": {
            "createdBy": author,
            "createdByType": "Application",
            "createdAt": now,
            "lastModifiedBy": author,
            "lastModifiedByType": "Application",
            "lastModifiedAt": now,
        },
        "properties": {**properties, "provisioningState": "Succeeded"},
    }


def _milliseconds(azure: Azure) -> str:
    return azure.clock.stamp()[:-5] + "Z"


def _save(azure: Azure, vault: Json) -> None:
    azure.store.put(VAULT, vault["id"], vault)
    azure.store.put(_NAME_OWNER, vault["name"], {"id": vault["id"]})


def _touch(azure: Azure, vault: Json, principal: Principal | None) -> None:
    vault["systemData"]["lastModifiedAt"] = _milliseconds(azure)
    if principal:
        vault["systemData"]["lastModifiedBy"] = principal.client_id
    azure.store.put(VAULT, vault["id"], vault)


def _id(request: Request) -> str:
    return vault_id(request.params["subscription"], request.params["group"], request.params["name"])


def _vault(request: Request, azure: Azure) -> Json:
    vault = azure.store.get(VAULT, _id(request))
    if vault is None:
        raise not_found(_id(request))
    return vault


def _shown(vault: Json, request: Request) -> Json:
    """As answered: vaultUri before the state, and without its slash while DNS is being registered."""
    properties = dict(vault["properties"])
    state = properties.pop("provisioningState")
    access = properties.pop("publicNetworkAccess")
    uri = vault_uri(request.base_url, vault["name"]) + ("" if state == "RegisteringDns" else "/")
    shown = {**properties, "vaultUri": uri, "provisioningState": state, "publicNetworkAccess": access}
    return {**vault, "properties": shown}


def _answer(vault: Json, request: Request, azure: Azure) -> Answer:
    registering = vault["properties"]["provisioningState"] == "RegisteringDns"
    headers = azure.clock.retry_headers(10) if registering else {}
    return Answer(200, _shown(vault, request), {"x-ms-keyvault-service-version": "2.2.55.0", **headers})


def get(request: Request, azure: Azure) -> Answer:
    return _answer(_vault(request, azure), request, azure)


def list_vaults(request: Request, azure: Azure) -> Answer:
    """By group when the path names one, else by subscription."""
    prefix = f"/subscriptions/{request.params['subscription']}/"
    if "group" in request.params:
        prefix += f"resourceGroups/{request.params['group']}/"
    vaults = azure.store.list(VAULT, prefix)
    return Answer(200, {"value": [_shown(vault, request) for vault in vaults]})


def put(request: Request, azure: Azure) -> Answer:
    """Create (200, RegisteringDns), recover a deleted vault (createMode recover) or change one."""
    body = request.body or {}
    sent = body.get("properties") or {}
    current = azure.store.get(VAULT, _id(request))
    if current is not None:
        if (
            sent.get("createMode") == "default"
            and "accessPolicies" in sent
            and sent["accessPolicies"] is None
        ):
            sent = {**sent, "accessPolicies": []}
        return _change(current, body, sent, request, azure)
    deleted = deleted_vaults.find(azure, request.params["name"])
    if sent.get("createMode") == "recover":
        return _recover(deleted, request, azure)
    _check_name_is_free(azure, request.params["name"], deleted)
    if not body.get("location"):
        raise Refusal(400, "LocationRequired", "The location property is required for this definition.")
    properties = new_properties(sent, request.query.get("api-version", ""))
    vault = _document(azure, _id(request), body["location"], properties, request.principal)
    vault["tags"] = body.get("tags") or {}
    return _register(vault, request, azure)


def _register(vault: Json, request: Request, azure: Azure) -> Answer:
    vault["properties"]["provisioningState"] = "RegisteringDns"
    _save(azure, vault)
    azure.start_operation("vaults.register", REGISTRATION, vault=vault["id"])
    return _answer(vault, request, azure)


def _registered(azure: Azure, operation: Json) -> None:
    vault = azure.store.get(VAULT, operation["vault"])
    if vault is not None:
        vault["properties"]["provisioningState"] = "Succeeded"
        azure.store.put(VAULT, vault["id"], vault)


def _recover(deleted: Json | None, request: Request, azure: Azure) -> Answer:
    if deleted is None or deleted["vault"]["id"].lower() != _id(request).lower():
        raise not_found(_id(request))
    deleted_vaults.exhume(azure, deleted)
    return _register(deleted["vault"], request, azure)


def _check_name_is_free(azure: Azure, name: str, deleted: Json | None) -> None:
    if not valid_name(name):
        raise Refusal(400, "VaultNameNotValid", invalid_name(name))
    if deleted is not None:
        raise Refusal(
            409,
            "ConflictError",
            "A vault with the same name already exists in deleted state. You need to either recover or purge"
            " existing key vault. Follow this link https://go.microsoft.com/fwlink/?linkid=2149745 for more"
            " information on soft delete.",
        )
    if find_vault(azure, name) is not None:
        raise Refusal(409, "VaultAlreadyExists", _taken(name))


def _taken(name: str) -> str:
    return (
        f"The vault name '{name}' is already in use. Vault names are globally unique so it is possible that"
        " the name is already taken. If you are sure that the vault name was not taken then it is possible"
        " that a vault with the same name was recently deleted but not purged after being placed in a"
        " recoverable state. If the vault is in a recoverable state then the vault will need to be purged"
        " before reusing the name. For more information about VaultAlreadyExists, soft delete and purging a"
        " vault follow this link https://go.microsoft.com/fwlink/?linkid=2147740."
    )


def patch(request: Request, azure: Azure) -> Answer:
    body = request.body or {}
    return _change(_vault(request, azure), body, body.get("properties") or {}, request, azure)


def _change(vault: Json, body: Json, sent: Json, request: Request, azure: Azure) -> Answer:
    state = vault["properties"].pop("provisioningState")
    vault["properties"] = {**changed_properties(vault["properties"], sent), "provisioningState": state}
    if body.get("tags") is not None:
        vault["tags"] = body["tags"]
    _touch(azure, vault, request.principal)
    return _answer(vault, request, azure)


def put_access_policies(request: Request, azure: Azure) -> Answer:
    """`add`, `replace` or `remove`; answers all policies of the vault afterwards."""
    how = request.params["how"].lower()
    if how not in ("add", "replace", "remove"):
        raise bad_request(f"The operation kind '{request.params['how']}' is not supported.")
    vault = _vault(request, azure)
    sent = ((request.body or {}).get("properties") or {}).get("accessPolicies") or []
    kind = cast(Literal["add", "replace", "remove"], how)
    vault["properties"]["accessPolicies"] = merged_policies(vault["properties"]["accessPolicies"], sent, kind)
    _touch(azure, vault, request.principal)
    body = {
        "id": f"{vault['id']}/accessPolicies/",
        "type": f"{VAULT}/accessPolicies",
        "location": vault["location"],
        "properties": {"accessPolicies": vault["properties"]["accessPolicies"]},
    }
    return Answer(200, body)


def delete(request: Request, azure: Azure) -> Answer:
    """Soft delete: 200 with an empty body, 204 when there is no such vault."""
    vault = azure.store.get(VAULT, _id(request))
    if vault is None:
        return Answer(204)
    soft_delete(azure, vault)
    return Answer(200)


def soft_delete(azure: Azure, vault: Json) -> None:
    """Take the vault away and keep it recoverable; also what deleting its resource group does."""
    azure.store.delete(VAULT, vault["id"])
    deleted_vaults.bury(azure, vault)


def check_name(request: Request, azure: Azure) -> Answer:
    name = str((request.body or {}).get("name", ""))
    if not valid_name(name):
        return Answer(200, _unavailable("AccountNameInvalid", invalid_name(name)))
    if find_vault(azure, name) is not None or deleted_vaults.find(azure, name) is not None:
        return Answer(200, _unavailable("AlreadyExists", _taken(name)))
    return Answer(200, {"nameAvailable": True})


def _unavailable(reason: str, message: str) -> Json:
    return {"nameAvailable": False, "reason": reason, "message": message}


_READ = "Microsoft.KeyVault/vaults/read"
_WRITE = "Microsoft.KeyVault/vaults/write"
_POLICIES = "Microsoft.KeyVault/vaults/accessPolicies/write"
_CHECK = "Microsoft.KeyVault/checkNameAvailability/read"
_KEY_VAULT = f"{_SUBSCRIPTION}/providers/Microsoft.KeyVault"

ROUTES: tuple[Route, ...] = (
    Route("GET", _VAULT, get, _READ),
    Route("PUT", _VAULT, put, _WRITE),
    Route("PATCH", _VAULT, patch, _WRITE),
    Route("DELETE", _VAULT, delete, "Microsoft.KeyVault/vaults/delete"),
    Route("PUT", f"{_VAULT}/accessPolicies/{{how}}", put_access_policies, _POLICIES),
    Route("GET", f"{_GROUP}/vaults", list_vaults, _READ),
    Route("GET", f"{_KEY_VAULT}/vaults", list_vaults, _READ),
    Route("POST", f"{_KEY_VAULT}/checkNameAvailability", check_name, _CHECK),
    *deleted_vaults.ROUTES,
)
SETTLERS: dict[str, Settle] = {"vaults.register": _registered, **deleted_vaults.SETTLERS}
