"""Microsoft.Resources: resource groups and the list of resources.

Source: az CLI recordings test_federated_identity_credential (2023), test_keyvault_rbac and the group delete
of the AKS tests (2023); the wording of errors from the ARM gateway in the same recordings.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from provision.sandbox import cluster_document, cluster_effects, deleted_vaults, identities, vaults
from provision.sandbox.azure import Answer, Azure, Json, Refusal, Request, Settle, not_found, signed
from provision.sandbox.gateway import GROUP, body_of
from provision.sandbox.http import Route

DELETE_SECONDS = 75.0  # az CLI recording, June 2023


def new_group(
    azure: Azure,
    subscription: str,
    name: str,
    location: str,
    *,
    tags: Json | None = None,
    managed_by: str | None = None,
) -> Json:
    """Make or overwrite a resource group; `managed_by` is the cluster's id for a node resource group."""
    document: Json = {
        "id": f"/subscriptions/{subscription}/resourceGroups/{name}",
        "name": name,
        "type": GROUP,
        "location": location,
        **({"tags": tags} if tags is not None else {}),
        **({"managedBy": managed_by} if managed_by else {}),
        "properties": {"provisioningState": "Succeeded"},
    }
    azure.store.put(GROUP, document["id"], document)
    return document


def remove_group(azure: Azure, group_id: str) -> None:
    """Delete a group and everything in it, as the services would: vaults only softly."""
    for kind, id_ in azure.store.ids(f"{group_id}/"):
        document = azure.store.get(kind, id_)
        if document is None:
            continue  # went away with another resource
        if kind.lower() == cluster_document.KIND.lower():
            cluster_effects.settle_delete(azure, {"resource": id_})
        elif kind.lower() == vaults.VAULT.lower():
            deleted_vaults.bury(azure, document)
        elif kind.lower() == identities.IDENTITY.lower():
            identities.forget(azure, document)
        azure.store.delete(kind, id_)
    azure.store.delete(GROUP, group_id)


def get_group(request: Request, azure: Azure) -> Answer:
    return Answer(body=_group(request, azure))


def check_group(request: Request, azure: Azure) -> Answer:
    return Answer(204 if azure.store.get(GROUP, _group_id(request)) else 404)


def list_groups(request: Request, azure: Azure) -> Answer:
    prefix = f"/subscriptions/{request.params['subscription']}/resourceGroups/"
    return Answer(body={"value": azure.store.list(GROUP, prefix)})


def put_group(request: Request, azure: Azure) -> Answer:
    location = body_of(request).get("location")
    existing = azure.store.get(GROUP, _group_id(request))
    if not location:
        raise Refusal(400, "LocationRequired", "The location property is required for this definition.")
    if existing and existing["location"] != location:
        raise Refusal(
            409,
            "InvalidResourceGroupLocation",
            f"Invalid resource group location '{location}'. The Resource group already exists in location"
            f" '{existing['location']}'.",
        )
    document = new_group(
        azure,
        request.params["subscription"],
        existing["name"] if existing else request.params["group"],
        location,
        tags=body_of(request).get("tags"),
        managed_by=existing.get("managedBy") if existing else None,
    )
    return Answer(200 if existing else 201, document)


def patch_group(request: Request, azure: Azure) -> Answer:
    document = {**_group(request, azure), **{k: v for k, v in body_of(request).items() if k == "tags"}}
    azure.store.put(GROUP, document["id"], document)
    return Answer(body=document)


def delete_group(request: Request, azure: Azure) -> Answer:
    document = _group(request, azure)
    document["properties"]["provisioningState"] = "Deleting"
    azure.store.put(GROUP, document["id"], document)
    operation = azure.start_operation("resource_groups.delete", DELETE_SECONDS, id=document["id"])
    return Answer(202, headers=_poll_headers(request, azure, operation["name"]))


def poll_delete(request: Request, azure: Azure) -> Answer:
    operation = azure.operation(request.params["operation"])
    if operation["status"] == "InProgress":
        return Answer(202, headers=_poll_headers(request, azure, operation["name"]))
    return Answer(200)


def settle_delete(azure: Azure, operation: Json) -> Json | None:
    remove_group(azure, operation["id"])
    return None


def list_resources(request: Request, azure: Azure) -> Answer:
    """Tracked resources (those with a location), filtered by resourceType, name, resourceGroup and tag."""
    prefix = f"/subscriptions/{request.params['subscription']}/resourceGroups/"
    if "group" in request.params:
        prefix += f"{request.params['group']}/providers/"
    documents = (azure.store.get(kind, id_) for kind, id_ in azure.store.ids(prefix) if kind != GROUP)
    rows = [_row(document) for document in documents if document and "location" in document]
    wanted = _filter(request.query.get("$filter", ""))
    return Answer(body={"value": [row for row in rows if _passes(row, wanted)]})


def _group_id(request: Request) -> str:
    return f"/subscriptions/{request.params['subscription']}/resourceGroups/{request.params['group']}"


def _group(request: Request, azure: Azure) -> Json:
    document = azure.store.get(GROUP, _group_id(request))
    if document is None:
        raise not_found(_group_id(request))
    return document


def _poll_headers(request: Request, azure: Azure, operation: str) -> dict[str, str]:
    subscription = request.params["subscription"]
    version = request.query["api-version"]
    url = (
        f"{request.base_url}/subscriptions/{subscription}/operationresults/{operation}?api-version={version}"
    )
    return {"Location": signed(url), **azure.clock.retry_headers(15)}


def _row(document: Json) -> Json:
    kept = ("id", "name", "type", "kind", "sku", "identity", "managedBy", "location", "tags")
    return {key: document[key] for key in kept if key in document}


def _filter(text: str) -> dict[str, str]:
    """`resourceType eq 'X' and name eq 'Y'` as `{resourcetype: x, name: y}`."""
    return {key.lower(): value.lower() for key, value in re.findall(r"(\w+)\s+eq\s+'([^']*)'", text)}


def _passes(row: Json, wanted: dict[str, str]) -> bool:
    tags = row.get("tags") or {}
    if "tagname" in wanted:
        value = {name.lower(): str(value).lower() for name, value in tags.items()}.get(wanted["tagname"])
        if value is None or wanted.get("tagvalue", value) != value:
            return False
    facts = {
        "resourcetype": row["type"].lower(),
        "name": row["name"].lower(),
        "resourcegroup": row["id"].split("/")[4].lower(),
        "location": row["location"].lower(),
    }
    return all(fact == wanted.get(key, fact) for key, fact in facts.items())


_SUBSCRIPTION = "/subscriptions/{subscription}"
_GROUP = f"{_SUBSCRIPTION}/resourceGroups/{{group}}"
_READ_GROUP = "Microsoft.Resources/subscriptions/resourceGroups/read"
_WRITE_GROUP = "Microsoft.Resources/subscriptions/resourceGroups/write"
_READ_RESOURCES = "Microsoft.Resources/subscriptions/resources/read"
ROUTES: tuple[Route, ...] = (
    Route("GET", f"{_SUBSCRIPTION}/resources", list_resources, _READ_RESOURCES),
    Route("GET", f"{_SUBSCRIPTION}/operationresults/{{operation}}", poll_delete),
    Route("GET", f"{_SUBSCRIPTION}/resourceGroups", list_groups, _READ_GROUP),
    Route(
        "GET",
        f"{_GROUP}/resources",
        list_resources,
        "Microsoft.Resources/subscriptions/resourceGroups/resources/read",
    ),
    Route("GET", _GROUP, get_group, _READ_GROUP),
    Route("HEAD", _GROUP, check_group, _READ_GROUP),
    Route("PUT", _GROUP, put_group, _WRITE_GROUP),
    Route("PATCH", _GROUP, patch_group, _WRITE_GROUP),
    Route("DELETE", _GROUP, delete_group, "Microsoft.Resources/subscriptions/resourceGroups/delete"),
)

SETTLERS: Mapping[str, Settle] = {"resource_groups.delete": settle_delete}
