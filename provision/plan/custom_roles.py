"""The least that the identity which runs `provision` must be allowed: desired graph → custom roles.

Writes are granted at the resource groups of the profile, and what can be read of a whole subscription only is
a role of its own, so that nobody gets to write more than the profile names.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from provision.plan.permission import Operation, Permission, World
from provision.plan.permissions import costs
from provision.plan.plan import wanted
from provision.resources.manifest import Manifest
from provision.resources.resource import Resource

PURPOSES: Mapping[str, frozenset[Operation]] = {
    "plan": frozenset({Operation.READ}),
    "drift": frozenset({Operation.READ, Operation.COMPARE}),
    "verify": frozenset({Operation.READ, Operation.VERIFY}),
    "apply": frozenset({Operation.READ, Operation.CREATE, Operation.UPDATE}),
    "destroy": frozenset({Operation.READ, Operation.UPDATE, Operation.DELETE}),
}
"""What each command does with resources."""


@dataclass(frozen=True, slots=True)
class Need:
    """A permission, and what it is needed for: operation → addresses."""

    permission: Permission
    reasons: Mapping[Operation, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class CustomRole:
    """A role definition and where it is to be assigned. `scopes` are its assignable scopes."""

    name: str
    description: str
    scopes: tuple[str, ...]
    actions: tuple[str, ...]
    data_actions: tuple[str, ...]


def needs(world: World, purposes: Collection[str]) -> list[Need]:
    """Every permission for the given purposes, sorted by scope and action."""
    operations = frozenset[Operation]().union(*(PURPOSES[purpose] for purpose in purposes))
    found: defaultdict[Permission, defaultdict[Operation, list[str]]] = defaultdict(lambda: defaultdict(list))
    for declared in world.graph:
        if not wanted(declared, world.lookup):
            continue
        resource = declared.resolved(world.lookup)
        table = costs(resource, world)
        for operation in operations & _made(resource):
            for permission in table.get(operation, ()):
                found[permission][operation].append(resource.address)
    return [
        Need(permission, {operation: tuple(addresses) for operation, addresses in sorted(reasons.items())})
        for permission, reasons in sorted(found.items())
    ]


def _made(resource: Resource) -> frozenset[Operation]:
    """The operations that a plan may make of a resource: what must exist is never made nor deleted."""
    used = frozenset({Operation.READ, Operation.COMPARE, Operation.VERIFY})
    if isinstance(resource, Manifest) and resource.used:
        return used
    if resource.must_exist():
        return used | {Operation.UPDATE} if resource.SHARED else used
    if resource.stays() or resource.SHARED:
        return frozenset(Operation) - {Operation.DELETE}
    return frozenset(Operation)


def custom_roles(name: str, profile: str, found: Iterable[Need]) -> list[CustomRole]:
    """The roles that have just these permissions, two a subscription at most: one for its resource groups,
    one for the subscription."""
    by_place: defaultdict[tuple[str, bool], list[Permission]] = defaultdict(list)
    for need in found:
        place = role_scope(need.permission.scope)
        by_place[_subscription(place), place.count("/") > 2].append(need.permission)
    several = len({subscription for subscription, _ in by_place}) > 1
    return [
        CustomRole(
            name=_named(name, subscription if several else "", in_groups=in_groups),
            description=_described(profile, in_groups=in_groups),
            scopes=_distinct(role_scope(each.scope) for each in permissions),
            actions=_distinct(each.action for each in permissions if not each.data),
            data_actions=_distinct(each.action for each in permissions if each.data),
        )
        for (subscription, in_groups), permissions in sorted(
            by_place.items(), key=lambda item: (item[0][0], not item[0][1])
        )
    ]


def role_scope(scope: str) -> str:
    """The resource group that a scope is in, or its subscription: what a role is assigned at."""
    return "/".join(scope.split("/")[:5])


def _subscription(scope: str) -> str:
    return scope.split("/")[2].casefold()


def _named(name: str, subscription: str, *, in_groups: bool) -> str:
    where = [*([subscription] if subscription else []), *([] if in_groups else ["subscription"])]
    return f"{name} ({', '.join(where)})" if where else name


def _described(profile: str, *, in_groups: bool) -> str:
    what = "run provision" if in_groups else "find what is left over and read role assignments"
    return f"For the identity that runs provision with profile {profile}: {what}."


def _distinct(texts: Iterable[str]) -> tuple[str, ...]:
    """Sorted, each once, in whatever casing it came first."""
    return tuple(sorted(_once(texts), key=str.casefold))


def _once(texts: Iterable[str]) -> Iterator[str]:
    seen: set[str] = set()
    for text in texts:
        if text.casefold() not in seen:
            seen.add(text.casefold())
            yield str(text)
