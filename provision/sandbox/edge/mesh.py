"""An ingress gateway of the service mesh add-on at its address: the Istio Gateways that select its pods.

Source: istio/istio, pilot/pkg/model/gateway.go (servers that share a port),
pilot/pkg/networking/core/gateway.go (filter chains by name) and pilot/pkg/credentials/kube/secrets.go (keys
of Secrets), August 2026. Servers of other protocols than HTTP, HTTPS and TLS are not served here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from provision.sandbox.azure import Json
from provision.sandbox.edge import certificates, virtual_services
from provision.sandbox.edge.certificates import Pem
from provision.sandbox.edge.exchange import ClientCheck, Response, Visit, seen_client
from provision.sandbox.edge.hostnames import matches, specificity
from provision.sandbox.edge.virtual_services import ENVOY, Attached, domain
from provision.sandbox.kubernetes import crds, kinds
from provision.sandbox.kubernetes.istio_gateways import PASSING, is_http, is_tls, mode_of
from provision.sandbox.kubernetes.objects import Cluster

_CHECKED = {"MUTUAL": True, "OPTIONAL_MUTUAL": False}
"""The modes that look at clients' certificates, and whether there must be one."""
_PAIRS = (("cert", "key"), ("tls.crt", "tls.key"))


@dataclass(frozen=True, slots=True)
class Chain:
    """A way through a TLS port: the names it is for, and the passthrough route that leads on from there.

    An empty pattern stands for all names, and for none.
    """

    pattern: str
    attached: Attached
    route: virtual_services.Passed | None = None


@dataclass(frozen=True, slots=True)
class MeshFront:
    """`service` is the LoadBalancer Service of the add-on, in the namespace of the gateway's pods."""

    cluster: Cluster
    service: Json

    def ports(self) -> set[int]:
        exposed = {each["port"] for each in self.service["spec"].get("ports") or ()}
        return {each.port for each in self._servers()} & exposed

    def secure(self, port: int) -> bool:
        return any(is_tls(each.protocol) for each in self._servers(port))

    def certificate(self, port: int, server_name: str | None) -> Pem | None:
        chain = self._chain(port, server_name)
        if chain is None:
            return None
        if chain.route is not None:
            return certificates.of_service(server_name) if server_name and chain.route.service else None
        pem = self._pair(chain.attached.server["tls"])
        if pem is None or not self._has_authorities(pem, chain):
            return None  # Envoy waits for the Secret and takes no connection meanwhile
        return pem

    def client_check(self, port: int, server_name: str | None) -> ClientCheck | None:
        chain = self._chain(port, server_name)
        required = _CHECKED.get(mode_of(chain.attached.server)) if chain else None
        if chain is None or required is None:
            return None
        tls = chain.attached.server["tls"]
        names = tuple(tls.get("subjectAltNames") or ())
        return ClientCheck(self._authorities(tls) or b"", names, required)

    def respond(self, visit: Visit) -> Response:
        client = seen_client(self.service, visit)
        if not visit.secure:
            return virtual_services.respond(self.cluster, self._servers(visit.port), visit, client)
        chain = self._chain(visit.port, visit.server_name)
        if chain is None:
            return Response(404, headers=ENVOY)
        if chain.route is not None:
            return chain.route.respond(visit)
        return virtual_services.respond(self.cluster, [chain.attached], visit, client)

    @property
    def _namespace(self) -> str:
        return str(self.service["metadata"]["namespace"])

    def _gateways(self) -> list[Json]:
        """Gateways that select the pods behind the Service, in the order in which they were made."""
        wanted = (self.service["spec"].get("selector") or {}).items()
        templates = [
            (each["spec"]["template"].get("metadata") or {}).get("labels") or {}
            for each in self.cluster.list(kinds.DEPLOYMENT, self._namespace)
        ]
        pods = [labels for labels in templates if wanted <= labels.items()]
        found = [
            gateway
            for gateway in self.cluster.list(crds.ISTIO_GATEWAY)
            if any((gateway["spec"].get("selector") or {}).items() <= labels.items() for labels in pods)
        ]
        return sorted(found, key=_seniority)

    def _servers(self, port: int | None = None) -> list[Attached]:
        """Servers of all Gateways as they share ports.

        The first of a port decides on TLS or plain HTTP for it, and has its hosts to itself under TLS.
        """
        taken: list[Attached] = []
        for gateway in self._gateways():
            for server in gateway["spec"].get("servers") or ():
                each = Attached(gateway, server, self._namespace)
                beside = [other for other in taken if other.port == each.port]
                if port in (None, each.port) and _fits(each, beside):
                    taken.append(each)
        return taken

    def _chain(self, port: int, server_name: str | None) -> Chain | None:
        name = server_name or ""
        found = [each for each in self._chains(port) if matches(each.pattern, name)]
        return max(found, key=lambda each: specificity(each.pattern), default=None)

    def _chains(self, port: int) -> Iterator[Chain]:
        for attached in self._servers(port):
            if mode_of(attached.server) in PASSING:
                for pattern, route in virtual_services.passed(self.cluster, attached):
                    yield Chain(pattern, attached, route)
            else:
                for host in attached.server["hosts"]:
                    yield Chain(domain(host), attached)

    def _pair(self, tls: Json) -> Pem | None:
        name = _credential(tls)
        if not name:
            return None  # files in the gateway's pods, which a user can't mount there
        found = (certificates.of_secret(self.cluster, self._namespace, name, keys) for keys in _PAIRS)
        return next((pem for pem in found if pem is not None), None)

    def _authorities(self, tls: Json) -> bytes | None:
        """Of the Secret `<credential>-cacert`, else of the credential itself; from Istio 1.28 of the Secret
        that `caCertCredentialName` names, if it does."""
        name = tls.get("caCertCredentialName") or _credential(tls)
        return certificates.authorities(self.cluster, self._namespace, name) if name else None

    def _has_authorities(self, pem: Pem, chain: Chain) -> bool:
        """Whether what a mode that checks clients needs is there, and can be read."""
        tls = chain.attached.server["tls"]
        if mode_of(chain.attached.server) not in _CHECKED:
            return True
        return certificates.can_check(pem, self._authorities(tls))


def _fits(each: Attached, beside: list[Attached]) -> bool:
    secure = is_tls(each.protocol) and each.server.get("tls") is not None
    if not secure and not is_http(each.protocol):
        return False
    if any(is_tls(other.protocol) != secure for other in beside):
        return False
    hosts = {domain(host).lower() for host in each.server["hosts"]}
    taken = {domain(host).lower() for other in beside for host in other.server["hosts"]}
    return not (secure and hosts & taken)


def _credential(tls: Json) -> str:
    names = tls.get("credentialNames") or [tls.get("credentialName") or ""]
    return str(names[0]).removeprefix("kubernetes://")


def _seniority(gateway: Json) -> tuple[str, str, str]:
    metadata = gateway["metadata"]
    return metadata.get("creationTimestamp", ""), metadata["name"], metadata["namespace"]
