"""Who may do what where: Azure role-based access control, evaluated from the role assignments in the store.

A role assignment counts at its scope and at everything below. A permission is granted when an action of
the role matches and none of its notActions does; roles only ever add up (deny assignments aside, which
the sandbox does not have).

The actions that routes ask for are those of "Azure permissions for Networking", "… for Containers", "… for
Security", "… for Identity" and "… for Management and governance", Microsoft Learn, 2024 to 2026.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime
from functools import cache, lru_cache

from provision.sandbox import kubernetes_roles
from provision.sandbox.azure import Azure, Json
from provision.sandbox.conditions import Asked, fulfilled
from provision.sandbox.http import Principal, Refusal
from provision.sandbox.roles import BUILT_IN

ASSIGNMENT = "Microsoft.Authorization/roleAssignments"
DEFINITION = "Microsoft.Authorization/roleDefinitions"

PROPAGATION = 60.0
"""Seconds until a new role assignment is effective. Microsoft: "can take up to 10 minutes"; about one is
usual (Troubleshoot Azure RBAC, 2026)."""


def allows(azure: Azure, object_id: str, action: str, scope: str, *, data: bool = False) -> bool:
    """Whether the principal may do `action` at `scope` (an ARM id, any casing) now.

    `data` asks for data actions (Key Vault's data plane) instead of control-plane ones.
    """
    return any(
        _grants(permission, action, data=data)
        for assignment in assignments_of(azure, object_id, scope)
        for permission in permissions(azure, assignment["properties"]["roleDefinitionId"])
    )


def require(azure: Azure, principal: Principal, action: str, scope: str) -> None:
    """Refuse with 403 AuthorizationFailed, as ARM words it, unless the principal may do `action`."""
    if allows(azure, principal.object_id, action, scope):
        return
    raise Refusal(
        403,
        "AuthorizationFailed",
        f"The client '{principal.client_id}' with object id '{principal.object_id}' does not have"
        f" authorization to perform action '{action}' over scope '{scope}' or the scope is invalid."
        " If access was recently granted, please refresh your credentials.",
        headers={"x-ms-failure-cause": "gateway"},
    )


def require_linked(
    azure: Azure, principal: Principal, action: str, scope: str, linked: tuple[str, str]
) -> None:
    """Refuse with 403 LinkedAuthorizationFailed unless the principal may also do what a request means for
    another resource: `linked` is the action and the scope there.

    Source: hashicorp/terraform-provider-azurerm issue 12134 (2021), kubernetes-sigs/cloud-provider-azure
    issue 1999 (2022).
    """
    linked_action, linked_scope = linked
    if allows(azure, principal.object_id, linked_action, linked_scope):
        return
    raise Refusal(
        403,
        "LinkedAuthorizationFailed",
        f"The client '{principal.client_id}' with object id '{principal.object_id}' has permission to perform"
        f" action '{action}' on scope '{scope}'; however, it does not have permission to perform action"
        f" '{linked_action}' on the linked scope(s) '{linked_scope}' or the linked scope(s) are invalid.",
        headers={"x-ms-failure-cause": "gateway"},
    )


def require_condition(azure: Azure, principal: Principal, asked: Asked, scope: str) -> None:
    """Refuse unless one of the principal's roles that have the action has no condition or one that is
    fulfilled. Source of the text: issues and pipelines on GitHub that quote it (2024 to 2026)."""
    for assignment in assignments_of(azure, principal.object_id, scope):
        properties = assignment["properties"]
        granting = permissions(azure, properties["roleDefinitionId"])
        if any(_grants(permission, asked.action, data=False) for permission in granting) and (
            not properties["condition"] or fulfilled(properties["condition"], asked)
        ):
            return
    raise Refusal(
        403,
        "AuthorizationFailed",
        f"The client '{principal.client_id}' with object id '{principal.object_id}' has an authorization with"
        f" ABAC condition that is not fulfilled to perform action '{asked.action}' over scope '{scope}' or"
        " the scope is invalid. If access was recently granted, please refresh your credentials.",
        headers={"x-ms-failure-cause": "gateway"},
    )


def assignments_of(azure: Azure, object_id: str, scope: str) -> Iterator[Json]:
    """The principal's role assignments at `scope` and above that are effective by now."""
    now = azure.clock.now()
    places = tuple(f"{parent}/providers/{ASSIGNMENT}/".lower() for parent in (*ancestors(scope), ""))
    for id_, text in azure.store.texts(ASSIGNMENT):
        if not id_.lower().startswith(places):
            continue
        assignment = _read(text)
        properties = assignment["properties"]
        if properties["principalId"].lower() == object_id.lower() and now >= effective(azure, properties):
            yield assignment


@lru_cache(maxsize=1024)
def _read(text: str) -> Json:
    """An assignment as it is stored, which nobody changes: every request looks at those that concern it."""
    found: Json = json.loads(text)
    return found


def permissions(azure: Azure, role_definition_id: str) -> list[Json]:
    """`{actions, notActions, dataActions, notDataActions}` of a role definition; empty if it is gone."""
    found = definition(azure, role_definition_id)
    return list(found["properties"]["permissions"]) if found else []


def definition(azure: Azure, role_definition_id: str) -> Json | None:
    """The built-in or custom role definition an id (at any scope, or a bare GUID) names."""
    name = role_definition_id.rstrip("/").rsplit("/", 1)[-1].lower()
    return built_in().get(name) or azure.store.get(DEFINITION, name)


def assignable(role: Json, scope: str) -> bool:
    """Whether a role may be assigned at a scope: at or below one of its assignable scopes."""
    scopes = [str(each).rstrip("/").lower() for each in role["properties"]["assignableScopes"]]
    return any(f"{scope.lower()}/".startswith(f"{each}/") for each in scopes)


def concerns(role: Json, scope: str) -> bool:
    """Whether a list of roles at a scope names the role: it can be assigned there or below."""
    below = any(
        f"{each.lower()}/".startswith(f"{scope.lower()}/") for each in role["properties"]["assignableScopes"]
    )
    return below or assignable(role, scope)


@cache
def built_in() -> dict[str, Json]:
    """Built-in role definitions by GUID; `id` is completed with a subscription when answered."""
    return {
        role.name: {
            "properties": {
                "roleName": role.role_name,
                "type": "BuiltInRole",
                "description": role.description,
                "assignableScopes": ["/"],
                "permissions": [
                    {
                        "actions": list(role.actions),
                        "notActions": list(role.not_actions),
                        "dataActions": list(role.data_actions),
                        "notDataActions": list(role.not_data_actions),
                    }
                ],
                "createdOn": "2015-02-02T21:55:09.8806423Z",
                "updatedOn": "2021-11-11T20:13:47.8628684Z",
                "createdBy": None,
                "updatedBy": None,
            },
            "id": f"/providers/{DEFINITION}/{role.name}",
            "type": DEFINITION,
            "name": role.name,
        }
        for role in (*BUILT_IN, *kubernetes_roles.BUILT_IN)
    }


def scope_of(path: str) -> str:
    """The resource a request path is about: whole type/name pairs after its last provider namespace.

    A list (`…/managedClusters`) is about the namespace in its group, an action (`…/aks-prod/runCommand`)
    about its resource.
    """
    segments = path.strip("/").split("/")
    lowered = [segment.lower() for segment in segments]
    if "providers" not in lowered:
        return "/" + "/".join(segments[: len(segments) // 2 * 2])
    provider = len(lowered) - 1 - lowered[::-1].index("providers")
    tail = segments[provider + 2 :]
    return "/" + "/".join(segments[: provider + 2] + tail[: len(tail) // 2 * 2])


def ancestors(scope: str) -> list[str]:
    """`scope` and every scope above it below the tenant root, nearest first."""
    segments = [segment for segment in scope.split("/") if segment]
    found = []
    end = len(segments)
    while end > 0:
        found.append("/" + "/".join(segments[:end]))
        # a type/name pair at a time; `providers/<namespace>` goes with the first pair after it
        end -= 2
        if end >= 2 and segments[end - 2].lower() == "providers":
            end -= 2
    return found


def effective(azure: Azure, properties: Json) -> float:
    """The moment from which a role assignment, by its properties, counts."""
    created = datetime.fromisoformat(properties["createdOn"]).timestamp()
    return created + PROPAGATION / azure.clock.speed


def _grants(permission: Json, action: str, *, data: bool) -> bool:
    allowed, denied = ("dataActions", "notDataActions") if data else ("actions", "notActions")
    return any(_pattern(a).fullmatch(action) for a in permission.get(allowed, ())) and not any(
        _pattern(a).fullmatch(action) for a in permission.get(denied, ())
    )


@cache
def _pattern(action: str) -> re.Pattern[str]:
    return re.compile(re.escape(action).replace(r"\*", ".*"), re.IGNORECASE)
