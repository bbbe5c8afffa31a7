"""What subnet, region, firewall policy and an earlier gateway must be like, checked on what was read and
before anything is written."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network

from provision.errors import ProvisionError
from provision.ingress.application_gateway import graph
from provision.ingress.catalog import Limit
from provision.ingress.gateway_facts import (
    AMPLE_ADDRESSES,
    ASSOCIATIONS,
    FRONTENDS,
    LEAST_ADDRESSES,
    OVERLAY_PREFIX,
    REGIONS,
)
from provision.plan.plan import Observation
from provision.profile.model import ApplicationGateway, Profile
from provision.resources.graph import ResourceGraph
from provision.resources.manifest import APPLICATION_LOAD_BALANCER, Manifest
from provision.resources.network import DELEGATION, Subnet
from provision.resources.observed import Absent, Present
from provision.resources.service_networking import Association, Frontend, TrafficController
from provision.resources.waf_policy import WafPolicy

_OLD_RULES = "OWASP"
"""The Core Rule Set. Application Gateway for Containers takes Microsoft's default rule set (2.1 and later)
and none of CRS 3.2 or older. Source: "Azure Web Application Firewall on Application Gateway for
Containers", Microsoft Learn, 2026-06."""


def problems(profile: Profile, observation: Observation, cluster: Present) -> Iterator[ProvisionError]:
    """Every reason why the gateway can't be had. What could not be read is the plan's to report."""
    ingress = profile.ingress
    if not isinstance(ingress, ApplicationGateway):
        return
    location = str(cluster.outputs.get("location") or "").replace(" ", "").lower()
    if location and location not in REGIONS:
        yield ProvisionError(
            f"checking cluster {profile.cluster.name}",
            f"Application Gateway for Containers is not offered in {location}",
            f"It is in {', '.join(sorted(REGIONS))}.",
        )
    yield from _moved(profile, ingress, observation)
    for resource in graph(profile, ingress):
        observed = observation.objects.get(resource.address)
        if isinstance(resource, Subnet) and isinstance(observed, Present):
            holds = _has_association(profile, ingress, observation)
            yield from _subnet(resource, observed, location, holds=holds)
            yield from _overlay(resource, str(observed.outputs.get("prefix")), cluster)
        elif isinstance(resource, Subnet) and isinstance(observed, Absent):
            yield from _no_subnet(resource)
            yield from _overlay(resource, resource.prefix, cluster)
        elif isinstance(resource, WafPolicy) and isinstance(observed, Present):
            yield from _rule_sets(resource, observed)
        elif isinstance(resource, TrafficController) and isinstance(observed, Present):
            yield from _full(resource, observed, graph(profile, ingress))


def warnings(profile: Profile, observation: Observation, cluster: Present) -> list[str]:
    """What is allowed but deserves a look."""
    ingress = profile.ingress
    if not isinstance(ingress, ApplicationGateway):
        return []
    found = []
    for resource in graph(profile, ingress):
        observed = observation.objects.get(resource.address)
        if isinstance(resource, Subnet) and isinstance(observed, Present):
            if not _is_overlay(cluster) and not _has_association(profile, ingress, observation):
                free = _free(observed)
                if LEAST_ADDRESSES.value <= free < AMPLE_ADDRESSES.value:
                    found.append(
                        f"{resource.address} has {free} free addresses: enough for the gateway, not for"
                        f" another beside it while it is replaced ({AMPLE_ADDRESSES.value})"
                    )
            if group := observed.outputs.get("securityGroup"):
                name = str(group).rsplit("/", 1)[-1]
                found.append(
                    f"{resource.address} has the network security group {name}: it must let in ports 80 and"
                    " 443 from the clients and 65200-65535 from Azure, and let out to the pods"
                )
    return found


def _subnet(subnet: Subnet, observed: Present, location: str, *, holds: bool) -> Iterator[ProvisionError]:
    doing = f"checking {subnet.address}"
    network, _, name = str(subnet.id).partition("/subnets/")
    group, vnet = network.split("/")[4], network.rsplit("/", 1)[-1]
    named = f"--resource-group {group} --vnet-name {vnet} --name {name}"
    given: object = observed.outputs.get("delegations")
    delegated = given if isinstance(given, frozenset) else frozenset()
    others = sorted(str(each) for each in delegated if each != DELEGATION)
    if others:
        yield ProvisionError(
            doing,
            f"it is delegated to {', '.join(others)}, so that no gateway gets into it",
            "Name a subnet that nothing else uses.",
        )
    elif DELEGATION not in delegated and not subnet.create:
        yield ProvisionError(
            doing,
            f"it is not delegated to {DELEGATION}",
            "Write ingress.createSubnet: true, or have it delegated:",
            f"az network vnet subnet update {named} --delegations {DELEGATION}",
        )
    place = str(observed.outputs.get("location") or "").replace(" ", "").lower()
    if place and location and place != location:
        yield ProvisionError(
            doing,
            f"its network is in {place} and the cluster in {location}",
            "Name a subnet of a network in the cluster's region.",
        )
    free = _free(observed)
    if not holds and free < LEAST_ADDRESSES.value:
        used = observed.outputs.get("used")
        yield ProvisionError(
            doing,
            f"{observed.outputs.get('prefix')} has {free} free addresses ({used} are taken), and the gateway"
            f" needs {LEAST_ADDRESSES.value}",
            "Name a subnet of a /24 or larger that nothing else is in: a subnet that is in use can't grow.",
        )


def _no_subnet(subnet: Subnet) -> Iterator[ProvisionError]:
    if subnet.create and not subnet.prefix:
        yield ProvisionError(
            f"checking {subnet.address}",
            "it does not exist, and the profile gives it no address range",
            "Write ingress.subnetPrefix, such as 10.225.0.0/24: a free range of its network.",
        )


def _is_overlay(cluster: Present) -> bool:
    return str(cluster.outputs.get("networkPluginMode") or "").casefold() == "overlay"


def _overlay(subnet: Subnet, prefix: str, cluster: Present) -> Iterator[ProvisionError]:
    """With overlay the controller gives the subnet's range to the nodes, which take so much and no more."""
    if not _is_overlay(cluster) or "/" not in prefix:
        return
    if ip_network(prefix, strict=False).prefixlen < OVERLAY_PREFIX.value:
        yield ProvisionError(
            f"checking {subnet.address}",
            f"{prefix} is larger than a /{OVERLAY_PREFIX.value}, which the controller refuses in a cluster"
            " with Azure CNI Overlay",
            f"Name a subnet of a /{OVERLAY_PREFIX.value} ({OVERLAY_PREFIX.text}).",
        )


def _free(observed: Present) -> int:
    """Addresses of the subnet less those that are taken. Azure's own five are not counted: what the service
    asks for is a /24."""
    try:
        size = ip_network(str(observed.outputs.get("prefix"))).num_addresses
    except ValueError:
        return 0
    used = observed.outputs.get("used")
    return size - (used if isinstance(used, int) else 0)


def _has_association(profile: Profile, ingress: ApplicationGateway, observation: Observation) -> bool:
    """Whether the gateway is in the subnet already, and holds its addresses itself."""
    for resource in graph(profile, ingress):
        mine = isinstance(resource, Association) or (
            isinstance(resource, Manifest) and resource.api == APPLICATION_LOAD_BALANCER
        )
        if mine and isinstance(observation.objects.get(resource.address), Present):
            return True
    return False


def _full(
    controller: TrafficController, observed: Present, declared: ResourceGraph
) -> Iterator[ProvisionError]:
    """What others made in the gateway takes the places of ours."""
    kinds: tuple[tuple[type[Association] | type[Frontend], Limit], ...] = (
        (Association, ASSOCIATIONS),
        (Frontend, FRONTENDS),
    )
    for kind, limit in kinds:
        seen: object = observed.outputs.get(f"{kind.KIND}s")
        there = seen if isinstance(seen, frozenset) else frozenset()
        ours = {each.id for each in declared if isinstance(each, kind)}
        others = sorted(str(each).rpartition("/")[2] for each in there - ours)
        if others and len(there | ours) > limit.value:
            plural = "s" if len(others) > 1 else ""
            yield ProvisionError(
                f"checking {controller.address}",
                f"the {kind.KIND}{plural} {', '.join(others)} of others and the profile's {len(ours)} are"
                f" together {len(there | ours)}, and it takes {limit.value}",
                "Name another traffic controller under ingress.trafficController, or have what is not needed"
                " taken away:",
                f"az resource delete --ids {controller.id}/{kind.KIND}s/{others[0]}",
            )


def _rule_sets(policy: WafPolicy, observed: Present) -> Iterator[ProvisionError]:
    doing = f"checking {policy.address}"
    sets: object = observed.outputs.get("ruleSets")
    old = [each for each in sets if str(each).startswith(_OLD_RULES)] if isinstance(sets, tuple) else []
    if old:
        yield ProvisionError(
            doing,
            f"it has the rule set {', '.join(map(str, old))}, which Application Gateway for Containers does"
            " not take",
            "Give it Microsoft_DefaultRuleSet 2.1, or name another policy:",
            f"az network application-gateway waf-policy managed-rule rule-set update --resource-group"
            f" {str(policy.id).split('/')[4]} --policy-name {policy.name} --type Microsoft_DefaultRuleSet"
            " --version 2.1",
        )


def _moved(
    profile: Profile, ingress: ApplicationGateway, observation: Observation
) -> Iterator[ProvisionError]:
    """A gateway can't change hands: what the controller made is the controller's."""
    left = [each for each in observation.orphans if not isinstance(each, ProvisionError)]
    if ingress.deployment == "byo":
        earlier = any(
            isinstance(each, Manifest) and each.api == APPLICATION_LOAD_BALANCER for each, _ in left
        )
        was = "managed"
    else:
        earlier = any(isinstance(each, TrafficController) for each, _ in left)
        was = "byo"
    if earlier:
        yield ProvisionError(
            f"checking the gateway of profile {profile.name}",
            f"it was made with deployment: {was}, and an apply with {ingress.deployment} would take it away"
            " before the new one answers",
            f"Copy the profile, give the copy another name and deployment: {ingress.deployment}, apply it,"
            " see that provision verify is green with its hosts, and then take the old one away:",
            "provision destroy PROFILE",
        )
