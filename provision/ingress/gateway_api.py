"""Hosts as objects of the Gateway API, for the classes that Istio serves.

A namespace with hosts has one Gateway: its listeners read certificates of that namespace only. A host has a
listener of its own, which names its certificate, and an HTTPRoute; with a certificate also a route that sends
plain HTTP to HTTPS. Certificates come through the Secrets Store driver and records are ours, or app routing's
operator does both.

It writes records by one ClusterExternalDNS for each group of zones. Never by two for one zone: those of a
cluster share one owner id, and each removes what the other wrote. A route carries the label of its own
zone's group, so that a host of a private zone is never seen by the controller of the public zone above it.
Sources: "Secure Gateway API traffic with the application routing add-on" and "DNS and TLS for Gateway API",
2026-05-29; Azure/aks-app-routing-operator, pkg/manifests/external_dns.go, 2026-06 (`--txt-owner-id` is the
cluster's, no `--policy`, whose default is sync).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from provision.ingress.gateway_settings import GatewaySettings
from provision.ingress.hosts import (
    HostChain,
    by_namespace,
    certificate_accounts,
    chain,
    dns_namespace,
    gateway_name,
    host_record,
    object_name,
    own_address,
    own_record,
    service_account,
    service_accounts,
    shared_account,
    zone_group,
    zone_of,
)
from provision.ingress.objects import Objects, address, addresses
from provision.ingress.routes import route, to_https
from provision.ingress.secret_sync import Sync, holders, secret_name
from provision.ingress.zones import zone_ids
from provision.profile.model import Host, Profile
from provision.resources.certificate import Certificate
from provision.resources.graph import ResourceGraph
from provision.resources.manifest import (
    CERTIFICATE_OPTION,
    CLUSTER_EXTERNAL_DNS,
    CONFIG_MAP,
    GATEWAY,
    HTTP_ROUTE,
    SERVICE_ACCOUNT,
    TLS_ROUTE,
    Manifest,
)
from provision.resources.ref import Ref
from provision.resources.resource import Resource
from provision.resources.values import Value

DNS_LABEL = "provision/dns"
_ACCOUNT_OPTION = "kubernetes.azure.com/tls-cert-service-account"
_TERMINATE_MODE = "gateway.istio.io/tls-terminate-mode"
"""TLS option of a listener. Source: istio, pilot/pkg/config/kube/gateway/conversion.go (`buildTLS`), 1.30."""
_REVISION = "istio.io/rev"
_HTTP = "http"


@dataclass(frozen=True, slots=True)
class GatewayHosts:
    """The hosts of a profile behind Gateways of one class.

    `sync` says how certificates come into namespaces, through which identity and what lets it read them.
    With `operator` app routing's operator brings them instead and writes the records, and `grants` are by
    zone, too. `revisions` names the control plane that a namespace's Gateway is for, where there are two.
    """

    profile: Profile
    settings: GatewaySettings
    objects: Objects
    gateway_class: str
    sync: Sync
    operator: bool = True
    dns_namespace: str | None = None
    revisions: Mapping[str, Value] = field(default_factory=dict)

    def resources(self) -> Iterator[Resource]:
        """Every object: namespaces, service accounts, Gateways, routes, DNS controllers."""
        if not self.profile.hosts:
            return
        if self.operator:
            accounts = service_accounts(self.profile, self.dns_namespace)
        else:
            accounts = certificate_accounts(self.profile)
        spaces = by_namespace(self.profile)
        names = {*spaces, *(namespace for namespace, _ in accounts)}
        yield from self.objects.namespaces(names)
        for namespace, account in accounts:
            yield self.sync.account(namespace, account)
        for namespace, hosts in spaces.items():
            if not self.operator:
                yield from self.sync.secrets(namespace, hosts.values())
            *options, gateway = self._gateway(namespace, hosts)
            yield from (*options, gateway)
            for name, host in hosts.items():
                routes = list(self._routes(name, host))
                yield from routes
                yield from self._record(name, gateway, routes)
        if self.operator:
            yield from self._writers()

    def chains(self, graph: ResourceGraph) -> dict[str, HostChain]:
        """What each host depends on."""
        return {name: self._chain(graph, name, host) for name, host in self.profile.hosts.items()}

    def _chain(self, graph: ResourceGraph, name: str, host: Host) -> HostChain:
        listener = _listener_name(name, host)
        secret = f"kv-gw-cert-{gateway_name(self.profile)}-{listener}"
        if host.certificate and not self.operator:
            secret = secret_name(host.certificate)
        api = TLS_ROUTE if host.tls == "passthrough" else HTTP_ROUTE
        return chain(
            self.profile,
            graph,
            name,
            front=address(GATEWAY, gateway_name(self.profile), host.namespace),
            route=address(api, object_name(name), host.namespace),
            listener=listener,
            secret=(host.namespace, secret) if host.certificate else None,
            writer=next(iter(self._writer(name)), None),
            record=own_address(self.profile, name) if self._is_ours(name) else None,
        )

    def _writer(self, name: str) -> tuple[str, ...]:
        """The controller that writes the host's record, if one does."""
        zone = zone_of(name, self.profile.dns.zones)
        if zone is None or self._is_ours(name):
            return ()
        return (address(CLUSTER_EXTERNAL_DNS, zone_group(self.profile, zone)),)

    def _is_ours(self, name: str) -> bool:
        """Whether we write the host's record, because the add-on would not or should not.

        It looks at HTTPRoutes, not at the TLSRoutes of passthrough; and the record of a zone's apex it
        writes once and never changes or removes, since its ownership record would lie outside the zone.
        """
        if not self.operator:
            return True
        return self.profile.hosts[name].tls == "passthrough" or name == zone_of(name, self.profile.dns.zones)

    def _record(self, name: str, gateway: Manifest, routes: Iterable[Manifest]) -> Iterator[Resource]:
        pinned = self.settings.static_ip
        if self._is_ours(name):
            record: Resource | None = own_record(self.profile, name, gateway, pinned)
        else:
            writer = self._writer(name)
            record = host_record(self.profile, name, gateway, addresses(routes), writer, pinned)
        if record:
            yield record

    def _gateway(self, namespace: str, hosts: Mapping[str, Host]) -> Iterator[Manifest]:
        after: list[str] = []
        infrastructure = self.settings.infrastructure()
        if overlays := self.settings.overlays():
            options = self.objects.make(
                CONFIG_MAP, f"{self.profile.name}-gateway", namespace, {"data": overlays}
            )
            yield options
            after.append(options.address)
            reference = {"group": "", "kind": "ConfigMap", "name": str(options.object_name)}
            infrastructure["parametersRef"] = reference
        used = [host for host in hosts.values() if host.certificate]
        if not self.operator:
            after += holders(dict.fromkeys(str(host.certificate) for host in used), namespace)
        for host in used if self.operator else ():
            vault = self.profile.certificates[str(host.certificate)].vault
            account = service_account(self.profile, host)
            after += [_certificate(self.profile, str(host.certificate)), *self.sync.grants.get(vault, ())]
            after.append(address(SERVICE_ACCOUNT, account, namespace))
        spec: dict[str, Value] = {
            "gatewayClassName": self.gateway_class,
            "listeners": tuple(self._listeners(hosts)),
        }
        if infrastructure:
            spec["infrastructure"] = infrastructure
        body: dict[str, Value] = {"spec": spec}
        if namespace in self.revisions:
            # Without the label the newer of two control planes takes every Gateway at once. Source:
            # "Configure Istio ingress with the Kubernetes Gateway API", Microsoft Learn, 2026-06.
            body = {"metadata": {"labels": {_REVISION: self.revisions[namespace]}}, **body}
        yield self.objects.make(GATEWAY, gateway_name(self.profile), namespace, body, after)

    def _listeners(self, hosts: Mapping[str, Host]) -> Iterator[Value]:
        same: Value = {"namespaces": {"from": "Same"}}
        if any(host.tls != "passthrough" for host in hosts.values()):
            yield {"name": _HTTP, "port": 80, "protocol": "HTTP", "allowedRoutes": same}
        for name, host in hosts.items():
            secure: dict[str, Value] = {"name": _listener_name(name, host), "port": 443, "hostname": name}
            if host.tls == "passthrough":
                yield {**secure, "protocol": "TLS", "tls": {"mode": "Passthrough"}, "allowedRoutes": same}
            elif host.certificate:
                tls = self._termination(host, host.certificate)
                yield {**secure, "protocol": "HTTPS", "tls": tls, "allowedRoutes": same}

    def _termination(self, host: Host, certificate: str) -> dict[str, Value]:
        tls: dict[str, Value] = {"mode": "Terminate"}
        options: dict[str, Value] = {}
        if self.operator:
            # Never a version: the operator would hold on to it, and a renewal never be served.
            options[CERTIFICATE_OPTION] = Ref(_certificate(self.profile, certificate), "uri")
            options[_ACCOUNT_OPTION] = service_account(self.profile, host)
        else:
            tls["certificateRefs"] = ({"group": "", "kind": "Secret", "name": secret_name(certificate)},)
        if host.tls == "mutual":
            options[_TERMINATE_MODE] = "MUTUAL"
        return {**tls, "options": options} if options else tls

    def _routes(self, name: str, host: Host) -> Iterator[Manifest]:
        after = (address(GATEWAY, gateway_name(self.profile), host.namespace),)
        zone = zone_of(name, self.profile.dns.zones)
        labels: dict[str, Value] = {}
        if zone and not self._is_ours(name):
            labels[DNS_LABEL] = zone_group(self.profile, zone)
        parent = self._parent(_listener_name(name, host))
        yield route(self.objects, name, host, parent, labels, after, host.timeout_seconds)
        if host.certificate:
            yield to_https(self.objects, name, host, self._parent(_HTTP), after)

    def _parent(self, listener: str) -> Value:
        return {"name": gateway_name(self.profile), "sectionName": listener}

    def _writers(self) -> Iterator[Manifest]:
        account = shared_account(self.profile)
        namespace = dns_namespace(self.profile, self.dns_namespace)
        ids = zone_ids(self.profile)
        groups: dict[str, list[str]] = {}
        for name in self.profile.dns.zones:
            groups.setdefault(zone_group(self.profile, name), []).append(name)
        for group, zones in groups.items():
            # One spelling for all: the CRD compares subscriptions and groups with case, Azure without.
            place = str(ids[zones[0]]).rpartition("/")[0]
            spec: dict[str, Value] = {
                "resourceName": group,
                "resourceNamespace": namespace,
                "dnsZoneResourceIDs": tuple(f"{place}/{zone}" for zone in sorted(zones)),
                "resourceTypes": ("gateway",),
                "identity": {"type": "workloadIdentity", "serviceAccount": account},
                "filters": {"routeAndIngressLabels": f"{DNS_LABEL}={group}"},
            }
            granted = [each for zone in zones for each in self.sync.grants.get(zone, ())]
            after = [address(SERVICE_ACCOUNT, account, namespace), *granted]
            yield self.objects.make(CLUSTER_EXTERNAL_DNS, group, body={"spec": spec}, after=after)


def _listener_name(name: str, host: Host) -> str:
    return object_name(name) if host.certificate or host.tls == "passthrough" else _HTTP


def _certificate(profile: Profile, name: str) -> str:
    return f"{Certificate.KIND}/{profile.certificates[name].vault}/{name}"


def grants_by_scope(resources: Iterable[Resource]) -> dict[str, tuple[str, ...]]:
    """Addresses of role assignments and access policies by the name of the vault or zone they are for."""
    found: dict[str, tuple[str, ...]] = {}
    for resource in resources:
        scope = resource.name.split("/", 1)[0]
        found[scope] = (*found.get(scope, ()), resource.address)
    return found
