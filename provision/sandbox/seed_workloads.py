"""Services and Secrets of other teams that a profile's hosts need."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from provision.sandbox import cluster_authority
from provision.sandbox.azure import Azure, Json
from provision.sandbox.kubernetes import base, kinds
from provision.sandbox.kubernetes.objects import Cluster
from provision.sandbox.seed_once import first_time

CLUSTER = "Microsoft.ContainerService/managedClusters"


@dataclass(frozen=True, slots=True)
class Workload:
    """A Service of another team that hosts lead to, or none, and whether its namespace is the profile's or an
    add-on's to make."""

    namespace: str
    service: str
    ports: tuple[int, ...]
    creates_namespace: bool = False
    authorities: tuple[str, ...] = ()
    """Secrets of its namespace that hold the authorities of other certificates in `ca.crt`."""
    certificates: tuple[str, ...] = ()
    """Secrets of its namespace that hold a certificate and its key."""


def ensure_workloads(
    azure: Azure, subscription: str, group: str, name: str, workloads: Iterable[Workload]
) -> Iterator[str]:
    """Namespaces and Services that a profile's hosts lead to, which are other teams' to run."""
    path = f"/subscriptions/{subscription}/resourceGroups/{group}/providers/{CLUSTER}/{name}"
    document = azure.store.get(CLUSTER, path)
    if document is None:
        return
    cluster = Cluster(azure, document["properties"]["resourceUID"])
    base.ensure_base(cluster, document)
    for workload in workloads:
        namespace = workload.namespace
        if not workload.creates_namespace and first_time(azure, f"seen:{cluster.uid}/{namespace}"):
            cluster.put(kinds.NAMESPACE, base.namespace(namespace))
            base.furnish(cluster, namespace)
            yield f"namespace {namespace} in {name}"
        there = cluster.get(kinds.NAMESPACE, namespace) is not None
        if (
            there
            and workload.service
            and first_time(azure, f"seen:{cluster.uid}/{namespace}/{workload.service}")
        ):
            cluster.put(kinds.SERVICE, _service(workload))
            yield f"service {workload.service} in namespace {namespace} of {name}"
        for secret in (*workload.authorities, *workload.certificates) if there else ():
            if first_time(azure, f"seen:{cluster.uid}/{namespace}/secret/{secret}"):
                cluster.put(kinds.SECRET, _secret(azure, workload, secret))
                yield f"secret {secret} in namespace {namespace} of {name}"


def _service(workload: Workload) -> Json:
    selector = {"app": workload.service}
    return {
        "metadata": {"name": workload.service, "namespace": workload.namespace, "labels": selector},
        "spec": {
            "type": "ClusterIP",
            "selector": selector,
            "ports": [{"port": port, "targetPort": port, "protocol": "TCP"} for port in workload.ports],
        },
    }


def _secret(azure: Azure, workload: Workload, name: str) -> Json:
    """All of them are of one authority: what one shows the other accepts."""
    metadata = {"name": name, "namespace": workload.namespace}
    if name in workload.authorities:
        texts = {"ca.crt": cluster_authority.authority(azure)}
    else:
        issued = cluster_authority.issue(azure, name, workload.namespace)
        texts = {"tls.crt": issued["certificate"], "tls.key": issued["key"]}
    data = {key: base64.b64encode(text.encode()).decode() for key, text in texts.items()}
    kind = "Opaque" if name in workload.authorities else "kubernetes.io/tls"
    return {"metadata": metadata, "type": kind, "data": data}
