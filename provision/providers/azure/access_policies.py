"""Access policies: what an identity may do in a vault without RBAC."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from provision.apply.handler import Reading, Work
from provision.errors import StalePlanError
from provision.plan.change import FieldChange
from provision.providers.azure.clients import Clients
from provision.providers.azure.errors import translating
from provision.providers.azure.reading import read_each
from provision.providers.azure.vaults import get_vault
from provision.resources.arm import ArmId
from provision.resources.observed import Absent, Observed, Present
from provision.resources.values import CaseInsensitive, Value
from provision.resources.vault import AccessPolicy

if TYPE_CHECKING:
    from azure.mgmt.keyvault.models import AccessPolicyUpdateKind


class AccessPolicies:
    """What one identity may do in a vault without RBAC.

    An entry carries no mark. It belongs to an identity that exists for this ingress alone, so the whole
    entry counts as ours.
    """

    def __init__(self, clients: Clients) -> None:
        self._clients = clients

    async def read(self, resources: Sequence[AccessPolicy], profile: str) -> Reading:
        async def read(resource: AccessPolicy) -> Observed:
            return await self._read(resource, profile)

        return await read_each(resources, read)

    async def _read(self, resource: AccessPolicy, profile: str) -> Observed:
        vault = await get_vault(self._clients, f"reading {resource.address}", resource.vault_id)
        entries = [] if vault is None else vault.properties.access_policies or []
        principal = CaseInsensitive(str(resource.principal_id))
        entry = next((entry for entry in entries if principal == entry.object_id), None)
        return Absent() if entry is None else _policy(resource, entry, profile)

    async def create(self, resource: AccessPolicy, work: Work) -> Present:
        return await self._write(resource, "add", work)

    async def update(
        self, resource: AccessPolicy, observed: Present, fields: Sequence[FieldChange], work: Work
    ) -> Present:
        return await self._write(resource, "add", work)

    async def delete(self, resource: AccessPolicy, observed: Present, work: Work) -> None:
        await self._write(resource, "remove", work)

    async def _write(self, resource: AccessPolicy, kind: str | AccessPolicyUpdateKind, work: Work) -> Present:
        from azure.mgmt.keyvault.models import (
            AccessPolicyEntry,
            Permissions,
            VaultAccessPolicyParameters,
            VaultAccessPolicyProperties,
        )

        doing = f"writing {resource.address}"
        vault = await get_vault(self._clients, doing, resource.vault_id)
        if vault is None:
            raise StalePlanError(doing, "the vault is gone", "Run plan again.")
        entry = AccessPolicyEntry(
            tenant_id=vault.properties.tenant_id,
            object_id=str(resource.principal_id),
            permissions=Permissions(
                secrets=sorted(map(str, resource.secrets)),
                certificates=sorted(map(str, resource.certificates)),
            ),
        )
        arm = ArmId.parse(resource.vault_id)
        with translating(doing):
            await self._clients.vaults(arm.subscription).vaults.update_access_policy(
                arm.group,
                arm.name,
                kind,
                VaultAccessPolicyParameters(properties=VaultAccessPolicyProperties(access_policies=[entry])),
            )
        return _policy(resource, entry, work.mark.profile)


def _policy(resource: AccessPolicy, entry: Any, profile: str) -> Present:
    permissions = entry.permissions
    return Present(
        properties={
            "secrets": _at_least(resource.secrets, permissions.secrets),
            "certificates": _at_least(resource.certificates, permissions.certificates),
        },
        owner=profile,
    )


def _at_least(wanted: frozenset[Value], granted: Sequence[Any] | None) -> frozenset[Value]:
    """What counts of the granted permissions: more than we ask for is no difference."""
    have: frozenset[Value] = frozenset(
        CaseInsensitive(getattr(name, "value", name)) for name in granted or ()
    )
    if CaseInsensitive("all") in have or wanted <= have:
        return wanted
    return have
