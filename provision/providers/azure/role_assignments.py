"""Role assignments."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from azure.core.exceptions import HttpResponseError

from provision.apply.handler import Mark, Reading, Work
from provision.apply.together import together
from provision.errors import AccessDeniedError, ConflictError
from provision.ingress.roles import INGRESS_ROLES
from provision.plan.change import FieldChange
from provision.plan.orphans import Orphan
from provision.providers.azure.clients import Clients
from provision.providers.azure.errors import code_of, translating
from provision.providers.azure.reading import DIGEST_TAG, PROFILE_TAG, found, read_each
from provision.providers.azure.searching import Once, look_in_each, subscriptions
from provision.resources.arm import ArmId
from provision.resources.identity import RoleAssignment
from provision.resources.observed import Absent, Observed, Present
from provision.resources.ref import Ref
from provision.resources.resource import Resource
from provision.resources.values import CaseInsensitive
from provision.resources.vault import AccessPolicy

_REPLICATION_WAITS = (2.0, 4.0, 8.0, 15.0, 30.0, 30.0, 30.0)
"""Seconds between tries while Entra does not know a new identity yet: two minutes in all, as az has it."""

_MANAGEMENT_GROUPS = "/providers/microsoft.management/managementgroups/"


class RoleAssignments:
    """Role assignments, found by what they grant, not by their name: one that az made serves as well."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients
        self._listed = Once(self._in_subscription)

    async def read(self, resources: Sequence[RoleAssignment], profile: str) -> Reading:
        return await read_each(resources, self._read)

    async def _read(self, resource: RoleAssignment) -> Observed:
        wanted = f"/{resource.role_id}"
        fitting = [
            each
            for each in await self._candidates(resource)
            if str(each.role_definition_id).lower().endswith(wanted)
            and _covers(str(each.scope), str(resource.scope))
        ]
        # Ours first: an assignment inherited from above must not hide the one that destroy removes.
        fitting.sort(key=lambda each: each.name != resource.assignment_name())
        return _assignment(fitting[0]) if fitting else Absent()

    async def _candidates(self, resource: RoleAssignment) -> Sequence[Any]:
        """What the principal has in the subscription, by one call for all resources; where the caller may
        not see that much, what it has at the scope."""
        principal = str(resource.principal_id)
        try:
            return await self._listed((ArmId.parse(str(resource.scope)).subscription.casefold(), principal))
        except AccessDeniedError:
            listed = assignments(self._clients, str(resource.scope), principal)
            return await found(f"reading {resource.address}", listed) or ()

    async def _in_subscription(self, key: tuple[str, str]) -> Sequence[Any]:
        subscription, principal = key
        doing = f"reading the roles of {principal} in subscription {subscription}"
        listed = assignments(self._clients, f"/subscriptions/{subscription}", principal)
        return await found(doing, listed) or ()

    async def search(self, resources: Sequence[Resource], profile: str) -> Reading:
        """Look for roles of ours that are not declared, of those to whom the profile grants anything."""
        granted = [each for each in resources if isinstance(each, RoleAssignment | AccessPolicy)]
        names = frozenset(each.assignment_name() for each in granted if isinstance(each, RoleAssignment))
        grantees = {
            str(each.principal_id): each.name.rsplit("/", 1)[-1]
            for each in granted
            if each.managed and not isinstance(each.principal_id, Ref)
        }

        async def look(subscription: str) -> list[Orphan]:
            listed = await together(self._listed((subscription, principal)) for principal in grantees)
            return [
                orphan
                for who, each in zip(grantees.values(), listed, strict=True)
                for orphan in marked_assignments(each, profile, who, names)
            ]

        return await look_in_each(subscriptions(resources) if grantees else {}, look)

    async def create(self, resource: RoleAssignment, work: Work) -> Present:
        from azure.mgmt.authorization.v2022_04_01.models import RoleAssignmentCreateParameters

        subscription = ArmId.parse(str(resource.scope)).subscription
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
        self._listed.forget()
        with translating(f"creating {resource.address}"):
            for wait in (*_REPLICATION_WAITS, None):
                try:
                    made = _assignment(await client.role_assignments.create(str(resource.scope), name, body))
                    self._clients.assigned_roles = True
                    return made
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
        client = self._clients.authorization(ArmId.parse(str(resource.scope)).subscription)
        self._listed.forget()
        with translating(f"deleting {resource.address}"):
            await client.role_assignments.delete_by_id(str(observed.outputs["id"]))


async def assignments(clients: Clients, scope: str, principal_id: str) -> list[Any]:
    """What a principal has at a scope, above it and below it, as the SDK has it."""
    client = clients.authorization(scope.split("/")[2])
    listed = client.role_assignments.list_for_scope(scope, filter=f"principalId eq '{principal_id}'")
    return [each async for each in listed]


async def covering(clients: Clients, scope: str, principal_id: str) -> list[Any]:
    """What a principal has at a scope and above it, through groups too. Raises ProvisionError."""
    client = clients.authorization(scope.split("/")[2])
    with translating(f"reading the roles of {principal_id} at {scope}"):
        listed = client.role_assignments.list_for_scope(scope, filter=f"assignedTo('{principal_id}')")
        return [each async for each in listed if _covers(str(each.scope), scope)]


def marked_assignments(
    listed: Iterable[Any], profile: str, who: str, declared: Collection[str] = ()
) -> list[Orphan]:
    """Those of ours whose names are not declared. `who` is the principal's name in addresses."""
    found = ((each, _assignment(each)) for each in listed if each.name not in declared)
    return [(_undeclared(each, who), present) for each, present in found if present.owner == profile]


def _undeclared(assignment: Any, who: str) -> RoleAssignment:
    role_id = str(assignment.role_definition_id).rsplit("/", 1)[-1].lower()
    role_name = INGRESS_ROLES[role_id].name if role_id in INGRESS_ROLES else role_id
    scope = CaseInsensitive(assignment.scope)
    return RoleAssignment(
        name=f"{scope.rsplit('/', 1)[-1]}/{role_name.lower().replace(' ', '-')}/{who}",
        scope=scope,
        role_id=role_id,
        role_name=role_name,
        principal_id=str(assignment.principal_id),
    )


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
