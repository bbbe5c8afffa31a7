"""Rules for the settings of controllers and gateways."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator

from provision.errors import Problem
from provision.ingress import catalog, features
from provision.ingress.addresses import address_of, is_private
from provision.ingress.hosts import zone_group
from provision.ingress.nginx import has_own_controller
from provision.profile.loaded import LoadedProfile
from provision.profile.model import AppRouting, Istio, Profile
from provision.profile.nodes import Path


def _controller(loaded: LoadedProfile) -> Iterator[Problem]:
    ingress = loaded.profile.ingress
    path = ("ingress", "defaultController")
    if not isinstance(ingress, AppRouting) or ingress.implementation != "nginx":
        return
    if ingress.default_controller == "none" and not has_own_controller(ingress):
        message = "defaultController: none leaves implementation: nginx without a controller"
        yield loaded.problem(path, message, "Use another value, or implementation: gateway-api.")
    elif {ingress.default_controller, ingress.load_balancer} == {"external", "internal"}:
        message = (
            f"defaultController is {ingress.default_controller}, but loadBalancer is {ingress.load_balancer}"
        )
        yield loaded.problem(path, message, "Remove defaultController: it follows loadBalancer.")


def _static_address(loaded: LoadedProfile) -> Iterator[Problem]:
    ingress = loaded.profile.ingress
    if isinstance(ingress, AppRouting) and ingress.static_ip is not None:
        path = ("ingress", "staticIP")
        where = "loadBalancer is external" if ingress.load_balancer == "external" else ""
        hint = "Use a public address, or loadBalancer: internal."
        yield from static_address(loaded, path, ingress.static_ip, public=where, hint=hint)


def static_address(
    loaded: LoadedProfile, path: Path, text: str, *, public: str = "", private: str = "", hint: str = ""
) -> Iterator[Problem]:
    """What is wrong with a pinned address; `public` or `private` is why it must be such a one."""
    address = address_of(text)
    if address is None:
        yield loaded.problem(path, f"`{text}` is not an IP address", "Write one such as 20.50.1.2.")
    elif address.version == 6:
        message = f"{text} is an IPv6 address, but gateways and the hosts' records are IPv4"
        yield loaded.problem(path, message, "Write an IPv4 address.")
    elif public and is_private(address):
        yield loaded.problem(path, f"{text} is a private address, but {public}", hint)
    elif private and not is_private(address):
        yield loaded.problem(path, f"{text} is a public address, but {private}", hint)


def _one_address(loaded: LoadedProfile) -> Iterator[Problem]:
    """A Gateway reads certificates in its own namespace only, so that each namespace has one."""
    ingress = loaded.profile.ingress
    namespaces = sorted({host.namespace for host in loaded.profile.hosts.values()})
    if not isinstance(ingress, AppRouting) or ingress.implementation != "gateway-api":
        return
    if ingress.static_ip and len(namespaces) > 1:
        message = (
            f"staticIP is one address, but the hosts are in {len(namespaces)} namespaces: each has a Gateway"
        )
        hint = f"Put them into one of {', '.join(namespaces)}, or remove staticIP."
        yield loaded.problem(("ingress", "staticIP"), message, hint)


def _controller_settings(loaded: LoadedProfile) -> Iterator[Problem]:
    """Settings that only one of the implementations knows."""
    profile, ingress = loaded.profile, loaded.profile.ingress
    if not isinstance(ingress, AppRouting):
        return
    others = ("dnsNamespace",) if ingress.implementation == "nginx" else ("scaling", "defaultCertificate")
    other = "gateway-api" if ingress.implementation == "nginx" else "nginx"
    for name in others:
        if loaded.is_written(("ingress", name)):
            message = f"{name} belongs to implementation: {other}"
            yield loaded.problem(("ingress", name), message, f"Remove it, or use implementation: {other}.")
    if ingress.default_certificate and ingress.default_certificate not in profile.certificates:
        path = ("ingress", "defaultCertificate")
        name, table = ingress.default_certificate, profile.certificates
        yield loaded.problem(path, *unknown("certificate", name, "certificates", table))
    if ingress.scaling and ingress.scaling.min_replicas > ingress.scaling.max_replicas:
        least, most = ingress.scaling.min_replicas, ingress.scaling.max_replicas
        message = f"minReplicas {least} is more than maxReplicas {most}"
        yield loaded.problem(("ingress", "scaling", "minReplicas"), message, "Swap or change them.")


def _listeners_fit(loaded: LoadedProfile) -> Iterator[Problem]:
    """A host with TLS is a listener of its namespace's Gateway."""
    limit = catalog.GATEWAY_LISTENERS
    seen: dict[str, int] = {}
    for name, host in loaded.profile.hosts.items():
        if host.certificate or host.tls == "passthrough":
            seen[host.namespace] = seen.get(host.namespace, 0) + 1
            if seen[host.namespace] == limit.value and features.variant_of(loaded.profile).gateway_api:
                message = f"namespace {host.namespace} has more hosts with TLS than a Gateway has listeners"
                hint = (
                    f"At most {limit.value - 1}, beside the listener for plain HTTP: use another namespace."
                )
                yield loaded.problem(("hosts", name), message, hint)


def _zones_fit(loaded: LoadedProfile) -> Iterator[Problem]:
    """A group of zones is one ClusterExternalDNS."""
    profile, limit = loaded.profile, catalog.EXTERNAL_DNS_ZONES
    seen: dict[str, int] = {}
    for name, zone in profile.dns.zones.items() if _has_dns_controllers(profile) else ():
        group = zone_group(profile, name)
        seen[group] = seen.get(group, 0) + 1
        if seen[group] == limit.value + 1:
            message = (
                f"more than {limit.value} {zone.visibility} zones in resource group {zone.resource_group}"
            )
            hint = f"At most {limit.value} with Gateway API ({limit.text}): leave out those without hosts."
            yield loaded.problem(("dns", "zones", name), message, hint)


def _has_dns_controllers(profile: Profile) -> bool:
    """Whether app routing's operator writes the hosts' records, by ClusterExternalDNS objects."""
    if isinstance(profile.ingress, Istio):
        return profile.ingress.operator == "app-routing"
    return features.variant_of(profile).gateway_api


def unknown(kind: str, name: str, table: str, known: Iterable[str]) -> tuple[str, str]:
    """Message and hint for a name that should be in a table."""
    names = list(known)
    near = difflib.get_close_matches(name, names, 1)
    if near:
        hint = f"Did you mean `{near[0]}`?"
    else:
        hint = f"{table} has {', '.join(names)}." if names else f"The profile has no {table}."
    return f"there is no {kind} `{name}` in {table}", hint


RULES = (_controller, _static_address, _one_address, _controller_settings, _listeners_fit, _zones_fit)
