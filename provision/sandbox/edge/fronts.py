"""Who stands at an address: found in the objects of every cluster, each time anew."""

from __future__ import annotations

from collections.abc import Iterator

from provision.sandbox.addons.site import MESH_GATEWAY_NAMESPACE
from provision.sandbox.azure import Azure, Json
from provision.sandbox.cluster_document import KIND
from provision.sandbox.edge import frontends
from provision.sandbox.edge.alb import AlbFront
from provision.sandbox.edge.exchange import Front
from provision.sandbox.edge.gateway_api import GatewayFront
from provision.sandbox.edge.mesh import MeshFront
from provision.sandbox.edge.nginx import NginxFront
from provision.sandbox.kubernetes import crds, kinds
from provision.sandbox.kubernetes.objects import Cluster


def at(azure: Azure, address: str) -> Front | None:
    """The gateway at an address; None when there is none.

    Clusters in networks of their own may use the same internal address: the first in order of id has it.
    """
    frontend = frontends.at(azure, address)
    if frontend is not None:
        return AlbFront(azure, frontend)
    for cluster, service in _services(azure, address):
        for gateway in cluster.list(crds.GATEWAY):
            if address in _addresses(gateway):
                return GatewayFront(cluster, gateway, service)
        for controller in cluster.list(crds.NGINX_INGRESS_CONTROLLER):
            if _runs(controller, service):
                return NginxFront(cluster, controller, service)
        if _of_mesh(service):
            return MeshFront(cluster, service)
    return None


def is_address(azure: Azure, address: str) -> bool:
    """Whether an address belongs to a cluster or a frontend, whoever stands there."""
    return frontends.at(azure, address) is not None or any(_services(azure, address))


def _services(azure: Azure, address: str) -> Iterator[tuple[Cluster, Json]]:
    """The LoadBalancer Services that were given the address, with their clusters."""
    for document in azure.store.list(KIND):
        cluster = Cluster(azure, document["properties"]["resourceUID"])
        for service in cluster.list(kinds.SERVICE):
            balancer = (service.get("status") or {}).get("loadBalancer") or {}
            if any(each.get("ip") == address for each in balancer.get("ingress") or ()):
                yield cluster, service


def _addresses(gateway: Json) -> list[str]:
    return [each["value"] for each in (gateway.get("status") or {}).get("addresses") or ()]


def _of_mesh(service: Json) -> bool:
    """Whether the Service is that of an ingress gateway of the service mesh add-on."""
    namespace, name = service["metadata"]["namespace"], str(service["metadata"]["name"])
    return namespace == MESH_GATEWAY_NAMESPACE and name.startswith("aks-istio-ingressgateway-")


def _runs(controller: Json, service: Json) -> bool:
    """Whether the Service is of the controller: its status lists what it manages."""
    metadata = service["metadata"]
    wanted = {"kind": "Service", "name": metadata["name"], "namespace": metadata["namespace"]}
    managed = (controller.get("status") or {}).get("managedResourceRefs") or ()
    return any(wanted.items() <= each.items() for each in managed)
