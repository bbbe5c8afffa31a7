"""What the mesh add-on has in a cluster: objects of which we own fields, and traces of other Istios."""

from __future__ import annotations

from typing import Any
from unittest.mock import create_autospec

import pytest

from providers.bench import Bench
from providers.kubernetes.cluster import ID, PROFILE, Cluster
from provision.apply.handler import Work
from provision.errors import ProvisionError, ServiceError
from provision.plan.diff import diff
from provision.providers.kubernetes.access import Ways
from provision.providers.kubernetes.calls import failure
from provision.providers.kubernetes.istio_export import documents
from provision.providers.kubernetes.istio_traces import IstioTraces as Traces
from provision.providers.kubernetes.manifests import Manifests
from provision.resources.manifest import (
    AUTOSCALER,
    DEFINITION,
    DEPLOYMENT,
    MESH,
    NAMESPACE,
    PINNED,
    SERVICE,
    Api,
    Manifest,
    SharedManifest,
)
from provision.resources.mesh import IstioTraces
from provision.resources.observed import Absent, Present, Unread
from provision.resources.values import CaseInsensitive, Value
from provision.sandbox.kubernetes import crds, kinds

BALANCED = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"labels": {"app": "gateway"}},
    "spec": {"type": "LoadBalancer", "ports": [{"port": 80}], "externalTrafficPolicy": "Cluster"},
}
DENIED = 'deployments.apps is forbidden: User "x" cannot list resource "deployments" in API group "apps"'
LOCAL: dict[str, Value] = {"spec": {"externalTrafficPolicy": "Local"}}


def common(api: Api, name: str) -> dict[str, Any]:
    namespace = "shop" if api.namespaced else ""
    return {
        "name": "/".join(part for part in (api.kind, namespace, name) if part),
        "api": api,
        "cluster_id": CaseInsensitive(ID),
        "private": False,
        "entra": False,
        "access": "direct",
        "object_name": name,
        "namespace": namespace,
    }


def service(body: dict[str, Value] | None = None) -> SharedManifest:
    return SharedManifest(**common(SERVICE, "gateway"), body=body or {}, made_by=MESH)


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


@pytest.fixture
def handler(bench: Bench, cluster: Cluster) -> Manifests:
    return Manifests(bench.clients, bench.told.append, ways_into(cluster))


def ways_into(cluster: Cluster) -> Ways:
    ways: Any = create_autospec(Ways, instance=True)
    ways.into.return_value = cluster
    return ways  # type: ignore[no-any-return]


def serve_istio(cluster: Cluster) -> None:
    for definition in crds.ISTIO:
        made = cluster.request("POST", DEFINITION.path(), definition)
        assert made.ok, made.body


def balance(cluster: Cluster, address: str) -> None:
    live = cluster.objects.get(kinds.SERVICE, "gateway", "shop")
    assert live is not None
    cluster.objects.put(kinds.SERVICE, {**live, "status": {"loadBalancer": {"ingress": [{"ip": address}]}}})


async def test_what_an_add_on_makes_is_waited_for(handler: Manifests, cluster: Cluster, bench: Bench) -> None:
    reading = await handler.read([service(LOCAL)], PROFILE)
    assert reading.objects[service().address] == Absent(f"does not exist; {MESH} makes it")
    with pytest.raises(ServiceError, match="the service mesh add-on has not made it after 3"):
        await handler.create(service(LOCAL), bench.work())
    assert cluster.objects.get(kinds.SERVICE, "gateway", "shop") is None


async def test_who_may_not_look_does_not_wait(handler: Manifests, cluster: Cluster, bench: Bench) -> None:
    cluster.answers["get", service().path] = failure(403, DENIED)
    with pytest.raises(ProvisionError, match="the caller may not list"):
        await handler.create(service(LOCAL), bench.work())
    assert bench.told == []


async def test_our_fields_in_an_object_of_others(handler: Manifests, cluster: Cluster, bench: Bench) -> None:
    cluster.apply(SERVICE.path("shop", "gateway"), BALANCED, "aks")
    balance(cluster, "10.0.0.4")
    made = await handler.create(service(LOCAL), bench.work())
    assert made.outputs["address"] == "10.0.0.4"
    seen = (await handler.read([service(LOCAL)], PROFILE)).objects[service().address]
    assert isinstance(seen, Present)
    assert (seen.owner, diff(LOCAL_LEAVES, seen.properties)) == (PROFILE, ())
    work = bench.work()
    await handler.update(service(), seen, (), Work(work.mark, work.progress, release=True))
    live = cluster.objects.get(kinds.SERVICE, "gateway", "shop")
    assert live is not None
    assert live["metadata"]["labels"] == {"app": "gateway"}
    assert "provision" not in {each["manager"] for each in live["metadata"]["managedFields"]}


LOCAL_LEAVES: dict[str, Value] = {"spec.externalTrafficPolicy": "Local"}


async def test_a_field_that_an_object_can_not_be_without_stays_when_it_is_given_back(
    handler: Manifests, cluster: Cluster, bench: Bench
) -> None:
    scaler = {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "spec": {
            "minReplicas": 2,
            "maxReplicas": 5,
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "gateway"},
        },
    }
    path = AUTOSCALER.path("shop", "gateway")
    cluster.apply(path, scaler, "aks")
    ours = SharedManifest(**common(AUTOSCALER, "gateway"), body={"spec": {"maxReplicas": 9}}, made_by=MESH)
    await handler.create(ours, bench.work())
    work = bench.work()
    await handler.update(ours, Present(), (), Work(work.mark, work.progress, release=True))
    live = cluster.objects.get(kinds.AUTOSCALER, "gateway", "shop")
    assert live is not None
    assert live["spec"]["maxReplicas"] == 9
    assert "labels" not in live["metadata"]


async def test_a_pinned_address_is_waited_for(handler: Manifests, cluster: Cluster, bench: Bench) -> None:
    cluster.apply(SERVICE.path("shop", "gateway"), BALANCED, "aks")
    balance(cluster, "10.0.0.4")
    pinned = service({"metadata": {"annotations": {PINNED: "10.0.0.9"}}})
    with pytest.raises(ServiceError, match=r"its address is 10\.0\.0\.4, not 10\.0\.0\.9 yet"):
        await handler.create(pinned, bench.work())


async def test_a_control_plane_that_does_not_run_is_not_there_yet(
    handler: Manifests, cluster: Cluster, bench: Bench
) -> None:
    labels = {"app": "istiod"}
    plane = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{"name": "discovery", "image": "pilot"}]},
            },
        },
    }
    cluster.apply(DEPLOYMENT.path("shop", "istiod"), plane, "aks")
    wanted = Manifest(**common(DEPLOYMENT, "istiod"), used=True, made_by=MESH)
    seen = (await handler.read([wanted], PROFILE)).objects[wanted.address]
    assert isinstance(seen, Absent)
    assert seen.note.startswith("it is there, and not ready: ")
    with pytest.raises(ServiceError, match="not ready after"):
        await handler.create(wanted, bench.work())


TRACES = IstioTraces(
    name="aks-prod", cluster_id=CaseInsensitive(ID), private=False, entra=False, access="direct"
)


async def trace(bench: Bench, cluster: Cluster) -> Any:
    return (await Traces(bench.clients, None, ways_into(cluster)).read([TRACES], PROFILE)).objects[
        TRACES.address
    ]


async def test_traces_of_istio(bench: Bench, cluster: Cluster) -> None:
    assert (await trace(bench, cluster)).outputs == {
        "definitions": (),
        "controlPlanes": (),
        "injected": {},
        "unseen": (),
    }
    serve_istio(cluster)
    for name, revision in (("shop", "asm-1-29"), ("pay", "asm-1-29"), ("blog", "default")):
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"labels": {"istio.io/rev": revision}}}
        cluster.apply(NAMESPACE.path(name=name), body, "platform")
    found = (await trace(bench, cluster)).outputs
    assert "virtualservices.networking.istio.io" in found["definitions"]
    assert found["injected"] == {"asm-1-29": ("pay", "shop"), "default": ("blog",)}


async def test_what_may_not_be_listed_is_told(bench: Bench, cluster: Cluster) -> None:
    cluster.answers["get", DEPLOYMENT.path()] = failure(403, DENIED)
    found = await trace(bench, cluster)
    assert found.outputs["unseen"] == (f"deployments ({DENIED})",)
    cluster.answers["get", "/apis"] = failure(500, "etcd is away")
    assert isinstance(await trace(bench, cluster), Unread)
    with pytest.raises(ProvisionError, match="it is only looked at"):
        await Traces(bench.clients, None, ways_into(cluster)).delete(TRACES, Present(), bench.work())


async def test_definitions_and_their_objects_are_exported_as_kubectl_takes_them(cluster: Cluster) -> None:
    serve_istio(cluster)
    rule = {
        "apiVersion": "networking.istio.io/v1",
        "kind": "DestinationRule",
        "spec": {"host": "shop.shop.svc.cluster.local"},
    }
    path = "/apis/networking.istio.io/v1/namespaces/shop/destinationrules/shop"
    cluster.apply(path, rule, "team")
    name = "destinationrules.networking.istio.io"
    definition, exported = await documents(ways_into(cluster), [Manifest(**common(DEFINITION, name))])
    assert (definition["kind"], definition["metadata"]["name"]) == ("CustomResourceDefinition", name)
    assert "status" not in definition
    assert exported == {**rule, "metadata": {"name": "shop", "namespace": "shop"}}
