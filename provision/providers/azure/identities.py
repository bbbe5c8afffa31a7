"""User-assigned identities, federated credentials and role assignments."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from azure.core.exceptions import HttpResponseError

from provision.apply.handler import Mark, Reading, Work
from provision.apply.together import together
from provision.errors import ConflictError, CredentialError, ProvisionError
from provision.plan.change import FieldChange
from provision.providers.azure.clients import Clients
from provision.providers.azure.errors import code_of, translating
from provision.providers.azure.reading import (
    DIGEST_TAG,
    PROFILE_TAG,
    absent_all,
    found,
    read_each,
    tags_of,
)
from provision.resources.arm import ArmId
from provision.resources.identity import (
    FederatedCredential,
    RoleAssignment,
    UserAssignedIdentity,
    owned_prefix,
)
from provision.resources.observed import Absent, Observed, Present, Unread
from provision.resources.resource import Resource
from provision.resources.values import CaseInsensitive, Value

_REPLICATION_WAITS = (2.0, 4.0, 8.0, 15.0, 30.0, 30.0, 30.0)
"""Seconds between tries while Entra does not know a new identity yet: two minutes in all, as az has it."""

_MANAGEMENT_GROUPS = "/providers/microsoft.management/managementgroups/"


class UserAssignedIdentities:
    """Identities for workloads."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients

    async def read(self, resources: Sequence[UserAssignedIdentity], profile: str) -> Reading:
        return await read_each(resources, self._read)

    async def _read(self, resource: UserAssignedIdentity) -> Observed:
        arm = ArmId.parse(resource.id)
        identities = self._clients.identities(arm.subscription).user_assigned_identities
        identity = await found(f"reading {resource.address}", identities.get(arm.group, arm.name))
        return Absent() if identity is None else _identity(identity)

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
        orphans: list[tuple[Resource, Present]] = []
        for reading in await together(
            self._read_identity(id_, members, profile) for id_, members in by_identity.items()
        ):
            objects.update(reading.objects)
            orphans.extend(reading.orphans)
        return Reading(objects, tuple(orphans))

    async def _read_identity(
        self, identity_id: str, resources: Sequence[FederatedCredential], profile: str
    ) -> Reading:
        name = ArmId.parse(identity_id).name
        try:
            listed = await found(
                f"reading the credentials of identity {name}", self._list(identity_id, profile)
            )
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
        orphans = tuple(
            (_orphan(identity_id, str(credential), present), present)
            for credential, present in listed.items()
            if present.owner == profile and credential.casefold() not in declared
        )
        return Reading(objects, orphans)

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


def _orphan(identity_id: str, name: str, present: Present) -> FederatedCredential:
    return FederatedCredential(
        name=f"{ArmId.parse(identity_id).name}/{name}",
        identity_id=identity_id,
        credential_name=name,
        issuer=present.properties["issuer"],
        subject=str(present.properties["subject"]),
    )


class RoleAssignments:
    """Role assignments, found by what they grant, not by their name: one that az made serves as well."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients

    async def read(self, resources: Sequence[RoleAssignment], profile: str) -> Reading:
        return await read_each(resources, self._read)

    async def _read(self, resource: RoleAssignment) -> Observed:
        doing = f"reading {resource.address}"
        wanted = f"/{resource.role_id}"
        listed = await found(doing, self._list(resource.scope, resource.principal_id))
        fitting = [
            each
            for each in listed or ()
            if str(each.role_definition_id).lower().endswith(wanted)
            and _covers(str(each.scope), resource.scope)
        ]
        # Ours first: an assignment inherited from above must not hide the one that destroy removes.
        fitting.sort(key=lambda each: each.name != resource.assignment_name())
        return _assignment(fitting[0]) if fitting else Absent()

    async def _list(self, scope: str, principal_id: Value) -> list[Any]:
        client = self._clients.authorization(ArmId.parse(scope).subscription)
        listed = client.role_assignments.list_for_scope(scope, filter=f"principalId eq '{principal_id}'")
        return [each async for each in listed]

    async def create(self, resource: RoleAssignment, work: Work) -> Present:
        from azure.mgmt.authorization.v2022_04_01.models import RoleAssignmentCreateParameters

        subscription = ArmId.parse(resource.scope).subscription
        body = RoleAssignmentCreateParameters(
            role_definition_id=f"/subscriptions/{subscription}/providers/Microsoft.Authorization"
            f"/roleDefinitions/{resource.role_id}",
            principal_id=str(resource.principal_id),
            # Without it ARM looks the principal up in Entra, which may not know a new identity yet.
            principal_type="ServicePrincipal",
            description=_description(work.mark),
        )
        client = self._clients.authorization(subscription)
        name = resource.assignment_name()
        with translating(f"creating {resource.address}"):
            for wait in (*_REPLICATION_WAITS, None):
                try:
                    return _assignment(await client.role_assignments.create(resource.scope, name, body))
                except HttpResponseError as error:
                    if code_of(error) != "PrincipalNotFound" or wait is None:
                        raise
                    work.progress(f"Entra does not know the new identity yet, trying again in {wait:g} s")
                await self._clients.sleep(wait)
        raise AssertionError("the last try returns or raises")

    async def update(
        self, resource: RoleAssignment, observed: Present, fields: Sequence[FieldChange], work: Work
    ) -> Present:
        raise ConflictError(
            f"updating {resource.address}", "a role assignment can't be changed, only replaced"
        )

    async def delete(self, resource: RoleAssignment, observed: Present, work: Work) -> None:
        client = self._clients.authorization(ArmId.parse(resource.scope).subscription)
        with translating(f"deleting {resource.address}"):
            await client.role_assignments.delete_by_id(str(observed.outputs["id"]))


def _covers(assigned: str, scope: str) -> bool:
    """Whether an assignment's scope is the given one or one above it.

    The service lists for a scope what is at, below and above it, so a management group that it names is
    above. Source: the filter of `list_for_scope`, azure-mgmt-authorization 4.0.
    """
    if assigned.casefold().startswith(_MANAGEMENT_GROUPS):
        return True
    return f"{scope}/".casefold().startswith(f"{assigned.rstrip('/')}/".casefold())


def _description(mark: Mark) -> str:
    return f"{PROFILE_TAG}={mark.profile} {DIGEST_TAG}={mark.digest}"


def _assignment(assignment: Any) -> Present:
    marks = dict(part.split("=", 1) for part in str(assignment.description or "").split() if "=" in part)
    return Present(
        outputs={"id": str(assignment.id)},
        owner=marks.get(PROFILE_TAG),
        digest=marks.get(DIGEST_TAG),
        changed_by=str(assignment.updated_by or ""),
    )
