"""Revisions of the service mesh add-on: what a region offers, and what a cluster has.

Source: azure-rest-api-specs, Microsoft.ContainerService, `MeshRevisionProfiles_List`, 2026-08-01.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from provision.apply.handler import Reading, Untouched
from provision.providers.azure.clients import Clients
from provision.providers.azure.errors import translating
from provision.providers.azure.reading import found, read_each
from provision.resources.arm import ArmId
from provision.resources.mesh import MeshRevisions as Revisions
from provision.resources.mesh import meant, order
from provision.resources.observed import Observed, Present

_ISTIO = "istio"
_SERVICE = "aks-istio-ingressgateway"


class MeshRevisions(Untouched):
    """Looked at, never changed."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients

    async def read(self, resources: Sequence[Revisions], profile: str) -> Reading:
        return await read_each(resources, self._read)

    async def _read(self, resource: Revisions) -> Observed:
        arm = ArmId.parse(resource.id)
        client = self._clients.containers(arm.subscription).managed_clusters
        doing = f"reading {resource.address}"
        cluster = await found(doing, client.get(arm.group, arm.name))
        if cluster is None:
            return Present()  # that it does not exist is the cluster's to tell
        body = cluster.as_dict()
        with translating(doing):
            profiles = [each async for each in client.list_mesh_revision_profiles(body["location"])]
        offered = [
            revision.as_dict()
            for profile in profiles
            if str(profile.name).casefold() == _ISTIO and profile.properties
            for revision in profile.properties.mesh_revisions or ()
        ]
        return Present(outputs=_outputs(resource, body, offered))


def _outputs(resource: Revisions, cluster: dict[str, Any], offered: list[dict[str, Any]]) -> dict[str, Any]:
    properties = cluster.get("properties") or {}
    kubernetes = str(properties.get("currentKubernetesVersion") or properties.get("kubernetesVersion") or "")
    mesh = properties.get("serviceMeshProfile") or {}
    current = tuple((mesh.get("istio") or {}).get("revisions") or ()) if _is_on(mesh) else ()
    ordered = sorted(offered, key=lambda each: order(each["revision"]))
    compatible = tuple(each["revision"] for each in ordered if _runs_on(each, kubernetes))
    revision = meant(resource.wanted, resource.canary, current, compatible)
    gateways = {
        f"{prefix}{mode.capitalize() if prefix else mode}": f"{_SERVICE}-{mode}-{each}"
        for prefix, each in (("", revision), ("canary", resource.canary))
        for mode in ("external", "internal")
        if each
    }
    planes = {
        f"{prefix}{'ControlPlane' if prefix else 'controlPlane'}": f"istiod-{each}"
        for prefix, each in (("", revision), ("canary", resource.canary))
        if each
    }
    upgrades = [each.get("upgrades") or () for each in ordered if each["revision"] == revision]
    return {
        "revision": revision,
        "offered": tuple(each["revision"] for each in ordered),
        "compatible": compatible,
        "current": current,
        "upgrades": tuple(upgrades[0]) if upgrades else (),
        "location": cluster["location"],
        "kubernetesVersion": kubernetes,
        **gateways,
        **planes,
    }


def _is_on(mesh: dict[str, Any]) -> bool:
    return str(mesh.get("mode")).casefold() == _ISTIO


def _runs_on(revision: dict[str, Any], kubernetes: str) -> bool:
    """Versions are told as `1.31`, under a name for each support plan."""
    minor = ".".join(kubernetes.split(".")[:2])
    sets = revision.get("compatibleWith") or ()
    return any(minor in (each.get("versions") or ()) for each in sets)
