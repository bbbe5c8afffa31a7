"""Profile → desired resources, by option; and what a destroy gives back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from provision.ingress import app_routing, application_gateway, service_mesh
from provision.ingress.hosts import HostChain
from provision.profile.model import ApplicationGateway, AppRouting, Istio, Profile
from provision.resources.graph import ResourceGraph
from provision.resources.managed_cluster import IRREVERSIBLE, ManagedCluster, released
from provision.resources.observed import Observed, Present
from provision.resources.resource import Resource


def graph(profile: Profile) -> ResourceGraph:
    """Every resource the profile declares."""
    match profile.ingress:
        case AppRouting() as ingress:
            return app_routing.graph(profile, ingress)
        case ApplicationGateway() as ingress:
            return application_gateway.graph(profile, ingress)
        case Istio() as ingress:
            return service_mesh.graph(profile, ingress)


def chains(profile: Profile) -> Mapping[str, HostChain]:
    """What each host's traffic depends on; empty where Kubernetes objects are not ours to reach."""
    match profile.ingress:
        case AppRouting() as ingress:
            return app_routing.chains(profile, ingress)
        case ApplicationGateway() as ingress:
            return application_gateway.chains(profile, ingress)
        case Istio() as ingress:
            return service_mesh.chains(profile, ingress)


def unchecked(profile: Profile) -> tuple[str, ...]:
    """Parts of the profile that the graph leaves out on purpose, and why."""
    if profile.hosts and profile.cluster.access == "none":
        return ("the Kubernetes objects of the hosts, since cluster.access is none",)
    return ()


def cluster_address(profile: Profile) -> str:
    """Address of the profile's cluster in its graph."""
    return f"{ManagedCluster.KIND}/{profile.cluster.name}"


def given_back(graph_: ResourceGraph, profile: Profile, cluster: Observed) -> Resource:
    """The cluster with the settings that were there before us, as our tag on it remembers them."""
    tag = cluster.outputs.get("before") if isinstance(cluster, Present) else None
    current = cluster.properties if isinstance(cluster, Present) else {}
    declared = graph_[cluster_address(profile)]
    if not isinstance(declared, ManagedCluster):
        raise TypeError(f"{declared.address} is no cluster")
    return replace(declared, settings=released(str(tag or ""), current))


def stays(graph_: ResourceGraph, profile: Profile, cluster: Observed) -> tuple[str, ...]:
    """What a destroy leaves behind because AKS can't take it back, in words."""
    if not isinstance(cluster, Present) or cluster.owner != profile.name:
        return ()
    declared = graph_[cluster_address(profile)].properties()
    before = str(cluster.outputs.get("before") or "")
    return tuple(
        f"{path} stays on: AKS can't switch it off again"
        for path in sorted(IRREVERSIBLE)
        if path in declared and "oidc=0" in before.split()
    )
