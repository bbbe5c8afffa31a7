"""What the service mesh leaves behind when it goes: the definitions of istio.io, with all objects of them.

While they are there, app routing's Gateway API does not start. Source: "Application routing Gateway API
implementation", Microsoft Learn, 2026-06.
"""

from __future__ import annotations

from dataclasses import replace

from provision.errors import ForeignError, ProvisionError
from provision.ingress.desired import cluster_address
from provision.ingress.objects import Objects
from provision.plan.change import Action, Change
from provision.plan.plan import Observation, Plan, known_outputs
from provision.profile.model import Istio, Profile
from provision.resources.graph import ResourceGraph
from provision.resources.managed_cluster import MESH, OFF, ManagedCluster
from provision.resources.manifest import DEFINITION
from provision.resources.mesh import IstioTraces
from provision.resources.observed import Present

_SHOWN = 3


def definitions(profile: Profile, observation: Observation, made: Plan) -> tuple[str, ...]:
    """Names of the definitions that are there once the mesh is gone; none while it stays."""
    cluster = next((each for each in made.changes if each.address == cluster_address(profile)), None)
    if not isinstance(profile.ingress, Istio) or cluster is None:
        return ()
    current = cluster.observed.properties.get(MESH) if isinstance(cluster.observed, Present) else None
    if not _goes(profile, made) and current != OFF[MESH]:
        return ()
    return _traced(profile, observation, "definitions")


def notes(profile: Profile, observation: Observation, made: Plan, *, remove: bool) -> tuple[str, ...]:
    """What stays unless it is to be removed, and whom the mesh's end concerns beside the profile."""
    told = []
    left = definitions(profile, observation, made)
    if left and not remove:
        more = f" and {len(left) - _SHOWN} more" if len(left) > _SHOWN else ""
        told.append(
            f"{len(left)} definitions of istio.io stay ({', '.join(left[:_SHOWN])}{more}), and app"
            " routing's Gateway API does not start beside them: --remove-crds writes them to a file and takes"
            " them away, with all objects of them"
        )
    others = _others(profile, observation) if _goes(profile, made) else ()
    if others:
        told.append(
            f"namespaces {', '.join(others)} have sidecars, which lose their control plane with the mesh"
        )
    return tuple(told)


def _goes(profile: Profile, made: Plan) -> bool:
    return any(
        field.path == MESH and field.after == OFF[MESH]
        for change in made.changes
        if change.address == cluster_address(profile)
        for field in change.fields
    )


def _others(profile: Profile, observation: Observation) -> list[str]:
    """Namespaces with sidecars that the profile does not name."""
    traces = observation.objects.get(f"{IstioTraces.KIND}/{profile.cluster.name}")
    found: object = traces.outputs.get("injected") if isinstance(traces, Present) else None
    if not isinstance(found, dict) or not isinstance(profile.ingress, Istio):
        return []
    names = {str(name) for each in found.values() for name in each}
    return sorted(names - {*profile.ingress.sidecars})


def with_removals(profile: Profile, graph: ResourceGraph, observation: Observation, made: Plan) -> Plan:
    """The plan of a destroy that takes the definitions away too, after the mesh."""
    cluster = graph[cluster_address(profile)]
    left = definitions(profile, observation, made)
    refused = list(_refused(profile, observation, left))
    if not isinstance(cluster, ManagedCluster) or refused or not left:
        return replace(made, refused=(*made.refused, *refused))
    objects = Objects(profile, cluster)
    gone = []
    for name in left:
        resource = objects.make(DEFINITION, name).resolved(known_outputs(observation))
        resource = replace(resource, outlives=resource.after)
        gone.append(Change(resource, Present(), Action.DELETE, reason="left behind by the mesh"))
    return replace(made, changes=(*made.changes, *gone))


def _refused(profile: Profile, observation: Observation, left: tuple[str, ...]) -> list[ProvisionError]:
    doing = f"removing the definitions of istio.io from cluster {profile.cluster.name}"
    planes = _traced(profile, observation, "controlPlanes")
    if planes:
        why = f"another Istio runs there ({', '.join(planes)}), and they are its own"
        return [ForeignError(doing, why, "Leave out --remove-crds.")]
    if not left and isinstance(profile.ingress, Istio) and _traced(profile, observation, "definitions"):
        why = "the mesh stays on: it was there before the profile"
        return [ForeignError(doing, why, "Leave out --remove-crds.")]
    return []


def _traced(profile: Profile, observation: Observation, output: str) -> tuple[str, ...]:
    traces = observation.objects.get(f"{IstioTraces.KIND}/{profile.cluster.name}")
    found: object = traces.outputs.get(output) if isinstance(traces, Present) else None
    return tuple(map(str, found)) if isinstance(found, tuple) else ()
