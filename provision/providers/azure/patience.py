"""A right that was given a moment ago: what was refused is tried again until it is effective.

Azure takes up to ten minutes to make a role assignment effective, AKS and Key Vault have caches of their own,
and whether it is can't be asked. So a refusal counts as "not yet" when the caller was given a role with that
right there lately, whether by this run or by a person a minute before it. Without one it is a refusal.

That an assignment for *another* identity is effective nobody but that identity sees. What depends on it waits
for what the identity then does, as long as Azure may take: a Gateway for its certificate, a host for its
record (`Clients.assigned_roles`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Any

from provision.apply.handler import Handler, Reading, Searching, Work
from provision.errors import AccessDeniedError, ProvisionError
from provision.plan.change import FieldChange
from provision.providers.azure.clients import EFFECTIVE, Clients
from provision.providers.azure.errors import translating
from provision.providers.azure.role_assignments import covering
from provision.resources.observed import Present
from provision.resources.resource import Resource

_USUALLY = 120.0
"""Seconds to wait for a role that can't be read, and may not have the right at all."""
_WAITS = (2.0, 4.0, 8.0, 15.0)
_LONGEST_WAIT = 30.0


@dataclass(frozen=True, slots=True)
class Fresh:
    """A role that the caller was given a moment ago where it was refused: how many seconds ago, and for how
    many from then on it is worth waiting."""

    role: str
    age: float
    limit: float


class Patient:
    """A handler whose changes are tried again while the caller's rights may not be effective yet."""

    def __init__(self, handler: Handler, clients: Clients) -> None:
        self._handler = handler
        self._clients = clients

    async def read(self, resources: Sequence[Any], profile: str) -> Reading:
        """Nothing is waited for: a plan must not be held up."""
        return await self._handler.read(resources, profile)

    async def create(self, resource: Any, work: Work) -> Present:
        return await self._granted(lambda: self._handler.create(resource, work), resource, work)

    async def update(
        self, resource: Any, observed: Present, fields: Sequence[FieldChange], work: Work
    ) -> Present:
        return await self._granted(
            lambda: self._handler.update(resource, observed, fields, work), resource, work
        )

    async def delete(self, resource: Any, observed: Present, work: Work) -> None:
        async def delete() -> Present:
            await self._handler.delete(resource, observed, work)
            return observed

        await self._granted(delete, resource, work)

    async def _granted(
        self, act: Callable[[], Awaitable[Present]], resource: Resource, work: Work
    ) -> Present:
        waited = 0.0
        waits = iter(_WAITS)
        fresh: Fresh | None = None
        while True:
            try:
                return await act()
            except AccessDeniedError as error:
                scope = error.scope or str(getattr(resource, "cluster_id", ""))
                fresh = fresh or await newest(self._clients, scope, error.principal, error.action)
                if fresh is None or fresh.age + waited > fresh.limit:
                    raise
                wait = next(waits, _LONGEST_WAIT)
                work.progress(
                    f"not allowed to do {error.action} yet: the caller was given {fresh.role}"
                    f" {fresh.age + waited:.0f} s ago, and that takes up to {fresh.limit:.0f} s;"
                    f" trying again in {wait:g} s"
                )
            await self._clients.sleep(wait)
            waited += wait


class PatientSearching(Patient):
    """The same for a handler that looks for what is left over."""

    def __init__(self, handler: Handler, searching: Searching, clients: Clients) -> None:
        super().__init__(handler, clients)
        self._searching = searching

    async def search(self, resources: Sequence[Resource], profile: str) -> Reading:
        return await self._searching.search(resources, profile)


def patient(handler: Handler, clients: Clients) -> Handler:
    """The handler, made patient."""
    if isinstance(handler, Searching):
        return PatientSearching(handler, handler, clients)
    return Patient(handler, clients)


async def newest(clients: Clients, scope: str, principal: str, action: str) -> Fresh | None:
    """The newest role that a principal was given at a scope or above it within the last ten minutes and that
    has an action, as far as the caller may see what it has.

    None also where the caller may not see role assignments: then nothing speaks for waiting.
    """
    if not scope.startswith("/subscriptions/") or not principal:
        return None
    try:
        listed = await covering(clients, scope, principal)
    except ProvisionError:
        return None
    now = datetime.now(UTC)
    fresh = [
        each for each in listed if each.created_on and (now - each.created_on).total_seconds() < EFFECTIVE
    ]
    for each in sorted(fresh, key=lambda each: each.created_on, reverse=True):
        age = max(0.0, (now - each.created_on).total_seconds())
        role = await _definition(clients, str(each.role_definition_id))
        if role is None:
            return Fresh(f"a role at {each.scope}", age, _USUALLY)
        if _has(role, action):
            return Fresh(f"role {role.role_name} at {each.scope}", age, EFFECTIVE)
    return None


async def _definition(clients: Clients, id_: str) -> Any:
    """A role definition, None where the caller may not read it."""
    client = clients.authorization(id_.split("/")[2])
    try:
        with translating(f"reading role {id_}"):
            return await client.role_definitions.get_by_id(id_)
    except ProvisionError:
        return None


def _has(role: Any, action: str) -> bool:
    return any(
        _matches(action, each.actions, each.data_actions)
        and not _matches(action, each.not_actions, each.not_data_actions)
        for each in role.permissions or ()
    )


def _matches(action: str, *patterns: Iterable[str] | None) -> bool:
    return any(
        fnmatchcase(action.casefold(), pattern.casefold()) for each in patterns for pattern in each or ()
    )
