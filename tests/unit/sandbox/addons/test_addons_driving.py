"""When add-ons look, and that nothing users may write brings them down."""

from __future__ import annotations

from typing import Any

import pytest
from addon_bench import INGRESS_PROFILE, Bench, Shop, conditions

from provision.sandbox import addons, authorization, rbac, roles
from provision.sandbox.addons.hostnames import overlap, selects
from provision.sandbox.azure import Azure, Json
from provision.sandbox.cluster_document import KIND
from provision.sandbox.kubernetes import crds, kinds


def pass_(bench: Bench, seconds: float) -> None:
    bench.clock.moment[0] += seconds
    bench.azure.settle()


def pending(azure: Azure) -> list[Json]:
    return [each for each in azure.store.running_operations() if each["settler"] == "addons"]


def test_a_change_is_noticed_a_few_seconds_later_and_only_once() -> None:
    shop = Shop()
    addons.after_write(shop.azure)
    addons.after_write(shop.azure)
    assert len(pending(shop.azure)) == 1
    shop.azure.settle()
    assert "status" not in shop.need(crds.GATEWAY, "shop", "shop")
    pass_(shop, 4)
    assert conditions(shop.need(crds.GATEWAY, "shop", "shop"))["Programmed"]["status"] == "True"


def test_a_role_counts_as_soon_as_it_is_effective_without_another_change() -> None:
    shop = Shop()
    shop.unassign()
    reader = shop.reader["properties"]["principalId"]
    authorization.new_assignment(shop.azure, shop.kv["id"], roles.KEY_VAULT_SECRETS_USER, reader)
    addons.after_write(shop.azure)
    pass_(shop, 4)
    assert shop.objects.get(kinds.SECRET, "kv-gw-cert-shop-https", "shop") is None
    assert len(pending(shop.azure)) == 1
    pass_(shop, rbac.PROPAGATION)
    shop.need(kinds.SECRET, "kv-gw-cert-shop-https", "shop")
    assert pending(shop.azure) == []


def changing() -> Bench:
    """A cluster whose update takes 150 seconds."""
    bench = Bench(ingressProfile={})
    current = bench.azure.store.get(KIND, bench.cluster["id"]) or {}
    current["properties"] |= {"ingressProfile": INGRESS_PROFILE, "provisioningState": "Updating"}
    bench.azure.store.put(KIND, current["id"], current)
    bench.azure.start_operation("managed_clusters.change", 150.0, resource=current["id"].lower())
    addons.after_write(bench.azure)
    return bench


def test_the_end_of_a_long_operation_is_followed_by_a_look() -> None:
    bench = changing()
    pass_(bench, 4)
    assert bench.objects.get(crds.GATEWAY_CLASS, "approuting-istio") is None
    pass_(bench, 147)
    bench.need(crds.GATEWAY_CLASS, "approuting-istio")


def test_a_change_meanwhile_pulls_the_look_forward() -> None:
    shop = Shop()
    shop.azure.start_operation("certificates.issue", 500.0, certificate="none", request_id="none")
    addons.after_write(shop.azure)
    pass_(shop, 4)
    shop.route("late", host="late.contoso.com")
    addons.after_write(shop.azure)
    pass_(shop, 4)
    assert "parents" in shop.need(crds.HTTP_ROUTE, "late", "shop")["status"]


def test_clusters_that_nobody_uses_are_passed_by() -> None:
    bench = Bench(ingressProfile={}, secrets=None)
    assert bench.objects.version() == 1


ODD: list[tuple[Any, str, Json]] = [
    (kinds.SERVICE, "odd", {"spec": {"type": "LoadBalancer"}}),
    (kinds.SERVICE, "empty", {"spec": {}}),
    (kinds.DEPLOYMENT, "odd", {"spec": {"template": {}}}),
    (kinds.INGRESS, "odd", {"spec": {"rules": [{}], "tls": [{}], "defaultBackend": {}}}),
    (kinds.CONFIG_MAP, "odd", {"data": None}),
    (kinds.SECRET, "kv-gw-cert-shop-https", {"type": "Opaque", "data": {"tls.crt": "%%"}}),
    (kinds.SERVICE_ACCOUNT, "shop-ingress", {}),
]


@pytest.mark.parametrize(("kind", "name", "body"), ODD)
def test_odd_objects_do_not_bring_the_add_ons_down(kind: Any, name: str, body: Json) -> None:
    shop = Shop()
    shop.put(kind, name, "shop", **body)
    shop.look()
    assert "status" in shop.need(crds.GATEWAY, "shop", "shop")


def test_a_provider_class_that_was_tampered_with_is_put_right_or_told() -> None:
    shop = Shop()
    shop.look()
    provider = shop.need(crds.SECRET_PROVIDER_CLASS, "kv-gw-cert-shop-https", "shop")
    provider["spec"]["parameters"] = {"objects": "[nonsense"}
    shop.objects.put(crds.SECRET_PROVIDER_CLASS, provider)
    shop.look()
    found = shop.need(crds.SECRET_PROVIDER_CLASS, "kv-gw-cert-shop-https", "shop")
    assert found["spec"]["parameters"]["keyvaultName"] == "kv-test"
    shop.alter(ingressProfile={"gatewayAPI": {"installation": "Standard"}})
    shop.objects.put(crds.SECRET_PROVIDER_CLASS, provider)
    shop.look()
    assert "failed to parse" in shop.told("MountRotationFailed", "kv-gw-cert-shop-https")


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("", "a.b", "a.b"),
        ("a.b", "", "a.b"),
        ("*.b", "a.b", "a.b"),
        ("a.b", "*.b", "a.b"),
        ("*.b", "b", None),
        ("*.b", "*.a.b", "*.a.b"),
        ("a.b", "c.b", None),
    ],
)
def test_host_names_match(first: str, second: str, expected: str | None) -> None:
    assert overlap(first, second) == expected


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        (None, False),
        ({}, True),
        ({"matchLabels": {"a": "1"}}, True),
        ({"matchLabels": {"a": "2"}}, False),
        ({"matchExpressions": [{"key": "a", "operator": "In", "values": ["1"]}]}, True),
        ({"matchExpressions": [{"key": "a", "operator": "NotIn", "values": ["1"]}]}, False),
        ({"matchExpressions": [{"key": "b", "operator": "Exists"}]}, False),
        ({"matchExpressions": [{"key": "b", "operator": "DoesNotExist"}]}, True),
    ],
)
def test_selectors(selector: Json | None, expected: bool) -> None:
    assert selects(selector, {"a": "1"}) is expected


def test_a_look_that_comes_late_makes_up_for_what_it_missed() -> None:
    bench = changing()
    pass_(bench, 1000)
    pass_(bench, 1)
    bench.need(crds.GATEWAY_CLASS, "approuting-istio")
    assert pending(bench.azure) == []


def test_an_event_stays_while_its_cause_does() -> None:
    shop = Shop()
    shop.unassign()
    shop.look()
    shop.clock.moment[0] += 7200
    shop.look()
    assert "ForbiddenByRbac" in shop.told("FailedMount", "shop")
