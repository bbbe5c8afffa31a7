"""What rules a mesh out before anything is written, and how far its upgrade is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from provision.ingress import desired, mesh_leaving
from provision.ingress.mesh_checks import problems, unchecked, warnings
from provision.plan.change import Action, Change, FieldChange
from provision.plan.plan import Observation, Plan
from provision.profile.model import (
    Azure,
    Canary,
    CertificateAuthority,
    Cluster,
    Host,
    Istio,
    Profile,
    Service,
)
from provision.resources.managed_cluster import MESH, MESH_AUTHORITY, MESH_REVISIONS, ManagedCluster
from provision.resources.observed import Present
from provision.resources.values import CaseInsensitive, Value

MESHED = Istio(option="istio-service-mesh", api="istio", revision="asm-1-29", sidecars=("web", "pay"))
PROFILE = Profile(
    api_version="provision/v1",
    name="shop",
    azure=Azure(subscription="11111111-0000-0000-0000-000000000000"),
    cluster=Cluster(name="aks", resource_group="rg"),
    ingress=MESHED,
    hosts={"mq.a.example": Host(namespace="web", service=Service(name="mq", port=1), tls="passthrough")},
)
TRACES = ("injected", "unseen", "definitions", "controlPlanes")
OFFERED: dict[str, Value] = {
    "revision": "asm-1-29",
    "offered": ("asm-1-28", "asm-1-29", "asm-1-30"),
    "compatible": ("asm-1-28", "asm-1-29", "asm-1-30"),
    "upgrades": ("asm-1-30",),
    "location": "westeurope",
    "kubernetesVersion": "1.35.2",
}


def world(current: tuple[str, ...] = (), **told: Any) -> Observation:
    """A cluster with these revisions; `told` is over what the region offers, or a trace."""
    traces: dict[str, Value] = {key: told.pop(key) for key in TRACES if key in told}
    settings = told.pop("settings", {})
    cluster = Present({MESH_REVISIONS: frozenset(current), **settings}, {})
    offered = Present({}, {**OFFERED, "current": current, **told})
    objects = {"mesh_revisions/aks": offered, "istio_traces/aks": Present({}, traces)}
    return Observation({"managed_cluster/aks": cluster, **objects})


def found(ingress: Istio, seen: Observation) -> list[str]:
    cluster = seen.objects["managed_cluster/aks"]
    assert isinstance(cluster, Present)
    return [f"{each.why} | {each.fix}" for each in problems(replace(PROFILE, ingress=ingress), seen, cluster)]


def test_a_mesh_that_can_be_had() -> None:
    assert found(MESHED, world()) == []
    assert found(MESHED, world(("asm-1-29",))) == []
    assert found(replace(MESHED, canary=Canary(revision="asm-1-30")), world(("asm-1-29",))) == []


@pytest.mark.parametrize(
    ("seen", "changes", "words"),
    [
        (
            world(compatible=(), revision=None),
            {"revision": "latest-supported"},
            "region westeurope offers no mesh revision for Kubernetes 1.35.2 (it has asm-1-28, asm-1-29",
        ),
        (
            world(compatible=("asm-1-30",)),
            {},
            "asm-1-29 does not run on Kubernetes 1.35.2 | Those for Kubernetes 1.35.2: asm-1-30.",
        ),
        (
            world(("asm-1-29",), upgrades=()),
            {"canary": Canary(revision="asm-1-30")},
            "mesh revision asm-1-29 can't be upgraded to asm-1-30 | There is nothing newer for it.",
        ),
        (
            world(("asm-1-28", "asm-1-29"), compatible=("asm-1-29", "asm-1-30")),
            {"canary": Canary(revision="asm-1-30")},
            "an upgrade is under way there (asm-1-28 and asm-1-29), so that AKS takes no asm-1-30 |"
            " Complete it with revision: asm-1-29, or roll it back with revision: asm-1-28; no canary in"
            " both cases.",
        ),
        (
            world(("asm-1-28", "asm-1-29"), injected={"asm-1-28": ("blog", "pay")}),
            {},
            "asm-1-28 would go, and namespaces have sidecars of it: blog, pay | First apply revision:"
            " asm-1-28 with canary: {revision: asm-1-29, namespaces: [web, pay]} and restart their workloads."
            " Have blog labelled istio.io/rev=asm-1-29, and their workloads restarted.",
        ),
        (
            world(("asm-1-29",)),
            {"certificate_authority": CertificateAuthority(vault="kv")},
            "its mesh has Istio's own certificate authority, and AKS does not exchange that",
        ),
        (
            world(),
            {"api": "gateway-api"},
            "host mq.a.example passes TLS through, which takes a TLSRoute: there is none with mesh revision"
            " asm-1-29 (asm-1-30 has it) and Kubernetes 1.35.2 (1.36 has it)",
        ),
        (
            world(revision="asm-1-25", compatible=("asm-1-25",), offered=("asm-1-25",)),
            {"api": "gateway-api", "revision": "asm-1-25"},
            "mesh revision asm-1-25 does not serve the Gateway API",
        ),
    ],
)
def test_a_mesh_that_can_not(seen: Observation, changes: dict[str, Any], words: str) -> None:
    ingress = replace(MESHED, **changes)
    assert words in "\n".join(found(ingress, seen))


def test_an_authority_that_is_there_is_no_exchange() -> None:
    ingress = replace(MESHED, certificate_authority=CertificateAuthority(vault="kv"))
    there: dict[str, Value] = {MESH_AUTHORITY: {"keyVaultId": CaseInsensitive("/x")}}
    assert found(ingress, world(("asm-1-29",), settings=there)) == []
    assert found(ingress, world()) == []


def said(seen: Observation, canary: Canary | None = None) -> str:
    ingress = replace(MESHED, canary=canary)
    return "\n".join(warnings(replace(PROFILE, ingress=ingress), seen))


def test_where_an_upgrade_stands() -> None:
    assert said(world()) == ""
    one = said(world(("asm-1-29",)))
    assert "asm-1-29 can be upgraded to asm-1-30: begin with revision: asm-1-29 and" in one
    both = world(("asm-1-29", "asm-1-30"))
    assert said(both) == ""
    assert "stage 1" in said(world(("asm-1-29",)), Canary(revision="asm-1-30"))
    second = said(both, Canary(revision="asm-1-30", namespaces=("pay",)))
    assert "stage 2: pay moved to asm-1-30, web left at asm-1-29" in second
    third = said(both, Canary(revision="asm-1-30", namespaces=("pay", "web")))
    assert "stage 3" in third
    assert "complete it with revision: asm-1-30 and no canary" in third


def test_what_could_not_be_looked_for_is_not_checked() -> None:
    assert unchecked(PROFILE, world(unseen=("deployments (denied)",))) == (
        "whether there is another Istio: deployments (denied)",
    )
    assert unchecked(PROFILE, world()) == ()


def leaving(seen: Observation, *fields: FieldChange) -> Plan:
    cluster = ManagedCluster(name="aks", id=CaseInsensitive("/aks"))
    return Plan("shop", (Change(cluster, seen.objects["managed_cluster/aks"], Action.UPDATE, fields),))


OFF = FieldChange(MESH, "Istio", "Disabled")
LEFT = tuple(f"{each}s.networking.istio.io" for each in ("gateway", "sidecar", "proxy", "entry"))


def test_what_the_mesh_leaves_behind_and_whom_its_end_concerns() -> None:
    on: dict[str, Value] = {MESH: "Istio"}
    seen = world(settings=on, definitions=LEFT, injected={"asm-1-29": ("blog", "web")})
    definitions, sidecars = mesh_leaving.notes(PROFILE, seen, leaving(seen, OFF), remove=False)
    assert definitions.startswith("4 definitions of istio.io stay (gateways.networking.istio.io, ")
    assert "and 1 more" in definitions
    assert sidecars == "namespaces blog have sidecars, which lose their control plane with the mesh"
    assert mesh_leaving.notes(PROFILE, seen, leaving(seen, OFF), remove=True) == (sidecars,)
    assert mesh_leaving.notes(PROFILE, seen, leaving(seen), remove=False) == ()


def test_definitions_of_another_istio_or_of_a_mesh_that_stays_are_kept() -> None:
    on: dict[str, Value] = {MESH: "Istio"}
    graph = desired.graph(PROFILE)
    stays = world(settings=on, definitions=LEFT)
    (refused,) = mesh_leaving.with_removals(PROFILE, graph, stays, leaving(stays)).refused
    assert refused.why == "the mesh stays on: it was there before the profile"
    other = world(settings=on, definitions=LEFT, controlPlanes=("istio-system/istiod",))
    (refused,) = mesh_leaving.with_removals(PROFILE, graph, other, leaving(other, OFF)).refused
    assert "another Istio runs there (istio-system/istiod)" in refused.why
    goes = mesh_leaving.with_removals(PROFILE, graph, stays, leaving(stays, OFF))
    assert [change.action for change in goes.changes[1:]] == [Action.DELETE] * 4
    assert all("managed_cluster/aks" in change.resource.outlives for change in goes.changes[1:])
