"""DNS records by the add-ons' external-dns: who writes what where, and what is never touched."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from addon_bench import Bench, Shop, conditions

from provision.sandbox import authorization, dns_records, identities, roles
from provision.sandbox.addons.dns_plan import txt_name
from provision.sandbox.azure import Json
from provision.sandbox.dns_flavours import PUBLIC
from provision.sandbox.kubernetes import crds, kinds


def owner(shop: Bench) -> str:
    return f"external-dns/owner={shop.objects.uid}"


def test_a_host_gets_its_record_and_its_owner() -> None:
    shop = Shop()
    shop.look()
    records = shop.records(shop.contoso)
    assert records["A shop"] == [shop.address()]
    assert records["TXT a-shop"] == [
        f'"heritage=external-dns,{owner(shop)},external-dns/resource=httproute/shop/shop"'
    ]
    document = shop.azure.store.get(PUBLIC.record_kind, f"{shop.contoso['id']}/A/shop")
    assert document is not None
    assert document["properties"]["TTL"] == 300
    deployment = shop.need(kinds.DEPLOYMENT, "public-external-dns", "shop")
    assert conditions(deployment)["Available"]["status"] == "True"
    arguments = deployment["spec"]["template"]["spec"]["containers"][0]["args"]
    assert {"--provider=azure", f"--txt-owner-id={shop.objects.uid}", "--domain-filter=contoso.com"} <= set(
        arguments
    )


def no_label(shop: Shop) -> None:
    shop.account(shop.reader, labels={})


def no_account(shop: Shop) -> None:
    shop.objects.delete(kinds.SERVICE_ACCOUNT, "shop-ingress", "shop")


def no_annotation(shop: Shop) -> None:
    shop.account(shop.reader, annotations={})


def no_credential(shop: Shop) -> None:
    for credential in shop.azure.store.list(identities.CREDENTIAL):
        shop.azure.store.delete(identities.CREDENTIAL, credential["id"])


def no_identity(shop: Shop) -> None:
    identities.forget(shop.azure, shop.reader)


def no_role(shop: Shop) -> None:
    shop.unassign()


def only_reader(shop: Shop) -> None:
    shop.unassign()
    shop.assign(roles.READER, shop.contoso["id"], shop.reader)


def role_at_another_zone(shop: Shop) -> None:
    shop.unassign()
    shop.assign(roles.DNS_ZONE_CONTRIBUTOR, shop.zone("fabrikam.com")["id"], shop.reader)


def no_zone(shop: Shop) -> None:
    for kind, id_ in shop.azure.store.ids(shop.contoso["id"]):
        shop.azure.store.delete(kind, id_)


def zones_apart(shop: Shop) -> None:
    far = {"id": shop.contoso["id"].replace("rg-test", "rg-far")}
    shop.writer(zones=(shop.contoso, far))


BREAKS: list[tuple[Callable[[Shop], None], str, str, str]] = [
    (
        no_account,
        "public",
        "FailedUpdateOrCreateExternalDNSResources",
        "serviceAccount shop-ingress does not exist",
    ),
    (no_annotation, "public", "FailedUpdateOrCreateExternalDNSResources", "necessary annotation"),
    (zones_apart, "public", "FailedUpdateOrCreateExternalDNSResources", "detected multiple resource groups"),
    (no_label, "public-external-dns", "Failed", "azure.workload.identity/use"),
    (no_credential, "public-external-dns", "Failed", "AADSTS700211"),
    (no_identity, "public-external-dns", "Failed", "AADSTS700016"),
    (no_role, "public-external-dns", "Failed", "does not have authorization to perform action"),
    (only_reader, "public-external-dns", "Failed", "'Microsoft.Network/dnsZones/A/write'"),
    (role_at_another_zone, "public-external-dns", "Failed", "'Microsoft.Network/dnsZones/read'"),
    (no_zone, "public-external-dns", "Failed", "a suitable Azure DNS zone was not found"),
]


@pytest.mark.parametrize(("break_", "about", "reason", "words"), BREAKS)
def test_a_missing_link_is_named(break_: Callable[[Shop], None], about: str, reason: str, words: str) -> None:
    shop = Shop()
    break_(shop)
    shop.look()
    assert words in shop.told(reason, about)
    assert "A shop" not in shop.records(shop.contoso)
    before = shop.dump()
    shop.look()
    assert shop.dump() == before


def test_a_route_that_goes_takes_its_record_along() -> None:
    shop = Shop()
    shop.look()
    shop.objects.delete(crds.HTTP_ROUTE, "shop", "shop")
    shop.look()
    assert not {"A shop", "TXT a-shop"} & set(shop.records(shop.contoso))


def test_deleting_the_controller_leaves_its_records() -> None:
    shop = Shop()
    shop.look()
    shop.objects.delete(crds.CLUSTER_EXTERNAL_DNS, "public")
    shop.objects.delete(crds.HTTP_ROUTE, "shop", "shop")
    shop.look()
    assert {"A shop", "TXT a-shop"} <= set(shop.records(shop.contoso))


def test_a_removed_record_comes_back_and_a_changed_one_is_put_right() -> None:
    shop = Shop()
    shop.look()
    id_ = f"{shop.contoso['id']}/A/shop"
    shop.azure.store.delete(PUBLIC.record_kind, id_)
    shop.look()
    assert shop.records(shop.contoso)["A shop"] == [shop.address()]
    record(shop, "A", "shop", {"ARecords": [{"ipv4Address": "1.1.1.1"}]})
    shop.look()
    assert shop.records(shop.contoso)["A shop"] == [shop.address()]


def record(shop: Shop, kind: str, name: str, content: Json) -> None:
    dns_records.new_record_set(shop.azure, PUBLIC, shop.contoso, kind, name, {"TTL": 60, **content})


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("A", {"ARecords": [{"ipv4Address": "1.1.1.1"}]}),
        ("CNAME", {"CNAMERecord": {"cname": "elsewhere.example.net"}}),
    ],
)
def test_what_it_does_not_own_is_never_touched(kind: str, content: Json) -> None:
    shop = Shop()
    record(shop, kind, "shop", content)
    before = shop.azure.store.list(PUBLIC.record_kind)
    shop.look()
    assert shop.azure.store.list(PUBLIC.record_kind) == before


def test_a_record_of_another_owner_stays() -> None:
    shop = Shop()
    shop.objects.delete(crds.HTTP_ROUTE, "shop", "shop")
    record(shop, "A", "old", {"ARecords": [{"ipv4Address": "1.1.1.1"}]})
    text = '"heritage=external-dns,external-dns/owner=someone,external-dns/resource=ingress/a/b"'
    record(shop, "TXT", "a-old", {"TXTRecords": [{"value": [text]}]})
    shop.look()
    assert shop.records(shop.contoso)["A old"] == ["1.1.1.1"]


def test_an_apex_is_written_without_an_owner_and_never_again() -> None:
    shop = Shop()
    listener = {"name": "http", "port": 80, "protocol": "HTTP"}
    shop.gateway(listeners=[listener])
    shop.route("shop", host="contoso.com")
    shop.look()
    assert shop.records(shop.contoso) == {"A @": [shop.address()]}
    shop.objects.delete(crds.HTTP_ROUTE, "shop", "shop")
    shop.look()
    assert "A @" in shop.records(shop.contoso)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("shop.contoso.com", "a-shop.contoso.com"),
        ("*.contoso.com", "a-approutingwildcard.contoso.com"),
        ("contoso.com", "a-contoso.com"),
    ],
)
def test_names_of_ownership_records(name: str, expected: str) -> None:
    assert txt_name(name, "A") == expected


def test_a_name_goes_into_the_longest_zone_the_controller_sees() -> None:
    shop = Shop()
    corp = shop.zone("corp.contoso.com")
    listener = {"name": "http", "port": 80, "protocol": "HTTP"}
    shop.gateway(listeners=[listener])
    shop.route("shop", host="intra.corp.contoso.com")
    shop.look()
    # the leak: without a right on the longer zone, the name of a host inside goes into the public zone above
    assert "A intra.corp" in shop.records(shop.contoso)
    assert shop.records(corp) == {}
    shop.assign(roles.DNS_ZONE_CONTRIBUTOR, corp["id"], shop.reader)
    shop.route("other", host="other.corp.contoso.com")
    shop.look()
    assert "A other" in shop.records(corp)


def test_label_filters_keep_hosts_apart() -> None:
    shop = Shop()
    corp = shop.zone("corp.contoso.com", private=True)
    shop.assign(roles.PRIVATE_DNS_ZONE_CONTRIBUTOR, corp["id"], shop.reader)
    shop.gateway(listeners=[{"name": "http", "port": 80, "protocol": "HTTP"}])
    shop.route("shop", labels={"dns": "public"})
    shop.route("intra", host="intra.corp.contoso.com", labels={"dns": "private"})
    shop.writer(filters={"routeAndIngressLabels": "dns=public"})
    shop.writer("private", (corp,), filters={"routeAndIngressLabels": "dns=private"})
    shop.look()
    assert set(shop.records(shop.contoso)) == {"A shop", "TXT a-shop"}
    assert set(shop.records(corp)) == {"A intra", "TXT a-intra"}
    before = shop.dump()
    shop.look()
    assert shop.dump() == before


def test_gateway_labels_filter_gateways() -> None:
    shop = Shop()
    shop.writer(filters={"gatewayLabels": "edge=yes"})
    shop.look()
    assert shop.records(shop.contoso) == {}


def test_two_controllers_on_one_zone_remove_each_other_s_records() -> None:
    shop = Shop()
    shop.route("shop", labels={"dns": "first"})
    shop.gateway(listeners=[{"name": "http", "port": 80, "protocol": "HTTP"}])
    shop.route("blog", host="blog.contoso.com", labels={"dns": "second"})
    shop.writer("first", filters={"routeAndIngressLabels": "dns=first"})
    shop.writer("second", filters={"routeAndIngressLabels": "dns=second"})
    shop.objects.delete(crds.CLUSTER_EXTERNAL_DNS, "public")
    shop.look()
    assert set(shop.records(shop.contoso)) == {"A blog", "TXT a-blog"}


def test_a_namespaced_controller_has_an_owner_and_a_scope_of_its_own() -> None:
    shop = Shop()
    shop.objects.delete(crds.CLUSTER_EXTERNAL_DNS, "public")
    listener = {
        "name": "http",
        "port": 80,
        "protocol": "HTTP",
        "allowedRoutes": {"namespaces": {"from": "All"}},
    }
    shop.gateway(listeners=[listener])
    shop.put(kinds.NAMESPACE, "blog")
    shop.route("blog", host="blog.contoso.com", namespace="blog")
    made = shop.put(
        crds.EXTERNAL_DNS,
        "own",
        "shop",
        spec={
            "resourceName": "own",
            "dnsZoneResourceIDs": [shop.contoso["id"]],
            "resourceTypes": ["gateway"],
            "identity": {"type": "workloadIdentity", "serviceAccount": "shop-ingress"},
        },
    )
    shop.look()
    records = shop.records(shop.contoso)
    assert set(records) == {"A shop", "TXT a-shop"}
    uid = made["metadata"]["uid"].replace("-", "")[:16]
    assert f"external-dns/owner={shop.objects.uid}-{uid}," in records["TXT a-shop"][0]


def test_an_identity_of_the_nodes_needs_no_credential() -> None:
    shop = Shop()
    no_credential(shop)
    client_id = shop.reader["properties"]["clientId"]
    shop.writer(identity={"type": "managedIdentity", "clientID": client_id})
    shop.look()
    assert "A shop" in shop.records(shop.contoso)
    shop.need(kinds.SERVICE_ACCOUNT, "public-external-dns", "shop")


def test_annotations_choose_target_and_ttl() -> None:
    shop = Shop()
    shop.route("shop", annotations={"external-dns.alpha.kubernetes.io/ttl": "60"})
    gateway = shop.need(crds.GATEWAY, "shop", "shop")
    gateway["metadata"]["annotations"] = {"external-dns.alpha.kubernetes.io/target": "9.9.9.9"}
    shop.objects.put(crds.GATEWAY, gateway)
    shop.look()
    assert shop.records(shop.contoso)["A shop"] == ["9.9.9.9"]
    document = shop.azure.store.get(PUBLIC.record_kind, f"{shop.contoso['id']}/A/shop")
    assert document is not None
    assert document["properties"]["TTL"] == 60


def nginx(*, granted: bool) -> tuple[Bench, Json, Json]:
    bench = Bench()
    public, private = bench.zone("contoso.com"), bench.zone("corp.contoso.com", private=True)
    routing = bench.cluster["properties"]["ingressProfile"]["webAppRouting"]
    if granted:
        for role, zone in (
            (roles.DNS_ZONE_CONTRIBUTOR, public),
            (roles.PRIVATE_DNS_ZONE_CONTRIBUTOR, private),
        ):
            authorization.new_assignment(
                bench.azure, zone["id"], role, routing["identity"]["objectId"], created=authorization.LONG_AGO
            )
    zones = [public["id"], private["id"]]
    bench.alter(ingressProfile={"webAppRouting": {**routing, "dnsZoneResourceIds": zones}})
    rules = [{"host": "shop.contoso.com"}, {"host": "intra.corp.contoso.com"}, {"host": "x.example.net"}]
    spec = {"ingressClassName": "webapprouting.kubernetes.azure.com", "rules": rules}
    bench.put(kinds.INGRESS, "web", "default", spec=spec)
    bench.look()
    return bench, public, private


def test_nginx_hosts_go_into_the_zones_of_the_cluster() -> None:
    bench, public, private = nginx(granted=True)
    assert {"A shop", "TXT a-shop"} <= set(bench.records(public))
    assert set(bench.records(private)) == {"A intra", "TXT a-intra"}
    assert "resource=ingress/default/web" in bench.records(public)["TXT a-shop"][0]
    bench.need(kinds.DEPLOYMENT, "external-dns", "app-routing-system")
    bench.need(kinds.DEPLOYMENT, "external-dns-private", "app-routing-system")


def test_nginx_needs_the_roles_of_the_add_on_s_identity() -> None:
    bench, public, private = nginx(granted=False)
    assert "Microsoft.Network/dnsZones/read" in bench.told("Failed", "external-dns")
    assert "Microsoft.Network/privateDnsZones/read" in bench.told("Failed", "external-dns-private")
    assert bench.records(public) == bench.records(private) == {}


def test_switching_off_leaves_the_records() -> None:
    bench, public, _ = nginx(granted=True)
    bench.alter(ingressProfile={"webAppRouting": {"enabled": False}})
    bench.look()
    assert "A shop" in bench.records(public)
