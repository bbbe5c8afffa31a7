"""Addresses of Services of type LoadBalancer, as Azure's cloud provider hands them out.

Source of the annotations: cloud-provider-azure, "Load balancer annotations" (2026). Addresses are the
sandbox's own choice: derived from the Service's uid, so that one lives as long as its Service does.
"""

from __future__ import annotations

import hashlib
import ipaddress

from provision.sandbox.addons import events
from provision.sandbox.addons.site import Site
from provision.sandbox.addons.writing import CLOUD, change, set_status
from provision.sandbox.azure import Json
from provision.sandbox.kubernetes import kinds

INTERNAL = "service.beta.kubernetes.io/azure-load-balancer-internal"
ADDRESS = "service.beta.kubernetes.io/azure-load-balancer-ipv4"

_NODES = ipaddress.ip_network("10.224.0.0/16")
"""The subnet of the nodes in a virtual network that AKS makes."""
_PUBLIC = ipaddress.ip_network("20.0.0.0/8")


def reconcile(site: Site) -> None:
    """Every LoadBalancer Service gets its address; one that is no longer such loses it."""
    services = site.objects.list(kinds.SERVICE)
    taken = {address for service in services if (address := address_of(service))}
    for service in services:
        if service["spec"].get("type") == "LoadBalancer":
            _serve(site, service, taken)
        elif address_of(service):
            set_status(site, kinds.SERVICE, service, {"loadBalancer": {}}, CLOUD)


def address_of(service: Json | None) -> str:
    """The address a Service has been given, empty while there is none."""
    balancer = ((service or {}).get("status") or {}).get("loadBalancer") or {}
    return next((str(each["ip"]) for each in balancer.get("ingress") or () if each.get("ip")), "")


def _serve(site: Site, service: Json, taken: set[str]) -> None:
    annotations = service["metadata"].get("annotations") or {}
    internal = annotations.get(INTERNAL) == "true"
    pinned = annotations.get(ADDRESS) or service["spec"].get("loadBalancerIP") or ""
    if problem := _problem(pinned, internal=internal):
        message = f"Error syncing load balancer: failed to ensure load balancer: {problem}"
        events.warn(site, service, "SyncLoadBalancerFailed", message, "service-controller")
        return
    address = pinned or _keep(service, internal) or _choose(service, internal, taken)
    taken.add(address)
    service = change(site, kinds.SERVICE, service, _with_cluster_address(service), CLOUD)
    status = {"loadBalancer": {"ingress": [{"ip": address, "ipMode": "VIP"}]}}
    set_status(site, kinds.SERVICE, service, status, CLOUD)


def _problem(pinned: str, *, internal: bool) -> str:
    """Why a Service can't have the address it is pinned to, empty when it can.

    A public address is in no subnet, so an internal balancer can't have it. Source: the network provider's
    error code of that name, as users of AKS quote it (2024).
    """
    try:
        address = ipaddress.IPv4Address(pinned or "0.0.0.0")  # noqa: S104 (stands for none)
    except ValueError:
        return f"invalid IP address {pinned}"
    if pinned and internal and not address.is_private:
        return (
            f'Code="PrivateIPAddressNotInSubnet" Message="Private static IP address {pinned} does not belong'
            ' to the range of the subnet."'
        )
    return ""


def _keep(service: Json, internal: bool) -> str:
    """The present address, unless the Service moved between the public side and the internal one."""
    present = address_of(service)
    network = _NODES if internal else _PUBLIC
    return present if present and ipaddress.ip_address(present) in network else ""


def _choose(service: Json, internal: bool, taken: set[str]) -> str:
    network = _NODES if internal else _PUBLIC
    # the lowest addresses of the subnet belong to the nodes
    room = network.num_addresses - 512
    number = int(hashlib.sha256(service["metadata"]["uid"].encode()).hexdigest(), 16) % room
    while str(network[256 + number]) in taken:
        number = (number + 1) % room
    return str(network[256 + number])


def _with_cluster_address(service: Json) -> Json:
    if service["spec"].get("clusterIP"):
        return service
    number = int(hashlib.sha256(service["metadata"]["uid"].encode()).hexdigest(), 16) % 60000
    address = str(ipaddress.ip_network("10.0.0.0/16")[number + 256])
    spec = {**service["spec"], "clusterIP": address, "clusterIPs": [address]}
    return {**service, "spec": spec}
