"""Key Vaults (management plane)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from azure.core.exceptions import HttpResponseError

from provision.apply.handler import Reading, Work
from provision.errors import ConflictError, ForeignError, StalePlanError
from provision.plan.change import FieldChange
from provision.plan.diff import diff
from provision.plan.orphans import Orphan
from provision.providers.azure.clients import Clients
from provision.providers.azure.errors import code_of, translating
from provision.providers.azure.reading import DIGEST_TAG, PROFILE_TAG, found, read_each, tags_of
from provision.providers.azure.searching import Tagged
from provision.providers.azure.vault_contents import refuse_if_used, tenant_of
from provision.resources.arm import ArmId
from provision.resources.observed import Absent, Observed, Present
from provision.resources.resource import Resource
from provision.resources.values import CaseInsensitive
from provision.resources.vault import ACCESS_POLICY, KEY_VAULT_TYPE, RBAC, KeyVault

_TAKEN = frozenset({"ConflictError", "VaultAlreadyExists"})
"""A deleted vault holds the name, or any vault in all of Azure. Source: "Azure Key Vault recovery management
with soft delete", Microsoft Learn, 2026-04."""


async def get_vault(clients: Clients, doing: str, vault_id: str) -> Any:
    """The vault as the SDK has it, None when it does not exist."""
    arm = ArmId.parse(vault_id)
    return await found(doing, clients.vaults(arm.subscription).vaults.get(arm.group, arm.name))


class KeyVaults:
    """Vaults: those of others are read, those with `create` are ours to make, change and delete."""

    def __init__(self, clients: Clients, tagged: Tagged | None = None) -> None:
        self._clients = clients
        self._tagged = tagged or Tagged(clients)

    async def read(self, resources: Sequence[KeyVault], profile: str) -> Reading:
        return await read_each(resources, self._read)

    async def _read(self, resource: KeyVault) -> Observed:
        vault = await get_vault(self._clients, f"reading {resource.address}", resource.id)
        return Absent() if vault is None else _vault(vault)

    async def search(self, resources: Sequence[Resource], profile: str) -> Reading:
        """Vaults of ours that are not declared."""

        async def look(id_: str) -> Sequence[Orphan]:
            vault = KeyVault(name=ArmId.parse(id_).name, id=CaseInsensitive(id_), create=True)
            observed = await self._read(vault)
            return [(vault, observed)] if isinstance(observed, Present) and observed.owner == profile else ()

        return await self._tagged.search(KEY_VAULT_TYPE, resources, profile, look)

    async def create(self, resource: KeyVault, work: Work) -> Present:
        """Make the vault. One of ours that was deleted is recovered instead, with everything in it."""
        doing = f"creating {resource.address}"
        with translating(doing):
            try:
                return _vault(await self._make(resource, work))
            except HttpResponseError as error:
                if code_of(error) not in _TAKEN:
                    raise
            recovered = await self._recover(resource, work)
        observed = _vault(recovered)
        fields = diff(resource.properties(), observed.properties)
        beyond = sorted({field.path for field in fields} & resource.FIXED)
        if beyond:
            raise ConflictError(
                doing,
                f"the recovered vault has another {', '.join(beyond)}, which Azure fixed when it was made",
                "Bring the profile in line with it and apply again.",
            )
        return await self.update(resource, observed, fields, work)

    async def _make(self, resource: KeyVault, work: Work) -> Any:
        access = resource.public_network_access
        properties = {
            "tenantId": await tenant_of(self._clients, resource),
            "sku": {"family": "A", "name": resource.sku},
            "enableRbacAuthorization": True,
            "enableSoftDelete": True,
            "softDeleteRetentionInDays": resource.soft_delete_days,
            "enablePurgeProtection": True,
            **({"publicNetworkAccess": access.capitalize()} if access else {}),
        }
        return await self._put(resource, str(resource.location), tags_of(work.mark), properties)

    async def _put(
        self, resource: KeyVault, location: str, tags: Mapping[str, str], properties: Mapping[str, Any]
    ) -> Any:
        """Ends when the vault's name is in DNS: until then it is RegisteringDns, and the SDK polls it."""
        from azure.mgmt.keyvault.models import VaultCreateOrUpdateParameters

        arm = ArmId.parse(resource.id)
        vaults = self._clients.vaults(arm.subscription).vaults
        body = VaultCreateOrUpdateParameters({"location": location, "tags": tags, "properties": properties})
        return await (await vaults.begin_create_or_update(arm.group, arm.name, body)).result()

    async def _recover(self, resource: KeyVault, work: Work) -> Any:
        """Take our own vault back from the deleted ones; somebody else's is named and stays there."""
        deleted = await self._deleted(resource)
        there = deleted.properties
        ours = (there.tags or {}).get(PROFILE_TAG) == work.mark.profile
        if not ours or CaseInsensitive(there.vault_id) != resource.id:
            raise ForeignError(
                f"creating {resource.address}",
                f"a deleted vault that is not ours holds the name: {there.vault_id}, in {there.location}",
                "Choose another name, or recover it and take it over with --adopt:",
                f"az keyvault recover --name {resource.name} --location {there.location}"
                f" --subscription {ArmId.parse(there.vault_id).subscription}",
            )
        work.progress("a deleted vault of ours holds the name, recovering it")
        properties = {
            "tenantId": await tenant_of(self._clients, resource),
            "sku": {"family": "A", "name": resource.sku},
            "createMode": "recover",
        }
        return await self._put(resource, there.location, there.tags, properties)

    async def _deleted(self, resource: KeyVault) -> Any:
        """The deleted vault that holds the name, as far as the subscription knows one."""
        vaults = self._clients.vaults(ArmId.parse(resource.id).subscription).vaults
        async for deleted in vaults.list_deleted():
            if CaseInsensitive(deleted.name) == resource.name:
                return deleted
        raise ConflictError(
            f"creating {resource.address}",
            f"the name {resource.name} is taken by a vault elsewhere: names are unique in all of Azure",
            "Choose another name. If the vault is yours, it is in another resource group, or was deleted in"
            " another subscription, whose deleted vaults this lists:",
            "az keyvault list-deleted --resource-type vault --subscription SUBSCRIPTION",
        )

    async def update(
        self, resource: KeyVault, observed: Present, fields: Sequence[FieldChange], work: Work
    ) -> Present:
        """Only what differs is sent: everything else of the vault stays as it is, other tags too."""
        from azure.mgmt.keyvault.models import VaultPatchParameters

        doing = f"updating {resource.address}"
        vault = await get_vault(self._clients, doing, resource.id)
        if vault is None:
            raise StalePlanError(doing, "the vault is gone", "Run plan again.")
        access = resource.public_network_access
        wanted: dict[str, dict[str, Any]] = {
            "authorization": {"enableRbacAuthorization": True},
            "sku": {"sku": {"family": "A", "name": resource.sku}},
            "purgeProtection": {"enablePurgeProtection": True},
            "publicNetworkAccess": {"publicNetworkAccess": access.capitalize() if access else None},
        }
        properties = {name: value for field in fields for name, value in wanted[field.path].items()}
        body = VaultPatchParameters(
            {"tags": {**(vault.tags or {}), **tags_of(work.mark)}, "properties": properties}
        )
        arm = ArmId.parse(resource.id)
        with translating(doing):
            return _vault(
                await self._clients.vaults(arm.subscription).vaults.update(arm.group, arm.name, body)
            )

    async def delete(self, resource: KeyVault, observed: Present, work: Work) -> None:
        """Soft delete. Refused while the vault holds what is not ours, or what can't be looked at."""
        arm = ArmId.parse(resource.id)
        with translating(f"deleting {resource.address}"):
            await refuse_if_used(self._clients, resource, work.mark.profile)
            await self._clients.vaults(arm.subscription).vaults.delete(arm.group, arm.name)


def _vault(vault: Any) -> Present:
    properties = vault.properties
    tags = vault.tags or {}
    owner = tags.get(PROFILE_TAG)
    system = vault.system_data
    sku, access = properties.sku, properties.public_network_access
    return Present(
        properties={
            "authorization": RBAC if properties.enable_rbac_authorization else ACCESS_POLICY,
            "sku": str(getattr(sku.name, "value", sku.name)).lower() if sku else None,
            "purgeProtection": bool(properties.enable_purge_protection),
            "softDeleteDays": _kept_days(properties),
            "publicNetworkAccess": access.lower() if access else "enabled",
        },
        outputs={
            "id": CaseInsensitive(vault.id or ""),
            "location": vault.location,
            "uri": properties.vault_uri,
            "authorization": RBAC if properties.enable_rbac_authorization else ACCESS_POLICY,
            "owner": owner or "",
        },
        owner=owner,
        digest=tags.get(DIGEST_TAG),
        changed_by=(system.last_modified_by or "") if system else "",
        changed_at=system.last_modified_at.isoformat() if system and system.last_modified_at else "",
    )


def _kept_days(properties: Any) -> int | None:
    """Days for which what is deleted is kept, None where nothing is."""
    if properties.enable_soft_delete is False:
        return None
    return int(properties.soft_delete_retention_in_days or 90)
