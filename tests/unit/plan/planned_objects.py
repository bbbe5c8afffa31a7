"""Kubernetes objects as the planner's tests need them."""

from __future__ import annotations

from provision.resources.manifest import Api, Manifest
from provision.resources.values import CaseInsensitive, Value


def manifest(
    api: Api, name: str, spec: Value = None, after: tuple[str, ...] = (), namespace: str = "n"
) -> Manifest:
    """An object of a cluster that is reached directly."""
    return Manifest(
        name=f"{api.name}/{namespace}/{name}",
        api=api,
        cluster_id=CaseInsensitive("/c"),
        private=False,
        entra=False,
        access="direct",
        object_name=name,
        namespace=namespace,
        body={"spec": spec} if spec else {},
        after=after,
    )
