"""The feature table as data, and the comparison of profiles with it."""

from __future__ import annotations

import dataclasses
from typing import Any, get_args

import pytest

from provision.ingress import catalog, variants
from provision.ingress.catalog import EDITIONS, FEATURES, OPTIONS, gateway_api_bundle
from provision.ingress.features import (
    Requirement,
    able,
    compare,
    condition,
    lacking,
    requirements,
    variant_of,
)
from provision.ingress.variants import VARIANTS
from provision.profile import model
from provision.profile.model import AppRouting, Host, Profile, Service, Zone

PROFILE = Profile(
    api_version="provision/v1",
    name="prod",
    azure=model.Azure(subscription="11111111-2222-3333-4444-555555555555"),
    cluster=model.Cluster(name="aks", resource_group="rg"),
    ingress=AppRouting(option="app-routing"),
)
WEB = Service(name="web", port=80)


def profile(**changes: Any) -> Profile:
    return dataclasses.replace(PROFILE, **changes)


def with_zones(*zones: Zone) -> Profile:
    return profile(dns=model.Dns(zones={f"z{n}.contoso.com": zone for n, zone in enumerate(zones)}))


def reasons(variant: str, asking: Profile) -> list[str]:
    (verdict,) = [each for each in compare(asking) if each.variant.name == variant]
    return [f"{requirement.text}: {reason}" for requirement, reason in verdict.lacks]


def test_every_feature_has_a_first_edition_for_every_option() -> None:
    for feature in FEATURES:
        assert feature.cells.keys() == OPTIONS.keys()
        for cells in feature.cells.values():
            assert cells[0].edition == EDITIONS[0]
            assert [each.edition for each in cells] == sorted({each.edition for each in cells})
            assert all(each.source and each.date and each.text for each in cells)


@pytest.mark.parametrize(
    ("title", "option", "old", "new"),
    [
        ("Static IP address", "app-routing", "no", "yes"),
        ("Static IP address", "application-gateway-for-containers", "no", "no"),
        ("Mutual TLS", "istio-service-mesh", "no", "yes"),
        ("Certificates in Key Vault", "istio-service-mesh", "no", "partly"),
        ("Azure DNS integration", "istio-service-mesh", "no", "partly"),
        ("Azure DNS integration", "app-routing", "yes", "yes"),
    ],
)
def test_editions(title: str, option: catalog.Option, old: str, new: str) -> None:
    (feature,) = [each for each in FEATURES if each.title == title]
    assert (feature.cell(option, "2024-06").support, feature.cell(option).support) == (old, new)


@pytest.mark.parametrize(
    ("version", "bundle"),
    [
        ("1.25.6", None),
        ("1.26", "v1.2.1"),
        ("1.33.9", "v1.2.1"),
        ("1.34.0", "v1.3.0"),
        ("1.35", "v1.4.1"),
        ("1.36.1", "v1.5.1"),
        ("v1.40.0", "v1.5.1"),
    ],
)
def test_gateway_api_bundle(version: str, bundle: str | None) -> None:
    assert gateway_api_bundle(version) == bundle


@pytest.mark.parametrize("version", ["", "1", "2.1", "latest", "1.x"])
def test_no_version(version: str) -> None:
    with pytest.raises(ValueError, match="is not a Kubernetes version"):
        gateway_api_bundle(version)


@pytest.mark.parametrize(
    ("today", "over"), [("2026-10-31", False), ("2026-11-30", False), ("2026-12-01", True)]
)
def test_end_of_nginx(today: str, over: bool) -> None:
    assert catalog.NGINX_END.is_over(today) is over


@pytest.mark.parametrize(
    ("ingress", "name"),
    [
        (AppRouting(option="app-routing"), "app-routing/gateway-api"),
        (AppRouting(option="app-routing", implementation="nginx"), "app-routing/nginx"),
        (
            model.ApplicationGateway(option="application-gateway-for-containers"),
            "application-gateway-for-containers",
        ),
        (model.Istio(option="istio-service-mesh"), "istio-service-mesh/gateway-api"),
        (model.Istio(option="istio-service-mesh", api="istio"), "istio-service-mesh/istio"),
    ],
)
def test_variant_of(ingress: model.Ingress, name: str) -> None:
    asking = profile(ingress=ingress)
    assert variant_of(asking).name == name
    assert [each.variant.name for each in compare(asking) if each.chosen] == [name]


def test_variants_name_known_capabilities_and_options() -> None:
    for variant in VARIANTS:
        assert variant.option in OPTIONS
        assert variant.abilities.keys() <= set(get_args(variants.Capability))
        for ability in variant.abilities.values():
            assert ability.text or ability.limit or ability.support == "yes"


def test_the_least_profile_fits_everywhere() -> None:
    assert [each.text for each in requirements(PROFILE)] == ["external load balancer"]
    assert not any(verdict.lacks for verdict in compare(PROFILE))


def test_what_a_gateway_asks_for() -> None:
    ingress = AppRouting(
        option="app-routing", load_balancer="internal", client_source_ip="preserve", static_ip="10.0.0.4"
    )
    asking = profile(ingress=ingress)
    texts = ["internal load balancer", "client source IP preserved", "static IP address 10.0.0.4"]
    assert [each.text for each in requirements(asking)] == texts
    reason = "static IP address 10.0.0.4: a frontend has an FQDN and no fixed address"
    assert reasons("application-gateway-for-containers", asking) == [reason]
    assert reasons("app-routing/nginx", asking) == []


def test_mutual_tls() -> None:
    asking = profile(hosts={"a.contoso.com": Host(namespace="a", service=WEB, tls="mutual")})
    (requirement,) = [each for each in requirements(asking) if each.capability == "tls-mutual"]
    assert requirement.path == ("hosts", "a.contoso.com", "tls")
    names = [each.name for each in able(requirement)]
    assert names == [
        "application-gateway-for-containers",
        "istio-service-mesh/gateway-api",
        "istio-service-mesh/istio",
    ]


def test_passthrough_has_a_condition_with_gateway_api() -> None:
    asking = profile(hosts={"a.contoso.com": Host(namespace="a", service=WEB, tls="passthrough")})
    (requirement,) = [each for each in requirements(asking) if each.capability == "tls-passthrough"]
    assert lacking(variants.APP_ROUTING_GATEWAY, requirement) is None
    assert condition(variants.APP_ROUTING_GATEWAY, requirement) == "needs TLSRoute, which Istio has from 1.30"
    assert lacking(variants.APP_ROUTING_NGINX, requirement) is not None
    assert condition(variants.APP_ROUTING_NGINX, requirement) is None


@pytest.mark.parametrize(("count", "fits"), [(5, True), (6, False)])
def test_nginx_takes_five_zones(count: int, fits: bool) -> None:
    asking = with_zones(*[Zone(resource_group="rg-dns")] * count)
    assert (reasons("app-routing/nginx", asking) == []) is fits
    assert reasons("app-routing/gateway-api", asking) == []


@pytest.mark.parametrize(
    ("zones", "texts"),
    [
        ([Zone(resource_group="a"), Zone(resource_group="A")], []),
        ([Zone(resource_group="a"), Zone(resource_group="b", visibility="private")], []),
        ([Zone(resource_group="a"), Zone(resource_group="b")], ["public zones in 2 resource groups"]),
        (
            [Zone(resource_group="a"), Zone(resource_group="a", subscription="x")],
            ["public zones in 2 resource groups"],
        ),
        (
            [
                Zone(resource_group="a", visibility="private"),
                Zone(resource_group="b", visibility="private"),
            ],
            ["private zones in 2 resource groups"],
        ),
    ],
)
def test_nginx_takes_one_group_a_visibility(zones: list[Zone], texts: list[str]) -> None:
    found = reasons("app-routing/nginx", with_zones(*zones))
    assert [each.partition(":")[0] for each in found] == texts


@pytest.mark.parametrize(("count", "fits"), [(20, True), (21, False)])
def test_service_accounts_of_one_identity(count: int, fits: bool) -> None:
    hosts = {
        f"h{n}.contoso.com": Host(namespace=f"n{n}", service=WEB, certificate="all") for n in range(count)
    }
    asking = profile(hosts=hosts)
    assert (reasons("app-routing/gateway-api", asking) == []) is fits
    assert reasons("app-routing/nginx", asking) == []


def test_a_service_account_counts_once_in_a_namespace() -> None:
    hosts = {
        "a.contoso.com": Host(namespace="a", service=WEB, certificate="all"),
        "b.contoso.com": Host(namespace="a", service=WEB, certificate="all", service_account="prod-ingress"),
        "c.contoso.com": Host(namespace="c", service=WEB, certificate="all"),
    }
    assert "2 service accounts" in [each.text for each in requirements(profile(hosts=hosts))]


@pytest.mark.parametrize("capability", get_args(variants.Capability))
def test_some_variant_can_do_each_thing(capability: variants.Capability) -> None:
    assert able(Requirement(capability, "", (), 1000))
