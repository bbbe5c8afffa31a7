"""User-assigned identities and their federated credentials."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from provision.apply.handler import Reading, Work
from provision.apply.together import together
from provision.errors import ConflictError, CredentialError, ProvisionError
from provision.plan.change import FieldChange
from provision.plan.orphans import Orphan
from provision.providers.azure.clients import Clients
from provision.providers.azure.errors import translating
from provision.providers.azure.reading import (
    DIGEST_TAG,
    PROFILE_TAG,
    absent_all,
    found,
    read_each,
    tags_of,
)
from provision.providers.azure.role_assignments import assignments, marked_assignments
from provision.providers.azure.searching import Tagged, look_in_each, marked, subscriptions
from provision.resources.arm import ArmId
from provision.resources.identity import FederatedCredential, UserAssignedIdentity, owned_prefix
from provision.resources.observed import Absent, Observed, Present, Unread
from provision.resources.resource import Resource
from provision.resources.values import CaseInsensitive


class UserAssignedIdentities:
    """Identities for workloads."""

    def __init__(self, clients: Clients, tagged: Tagged | None = None) -> None:
        self._clients = clients
        self._tagged = tagged or Tagged(clients)

    async def read(self, resources: Sequence[UserAssignedIdentity], profile: str) -> Reading:
        return await read_each(resources, self._read)

    async def _read(self, resource: UserAssignedIdentity) -> Observed:
        arm = ArmId.parse(resource.id)
        identities = self._clients.identities(arm.subscription).user_assigned_identities
        identity = await found(f"reading {resource.address}", identities.get(arm.group, arm.name))
        return Absent() if identity is None else _identity(identity)

    async def search(self, resources: Sequence[Resource], profile: str) -> Reading:
        """Identities of ours that are not declared, and the role assignments we gave them.

        Their federated credentials go with them. A role assignment would stay, and name nobody.
        """

        async def look(id_: str) -> Sequence[Orphan]:
            identity = UserAssignedIdentity(
                name=ArmId.parse(id_).name, id=CaseInsensitive(id_), location=None
            )
            observed = await self._read(identity)
            if not marked(observed, identity, profile):
                return ()
            principal = str(observed.outputs["principalId"])
            listed = await together(
                self._assignments(each, principal) for each in subscriptions(resources).values()
            )
            granted = [
                orphan for each in listed for orphan in marked_assignments(each, profile, identity.name)
            ]
            return (identity, observed), *granted

        kind = "Microsoft.ManagedIdentity/userAssignedIdentities"
        return await self._tagged.search(kind, resources, profile, look)

    async def _assignments(self, subscription: str, principal: str) -> Sequence[Any]:
        doing = f"reading the roles of {principal} in subscription {subscription}"
        return (
            await found(doing, assignments(self._clients, f"/subscriptions/{subscription}", principal)) or ()
        )

    async def create(self, resource: UserAssignedIdentity, work: Work) -> Present:
        from azure.mgmt.msi.v2024_11_30.models import Identity

        arm = ArmId.parse(resource.id)
        identities = self._clients.identities(arm.subscription).user_assigned_identities
        body = Identity(location=str(resource.location), tags=tags_of(work.mark))
        with translating(f"creating {resource.address}"):
            return _identity(await identities.create_or_update(arm.group, arm.name, body))

    async def update(
        self, resource: UserAssignedIdentity, observed: Present, fields: Sequence[FieldChange], work: Work
    ) -> Present:
        raise ConflictError(
            f"updating {resource.address}", "an identity has no property that provision changes"
        )

    async def delete(self, resource: UserAssignedIdentity, observed: Present, work: Work) -> None:
        arm = ArmId.parse(resource.id)
        identities = self._clients.identities(arm.subscription).user_assigned_identities
        with translating(f"deleting {resource.address}"):
            await identities.delete(arm.group, arm.name)


def _identity(identity: Any) -> Present:
    tags = identity.tags or {}
    return Present(
        outputs={
            "id": CaseInsensitive(identity.id or ""),
            "clientId": identity.client_id,
            "principalId": identity.principal_id,
            "tenantId": identity.tenant_id,
        },
        owner=tags.get(PROFILE_TAG),
        digest=tags.get(DIGEST_TAG),
    )


class FederatedCredentials:
    """Federated credentials; one list call an identity, one write at a time to each.

    The service refuses concurrent writes to one identity. Source: "Important considerations and
    restrictions for federated identity credentials", Microsoft Learn, 2026-03.
    """

    def __init__(self, clients: Clients) -> None:
        self._clients = clients
        self._writing: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def read(self, resources: Sequence[FederatedCredential], profile: str) -> Reading:
        by_identity: defaultdict[str, list[FederatedCredential]] = defaultdict(list)
        for resource in resources:
            by_identity[resource.identity_id].append(resource)
        objects: dict[str, Observed] = {}
        orphans: list[Orphan] = []
        for reading in await together(
            self._read_identity(id_, members, profile) for id_, members in by_identity.items()
        ):
            objects.update(reading.objects)
            orphans.extend(reading.orphans)
        return Reading(objects, tuple(orphans))

    async def search(self, resources: Sequence[Resource], profile: str) -> Reading:
        """Look at the identities for which no credential is declared."""
        read = {each.identity_id.casefold() for each in resources if isinstance(each, FederatedCredential)}
        unread = {
            each.address: each
            for each in resources
            if isinstance(each, UserAssignedIdentity) and each.id.casefold() not in read
        }

        async def look(identity: UserAssignedIdentity) -> Sequence[Orphan]:
            listed = await self._listed(identity.id, profile)
            return _orphans(identity.id, listed or {}, profile)

        return await look_in_each(unread, look)

    async def _read_identity(
        self, identity_id: str, resources: Sequence[FederatedCredential], profile: str
    ) -> Reading:
        try:
            listed = await self._listed(identity_id, profile)
        except CredentialError:
            raise
        except ProvisionError as error:
            return Reading({resource.address: Unread(error) for resource in resources})
        if listed is None:
            return Reading(absent_all(resources))
        declared = {resource.credential_name.casefold() for resource in resources}
        objects: dict[str, Observed] = {
            resource.address: listed.get(CaseInsensitive(resource.credential_name), Absent())
            for resource in resources
        }
        undeclared = {name: each for name, each in listed.items() if name.casefold() not in declared}
        return Reading(objects, _orphans(identity_id, undeclared, profile))

    async def _listed(self, identity_id: str, profile: str) -> Mapping[CaseInsensitive, Present] | None:
        doing = f"reading the credentials of identity {ArmId.parse(identity_id).name}"
        return await found(doing, self._list(identity_id, profile))

    async def _list(self, identity_id: str, profile: str) -> Mapping[CaseInsensitive, Present]:
        arm = ArmId.parse(identity_id)
        credentials = self._clients.identities(arm.subscription).federated_identity_credentials
        listed = credentials.list(arm.group, arm.name)
        return {CaseInsensitive(each.name or ""): _credential(each, profile) async for each in listed}

    async def create(self, resource: FederatedCredential, work: Work) -> Present:
        from azure.mgmt.msi.v2024_11_30.models import FederatedIdentityCredential

        arm = ArmId.parse(resource.identity_id)
        credentials = self._clients.identities(arm.subscription).federated_identity_credentials
        body = FederatedIdentityCredential(
            issuer=str(resource.issuer), subject=resource.subject, audiences=[resource.audience]
        )
        async with self._writing[resource.identity_id.casefold()]:
            with translating(f"writing {resource.address}"):
                made = await credentials.create_or_update(arm.group, arm.name, resource.credential_name, body)
        return _credential(made, work.mark.profile)

    async def update(
        self, resource: FederatedCredential, observed: Present, fields: Sequence[FieldChange], work: Work
    ) -> Present:
        return await self.create(resource, work)

    async def delete(self, resource: FederatedCredential, observed: Present, work: Work) -> None:
        arm = ArmId.parse(resource.identity_id)
        credentials = self._clients.identities(arm.subscription).federated_identity_credentials
        async with self._writing[resource.identity_id.casefold()]:
            with translating(f"deleting {resource.address}"):
                await credentials.delete(arm.group, arm.name, resource.credential_name)


def _credential(credential: Any, profile: str) -> Present:
    ours = str(credential.name).startswith(owned_prefix(profile))
    return Present(
        properties={
            "issuer": credential.issuer,
            "subject": credential.subject,
            "audiences": frozenset(credential.audiences or ()),
        },
        owner=profile if ours else None,
    )


def _orphans(
    identity_id: str, undeclared: Mapping[CaseInsensitive, Present], profile: str
) -> tuple[Orphan, ...]:
    return tuple(
        (_orphan(identity_id, str(name), present), present)
        for name, present in undeclared.items()
        if present.owner == profile
    )


def _orphan(identity_id: str, name: str, present: Present) -> FederatedCredential:
    return FederatedCredential(
        name=f"{ArmId.parse(identity_id).name}/{name}",
        identity_id=identity_id,
        credential_name=name,
        issuer=present.properties["issuer"],
        subject=str(present.properties["subject"]),
    )
