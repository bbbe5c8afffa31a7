"""A frontend of Application Gateway for Containers: the Gateways and Ingresses that stand behind it.

Its data plane is in the association: without one that has succeeded, nothing answers, also while an existing
one is written again, which restarts it.
Sources: "Application Gateway for Containers components" (2025-12) and "Frontend MTLS with Application Gateway
for Containers" (2024-11), Microsoft Learn.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from provision.sandbox import service_networking_kinds
from provision.sandbox.addons.alb_controller import CLASS
from provision.sandbox.addons.alb_gateways import content
from provision.sandbox.azure import Azure, Json
from provision.sandbox.cluster_document import KIND
from provision.sandbox.edge import alb_security, http_routes
from provision.sandbox.edge.certificates import Pem, of_secret
from provision.sandbox.edge.exchange import ClientCheck, Front, Open, Response, Visit, has_service, served
from provision.sandbox.edge.gateway_api import GatewayFront, most_specific
from provision.sandbox.edge.http_routes import Chosen
from provision.sandbox.edge.nginx import Location, locations_of, lowered, patterns
from provision.sandbox.kubernetes import crds, kinds
from provision.sandbox.kubernetes.objects import Cluster

_EXTENSION = "alb.networking.azure.io/alb-ingress-extension"
_SERVER = {"server": "Microsoft-Azure-Application-LB/AGC"}


@dataclass(frozen=True, slots=True)
class AlbFront:
    """`frontend` is its ARM document."""

    azure: Azure
    frontend: Json

    def ports(self) -> set[int]:
        if not service_networking_kinds.serving(self.azure, self.frontend):
            return set()
        return {port for behind in self._behind() for port in behind.ports()}

    def secure(self, port: int) -> bool:
        return port == 443

    def certificate(self, port: int, server_name: str | None) -> Pem | None:
        return next((pem for each in self._behind() if (pem := each.certificate(port, server_name))), None)

    def client_check(self, port: int, server_name: str | None) -> ClientCheck | None:
        for behind in self._behind():
            if behind.certificate(port, server_name):
                return behind.client_check(port, server_name)
        return None

    def respond(self, visit: Visit) -> Response:
        denied = alb_security.denied(self.azure, self.frontend, visit)
        if denied is not None:
            return Response(denied.status, denied.text, {**_SERVER, **denied.headers})
        found = [each.respond(visit) for each in self._behind() if visit.port in each.ports()]
        fallback = found[0] if found else Response(404, headers=_SERVER)
        return next((each for each in found if each.status != 404), fallback)

    def _behind(self) -> Iterator[Front]:
        name = self.frontend["properties"]["fqdn"]
        for document in self.azure.store.list(KIND):
            cluster = Cluster(self.azure, document["properties"]["resourceUID"])
            for gateway in cluster.list(crds.GATEWAY):
                addresses = (gateway.get("status") or {}).get("addresses") or ()
                if gateway["spec"]["gatewayClassName"] == CLASS and any(
                    each.get("value") == name for each in addresses
                ):
                    yield AlbGatewayFront(cluster, gateway, {})
            ingresses = [each for each in cluster.list(kinds.INGRESS) if _answers(each, name)]
            if ingresses:
                yield AlbIngressFront(cluster, ingresses)


@dataclass(frozen=True, slots=True)
class AlbGatewayFront(GatewayFront):
    """A Gateway of class `azure-alb-external`; it has no Service of its own."""

    def client_check(self, port: int, server_name: str | None) -> ClientCheck | None:
        listener = most_specific(self._listeners(port), server_name or "")
        return self._check(listener) if listener else None

    def respond(self, visit: Visit) -> Response:
        blocked = alb_security.blocked(self.cluster, self.gateway, visit)
        if blocked is not None:
            return Response(blocked.status, blocked.text, {**_SERVER, **blocked.headers})
        # two arguments, because a class with slots is made anew by its decorator
        return super(AlbGatewayFront, self).respond(visit)

    def _own_headers(self) -> dict[str, str]:
        return dict(_SERVER)

    def _client(self, visit: Visit) -> str:
        return visit.client

    def _listeners(self, port: int | None = None) -> list[Json]:
        """Those that the controller has programmed."""
        states = (self.gateway.get("status") or {}).get("listeners") or ()
        programmed = {
            each["name"]
            for each in states
            if any((one["type"], one["status"]) == ("Programmed", "True") for one in each["conditions"])
        }
        listeners = self.gateway["spec"].get("listeners") or []
        return [each for each in listeners if each["name"] in programmed and port in (None, each["port"])]

    def _check(self, listener: Json) -> ClientCheck | None:
        """What FrontendTLSPolicies ask of clients of a listener. One that is not accepted asks nothing."""
        metadata = self.gateway["metadata"]
        for policy in self.cluster.list(crds.FRONTEND_TLS_POLICY):
            if not _accepted(policy):
                continue
            target, own = policy["spec"]["targetRef"], policy["metadata"]["namespace"]
            verify = (policy["spec"].get("default") or {}).get("verify")
            place = (target.get("namespace") or own, target["name"])
            if not verify or place != (metadata["namespace"], metadata["name"]):
                continue
            sections = target.get("sectionNames") or ()
            if sections and listener["name"] not in sections:
                continue
            reference = verify["caCertificateRef"]
            secret = self.cluster.get(kinds.SECRET, reference["name"], reference.get("namespace") or own)
            return ClientCheck(content(secret or {}, "ca.crt"), tuple(verify.get("subjectAltNames") or ()))
        return None


@dataclass(frozen=True, slots=True)
class AlbIngressFront(Open):
    """The Ingresses of class `azure-alb-external` of one cluster on one frontend."""

    cluster: Cluster
    ingresses: list[Json]

    def ports(self) -> set[int]:
        return {_port(each) for each in self.ingresses}

    def secure(self, port: int) -> bool:
        return port == 443

    def certificate(self, port: int, server_name: str | None) -> Pem | None:
        for ingress in self.ingresses:
            for tls in ingress["spec"].get("tls") or ():
                hosts = lowered(tls.get("hosts"))
                if tls.get("secretName") and (
                    not hosts or any(each in hosts for each in patterns(server_name or ""))
                ):
                    found = of_secret(self.cluster, ingress["metadata"]["namespace"], tls["secretName"])
                    if found:
                        return found
        return None

    def respond(self, visit: Visit) -> Response:
        location = self._location(visit)
        if location is None:
            return Response(404, headers=_SERVER)
        moved = self._redirect(location, visit)
        if moved is not None:
            return Response(moved.status, "", {**_SERVER, **moved.headers})
        service = location.backend.get("service") or {}
        namespace = location.ingress["metadata"]["namespace"]
        port = (service.get("port") or {}).get("number") or (service.get("port") or {}).get("name")
        if not service or not has_service(self.cluster, namespace, service["name"], port):
            return Response(500, headers=_SERVER)
        before = visit.headers.get("x-forwarded-for")
        forwarded = f"{before},{visit.client}" if before else visit.client
        answer = served(visit, namespace, service["name"], port, forwarded)
        return Response(answer.status, answer.text, _SERVER)

    def _redirect(self, location: Location, visit: Visit) -> Response | None:
        """By the rule for the host in the Ingress's IngressExtension. What is secure is not sent to https."""
        metadata = location.ingress["metadata"]
        name = (metadata.get("annotations") or {}).get(_EXTENSION) or ""
        found = self.cluster.get(crds.INGRESS_EXTENSION, name, metadata["namespace"]) or {}
        for rule in (found.get("spec") or {}).get("rules") or ():
            wanted = rule.get("requestRedirect")
            hosts = [rule["host"], *(rule.get("additionalHostnames") or ())]
            if wanted and visit.host in hosts and wanted.get("scheme") != visit.scheme:
                match = {"path": {"type": "PathPrefix", "value": location.path}}
                filters = {"filters": [{"requestRedirect": wanted}]}
                return http_routes.redirect(Chosen(location.ingress, filters, match), visit)
        return None

    def _location(self, visit: Visit) -> Location | None:
        listening = [each for each in self.ingresses if _port(each) == visit.port]
        every = [each for ingress in listening for each in locations_of(ingress)]
        hosts = {each.host for each in every}
        server = next((host for host in [*patterns(visit.host), ""] if host in hosts), "")
        found = [each for each in every if each.host == server and each.holds(visit.path)]
        return max(found, key=lambda each: (each.kind == "Exact", len(each.path)), default=None)


def _port(ingress: Json) -> int:
    return 443 if ingress["spec"].get("tls") else 80


def _answers(ingress: Json, name: str) -> bool:
    balancer = (ingress.get("status") or {}).get("loadBalancer") or {}
    return ingress["spec"].get("ingressClassName") == CLASS and any(
        each.get("hostname") == name for each in balancer.get("ingress") or ()
    )


def _accepted(policy: Json) -> bool:
    found = (policy.get("status") or {}).get("conditions") or ()
    return any((each["type"], each["status"]) == ("Accepted", "True") for each in found)
