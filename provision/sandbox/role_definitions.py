"""Microsoft.Authorization/roleDefinitions: built-in roles and custom ones.

Source: az CLI recordings test_role_assignment (2022) and test_aks_approuting_* (2024); the REST reference of
2022-04-01 for custom roles.
"""

from __future__ import annotations

import re

from provision.sandbox import rbac
from provision.sandbox.authorization import is_guid, scope_in, subscription_of
from provision.sandbox.azure import Answer, Azure, Json, Refusal, Request
from provision.sandbox.gateway import body_of, caller_of
from provision.sandbox.http import Route
from provision.sandbox.rbac import ASSIGNMENT, DEFINITION


def list_definitions(request: Request, azure: Azure) -> Answer:
    """Built-in and custom roles; `roleName eq 'x'` in any casing, `type eq 'BuiltInRole'`."""
    condition = request.query.get("$filter", "")
    name = re.search(r"roleName\s+eq\s+'([^']*)'", condition, re.IGNORECASE)
    kind = re.search(r"type\s+eq\s+'([^']*)'", condition, re.IGNORECASE)
    found = [
        _at_subscription(definition, scope_in(request))
        for definition in (*rbac.built_in().values(), *azure.store.list(DEFINITION))
        if not name or definition["properties"]["roleName"].lower() == name[1].lower()
        if not kind or definition["properties"]["type"].lower() == kind[1].lower()
        if rbac.concerns(definition, scope_in(request))
    ]
    return Answer(body={"value": found})


def get_definition(request: Request, azure: Azure) -> Answer:
    return Answer(body=_at_subscription(_existing_definition(request, azure), scope_in(request)))


def put_definition(request: Request, azure: Azure) -> Answer:
    """Create or update a custom role: 201 in both cases (REST reference of 2022-04-01)."""
    name = request.params["name"].lower()
    properties = body_of(request).get("properties")
    if not isinstance(properties, dict) or not properties.get("roleName"):
        raise Refusal(400, "BadRequestFormat", "The request was incorrectly formatted.")
    if not is_guid(name):
        raise Refusal(400, "InvalidRoleDefinitionId", f"The role definition ID '{name}' is not valid.")
    if name in rbac.built_in():
        raise Refusal(
            403,
            "RoleDefinitionCannotBeModified",
            "Built-in role definitions cannot be modified or deleted.",
        )
    if not properties.get("assignableScopes"):
        raise Refusal(
            400, "RoleDefinitionScopesRequired", "The role definition's assignable scopes cannot be empty."
        )
    for scope in properties["assignableScopes"]:  # "Azure custom roles", Microsoft Learn, 2026
        rbac.require(azure, caller_of(request), f"{DEFINITION}/write", scope)
    _refuse_taken_name(azure, name, str(properties["roleName"]))
    now = azure.clock.stamp()
    caller = caller_of(request).object_id
    existing = azure.store.get(DEFINITION, name)
    created = existing["properties"] if existing else {"createdOn": now, "createdBy": caller}
    empty: Json = {"actions": [], "notActions": [], "dataActions": [], "notDataActions": []}
    document = {
        "properties": {
            "roleName": properties["roleName"],
            "type": "CustomRole",
            "description": properties.get("description", ""),
            "assignableScopes": properties["assignableScopes"],
            "permissions": [{**empty, **permission} for permission in properties.get("permissions", [])],
            "createdOn": created["createdOn"],
            "updatedOn": now,
            "createdBy": created["createdBy"],
            "updatedBy": caller,
        },
        "id": f"/providers/{DEFINITION}/{name}",
        "type": DEFINITION,
        "name": name,
    }
    azure.store.put(DEFINITION, name, document)
    return Answer(201, _at_subscription(document, scope_in(request)))


def _refuse_taken_name(azure: Azure, name: str, role_name: str) -> None:
    """Names of roles are unique in the tenant (azure-sdk-for-net, its tests of role definitions)."""
    for other in (*rbac.built_in().values(), *azure.store.list(DEFINITION)):
        if other["name"] != name and other["properties"]["roleName"].lower() == role_name.lower():
            raise Refusal(
                409,
                "RoleDefinitionWithSameNameExists",
                "A custom role with the same name already exists in this directory. Use a different name.",
            )


def delete_definition(request: Request, azure: Azure) -> Answer:
    name = request.params["name"].lower()
    document = azure.store.get(DEFINITION, name)
    if document is None:
        return Answer(204)
    if any(a["properties"]["roleDefinitionId"].endswith(name) for a in azure.store.list(ASSIGNMENT)):
        raise Refusal(
            400,
            "RoleDefinitionHasAssignments",
            "There are existing role assignments referencing role (code: RoleDefinitionHasAssignments).",
        )
    azure.store.delete(DEFINITION, name)
    return Answer(200, _at_subscription(document, scope_in(request)))


def _at_subscription(definition: Json, scope: str) -> Json:
    # always at subscription scope, whatever scope was asked (az CLI recordings, 2022 and 2024)
    return {**definition, "id": f"{subscription_of(scope)}/providers/{DEFINITION}/{definition['name']}"}


def _existing_definition(request: Request, azure: Azure) -> Json:
    found = rbac.definition(azure, request.params["name"])
    if found is None:
        name = request.params["name"]
        raise Refusal(
            404,
            "RoleDefinitionDoesNotExist",
            f"The specified role definition with ID '{name.replace('-', '')}' does not exist.",
        )
    return found


_DEFINITIONS = f"{{scope*}}/providers/{DEFINITION}"

ROUTES: tuple[Route, ...] = (
    Route("GET", _DEFINITIONS, list_definitions, f"{DEFINITION}/read"),
    Route("GET", f"{_DEFINITIONS}/{{name}}", get_definition, f"{DEFINITION}/read"),
    Route("PUT", f"{_DEFINITIONS}/{{name}}", put_definition, f"{DEFINITION}/write"),
    Route("DELETE", f"{_DEFINITIONS}/{{name}}", delete_definition, f"{DEFINITION}/delete"),
)
