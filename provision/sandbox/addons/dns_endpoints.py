"""What external-dns reads from a cluster: names and addresses of routes and Ingresses. Pure.

Source: kubernetes-sigs/external-dns, source/gateway.go and source/ingress.go (v0.21.0, 2026), which the
operator runs with `--source=gateway-httproute`, `--source=gateway-grpcroute` and `--source=ingress`. Routes
of other kinds, TLSRoute among them, get no records.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from provision.sandbox.addons import istio, routes
from provision.sandbox.addons.hostnames import labelled, overlap
from provision.sandbox.azure import Json

_PREFIX = "external-dns.alpha.kubernetes.io/"
ROUTES = ("HTTPRoute", "GRPCRoute")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A record that is wanted: `resource` is where it comes from (`httproute/shop/web`), `ttl` 0 if unset."""

    name: str
    targets: tuple[str, ...]
    resource: str
    ttl: int = 0


@dataclass(frozen=True, slots=True)
class Filters:
    """What a controller looks at: one namespace or all (empty), labels as `key=value`."""

    namespace: str = ""
    gateways: str | None = None
    routes: str | None = None

    def sees(self, body: Json) -> bool:
        """Whether a route or an Ingress is one the controller looks at."""
        inside = self.namespace in ("", body["metadata"]["namespace"])
        return inside and labelled(body, self.routes)

    def sees_gateway(self, body: Json) -> bool:
        inside = self.namespace in ("", body["metadata"]["namespace"])
        return inside and labelled(body, self.gateways)


def of_routes(
    found: Iterable[Json],
    gateways: Iterable[Json],
    namespaces: Mapping[str, Mapping[str, str]],
    filters: Filters,
) -> list[Endpoint]:
    """Endpoints of routes that a Gateway has accepted, with the Gateway's addresses."""
    seen = {_key(each): each for each in gateways if filters.sees_gateway(each)}
    world = routes.World(seen, namespaces, frozenset(), ())
    return merged(endpoint for route in found if filters.sees(route) for endpoint in _of_route(route, world))


def of_ingresses(found: Iterable[Json], filters: Filters) -> list[Endpoint]:
    """Endpoints of Ingresses that have an address, of whatever class, for the hosts of rules and of TLS."""
    return merged(endpoint for ingress in found if filters.sees(ingress) for endpoint in _of_ingress(ingress))


def merged(endpoints: Iterable[Endpoint]) -> list[Endpoint]:
    """One endpoint a name, with the targets of all; the first resource by name stands for it."""
    found: dict[str, Endpoint] = {}
    for each in sorted(endpoints, key=lambda endpoint: (endpoint.name, endpoint.resource)):
        first = found.get(each.name)
        targets = sorted({*(first.targets if first else ()), *each.targets})
        base = first or each
        found[each.name] = Endpoint(each.name, tuple(targets), base.resource, base.ttl)
    return list(found.values())


def _of_route(route: Json, world: routes.World) -> Iterator[Endpoint]:
    metadata = route["metadata"]
    annotations = metadata.get("annotations") or {}
    resource = f"{route['kind'].lower()}/{metadata['namespace']}/{metadata['name']}"
    names = [*(route["spec"].get("hostnames") or [""]), *_listed(annotations, "hostname")]
    for parent in (route.get("status") or {}).get("parents") or ():
        reference = parent["parentRef"]
        gateway = world.gateways.get((reference.get("namespace") or metadata["namespace"], reference["name"]))
        if gateway is None or parent["controllerName"] != istio.CONTROLLER or not _accepted(parent):
            continue
        own = (gateway.get("status") or {}).get("addresses") or ()
        override = _listed(gateway["metadata"].get("annotations") or {}, "target")
        targets = override or [each["value"] for each in own]
        for listener in gateway["spec"]["listeners"]:
            if routes.denial(route, reference, gateway, listener, world) is None:
                for name in _names(listener.get("hostname") or "", names):
                    yield from _endpoint(name, targets, resource, annotations)


def _names(listener: str, names: Sequence[str]) -> Iterator[str]:
    for name in names:
        matching = overlap(listener, name)
        if matching:
            yield matching


def _of_ingress(ingress: Json) -> Iterator[Endpoint]:
    metadata = ingress["metadata"]
    annotations = metadata.get("annotations") or {}
    balancer = ((ingress.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ()
    targets = _listed(annotations, "target") or [each["ip"] for each in balancer if each.get("ip")]
    hosts = [rule.get("host") for rule in ingress["spec"].get("rules") or ()]
    hosts += [host for tls in ingress["spec"].get("tls") or () for host in tls.get("hosts") or ()]
    resource = f"ingress/{metadata['namespace']}/{metadata['name']}"
    for host in dict.fromkeys([*hosts, *_listed(annotations, "hostname")]):
        if host:
            yield from _endpoint(host, targets, resource, annotations)


def _endpoint(name: str, targets: Sequence[str], resource: str, annotations: Json) -> Iterator[Endpoint]:
    if targets:
        ttl = str(annotations.get(f"{_PREFIX}ttl") or "0")
        yield Endpoint(name.lower(), tuple(targets), resource, int(ttl) if ttl.isdigit() else 0)


def _accepted(parent: Json) -> bool:
    return any(each["type"] == "Accepted" and each["status"] == "True" for each in parent["conditions"])


def _listed(annotations: Json, name: str) -> list[str]:
    text = annotations.get(f"{_PREFIX}{name}") or ""
    return [part.strip() for part in text.split(",") if part.strip()]


def _key(body: Json) -> tuple[str, str]:
    return body["metadata"]["namespace"], body["metadata"]["name"]
