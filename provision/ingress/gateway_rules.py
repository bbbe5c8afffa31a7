"""Rules for Application Gateway for Containers that hold without looking at Azure, and for what only it can
do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from ipaddress import ip_network

from provision.errors import Problem
from provision.ingress import features
from provision.ingress.catalog import GATEWAY_LISTENERS, Limit
from provision.ingress.gateway_facts import (
    CERTIFICATES,
    FRONTENDS,
    HOST_ROUTES,
    LEAST_ADDRESSES,
    LISTENERS,
    SERVICES,
)
from provision.ingress.hosts import by_namespace, zone_of
from provision.profile.loaded import LoadedProfile
from provision.profile.model import ApplicationGateway, Host
from provision.profile.nodes import Path
from provision.resources.waf_policy import FIREWALL_POLICIES

_ANOTHER = "Write a profile with a gateway of its own for it."
_SUBNETS = "/providers/microsoft.network/virtualnetworks/"
_ENDPOINTS = "/providers/microsoft.network/privateendpoints/"


def _settings(loaded: LoadedProfile) -> Iterator[Problem]:
    """Settings that only one kind of deployment or controller knows, and those that it needs."""
    ingress = loaded.profile.ingress
    if not isinstance(ingress, ApplicationGateway):
        return
    others = {
        "trafficController": ("deployment", ingress.deployment, "byo"),
        "ipAccessRules": ("deployment", ingress.deployment, "byo"),
        "loadBalancerNamespace": ("deployment", ingress.deployment, "managed"),
        "chartVersion": ("controller", ingress.controller, "helm"),
    }
    for name, (key, value, wanted) in others.items():
        if value != wanted and loaded.is_written(("ingress", name)):
            message = f"{name} belongs to {key}: {wanted}"
            yield loaded.problem(("ingress", name), message, f"Remove it, or write {key}: {wanted}.")
    if ingress.load_balancer == "internal" and ingress.deployment == "managed":
        message = "loadBalancer: internal needs deployment: byo: the controller makes public frontends only"
        yield loaded.problem(("ingress", "loadBalancer"), message, "Write deployment: byo, or external.")
    yield from _endpoints(loaded, ingress)
    if ingress.api == "ingress":
        for name, host in loaded.profile.hosts.items():
            if host.tls == "mutual":
                message = "api: ingress has no way to ask clients for a certificate"
                yield loaded.problem(("hosts", name, "tls"), message, "Write api: gateway-api.")
            if host.split:
                message = "api: ingress can't split requests among services"
                yield loaded.problem(("hosts", name, "split"), message, "Write api: gateway-api.")


def _endpoints(loaded: LoadedProfile, ingress: ApplicationGateway) -> Iterator[Problem]:
    if ingress.private_endpoints and ingress.load_balancer != "internal":
        message = "privateEndpoints lead to private frontends, and these are public"
        hint = "Write loadBalancer: internal, or remove privateEndpoints."
        yield loaded.problem(("ingress", "privateEndpoints"), message, hint)
    seen: set[str] = set()
    for index, endpoint in enumerate(ingress.private_endpoints):
        path: Path = ("ingress", "privateEndpoints", index)
        if _ENDPOINTS not in endpoint.lower():
            message = f"`{endpoint}` is not the id of a private endpoint"
            yield loaded.problem(path, message, "It ends /Microsoft.Network/privateEndpoints/<name>.")
        if endpoint.rpartition("/")[2].lower() in seen:
            message = "another private endpoint here has that name"
            yield loaded.problem(path, message, "Remove it, or make one of them under another name.")
        seen.add(endpoint.rpartition("/")[2].lower())


def _subnet(loaded: LoadedProfile) -> Iterator[Problem]:
    ingress = loaded.profile.ingress
    if not isinstance(ingress, ApplicationGateway):
        return
    if ingress.subnet is None:
        asks = [
            f"{key}: {value}"
            for key, value, wanted in (
                ("deployment", ingress.deployment, "byo"),
                ("controller", ingress.controller, "helm"),
            )
            if value == wanted
        ]
        if asks:
            message = f"{asks[0]} needs the subnet that the gateway gets"
            hint = "Write subnet: its resource id, of a network that the cluster's nodes reach."
            yield loaded.problem(("ingress", asks[0].partition(":")[0]), message, hint)
        for key in ("createSubnet", "subnetPrefix"):
            if loaded.is_written(("ingress", key)):
                yield loaded.problem(
                    ("ingress", key), f"{key} is about a subnet, and none is named", "Write subnet."
                )
        return
    if _SUBNETS not in ingress.subnet.lower() or "/subnets/" not in ingress.subnet.lower():
        message = f"`{ingress.subnet}` is not the id of a subnet"
        hint = "It ends /providers/Microsoft.Network/virtualNetworks/<name>/subnets/<name>."
        yield loaded.problem(("ingress", "subnet"), message, hint)
    if ingress.subnet_prefix is not None:
        yield from _prefix(loaded, ingress, ingress.subnet_prefix)


def _prefix(loaded: LoadedProfile, ingress: ApplicationGateway, prefix: str) -> Iterator[Problem]:
    path = ("ingress", "subnetPrefix")
    if not ingress.create_subnet:
        message = "subnetPrefix is for a subnet that is made"
        yield loaded.problem(path, message, "Write createSubnet: true, or remove subnetPrefix.")
    try:
        size = ip_network(prefix).num_addresses
    except ValueError as error:
        yield loaded.problem(
            path, f"`{prefix}` is no address range: {error}", "Write one such as 10.225.0.0/24."
        )
        return
    if size < LEAST_ADDRESSES.value:
        message = f"{prefix} has {size} addresses; the gateway needs {LEAST_ADDRESSES.value}"
        yield loaded.problem(
            path, message, "Write a /24, which is all that a cluster with Azure CNI Overlay takes."
        )


def _firewall(loaded: LoadedProfile) -> Iterator[Problem]:
    ingress = loaded.profile.ingress
    if not isinstance(ingress, ApplicationGateway):
        return
    kind = f"/providers/{FIREWALL_POLICIES}/".lower()
    if ingress.waf_policy and kind not in ingress.waf_policy.lower():
        message = f"`{ingress.waf_policy}` is not the id of a web application firewall policy"
        yield loaded.problem(("ingress", "wafPolicy"), message, f"It ends /{FIREWALL_POLICIES}/<name>.")
    seen: set[tuple[str, object]] = set()
    for index, rule in enumerate(ingress.ip_access_rules):
        path: Path = ("ingress", "ipAccessRules", index)
        for key, value in (("name", rule.name), ("priority", rule.priority)):
            if (key, value) in seen:
                yield loaded.problem((*path, key), f"two rules have the {key} {value}", "Change one of them.")
            seen.add((key, value))
        for position, address in enumerate(rule.addresses):
            try:
                ip_network(address)
            except ValueError as error:
                at = (*path, "addresses", position)
                yield loaded.problem(at, f"`{address}` is no address range: {error}")


def _hosts(loaded: LoadedProfile) -> Iterator[Problem]:
    """A frontend has a name and no address: nothing but a CNAME leads to it, and a zone itself can't be
    one."""
    profile = loaded.profile
    if not isinstance(profile.ingress, ApplicationGateway):
        return
    for name in profile.hosts:
        if name == zone_of(name, profile.dns.zones):
            message = f"{name} is a zone itself, which can't lead to a frontend: that takes a CNAME record"
            hint = (
                f"Serve www.{name} and redirect {name} to it from elsewhere, put an Azure Front Door with an"
                " alias record in front, or use an option with an address: app-routing, istio-service-mesh."
            )
            yield loaded.problem(("hosts", name), message, hint)
    spaces = by_namespace(profile)
    if len(spaces) > FRONTENDS.value:
        message = f"the hosts are in {len(spaces)} namespaces, and each needs a frontend"
        hint = f"At most {FRONTENDS.value} are possible ({FRONTENDS.text}): bring hosts together."
        yield loaded.problem(("hosts",), message, hint)


def _limits(loaded: LoadedProfile) -> Iterator[Problem]:
    """What one gateway holds. Of hosts beyond a limit the first is named."""
    ingress = loaded.profile.ingress
    if not isinstance(ingress, ApplicationGateway):
        return
    told: set[Limit] = set()
    counts: Counter[Limit] = Counter()
    listening: Counter[str] = Counter()
    services: set[tuple[str, str]] = set()
    for name, host in loaded.profile.hosts.items():
        secure = int(host.certificate is not None)
        # A Gateway listens for plain HTTP too, from where a host with TLS has a route to HTTPS.
        listening[host.namespace] += secure
        services |= {(host.namespace, service.name) for service in (host.service, *host.split)}
        counts[HOST_ROUTES] += 1 + secure
        counts[CERTIFICATES] += secure
        counts[SERVICES] = len(services)
        if ingress.api == "gateway-api":
            counts[LISTENERS] = listening.total() + len(listening)
            counts[GATEWAY_LISTENERS] = listening[host.namespace] + 1
        for limit, number in counts.items():
            if number > limit.value and limit not in told:
                told.add(limit)
                message = f"with host {name} it is {number} {limit.text}, and {limit.value} are possible"
                hint = "Put it into another namespace." if limit == GATEWAY_LISTENERS else _ANOTHER
                yield loaded.problem(("hosts", name), message, f"{hint} Source: {limit.source}, {limit.date}")


def _mutual(loaded: LoadedProfile) -> Iterator[Problem]:
    able = features.variant_of(loaded.profile).ability("tls-mutual").support != "no"
    for name, host in loaded.profile.hosts.items():
        if host.tls == "mutual" and host.certificate and able and not host.client_ca:
            message = f"host {name} has tls: mutual, and nobody says whose client certificates are good"
            hint = "Write clientCA: the Secret of its namespace whose ca.crt holds their authorities."
            yield loaded.problem(("hosts", name, "tls"), message, hint)
        elif host.client_ca and host.tls != "mutual":
            message = f"host {name} has a clientCA, but does not ask clients for a certificate"
            yield loaded.problem(("hosts", name, "clientCA"), message, "Write tls: mutual, or remove it.")


def _services(loaded: LoadedProfile) -> Iterator[Problem]:
    """Policies are about a service: two hosts that lead to it must ask the same of it."""
    seen: dict[tuple[str, str, str], tuple[str, object]] = {}
    for name, host in loaded.profile.hosts.items():
        for service in (host.service, *host.split):
            for key, value in _of_service(host).items():
                other, first = seen.setdefault((host.namespace, service.name, key), (name, value))
                if first != value:
                    message = (
                        f"hosts {other} and {name} ask different things of service {service.name}: {key}"
                    )
                    yield loaded.problem(("hosts", name, key), message, "Write the same for both.")


def _of_service(host: Host) -> Mapping[str, object]:
    return {"backendTLS": host.backend_tls, "healthCheck": host.health_check}


def _split(loaded: LoadedProfile) -> Iterator[Problem]:
    for name, host in loaded.profile.hosts.items():
        names = [service.name for service in (host.service, *host.split)]
        path = ("hosts", name, "split")
        if len(set(names)) < len(names):
            yield loaded.problem(path, f"host {name} names a service twice", "Keep one of them.")
        weights = [service.weight for service in (host.service, *host.split)]
        if host.split and all(weight == 0 for weight in weights):
            yield loaded.problem(path, "no service gets a request: every weight is 0", "Give one a weight.")
        if not host.split and host.service.weight is not None:
            message = f"the weight of service {host.service.name} means nothing alone"
            yield loaded.problem(("hosts", name, "service", "weight"), message, "Add split, or remove it.")


RULES = (_settings, _subnet, _firewall, _hosts, _limits, _mutual, _services, _split)
