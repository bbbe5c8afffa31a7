"""User-assigned identities, their federated credentials, and role assignments."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from provision.resources.ref import Ref, known
from provision.resources.resource import Resource
from provision.resources.values import Value

_NAMESPACE = uuid.UUID("6f1c8f0e-5a3b-5d0c-9a43-1f5d8f0c7b21")


def owned_prefix(profile: str) -> str:
    """What the names of a profile's federated credentials begin with."""
    return f"provision_{profile}_"


@dataclass(frozen=True, slots=True, kw_only=True)
class UserAssignedIdentity(Resource):
    """An identity for workloads. Outputs: `id`, `clientId`, `principalId`, `tenantId`."""

    KIND: ClassVar[str] = "user_assigned_identity"

    id: str
    location: Value


@dataclass(frozen=True, slots=True, kw_only=True)
class FederatedCredential(Resource):
    """Lets one Kubernetes service account be the identity. `name` is `identity/credential`."""

    KIND: ClassVar[str] = "federated_credential"

    identity_id: str
    credential_name: str
    issuer: Value
    subject: str
    audience: str = "api://AzureADTokenExchange"

    def inside(self) -> str:
        return self.identity_id

    def properties(self) -> Mapping[str, Value]:
        return {"issuer": self.issuer, "subject": self.subject, "audiences": frozenset({self.audience})}


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleAssignment(Resource):
    """A role for one principal at one scope, an ARM id. `name` is `scope name/role/who`.

    With `managed` false the assignment is another team's: it is looked for, never made.
    """

    KIND: ClassVar[str] = "role_assignment"
    LOOKUP: ClassVar[frozenset[str]] = frozenset({"principal_id", "scope"})

    scope: Value
    role_id: str
    role_name: str
    principal_id: Value
    managed: bool = True

    def must_exist(self) -> bool:
        return not self.managed

    def inside(self) -> str:
        return "" if isinstance(self.scope, Ref) else str(self.scope)

    def remedy(self) -> str:
        """The command that makes the assignment when another team must; nothing when we make it."""
        if self.managed:
            return ""
        return (
            f"az role assignment create --assignee-object-id {known(self.principal_id)}"
            f' --assignee-principal-type ServicePrincipal --role "{self.role_name}"'
            f" --scope {known(self.scope)}"
        )

    def assignment_name(self) -> str:
        """Deterministic GUID, so that applying twice makes one assignment."""
        return str(uuid.uuid5(_NAMESPACE, f"{str(self.scope).casefold()}|{self.role_id}|{self.principal_id}"))
