"""Key Vaults and access policies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from provision.resources.ref import known
from provision.resources.resource import Resource
from provision.resources.values import Value

RBAC = "rbac"
ACCESS_POLICY = "access-policy"

KEY_VAULT_TYPE = "Microsoft.KeyVault/vaults"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyVault(Resource):
    """A vault that exists, or with `create` one that is made with RBAC, soft delete and purge protection.

    Outputs: `id`, `uri`, `location`, `authorization` (rbac or access-policy), `owner` (the profile in its
    mark, empty without one).
    """

    KIND: ClassVar[str] = "key_vault"
    FIXED: ClassVar[frozenset[str]] = frozenset({"softDeleteDays"})

    id: str
    create: bool = False
    location: Value = None
    sku: str = "standard"
    soft_delete_days: int = 90
    public_network_access: str | None = None

    def must_exist(self) -> bool:
        return not self.create

    def properties(self) -> Mapping[str, Value]:
        """Nothing of a vault that others made is ours to compare."""
        if not self.create:
            return {}
        access = self.public_network_access
        return {
            "authorization": RBAC,
            "sku": self.sku,
            "purgeProtection": True,
            "softDeleteDays": self.soft_delete_days,
            **({"publicNetworkAccess": access} if access else {}),
        }


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
