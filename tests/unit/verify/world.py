"""A host of which every link holds, to break one at a time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from provision.errors import ProvisionError
from provision.ingress.hosts import HostChain
from provision.plan.plan import Observation, plan
from provision.profile.model import Ignore
from provision.resources.certificate import Certificate
from provision.resources.dns import DnsZone
from provision.resources.graph import ResourceGraph
from provision.resources.identity import RoleAssignment
from provision.resources.managed_cluster import SECRET_ROTATION, ManagedCluster
from provision.resources.manifest import (
    CERTIFICATE_OPTION,
    CLUSTER_EXTERNAL_DNS,
    GATEWAY,
    HTTP_ROUTE,
    Api,
    Manifest,
)
from provision.resources.observed import Absent, Observed, Present, Unread
from provision.resources.resource import Resource
from provision.resources.values import CaseInsensitive
from provision.verify.evidence import (
    CertificateFacts,
    Delegation,
    Evidence,
    Handshake,
    HttpAnswer,
    Live,
    Records,
    VaultVersion,
)
from provision.verify.judge import judge
from provision.verify.links import HostReport, Link
from provision.verify.needs import Planned

NOW = datetime(2026, 11, 1, tzinfo=UTC)
HOST = "shop.contoso.com"
ADDRESS = "20.50.1.2"
SERVERS = frozenset({"ns1-01.azure-dns.com", "ns2-01.azure-dns.net"})
PROFILE = "prod"
FILE = "profiles/prod.yaml"


def manifest(api: Api, name: str, namespace: str = "", **body: Any) -> Manifest:
    return Manifest(
        name="/".join(part for part in (api.kind, namespace, name) if part),
        api=api,
        cluster_id=CaseInsensitive("/cluster"),
        private=False,
        entra=False,
        access="auto",
        object_name=name,
        namespace=namespace,
        body=body,
    )


CLUSTER = ManagedCluster(name="aks-prod", id="/cluster", settings={SECRET_ROTATION: "true"})
ZONE = DnsZone(name="contoso.com", id="/zone")
ROLE = RoleAssignment(
    name="kv-prod/key-vault-secrets-user/id-ingress-prod",
    scope="/vault",
    role_id="r",
    role_name="Key Vault Secrets User",
    principal_id="p",
)
CERTIFICATE = Certificate(
    name="kv-prod/shop-tls",
    vault="kv-prod",
    vault_subscription="s",
    certificate_name="shop-tls",
    issuer="Self",
    subject=f"CN={HOST}",
    dns_names=frozenset({HOST}),
    validity_months=12,
    renew_before_days=30,
    key_type="RSA",
    key_size=2048,
    curve=None,
)
FRONT = manifest(GATEWAY, "prod", "shop", spec={"gatewayClassName": "approuting-istio"})
ROUTE = manifest(HTTP_ROUTE, "shop-contoso-com", "shop", spec={"hostnames": (HOST,)})
WRITER = manifest(CLUSTER_EXTERNAL_DNS, "prod-public", spec={"resourceName": "prod-public"})
RESOURCES: tuple[Resource, ...] = (CLUSTER, ZONE, ROLE, CERTIFICATE, FRONT, ROUTE, WRITER)

CHAIN = HostChain(
    host=HOST,
    zone="contoso.com",
    visibility="public",
    needs=tuple(resource.address for resource in RESOURCES),
    front=FRONT.address,
    route=ROUTE.address,
    listener="shop-contoso-com",
    certificate=CERTIFICATE.address,
    secret=("shop", "kv-gw-cert-prod-shop-contoso-com"),
)
PLAIN = replace(CHAIN, certificate=None, secret=None, listener="http")


def planned(
    observed: Mapping[str, Observed] | None = None,
    resources: Iterable[Resource] = RESOURCES,
    ignores: tuple[Ignore, ...] = (),
    refused: tuple[ProvisionError, ...] = (),
) -> Planned:
    """A plan without changes, but for what is `observed` otherwise."""
    graph = ResourceGraph(resources)
    objects: dict[str, Observed] = {
        resource.address: Present(resource.properties(), owner=PROFILE) for resource in graph
    }
    objects[ZONE.address] = Present(outputs={"nameServers": tuple(f"{name}." for name in sorted(SERVERS))})
    objects.update(observed or {})
    observation = Observation(objects)
    made = replace(plan(PROFILE, graph, observation), refused=refused)
    return Planned(FILE, graph, observation, made, ignores)


def absent(*resources: Resource) -> dict[str, Observed]:
    return {resource.address: Absent() for resource in resources}


def unread(*resources: Resource) -> dict[str, Observed]:
    error = ProvisionError("reading it", "no answer", "Try again.")
    return {resource.address: Unread(error) for resource in resources}


def certificate(
    digits: str = "1A2B3C4D", names: tuple[str, ...] = (HOST,), days: int = 200, self_signed: bool = True
) -> CertificateFacts:
    """A certificate with `days` left."""
    end = NOW + timedelta(days=days)
    return CertificateFacts(digits * 5, digits * 8, names, end - timedelta(days=365), end, self_signed)


def condition(type_: str, status: str = "True", **more: Any) -> dict[str, Any]:
    return {"type": type_, "status": status, "observedGeneration": 2, **more}


def gateway(
    *,
    addresses: tuple[str, ...] = (ADDRESS,),
    programmed: Mapping[str, Any] | None = None,
    refs: Mapping[str, Any] | None = None,
    listener: str = "shop-contoso-com",
    generation: int = 2,
    references: tuple[str, ...] = ("kv-gw-cert-prod-shop-contoso-com",),
) -> dict[str, Any]:
    """A Gateway as the API server has it; `references` are the Secrets its listener for TLS names."""
    tls = {
        "options": {CERTIFICATE_OPTION: "https://kv.vault.azure.net/secrets/shop-tls"},
        "certificateRefs": [{"name": name} for name in references],
    }
    listeners = [
        {
            "name": listener,
            "conditions": [
                condition("Accepted"),
                dict(refs or condition("ResolvedRefs")),
                condition("Programmed"),
            ],
        }
    ]
    status = {
        "addresses": [{"type": "IPAddress", "value": value} for value in addresses],
        "conditions": [condition("Accepted"), dict(programmed or condition("Programmed"))],
        "listeners": listeners,
    }
    return {
        "kind": "Gateway",
        "metadata": {"name": "prod", "generation": generation},
        "spec": {"listeners": [{"name": listener, "tls": tls}]},
        "status": status,
    }


def route(*parents: Mapping[str, Any]) -> dict[str, Any]:
    """An HTTPRoute as the API server has it."""
    return {"kind": "HTTPRoute", "metadata": {"generation": 2}, "status": {"parents": list(parents)}}


def parent(section: str = "shop-contoso-com", accepted: Mapping[str, Any] | None = None) -> dict[str, Any]:
    conditions = [dict(accepted or condition("Accepted")), condition("ResolvedRefs")]
    return {"parentRef": {"name": "prod", "sectionName": section}, "conditions": conditions}


HEALTHY = Evidence(
    front=Live(gateway()),
    route=Live(route(parent())),
    records=Records(frozenset({ADDRESS})),
    answer=HttpAnswer(200),
    writer=Live({"kind": "ClusterExternalDNS"}),
    delegation=Delegation(SERVERS, SERVERS),
    current=VaultVersion(True, certificate(self_signed=False)),
    secret=certificate(self_signed=False),
    wire=Handshake(certificate(self_signed=False)),
    redirect=HttpAnswer(301, f"https://{HOST}/"),
)


def judged(
    seen: Evidence = HEALTHY, chain: HostChain = CHAIN, from_plan: Planned | None = None
) -> HostReport:
    return judge(chain, from_plan or planned(), seen, NOW)


def link(kind: str, seen: Evidence, chain: HostChain = CHAIN) -> Link:
    """The one link of a kind."""
    (found,) = [each for each in judged(seen, chain).links if each.kind == kind]
    return found
