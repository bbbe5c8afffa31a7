"""Microsoft.ManagedIdentity: user-assigned identities and their federated credentials.

Source: az CLI recordings test_identity_management and test_federated_identity_credential (2023).
"""

from __future__ import annotations

from provision.sandbox.azure import TENANT, Answer, Azure, Json, Refusal, Request, not_found
from provision.sandbox.gateway import body_of
from provision.sandbox.http import Route

IDENTITY = "Microsoft.ManagedIdentity/userAssignedIdentities"
CREDENTIAL = f"{IDENTITY}/federatedIdentityCredentials"
PRINCIPAL = "principal"

REPLICATION = 20.0
"""Seconds until a new principal is known to Entra everywhere (usually 15 to 60; Microsoft Learn, 2026)."""
MAX_CREDENTIALS = 20

_IDENTITIES = f"/subscriptions/{{subscription}}/resourceGroups/{{group}}/providers/{IDENTITY}"
_CREDENTIALS = f"{_IDENTITIES}/{{name}}/federatedIdentityCredentials"


def new_principal(
    azure: Azure, name: str, kind: str = "ManagedIdentity", *, client_id: str = "", object_id: str = ""
) -> Json:
    """Make an Entra service principal; it is replicated only after some (scaled) seconds.

    Returns `{id, appId, displayName, servicePrincipalType, replicatedAt}`: `id` is the object id that role
    assignments name, `appId` the client id. `kind` is `ManagedIdentity` or `Application`.
    """
    principal: Json = {
        "id": object_id or azure.guid(),
        "appId": client_id or azure.guid(),
        "displayName": name,
        "servicePrincipalType": kind,
        "replicatedAt": azure.clock.after(REPLICATION),
    }
    azure.store.put(PRINCIPAL, principal["id"], principal)
    return principal


def new_identity(
    azure: Azure,
    subscription: str,
    group: str,
    name: str,
    location: str,
    tags: Json | None = None,
) -> Json:
    """Make a user-assigned identity and its principal; returns the ARM document as stored."""
    principal = new_principal(azure, name)
    identity: Json = {
        # seen in the recordings: the service answers the group's segment in lower case
        "id": f"/subscriptions/{subscription}/resourcegroups/{group}/providers/{IDENTITY}/{name}",
        "name": name,
        "type": IDENTITY,
        "location": location,
        "tags": tags or {},
        "properties": {
            "tenantId": TENANT,
            "principalId": principal["id"],
            "clientId": principal["appId"],
        },
    }
    azure.store.put(IDENTITY, identity["id"], identity)
    return identity


def forget(azure: Azure, identity: Json) -> None:
    """Delete an identity with its credentials and its principal. Role assignments stay, orphaned."""
    for credential in azure.store.list(CREDENTIAL, f"{identity['id']}/"):
        azure.store.delete(CREDENTIAL, credential["id"])
    azure.store.delete(PRINCIPAL, identity["properties"]["principalId"])
    azure.store.delete(IDENTITY, identity["id"])


def put_identity(request: Request, azure: Azure) -> Answer:
    body = body_of(request)
    existing = azure.store.get(IDENTITY, _identity_id(request))
    if existing:
        identity = {**existing, "tags": body.get("tags", existing["tags"])}
        azure.store.put(IDENTITY, identity["id"], identity)
        return Answer(200, identity)
    if not body.get("location"):
        raise Refusal(400, "LocationRequired", "The location property is required for this definition.")
    params = request.params
    identity = new_identity(
        azure, params["subscription"], params["group"], params["name"], body["location"], body.get("tags")
    )
    return Answer(201, identity, {"Location": identity["id"]})


def patch_identity(request: Request, azure: Azure) -> Answer:
    identity = _identity(request, azure)
    identity["tags"] = body_of(request).get("tags", identity["tags"])
    azure.store.put(IDENTITY, identity["id"], identity)
    return Answer(body=identity)


def get_identity(request: Request, azure: Azure) -> Answer:
    return Answer(body=_identity(request, azure))


def delete_identity(request: Request, azure: Azure) -> Answer:
    """200 with an empty body, 204 when there was none."""
    existing = azure.store.get(IDENTITY, _identity_id(request))
    if existing is None:
        return Answer(204)
    forget(azure, existing)
    return Answer(200)


def list_identities(request: Request, azure: Azure) -> Answer:
    """Of a group or of the subscription."""
    prefix = f"/subscriptions/{request.params['subscription']}/resourceGroups/"
    if "group" in request.params:
        prefix += f"{request.params['group']}/"
    return Answer(body={"value": azure.store.list(IDENTITY, prefix)})


def list_associated(request: Request, azure: Azure) -> Answer:
    _identity(request, azure)
    return Answer(body={"totalCount": 0, "value": []})


def put_credential(request: Request, azure: Azure) -> Answer:
    """201 new, 200 update; issuer and subject together must be unique in the identity."""
    identity = _identity(request, azure)
    wanted = body_of(request).get("properties")
    if not isinstance(wanted, dict) or not all(wanted.get(k) for k in ("issuer", "subject", "audiences")):
        raise Refusal(400, "BadRequest", "The issuer, subject and audiences properties are required.")
    name = request.params["credential"]
    id_ = f"{identity['id']}/federatedIdentityCredentials/{name}"
    existing = azure.store.get(CREDENTIAL, id_)
    others = [
        c for c in azure.store.list(CREDENTIAL, f"{identity['id']}/") if c["name"].lower() != name.lower()
    ]
    if any(_pair(other["properties"]) == _pair(wanted) for other in others):
        raise Refusal(
            409,
            "Conflict",
            "Issuer and subject combination already exists for this Managed Identity.",
        )
    if existing is None and len(others) >= MAX_CREDENTIALS:
        raise Refusal(
            400,
            "BadRequest",
            f"Too many Federated Identity Credentials for the managed identity '{identity['name']}'. The"
            f" maximum number is {MAX_CREDENTIALS}.",
        )
    credential = {
        "id": id_,
        "name": name,
        "type": CREDENTIAL,
        "properties": {key: wanted[key] for key in ("issuer", "subject", "audiences")},
    }
    azure.store.put(CREDENTIAL, id_, credential)
    return Answer(200, credential) if existing else Answer(201, credential, {"Location": id_})


def get_credential(request: Request, azure: Azure) -> Answer:
    found = azure.store.get(CREDENTIAL, _credential_id(request))
    if found is None:
        raise not_found(_credential_id(request))
    return Answer(body=found)


def delete_credential(request: Request, azure: Azure) -> Answer:
    """200 with an empty body, 204 when there was none."""
    return Answer(200 if azure.store.delete(CREDENTIAL, _credential_id(request)) else 204)


def list_credentials(request: Request, azure: Azure) -> Answer:
    identity = _identity(request, azure)
    return Answer(body={"value": azure.store.list(CREDENTIAL, f"{identity['id']}/")})


def _pair(properties: Json) -> tuple[str, str]:
    return properties["issuer"], properties["subject"]


def _identity_id(request: Request) -> str:
    params = request.params
    group = f"/subscriptions/{params['subscription']}/resourceGroups/{params['group']}"
    return f"{group}/providers/{IDENTITY}/{params['name']}"


def _credential_id(request: Request) -> str:
    return f"{_identity_id(request)}/federatedIdentityCredentials/{request.params['credential']}"


def _identity(request: Request, azure: Azure) -> Json:
    identity = azure.store.get(IDENTITY, _identity_id(request))
    if identity is not None:
        return identity
    if request.method == "PUT":
        raise Refusal(
            404,
            "ParentResourceNotFound",
            f"Failed to perform 'write' on resource(s) of type '{CREDENTIAL}', because the parent resource"
            f" '{_identity_id(request)}' could not be found.",
            headers={"x-ms-failure-cause": "gateway"},
        )
    raise not_found(_identity_id(request))


ROUTES: tuple[Route, ...] = (
    Route(
        "GET", f"/subscriptions/{{subscription}}/providers/{IDENTITY}", list_identities, f"{IDENTITY}/read"
    ),
    Route("GET", _IDENTITIES, list_identities, f"{IDENTITY}/read"),
    Route("GET", f"{_IDENTITIES}/{{name}}", get_identity, f"{IDENTITY}/read"),
    Route("PUT", f"{_IDENTITIES}/{{name}}", put_identity, f"{IDENTITY}/write"),
    Route("PATCH", f"{_IDENTITIES}/{{name}}", patch_identity, f"{IDENTITY}/write"),
    Route("DELETE", f"{_IDENTITIES}/{{name}}", delete_identity, f"{IDENTITY}/delete"),
    Route(
        "POST",
        f"{_IDENTITIES}/{{name}}/listAssociatedResources",
        list_associated,
        f"{IDENTITY}/listAssociatedResources/action",
    ),
    Route("GET", _CREDENTIALS, list_credentials, f"{CREDENTIAL}/read"),
    Route("GET", f"{_CREDENTIALS}/{{credential}}", get_credential, f"{CREDENTIAL}/read"),
    Route("PUT", f"{_CREDENTIALS}/{{credential}}", put_credential, f"{CREDENTIAL}/write"),
    Route("DELETE", f"{_CREDENTIALS}/{{credential}}", delete_credential, f"{CREDENTIAL}/delete"),
)
