"""A Gateway of class `approuting-istio` or `istio` at its address, as its Envoy answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from provision.sandbox.azure import Json
from provision.sandbox.edge import http_routes
from provision.sandbox.edge.certificates import Pem, authorities, can_check, of_secret, of_service
from provision.sandbox.edge.exchange import ClientCheck, Response, Visit, has_service, seen_client, served
from provision.sandbox.edge.hostnames import intersection, matches, specificity
from provision.sandbox.edge.http_routes import Chosen
from provision.sandbox.kubernetes import crds, kinds
from provision.sandbox.kubernetes.objects import Cluster

_GROUP = crds.GATEWAY.group


@dataclass(frozen=True, slots=True)
class GatewayFront:
    """`service` is the LoadBalancer Service that holds the Gateway's address."""

    cluster: Cluster
    gateway: Json
    service: Json

    def ports(self) -> set[int]:
        return {listener["port"] for listener in self._listeners()}

    def secure(self, port: int) -> bool:
        return any(listener["protocol"] != "HTTP" for listener in self._listeners(port))

    def certificate(self, port: int, server_name: str | None) -> Pem | None:
        """That of the listener with the most specific host name; Envoy has no other to fall back to."""
        listener = most_specific(self._listeners(port), server_name or "")
        if listener is None:
            return None
        tls = listener.get("tls") or {}
        if _passes_through(listener):
            return of_service(server_name) if server_name and self._passed(listener, server_name) else None
        for reference in tls.get("certificateRefs") or ():
            namespace = reference.get("namespace") or self._namespace
            if self._granted(_GROUP, "Gateway", self._namespace, "Secret", reference["name"], namespace):
                pem = of_secret(self.cluster, namespace, reference["name"])
                if not _is_mutual(listener) or (pem and can_check(pem, self._authorities(listener))):
                    return pem
        return None

    def client_check(self, port: int, server_name: str | None) -> ClientCheck | None:
        listener = most_specific(self._listeners(port), server_name or "")
        if listener is None or not _is_mutual(listener):
            return None
        return ClientCheck(self._authorities(listener) or b"")

    def _authorities(self, listener: Json) -> bytes | None:
        """Those of clients: of the Secret `<certificate's>-cacert`, else of the certificate's itself."""
        references = listener["tls"].get("certificateRefs") or ()
        found = (authorities(self.cluster, self._namespace, each["name"]) for each in references)
        return next((each for each in found if each), None)

    def respond(self, visit: Visit) -> Response:
        name = (visit.server_name or "") if visit.secure else visit.host
        listener = most_specific(self._listeners(visit.port), name)
        if listener and _passes_through(listener):
            return self._passed(listener, name, visit) or Response(404)
        chosen = self._chosen(listener, visit) if listener else None
        if chosen is None:
            return Response(404, headers=self._own_headers())
        answer = http_routes.redirect(chosen, visit) or self._from_backend(chosen, visit)
        return http_routes.with_headers(
            chosen, Response(answer.status, answer.text, {**self._own_headers(), **answer.headers})
        )

    def _own_headers(self) -> dict[str, str]:
        return {"server": "istio-envoy"}

    def _client(self, visit: Visit) -> str:
        """The client's address as it is forwarded."""
        return seen_client(self.service, visit)

    @property
    def _namespace(self) -> str:
        return str(self.gateway["metadata"]["namespace"])

    def _listeners(self, port: int | None = None) -> list[Json]:
        listeners: list[Json] = self.gateway["spec"].get("listeners") or []
        return [listener for listener in listeners if port in (None, listener["port"])]

    def _chosen(self, listener: Json, visit: Visit) -> Chosen | None:
        """The rule for a request among the routes whose host name is the most specific for it."""
        found: dict[str, list[Json]] = {}
        for route in self.cluster.list(crds.HTTP_ROUTE):
            for hostname in self._hostnames(listener, route):
                if matches(hostname, visit.host):
                    found.setdefault(hostname.lower(), []).append(route)
        if not found:
            return None
        return http_routes.choose(found[max(found, key=specificity)], visit)

    def _passed(self, listener: Json, server_name: str, visit: Visit | None = None) -> Response | None:
        """What the service answers that a TLSRoute passes the connection to; None when there is none.

        The gateway sees names in handshakes only, so the answer carries nothing of its own.
        """
        for route in self.cluster.list(crds.TLS_ROUTE):
            if any(matches(each, server_name) for each in self._hostnames(listener, route)):
                namespace = route["metadata"]["namespace"]
                for backend in route["spec"]["rules"][0]["backendRefs"]:
                    place = backend.get("namespace") or namespace
                    name, port = backend["name"], backend.get("port")
                    granted = self._granted(_GROUP, "TLSRoute", namespace, "Service", name, place)
                    if granted and has_service(self.cluster, place, name, port):
                        return served(visit, place, name, port, "") if visit else Response(200)
        return None

    def _hostnames(self, listener: Json, route: Json) -> set[str]:
        """The host names under which a listener carries a route; none when it does not."""
        parents = route["spec"].get("parentRefs") or ()
        if not any(self._is_parent(each, listener, route) for each in parents):
            return set()
        if not self._admits(listener, route["metadata"]["namespace"]):
            return set()
        own = listener.get("hostname") or ""
        shared = {intersection(own, name) for name in route["spec"].get("hostnames") or [""]}
        return {name for name in shared if name is not None}

    def _is_parent(self, reference: Json, listener: Json, route: Json) -> bool:
        place = reference.get("namespace") or route["metadata"]["namespace"]
        names_gateway = (
            reference.get("kind", "Gateway") == "Gateway"
            and reference.get("group", _GROUP) == _GROUP
            and (place, reference["name"]) == (self._namespace, self.gateway["metadata"]["name"])
        )
        return names_gateway and all(
            reference.get(field, listener[own]) == listener[own]
            for field, own in (("sectionName", "name"), ("port", "port"))
        )

    def _admits(self, listener: Json, namespace: str) -> bool:
        """Whether the listener takes routes from a namespace."""
        allowed = (listener.get("allowedRoutes") or {}).get("namespaces") or {}
        source: str = allowed.get("from", "Same")
        if source == "Selector":
            found = self.cluster.get(kinds.NAMESPACE, namespace) or {"metadata": {}}
            return _selects(allowed.get("selector") or {}, found["metadata"].get("labels") or {})
        return source == "All" or (source == "Same" and namespace == self._namespace)

    def _from_backend(self, chosen: Chosen, visit: Visit) -> Response:
        """The backend with most weight answers: one request shows no distribution. Without one: 500."""
        backends = [each for each in chosen.rule.get("backendRefs") or () if each.get("weight", 1)]
        namespace = chosen.route["metadata"]["namespace"]
        for backend in sorted(backends, key=lambda each: -each.get("weight", 1))[:1]:
            place, name, port = backend.get("namespace") or namespace, backend["name"], backend.get("port")
            granted = self._granted(_GROUP, "HTTPRoute", namespace, "Service", name, place)
            if granted and has_service(self.cluster, place, name, port):
                before = visit.headers.get("x-forwarded-for")
                client = self._client(visit)
                forwarded = f"{before},{client}" if before else client
                answer = served(visit, place, name, port, forwarded)
                return Response(200, answer.text, {"x-envoy-upstream-service-time": "0"})
        return Response(500)

    def _granted(self, group: str, kind: str, namespace: str, target: str, name: str, place: str) -> bool:
        """Whether a reference may be followed: in its namespace always, elsewhere by a ReferenceGrant."""
        if namespace == place:
            return True
        wanted = {"group": group, "kind": kind, "namespace": namespace}
        for grant in self.cluster.list(crds.REFERENCE_GRANT, place):
            sources = grant["spec"].get("from") or ()
            targets = grant["spec"].get("to") or ()
            if any(wanted.items() <= source.items() for source in sources) and any(
                each.get("kind") == target and each.get("name", name) == name for each in targets
            ):
                return True
        return False


def _is_mutual(listener: Json) -> bool:
    """Whether clients must show a certificate. Source: istio, pilot/pkg/config/kube/gateway/conversion.go
    (`buildTLS`: the option `gateway.istio.io/tls-terminate-mode`), 1.30."""
    options = (listener.get("tls") or {}).get("options") or {}
    return bool(options.get("gateway.istio.io/tls-terminate-mode") == "MUTUAL")


def _passes_through(listener: Json) -> bool:
    return (listener.get("tls") or {}).get("mode") == "Passthrough"


def most_specific(listeners: Iterable[Json], host: str) -> Json | None:
    """The listener whose host name says most about the host."""
    found = [each for each in listeners if matches(each.get("hostname") or "", host)]
    return max(found, key=lambda each: specificity(each.get("hostname") or ""), default=None)


def _selects(selector: Json, labels: Mapping[str, str]) -> bool:
    """A label selector. Source: Kubernetes, LabelSelector of meta/v1."""
    if not (selector.get("matchLabels") or {}).items() <= labels.items():
        return False
    for each in selector.get("matchExpressions") or ():
        key, values = each["key"], each.get("values") or ()
        holds = {
            "In": labels.get(key) in values,
            "NotIn": labels.get(key) not in values,
            "Exists": key in labels,
            "DoesNotExist": key not in labels,
        }
        if not holds[each["operator"]]:
            return False
    return True
