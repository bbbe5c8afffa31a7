"""Deployment byo of Application Gateway for Containers: its resources in Azure, which are the profile's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from provision.ingress.hosts import by_namespace
from provision.ingress.objects import addresses
from provision.profile.model import ApplicationGateway, IpAccessRule, Profile
from provision.resources.arm import resource_id
from provision.resources.managed_cluster import ManagedCluster
from provision.resources.ref import Ref
from provision.resources.resource import Resource
from provision.resources.service_networking import (
    IP_ACCESS,
    TRAFFIC_CONTROLLERS,
    WAF,
    Association,
    Frontend,
    PrivateEndpointConnection,
    SecurityPolicy,
    TrafficController,
)
from provision.resources.values import CaseInsensitive, Value
from provision.resources.waf_policy import WafPolicy


def gateway_name(profile: Profile, ingress: ApplicationGateway) -> str:
    return ingress.traffic_controller.name or f"agc-{profile.name}"


def gateway_id(profile: Profile, ingress: ApplicationGateway) -> CaseInsensitive:
    group = ingress.traffic_controller.resource_group or profile.cluster.resource_group
    name = gateway_name(profile, ingress)
    return resource_id(profile.azure.subscription, group, TRAFFIC_CONTROLLERS, name)


def azure_gateway(
    profile: Profile,
    ingress: ApplicationGateway,
    cluster: ManagedCluster,
    network: list[Resource],
    registered: tuple[str, ...],
) -> Iterator[Resource]:
    """With byo: the traffic controller, its association, security policies and a frontend a namespace."""
    if ingress.deployment == "managed":
        return
    name, id_ = gateway_name(profile, ingress), gateway_id(profile, ingress)
    location = Ref(cluster.address, "location")
    controller = TrafficController(name=name, id=id_, location=location, after=registered)
    yield controller
    association = Association(
        name=f"{name}/{profile.name}",
        id=CaseInsensitive(f"{id_}/associations/{profile.name}"),
        location=location,
        subnet=CaseInsensitive(str(ingress.subnet)),
        after=(controller.address, *addresses(network)),
    )
    yield association
    private = ingress.load_balancer == "internal"
    policies: dict[str, Value] = {}
    for kind, policy in _policies(profile, ingress, name, id_, location):
        yield policy
        policies[kind] = Ref(policy.address, "id")
    frontends = [
        Frontend(
            name=f"{name}/{namespace}",
            id=CaseInsensitive(f"{id_}/frontends/{namespace}"),
            location=location,
            public=not private,
            policies=policies,
            association=association.id if private else None,
            after=(association.address if private else controller.address,),
        )
        for namespace in by_namespace(profile)
    ]
    yield from frontends
    for endpoint in ingress.private_endpoints if frontends else ():
        yield PrivateEndpointConnection(
            name=f"{name}/{endpoint.rpartition('/')[2]}",
            gateway=id_,
            endpoint=CaseInsensitive(endpoint),
            frontends=tuple(Ref(each.address, "id") for each in frontends),
        )


def _policies(
    profile: Profile, ingress: ApplicationGateway, name: str, id_: CaseInsensitive, location: Value
) -> Iterator[tuple[str, SecurityPolicy]]:
    after = (f"{TrafficController.KIND}/{name}",)
    if ingress.waf_policy:
        waf = WafPolicy.of(ingress.waf_policy)
        yield (
            WAF,
            SecurityPolicy(
                name=f"{name}/waf",
                id=CaseInsensitive(f"{id_}/securityPolicies/waf"),
                location=location,
                waf_policy=waf.id,
                after=(*after, waf.address),
            ),
        )
    if ingress.ip_access_rules:
        rules = sorted(ingress.ip_access_rules, key=lambda rule: rule.priority)
        yield (
            IP_ACCESS,
            SecurityPolicy(
                name=f"{name}/ip-access",
                id=CaseInsensitive(f"{id_}/securityPolicies/ip-access"),
                location=location,
                rules=tuple(map(_rule, rules)),
                after=after,
            ),
        )


def _rule(rule: IpAccessRule) -> Mapping[str, Value]:
    return {
        "name": rule.name,
        "priority": rule.priority,
        "action": rule.action,
        "sourceAddressPrefixes": rule.addresses,
    }
