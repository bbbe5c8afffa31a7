"""Microsoft Graph, as far as `az role assignment` asks it for the names of service principals."""

from __future__ import annotations

import re

from provision.sandbox import tokens
from provision.sandbox.azure import Answer, Azure, Json, Refusal, Request
from provision.sandbox.gateway import body_of
from provision.sandbox.http import Route
from provision.sandbox.identities import PRINCIPAL


def list_service_principals(request: Request, azure: Azure) -> Answer:
    """`$filter=servicePrincipalNames/any(c:c eq '<appId>')`, `appId eq '…'` or `displayName eq '…'`."""
    _authenticate(request, azure)
    condition = request.query.get("$filter", "")
    wanted = [value.lower() for value in re.findall(r"eq '([^']*)'", condition)]
    keys = ("displayName",) if "displayname" in condition.lower() else ("appId", "id")
    found = [
        _service_principal(principal)
        for principal in _replicated(azure)
        if not wanted or any(principal[key].lower() in wanted for key in keys)
    ]
    return Answer(
        body={"@odata.context": f"{request.base_url}/v1.0/$metadata#servicePrincipals", "value": found}
    )


def get_service_principal(request: Request, azure: Azure) -> Answer:
    _authenticate(request, azure)
    wanted = request.params["id"].lower()
    for principal in _replicated(azure):
        if principal["id"].lower() == wanted:
            return Answer(body=_service_principal(principal))
    raise Refusal(
        404,
        "Request_ResourceNotFound",
        f"Resource '{request.params['id']}' does not exist or one of its queried reference-property objects"
        " are not present.",
    )


def get_by_ids(request: Request, azure: Azure) -> Answer:
    """POST directoryObjects/getByIds: those of `ids` that exist, in no error if some do not."""
    _authenticate(request, azure)
    wanted = {str(id_).lower() for id_ in body_of(request).get("ids", [])}
    found = [_service_principal(p) for p in _replicated(azure) if p["id"].lower() in wanted]
    return Answer(
        body={"@odata.context": f"{request.base_url}/v1.0/$metadata#directoryObjects", "value": found}
    )


def _authenticate(request: Request, azure: Azure) -> None:
    tokens.arm_caller(azure, request.headers.get("authorization", ""))


def _replicated(azure: Azure) -> list[Json]:
    now = azure.clock.now()
    return [principal for principal in azure.store.list(PRINCIPAL) if principal["replicatedAt"] <= now]


def _service_principal(principal: Json) -> Json:
    return {
        "@odata.type": "#microsoft.graph.servicePrincipal",
        "id": principal["id"],
        "appId": principal["appId"],
        "displayName": principal["displayName"],
        "appDisplayName": principal["displayName"],
        "servicePrincipalNames": [principal["appId"]],
        "servicePrincipalType": principal["servicePrincipalType"],
        "accountEnabled": True,
    }


ROUTES: tuple[Route, ...] = (
    Route("GET", "/v1.0/servicePrincipals", list_service_principals),
    Route("GET", "/v1.0/servicePrincipals/{id}", get_service_principal),
    Route("POST", "/v1.0/directoryObjects/getByIds", get_by_ids),
)
