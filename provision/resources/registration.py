"""What a subscription must have switched on before a service can be used in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from provision.resources.resource import Resource


@dataclass(frozen=True, slots=True, kw_only=True)
class _Registration(Resource):
    """Made by registering and waiting for it; never taken back, since others may use it too."""

    subscription: str

    def stays(self) -> str:
        return "kept: others in the subscription may need it"


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceProvider(_Registration):
    """A resource provider. `name` is its namespace."""

    KIND: ClassVar[str] = "resource_provider"


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewFeature(_Registration):
    """A preview feature. `name` is `namespace/feature`."""

    KIND: ClassVar[str] = "preview_feature"

    def noun(self) -> str:
        return "preview feature"
