"""The virtual network that AKS makes in the node resource group of a cluster that brings none.

Its name, space and subnet are those of clusters that users show (2025 and 2026). "aks-appgateway" comes with
the Application Gateway for Containers add-on; its range is a choice of ours ("Deploy … using AKS Add-on",
Microsoft Learn, 2026-08, names the subnet only).
"""

from __future__ import annotations

import hashlib

from provision.sandbox import virtual_networks
from provision.sandbox.azure import Azure, Json
from provision.sandbox.virtual_networks import NETWORK, SUBNET

SPACE = "10.224.0.0/12"
NODES = "10.224.0.0/16"
GATEWAY_SUBNET = "aks-appgateway"
_GATEWAY_RANGE = "10.238.0.0/24"
_TRAFFIC_CONTROLLERS = "Microsoft.ServiceNetworking/trafficControllers"


def managed(cluster: Json) -> bool:
    """Whether the nodes are in a network that AKS made."""
    return not any(pool.get("vnetSubnetID") for pool in cluster["properties"]["agentPoolProfiles"])


def network_id(cluster: Json, node_group: str) -> str:
    digits = int(hashlib.sha256(cluster["properties"]["resourceUID"].encode()).hexdigest(), 16) % 10**8
    return f"{node_group}/providers/{NETWORK}/aks-vnet-{digits:08}"


def ensure(azure: Azure, cluster: Json, node_group: str) -> None:
    identifier = network_id(cluster, node_group)
    if managed(cluster) and azure.store.get(NETWORK, identifier) is None:
        virtual_networks.new_network(azure, identifier, cluster["location"], [SPACE], {"aks-subnet": NODES})


def ensure_gateway_subnet(azure: Azure, cluster: Json, node_group: str) -> None:
    """The add-on's delegated subnet, in a network that AKS made."""
    if managed(cluster):
        identifier = f"{network_id(cluster, node_group)}/subnets/{GATEWAY_SUBNET}"
        if azure.store.get(SUBNET, identifier) is None:
            virtual_networks.new_subnet(azure, identifier, _GATEWAY_RANGE, _TRAFFIC_CONTROLLERS)
