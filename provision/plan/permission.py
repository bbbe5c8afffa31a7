"""A permission, and what a kind's permissions depend on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from provision.resources.arm import ArmId, group_id
from provision.resources.graph import ResourceGraph
from provision.resources.ref import Lookup


class Operation(StrEnum):
    """What is done with a resource. READ looks for what is left over of its kind too."""

    READ = "read"
    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    COMPARE = "compare"
    """Looked at by a drift check beyond what a plan reads."""
    VERIFY = "verify"


@dataclass(frozen=True, slots=True, order=True)
class Permission:
    """An action at a scope (an ARM id). `data` actions are about what is in a vault or a cluster."""

    scope: str
    action: str
    data: bool = False


@dataclass(frozen=True, slots=True)
class World:
    """What a kind's permissions depend on besides the resource itself.

    `access` is the way into a cluster when the profile leaves it open: `direct`, `run-command`, or empty when
    either may be gone. `registered` are addresses of registrations that the subscription has already.
    """

    graph: ResourceGraph
    lookup: Lookup
    access: str = ""
    registered: frozenset[str] = frozenset()


Costs = Mapping[Operation, tuple[Permission, ...]]


def tagged(id_: str) -> tuple[Permission, ...]:
    """What is ours and no longer declared is found by its tags, in the whole subscription."""
    return at(subscription_of(id_), "Microsoft.Resources/subscriptions/resources/read")


def group_of(id_: str) -> str:
    arm = ArmId.parse(id_)
    return group_id(arm.subscription, arm.group)


def subscription_of(id_: str) -> str:
    return f"/subscriptions/{id_.strip('/').split('/')[1]}"


def at(scope: str, *actions: str) -> tuple[Permission, ...]:
    # An id compares without case and hashes so: as plain text it is one with others.
    return tuple(Permission(str(scope), action) for action in actions)


def data(scope: str, *actions: str) -> tuple[Permission, ...]:
    return tuple(Permission(str(scope), action, data=True) for action in actions)
