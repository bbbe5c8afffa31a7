"""Hosts behind the mesh's own ingress gateways, in Istio's API: Gateway and VirtualService.

AKS runs each gateway in a namespace of its own, where its pods read the Secrets with certificates; of its
Service we own the settings that AKS leaves to its users. A namespace with hosts has a Gateway object for each
ingress gateway that they use, and takes routes of that namespace only. Sources, Microsoft Learn: "Deploy
ingress gateways for Istio service mesh add-on" and "Secure ingress gateway for Istio service mesh add-on",
2026-08; Istio 1.28 to 1.30, "Gateway" and "Virtual Service".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from provision.ingress.gateway_settings import PROBES, GatewaySettings
from provision.ingress.hosts import (
    HostChain,
    by_namespace,
    chain,
    gateway_name,
    object_name,
    own_address,
    own_record,
    service_account,
)
from provision.ingress.objects import Objects, address
from provision.ingress.secret_sync import Sync, holders, secret_name
from provision.profile.model import Host, Istio, Profile
from provision.resources.graph import ResourceGraph
from provision.resources.manifest import (
    AUTOSCALER,
    ISTIO_GATEWAY,
    MESH,
    NAMESPACE,
    SERVICE,
    VIRTUAL_SERVICE,
    Manifest,
)
from provision.resources.mesh import GATEWAY_NAMESPACE
from provision.resources.ref import Ref
from provision.resources.resource import Resource
from provision.resources.values import Value

_MODES = {"terminate": "SIMPLE", "mutual": "MUTUAL"}
_HTTP, _REDIRECT = "http", "http-redirect"


@dataclass(frozen=True, slots=True)
class IstioHosts:
    """The hosts of a profile behind the add-on's ingress gateways. `revisions` is the address of what tells
    their revision."""

    profile: Profile
    ingress: Istio
    objects: Objects
    sync: Sync
    revisions: str

    def resources(self) -> Iterator[Resource]:
        """Every object: namespaces, the gateways' settings, certificates, Gateways and routes."""
        spaces = by_namespace(self.profile)
        yield from self.objects.namespaces(spaces)
        yield self.objects.make(NAMESPACE, GATEWAY_NAMESPACE, used=True, made_by=MESH)
        services = {mode: self._service(mode) for mode in self.ingress.modes()}
        for mode, service in services.items():
            yield service
            yield from self._autoscalers(mode)
        yield from self._certificates()
        for namespace, hosts in spaces.items():
            for mode in services:
                served = {name: host for name, host in hosts.items() if self._mode(host) == mode}
                if served:
                    yield self._gateway(namespace, mode, served)
            for name, host in hosts.items():
                yield self._route(name, host)
                mode = self._mode(host)
                pinned = self.ingress.gateway(mode).static_ip
                if record := own_record(self.profile, name, services[mode], pinned):
                    yield record

    def chains(self, graph: ResourceGraph) -> dict[str, HostChain]:
        """What each host depends on."""
        return {name: self._chain(graph, name, host) for name, host in self.profile.hosts.items()}

    def _chain(self, graph: ResourceGraph, name: str, host: Host) -> HostChain:
        mode = self._mode(host)
        return chain(
            self.profile,
            graph,
            name,
            front=address(SERVICE, service_name(mode), GATEWAY_NAMESPACE),
            route=address(VIRTUAL_SERVICE, object_name(name), host.namespace),
            listener=object_name(name),
            secret=(GATEWAY_NAMESPACE, secret_name(host.certificate)) if host.certificate else None,
            writer=None,
            record=own_address(self.profile, name),
            internal=mode == "internal",
        )

    def _mode(self, host: Host) -> str:
        return host.load_balancer or self.ingress.load_balancer

    def _service(self, mode: str) -> Manifest:
        settings = GatewaySettings.of(self.ingress, mode)
        body: dict[str, Value] = {}
        if annotations := settings.annotations():
            body["metadata"] = {"annotations": annotations}
        if settings.keep_source:
            body["spec"] = {"externalTrafficPolicy": "Local"}
        without = PROBES if settings.keep_source else ()
        return self.objects.share(
            SERVICE, service_name(mode), GATEWAY_NAMESPACE, body, made_by=MESH, without=without
        )

    def _autoscalers(self, mode: str) -> Iterator[Manifest]:
        """One for each revision: its name has that of the gateway's pods."""
        scaling = GatewaySettings.of(self.ingress, mode).scaling
        if scaling is None:
            return
        spec: Value = {"minReplicas": scaling.min_replicas, "maxReplicas": scaling.max_replicas}
        for output in (mode, *((f"canary{mode.capitalize()}",) if self.ingress.canary else ())):
            yield self.objects.share(
                AUTOSCALER,
                f"{service_name(mode)}-{'canary' if output != mode else 'stable'}",
                GATEWAY_NAMESPACE,
                {"spec": spec},
                made_by=MESH,
                object_name=Ref(self.revisions, output),
            )

    def _certificates(self) -> Iterator[Manifest]:
        """All of them beside the gateways, which read Secrets of their own namespace."""
        with_one = [host for host in self.profile.hosts.values() if host.certificate]
        for account in sorted({service_account(self.profile, host) for host in with_one}):
            yield self.sync.account(GATEWAY_NAMESPACE, account)
        yield from self.sync.secrets(GATEWAY_NAMESPACE, with_one)

    def _gateway(self, namespace: str, mode: str, hosts: Mapping[str, Host]) -> Manifest:
        used = dict.fromkeys(host.certificate for host in hosts.values() if host.certificate)
        after = [
            address(SERVICE, service_name(mode), GATEWAY_NAMESPACE),
            *holders(used, GATEWAY_NAMESPACE),
        ]
        spec: dict[str, Value] = {
            "selector": {"istio": service_name(mode)},
            "servers": tuple(_servers(hosts)),
        }
        return self.objects.make(
            ISTIO_GATEWAY, _gateway_object(self.profile, mode), namespace, {"spec": spec}, after
        )

    def _route(self, name: str, host: Host) -> Manifest:
        gateway = _gateway_object(self.profile, self._mode(host))
        spec: dict[str, Value] = {"hosts": (name,), "gateways": (gateway,)}
        destinations = _destinations(host)
        if host.tls == "passthrough":
            match: Value = {"port": 443, "sniHosts": (name,)}
            spec["tls"] = ({"match": (match,), "route": destinations},)
        else:
            rule: dict[str, Value] = {"route": destinations}
            if host.timeout_seconds is not None:
                rule["timeout"] = f"{host.timeout_seconds}s"
            spec["http"] = (rule,)
        after = (address(ISTIO_GATEWAY, gateway, host.namespace),)
        return self.objects.make(VIRTUAL_SERVICE, object_name(name), host.namespace, {"spec": spec}, after)


def service_name(mode: str) -> str:
    """Name of the gateway's Service, and the label of its pods."""
    return f"aks-istio-ingressgateway-{mode}"


def _gateway_object(profile: Profile, mode: str) -> str:
    name = gateway_name(profile)
    return f"{name}-internal" if mode == "internal" else name


def _servers(hosts: Mapping[str, Host]) -> Iterator[Value]:
    """A server for each host with TLS, and on port 80 one that answers and one that sends to HTTPS.

    `./` lets routes of the Gateway's own namespace in, and no others.
    """
    secure = [name for name, host in hosts.items() if host.certificate]
    plain = [name for name, host in hosts.items() if not host.certificate and host.tls != "passthrough"]
    for label, names, tls in ((_HTTP, plain, None), (_REDIRECT, secure, {"httpsRedirect": True})):
        if names:
            server: dict[str, Value] = {
                "port": {"number": 80, "name": label, "protocol": "HTTP"},
                "hosts": tuple(f"./{name}" for name in names),
            }
            yield {**server, "tls": tls} if tls else server
    for name, host in hosts.items():
        if host.tls == "passthrough" or host.certificate:
            protocol = "TLS" if host.tls == "passthrough" else "HTTPS"
            yield {
                "port": {"number": 443, "name": object_name(name), "protocol": protocol},
                "hosts": (f"./{name}",),
                "tls": _tls(host),
            }


def _tls(host: Host) -> Value:
    if host.tls == "passthrough":
        return {"mode": "PASSTHROUGH"}
    tls: dict[str, Value] = {
        "mode": _MODES[host.tls],
        "credentialName": secret_name(str(host.certificate)),
        "minProtocolVersion": "TLSV1_2",
    }
    if host.tls == "mutual":
        # Since 1.28. Source: istio.io, "Change Notes 1.28", ServerTLSSettings.
        tls["caCertCredentialName"] = str(host.client_ca)
    return tls


def _destinations(host: Host) -> tuple[Value, ...]:
    """The services and their shares: in Istio's API one among several without a weight gets nothing."""
    found: list[Value] = []
    for service in (host.service, *host.split):
        place = f"{service.name}.{host.namespace}.svc.cluster.local"
        route: dict[str, Value] = {"destination": {"host": place, "port": {"number": service.port}}}
        if host.split:
            route["weight"] = 1 if service.weight is None else service.weight
        found.append(route)
    return tuple(found)
