"""Rights as text, as role definitions of az, as Bicep, and as commands."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from provision.ingress.rights import Rights, assigns_roles
from provision.plan.custom_roles import CustomRole, Need
from provision.report.roles_bicep import bicep_files

_SHOWN = 3
"""Addresses shown of those that need the same."""


def render(rights: Rights, form: str) -> str:
    """Everything in one text: `text`, `json`, `bicep` or `az`."""
    if form == "json":
        definitions = [_definition(role) for role in rights.roles]
        return _dump(definitions[0] if len(definitions) == 1 else definitions)
    parts = files(rights, form)
    if len(parts) == 1:
        return "".join(parts.values())
    return "\n".join(f"// {file}\n{text}" for file, text in parts.items())


def files(rights: Rights, form: str) -> Mapping[str, str]:
    """The same as files by name: each role definition as az takes it, or what the format splits into."""
    match form:
        case "json":
            return {f"{_slug(role.name)}.json": _dump(_definition(role)) for role in rights.roles}
        case "bicep":
            return bicep_files(rights)
        case "az":
            return {"roles.sh": _joined(_commands(rights))}
        case _:
            return {"roles.txt": _joined(_text(rights))}


def _definition(role: CustomRole) -> dict[str, Any]:
    """What `az role definition create --role-definition` takes."""
    return {
        "Name": role.name,
        "IsCustom": True,
        "Description": role.description,
        "Actions": list(role.actions),
        "NotActions": [],
        "DataActions": list(role.data_actions),
        "NotDataActions": [],
        "AssignableScopes": list(role.scopes),
    }


def _commands(rights: Rights) -> Iterator[str]:
    yield "# The identity that runs provision: its object id, not its application id."
    yield ": ${OBJECT_ID:?the object id of the identity that runs provision}"
    if rights.condition:
        yield "# It may assign these roles and no others."
        yield f"CONDITION={shlex.quote(rights.condition)}"
    for role in rights.roles:
        yield ""
        yield f"az role definition create --role-definition {shlex.quote(json.dumps(_definition(role)))}"
        narrowed = rights.condition and assigns_roles(role)
        for scope in role.scopes:
            yield (
                'az role assignment create --assignee-object-id "$OBJECT_ID"'
                f" --assignee-principal-type ServicePrincipal --role {shlex.quote(role.name)}"
                f" --scope {shlex.quote(scope)}"
                + (' --condition "$CONDITION" --condition-version 2.0' if narrowed else "")
            )


def _text(rights: Rights) -> Iterator[str]:
    yield f"Rights for profile {rights.profile}"
    yield ""
    yield "The identity that runs provision:"
    scope = ""
    for need in rights.needs:
        if need.permission.scope != scope:
            scope = need.permission.scope
            yield ""
            yield f"  at {scope}"
        yield from _need(need)
    if rights.granted:
        yield ""
        yield "Identities behind the ingress:"
    for each in rights.granted:
        by = "assigned by provision" if each.managed else "assigned by another team"
        yield ""
        yield f"  {each.who}: {each.role.name} at {each.scope}"
        yield f"      to {each.role.purpose}; {by}"
        yield f"      {each.role.source}"
    yield ""
    yield from (f"Note: {note}" for note in rights.notes)


def _need(need: Need) -> Iterator[str]:
    yield f"    {need.permission.action}" + (" (data)" if need.permission.data else "")
    for operation, addresses in need.reasons.items():
        more = len(addresses) - _SHOWN
        yield f"        {operation} {', '.join(addresses[:_SHOWN])}" + (
            f" and {more} more" if more > 0 else ""
        )


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def _dump(content: Any) -> str:
    return json.dumps(content, indent=2) + "\n"


def _joined(lines: Iterable[str]) -> str:
    return "\n".join(lines).rstrip() + "\n"
