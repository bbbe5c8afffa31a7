"""Who may enter a cluster, and who may do what in it.

Local accounts (a client certificate or a token of the cluster's own) are cluster administrators. With Entra
integration a bearer token for the AKS server application is accepted as well; with `enableAzureRBAC` Azure
role assignments decide, at the cluster or at one of its namespaces, else membership of the administrators'
group (the sandbox has no groups: the object ids in `adminGroupObjectIDs` are the members themselves).
Source: Microsoft Learn, "manage-azure-rbac", "entra-id-control-plane-authentication" (2026).
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass

from provision.sandbox import cluster_credentials, rbac, tokens
from provision.sandbox.azure import Azure, Json, Refusal
from provision.sandbox.cluster_document import KIND
from provision.sandbox.http import Request
from provision.sandbox.kubernetes import kinds
from provision.sandbox.kubernetes.objects import Kind
from provision.sandbox.kubernetes.refusals import StatusRefusal, forbidden, unauthorized

_ACTIONS = {
    "get": "read",
    "list": "read",
    "watch": "read",
    "create": "write",
    "update": "write",
    "patch": "write",
    "delete": "delete",
    "deletecollection": "delete",
}


@dataclass(frozen=True, slots=True)
class User:
    """Who is in the cluster. `object_id` is empty for a local account, which may do everything."""

    name: str
    groups: tuple[str, ...] = ()
    object_id: str = ""


ADMINISTRATOR = User("masterclient", ("system:masters", "system:authenticated"))


def user_of(request: Request, azure: Azure, document: Json) -> User:
    """The user behind a request to the API server of the cluster that `document` describes, else 401."""
    authorization = request.headers.get("authorization", "")
    properties = document["properties"]
    local = None if properties.get("disableLocalAccounts") else cluster_credentials.kept(azure, document)
    if not authorization:
        if local and request.certificate and request.certificate == cluster_credentials.der(local):
            return ADMINISTRATOR
        raise unauthorized()
    sent = authorization.partition(" ")[2].strip()
    if local and hmac.compare_digest(sent.encode(), local["token"].encode()):
        return ADMINISTRATOR
    return user_of_token(azure, document, authorization)


def user_of_token(azure: Azure, document: Json, authorization: str) -> User:
    """The Entra user of `Bearer …`; 401 for other tokens, and without Entra integration."""
    if not document["properties"].get("aadProfile"):
        raise unauthorized()
    try:
        claims = tokens.claims_of(azure, authorization)
    except Refusal as refusal:
        raise unauthorized() from refusal
    audience = str(claims["aud"]).rstrip("/").removeprefix("spn:").removeprefix("api://")
    if audience != cluster_credentials.SERVER_APPLICATION:
        raise unauthorized()
    # a service principal has no name there: guard takes its object id
    return User(claims["oid"], ("system:authenticated",), claims["oid"])


def require(
    azure: Azure, document: Json, user: User, verb: str, kind: Kind, *, namespace: str = "", name: str = ""
) -> None:
    """403 unless the user may do `verb` (`get`, `list`, …) to the kind."""
    if _allowed(azure, document, user, verb, kind, namespace):
        return
    raise _refused(user, verb, kind, namespace, name, azure_rbac=_azure_rbac(document))


def _allowed(azure: Azure, document: Json, user: User, verb: str, kind: Kind, namespace: str) -> bool:
    if not user.object_id:
        return True
    if not _azure_rbac(document):
        return user.object_id in (document["properties"]["aadProfile"].get("adminGroupObjectIDs") or ())
    action = f"{KIND}/{_named(kind)}/{_ACTIONS[verb]}"
    scope = f"{document['id']}/namespaces/{namespace}" if namespace else document["id"]
    return rbac.allows(azure, user.object_id, action, scope, data=True)


def _named(kind: Kind) -> str:
    """A kind in an action. Azure knows no custom resource by its own name: all of them are
    `customresources` (kubeguard/guard pull request 409, 2025; Microsoft Learn, "Use Microsoft Entra ID
    authorization for the Kubernetes API in AKS", 2026-04)."""
    if not kinds.is_built_in(kind):
        return "customresources"
    return f"{kind.group}/{kind.plural}" if kind.group else kind.plural


def _azure_rbac(document: Json) -> bool:
    return bool((document["properties"].get("aadProfile") or {}).get("enableAzureRBAC"))


def _refused(
    user: User, verb: str, kind: Kind, namespace: str, name: str, *, azure_rbac: bool
) -> StatusRefusal:
    place = f'in the namespace "{namespace}"' if namespace else "at the cluster scope"
    why = f'User "{user.name}" cannot {verb} resource "{kind.plural}" in API group "{kind.group}" {place}'
    if azure_rbac:
        why += ": User does not have access to the resource in Azure. Update role assignment to allow access."
    return forbidden(kind, name, why)
