"""The resources that app routing needs for a profile."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

import pytest

from provision.ingress import desired
from provision.ingress.hosts import service_accounts
from provision.profile.model import (
    AppRouting,
    Azure,
    Certificate,
    Cluster,
    Dns,
    Host,
    Identity,
    Link,
    Profile,
    Record,
    Service,
    Vault,
    Zone,
)
from provision.resources.certificate import Certificate as VaultCertificate
from provision.resources.dns import RecordSet, VirtualNetworkLink
from provision.resources.identity import FederatedCredential, RoleAssignment, UserAssignedIdentity
from provision.resources.managed_cluster import (
    APP_ROUTING,
    APP_ROUTING_ISTIO,
    GATEWAY_API,
    NGINX_CONTROLLER,
    OIDC_ISSUER,
    SECRET_ROTATION,
    SECRETS_PROVIDER,
    WORKLOAD_IDENTITY,
    ZONES,
    ManagedCluster,
)
from provision.resources.observed import Absent, Present
from provision.resources.ref import Ref
from provision.resources.resource import Condition, Resource
from provision.resources.values import CaseInsensitive, Value
from provision.resources.vault import AccessPolicy, KeyVault

HERE = "11111111-0000-0000-0000-000000000000"
THERE = "22222222-0000-0000-0000-000000000000"
WEB = Service(name="web", port=80)
GATEWAY = AppRouting(option="app-routing")
NGINX = AppRouting(option="app-routing", implementation="nginx")


def profile(**changes: Any) -> Profile:
    bare = Profile(
        api_version="provision/v1",
        name="shop",
        azure=Azure(subscription=HERE),
        cluster=Cluster(name="aks", resource_group="rg"),
        ingress=GATEWAY,
    )
    return replace(bare, **changes)


def cluster_of(profile: Profile) -> ManagedCluster:
    cluster = desired.graph(profile)[desired.cluster_address(profile)]
    assert isinstance(cluster, ManagedCluster)
    return cluster


def of_kind(profile: Profile, kind: type[Resource]) -> list[Any]:
    return [each for each in desired.graph(profile) if isinstance(each, kind)]


def zone_id(zone: str, kind: str = "dnsZones", subscription: str = HERE) -> Value:
    return CaseInsensitive(
        f"/subscriptions/{subscription}/resourceGroups/rg/providers/Microsoft.Network/{kind}/{zone}"
    )


ZONE = Dns(zones={"a.example": Zone(resource_group="rg")})
KV = {"kv": Vault(resource_group="rg")}


def test_the_bare_gateway_needs_the_cluster_only() -> None:
    assert [each.address for each in desired.graph(profile())] == ["managed_cluster/aks"]
    assert cluster_of(profile()).settings == {
        APP_ROUTING: True,
        NGINX_CONTROLLER: "None",
        GATEWAY_API: "Standard",
        APP_ROUTING_ISTIO: "Enabled",
        OIDC_ISSUER: True,
        WORKLOAD_IDENTITY: True,
    }


def test_a_vault_needs_the_driver_and_rotation() -> None:
    for ingress in (GATEWAY, NGINX):
        settings = cluster_of(profile(ingress=ingress, vaults=KV)).settings
        assert (settings[SECRETS_PROVIDER], settings[SECRET_ROTATION]) == (True, "true")
        assert SECRETS_PROVIDER not in cluster_of(profile(ingress=ingress)).settings


@pytest.mark.parametrize(
    ("implementation", "balancer", "controller", "expected"),
    [
        ("gateway-api", "internal", None, "None"),
        ("gateway-api", "external", "external", "External"),
        ("nginx", "external", None, "AnnotationControlled"),
        ("nginx", "internal", None, "Internal"),
        ("nginx", "external", "external", "External"),
    ],
)
def test_the_default_controller(
    implementation: Literal["gateway-api", "nginx"],
    balancer: Literal["external", "internal"],
    controller: Literal["external"] | None,
    expected: str,
) -> None:
    ingress = AppRouting(
        option="app-routing",
        implementation=implementation,
        load_balancer=balancer,
        default_controller=controller,
    )
    assert cluster_of(profile(ingress=ingress)).settings[NGINX_CONTROLLER] == expected


def test_only_nginx_gets_zones_attached_and_waits_for_them() -> None:
    zones = {
        "a.example": Zone(resource_group="rg"),
        "b.example": Zone(
            resource_group="rg",
            visibility="private",
            subscription=THERE,
            links=(Link(virtual_network="/x/v"),),
        ),
    }
    cluster = cluster_of(profile(ingress=NGINX, dns=Dns(zones=zones)))
    expected = [zone_id("a.example"), zone_id("b.example", "privateDnsZones", THERE)]
    assert cluster.settings[ZONES] == frozenset(expected)
    assert cluster.after == ("dns_zone/a.example", "private_dns_zone/b.example")
    gateway = cluster_of(profile(dns=Dns(zones=zones)))
    assert ZONES not in gateway.settings
    assert gateway.after == ()


def test_zones_links_and_records() -> None:
    dns = Dns(
        zones={
            "b.example": Zone(
                resource_group="rg",
                visibility="private",
                create=False,
                links=(Link(virtual_network="/x/Hub", registration=True),),
            )
        },
        records=(Record(zone="b.example", name="w", type="CNAME", values=("A.Example.",), ttl=60),),
    )
    (link,) = of_kind(profile(dns=dns), VirtualNetworkLink)
    assert (link.name, link.registration, link.after) == (
        "b.example/Hub",
        True,
        ("private_dns_zone/b.example",),
    )
    assert link.id == f"{zone_id('b.example', 'privateDnsZones')}/virtualNetworkLinks/Hub"
    (record,) = of_kind(profile(dns=dns), RecordSet)
    assert (record.name, record.visibility, record.ttl) == ("b.example/CNAME/w", "private", 60)
    assert record.values == {"a.example"}
    assert record.after == ("private_dns_zone/b.example",)
    assert desired.graph(profile(dns=dns))["private_dns_zone/b.example"].must_exist()


def test_the_gateway_has_an_identity_of_its_own() -> None:
    (identity,) = of_kind(profile(vaults=KV), UserAssignedIdentity)
    assert identity.name == "id-ingress-shop"
    assert identity.id == (
        f"/subscriptions/{HERE}/resourceGroups/rg/providers"
        "/Microsoft.ManagedIdentity/userAssignedIdentities/id-ingress-shop"
    )
    assert identity.location == Ref("managed_cluster/aks", "location")
    elsewhere = Identity(name="mine", resource_group="rg-ids")
    (identity,) = of_kind(profile(vaults=KV, identity=elsewhere), UserAssignedIdentity)
    assert "/resourceGroups/rg-ids/" in identity.id
    assert identity.name == "mine"
    assert not of_kind(profile(vaults=KV, ingress=NGINX), UserAssignedIdentity)


def _host(namespace: str, account: str | None = None) -> Host:
    return Host(namespace=namespace, service=WEB, certificate="all", service_account=account)


HOSTS = {
    "a.example": _host("shop"),
    "b.example": _host("shop"),
    "c.example": _host("shop", "own"),
    "d.example": _host("api"),
    **{f"{name}.example": _host(name) for name in ("z", "y", "x")},
}
ALL = {
    "vaults": {"kv": Vault(resource_group="rg")},
    "certificates": {"all": Certificate(vault="kv", dns_names=("*.example",))},
}


def test_a_credential_for_each_namespace_and_account() -> None:
    with_hosts = profile(hosts=HOSTS, **ALL)
    assert service_accounts(with_hosts) == [
        ("api", "shop-ingress"),
        ("shop", "own"),
        ("shop", "shop-ingress"),
        *((name, "shop-ingress") for name in "xyz"),
    ]
    credentials = of_kind(with_hosts, FederatedCredential)
    assert [each.credential_name for each in credentials] == [
        "provision_shop_api_shop-ingress",
        "provision_shop_shop_own",
        "provision_shop_shop_shop-ingress",
        *(f"provision_shop_{name}_shop-ingress" for name in "xyz"),
    ]
    assert [each.subject for each in credentials[:3]] == [
        "system:serviceaccount:api:shop-ingress",
        "system:serviceaccount:shop:own",
        "system:serviceaccount:shop:shop-ingress",
    ]
    assert {each.issuer for each in credentials} == {Ref("managed_cluster/aks", "oidcIssuerURL")}
    assert not of_kind(profile(hosts=HOSTS, ingress=NGINX, **ALL), FederatedCredential)


@pytest.mark.parametrize(
    ("ingress", "principal"),
    [
        (GATEWAY, Ref("user_assigned_identity/id-ingress-shop", "principalId")),
        (NGINX, Ref("managed_cluster/aks", "addonObjectId")),
    ],
)
def test_roles(ingress: AppRouting, principal: Ref) -> None:
    zones = {
        "a.example": Zone(resource_group="rg"),
        "b.example": Zone(resource_group="rg", visibility="private"),
    }
    asking = profile(ingress=ingress, dns=Dns(zones=zones), vaults=KV)
    public, private, vault = of_kind(asking, RoleAssignment)
    assert (public.scope, public.role_name) == (zone_id("a.example"), "DNS Zone Contributor")
    assert public.role_id == "befefa01-2a29-4197-83a8-272ff33ce314"
    assert (private.role_name, private.after) == (
        "Private DNS Zone Contributor",
        ("private_dns_zone/b.example",),
    )
    assert private.role_id == "b12aa53e-6015-4669-85d0-8515ebb3ae7f"
    assert (vault.role_name, vault.role_id) == (
        "Key Vault Secrets User",
        "4633458b-17de-408a-b874-0445c86b69e6",
    )
    assert vault.when == Condition(Ref("key_vault/kv", "authorization"), "rbac")
    (policy,) = of_kind(asking, AccessPolicy)
    assert policy.when == Condition(Ref("key_vault/kv", "authorization"), "access-policy")
    assert (policy.secrets, policy.certificates) == ({"get"}, {"get"})
    for grant in (public, private, vault, policy):
        assert grant.principal_id == principal
        assert grant.managed


@pytest.mark.parametrize(
    ("roles", "count", "managed"), [("manage", 3, {True}), ("verify", 3, {False}), ("off", 0, set())]
)
def test_who_makes_the_roles(roles: str, count: int, managed: set[bool]) -> None:
    asking = profile(roles=roles, dns=ZONE, vaults=KV)
    grants = [*of_kind(asking, RoleAssignment), *of_kind(asking, AccessPolicy)]
    assert len(grants) == count
    assert {each.managed for each in grants} == managed
    assert {each.must_exist() for each in grants} == {not each for each in managed}


@pytest.mark.parametrize("key_type", ["RSA", "EC"])
def test_certificates(key_type: Literal["RSA", "EC"]) -> None:
    asked = Certificate(vault="kv", dns_names=("b.example", "a.example"), key_type=key_type)
    vaults = {"kv": Vault(resource_group="rg", subscription=THERE)}
    (made,) = of_kind(profile(vaults=vaults, certificates={"web": asked}), VaultCertificate)
    assert (made.name, made.subject, made.vault_subscription) == ("kv/web", "CN=b.example", THERE)
    assert made.after == ("key_vault/kv",)
    properties = made.properties()
    assert properties["dnsNames"] == {"a.example", "b.example"}
    assert ("keySize" in properties, "curve" in properties) == (key_type == "RSA", key_type == "EC")
    (vault,) = of_kind(profile(vaults=vaults), KeyVault)
    assert vault.id == f"/subscriptions/{THERE}/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/kv"
    assert properties["exportable"] is True  # an ingress must get the key


@pytest.mark.parametrize(
    ("before", "owner", "ingress", "expected"),
    [
        ("oidc=0", "shop", GATEWAY, ("oidcIssuerProfile.enabled stays on: AKS can't switch it off again",)),
        ("oidc=1", "shop", GATEWAY, ()),
        ("", "shop", GATEWAY, ()),
        ("oidc=0", "blog", GATEWAY, ()),
        ("oidc=0", "shop", NGINX, ()),
    ],
)
def test_what_a_destroy_leaves_behind(
    before: str, owner: str, ingress: AppRouting, expected: tuple[str, ...]
) -> None:
    asking = profile(ingress=ingress)
    cluster = Present({}, {"before": before}, owner)
    assert desired.stays(desired.graph(asking), asking, cluster) == expected


def test_giving_back_a_cluster_that_is_not_there_gives_back_nothing() -> None:
    graph = desired.graph(profile())
    assert desired.given_back(graph, profile(), Absent()).properties() == {}
    assert desired.stays(graph, profile(), Absent()) == ()
