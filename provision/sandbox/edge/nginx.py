"""An NGINX ingress controller of the app routing add-on at its address.

Source: kubernetes/ingress-nginx, user guide (2026): "TLS/HTTPS", "Ingress path matching", "Annotations".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from provision.sandbox.azure import Json
from provision.sandbox.edge.certificates import Pem, fake, of_secret
from provision.sandbox.edge.exchange import Open, Response, Visit, has_service, seen_client, served
from provision.sandbox.edge.http_routes import under
from provision.sandbox.kubernetes import kinds
from provision.sandbox.kubernetes.objects import Cluster

_OPERATOR_NAMESPACE = "app-routing-system"
_CLASS_ANNOTATION = "kubernetes.io/ingress.class"
_SSL_REDIRECT = "nginx.ingress.kubernetes.io/ssl-redirect"
_FORCE_SSL_REDIRECT = "nginx.ingress.kubernetes.io/force-ssl-redirect"
_STRICT = {"strict-transport-security": "max-age=31536000; includeSubDomains"}
_REASONS = {404: "404 Not Found", 503: "503 Service Temporarily Unavailable", 308: "308 Permanent Redirect"}


@dataclass(frozen=True, slots=True)
class Location:
    """One path of a rule; `host` is empty in a rule for all hosts."""

    ingress: Json
    host: str
    kind: str
    path: str
    backend: Json

    def holds(self, path: str) -> bool:
        if self.kind == "Exact":
            return path == self.path
        return under(self.path, path) if self.kind == "Prefix" else path.startswith(self.path)


@dataclass(frozen=True, slots=True)
class NginxFront(Open):
    """`controller` is the NginxIngressController, `service` its LoadBalancer Service."""

    cluster: Cluster
    controller: Json
    service: Json

    def ports(self) -> set[int]:
        return {each["port"] for each in self.service["spec"].get("ports") or ()}

    def secure(self, port: int) -> bool:
        return port == 443

    def certificate(self, port: int, server_name: str | None) -> Pem | None:
        """The Secret of the Ingress that names the host, else the controller's own, else one made up."""
        for host in patterns(server_name or ""):
            for ingress in self._ingresses():
                for tls in ingress["spec"].get("tls") or ():
                    name = tls.get("secretName")
                    if name and host in lowered(tls.get("hosts")):
                        found = of_secret(self.cluster, ingress["metadata"]["namespace"], name)
                        return found or self._default_certificate()
        return self._default_certificate()

    def respond(self, visit: Visit) -> Response:
        location = self._location(visit)
        if location is None:
            backend = self.controller["spec"].get("defaultBackendService")
            return self._backed(backend["namespace"], backend["name"], None, visit) if backend else _page(404)
        if not visit.secure and self._redirects(location, visit.host):
            page = _page(308)
            return replace(page, headers={**page.headers, "location": f"https://{visit.host}{visit.target}"})
        service = location.backend.get("service")
        if not service:
            return _page(503)
        port = service.get("port") or {}
        namespace = location.ingress["metadata"]["namespace"]
        return self._backed(namespace, service["name"], port.get("number") or port.get("name"), visit)

    def _default_certificate(self) -> Pem:
        """Source: the app routing operator's pkg/controller/keyvault/spc/nic.go (June 2026) for the name."""
        wanted = self.controller["spec"].get("defaultSSLCertificate") or {}
        secret = wanted.get("secret")
        if secret is None and wanted.get("keyVaultURI"):
            name = f"keyvault-nginx-{self.controller['metadata']['name']}"[:253]
            secret = {"namespace": _OPERATOR_NAMESPACE, "name": name}
        found = of_secret(self.cluster, secret["namespace"], secret["name"]) if secret else None
        return found or fake()

    def _ingresses(self) -> list[Json]:
        """The Ingresses of the controller's class, the oldest first."""
        wanted = self.controller["spec"].get("ingressClassName")
        found = [each for each in self.cluster.list(kinds.INGRESS) if _class_of(each) == wanted]
        return sorted(found, key=lambda each: str(each["metadata"].get("creationTimestamp", "")))

    def _location(self, visit: Visit) -> Location | None:
        """The location for a request: of the server for its host alone, exact before the longest prefix."""
        locations = [each for ingress in self._ingresses() for each in locations_of(ingress)]
        hosts = {each.host for each in locations}
        server = next((host for host in [*patterns(visit.host), ""] if host in hosts), "")
        found = [each for each in locations if each.host == server and each.holds(visit.path)]
        return max(found, key=lambda each: (each.kind == "Exact", len(each.path)), default=None)

    def _redirects(self, location: Location, host: str) -> bool:
        annotations = location.ingress["metadata"].get("annotations") or {}
        certificate = self.controller["spec"].get("defaultSSLCertificate") or {}
        if annotations.get(_FORCE_SSL_REDIRECT) == "true" or certificate.get("forceSSLRedirect"):
            return True
        named = [
            each for tls in location.ingress["spec"].get("tls") or () for each in lowered(tls.get("hosts"))
        ]
        has_tls = any(pattern in named for pattern in patterns(host))
        return has_tls and annotations.get(_SSL_REDIRECT) != "false"

    def _backed(self, namespace: str, name: str, port: object, visit: Visit) -> Response:
        service = self.cluster.get(kinds.SERVICE, name, namespace)
        if service is None or (port is not None and not has_service(self.cluster, namespace, name, port)):
            return _page(503)
        # what the client says itself is dropped: use-forwarded-headers is off
        answer = served(visit, namespace, name, port, seen_client(self.service, visit))
        return Response(answer.status, answer.text, _STRICT if visit.secure else {})


def locations_of(ingress: Json) -> Iterator[Location]:
    """The paths of an Ingress's rules, and its default backend."""
    spec = ingress["spec"]
    for rule in spec.get("rules") or ():
        for path in (rule.get("http") or {}).get("paths") or ():
            host = str(rule.get("host") or "").lower()
            yield Location(ingress, host, path["pathType"], path.get("path") or "/", path["backend"])
    if spec.get("defaultBackend"):
        yield Location(ingress, "", "Prefix", "/", spec["defaultBackend"])


def _class_of(ingress: Json) -> str | None:
    annotations = ingress["metadata"].get("annotations") or {}
    return ingress["spec"].get("ingressClassName") or annotations.get(_CLASS_ANNOTATION)


def patterns(host: str) -> list[str]:
    """The host, and the wildcard that holds it: in an Ingress that is exactly one label."""
    host = host.lower()
    return [host, f"*.{host.partition('.')[2]}"] if host else []


def lowered(hosts: list[str] | None) -> list[str]:
    """Host names of an Ingress in lower case."""
    return [host.lower() for host in hosts or ()]


def _page(status: int) -> Response:
    reason = _REASONS[status]
    text = (
        f"<html>\r\n<head><title>{reason}</title></head>\r\n<body>\r\n<center><h1>{reason}</h1></center>\r\n"
        "<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
    )
    return Response(status, text, {"content-type": "text/html"})
