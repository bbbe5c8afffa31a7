"""What subnets, registrations and Application Gateway for Containers cost whoever runs `provision`.

Sources: "Azure permissions for Networking" and "… for Management and governance", Microsoft Learn, 2026.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from provision.plan.permission import Costs, Operation, World, at, subscription_of, tagged
from provision.resources.network import ClusterSubnet, Subnet
from provision.resources.ref import Ref
from provision.resources.registration import PreviewFeature, ResourceProvider
from provision.resources.resource import Resource
from provision.resources.service_networking import (
    TRAFFIC_CONTROLLERS,
    Association,
    Frontend,
    PrivateEndpointConnection,
    SecurityPolicy,
    TrafficController,
)
from provision.resources.waf_policy import FIREWALL_POLICIES, WafPolicy

_CONNECTIONS = f"{TRAFFIC_CONTROLLERS}/privateEndpointConnections/read"
_NETWORKS = "Microsoft.Network/virtualNetworks"


def _provider(resource: ResourceProvider, world: World) -> Costs:
    """Registering is an action of the provider's own, and done once for a subscription."""
    where = f"/subscriptions/{resource.subscription}"
    register = () if resource.address in world.registered else at(where, f"{resource.name}/register/action")
    return {
        Operation.READ: at(where, "Microsoft.Resources/subscriptions/providers/read"),
        Operation.CREATE: register,
    }


def _feature(resource: PreviewFeature, world: World) -> Costs:
    """Its provider is registered again after it."""
    where = f"/subscriptions/{resource.subscription}"
    features = "Microsoft.Features/providers/features"
    provider = resource.name.partition("/")[0]
    register = at(where, f"{features}/register/action", f"{provider}/register/action")
    return {
        Operation.READ: at(where, f"{features}/read"),
        Operation.CREATE: () if resource.address in world.registered else register,
    }


def _subnet(resource: Subnet, world: World) -> Costs:
    """Its network is read as a whole. Delegating one is a write of it."""
    if not resource.create:
        return {Operation.READ: at(str(resource.id), f"{_NETWORKS}/read")}
    write = at(str(resource.id), f"{_NETWORKS}/subnets/write", f"{_NETWORKS}/subnets/read")
    return {
        Operation.READ: at(str(resource.id), f"{_NETWORKS}/read"),
        Operation.CREATE: write,
        Operation.UPDATE: write,
    }


def _cluster_subnet(resource: ClusterSubnet, world: World) -> Costs:
    group = resource.group
    where = (
        subscription_of(str(getattr(world.graph[group.address], "id", "")))
        if isinstance(group, Ref)
        else str(group)
    )
    look = at(where, "Microsoft.Resources/subscriptions/resourceGroups/resources/read", f"{_NETWORKS}/read")
    return {Operation.READ: look, Operation.CREATE: look}


def _traffic_controller(resource: Any, world: World, kind: str = "") -> Costs:
    """Source: "Azure permissions for Networking", Microsoft.ServiceNetworking, 2026. An association joins its
    subnet, a security policy its web application firewall policy. An association is never written again."""
    type_ = f"{TRAFFIC_CONTROLLERS}{kind}"
    write = at(str(resource.id), f"{type_}/write")
    if isinstance(resource, Association) and not isinstance(resource.subnet, Ref):
        write = (*write, *at(str(resource.subnet), f"{_NETWORKS}/subnets/join/action"))
    if isinstance(resource, SecurityPolicy) and resource.waf_policy:
        write = (*write, *at(str(resource.waf_policy), f"{FIREWALL_POLICIES}/join/action"))
    return {
        Operation.READ: (
            *at(str(resource.id), f"{type_}/read", *_ways(resource, world)),
            *tagged(str(resource.id)),
        ),
        Operation.CREATE: write,
        Operation.UPDATE: () if isinstance(resource, Association) else write,
        Operation.DELETE: at(str(resource.id), f"{type_}/delete"),
    }


def _ways(resource: Resource, world: World) -> tuple[str, ...]:
    """Private frontends have private endpoints, which are looked at with the gateway."""
    private = any(isinstance(each, Frontend) and not each.public for each in world.graph)
    return (_CONNECTIONS,) if private and isinstance(resource, TrafficController) else ()


def _endpoint_connection(resource: PrivateEndpointConnection, world: World) -> Costs:
    """Their names are the service's own, so that they are looked for among all of the gateway's."""
    where, type_ = str(resource.gateway), f"{TRAFFIC_CONTROLLERS}/privateEndpointConnections"
    return {
        Operation.READ: at(where, _CONNECTIONS),
        # A destroy gives the approval back by taking the connection away.
        Operation.UPDATE: at(where, f"{type_}/write", f"{type_}/delete"),
    }


def _waf_policy(resource: WafPolicy, world: World) -> Costs:
    return {Operation.READ: at(str(resource.id), f"{FIREWALL_POLICIES}/read")}


TABLE: Mapping[str, Callable[[Any, World], Costs]] = {
    ResourceProvider.KIND: _provider,
    PreviewFeature.KIND: _feature,
    Subnet.KIND: _subnet,
    ClusterSubnet.KIND: _cluster_subnet,
    WafPolicy.KIND: _waf_policy,
    PrivateEndpointConnection.KIND: _endpoint_connection,
    TrafficController.KIND: _traffic_controller,
    Frontend.KIND: partial(_traffic_controller, kind="/frontends"),
    Association.KIND: partial(_traffic_controller, kind="/associations"),
    SecurityPolicy.KIND: partial(_traffic_controller, kind="/securityPolicies"),
}
