"""Custom roles and their assignments as Bicep: a file for each subscription, and a module for assignments.

A role is assigned in another scope than the file is deployed to, which Bicep allows in modules only.
Source: "Resource extension types and scopes in Bicep", Microsoft Learn, 2026-01.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from provision.ingress.rights import Rights, assigns_roles
from provision.plan.custom_roles import CustomRole

_MODULE = "assignment.bicep"

_ASSIGNMENT = """\
targetScope = 'resourceGroup'

param roleDefinitionId string
param principalId string
param condition string

resource assignment 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(resourceGroup().id, principalId, roleDefinitionId)
  properties: {
    roleDefinitionId: roleDefinitionId
    principalId: principalId
    principalType: 'ServicePrincipal'
    condition: empty(condition) ? null : condition
    conditionVersion: empty(condition) ? null : '2.0'
  }
}
"""


def bicep_files(rights: Rights) -> Mapping[str, str]:
    """Bicep files by name."""
    by_subscription: defaultdict[str, list[CustomRole]] = defaultdict(list)
    for role in rights.roles:
        by_subscription[role.scopes[0].split("/")[2]].append(role)
    several = len(by_subscription) > 1
    found = {
        f"roles-{subscription}.bicep" if several else "roles.bicep": _subscription(
            rights, subscription, roles
        )
        for subscription, roles in by_subscription.items()
    }
    return {**found, _MODULE: _ASSIGNMENT}


def _subscription(rights: Rights, subscription: str, roles: Sequence[CustomRole]) -> str:
    lines = [
        f"// az deployment sub create --subscription {subscription} --location LOCATION"
        " --template-file FILE --parameters principalId=OBJECT_ID",
        "targetScope = 'subscription'",
        "",
        "@description('Object id of the identity that runs provision')",
        "param principalId string",
    ]
    if rights.condition:
        lines += [
            "",
            "@description('It may assign these roles and no others')",
            f"var condition = {_quoted(rights.condition)}",
        ]
    for number, role in enumerate(roles):
        symbol = f"role{number}"
        lines += ["", *_definition(symbol, role)]
        condition = "condition" if rights.condition and assigns_roles(role) else "''"
        for at, scope in enumerate(role.scopes):
            lines += ["", *_assignment(symbol, at, scope, condition)]
    return "\n".join(lines) + "\n"


def _definition(symbol: str, role: CustomRole) -> list[str]:
    return [
        f"resource {symbol} 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {{",
        f"  name: guid(subscription().id, {_quoted(role.name)})",
        "  properties: {",
        f"    roleName: {_quoted(role.name)}",
        f"    description: {_quoted(role.description)}",
        "    type: 'CustomRole'",
        "    permissions: [",
        "      {",
        *_list("actions", role.actions, 8),
        "        notActions: []",
        *_list("dataActions", role.data_actions, 8),
        "        notDataActions: []",
        "      }",
        "    ]",
        *_list("assignableScopes", role.scopes, 4),
        "  }",
        "}",
    ]


def _assignment(symbol: str, number: int, scope: str, condition: str) -> Iterator[str]:
    parts = scope.split("/")
    if len(parts) > 3:
        yield f"module {symbol}At{number} '{_MODULE}' = {{"
        yield f"  name: 'provision-{symbol}-{number}'"
        yield f"  scope: resourceGroup('{parts[2]}', '{parts[4]}')"
        yield "  params: {"
        yield f"    roleDefinitionId: {symbol}.id"
        yield "    principalId: principalId"
        yield f"    condition: {condition}"
    else:
        yield f"resource {symbol}At{number} 'Microsoft.Authorization/roleAssignments@2022-04-01' = {{"
        yield f"  name: guid(subscription().id, principalId, {symbol}.id)"
        yield "  properties: {"
        yield f"    roleDefinitionId: {symbol}.id"
        yield "    principalId: principalId"
        yield "    principalType: 'ServicePrincipal'"
    yield "  }"
    yield "}"


def _list(name: str, members: Iterable[str], indent: int) -> list[str]:
    pad = " " * indent
    inner = [f"{pad}  {_quoted(member)}" for member in members]
    return [f"{pad}{name}: [", *inner, f"{pad}]"] if inner else [f"{pad}{name}: []"]


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace("${", "\\${")
    return f"'{escaped}'"
