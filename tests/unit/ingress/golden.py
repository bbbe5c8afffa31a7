"""The objects of each variation of a profile, whole, as readable files.

They are written anew with `PYTHONPATH=tests/unit/ingress:. python -m golden`; read the difference before
you keep it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from provision.ingress import desired
from provision.profile.model import (
    ApplicationGateway,
    AppRouting,
    Azure,
    BackendTls,
    Canary,
    Certificate,
    Cluster,
    Dns,
    GatewayResources,
    GatewayScaling,
    HealthCheck,
    Host,
    IngressGateway,
    IngressGateways,
    Istio,
    Profile,
    Scaling,
    Service,
    Vault,
    Zone,
)
from provision.resources.manifest import Manifest

FOLDER = Path(__file__).parent / "golden"
GATEWAY = AppRouting(option="app-routing")
NGINX = AppRouting(option="app-routing", implementation="nginx")
WEB = Service(name="web", port=8080)
SECURE = Host(namespace="shop", service=WEB, certificate="all")
PLAIN = Host(namespace="shop", service=WEB)
PROFILE = Profile(
    api_version="provision/v1",
    name="shop",
    azure=Azure(subscription="11111111-0000-0000-0000-000000000000"),
    cluster=Cluster(name="aks", resource_group="rg"),
    ingress=GATEWAY,
    vaults={"kv": Vault(resource_group="rg")},
    certificates={"all": Certificate(vault="kv", dns_names=("a.example",))},
    dns=Dns(
        zones={
            "a.example": Zone(resource_group="rg"),
            "int.a.example": Zone(resource_group="rg", visibility="private"),
        }
    ),
    hosts={"www.a.example": SECURE},
)
NETWORKS = "/subscriptions/11111111-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.Network"
SUBNET = f"{NETWORKS}/virtualNetworks/vnet/subnets/alb"
FIREWALL = f"{NETWORKS}/applicationGatewayWebApplicationFirewallPolicies/waf"
ALB = ApplicationGateway(option="application-gateway-for-containers")
BYO = replace(ALB, deployment="byo", subnet=SUBNET)
POLICIES = replace(
    SECURE,
    tls="mutual",
    client_ca="partners",
    service=Service(name="web", port=8443, weight=9),
    split=(Service(name="next", port=8443, weight=1),),
    backend_tls=BackendTls(server_name="web.internal.example", ca="internal", client_certificate="gateway"),
    health_check=HealthCheck(path="/up", status_codes="200-299, 401"),
    timeout_seconds=120,
)
INTERNAL: Mapping[str, Any] = {"load_balancer": "internal", "static_ip": "10.0.0.9"}
MESH = Istio(option="istio-service-mesh", api="istio", revision="asm-1-29")
MESH_HOSTS: Mapping[str, Host] = {
    "www.a.example": replace(SECURE, service=Service(name="web", port=80, weight=9), split=(WEB,)),
    "pay.a.example": replace(SECURE, tls="mutual", client_ca="partners", timeout_seconds=20),
    "mq.a.example": replace(PLAIN, tls="passthrough"),
    "old.a.example": PLAIN,
}

VARIATIONS: Mapping[str, Profile] = {
    "gateway": PROFILE,
    "gateway-plain": replace(PROFILE, hosts={"www.a.example": PLAIN}),
    "gateway-internal": replace(PROFILE, ingress=replace(GATEWAY, **INTERNAL)),
    "gateway-client-address": replace(PROFILE, ingress=replace(GATEWAY, client_source_ip="preserve")),
    "gateway-passthrough": replace(PROFILE, hosts={"mq.a.example": replace(PLAIN, tls="passthrough")}),
    "gateway-apex-and-wildcard": replace(PROFILE, hosts={"a.example": SECURE, "*.a.example": SECURE}),
    "gateway-two-zones-and-namespaces": replace(
        PROFILE,
        ingress=replace(GATEWAY, dns_namespace="dns"),
        hosts={
            "www.a.example": replace(SECURE, create_namespace=True),
            "db.int.a.example": replace(SECURE, namespace="data", service_account="reader"),
        },
    ),
    "alb-managed": replace(PROFILE, ingress=replace(ALB, waf_policy=FIREWALL)),
    "alb-byo": replace(PROFILE, ingress=BYO),
    "alb-byo-plain": replace(PROFILE, ingress=BYO, hosts={"www.a.example": PLAIN}),
    "alb-policies": replace(PROFILE, ingress=BYO, hosts={"www.a.example": POLICIES}),
    "alb-ingress": replace(PROFILE, ingress=replace(ALB, api="ingress", subnet=SUBNET)),
    "alb-ingress-byo": replace(PROFILE, ingress=replace(BYO, api="ingress")),
    "mesh-istio": replace(PROFILE, ingress=MESH, hosts=MESH_HOSTS),
    "mesh-istio-internal": replace(
        PROFILE,
        ingress=replace(
            MESH,
            load_balancer="internal",
            client_source_ip="preserve",
            gateways=IngressGateways(internal=IngressGateway(static_ip="10.0.0.9", subnet="gateways")),
        ),
    ),
    "mesh-istio-canary": replace(
        PROFILE,
        ingress=replace(
            MESH,
            sidecars=("shop", "data"),
            canary=Canary(revision="asm-1-30", namespaces=("data",)),
            gateways=IngressGateways(external=IngressGateway(scaling=GatewayScaling(max_replicas=9))),
        ),
    ),
    "mesh-gateway-api": replace(
        PROFILE,
        ingress=replace(
            MESH,
            api="gateway-api",
            canary=Canary(revision="asm-1-30"),
            gateways=IngressGateways(
                external=IngressGateway(
                    allowed_ip_ranges=("10.0.0.0/8", "192.0.2.0/24"),
                    scaling=GatewayScaling(),
                    resources=GatewayResources(cpu="200m"),
                )
            ),
        ),
        hosts={"www.a.example": replace(SECURE, tls="mutual", client_ca="kv-all-cacert")},
    ),
    "mesh-gateway-api-operator": replace(
        PROFILE, ingress=replace(MESH, api="gateway-api", operator="app-routing")
    ),
    "nginx": replace(PROFILE, ingress=NGINX),
    "nginx-plain": replace(PROFILE, ingress=NGINX, hosts={"www.a.example": PLAIN}),
    "nginx-own-controller": replace(
        PROFILE,
        ingress=replace(
            NGINX,
            **INTERNAL,
            scaling=Scaling(min_replicas=2, max_replicas=9),
            default_certificate="all",
        ),
    ),
}


def manifests(profile: Profile) -> list[Manifest]:
    """The objects of a profile that are applied."""
    return [each for each in desired.graph(profile) if isinstance(each, Manifest) and not each.used]


def text(profile: Profile) -> str:
    """The objects of a profile as YAML; what another resource tells is shown by its name."""
    documents = [each.resolved(lambda ref: f"<{ref}>").document() for each in manifests(profile)]
    return yaml.safe_dump_all(documents, sort_keys=False, width=100)


def _write() -> None:
    FOLDER.mkdir(exist_ok=True)
    for name, profile in VARIATIONS.items():
        (FOLDER / f"{name}.yaml").write_text(text(profile), encoding="utf-8")


if __name__ == "__main__":
    _write()
