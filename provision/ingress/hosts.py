"""What the objects of a host are called, and which resources its traffic depends on."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from provision.ingress.zones import zone_ids
from provision.profile.model import Host, Profile, Zone
from provision.resources.certificate import Certificate
from provision.resources.dns import DnsZone, HostRecord, PrivateDnsZone, RecordSet
from provision.resources.graph import ResourceGraph
from provision.resources.manifest import Manifest
from provision.resources.ref import Ref

_LONGEST_NAME = 30
_LONGEST_GATEWAY = 21
_LONGEST_GROUP = 34
"""Of a host's name, a Gateway's and the profile's part of a group's: they keep the labels that the add-on
makes of them within 63 characters (`kv-gw-cert-<gateway>-<listener>`, `keyvault-<ingress>`,
`<group>-external-dns`). Source: Azure/aks-app-routing-operator, placeholder_pod.go and external_dns.go,
2026-06."""

_TTL = 300
"""Seconds, as the add-on's own records have."""


@dataclass(frozen=True, slots=True)
class HostChain:
    """Everything between a host's name and its answer.

    `needs` are addresses of the graph that the host depends on, dependencies first; `front` is the object
    that has the gateway's address (a Gateway, the Ingress with NGINX, the Service of a mesh's gateway),
    `route` what leads to the service, `listener` the name of its listener, `secret` the namespace and name
    that its certificate is synced to. With `passthrough` the service does TLS itself, with `mutual` clients
    show certificates. `record` is the record set that leads to it where we write it. An `internal` gateway is
    reached from inside of networks only. `gateway` is what stands for one outside of the cluster:
    ours, or the object that makes the controller make it.
    """

    host: str
    zone: str | None
    visibility: str
    needs: tuple[str, ...]
    front: str
    route: str
    listener: str
    certificate: str | None
    secret: tuple[str, str] | None
    passthrough: bool = False
    record: str | None = None
    internal: bool = False
    mutual: bool = False
    gateway: str | None = None

    @property
    def secure(self) -> bool:
        """Whether the host is asked for by HTTPS."""
        return self.certificate is not None or self.passthrough


def zone_of(host: str, zones: Mapping[str, Zone]) -> str | None:
    """The zone that a host's record goes into: the longest that its name ends with."""
    within = [zone for zone in zones if host == zone or host.endswith(f".{zone}")]
    return max(within, key=len, default=None)


def object_name(host: str) -> str:
    """A name for a host's objects: a DNS label, the same in every run, different for different hosts."""
    label = host.replace("*", "wildcard").replace(".", "-")
    if len(label) <= _LONGEST_NAME and "-" not in host and "*" not in host:
        return label
    return _cut(label, _LONGEST_NAME, host)


def gateway_name(profile: Profile) -> str:
    """What a profile's Gateways are called: by its name, shortened and begun with a letter where it must be.

    Istio makes a Service of the name, and before Kubernetes 1.34 that can't begin with a digit.
    """
    name = f"gw-{profile.name}" if profile.name[0].isdigit() else profile.name
    return name if len(name) <= _LONGEST_GATEWAY else _cut(name, _LONGEST_GATEWAY, profile.name)


def _cut(label: str, longest: int, whole: str) -> str:
    """The beginning of a label, kept apart from other labels of that beginning by a digest of `whole`."""
    digest = hashlib.sha256(whole.encode()).hexdigest()[:6]
    return f"{label[: longest - 7].rstrip('-')}-{digest}"


def zone_group(profile: Profile, zone: str) -> str:
    """Zones that one controller can write: the same visibility, subscription and resource group, and none
    below another of them.

    Were they together, a controller whose right to the lower zone is not effective yet would write its hosts
    into the upper one, where they would stay: it looks for the longest zone among those that it may read.
    A label's value, which routes carry and the controller looks for.
    """
    declared = profile.dns.zones[zone]
    place = _place(profile, declared)
    above = sum(
        zone.endswith(f".{name}") and _place(profile, other) == place
        for name, other in profile.dns.zones.items()
    )
    name = profile.name
    if len(name) > _LONGEST_GROUP:
        name = _cut(name, _LONGEST_GROUP, name)
    digest = hashlib.sha256(f"{place[1]}{'/' * above}".encode()).hexdigest()[:6]
    return f"{name}-{declared.visibility}-{digest}"


def _place(profile: Profile, zone: Zone) -> tuple[str, str]:
    subscription = zone.subscription or profile.azure.subscription
    return zone.visibility, f"{subscription}/{zone.resource_group}".casefold()


def host_record(
    profile: Profile,
    host: str,
    front: Manifest,
    routes: Iterable[str],
    writer: Iterable[str],
    pinned: str | None = None,
) -> HostRecord | None:
    """The record that leads to a host and that the add-on writes; None when no zone of the profile has it.

    `front` is the object whose address it has, the `pinned` one where the profile says which; `routes` are
    the objects that ask the add-on for it, and `writer` what the add-on needs in order to write it.
    """
    zone = zone_of(host, profile.dns.zones)
    if zone is None:
        return None
    asking = tuple(routes)
    return HostRecord(
        name=f"{zone}/{host}",
        zone_id=zone_ids(profile)[zone],
        visibility=profile.dns.zones[zone].visibility,
        record_name=relative_name(host, zone),
        target=pinned or Ref(front.address, "address"),
        after=tuple(dict.fromkeys((_zone_address(profile, zone), front.address, *asking, *writer))),
        outlives=asking,
    )


def own_record(profile: Profile, host: str, front: Manifest, pinned: str | None = None) -> RecordSet | None:
    """The record that leads to a host where we write it; None when no zone of the profile has it.

    `front` is the object whose address it has, the `pinned` one where the profile says which.
    """
    zone = zone_of(host, profile.dns.zones)
    if zone is None:
        return None
    return RecordSet(
        name=f"{zone}/A/{relative_name(host, zone)}",
        zone_id=zone_ids(profile)[zone],
        visibility=profile.dns.zones[zone].visibility,
        record_type="A",
        record_name=relative_name(host, zone),
        ttl=_TTL,
        values=frozenset({pinned or Ref(front.address, "address")}),
        after=(_zone_address(profile, zone), front.address),
    )


def by_namespace(profile: Profile) -> dict[str, dict[str, Host]]:
    """The hosts of each namespace."""
    found: dict[str, dict[str, Host]] = {}
    for name, host in profile.hosts.items():
        found.setdefault(host.namespace, {})[name] = host
    return found


def own_address(profile: Profile, host: str, kind: str = "A") -> str | None:
    """Address of the record set that leads to a host where we write it."""
    zone = zone_of(host, profile.dns.zones)
    return f"{RecordSet.KIND}/{zone}/{kind}/{relative_name(host, zone)}" if zone else None


def relative_name(host: str, zone: str) -> str:
    """A host's name inside its zone."""
    return host.removesuffix(zone).rstrip(".") or "@"


def _zone_address(profile: Profile, zone: str) -> str:
    kind = DnsZone if profile.dns.zones[zone].visibility == "public" else PrivateDnsZone
    return f"{kind.KIND}/{zone}"


def service_account(profile: Profile, host: Host) -> str:
    """The service account through which a host's certificate is read."""
    return host.service_account or shared_account(profile)


def shared_account(profile: Profile) -> str:
    """The service account of everything that names none."""
    return f"{profile.name}-ingress"


def certificate_accounts(profile: Profile) -> list[tuple[str, str]]:
    """Every (namespace, service account) through which certificates are read, sorted."""
    return sorted(
        {
            (host.namespace, service_account(profile, host))
            for host in profile.hosts.values()
            if host.certificate
        }
    )


def service_accounts(profile: Profile, namespace: str | None = None) -> list[tuple[str, str]]:
    """Every (namespace, service account) that takes on the identity, sorted: those through which
    certificates are read, and that of the controllers which write records (in `namespace`)."""
    found = set(certificate_accounts(profile))
    if profile.hosts and profile.dns.zones:
        found.add((dns_namespace(profile, namespace), shared_account(profile)))
    return sorted(found)


def dns_namespace(profile: Profile, namespace: str | None) -> str:
    """Where the controllers that write DNS records run."""
    return namespace or min(host.namespace for host in profile.hosts.values())


def chain(
    profile: Profile,
    graph: ResourceGraph,
    host: str,
    *,
    front: str,
    route: str,
    listener: str,
    secret: tuple[str, str] | None,
    writer: str | None,
    record: str | None = None,
    internal: bool | None = None,
    gateway: str | None = None,
    ways: Iterable[str] = (),
) -> HostChain:
    """The chain of one host. `writer` is the object that makes DNS records be written, `record` the record
    where it is ours, `gateway` what is outside of the cluster and `ways` what leads there."""
    declared = profile.hosts[host]
    zone = zone_of(host, profile.dns.zones)
    certificate = None
    if declared.certificate:
        vault = profile.certificates[declared.certificate].vault
        certificate = f"{Certificate.KIND}/{vault}/{declared.certificate}"
    ends = [front, route, writer, record, certificate, zone and _zone_address(profile, zone), gateway, *ways]
    wanted = graph.closure(address for address in ends if address)
    return HostChain(
        host=host,
        zone=zone,
        visibility=profile.dns.zones[zone].visibility if zone else "public",
        needs=tuple(each.address for each in graph if each.address in wanted),
        front=front,
        route=route,
        listener=listener,
        certificate=certificate,
        secret=secret,
        passthrough=declared.tls == "passthrough",
        mutual=declared.tls == "mutual",
        record=record,
        internal=profile.ingress.load_balancer == "internal" if internal is None else internal,
        gateway=gateway,
    )
