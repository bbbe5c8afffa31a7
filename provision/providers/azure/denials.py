"""403 → which right is missing, to whom, where, and the command with which another team gives it.

Sources: ARM's and Key Vault's own messages, as issues of azure-cli and terraform-provider-azurerm quote them
(2019 to 2025).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from provision.errors import AccessDeniedError
from provision.ingress.roles import smallest

_OBJECT_ID = re.compile(r"(?:object id '|\boid=)(?P<id>[0-9A-Fa-f-]{36})")
# A person is named by address, an application by its id.
_PERSON = re.compile(r"client '[^'@]+@[^']+'")
_ARM = re.compile(r"perform action '(?P<action>[^']+)' over scope '(?P<scope>[^']+)'")
_LINKED = re.compile(
    r"not have permission to perform action(?:\(s\))? '(?P<action>[^']+)' on the linked scope\(s\)"
    r" '(?P<scope>[^',]+)"
)
_VAULT_ROLE = re.compile(r"Action: '(?P<action>[^']+)'")
_VAULT_RESOURCE = re.compile(r"Resource: '(?P<scope>/subscriptions/[^']+)'")
_VAULT_POLICY = re.compile(
    r"does not have (?P<kind>\w+) (?P<permission>\w+) permission on key vault '(?P<vault>[^;']+)"
)
_CONDITION = "with ABAC condition that is not fulfilled"
_LEAST = "provision roles PROFILE writes the least role for all of it."


@dataclass(frozen=True, slots=True)
class Denial:
    """A right that the service says is missing. `principal` is an object id, empty where it is not named."""

    action: str
    scope: str
    principal: str
    is_person: bool = False

    def command(self) -> str:
        """The command that gives it, as far as a built-in role does."""
        role = smallest(self.action)
        if role is None or not self.scope:
            return ""
        kind = "User" if self.is_person else "ServicePrincipal"
        return (
            f"az role assignment create --assignee-object-id {self.principal or 'OBJECT_ID'}"
            f' --assignee-principal-type {kind} --role "{role.name}" --scope {_assignable(self.scope)}'
        )


def denied(doing: str, message: str, why: str) -> AccessDeniedError:
    """The error for a 403. `message` is the service's, `why` what to say when it names no right."""
    found = denial(message)
    if found is None:
        return _by_policy(doing, message) or AccessDeniedError(doing, why)
    if _CONDITION in message:
        return AccessDeniedError(
            doing,
            f"the condition of the caller's role does not allow {found.action} at {found.scope}",
            "Have the condition widened to what the profile needs: provision roles PROFILE --format az"
            " writes it.",
        )
    command = found.command()
    where = f" at {found.scope}" if found.scope else ""
    return AccessDeniedError(
        doing,
        f"the caller lacks the right {found.action}{where}",
        f"Have it given to the identity that runs provision, then run it again. {_LEAST}"
        + (" The smallest built-in role that has it:" if command else ""),
        command,
        action=found.action,
        scope=found.scope,
        principal=found.principal,
    )


def denial(message: str) -> Denial | None:
    """What a message says is missing; nothing when it says no such thing."""
    found = _LINKED.search(message) or _ARM.search(message) or _VAULT_ROLE.search(message)
    if not found:
        return None
    # A vault names the certificate or the secret; whoever gives the right gives it at the vault.
    place = _VAULT_RESOURCE.search(message)
    scope = _assignable(place["scope"]) if place else found.groupdict().get("scope") or ""
    caller = _OBJECT_ID.search(message)
    return Denial(
        found["action"], scope, caller["id"] if caller else "", is_person=bool(_PERSON.search(message))
    )


def _by_policy(doing: str, message: str) -> AccessDeniedError | None:
    """The refusal of a vault with access policies."""
    found = _VAULT_POLICY.search(message)
    if not found:
        return None
    caller = _OBJECT_ID.search(message)
    return AccessDeniedError(
        doing,
        f"the caller lacks the vault permission “{found['kind']} {found['permission']}”",
        "The vault works with access policies. Have one given to the identity that runs provision:",
        f"az keyvault set-policy --name {found['vault']}"
        f" --object-id {caller['id'] if caller else 'OBJECT_ID'}"
        f" --{found['kind'].removesuffix('s')}-permissions {found['permission']}",
    )


def _assignable(scope: str) -> str:
    """Where to assign a role for a right at a scope: what is certain to exist, as near as possible.

    A vault and a cluster are there before provision writes to them, everything else may be what it makes.
    """
    parts = scope.split("/providers/Microsoft.Authorization/")[0].rstrip("/").split("/")
    kind = "/".join(parts[6:8]).casefold()
    if kind in ("microsoft.keyvault/vaults", "microsoft.containerservice/managedclusters"):
        return "/".join(parts[:9])
    if kind == "microsoft.network/virtualnetworks":
        return "/".join(parts[:9])
    return "/".join(parts[:5])
