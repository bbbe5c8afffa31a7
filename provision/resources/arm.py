"""Azure Resource Manager ids, built and taken apart."""

from __future__ import annotations

from dataclasses import dataclass

from provision.resources.values import CaseInsensitive


def group_id(subscription: str, group: str) -> CaseInsensitive:
    """Id of a resource group."""
    return CaseInsensitive(f"/subscriptions/{subscription}/resourceGroups/{group}")


def resource_id(subscription: str, group: str, kind: str, *names: str) -> CaseInsensitive:
    """Id of a resource: `kind` is `Provider/type[/subtype…]`, one name for each type."""
    provider, *types = kind.split("/")
    path = "/".join(f"{type_}/{name}" for type_, name in zip(types, names, strict=True))
    return CaseInsensitive(f"{group_id(subscription, group)}/providers/{provider}/{path}")


@dataclass(frozen=True, slots=True)
class ArmId:
    """The parts of a resource id that SDK calls want."""

    subscription: str
    group: str
    names: tuple[str, ...]

    @classmethod
    def parse(cls, id: str) -> ArmId:  # noqa: A002 - Azure's own word
        """Take apart `/subscriptions/S/resourceGroups/G/providers/P/type/name[/type/name…]`."""
        parts = id.strip("/").split("/")
        return cls(parts[1], parts[3], tuple(parts[7::2]))

    @property
    def name(self) -> str:
        return self.names[-1]
