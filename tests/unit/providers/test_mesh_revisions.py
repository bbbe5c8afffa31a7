"""Mesh revisions: what a region offers, and which of them a profile means."""

from __future__ import annotations

from typing import Any

import pytest
from azure.mgmt.containerservice.models import ManagedCluster, MeshRevisionProfile

from providers import clusters
from providers.bench import PROFILE, Bench, paged, refusal
from provision.errors import ProvisionError
from provision.providers.azure.mesh_revisions import MeshRevisions as Handler
from provision.resources.mesh import LATEST, MeshRevisions, meant, order
from provision.resources.observed import Present, Unread
from provision.resources.values import CaseInsensitive

OFFERED = {
    "asm-1-28": (["1.33", "1.34", "1.35"], ["asm-1-29", "asm-1-30"]),
    "asm-1-30": (["1.35", "1.36"], None),
    "asm-1-29": (["1.34", "1.35"], ["asm-1-30"]),
    "asm-1-31": (["1.36"], None),
}


def offered() -> MeshRevisionProfile:
    revisions = [
        {
            "revision": name,
            "upgrades": upgrades,
            "compatibleWith": [
                {"name": "KubernetesOfficial", "versions": versions},
                {"name": "AKSLongTermSupport", "versions": ["1.30"]},
            ],
        }
        for name, (versions, upgrades) in OFFERED.items()
    ]
    return MeshRevisionProfile({"name": "istio", "properties": {"meshRevisions": revisions}})


async def outputs(bench: Bench, wanted: str = LATEST, canary: str = "", *current: str) -> dict[str, Any]:
    istio: dict[str, Any] = {"mode": "Istio", "istio": {"revisions": list(current)}}
    answer = clusters.body(serviceMeshProfile=istio if current else {"mode": "Disabled"})
    bench.clusters.get.return_value = ManagedCluster(answer)
    bench.clusters.list_mesh_revision_profiles.return_value = paged(offered())
    resource = MeshRevisions(name="aks", id=CaseInsensitive(clusters.ID), wanted=wanted, canary=canary)
    observed = (await Handler(bench.clients).read([resource], PROFILE)).objects[resource.address]
    assert isinstance(observed, Present), observed
    return dict(observed.outputs)


async def test_the_newest_that_runs_on_the_cluster_is_meant_where_there_is_no_mesh(bench: Bench) -> None:
    found = await outputs(bench)
    assert found["offered"] == ("asm-1-28", "asm-1-29", "asm-1-30", "asm-1-31")
    assert found["compatible"] == ("asm-1-28", "asm-1-29", "asm-1-30")  # with Kubernetes 1.35.4
    assert found["revision"] == "asm-1-30"
    assert found["current"] == ()
    assert found["controlPlane"] == "istiod-asm-1-30"
    assert found["internal"] == "aks-istio-ingressgateway-internal-asm-1-30"
    bench.clusters.list_mesh_revision_profiles.assert_called_once_with("westeurope")


async def test_an_upgrade_is_never_begun_by_itself(bench: Bench) -> None:
    found = await outputs(bench, LATEST, "", "asm-1-28")
    assert (found["revision"], found["upgrades"]) == ("asm-1-28", ("asm-1-29", "asm-1-30"))


async def test_the_names_of_what_the_canary_has(bench: Bench) -> None:
    found = await outputs(bench, "asm-1-29", "asm-1-30", "asm-1-29")
    assert found["canaryExternal"] == "aks-istio-ingressgateway-external-asm-1-30"
    assert found["canaryControlPlane"] == "istiod-asm-1-30"
    assert found["revision"] == "asm-1-29"


@pytest.mark.parametrize(
    ("wanted", "canary", "current", "expected"),
    [
        (LATEST, "asm-1-30", ["asm-1-30", "asm-1-29"], "asm-1-29"),  # the upgrade is under way
        (LATEST, "", ["asm-1-30", "asm-1-29"], "asm-1-30"),  # and is completed
        (LATEST, "asm-1-30", ["asm-1-30"], "asm-1-30"),
        (LATEST, "", [], "asm-1-9"),
        ("asm-1-29", "", ["asm-1-30"], "asm-1-29"),
    ],
)
def test_what_is_meant(wanted: str, canary: str, current: list[str], expected: str) -> None:
    assert meant(wanted, canary, current, ["asm-1-9", "asm-1-8"]) == expected


def test_there_may_be_none() -> None:
    assert meant(LATEST, "", [], []) is None
    assert sorted(["asm-1-30", "asm-1-9", "asm-2-1"], key=order) == ["asm-1-9", "asm-1-30", "asm-2-1"]


async def test_a_cluster_that_is_not_there_is_told_by_the_cluster_itself(bench: Bench) -> None:
    bench.clusters.get.side_effect = refusal(404, "ResourceNotFound")
    resource = MeshRevisions(name="aks", id=CaseInsensitive(clusters.ID), wanted=LATEST)
    reading = await Handler(bench.clients).read([resource], PROFILE)
    assert reading.objects == {resource.address: Present()}


async def test_a_region_that_can_not_be_asked(bench: Bench) -> None:
    bench.clusters.get.return_value = ManagedCluster(clusters.body())
    bench.clusters.list_mesh_revision_profiles.return_value = paged(refusal(403, "AuthorizationFailed"))
    resource = MeshRevisions(name="aks", id=CaseInsensitive(clusters.ID), wanted=LATEST)
    observed = (await Handler(bench.clients).read([resource], PROFILE)).objects[resource.address]
    assert isinstance(observed, Unread)
    with pytest.raises(ProvisionError, match="it is only looked at"):
        await Handler(bench.clients).create(resource, bench.work())
