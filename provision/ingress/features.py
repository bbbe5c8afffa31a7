"""What a profile asks of its ingress option, and which variant can give it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from provision.ingress.hosts import service_accounts
from provision.ingress.variants import (
    APP_ROUTING_GATEWAY,
    APP_ROUTING_NGINX,
    APPLICATION_GATEWAY,
    ISTIO_CLASSIC,
    ISTIO_GATEWAY,
    VARIANTS,
    Capability,
    Variant,
)
from provision.profile.model import ApplicationGateway, AppRouting, Host, Istio, Profile


class Requirement(NamedTuple):
    """One thing a profile asks for. `path` is where it does, `amount` how much where that counts."""

    capability: Capability
    text: str
    path: tuple[str | int, ...]
    amount: int = 0


_VISIBILITIES: tuple[tuple[str, Capability, Capability], ...] = (
    ("public", "public-zones", "public-zone-groups"),
    ("private", "private-zones", "private-zone-groups"),
)


def variant_of(profile: Profile) -> Variant:
    """The variant that the profile chooses."""
    match profile.ingress:
        case AppRouting(implementation="nginx"):
            return APP_ROUTING_NGINX
        case AppRouting():
            return APP_ROUTING_GATEWAY
        case ApplicationGateway():
            return APPLICATION_GATEWAY
        case Istio(api="istio"):
            return ISTIO_CLASSIC
        case Istio():
            return ISTIO_GATEWAY


def requirements(profile: Profile) -> tuple[Requirement, ...]:
    """Everything that the options differ in and the profile asks for."""
    return (*_of_gateway(profile), *_of_hosts(profile), *_of_zones(profile))


def _of_gateway(profile: Profile) -> Iterator[Requirement]:
    ingress = profile.ingress
    where = ingress.load_balancer
    yield Requirement(where, f"{where} load balancer", ("ingress", "loadBalancer"))
    if not isinstance(ingress, ApplicationGateway) and ingress.client_source_ip == "preserve":
        yield Requirement("client-source-ip", "client source IP preserved", ("ingress", "clientSourceIP"))
    if isinstance(ingress, AppRouting) and ingress.static_ip:
        yield Requirement("static-ip", f"static IP address {ingress.static_ip}", ("ingress", "staticIP"))


def _of_hosts(profile: Profile) -> Iterator[Requirement]:
    for name, host in profile.hosts.items():
        if host.tls == "mutual":
            yield Requirement("tls-mutual", f"mutual TLS on {name}", ("hosts", name, "tls"))
        elif host.tls == "passthrough":
            yield Requirement("tls-passthrough", f"TLS passthrough on {name}", ("hosts", name, "tls"))
        for capability, key, text, asked in _WISHES:
            if asked(host):
                yield Requirement(capability, f"{text} of {name}", ("hosts", name, key))
    if any(host.certificate for host in profile.hosts.values()):
        yield Requirement("key-vault", "certificates in Key Vault", ("certificates",))
    namespace = profile.ingress.dns_namespace if isinstance(profile.ingress, AppRouting) else None
    accounts = service_accounts(profile, namespace)
    if accounts:
        amount = len(accounts)
        yield Requirement("service-accounts", _counted(amount, "service account"), ("hosts",), amount)


_WISHES: tuple[tuple[Capability, str, str, Callable[[Host], object]], ...] = (
    ("traffic-split", "split", "requests split among services", lambda host: host.split),
    ("backend-tls", "backendTLS", "TLS to the service", lambda host: host.backend_tls),
    ("health-check", "healthCheck", "a health check of its own", lambda host: host.health_check),
    ("timeout", "timeoutSeconds", "a request timeout", lambda host: host.timeout_seconds is not None),
)
"""Capability, key, words, and whether a host asks for it."""


def _of_zones(profile: Profile) -> Iterator[Requirement]:
    zones = profile.dns.zones.values()
    path = ("dns", "zones")
    if zones:
        yield Requirement("zones", _counted(len(zones), "DNS zone"), path, len(zones))
    for visibility, capability, spread in _VISIBILITIES:
        groups = {
            ((zone.subscription or profile.azure.subscription).lower(), zone.resource_group.lower())
            for zone in zones
            if zone.visibility == visibility
        }
        if groups:
            yield Requirement(capability, f"{visibility} DNS zones", path)
        if len(groups) > 1:
            text = f"{visibility} zones in {len(groups)} resource groups"
            yield Requirement(spread, text, path, len(groups))


def _counted(amount: int, noun: str) -> str:
    return f"{amount} {noun}{'s' * (amount != 1)}"


def lacking(variant: Variant, requirement: Requirement) -> str | None:
    """Why `variant` can't do what is asked, or None when it can."""
    ability = variant.ability(requirement.capability)
    if ability.support == "no":
        return ability.text
    if ability.limit is not None and requirement.amount > ability.limit.value:
        return f"at most {ability.limit.value} ({ability.limit.text})"
    return None


def condition(variant: Variant, requirement: Requirement) -> str | None:
    """Under which condition `variant` can do what is asked, or None when there is none."""
    ability = variant.ability(requirement.capability)
    return ability.text if ability.support == "partly" else None


def able(requirement: Requirement) -> tuple[Variant, ...]:
    """The variants that can do what is asked."""
    return tuple(each for each in VARIANTS if lacking(each, requirement) is None)


class Verdict(NamedTuple):
    """Whether a variant can do all that a profile asks: what it lacks, and its conditions."""

    variant: Variant
    chosen: bool
    lacks: tuple[tuple[Requirement, str], ...]
    conditions: tuple[tuple[Requirement, str], ...]


def compare(profile: Profile) -> tuple[Verdict, ...]:
    """The verdict on each variant, in the order of `VARIANTS`."""
    asked = requirements(profile)
    chosen = variant_of(profile)
    return tuple(
        Verdict(
            variant,
            variant is chosen,
            tuple((each, why) for each in asked if (why := lacking(variant, each)) is not None),
            tuple((each, text) for each in asked if (text := condition(variant, each)) is not None),
        )
        for variant in VARIANTS
    )
