"""What the cluster itself must be like, checked on what was read and before anything is written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from provision.errors import ProvisionError
from provision.ingress import gateway_checks, mesh_checks
from provision.ingress.catalog import gateway_api_bundle, has_tls_route, network_plugins
from provision.ingress.desired import cluster_address
from provision.ingress.zones import written_elsewhere
from provision.plan.plan import Observation
from provision.profile.model import ApplicationGateway, AppRouting, Istio, Profile
from provision.resources.managed_cluster import ZONES
from provision.resources.manifest import RIVALS
from provision.resources.mesh import IstioTraces
from provision.resources.observed import Present, Unread


def problems(profile: Profile, observation: Observation) -> list[ProvisionError]:
    """Every reason why the cluster can't have what the profile asks for. Empty when it could not be read:
    the plan reports that by itself."""
    cluster = observation.objects[cluster_address(profile)]
    if not isinstance(cluster, Present):
        return []
    found = [*_identity(profile, cluster), *_network(profile, cluster)]
    if isinstance(profile.ingress, AppRouting) and profile.ingress.implementation == "gateway-api":
        found += [*_gateway_api(profile, observation, cluster), *_attached_zones(profile, cluster)]
        found += _rivals(profile, observation)
    if isinstance(profile.ingress, ApplicationGateway):
        found += [*_bundle(profile, cluster), *gateway_checks.problems(profile, observation, cluster)]
    if isinstance(profile.ingress, Istio):
        gateway_api = profile.ingress.api == "gateway-api"
        found += [*(_bundle(profile, cluster) if gateway_api else ())]
        found += [*mesh_checks.problems(profile, observation, cluster)]
        if profile.ingress.operator == "app-routing":
            found += [*_attached_zones(profile, cluster), *_rivals(profile, observation)]
    return found


def unchecked(profile: Profile, observation: Observation) -> tuple[str, ...]:
    """What could not be looked for in the cluster, and why."""
    return mesh_checks.unchecked(profile, observation) if isinstance(profile.ingress, Istio) else ()


def warnings(profile: Profile, observation: Observation) -> list[str]:
    """What is allowed but deserves a look."""
    cluster = observation.objects[cluster_address(profile)]
    if not isinstance(cluster, Present):
        return []
    return [
        *gateway_checks.warnings(profile, observation, cluster),
        *mesh_checks.warnings(profile, observation),
    ]


def _doing(profile: Profile) -> str:
    return f"checking cluster {profile.cluster.name}"


def _named(profile: Profile) -> str:
    return f"--resource-group {profile.cluster.resource_group} --name {profile.cluster.name}"


def _identity(profile: Profile, cluster: Present) -> Iterator[ProvisionError]:
    kind = str(cluster.outputs.get("identityType") or "None")
    if "Assigned" not in kind:
        yield ProvisionError(
            _doing(profile),
            "it has no managed identity (it runs with a service principal), and the add-on needs one",
            "Give the cluster a managed identity:",
            f"az aks update {_named(profile)} --enable-managed-identity",
        )


def _network(profile: Profile, cluster: Present) -> Iterator[ProvisionError]:
    plugin = str(cluster.outputs.get("networkPlugin") or "")
    supported = network_plugins(profile.ingress.option)
    if plugin and supported is not None and plugin not in supported:
        yield ProvisionError(
            _doing(profile),
            f"its network plugin is {plugin}; {profile.ingress.option} runs on {', '.join(supported)} only",
            "Move the cluster to Azure CNI Overlay:",
            f"az aks update {_named(profile)} --network-plugin azure --network-plugin-mode overlay",
        )


def _gateway_api(profile: Profile, observation: Observation, cluster: Present) -> Iterator[ProvisionError]:
    if str(cluster.outputs.get("meshMode") or "").casefold() == "istio":
        yield ProvisionError(
            _doing(profile),
            "the Istio service mesh add-on is on, and it excludes app routing with Gateway API",
            "Choose option istio-service-mesh, or disable the mesh first, in an operation of its own:",
            f"az aks mesh disable {_named(profile)}",
        )
    else:
        yield from _left_behind(profile, observation)
    yield from _bundle(profile, cluster)
    version = str(cluster.outputs.get("kubernetesVersion") or "")
    if version and gateway_api_bundle(version) is not None and not has_tls_route(version):
        for name, host in profile.hosts.items():
            if host.tls == "passthrough":
                yield ProvisionError(
                    _doing(profile),
                    f"it runs Kubernetes {version}, whose Gateway API has no TLSRoute, and host {name} passes"
                    " TLS through",
                    "Let the gateway terminate TLS of that host, or upgrade the cluster to 1.36 or later:",
                    f"az aks upgrade {_named(profile)} --kubernetes-version VERSION",
                )


def _left_behind(profile: Profile, observation: Observation) -> Iterator[ProvisionError]:
    """Source: "Application routing add-on with Gateway API", limitations, Microsoft Learn, 2026-06."""
    traces = observation.objects.get(f"{IstioTraces.KIND}/{profile.cluster.name}")
    left = traces.outputs.get("definitions") if isinstance(traces, Present) else None
    if isinstance(left, tuple) and left:
        names = [str(each) for each in left]
        yield ProvisionError(
            _doing(profile),
            f"there are {len(names)} definitions of istio.io ({names[0]}, …), such as the mesh leaves behind,"
            " and app routing's Gateway API does not start beside them",
            "Take them away, and every object of theirs with them: by provision destroy --remove-crds with"
            " the profile of the mesh, which exports them first, or by hand:",
            f"kubectl delete crd {' '.join(names)}",
        )


def _bundle(profile: Profile, cluster: Present) -> Iterator[ProvisionError]:
    version = str(cluster.outputs.get("kubernetesVersion") or "")
    if version and gateway_api_bundle(version) is None:
        yield ProvisionError(
            _doing(profile),
            f"it runs Kubernetes {version}, and the managed Gateway API needs 1.26 or later",
            "Upgrade the cluster first:",
            f"az aks upgrade {_named(profile)} --kubernetes-version VERSION",
        )


def _attached_zones(profile: Profile, cluster: Present) -> Iterator[ProvisionError]:
    """Where somebody else attached zones that may not be; those that we attached the plan detaches."""
    attached = cluster.properties.get(ZONES)
    if not isinstance(attached, frozenset) or cluster.owner == profile.name:
        return
    if shared := sorted(map(str, attached & written_elsewhere(profile))):
        names = ", ".join(zone.rsplit("/", 1)[-1] for zone in shared)
        yield ProvisionError(
            _doing(profile),
            f"zones are attached to its NGINX controller, which would remove the hosts' records: {names}",
            "Detach them first (hosts behind NGINX keep the records that they have):",
            f"az aks approuting zone delete {_named(profile)} --ids {','.join(shared)}",
        )


def _rivals(profile: Profile, observation: Observation) -> Iterator[ProvisionError]:
    """A ClusterExternalDNS of others for our zones has the owner id of ours, too."""
    for observed in observation.objects.values():
        rivals = None if isinstance(observed, Unread) else observed.outputs.get(RIVALS)
        for name, zones in rivals.items() if isinstance(rivals, Mapping) else ():
            names = ", ".join(map(str, zones)) if isinstance(zones, tuple) else str(zones)
            yield ProvisionError(
                _doing(profile),
                f"ClusterExternalDNS {name}, which is not this profile's, writes {names} too, and would"
                " remove the hosts' records, as ours would remove its own",
                "Take these zones out of it, or delete it; of the records that it wrote there only those of"
                " the profile's hosts stay:",
                f"kubectl delete clusterexternaldns {name}",
            )
