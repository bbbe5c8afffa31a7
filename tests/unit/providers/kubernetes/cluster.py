"""A cluster of the sandbox in this process, as a way; and what the tests declare for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from provision.providers.kubernetes.calls import Call, Json, Reply
from provision.providers.kubernetes.direct import target
from provision.resources.manifest import (
    CLUSTER_EXTERNAL_DNS,
    CONFIG_MAP,
    FIELD_MANAGER,
    GATEWAY,
    HTTP_ROUTE,
    INGRESS,
    NAMESPACE,
    SERVICE_ACCOUNT,
    Api,
    Manifest,
)
from provision.resources.values import CaseInsensitive, Value
from provision.sandbox import seed
from provision.sandbox.azure import SUBSCRIPTION, Azure, Clock, Request
from provision.sandbox.cluster_document import KIND
from provision.sandbox.kubernetes import access, api, crds
from provision.sandbox.kubernetes.objects import Cluster as Objects
from provision.sandbox.store import Store

ID = (
    f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-aks-prod/providers"
    "/Microsoft.ContainerService/managedClusters/aks-prod"
)
PROFILE = "prod"

_METHODS = {"get": "GET", "apply": "PATCH", "delete": "DELETE"}


@dataclass
class Cluster:
    """One cluster with namespace `shop`. `answers` stand before those of the API server, by verb and path."""

    wait: float = 2.0
    answers: dict[tuple[str, str], Reply | Exception] = field(default_factory=dict)
    sent: list[list[Call]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.azure = Azure(Store(":memory:"), Clock())
        seed.seed(self.azure)
        document = self.azure.store.get(KIND, ID)
        assert document is not None
        self.root = f"/kubernetes/{document['properties']['resourceUID']}"
        self.objects = Objects(self.azure, document["properties"]["resourceUID"])
        self.apply(NAMESPACE.path(name="shop"), {"apiVersion": "v1", "kind": "Namespace"}, "platform")

    def __hash__(self) -> int:
        return id(self)

    async def send(self, calls: Sequence[Call]) -> list[Reply]:
        self.sent.append(list(calls))
        return [self._answer(call) for call in calls]

    def _answer(self, call: Call) -> Reply:
        known = self.answers.get((call.verb, call.path.split("?")[0]))
        if isinstance(known, Exception):
            raise known
        if known is not None:
            return known
        body = {"preconditions": {"uid": call.uid}} if call.uid else call.body
        return self.request(_METHODS[call.verb], target(call), body)

    def request(self, method: str, target: str, body: Any = None, type_: str = "") -> Reply:
        """What the API server answers to its administrator."""
        parts = urlsplit(target)
        kind = type_ or ("application/apply-patch+yaml" if method == "PATCH" else "application/json")
        request = Request(
            method,
            self.root + parts.path,
            {name.lower(): value for name, value in parse_qsl(parts.query)},
            {"content-type": kind},
            body,
            "https://localhost:8443",
        )
        answer = api.handle(request, self.azure, access.ADMINISTRATOR)
        return Reply(answer.status, answer.body if isinstance(answer.body, dict) else {})

    def apply(self, path: str, body: Mapping[str, Any], manager: str, *, force: bool = True) -> Json:
        """What another manager applies."""
        document = {**body, "metadata": {**body.get("metadata", {}), "name": path.rsplit("/", 1)[1]}}
        reply = self.request("PATCH", f"{path}?fieldManager={manager}&force={str(force).lower()}", document)
        assert reply.ok, reply.body
        return reply.body

    def edit(self, path: str, body: Mapping[str, Any], manager: str = "kubectl-edit") -> Json:
        """What somebody changes by hand."""
        reply = self.request("PATCH", f"{path}?fieldManager={manager}", body, "application/merge-patch+json")
        assert reply.ok, reply.body
        return reply.body

    def live(self, resource: Manifest) -> Json | None:
        """The object as it is now."""
        reply = self.request("GET", resource.path)
        return reply.body if reply.ok else None

    def serve_gateway_api(self) -> None:
        """Install the CRDs of the Gateway API."""
        for crd in crds.GATEWAY_API("v1.3.0"):
            reply = self.request("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", crd)
            assert reply.ok, reply.body

    def serve_app_routing(self) -> None:
        """Install the CRDs of the add-on."""
        for crd in crds.APP_ROUTING:
            reply = self.request("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", crd)
            assert reply.ok, reply.body

    def set_status(self, resource: Manifest, status: Mapping[str, Any]) -> None:
        """What a controller reports."""
        self.edit(f"{resource.path}/status", {"status": status}, "controller")


def manifest(
    api_: Api, name: str, body: Mapping[str, Value] | None = None, namespace: str = "shop", **fields: Any
) -> Manifest:
    inside = namespace if api_.namespaced else ""
    return Manifest(
        name="/".join(part for part in (api_.kind, inside, name) if part),
        api=api_,
        cluster_id=CaseInsensitive(ID),
        private=fields.pop("private", False),
        entra=fields.pop("entra", False),
        access=fields.pop("access", "auto"),
        object_name=name,
        namespace=inside,
        body=body or {},
        **fields,
    )


def account(**fields: Any) -> Manifest:
    """A service account with an annotation of ours."""
    annotations: Value = {"azure.workload.identity/client-id": "1234"}
    labels: Value = {"azure.workload.identity/use": "true"}
    body: Mapping[str, Value] = {"metadata": {"annotations": annotations, "labels": labels}}
    return manifest(SERVICE_ACCOUNT, "ingress", body, **fields)


def settings(data: Mapping[str, Value], name: str = "settings") -> Manifest:
    return manifest(CONFIG_MAP, name, {"data": data})


def gateway(*hosts: str) -> Manifest:
    """A Gateway with a TLS listener for each host."""
    listeners: Value = tuple(
        {
            "name": host.replace(".", "-"),
            "hostname": host,
            "port": 443,
            "protocol": "HTTPS",
            "tls": {
                "mode": "Terminate",
                "options": {"kubernetes.azure.com/tls-cert-keyvault-uri": "https://kv/x"},
            },
        }
        for host in hosts
    )
    spec: Value = {"gatewayClassName": "approuting-istio", "listeners": listeners}
    return manifest(GATEWAY, "prod", {"spec": spec})


def route(host: str, service: str = "shop") -> Manifest:
    spec: Value = {
        "parentRefs": ({"name": "prod", "sectionName": host.replace(".", "-")},),
        "hostnames": (host,),
        "rules": ({"backendRefs": ({"name": service, "port": 80},)},),
    }
    return manifest(HTTP_ROUTE, host.replace(".", "-"), {"spec": spec})


def writer(name: str, *zones: str) -> Manifest:
    """A controller that writes the records of zones."""
    place = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-dns/providers/Microsoft.Network/dnszones"
    spec: Value = {
        "resourceName": name,
        "resourceNamespace": "shop",
        "dnsZoneResourceIDs": tuple(f"{place}/{zone}" for zone in zones),
        "resourceTypes": ("gateway",),
        "identity": {"type": "workloadIdentity", "serviceAccount": "ingress"},
    }
    return manifest(CLUSTER_EXTERNAL_DNS, name, {"spec": spec})


def ingress(host: str = "shop.contoso.com") -> Manifest:
    backend: Value = {"service": {"name": "shop", "port": {"number": 80}}}
    rule: Value = {
        "host": host,
        "http": {"paths": ({"path": "/", "pathType": "Prefix", "backend": backend},)},
    }
    return manifest(INGRESS, "shop", {"spec": {"ingressClassName": "nginx", "rules": (rule,)}})


__all__ = [
    "FIELD_MANAGER",
    "Cluster",
    "account",
    "gateway",
    "ingress",
    "manifest",
    "route",
    "settings",
    "writer",
]
