"""Key Vaults, the certificates in them, and access policies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from provision.resources.ref import known
from provision.resources.resource import Resource
from provision.resources.values import Value

RBAC = "rbac"
ACCESS_POLICY = "access-policy"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyVault(Resource):
    """An existing vault. Outputs: `id`, `uri`, `location`, `authorization` (rbac or access-policy)."""

    KIND: ClassVar[str] = "key_vault"
    MUST_EXIST: ClassVar[bool] = True

    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessPolicy(Resource):
    """What one identity may do in a vault without RBAC. `name` is `vault/who`."""

    KIND: ClassVar[str] = "access_policy"
    LOOKUP: ClassVar[frozenset[str]] = frozenset({"principal_id"})

    vault_id: str
    principal_id: Value
    secrets: frozenset[Value]
    certificates: frozenset[Value]
    managed: bool = True

    def must_exist(self) -> bool:
        return not self.managed

    def remedy(self) -> str:
        """The command that makes the policy when another team must; nothing when we make it."""
        if self.managed:
            return ""
        vault = self.vault_id.rsplit("/", 1)[-1]
        return (
            f"az keyvault set-policy --name {vault} --object-id {known(self.principal_id)}"
            f" --secret-permissions {' '.join(map(str, self.secrets))}"
            f" --certificate-permissions {' '.join(map(str, self.certificates))}"
        )

    def properties(self) -> Mapping[str, Value]:
        return {"secrets": self.secrets, "certificates": self.certificates}
