"""What every cluster holds from the start, and what comes with each namespace."""

from __future__ import annotations

from provision.sandbox.azure import Azure
from provision.sandbox.cluster_document import KIND
from provision.sandbox.http import Json
from provision.sandbox.kubernetes import kinds
from provision.sandbox.kubernetes.objects import Cluster

PROTECTED = ("default", "kube-system", "kube-public", "kube-node-lease")
"""Namespaces that are there from the start; the first three may not be deleted."""

_KNOWN = "kubernetes:cluster"


def document_of(azure: Azure, uid: str) -> Json | None:
    """The ARM document of the cluster whose `properties.resourceUID` is `uid`; None when it is gone."""
    known = azure.store.get(_KNOWN, uid)
    if known is not None:
        return azure.store.get(KIND, known["id"])
    for document in azure.store.list(KIND):
        if document["properties"].get("resourceUID") == uid:
            return document
    return None


def ensure_base(cluster: Cluster, document: Json) -> None:
    """Make the base objects of a cluster that has none yet, also in a state of an older version.

    `document` is the cluster's ARM document.
    """
    store = cluster.azure.store
    if store.get(_KNOWN, cluster.uid) is not None:
        return
    store.put(_KNOWN, cluster.uid, {"id": document["id"]})
    for name in PROTECTED:
        cluster.put(kinds.NAMESPACE, namespace(name))
        furnish(cluster, name)
    network = document["properties"].get("networkProfile") or {}
    first = str(network.get("serviceCidr") or "10.0.0.0/16").split("/")[0].rpartition(".")[0] + ".1"
    cluster.put(kinds.SERVICE, _kubernetes(first))


def forget(azure: Azure, uid: str) -> None:
    """Drop everything of a cluster that was deleted."""
    for kind, id_ in azure.store.ids(f"{uid}/"):
        azure.store.delete(kind, id_)
    for kind in (_KNOWN, "kubernetes:version"):
        azure.store.delete(kind, uid)


def namespace(name: str) -> Json:
    """An active namespace, as the API server stores one."""
    return {
        "metadata": {"name": name, "labels": {"kubernetes.io/metadata.name": name}},
        "spec": {"finalizers": ["kubernetes"]},
        "status": {"phase": "Active"},
    }


def furnish(cluster: Cluster, name: str) -> None:
    """What controllers put into a new namespace: its default service account."""
    cluster.put(kinds.SERVICE_ACCOUNT, {"metadata": {"name": "default", "namespace": name}})


def _kubernetes(address: str) -> Json:
    labels = {"component": "apiserver", "provider": "kubernetes"}
    return {
        "metadata": {"name": "kubernetes", "namespace": "default", "labels": labels},
        "spec": {
            "clusterIP": address,
            "clusterIPs": [address],
            "internalTrafficPolicy": "Cluster",
            "ipFamilies": ["IPv4"],
            "ipFamilyPolicy": "SingleStack",
            "ports": [{"name": "https", "port": 443, "protocol": "TCP", "targetPort": 443}],
            "sessionAffinity": "None",
            "type": "ClusterIP",
        },
        "status": {"loadBalancer": {}},
    }
