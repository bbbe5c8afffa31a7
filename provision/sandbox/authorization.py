"""Microsoft.Authorization: role assignments and the caller's permissions.

Source: az CLI recordings test_role_assignment (2021, 2022), test_aks_approuting_* (2024, 2025); the error
bodies from issues of azure-cli and terraform-provider-azurerm (2019 to 2025).
"""

from __future__ import annotations

import re
import uuid

from provision.sandbox import rbac
from provision.sandbox.azure import TENANT, Answer, Azure, Json, Refusal, Request, not_found
from provision.sandbox.conditions import Asked, InvalidConditionError, fulfilled
from provision.sandbox.gateway import body_of, caller_of
from provision.sandbox.http import Route
from provision.sandbox.identities import PRINCIPAL
from provision.sandbox.rbac import ASSIGNMENT, DEFINITION

LONG_AGO = "2024-01-01T00:00:00.0000000Z"


def new_assignment(
    azure: Azure, scope: str, role: str, principal_id: str, *, created: str | None = None
) -> Json:
    """Assign a role (its GUID) at a scope without any check, for the seed and for services' own identities.

    `created` decides when it is effective: `LONG_AGO` at once, None after the usual propagation.
    """
    name = azure.guid()
    document = _document(azure, scope, name, role, principal_id, created)
    azure.store.put(ASSIGNMENT, document["id"], document)
    return document


def put_assignment(request: Request, azure: Azure) -> Answer:
    """PUT of a role assignment: 201 new, 200 unchanged; see the refusals in `_refuse`."""
    scope, name = scope_in(request), request.params["name"]
    wanted = body_of(request).get("properties")
    if not isinstance(wanted, dict) or not wanted.get("roleDefinitionId") or not wanted.get("principalId"):
        raise Refusal(400, "BadRequestFormat", "The request was incorrectly formatted.")
    if not is_guid(name):
        raise Refusal(
            400,
            "InvalidRoleAssignmentId",
            f"The role assignment ID '{name}' is not valid. The role assignment ID must be a GUID.",
        )
    role = wanted["roleDefinitionId"].rstrip("/").rsplit("/", 1)[-1].lower()
    _require_readable(wanted.get("condition"))
    rbac.require_condition(
        azure, caller_of(request), Asked(f"{ASSIGNMENT}/write", request=_attributes(wanted)), scope
    )
    _require_scope(azure, scope)
    existing = azure.store.get(ASSIGNMENT, f"{scope}/providers/{ASSIGNMENT}/{name}")
    _refuse(azure, scope, existing, role, wanted)
    document = _document(azure, scope, name, role, wanted["principalId"], None)
    properties = document["properties"]
    properties["principalType"] = wanted.get("principalType") or "ServicePrincipal"
    properties["updatedBy"] = caller_of(request).object_id
    for key in ("description", "condition", "conditionVersion", "delegatedManagedIdentityResourceId"):
        properties[key] = wanted.get(key)
    if existing:
        properties["createdOn"] = existing["properties"]["createdOn"]
    azure.store.put(ASSIGNMENT, document["id"], document)
    return Answer(200 if existing else 201, document)


def get_assignment(request: Request, azure: Azure) -> Answer:
    found = azure.store.get(ASSIGNMENT, _assignment_id(request))
    if found is None:
        raise Refusal(
            404, "RoleAssignmentNotFound", f"The role assignment '{request.params['name']}' is not found."
        )
    return Answer(body=found)


def delete_assignment(request: Request, azure: Azure) -> Answer:
    """200 with the assignment that was, 204 when there was none."""
    found = azure.store.get(ASSIGNMENT, _assignment_id(request))
    if found:
        asked = Asked(f"{ASSIGNMENT}/delete", resource=_attributes(found["properties"]))
        rbac.require_condition(azure, caller_of(request), asked, scope_in(request))
    azure.store.delete(ASSIGNMENT, _assignment_id(request))
    return Answer(200, found) if found else Answer(204)


def list_assignments(request: Request, azure: Azure) -> Answer:
    """At the scope, above and below; `atScope()` leaves out those below, `principalId eq` the others'."""
    scope = scope_in(request)
    condition = request.query.get("$filter", "")
    marker = f"/providers/{ASSIGNMENT}/"
    found = [a for parent in rbac.ancestors(scope) for a in azure.store.list(ASSIGNMENT, parent + marker)]
    if "atscope()" not in condition.lower():
        found += [a for a in azure.store.list(ASSIGNMENT, f"{scope}/") if _below(a, scope)]
    principal = re.search(r"(?:principalId\s+eq\s+|assignedTo\()'([^']+)'", condition, re.IGNORECASE)
    if principal:
        found = [a for a in found if a["properties"]["principalId"].lower() == principal[1].lower()]
    return Answer(body={"value": found})


def list_permissions(request: Request, azure: Azure) -> Answer:
    """What the caller's roles at the scope allow, one entry a role."""
    caller = caller_of(request).object_id
    found = [
        permission
        for assignment in rbac.assignments_of(azure, caller, scope_in(request))
        for permission in rbac.permissions(azure, assignment["properties"]["roleDefinitionId"])
    ]
    return Answer(body={"value": found})


def _refuse(azure: Azure, scope: str, existing: Json | None, role: str, wanted: Json) -> None:
    """Raise what Azure answers when the assignment cannot be written."""
    principal_id = str(wanted["principalId"])
    definition = rbac.definition(azure, role)
    # a custom role is not there where it can't be assigned ("Azure custom roles", Microsoft Learn, 2026)
    if definition is None or not rbac.assignable(definition, scope):
        raise Refusal(
            404,
            "RoleDefinitionDoesNotExist",
            f"The specified role definition with ID '{role.replace('-', '')}' does not exist.",
        )
    if existing:
        kept = existing["properties"]
        if (kept["principalId"].lower(), kept["roleDefinitionId"].rsplit("/", 1)[-1]) != (
            principal_id.lower(),
            role,
        ):
            raise Refusal(
                400,
                "RoleAssignmentUpdateNotPermitted",
                "Tenant ID, application ID, principal ID, and scope are not allowed to be updated.",
            )
        return
    for other in azure.store.list(ASSIGNMENT, f"{scope}/providers/{ASSIGNMENT}/"):
        same_role = other["properties"]["roleDefinitionId"].endswith(role)
        if same_role and other["properties"]["principalId"].lower() == principal_id.lower():
            raise Refusal(
                409,
                "RoleAssignmentExists",
                "The role assignment already exists. The ID of the existing role assignment is"
                f" {other['name'].replace('-', '')}.",
            )
    _require_principal(azure, principal_id, wanted.get("principalType"))


def _require_principal(azure: Azure, principal_id: str, declared: str | None) -> None:
    principal = azure.store.get(PRINCIPAL, principal_id)
    replicated = principal is not None and azure.clock.now() >= principal["replicatedAt"]
    if replicated and declared not in (None, "ServicePrincipal"):
        raise Refusal(
            400,
            "UnmatchedPrincipalType",
            f"The PrincipalId '{principal_id.replace('-', '')}' has type 'ServicePrincipal' , which is"
            f" different from specified PrinciaplType '{declared}'.",
        )
    # Azure skips the directory lookup when the type is declared, which is how callers outrun replication
    if not replicated and declared != "ServicePrincipal":
        raise Refusal(
            400,
            "PrincipalNotFound",
            f"Principal {principal_id.replace('-', '')} does not exist in the directory {TENANT}. Check that"
            " you have the correct principal ID. If you are creating this principal and then immediately"
            " assigning a role, this error might be related to a replication delay. In this case, set the"
            " role assignment principalType property to a value, such as ServicePrincipal, User, or Group. "
            " See https://aka.ms/docs-principaltype",
        )


def _attributes(properties: Json) -> dict[str, str]:
    """What a condition may ask about an assignment, by name in lower case."""
    return {
        "roledefinitionid": str(properties["roleDefinitionId"]).rstrip("/").rsplit("/", 1)[-1],
        "principalid": str(properties["principalId"]),
        "principaltype": str(properties.get("principalType") or "ServicePrincipal"),
    }


def _require_readable(condition: str | None) -> None:
    """Refuse a condition that can't be read; Azure's own words for it are in no recording."""
    if not condition:
        return
    try:
        fulfilled(condition, Asked(""))
    except InvalidConditionError as error:
        raise Refusal(
            400, "InvalidRoleAssignmentCondition", f"The condition is not valid: {error}."
        ) from error


def _require_scope(azure: Azure, scope: str) -> None:
    if "/providers/" not in scope.lower() or any(
        id_.lower() == scope.lower() for _, id_ in azure.store.ids(scope)
    ):
        return
    raise not_found(scope)


def _document(azure: Azure, scope: str, name: str, role: str, principal_id: str, created: str | None) -> Json:
    stamp = azure.clock.stamp()
    return {
        "properties": {
            "roleDefinitionId": f"{subscription_of(scope)}/providers/{DEFINITION}/{role}",
            "principalId": principal_id,
            "principalType": "ServicePrincipal",
            "scope": scope,
            "condition": None,
            "conditionVersion": None,
            "createdOn": created or stamp,
            "updatedOn": created or stamp,
            "createdBy": None,
            "updatedBy": None,
            "delegatedManagedIdentityResourceId": None,
            "description": None,
        },
        "id": f"{scope}/providers/{ASSIGNMENT}/{name}",
        "type": ASSIGNMENT,
        "name": name,
    }


def subscription_of(scope: str) -> str:
    return "/".join(scope.split("/")[:3]) if scope.lower().startswith("/subscriptions/") else ""


def scope_in(request: Request) -> str:
    return request.params["scope"].rstrip("/")


def _assignment_id(request: Request) -> str:
    return f"{scope_in(request)}/providers/{ASSIGNMENT}/{request.params['name']}"


def _below(assignment: Json, scope: str) -> bool:
    return bool(assignment["properties"]["scope"].lower() != scope.lower())


def is_guid(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True


_ASSIGNMENTS = f"{{scope*}}/providers/{ASSIGNMENT}"
_PERMISSIONS = "{scope*}/providers/Microsoft.Authorization/permissions"

ROUTES: tuple[Route, ...] = (
    Route("GET", _ASSIGNMENTS, list_assignments, f"{ASSIGNMENT}/read"),
    Route("GET", f"{_ASSIGNMENTS}/{{name}}", get_assignment, f"{ASSIGNMENT}/read"),
    Route("PUT", f"{_ASSIGNMENTS}/{{name}}", put_assignment, f"{ASSIGNMENT}/write"),
    Route("DELETE", f"{_ASSIGNMENTS}/{{name}}", delete_assignment, f"{ASSIGNMENT}/delete"),
    Route("GET", _PERMISSIONS, list_permissions, "Microsoft.Authorization/permissions/read"),
)
