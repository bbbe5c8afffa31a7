"""Clusters that can't have what the profile asks for are refused before anything is written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from command_line import CLUSTER, CLUSTER_KIND, PROD, Applied, CommandLine

from provision.sandbox.azure import Json
from provision.sandbox.kubernetes import crds
from provision.sandbox.kubernetes.objects import Cluster


def istio_mesh(cluster: Json) -> None:
    cluster["properties"]["serviceMeshProfile"] = {"mode": "Istio", "istio": {"revisions": ["asm-1-29"]}}


def service_principal(cluster: Json) -> None:
    cluster["identity"] = {"type": "None"}
    cluster["properties"]["servicePrincipalProfile"] = {"clientId": "00000000-0000-4000-8000-00000000cccc"}


def old_version(cluster: Json) -> None:
    cluster["properties"] |= {"kubernetesVersion": "1.25", "currentKubernetesVersion": "1.25.15"}


CASES: list[tuple[Callable[[Json], None], str, str]] = [
    (
        istio_mesh,
        "the Istio service mesh add-on is on, and it excludes app routing with Gateway API",
        "    az aks mesh disable --resource-group rg-aks-prod --name aks-prod",
    ),
    (
        service_principal,
        "it has no managed identity (it runs with a service principal)",
        "    az aks update --resource-group rg-aks-prod --name aks-prod --enable-managed-identity",
    ),
    (
        old_version,
        "it runs Kubernetes 1.25.15, and the managed Gateway API needs 1.26 or later",
        "    az aks upgrade --resource-group rg-aks-prod --name aks-prod --kubernetes-version VERSION",
    ),
]


def change(provision: CommandLine, *edits: Callable[[Json], None]) -> None:
    with provision.azure() as azure:
        cluster = azure.store.get(CLUSTER_KIND, CLUSTER)
        assert cluster is not None
        for edit in edits:
            edit(cluster)
        azure.store.put(CLUSTER_KIND, CLUSTER, cluster)


@pytest.mark.parametrize(("edit", "why", "command"), CASES, ids=lambda value: getattr(value, "__name__", ""))
def test_nothing_is_written_to_a_cluster_that_cannot_have_it(
    edit: Callable[[Json], None], why: str, command: str, provision: CommandLine
) -> None:
    provision("plan", *PROD)
    change(provision, edit)
    apply = provision("apply", *PROD, "--yes")
    assert (apply.code, apply.writes()) == (1, [])
    assert f"Error: checking cluster aks-prod: {why}" in apply.out
    assert command in apply.out.splitlines()

    plan = provision("plan", *PROD, "--format", "json")
    assert plan.code == 1
    assert [why in error["error"] for error in plan.json()["errors"]] == [True]


def test_every_reason_is_given_at_once(provision: CommandLine, tmp_path: Any) -> None:
    provision("plan", *PROD)
    change(provision, *(edit for edit, _, _ in CASES))
    plan = provision("plan", *PROD, "-o", str(tmp_path / "plan.json"))
    assert plan.code == 1
    assert [why in plan.out for _, why, _ in CASES] == [True, True, True]
    assert not (tmp_path / "plan.json").exists()  # nobody should review what can't be applied


def test_a_mesh_that_was_turned_on_later_stops_the_repair(provision: CommandLine, applied: Applied) -> None:
    applied("prod")
    change(provision, istio_mesh)
    assert provision("apply", *PROD).code == 1
    drift = provision("drift", *PROD)
    assert drift.code == 2
    assert "managed_cluster/aks-prod: the Istio service mesh add-on is on" in drift.out


def test_a_dns_controller_that_somebody_made_for_our_zone(provision: CommandLine, applied: Applied) -> None:
    """The two would remove each other's records: nothing is written until it is gone, but a destroy goes."""
    applied("prod")
    with provision.azure() as azure:
        document = azure.store.get(CLUSTER_KIND, CLUSTER)
        assert document is not None
        cluster = Cluster(azure, document["properties"]["resourceUID"])
        (ours,) = cluster.list(crds.CLUSTER_EXTERNAL_DNS)
        metadata = {"name": "handmade", "uid": "8d1f", "creationTimestamp": "2026-11-01T00:00:00Z"}
        cluster.put(crds.CLUSTER_EXTERNAL_DNS, {**ours, "metadata": metadata})
    drift = provision("drift", *PROD)
    assert drift.code == 2
    assert "ClusterExternalDNS handmade, which is not this profile's, writes contoso.com too" in drift.out
    done = provision("apply", *PROD, "--yes")
    assert (done.code, done.writes()) == (1, [])
    assert "    kubectl delete clusterexternaldns handmade" in done.out
    assert provision("destroy", *PROD, "--yes").code == 0
