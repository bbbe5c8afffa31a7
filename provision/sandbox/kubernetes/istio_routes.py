"""What Istio has against VirtualServices and DestinationRules. See `istio_webhook` for the source."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

from provision.sandbox.azure import Json
from provision.sandbox.kubernetes.istio_gateways import domain_problems, is_label, port_problems

_MESH = "mesh"


def problems(service: Json) -> list[str]:
    """What is wrong with a VirtualService, each as Istio words it."""
    return list(_problems(service.get("spec") or {}))


def rule_problems(rule: Json) -> list[str]:
    """What is wrong with a DestinationRule."""
    return list(_rule_problems(rule.get("spec") or {}))


def overlaps(one: str, other: str) -> bool:
    """Whether two host names, with wildcards, have hosts in common; `*.x` holds everything below x."""
    one, other = one.lower(), other.lower()
    if one.startswith("*") and other.startswith("*"):
        return one[1:].endswith(other[1:]) or other[1:].endswith(one[1:])
    if one.startswith("*"):
        return other.endswith(one[1:])
    return one.endswith(other[1:]) if other.startswith("*") else one == other


def _problems(spec: Json) -> Iterator[str]:
    hosts, gateways = spec.get("hosts") or [], spec.get("gateways") or []
    routes = {kind: spec.get(kind) or [] for kind in ("http", "tls", "tcp")}
    if not hosts:
        yield from _delegate_problems(gateways, routes)
    yield from _gateway_problems(gateways)
    yield from _host_problems(hosts, to_mesh=not gateways or _MESH in gateways)
    if not any(routes.values()):
        yield "http, tcp or tls must be provided in virtual service"
    for route in routes["http"]:
        yield from _http_problems(route)
    for route in routes["tls"]:
        yield from _tls_problems(route, hosts)
    for route in routes["tcp"]:
        if not route.get("route"):
            yield "TCP route is required"
        yield from _weight_problems(route.get("route") or [])
    yield from _export_problems(spec.get("exportTo") or [])


def _delegate_problems(gateways: list[str], routes: dict[str, list[Json]]) -> Iterator[str]:
    if gateways:
        yield "delegate virtual service must have no gateways specified"
    for kind in ("tls", "tcp"):
        if routes[kind]:
            yield f"delegate virtual service must have no {kind} route specified"


def _gateway_problems(gateways: list[str]) -> Iterator[str]:
    """References `namespace/name`, or names; the first name ends the check, as in Istio."""
    for reference in gateways:
        namespace, slash, name = reference.partition("/")
        if not slash:
            yield from domain_problems(reference, wild=False)
            return
        if not namespace or not name:
            yield "config namespace and gateway name cannot be empty"
        if not is_label(namespace):
            yield f'invalid value for namespace: "{namespace}"'
        if not is_label(name):
            yield f'invalid value for gateway name: "{name}"'


def _host_problems(hosts: list[str], *, to_mesh: bool) -> Iterator[str]:
    found = []
    for host in hosts:
        wrong = [] if _is_address(host) else list(domain_problems(host))
        if not wrong and to_mesh and host == "*":
            wrong = ["wildcard host * is not allowed for virtual services bound to the mesh gateway"]
        found += wrong
    yield from found
    if found:
        return
    for position, one in enumerate(hosts):
        for other in hosts[position + 1 :]:
            if overlaps(one, other):
                yield f"duplicate hosts in virtual service: {one} & {other}"


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _http_problems(route: Json) -> Iterator[str]:
    if route.get("delegate"):
        for field in ("redirect", "route"):
            if route.get(field):
                yield f"root HTTP route {route.get('name', '')} must not specify {field}"
    else:
        yield from _conflicts(route)
    for match in route.get("match") or []:
        yield from _match_problems(match)
    yield from _redirect_problems(route.get("redirect"), route.get("match") or [])
    status = (route.get("directResponse") or {}).get("status", 200)
    if not 200 <= status <= 600:
        yield f"HTTP status {status} is not in range 200-599"
    yield from _weight_problems(route.get("route") or [])


def _conflicts(route: Json) -> Iterator[str]:
    """A route does one of three things."""
    redirect, direct = route.get("redirect"), route.get("directResponse")
    if redirect or direct:
        shown = "redirect" if redirect else "direct_response"
        if route.get("route"):
            yield f"HTTP route cannot contain both route and {shown}"
        if route.get("fault"):
            yield f"HTTP route cannot contain both fault and {shown}"
        if route.get("rewrite"):
            yield f"HTTP route rule cannot contain both rewrite and {shown}"
        if redirect and direct:
            yield "HTTP route rule cannot contain both direct_response and redirect"
    elif not route.get("route"):
        yield "HTTP route, redirect or direct_response is required"
    if route.get("mirror") and route.get("mirrors"):
        yield "HTTP route cannot contain both mirror and mirrors"


def _match_problems(match: Json) -> Iterator[str]:
    for field in ("headers", "withoutHeaders", "queryParams"):
        for wanted in (match.get(field) or {}).values():
            yield from _text_problems(wanted or {}, field)
    for field in ("uri", "scheme", "method", "authority"):
        wanted = match.get(field) or {}
        if field != "uri" or "prefix" not in wanted:
            yield from _text_problems(wanted, field)
    if match.get("port"):
        yield from port_problems(match["port"])
    yield from _gateway_problems(match.get("gateways") or [])


def _text_problems(wanted: Json, where: str) -> Iterator[str]:
    if wanted.get("prefix") == "":
        yield f'"{where}": prefix string match should not be empty'
    if "regex" in wanted:
        if not wanted["regex"]:
            yield f'"{where}": regex string match should not be empty'
        else:
            try:
                re.compile(wanted["regex"])
            except re.error as error:
                yield f'"{where}": error parsing regexp: {error}'


def _redirect_problems(redirect: Json | None, matches: list[Json]) -> Iterator[str]:
    """The first thing that is wrong: Istio looks no further."""
    if redirect is None:
        return
    code, port = redirect.get("redirectCode", 0), redirect.get("port", 0)
    if redirect.get("uri") and redirect.get("prefixRewrite"):
        yield "redirect may only specify one of uri or prefix_rewrite"
    elif redirect.get("prefixRewrite") and any(
        "prefix" not in (each.get("uri") or {"prefix": ""}) for each in matches
    ):
        yield "redirect prefix_rewrite requires all URI matches to use prefix match type"
    elif not any(
        redirect.get(key) for key in ("uri", "prefixRewrite", "authority", "port", "derivePort", "scheme")
    ):
        yield "redirect must specify URI, authority, scheme, or port"
    elif code and not 300 <= code <= 399:
        yield f"{code} is not a valid redirect code, must be 3xx"
    elif redirect.get("scheme") and redirect["scheme"] not in ("http", "https"):
        yield 'invalid redirect scheme, must be "http" or "https"'
    elif port:
        yield from port_problems(port)


def _tls_problems(route: Json, hosts: list[str]) -> Iterator[str]:
    if not route["match"]:
        yield "TLS route must have at least one match condition"
    for match in route["match"]:
        if not match["sniHosts"]:
            yield "TLS match must have at least one SNI host"
        for name in match["sniHosts"]:
            wrong = list(domain_problems(name))
            yield from wrong
            if not wrong and not any(_within(name, host) for host in hosts):
                listed = ", ".join(hosts)
                why = "is not a compatible subset of any of the virtual service hosts"
                yield f'SNI host "{name}" {why}: [{listed}]'
        if match.get("port"):
            yield from port_problems(match["port"])
        yield from _gateway_problems(match.get("gateways") or [])
    if not route.get("route"):
        yield "TLS route is required"
    yield from _weight_problems(route.get("route") or [])


def _within(name: str, host: str) -> bool:
    """Whether a name, with wildcards, is the host or in it."""
    name, host = name.lower(), host.lower()
    return name == host or (host.startswith("*") and name.lstrip("*").endswith(host[1:]))


def _weight_problems(destinations: list[Json]) -> Iterator[str]:
    for each in destinations:
        destination = each["destination"]
        if destination["host"] == "*":
            yield "invalid destination host *"
        else:
            yield from domain_problems(destination["host"])
        if destination.get("subset") and not is_label(destination["subset"]):
            yield f"subset name is invalid: {destination['subset']}"
        if destination.get("port") is not None:
            yield from port_problems(destination["port"].get("number", 0))
        if each.get("weight", 0) < 0:
            yield f"weight {each['weight']} < 0"
    if len(destinations) > 1 and not sum(each.get("weight", 0) for each in destinations):
        yield "total destination weight = 0"


def _export_problems(export: list[str]) -> Iterator[str]:
    for each in export:
        if each not in ("*", ".") and not is_label(each):
            yield f"only .,*, or a valid DNS 1123 label is allowed as exportTo entry: {each}"
    for each in sorted({each for each in export if export.count(each) > 1}):
        yield f"duplicate entries in exportTo for entry {each}"
    if "*" in export and len(export) > 1:
        yield "cannot have both public (*) and non-public exportTo values for a resource"


def _rule_problems(spec: Json) -> Iterator[str]:
    yield from domain_problems(spec["host"])
    seen: set[str] = set()
    for subset in spec.get("subsets") or []:
        name = subset["name"]
        if name in seen:
            yield f"duplicate subset names: {name}"
        seen.add(name)
        if not is_label(name):
            yield f"subset name is invalid: {name}" if name else "subset name cannot be empty"
    yield from _export_problems(spec.get("exportTo") or [])
