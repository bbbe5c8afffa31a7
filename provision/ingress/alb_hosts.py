"""Hosts behind Application Gateway for Containers: Gateways and routes, or Ingresses, with their policies.

A namespace with hosts has one Gateway, since that reads Secrets of its own namespace, and each Gateway has
a frontend: with deployment managed the controller makes it, with byo it is ours and named after the
namespace. A frontend has a name and no fixed address, so that a host's record is a CNAME, which is ours
too. Sources: the how-tos of "Application Gateway for Containers", Microsoft Learn, 2024 to 2026, for
annotations and addresses; what a Gateway tells as an address of type IPAddress is that name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from provision.ingress.alb_policies import Policies
from provision.ingress.gateway_facts import GATEWAY_CLASS
from provision.ingress.hosts import (
    HostChain,
    by_namespace,
    chain,
    gateway_name,
    object_name,
    own_address,
    relative_name,
    service_account,
    zone_of,
)
from provision.ingress.objects import Objects, address
from provision.ingress.routes import route, to_https
from provision.ingress.secret_sync import Sync, holders, secret_name
from provision.ingress.zones import zone_address, zone_ids
from provision.profile.model import ApplicationGateway, Host, Profile
from provision.resources.dns import RecordSet
from provision.resources.graph import ResourceGraph
from provision.resources.manifest import (
    APPLICATION_LOAD_BALANCER,
    GATEWAY,
    HTTP_ROUTE,
    INGRESS,
    INGRESS_EXTENSION,
    Manifest,
)
from provision.resources.ref import Ref
from provision.resources.resource import Resource
from provision.resources.service_networking import Frontend, PrivateEndpointConnection, TrafficController
from provision.resources.values import Value

_PREFIX = "alb.networking.azure.io"
_EXTENSION = f"{_PREFIX}/alb-ingress-extension"
_HTTP = "http"
_TTL = 300


@dataclass(frozen=True, slots=True)
class AlbHosts:
    """The hosts of a profile behind one Application Gateway for Containers.

    `controller` are addresses that the controller needs in order to work, `frontends` by namespace those of
    deployment byo, whose gateway has the id `gateway_id`; `subnet` is for deployment managed.
    """

    profile: Profile
    ingress: ApplicationGateway
    objects: Objects
    sync: Sync
    controller: tuple[str, ...]
    subnet: Value = None
    gateway_id: str = ""
    frontends: Mapping[str, Frontend] = field(default_factory=dict)

    def resources(self) -> Iterator[Resource]:
        """Every object: namespaces, the load balancer, certificates, Gateways or Ingresses, routes,
        policies."""
        spaces = by_namespace(self.profile)
        own = {load_balancer_namespace(self.profile, self.ingress)} if self._managed and spaces else set()
        yield from self.objects.namespaces({*spaces, *own})
        if self._managed and spaces:
            yield self._load_balancer()
        for namespace, hosts in spaces.items():
            yield from self._certificates(namespace, hosts)
            yield from self._fronts(namespace, hosts)
        yield from Policies(self.profile, self.ingress, self.objects, self.controller).resources()

    def chains(self, graph: ResourceGraph) -> dict[str, HostChain]:
        """What each host depends on."""
        return {name: self._chain(graph, name, host) for name, host in self.profile.hosts.items()}

    def _chain(self, graph: ResourceGraph, name: str, host: Host) -> HostChain:
        ingress = self.ingress.api == "ingress"
        api = INGRESS if ingress else HTTP_ROUTE
        leads = address(api, object_name(name), host.namespace)
        return chain(
            self.profile,
            graph,
            name,
            front=leads if ingress else address(GATEWAY, gateway_name(self.profile), host.namespace),
            route=leads,
            listener=_listener(name, host),
            secret=(host.namespace, secret_name(host.certificate)) if host.certificate else None,
            writer=None,
            record=own_address(self.profile, name, "CNAME"),
            gateway=self._outside(),
            ways=[each.address for each in graph if isinstance(each, PrivateEndpointConnection)],
        )

    def _outside(self) -> str:
        if not self._managed:
            return f"{TrafficController.KIND}/{self.gateway_id.rpartition('/')[2]}"
        space = load_balancer_namespace(self.profile, self.ingress)
        return address(APPLICATION_LOAD_BALANCER, gateway_name(self.profile), space)

    @property
    def _managed(self) -> bool:
        return self.ingress.deployment == "managed"

    def _load_balancer(self) -> Manifest:
        namespace = load_balancer_namespace(self.profile, self.ingress)
        body: dict[str, Value] = {"spec": {"associations": (self.subnet,)}}
        name = gateway_name(self.profile)
        return self.objects.make(APPLICATION_LOAD_BALANCER, name, namespace, body, self.controller)

    def _certificates(self, namespace: str, hosts: Mapping[str, Host]) -> Iterator[Manifest]:
        accounts = {service_account(self.profile, host) for host in hosts.values() if host.certificate}
        for account in sorted(accounts):
            yield self.sync.account(namespace, account)
        yield from self.sync.secrets(namespace, hosts.values())

    def _fronts(self, namespace: str, hosts: Mapping[str, Host]) -> Iterator[Resource]:
        used = dict.fromkeys(host.certificate for host in hosts.values() if host.certificate)
        after = [*self.controller, *holders(used, namespace)]
        if self._managed:
            after.append(self._outside())
        else:
            after.append(self.frontends[namespace].address)
        if self.ingress.api == "ingress":
            for name, host in hosts.items():
                front = self._ingress(name, host, after)
                yield front
                if host.certificate:
                    yield from self._redirect(name, host, after)
                yield from self._record(name, front)
            return
        gateway = self._gateway(namespace, hosts, after)
        yield gateway
        for name, host in hosts.items():
            yield from self._routes(name, host)
            yield from self._record(name, gateway)

    def _gateway(self, namespace: str, hosts: Mapping[str, Host], after: Iterable[str]) -> Manifest:
        spec: dict[str, Value] = {
            "gatewayClassName": GATEWAY_CLASS,
            "listeners": tuple(self._listeners(hosts)),
        }
        if not self._managed:
            spec["addresses"] = ({"type": f"{_PREFIX}/alb-frontend", "value": namespace},)
        body: dict[str, Value] = {"metadata": {"annotations": self._annotations()}, "spec": spec}
        return self.objects.make(GATEWAY, gateway_name(self.profile), namespace, body, after)

    def _annotations(self) -> dict[str, Value]:
        if self._managed:
            namespace = load_balancer_namespace(self.profile, self.ingress)
            return {f"{_PREFIX}/alb-namespace": namespace, f"{_PREFIX}/alb-name": gateway_name(self.profile)}
        return {f"{_PREFIX}/alb-id": self.gateway_id}

    def _listeners(self, hosts: Mapping[str, Host]) -> Iterator[Value]:
        same: Value = {"namespaces": {"from": "Same"}}
        yield {"name": _HTTP, "port": 80, "protocol": "HTTP", "allowedRoutes": same}
        for name, host in hosts.items():
            if host.certificate:
                reference: Value = {"group": "", "kind": "Secret", "name": secret_name(host.certificate)}
                yield {
                    "name": _listener(name, host),
                    "port": 443,
                    "protocol": "HTTPS",
                    "hostname": name,
                    "tls": {"mode": "Terminate", "certificateRefs": (reference,)},
                    "allowedRoutes": same,
                }

    def _routes(self, name: str, host: Host) -> Iterator[Manifest]:
        after = (address(GATEWAY, gateway_name(self.profile), host.namespace),)
        yield route(self.objects, name, host, self._parent(_listener(name, host)), {}, after)
        if host.certificate:
            yield to_https(self.objects, name, host, self._parent(_HTTP), after)

    def _parent(self, listener: str) -> Value:
        return {"name": gateway_name(self.profile), "sectionName": listener}

    def _redirect(self, name: str, host: Host, after: Iterable[str]) -> Iterator[Manifest]:
        """An Ingress with TLS listens at port 443 only. Plain HTTP gets one of its own, which an extension
        sends to HTTPS. Source: "URL Redirect for Azure Application Gateway for Containers - Ingress API",
        Microsoft Learn, 2024-05."""
        own = f"{object_name(name)}-redirect"
        rule: Value = {"host": name, "requestRedirect": {"scheme": "https", "statusCode": 301}}
        extension = self.objects.make(
            INGRESS_EXTENSION, own, host.namespace, {"spec": {"rules": (rule,)}}, self.controller
        )
        yield extension
        plain = replace(host, certificate=None)
        yield self._ingress(name, plain, (*after, extension.address), own, {_EXTENSION: own})

    def _ingress(
        self,
        name: str,
        host: Host,
        after: Iterable[str],
        own: str = "",
        more: Mapping[str, Value] | None = None,
    ) -> Manifest:
        # Those that name the same frontend share it; without a name each would get one of its own.
        annotations = {
            **self._annotations(),
            f"{_PREFIX}/alb-frontend": host.namespace,
            **(more or {}),
        }
        backend: Value = {"service": {"name": host.service.name, "port": {"number": host.service.port}}}
        path: Value = {"path": "/", "pathType": "Prefix", "backend": backend}
        spec: dict[str, Value] = {
            "ingressClassName": GATEWAY_CLASS,
            "rules": ({"host": name, "http": {"paths": (path,)}},),
        }
        if host.certificate:
            spec["tls"] = ({"hosts": (name,), "secretName": secret_name(host.certificate)},)
        body: dict[str, Value] = {"metadata": {"annotations": annotations}, "spec": spec}
        return self.objects.make(INGRESS, own or object_name(name), host.namespace, body, after)

    def _record(self, name: str, front: Manifest) -> Iterator[RecordSet]:
        """The host's name leads to that of the frontend, once the Gateway has it."""
        zone = zone_of(name, self.profile.dns.zones)
        if zone is None:
            return
        yield RecordSet(
            name=f"{zone}/CNAME/{relative_name(name, zone)}",
            zone_id=zone_ids(self.profile)[zone],
            visibility=self.profile.dns.zones[zone].visibility,
            record_type="CNAME",
            record_name=relative_name(name, zone),
            ttl=_TTL,
            values=frozenset({Ref(front.address, "address")}),
            after=(zone_address(zone, self.profile.dns.zones[zone]),),
        )


def load_balancer_namespace(profile: Profile, ingress: ApplicationGateway) -> str:
    """Where the ApplicationLoadBalancer object is."""
    return ingress.load_balancer_namespace or min(host.namespace for host in profile.hosts.values())


def _listener(name: str, host: Host) -> str:
    return object_name(name) if host.certificate else _HTTP
