"""VirtualServices: where an ingress gateway of Istio sends a request, or a connection it passes through.

Source: istio/istio, pilot/pkg/networking/core/{gateway.go,route/route.go} and pilot/pkg/model/config.go
(August 2026). Retries, timeouts, faults, mirrors and CORS policies change no answer here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from provision.sandbox.azure import Json
from provision.sandbox.edge import virtual_matches
from provision.sandbox.edge.exchange import Response, Visit, has_service, served
from provision.sandbox.edge.hostnames import intersection, matches, specificity
from provision.sandbox.kubernetes import crds, kinds
from provision.sandbox.kubernetes.objects import Cluster

ENVOY: Mapping[str, str] = {"server": "istio-envoy"}
_CLUSTER_DOMAIN = "svc.cluster.local"
_WELL_KNOWN = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Attached:
    """A server of a Gateway, at work in the gateway pods of a namespace."""

    gateway: Json
    server: Json
    pods: str

    @property
    def port(self) -> int:
        return int(self.server["port"]["number"])

    @property
    def protocol(self) -> str:
        return str(self.server["port"]["protocol"])

    @property
    def reference(self) -> str:
        """The Gateway as `namespace/name`."""
        metadata = self.gateway["metadata"]
        return f"{metadata['namespace']}/{metadata['name']}"

    def hosts_for(self, namespace: str) -> list[str]:
        """The server's hosts that VirtualServices of a namespace may use, as patterns."""
        found = []
        for host in self.server["hosts"]:
            place = host.rpartition("/")[0]
            place = self.gateway["metadata"]["namespace"] if place == "." else place
            if place in ("", "*", namespace):
                found.append(domain(host))
        return found


@dataclass(frozen=True, slots=True)
class Passed:
    """A passthrough route: the Service behind it by (namespace, name, port), None when there is none."""

    service: tuple[str, str, int] | None

    def respond(self, visit: Visit) -> Response:
        """The gateway sees names in handshakes only, so the answer carries nothing of its own."""
        return served(visit, *self.service, "") if self.service else Response(503)


@dataclass(frozen=True, slots=True)
class Routed:
    """A route of a VirtualService and the condition of it that holds."""

    service: Json
    route: Json
    match: Json

    @property
    def namespace(self) -> str:
        return str(self.service["metadata"]["namespace"])


def domain(host: str) -> str:
    """A host of a Gateway or VirtualService as a pattern: without namespace, and empty for `*`."""
    name = host.rpartition("/")[2]
    return "" if name == "*" else name


def respond(cluster: Cluster, attached: Iterable[Attached], visit: Visit, client: str) -> Response:
    """What the servers that share one set of routes answer; `client` is forwarded as the client's address."""
    found: dict[str, list[tuple[Attached, Json]]] = {}
    redirecting: set[str] = set()
    for each in attached:
        for service in _services(cluster, each):
            for host in _shared(each, service):
                found.setdefault(host, []).append((each, service))
                redirecting |= {host} if _to_https(each) else set()
        if _to_https(each):
            for host in each.server["hosts"]:
                found.setdefault(domain(host).lower(), [])
                redirecting.add(domain(host).lower())
    fitting = [host for host in found if matches(host, visit.host)]
    if not fitting:
        return Response(404, headers=ENVOY)
    host = max(fitting, key=specificity)
    if host in redirecting:
        return Response(301, headers={**ENVOY, "location": f"https://{visit.host}{visit.target}"})
    routed = _choose(cluster, found[host], visit)
    if routed is None:
        return Response(404, headers=ENVOY)
    answer = _answer(cluster, routed, visit, client)
    return _with_headers(routed, Response(answer.status, answer.text, {**ENVOY, **answer.headers}))


def passed(cluster: Cluster, attached: Attached) -> Iterator[tuple[str, Passed]]:
    """The names for which a passthrough server has routes."""
    for service in _services(cluster, attached):
        if not _shared(attached, service):
            continue
        for route in service["spec"].get("tls") or ():
            for match in route["match"]:
                if virtual_matches.concerns(match, attached.port, attached.reference, _namespace(service)):
                    target = _destination(
                        cluster, _namespace(service), route.get("route") or [], attached.port
                    )
                    for name in match["sniHosts"]:
                        yield domain(name), Passed(target)


def _services(cluster: Cluster, attached: Attached) -> list[Json]:
    """VirtualServices bound to the server's Gateway that its pods may see, the oldest first."""
    found = []
    for service in cluster.list(crds.VIRTUAL_SERVICE):
        own = _namespace(service)
        exported = service["spec"].get("exportTo") or ["*"]
        seen = {own if each == "." else each for each in exported} & {"*", attached.pods}
        names = {virtual_matches.gateway_name(each, own) for each in service["spec"].get("gateways") or ()}
        if seen and attached.reference in names:
            found.append(service)
    return sorted(found, key=_seniority)


def _namespace(body: Json) -> str:
    return str(body["metadata"]["namespace"])


def _seniority(body: Json) -> tuple[str, str, str]:
    metadata = body["metadata"]
    return metadata.get("creationTimestamp", ""), metadata["name"], metadata["namespace"]


def _shared(attached: Attached, service: Json) -> set[str]:
    """The hosts that a server and a VirtualService have in common, as patterns in lower case."""
    pairs = [
        (domain(one), other)
        for one in service["spec"].get("hosts") or ()
        for other in attached.hosts_for(_namespace(service))
    ]
    return {host.lower() for pair in pairs if (host := intersection(*pair)) is not None}


def _to_https(attached: Attached) -> bool:
    return bool((attached.server.get("tls") or {}).get("httpsRedirect"))


def _choose(cluster: Cluster, bound: list[tuple[Attached, Json]], visit: Visit) -> Routed | None:
    """The first route that holds; those that hold for everything come last, as Istio sorts them."""
    every = [
        Routed(service, route, match)
        for attached, service in bound
        for route in service["spec"].get("http") or ()
        for match in route.get("match") or [{}]
        if virtual_matches.concerns(match, attached.port, attached.reference, _namespace(service))
    ]
    every.sort(key=lambda each: virtual_matches.holds_always(each.match))
    for routed in every:
        if virtual_matches.holds(routed.match, visit):
            return _delegated(cluster, routed, visit) if routed.route.get("delegate") else routed
    return None


def _delegated(cluster: Cluster, routed: Routed, visit: Visit) -> Routed | None:
    reference = routed.route["delegate"]
    place = reference.get("namespace") or routed.namespace
    service = cluster.get(crds.VIRTUAL_SERVICE, reference.get("name", ""), place)
    for route in service["spec"].get("http") or () if service else ():
        for match in route.get("match") or [{}]:
            if service and virtual_matches.holds(match, visit):
                return Routed(service, route, match)
    return None


def _answer(cluster: Cluster, routed: Routed, visit: Visit, client: str) -> Response:
    route = routed.route
    if route.get("redirect"):
        return _redirected(route["redirect"], routed.match, visit)
    if route.get("directResponse"):
        direct = route["directResponse"]
        return Response(direct["status"], str((direct.get("body") or {}).get("string", "")))
    target = _destination(cluster, routed.namespace, route.get("route") or [], visit.port)
    if target is None:
        return Response(503)
    before = visit.headers.get("x-forwarded-for")
    forwarded = f"{before},{client}" if before else client
    answer = served(_rewritten(route.get("rewrite") or {}, routed.match, visit), *target, forwarded)
    return Response(answer.status, answer.text, {"x-envoy-upstream-service-time": "0"})


def _redirected(redirect: Json, match: Json, visit: Visit) -> Response:
    scheme = redirect.get("scheme") or visit.scheme
    host = redirect.get("authority") or visit.host
    port = redirect.get("port") or (visit.port if redirect.get("derivePort") == "FROM_REQUEST_PORT" else 0)
    if port and port != _WELL_KNOWN[scheme]:
        host = f"{host}:{port}"
    path = redirect.get("uri") or visit.path
    if redirect.get("prefixRewrite"):
        path = virtual_matches.replaced(match, visit.path, redirect["prefixRewrite"])
    query = f"?{visit.query}" if visit.query and "?" not in path else ""
    location = f"{scheme}://{host}{path}{query}"
    return Response(redirect.get("redirectCode") or 301, headers={"location": location})


def _rewritten(rewrite: Json, match: Json, visit: Visit) -> Visit:
    """The request as the service sees it."""
    path = visit.path
    if rewrite.get("uri"):
        path = virtual_matches.replaced(match, path, rewrite["uri"])
    elif rewrite.get("uriRegexRewrite"):
        path = virtual_matches.replaced_by_pattern(rewrite["uriRegexRewrite"], path)
    return replace(visit, path=path, host=rewrite.get("authority") or visit.host)


def _destination(
    cluster: Cluster, namespace: str, destinations: list[Json], port: int
) -> tuple[str, str, int] | None:
    """The Service with most weight, since one request shows no distribution; None when it is not there.

    Only names without a dot are short names. A subset must be in a DestinationRule of the host.
    """
    if not destinations:
        return None
    heaviest = max(destinations, key=lambda each: int(each.get("weight", 0)))["destination"]
    full = _full_name(heaviest["host"], namespace)
    name, _, rest = full.partition(".")
    place, _, suffix = rest.partition(".")
    service = cluster.get(kinds.SERVICE, name, place) if suffix == _CLUSTER_DOMAIN else None
    if service is None or not _has_subset(cluster, full, heaviest.get("subset"), {namespace, place}):
        return None
    ports = [each["port"] for each in service["spec"].get("ports") or ()]
    number = (heaviest.get("port") or {}).get("number") or (ports[0] if len(ports) == 1 else port)
    return (place, name, number) if has_service(cluster, place, name, number) else None


def _full_name(host: str, namespace: str) -> str:
    return host if "." in host else f"{host}.{namespace}.{_CLUSTER_DOMAIN}"


def _has_subset(cluster: Cluster, full: str, subset: str | None, namespaces: set[str]) -> bool:
    if not subset:
        return True
    for namespace in sorted(namespaces):
        for rule in cluster.list(crds.DESTINATION_RULE, namespace):
            names = [each["name"] for each in rule["spec"].get("subsets") or ()]
            if _full_name(rule["spec"]["host"], namespace) == full and subset in names:
                return True
    return False


def _with_headers(routed: Routed, response: Response) -> Response:
    """The answer after the route's changes to its headers."""
    headers = {name.lower(): value for name, value in response.headers.items()}
    change = (routed.route.get("headers") or {}).get("response") or {}
    headers |= {name.lower(): value for name, value in (change.get("set") or {}).items()}
    for name, value in (change.get("add") or {}).items():
        before = headers.get(name.lower())
        headers[name.lower()] = f"{before},{value}" if before else value
    for name in change.get("remove") or ():
        headers.pop(name.lower(), None)
    return Response(response.status, response.text, headers)
