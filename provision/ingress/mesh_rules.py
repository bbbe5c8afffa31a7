"""Rules for the Istio service mesh option that hold without looking at Azure."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network

from provision.errors import Problem
from provision.ingress.controller_rules import static_address, unknown
from provision.ingress.hosts import gateway_name, object_name
from provision.ingress.secret_sync import secret_name
from provision.profile.loaded import LoadedProfile
from provision.profile.model import Host, IngressGateway, Istio, Profile
from provision.profile.nodes import Path
from provision.resources.mesh import LATEST, order

_INGRESS: Path = ("ingress",)


def _mesh(loaded: LoadedProfile) -> Istio | None:
    return loaded.profile.ingress if isinstance(loaded.profile.ingress, Istio) else None


def _operator(loaded: LoadedProfile) -> Iterator[Problem]:
    """App routing's operator knows Gateways of the Gateway API, and no others."""
    ingress = _mesh(loaded)
    if ingress is None:
        return
    if ingress.operator == "app-routing" and ingress.api == "istio":
        message = "app routing's operator serves Gateways of the Gateway API only, and api is istio"
        hint = "Write api: gateway-api, or remove operator: provision then brings certificates and records."
        yield loaded.problem((*_INGRESS, "operator"), message, hint)
    if ingress.dns_namespace and ingress.operator == "none":
        message = "dnsNamespace is for app routing's DNS controllers, and operator is none"
        hint = "Remove it, or write operator: app-routing."
        yield loaded.problem((*_INGRESS, "dnsNamespace"), message, hint)


def _gateways(loaded: LoadedProfile) -> Iterator[Problem]:
    ingress = _mesh(loaded)
    if ingress is None:
        return
    path: Path = (*_INGRESS, "gateways")
    modes = ingress.modes()
    if ingress.load_balancer not in modes:
        message = f"hosts use the {ingress.load_balancer} gateway unless they say otherwise, and it is off"
        hint = f"Write loadBalancer: {modes[0]}, or name {ingress.load_balancer} in gateways, too."
        yield loaded.problem(path, message, hint)
    if ingress.api == "gateway-api":
        for mode in modes:
            if mode != ingress.load_balancer:
                message = (
                    f"with api: gateway-api every namespace has a Gateway of its own, which loadBalancer"
                    f" makes {ingress.load_balancer}: there is none to be {mode}"
                )
                hint = f"Remove {mode}, or write api: istio, which has both."
                yield loaded.problem((*path, mode), message, hint)
    for mode in modes:
        if ingress.gateways.external or ingress.gateways.internal:
            yield from _gateway(loaded, ingress, mode, (*path, mode))


def _gateway(loaded: LoadedProfile, ingress: Istio, mode: str, path: Path) -> Iterator[Problem]:
    gateway = ingress.gateway(mode)
    yield from _addresses(loaded, gateway, mode, path)
    if mode == "external" and gateway.subnet:
        message = "an external gateway has a public address, and none in a subnet"
        yield loaded.problem((*path, "subnet"), message, "Remove subnet, or write it for internal.")
    if gateway.scaling and gateway.scaling.min_replicas > gateway.scaling.max_replicas:
        least, most = gateway.scaling.min_replicas, gateway.scaling.max_replicas
        message = f"minReplicas {least} is more than maxReplicas {most}"
        yield loaded.problem((*path, "scaling", "minReplicas"), message, "Swap or change them.")
    if gateway.resources and ingress.api == "istio":
        message = "AKS fixes what the pods of its own ingress gateways get"
        hint = "Write scaling instead, or api: gateway-api, whose gateways take resources."
        yield loaded.problem((*path, "resources"), message, hint)


def _addresses(loaded: LoadedProfile, gateway: IngressGateway, mode: str, path: Path) -> Iterator[Problem]:
    if gateway.static_ip:
        internal = mode == "internal"
        yield from static_address(
            loaded,
            (*path, "staticIP"),
            gateway.static_ip,
            public="" if internal else "this is the external gateway",
            private="this is the internal gateway, whose load balancer has addresses of the cluster's"
            " network only"
            if internal
            else "",
            hint="Write an address of the cluster's network, or none."
            if internal
            else "Write a public address, or pin it in gateways.internal.",
        )
    for index, text in enumerate(gateway.allowed_ip_ranges):
        try:
            ip_network(text)
        except ValueError as error:
            at = (*path, "allowedIPRanges", index)
            yield loaded.problem(
                at, f"`{text}` is no address range: {error}", "Write one such as 10.0.0.0/8."
            )


def _one_address(loaded: LoadedProfile) -> Iterator[Problem]:
    """With the Gateway API each namespace has a Gateway, and they can't share an address."""
    ingress = _mesh(loaded)
    namespaces = sorted({host.namespace for host in loaded.profile.hosts.values()})
    if ingress is None or ingress.api == "istio" or len(namespaces) < 2:
        return
    if ingress.gateway(ingress.load_balancer).static_ip:
        message = (
            f"staticIP is one address, but the hosts are in {len(namespaces)} namespaces: each has a Gateway"
        )
        hint = f"Put them into one of {', '.join(namespaces)}, or write api: istio, or remove staticIP."
        yield loaded.problem((*_INGRESS, "gateways", ingress.load_balancer, "staticIP"), message, hint)


def _host_gateways(loaded: LoadedProfile) -> Iterator[Problem]:
    ingress = _mesh(loaded)
    for name, host in loaded.profile.hosts.items():
        if host.load_balancer is None:
            continue
        path: Path = ("hosts", name, "loadBalancer")
        if ingress is None or ingress.api != "istio":
            message = (
                "only istio-service-mesh with api: istio has an external and an internal gateway at once"
            )
            yield loaded.problem(path, message, "Remove it: ingress.loadBalancer says it for all hosts.")
        elif host.load_balancer not in ingress.modes():
            message = f"host {name} uses the {host.load_balancer} gateway, which is off"
            hint = f"Add {host.load_balancer}: {{}} to ingress.gateways."
            yield loaded.problem(path, message, hint)


def _canary(loaded: LoadedProfile) -> Iterator[Problem]:
    ingress = _mesh(loaded)
    if ingress is None or ingress.canary is None:
        return
    path: Path = (*_INGRESS, "canary")
    canary = ingress.canary
    if ingress.revision == canary.revision:
        message = f"{canary.revision} is both the revision and its canary"
        hint = (
            f"To complete the upgrade remove canary; to begin it write the revision before {canary.revision}."
        )
        yield loaded.problem((*path, "revision"), message, hint)
    elif ingress.revision != LATEST and order(canary.revision) < order(ingress.revision):
        message = f"{canary.revision} is older than {ingress.revision}: AKS takes no downgrade"
        hint = "Write the newer one as canary, or roll an upgrade back by removing canary."
        yield loaded.problem((*path, "revision"), message, hint)
    known = {*ingress.sidecars}
    if ingress.api == "gateway-api":
        known |= {host.namespace for host in loaded.profile.hosts.values()}
    for index, namespace in enumerate(canary.namespaces):
        if namespace not in known:
            message, hint = unknown("namespace", namespace, "sidecars", sorted(known))
            yield loaded.problem((*path, "namespaces", index), message, hint)


def _authority(loaded: LoadedProfile) -> Iterator[Problem]:
    ingress = _mesh(loaded)
    if ingress is None or ingress.certificate_authority is None:
        return
    vault = ingress.certificate_authority.vault
    if vault not in loaded.profile.vaults:
        path: Path = (*_INGRESS, "certificateAuthority", "vault")
        yield loaded.problem(path, *unknown("vault", vault, "vaults", loaded.profile.vaults))


def _client_authorities(loaded: LoadedProfile) -> Iterator[Problem]:
    """With the Gateway API Istio finds the authorities of clients by the certificate's Secret alone.

    Source: istio, pilot/pkg/credentials/kube/secrets.go (`GatewaySdsCaSuffix`), 1.30.
    """
    ingress = _mesh(loaded)
    if ingress is None or ingress.api == "istio":
        return
    for name, host in loaded.profile.hosts.items():
        if host.tls == "mutual" and host.certificate and host.client_ca:
            wanted = f"{_certificate_secret(loaded.profile, ingress, name, host)}-cacert"
            if host.client_ca != wanted:
                message = (
                    f"Istio reads the authorities of clients of {name} from the Secret {wanted}, not from"
                    f" {host.client_ca}"
                )
                hint = f"Name that Secret {wanted} in namespace {host.namespace}, or write api: istio."
                yield loaded.problem(("hosts", name, "clientCA"), message, hint)


def _certificate_secret(profile: Profile, ingress: Istio, name: str, host: Host) -> str:
    if ingress.operator == "app-routing":
        return f"kv-gw-cert-{gateway_name(profile)}-{object_name(name)}"
    return secret_name(str(host.certificate))


RULES = (
    _operator,
    _gateways,
    _one_address,
    _host_gateways,
    _canary,
    _authority,
    _client_authorities,
)
