"""Releases of Helm charts in a cluster."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from provision.resources.ref import Ref
from provision.resources.resource import Resource
from provision.resources.values import CaseInsensitive, Value


@dataclass(frozen=True, slots=True, kw_only=True)
class HelmRelease(Resource):
    """A chart installed in a cluster. `name` is `namespace/release`; `values` are set one by one.

    Whether it is ours is said by the description of its last revision.
    """

    KIND: ClassVar[str] = "helm_release"
    LOOKUP: ClassVar[frozenset[str]] = frozenset({"private", "entra"})

    cluster_id: CaseInsensitive
    private: bool | Ref
    entra: bool | Ref
    access: str
    chart: str
    version: str
    values: Mapping[str, Value] = field(default_factory=dict)

    @property
    def namespace(self) -> str:
        return self.name.partition("/")[0]

    @property
    def release(self) -> str:
        return self.name.partition("/")[2]

    def properties(self) -> Mapping[str, Value]:
        return {"version": self.version, **{f"values.{key}": value for key, value in self.values.items()}}
