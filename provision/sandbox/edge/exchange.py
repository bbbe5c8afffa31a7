"""A request that reached a gateway and what it is answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from provision.sandbox.azure import Json
from provision.sandbox.edge.certificates import Pem
from provision.sandbox.kubernetes import kinds
from provision.sandbox.kubernetes.objects import Cluster

_NODE = "10.224.0.4"
"""A node's address: what a gateway takes for the client when its Service does not preserve the client's."""


@dataclass(frozen=True, slots=True)
class Visit:
    """One HTTP request at port `port` of a gateway.

    `host` has no port and is in lower case, `path` no query. `headers` have lower-case names. `server_name`
    is what the client asked for in the TLS handshake, None on plain HTTP and where it asked for nothing.
    """

    method: str
    host: str
    port: int
    path: str = "/"
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    secure: bool = False
    server_name: str | None = None
    client: str = "127.0.0.1"

    @property
    def scheme(self) -> str:
        return "https" if self.secure else "http"

    @property
    def target(self) -> str:
        """Path and query, as in a request line."""
        return f"{self.path}?{self.query}" if self.query else self.path


@dataclass(frozen=True, slots=True)
class Response:
    status: int
    text: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ClientCheck:
    """What a client certificate must be: issued by one of `authorities` (PEM), for one of `names` if any.

    Not `required`: a client may come without one.
    """

    authorities: bytes
    names: tuple[str, ...] = ()
    required: bool = True


class Front(Protocol):
    """What stands at one address: a Gateway, an NGINX controller with its Ingresses, an ingress gateway of
    the mesh, or a frontend of Application Gateway for Containers."""

    def ports(self) -> set[int]:
        """Ports that take connections."""
        ...

    def secure(self, port: int) -> bool:
        """Whether a connection to the port begins with a TLS handshake."""
        ...

    def certificate(self, port: int, server_name: str | None) -> Pem | None:
        """The certificate for a handshake; None breaks it off."""
        ...

    def client_check(self, port: int, server_name: str | None) -> ClientCheck | None:
        """What is asked of a client's certificate in a handshake, None where none is asked for."""
        ...

    def respond(self, visit: Visit) -> Response: ...


class Open:
    """A front that asks no client for a certificate."""

    __slots__ = ()

    def client_check(self, port: int, server_name: str | None) -> ClientCheck | None:
        return None


def seen_client(service: Json, visit: Visit) -> str:
    """The client's address as the gateway sees it: behind the balancer's address translation a node's.

    Source: Kubernetes, "Source IP for Services with Type=LoadBalancer" (2026).
    """
    policy = service["spec"].get("externalTrafficPolicy")
    return visit.client if policy == "Local" else _NODE


def has_service(cluster: Cluster, namespace: str, name: str, port: object) -> bool:
    """Whether there is such a Service with a port of that number or name."""
    service = cluster.get(kinds.SERVICE, name, namespace)
    ports = service["spec"].get("ports") or [] if service else []
    return any(port in (each.get("port"), each.get("name")) for each in ports)


def served(visit: Visit, namespace: str, service: str, port: object, forwarded: str) -> Response:
    """What a service behind the gateway answers in the sandbox, where no pods run."""
    lines = {
        "host": visit.host,
        "path": visit.target,
        "service": service,
        "namespace": namespace,
        "port": port,
        "x-forwarded-for": forwarded,
        "x-forwarded-proto": visit.scheme,
    }
    return Response(200, "".join(f"{name}: {value}\n" for name, value in lines.items()))
