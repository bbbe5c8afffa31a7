"""What cluster and region must be like for the service mesh, checked on what was read and before anything is
written; and how far an upgrade is.

AKS takes an upgrade in stages: a second revision beside the first, namespaces and Gateways from one to the
other, and then one of the two goes. A profile says with `canary` which stage it means, and each is a plan of
its own. Source: "Upgrade Istio-based service mesh add-on", Microsoft Learn, 2026-08.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from provision.errors import ProvisionError
from provision.ingress.catalog import has_tls_route
from provision.plan.plan import Observation
from provision.profile.model import Canary, Istio, Profile
from provision.resources.managed_cluster import APP_ROUTING_ISTIO, MESH_AUTHORITY, MESH_REVISIONS
from provision.resources.mesh import LATEST, IstioTraces, MeshRevisions, order
from provision.resources.observed import Present

_TLS_ROUTE_SINCE = (1, 30)
"""Source: Istio 1.30, "Support status of the Gateway API": TLSRoute."""
_GATEWAY_API_SINCE = (1, 26)
"""Source: "Configure Istio ingress with the Kubernetes Gateway API", Microsoft Learn, 2026-06."""


def problems(profile: Profile, observation: Observation, cluster: Present) -> Iterator[ProvisionError]:
    """Every reason why the mesh can't be had. What could not be read is the plan's to report."""
    ingress = profile.ingress
    if not isinstance(ingress, Istio):
        return
    named = f"--resource-group {profile.cluster.resource_group} --name {profile.cluster.name}"
    yield from _beside(profile, observation, cluster, named)
    offered = observation.objects.get(f"{MeshRevisions.KIND}/{profile.cluster.name}")
    if not isinstance(offered, Present) or not offered.outputs:
        return
    yield from _revisions(profile, ingress, offered, cluster)
    yield from _versions(profile, ingress, offered)
    yield from _stages(profile, ingress, observation, offered, cluster)
    current = cluster.properties.get(MESH_REVISIONS)
    if ingress.certificate_authority and current and not cluster.properties.get(MESH_AUTHORITY):
        yield ProvisionError(
            _doing(profile),
            "its mesh has Istio's own certificate authority, and AKS does not exchange that for another",
            "Disable the mesh first, in an operation of its own, which takes its gateways down meanwhile:",
            f"az aks mesh disable {named}",
        )


def _doing(profile: Profile) -> str:
    return f"checking cluster {profile.cluster.name}"


def _beside(
    profile: Profile, observation: Observation, cluster: Present, named: str
) -> Iterator[ProvisionError]:
    """What the mesh can't stand beside."""
    if cluster.properties.get(APP_ROUTING_ISTIO) == "Enabled":
        yield ProvisionError(
            _doing(profile),
            "app routing's Gateway API is on, and it excludes the Istio service mesh add-on",
            "Choose option app-routing, or disable it first, in an operation of its own:",
            f"az aks approuting gateway istio disable {named}",
        )
    if cluster.outputs.get("openServiceMesh"):
        yield ProvisionError(
            _doing(profile),
            "the Open Service Mesh add-on is on, and it excludes the Istio service mesh add-on",
            "Move its workloads off, and disable it first:",
            f"az aks disable-addons {named} --addons open-service-mesh",
        )
    traces = observation.objects.get(f"{IstioTraces.KIND}/{profile.cluster.name}")
    planes = traces.outputs.get("controlPlanes") if isinstance(traces, Present) else None
    if isinstance(planes, tuple) and planes:
        found = str(planes[0])
        yield ProvisionError(
            _doing(profile),
            f"an Istio of your own runs there ({', '.join(map(str, planes))}), and AKS's can't be beside it",
            "Uninstall it first; its objects of istio.io can stay:",
            f"istioctl uninstall --purge --istioNamespace {found.partition('/')[0]}",
        )


def _revisions(
    profile: Profile, ingress: Istio, offered: Present, cluster: Present
) -> Iterator[ProvisionError]:
    """Revisions that the region does not have, or not for the cluster's Kubernetes version."""
    known, fit = _names(offered, "offered"), _names(offered, "compatible")
    location, version = offered.outputs.get("location"), offered.outputs.get("kubernetesVersion")
    present = _names(offered, "current")
    if not known or (ingress.revision == LATEST and not fit):
        yield ProvisionError(
            _doing(profile),
            f"region {location} offers no mesh revision for Kubernetes {version}"
            + (f" (it has {', '.join(known)})" if known else ""),
            "Upgrade the cluster to a version that one of them runs on, or write revision.",
        )
    asked = [ingress.revision, *((ingress.canary.revision,) if ingress.canary else ())]
    for revision in asked:
        if revision == LATEST or revision in present or revision in fit:
            continue
        if revision not in known:
            why = (
                f"there is no mesh revision {revision} in region {location}, which offers {', '.join(known)}"
            )
        else:
            why = f"mesh revision {revision} does not run on Kubernetes {version}"
        able = f"Those for Kubernetes {version}: {', '.join(fit)}." if fit else "Upgrade the cluster first."
        yield ProvisionError(_doing(profile), why, able)


def _versions(profile: Profile, ingress: Istio, offered: Present) -> Iterator[ProvisionError]:
    """What the revision is too old for."""
    revision = str(offered.outputs.get("revision") or "")
    version = str(offered.outputs.get("kubernetesVersion") or "")
    if not revision or ingress.api == "istio":
        return
    if order(revision) < _GATEWAY_API_SINCE:
        yield ProvisionError(
            _doing(profile),
            f"mesh revision {revision} does not serve the Gateway API, which needs asm-1-26 or later",
            "Write a later revision, or api: istio.",
        )
    for name, host in profile.hosts.items():
        if host.tls != "passthrough":
            continue
        lacks = []
        if order(revision) < _TLS_ROUTE_SINCE:
            lacks.append(f"mesh revision {revision} (asm-1-30 has it)")
        if version and not has_tls_route(version):
            lacks.append(f"Kubernetes {version} (1.36 has it)")
        if lacks:
            yield ProvisionError(
                _doing(profile),
                f"host {name} passes TLS through, which takes a TLSRoute: there is none with"
                f" {' and '.join(lacks)}",
                "Write api: istio, which passes TLS through with every revision.",
            )


def _stages(
    profile: Profile, ingress: Istio, observation: Observation, offered: Present, cluster: Present
) -> Iterator[ProvisionError]:
    """Steps that AKS does not take at once, or that would cut sidecars off from their control plane."""
    present = _names(offered, "current")
    stable, canary = str(offered.outputs.get("revision") or ""), ingress.canary and ingress.canary.revision
    if not present or not stable:
        if canary:
            yield ProvisionError(
                _doing(profile),
                f"it has no mesh yet, so that there is nothing to upgrade to {canary}",
                f"Write revision: {canary}, and no canary.",
            )
        return
    wanted = {stable, *([canary] if canary else [])}
    added = sorted(wanted - {*present}, key=order)
    if len(present) > 1 and added:
        yield ProvisionError(
            _doing(profile),
            f"an upgrade is under way there ({' and '.join(present)}), so that AKS takes no {added[0]}",
            f"Complete it with revision: {max(present, key=order)}, or roll it back with revision:"
            f" {min(present, key=order)}; no canary in both cases.",
        )
    elif added and not canary:
        yield from _replaced(profile, present[0], stable)
    elif added and canary and canary not in _names(offered, "upgrades"):
        targets = _names(offered, "upgrades")
        yield ProvisionError(
            _doing(profile),
            f"mesh revision {stable} can't be upgraded to {canary}",
            f"It can be to {', '.join(targets)}." if targets else "There is nothing newer for it.",
        )
    for going in sorted({*present} - wanted, key=order) if len(present) > 1 else ():
        yield from _still_used(profile, ingress, observation, going, stable)


def _replaced(profile: Profile, present: str, wanted: str) -> Iterator[ProvisionError]:
    if order(wanted) < order(present):
        why, fix = f"AKS takes no downgrade from {present}", f"Write revision: {present}."
    else:
        why = f"AKS does not replace {present} in one step"
        fix = (
            f"Upgrade in stages, each with an apply: write revision: {present} and canary: {{revision:"
            f" {wanted}}}; then list namespaces in canary.namespaces; at last write revision: {wanted} and no"
            " canary."
        )
    yield ProvisionError(_doing(profile), f"it has mesh revision {present}, and {why}", fix)


def _still_used(
    profile: Profile, ingress: Istio, observation: Observation, going: str, stays: str
) -> Iterator[ProvisionError]:
    """A control plane does not go while namespaces are labelled with it: their sidecars would have none."""
    users = injected(profile, observation).get(going, ())
    if not users:
        return
    mine = [each for each in users if each in ingress.sidecars]
    others = [each for each in users if each not in ingress.sidecars]
    newer, older = max(going, stays, key=order), min(going, stays, key=order)
    fixes = []
    if mine:
        listed = ", ".join(ingress.sidecars) if going == older else ""
        fixes.append(
            f"First apply revision: {older} with canary: {{revision: {newer}, namespaces: [{listed}]}} and"
            " restart their workloads."
        )
    if others:
        fixes.append(
            f"Have {', '.join(others)} labelled istio.io/rev={stays}, and their workloads restarted."
        )
    yield ProvisionError(
        _doing(profile),
        f"mesh revision {going} would go, and namespaces have sidecars of it: {', '.join(users)}",
        " ".join(fixes),
    )


def injected(profile: Profile, observation: Observation) -> Mapping[str, tuple[str, ...]]:
    """Namespaces with sidecars, by the revision of their label; empty where that could not be read."""
    traces = observation.objects.get(f"{IstioTraces.KIND}/{profile.cluster.name}")
    found: object = traces.outputs.get("injected") if isinstance(traces, Present) else None
    return found if isinstance(found, Mapping) else {}


def warnings(profile: Profile, observation: Observation) -> list[str]:
    """Where an upgrade stands and what comes next; newer revisions."""
    ingress = profile.ingress
    offered = observation.objects.get(f"{MeshRevisions.KIND}/{profile.cluster.name}")
    if not isinstance(ingress, Istio) or not isinstance(offered, Present) or not offered.outputs:
        return []
    stable, present = str(offered.outputs.get("revision") or ""), _names(offered, "current")
    if ingress.canary:
        return [_stage(profile, ingress, stable, ingress.canary, present)]
    newer = [each for each in _names(offered, "upgrades") if each in _names(offered, "compatible")]
    if newer and present == (stable,):
        return [
            f"mesh revision {stable} can be upgraded to {', '.join(newer)}: begin with revision: {stable} and"
            f" canary: {{revision: {newer[-1]}}}"
        ]
    return []


def _stage(profile: Profile, ingress: Istio, stable: str, canary: Canary, present: Sequence[str]) -> str:
    """Where an upgrade stands once the plan is applied, and the ways on from there."""
    if canary.revision not in present:
        return (
            f"mesh upgrade, stage 1: {canary.revision} comes beside {stable}, and gateways get pods of both;"
            " then list namespaces in canary.namespaces"
        )
    used = [*ingress.sidecars]
    if ingress.api == "gateway-api":
        used += [host.namespace for host in profile.hosts.values()]
    left = [each for each in dict.fromkeys(used) if each not in canary.namespaces]
    back = f"or roll back with revision: {stable} and no canary"
    if canary.namespaces:
        back = "or roll back by emptying canary.namespaces first"
    if left:
        return (
            f"mesh upgrade, stage 2: {', '.join(canary.namespaces) or 'no namespace'} moved to"
            f" {canary.revision}, {', '.join(left)} left at {stable}: list these too, and restart the"
            f" workloads of each that you list (kubectl rollout restart deployment --namespace …), {back}"
        )
    return (
        f"mesh upgrade, stage 3: nothing is left at {stable} once workloads were restarted: complete it with"
        f" revision: {canary.revision} and no canary, {back}"
    )


def unchecked(profile: Profile, observation: Observation) -> tuple[str, ...]:
    """What could not be looked for, and why."""
    traces = observation.objects.get(f"{IstioTraces.KIND}/{profile.cluster.name}")
    unseen: object = traces.outputs.get("unseen") if isinstance(traces, Present) else None
    listed = unseen if isinstance(unseen, tuple) else ()
    return tuple(f"whether there is another Istio: {each}" for each in listed)


def _names(offered: Present, output: str) -> tuple[str, ...]:
    found = offered.outputs.get(output)
    return tuple(map(str, found)) if isinstance(found, tuple) else ()
