"""What Kubernetes objects cost: a way into the cluster, and data actions where Azure's roles decide inside.

Sources: "Azure permissions for Containers", Microsoft Learn, 2024 to 2026; for custom resources "Use
Microsoft Entra ID authorization for the Kubernetes API in AKS", 2026-04.
"""

from __future__ import annotations

from provision.plan.permission import Costs, Operation, Permission, World, at, data, subscription_of
from provision.resources.helm_release import HelmRelease
from provision.resources.managed_cluster import ManagedCluster
from provision.resources.manifest import (
    APPLICATION_LOAD_BALANCER,
    DEPLOYMENT,
    GATEWAY,
    INGRESS,
    NAMESPACE,
    OWNED,
    SERVICE,
    Api,
    Manifest,
)
from provision.resources.mesh import IstioTraces
from provision.resources.ref import Ref
from provision.resources.service_networking import TRAFFIC_CONTROLLERS

_CLUSTERS = "Microsoft.ContainerService/managedClusters"


def manifest(resource: Manifest, world: World) -> Costs:
    """The way into the cluster, and what is done there where Entra's identities enter it."""
    return {
        Operation.READ: (
            *_way_in(resource, world),
            *_inside(resource, "read", resource.api, *OWNED),
        ),
        Operation.CREATE: _inside(resource, "write", resource.api),
        Operation.UPDATE: _inside(resource, "write", resource.api),
        Operation.DELETE: _inside(resource, "delete", resource.api),
        Operation.COMPARE: _shown(resource, "secrets"),
        Operation.VERIFY: (*_shown(resource, "secrets", "events"), *_outside(resource, world)),
    }


def istio_traces(resource: IstioTraces, world: World) -> Costs:
    """Lists of the whole cluster."""
    looked = _inside(resource, "read", DEPLOYMENT, NAMESPACE)
    return {Operation.READ: (*_way_in(resource, world), *looked)}


def _outside(resource: Manifest, world: World) -> tuple[Permission, ...]:
    """The ALB controller makes a gateway in the resource group that AKS keeps for the cluster."""
    if resource.api != APPLICATION_LOAD_BALANCER:
        return ()
    cluster = next(each for each in world.graph if isinstance(each, ManagedCluster))
    group = world.lookup(Ref(cluster.address, "nodeGroup"))
    where = subscription_of(cluster.id) if isinstance(group, Ref) else str(group)
    kinds = ("", "/frontends", "/associations")
    return at(where, *(f"{TRAFFIC_CONTROLLERS}{kind}/read" for kind in kinds))


def helm_release(resource: HelmRelease, world: World) -> Costs:
    """A chart makes objects of many kinds, roles among them: whoever installs it needs to be an admin
    inside. A release is a Secret."""
    everything = () if resource.entra is False else data(resource.cluster_id, f"{_CLUSTERS}/*")
    return {
        Operation.READ: (*_way_in(resource, world), *_secrets(resource)),
        Operation.CREATE: everything,
        Operation.UPDATE: everything,
        Operation.DELETE: everything,
    }


def _secrets(resource: HelmRelease) -> tuple[Permission, ...]:
    return () if resource.entra is False else data(resource.cluster_id, f"{_CLUSTERS}/secrets/read")


def _way_in(resource: Manifest | HelmRelease | IstioTraces, world: World) -> tuple[Permission, ...]:
    access = resource.access
    if access == "auto":
        private = resource.private
        access = world.access if isinstance(private, Ref) else "run-command" if private else "direct"
    direct = at(resource.cluster_id, f"{_CLUSTERS}/listClusterUserCredential/action")
    through_azure = at(
        resource.cluster_id, f"{_CLUSTERS}/runcommand/action", f"{_CLUSTERS}/commandResults/read"
    )
    return {"direct": direct, "run-command": through_azure}.get(access, (*direct, *through_azure))


def _inside(resource: Manifest | IstioTraces, verb: str, *apis: Api) -> tuple[Permission, ...]:
    if resource.entra is False:
        return ()
    actions = dict.fromkeys(f"{_CLUSTERS}/{_kind(api)}/{verb}" for api in apis)
    return data(resource.cluster_id, *actions)


def _shown(resource: Manifest, *kinds: str) -> tuple[Permission, ...]:
    """What tells of a host's certificate as the cluster has it: its Secret, and events about it."""
    if resource.entra is False or resource.api not in (GATEWAY, INGRESS, SERVICE):
        return ()
    return data(resource.cluster_id, *(f"{_CLUSTERS}/{kind}/read" for kind in kinds))


def _kind(api: Api) -> str:
    """A kind of objects in an action. Azure knows no custom resource by its own name."""
    if api.provided_by:
        return "customresources"
    group, _, _ = api.api_version.rpartition("/")
    return f"{group}/{api.plural}" if group else api.plural
