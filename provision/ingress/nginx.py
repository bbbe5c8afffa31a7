"""Hosts as Ingress objects for the managed NGINX controllers.

A host is one Ingress, whose certificate the add-on's operator syncs to the Secret `keyvault-<ingress>`.
The default controller serves it, unless the profile asks for what only a controller of its own can have:
a fixed address, scaling, a default certificate. Sources: "Advanced NGINX ingress controller configurations
with the application routing add-on", Microsoft Learn, 2026-06; Azure/aks-app-routing-operator,
pkg/controller/keyvault/spc/ingress.go, 2026-06.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from provision.ingress.hosts import HostChain, chain, host_record, object_name, zone_of
from provision.ingress.objects import Objects, address, addresses
from provision.profile.model import AppRouting, Host, Profile
from provision.resources.certificate import Certificate
from provision.resources.graph import ResourceGraph
from provision.resources.manifest import (
    CERTIFICATE_OPTION,
    INGRESS,
    INTERNAL,
    NGINX_INGRESS_CONTROLLER,
    PINNED,
    Manifest,
)
from provision.resources.ref import Ref
from provision.resources.resource import Resource
from provision.resources.values import Value

DEFAULT_CLASS = "webapprouting.kubernetes.azure.com"


@dataclass(frozen=True, slots=True)
class NginxHosts:
    """The hosts of a profile behind NGINX. `grants` let the add-on's identity read
    certificates (by vault) and write records (by zone)."""

    profile: Profile
    ingress: AppRouting
    objects: Objects
    grants: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def resources(self) -> Iterator[Resource]:
        """Every object: namespaces, the controller if it is the profile's own, Ingresses."""
        yield from self.objects.namespaces(host.namespace for host in self.profile.hosts.values())
        controller = [self._controller()] if has_own_controller(self.ingress) else []
        yield from controller
        for name, host in self.profile.hosts.items():
            zone = zone_of(name, self.profile.dns.zones)
            after = (*addresses(controller), *self.grants.get(zone or "", ()))
            ingress = self._ingress(name, host, after)
            yield ingress
            record = host_record(
                self.profile, name, ingress, (ingress.address,), after, pinned=self.ingress.static_ip
            )
            if record:
                yield record

    def chains(self, graph: ResourceGraph) -> dict[str, HostChain]:
        """What each host depends on."""
        return {name: self._chain(graph, name, host) for name, host in self.profile.hosts.items()}

    def _chain(self, graph: ResourceGraph, name: str, host: Host) -> HostChain:
        ingress = address(INGRESS, object_name(name), host.namespace)
        secret = (host.namespace, f"keyvault-{object_name(name)}") if host.certificate else None
        return chain(
            self.profile, graph, name, front=ingress, route=ingress, listener="", secret=secret, writer=None
        )

    @property
    def _class(self) -> str:
        return f"nginx-{self.profile.name}" if has_own_controller(self.ingress) else DEFAULT_CLASS

    def _controller(self) -> Manifest:
        spec: dict[str, Value] = {
            "ingressClassName": self._class,
            "controllerNamePrefix": f"nginx-{self.profile.name}",
        }
        annotations: dict[str, Value] = {}
        if self.ingress.load_balancer == "internal":
            annotations[INTERNAL] = "true"
        if self.ingress.static_ip:
            annotations[PINNED] = self.ingress.static_ip
        if annotations:
            spec["loadBalancerAnnotations"] = annotations
        if scaling := self.ingress.scaling:
            spec["scaling"] = {
                "minReplicas": scaling.min_replicas,
                "maxReplicas": scaling.max_replicas,
                "threshold": scaling.threshold,
            }
        after: tuple[str, ...] = ()
        if self.ingress.default_certificate:
            certificate, after = self._certificate(self.ingress.default_certificate)
            spec["defaultSSLCertificate"] = {"keyVaultURI": certificate}
        name, body = self.profile.name, {"spec": spec}
        return self.objects.make(NGINX_INGRESS_CONTROLLER, name, body=body, after=after)

    def _ingress(self, name: str, host: Host, after: tuple[str, ...]) -> Manifest:
        backend: Value = {"service": {"name": host.service.name, "port": {"number": host.service.port}}}
        path: Value = {"path": "/", "pathType": "Prefix", "backend": backend}
        spec: dict[str, Value] = {
            "ingressClassName": self._class,
            "rules": ({"host": name, "http": {"paths": (path,)}},),
        }
        body: dict[str, Value] = {"spec": spec}
        if host.certificate:
            uri, needed = self._certificate(host.certificate)
            after = (*after, *needed)
            body["metadata"] = {"annotations": {CERTIFICATE_OPTION: uri}}
            spec["tls"] = ({"hosts": (name,), "secretName": f"keyvault-{object_name(name)}"},)
        return self.objects.make(INGRESS, object_name(name), host.namespace, body, after)

    def _certificate(self, name: str) -> tuple[Ref, tuple[str, ...]]:
        """Where the certificate is, without a version, and what must be there to read it."""
        vault = self.profile.certificates[name].vault
        made = f"{Certificate.KIND}/{vault}/{name}"
        return Ref(made, "uri"), (made, *self.grants.get(vault, ()))


def has_own_controller(ingress: AppRouting) -> bool:
    """Whether the profile asks for what the add-on's default controller can't have."""
    return bool(ingress.static_ip or ingress.scaling or ingress.default_certificate)
