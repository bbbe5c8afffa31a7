"""What hosts ask of the gateway beside routing, as policy objects of the ALB controller.

Source: "API specification for Application Gateway for Containers", "Frontend MTLS", "Backend MTLS", "Custom
health probe" and "Azure Web Application Firewall on Application Gateway for Containers", Microsoft Learn,
2024 to 2026.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from provision.ingress.hosts import by_namespace, gateway_name, object_name
from provision.ingress.objects import Objects, address
from provision.profile.model import ApplicationGateway, BackendTls, HealthCheck, Host, Profile, Service
from provision.resources.manifest import (
    BACKEND_TLS_POLICY,
    FIREWALL_POLICY,
    FRONTEND_TLS_POLICY,
    GATEWAY,
    HEALTH_CHECK_POLICY,
    HTTP_ROUTE,
    INGRESS,
    ROUTE_POLICY,
    Api,
    Manifest,
)
from provision.resources.values import Value


@dataclass(frozen=True, slots=True)
class Policies:
    """The policies of a profile."""

    profile: Profile
    ingress: ApplicationGateway
    objects: Objects
    controller: tuple[str, ...] = ()
    """What brings their definitions."""

    def resources(self) -> Iterator[Manifest]:
        """One for each host, service or Gateway that asks for it."""
        services: set[tuple[str, str]] = set()
        for name, host in self.profile.hosts.items():
            yield from self._of_host(name, host)
            for service in (host.service, *host.split):
                if (host.namespace, service.name) not in services:
                    services.add((host.namespace, service.name))
                    yield from self._of_service(host, service)
        if self.ingress.waf_policy and self.ingress.deployment == "managed":
            for namespace in by_namespace(self.profile):
                yield self._firewall(namespace, self.ingress.waf_policy)

    def _of_host(self, name: str, host: Host) -> Iterator[Manifest]:
        if host.tls == "mutual" and host.client_ca:
            yield self._clients(name, host, host.client_ca)
        if host.timeout_seconds is not None:
            api = INGRESS if self.ingress.api == "ingress" else HTTP_ROUTE
            target = _target(api, object_name(name), host.namespace)
            default: Value = {"timeouts": {"routeTimeout": f"{host.timeout_seconds}s"}}
            # Made beside the route, for which it waits by itself: a route is never without it for long.
            gateway = address(GATEWAY, gateway_name(self.profile), host.namespace)
            after = () if api is INGRESS else (gateway,)
            yield self._policy(ROUTE_POLICY, object_name(name), host.namespace, target, default, after)

    def _clients(self, name: str, host: Host, authority: str) -> Manifest:
        target: Value = {
            **_target(GATEWAY, gateway_name(self.profile), host.namespace),
            "sectionNames": (object_name(name),),
        }
        default: Value = {"verify": {"caCertificateRef": _secret(authority, host.namespace)}}
        after = (address(GATEWAY, gateway_name(self.profile), host.namespace),)
        return self._policy(FRONTEND_TLS_POLICY, object_name(name), host.namespace, target, default, after)

    def _of_service(self, host: Host, service: Service) -> Iterator[Manifest]:
        target = {"group": "", "kind": "Service", "name": service.name, "namespace": host.namespace}
        if host.backend_tls:
            default = _backend(host.backend_tls, service, host.namespace)
            yield self._policy(BACKEND_TLS_POLICY, service.name, host.namespace, target, default)
        if host.health_check:
            default = _check(host.health_check, tls=host.backend_tls is not None)
            yield self._policy(HEALTH_CHECK_POLICY, service.name, host.namespace, target, default)

    def _firewall(self, namespace: str, policy: str) -> Manifest:
        spec: dict[str, Value] = {
            "targetRef": _target(GATEWAY, gateway_name(self.profile), namespace),
            "webApplicationFirewall": {"id": policy},
        }
        after = (address(GATEWAY, gateway_name(self.profile), namespace),)
        name = gateway_name(self.profile)
        return self.objects.make(FIREWALL_POLICY, name, namespace, {"spec": spec}, after)

    def _policy(
        self, api: Api, name: str, namespace: str, target: Value, default: Value, after: tuple[str, ...] = ()
    ) -> Manifest:
        body: dict[str, Value] = {"spec": {"targetRef": target, "default": default}}
        return self.objects.make(api, name, namespace, body, (*self.controller, *after))


def _target(api: Api, name: str, namespace: str) -> dict[str, Value]:
    group = api.api_version.rpartition("/")[0]
    return {"group": group, "kind": api.kind, "name": name, "namespace": namespace}


def _secret(name: str, namespace: str) -> dict[str, Value]:
    return {"group": "", "kind": "Secret", "name": name, "namespace": namespace}


def _backend(tls: BackendTls, service: Service, namespace: str) -> dict[str, Value]:
    default: dict[str, Value] = {"sni": tls.server_name, "ports": ({"port": service.port},)}
    if tls.client_certificate:
        default["clientCertificateRef"] = _secret(tls.client_certificate, namespace)
    verify: dict[str, Value] = {"subjectAltName": tls.server_name}
    if tls.ca:
        verify["caCertificateRef"] = _secret(tls.ca, namespace)
    default["verify"] = verify
    return default


def _check(check: HealthCheck, *, tls: bool) -> dict[str, Value]:
    ranges = [each.strip().partition("-") for each in check.status_codes.split(",")]
    codes: Value = tuple({"start": int(first), "end": int(last or first)} for first, _, last in ranges)
    default: dict[str, Value] = {
        "interval": f"{check.interval_seconds}s",
        "timeout": f"{check.timeout_seconds}s",
        "healthyThreshold": check.healthy_threshold,
        "unhealthyThreshold": check.unhealthy_threshold,
        "http": {"path": check.path, "match": {"statusCodes": codes}},
    }
    if check.port is not None:
        default["port"] = check.port
    if tls:
        default["useTLS"] = True
    return default
