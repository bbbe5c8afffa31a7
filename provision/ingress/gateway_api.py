"""Hosts as objects of the Gateway API, for the classes that app routing's operator serves.

A namespace with hosts has one Gateway: its listeners read certificates through service accounts of that
namespace, which the operator does not look for elsewhere. A host has a listener of its own, which names
its certificate, and an HTTPRoute; with a certificate also a route that sends plain HTTP to HTTPS.

DNS records are written by one ClusterExternalDNS for each group of zones. Never by two for one zone: those
of a cluster share one owner id, and each removes what the other wrote. A route carries the
label of its own zone's group, so that a host of a private zone is never seen by the controller of the
public zone above it. Sources: "Secure Gateway API traffic with the application routing add-on" and
"DNS and TLS for Gateway API", 2026-05-29; Azure/aks-app-routing-operator, pkg/manifests/external_dns.go,
2026-06 (`--txt-owner-id` is the cluster's, no `--policy`, whose default is sync).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from provision.ingress.hosts import (
    HostChain,
    by_namespace,
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
from provision.ingress.zones import zone_ids
from provision.profile.model import AppRouting, Host, Profile
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
_BALANCER = "service.beta.kubernetes.io/azure-load-balancer"
_PROBE = "service.beta.kubernetes.io/port_80_health-probe"
_HTTP = "http"


@dataclass(frozen=True, slots=True)
class GatewayHosts:
    """The hosts of a profile behind Gateways of one class.

    `grants` are the addresses that let the identity read certificates (by vault) and write records (by
    zone), `credentials` those that let a (namespace, service account) be the identity.
    """

    profile: Profile
    ingress: AppRouting
    objects: Objects
    gateway_class: str
    client_id: Ref
    grants: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    credentials: Mapping[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)

    def resources(self) -> Iterator[Resource]:
        """Every object: namespaces, service accounts, Gateways, routes, DNS controllers."""
        if not self.profile.hosts:
            return
        accounts = service_accounts(self.profile, self.ingress.dns_namespace)
        spaces = by_namespace(self.profile)
        names = {*spaces, *(namespace for namespace, _ in accounts)}
        yield from self.objects.namespaces(names)
        for namespace, account in accounts:
            yield self._account(namespace, account)
        for namespace, hosts in spaces.items():
            *options, gateway = self._gateway(namespace, hosts)
            yield from (*options, gateway)
            for name, host in hosts.items():
                routes = list(self._routes(name, host))
                yield from routes
                yield from self._record(name, gateway, routes)
        yield from self._writers()

    def chains(self, graph: ResourceGraph) -> dict[str, HostChain]:
        """What each host depends on."""
        return {name: self._chain(graph, name, host) for name, host in self.profile.hosts.items()}

    def _chain(self, graph: ResourceGraph, name: str, host: Host) -> HostChain:
        listener = _listener_name(name, host)
        secret = f"kv-gw-cert-{gateway_name(self.profile)}-{listener}"
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
        return self.profile.hosts[name].tls == "passthrough" or name == zone_of(name, self.profile.dns.zones)

    def _record(self, name: str, gateway: Manifest, routes: Iterable[Manifest]) -> Iterator[Resource]:
        if self._is_ours(name):
            record: Resource | None = own_record(self.profile, name, gateway)
        else:
            record = host_record(self.profile, name, gateway, addresses(routes), self._writer(name))
        if record:
            yield record

    def _account(self, namespace: str, account: str) -> Manifest:
        metadata: dict[str, Value] = {
            # Without the label the token exchange fails with AADSTS700211. Source: as the module's.
            "labels": {"azure.workload.identity/use": "true"},
            "annotations": {"azure.workload.identity/client-id": self.client_id},
        }
        after = self.credentials.get((namespace, account), ())
        return self.objects.make(SERVICE_ACCOUNT, account, namespace, {"metadata": metadata}, after)

    def _gateway(self, namespace: str, hosts: Mapping[str, Host]) -> Iterator[Manifest]:
        after: list[str] = []
        infrastructure = self._infrastructure()
        if self.ingress.client_source_ip == "preserve":
            options = self.objects.make(
                CONFIG_MAP, f"{self.profile.name}-gateway", namespace, {"data": {"service": _KEEP_SOURCE}}
            )
            yield options
            after.append(options.address)
            reference = {"group": "", "kind": "ConfigMap", "name": options.object_name}
            infrastructure["parametersRef"] = reference
        for host in hosts.values():
            if host.certificate:
                vault = self.profile.certificates[host.certificate].vault
                account = service_account(self.profile, host)
                after += [_certificate(self.profile, host.certificate), *self.grants.get(vault, ())]
                after.append(address(SERVICE_ACCOUNT, account, namespace))
        spec: dict[str, Value] = {
            "gatewayClassName": self.gateway_class,
            "listeners": tuple(self._listeners(hosts)),
        }
        if infrastructure:
            spec["infrastructure"] = infrastructure
        yield self.objects.make(GATEWAY, gateway_name(self.profile), namespace, {"spec": spec}, after)

    def _infrastructure(self) -> dict[str, Value]:
        annotations: dict[str, Value] = {}
        if self.ingress.load_balancer == "internal":
            annotations[f"{_BALANCER}-internal"] = "true"
        if self.ingress.static_ip:
            annotations[f"{_BALANCER}-ipv4"] = self.ingress.static_ip
        return {"annotations": annotations} if annotations else {}

    def _listeners(self, hosts: Mapping[str, Host]) -> Iterator[Value]:
        same: Value = {"namespaces": {"from": "Same"}}
        if any(host.tls != "passthrough" for host in hosts.values()):
            yield {"name": _HTTP, "port": 80, "protocol": "HTTP", "allowedRoutes": same}
        for name, host in hosts.items():
            secure: dict[str, Value] = {"name": _listener_name(name, host), "port": 443, "hostname": name}
            if host.tls == "passthrough":
                yield {**secure, "protocol": "TLS", "tls": {"mode": "Passthrough"}, "allowedRoutes": same}
            elif host.certificate:
                options: Value = {
                    # Never a version: the operator would hold on to it, and a renewal never be served.
                    CERTIFICATE_OPTION: Ref(_certificate(self.profile, host.certificate), "uri"),
                    _ACCOUNT_OPTION: service_account(self.profile, host),
                }
                tls: Value = {"mode": "Terminate", "options": options}
                yield {**secure, "protocol": "HTTPS", "tls": tls, "allowedRoutes": same}

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
        namespace = dns_namespace(self.profile, self.ingress.dns_namespace)
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
            granted = [each for zone in zones for each in self.grants.get(zone, ())]
            after = [address(SERVICE_ACCOUNT, account, namespace), *granted]
            yield self.objects.make(CLUSTER_EXTERNAL_DNS, group, body={"spec": spec}, after=after)


def _listener_name(name: str, host: Host) -> str:
    return object_name(name) if host.certificate or host.tls == "passthrough" else _HTTP


def _certificate(profile: Profile, name: str) -> str:
    return f"{Certificate.KIND}/{profile.certificates[name].vault}/{name}"


# With Local the load balancer asks the nodes' own health port, so that the probe's settings, which Istio
# sets for port 80, must go. Source: "Application routing add-on with Gateway API", Microsoft Learn, 2026-06.
_KEEP_SOURCE = (
    "metadata:\n"
    "  annotations:\n"
    f"    {_PROBE}_port: null\n"
    f"    {_PROBE}_protocol: null\n"
    f"    {_PROBE}_request-path: null\n"
    "spec:\n"
    "  externalTrafficPolicy: Local\n"
)


def grants_by_scope(resources: Iterable[Resource]) -> dict[str, tuple[str, ...]]:
    """Addresses of role assignments and access policies by the name of the vault or zone they are for."""
    found: dict[str, tuple[str, ...]] = {}
    for resource in resources:
        scope = resource.name.split("/", 1)[0]
        found[scope] = (*found.get(scope, ()), resource.address)
    return found
