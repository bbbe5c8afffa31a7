"""A Gateway's address, visited through the proxy."""

from __future__ import annotations

import asyncio
import ssl

import pytest
from edge_bench import Contents, Got, backend, connect, get, listener, prefix, serving, unchecked

from provision.sandbox.azure import Json
from provision.sandbox.kubernetes import crds, kinds

ADDRESS = "20.0.1.2"
HTTPS = listener("https", 443, secret="shop-tls", hostname="shop.contoso.com")
HTTP = listener("http", 80, "HTTP")
SHOP = {"backendRefs": [backend("shop")]}


@pytest.fixture
def shop(contents: Contents) -> Contents:
    """The namespace's certificate, its Services, and a Gateway with HTTP and HTTPS."""
    contents.secret("shop-tls", "shop", "shop.contoso.com")
    for name in ("shop", "cart", "beta"):
        contents.service(name, "shop", 80)
    contents.gateway(ADDRESS, HTTPS, HTTP)
    return contents


async def visit(contents: Contents, url: str, **options: str) -> Got:
    async with serving(contents) as edge:
        return await get(edge, ADDRESS, url, **options)


async def test_a_host_is_served_with_its_certificate(shop: Contents) -> None:
    pair = shop.secret("shop-tls", "shop", "shop.contoso.com")
    shop.route("shop", SHOP, hosts=("shop.contoso.com",))
    got = await visit(shop, "https://shop.contoso.com/cart?item=1")
    assert (got.status, got.certificate) == (200, pair.der)
    assert got.headers["server"] == "istio-envoy"
    assert got.fields == {
        "host": "shop.contoso.com",
        "path": "/cart?item=1",
        "service": "shop",
        "namespace": "shop",
        "port": "80",
        "x-forwarded-for": "127.0.0.1",
        "x-forwarded-proto": "https",
    }


async def test_a_head_has_no_body(shop: Contents) -> None:
    shop.route("shop", SHOP)
    head = await visit(shop, "http://shop.contoso.com/", method="HEAD")
    assert (head.status, head.text) == (200, "")
    assert int(head.headers["content-length"]) > 0


@pytest.mark.parametrize(("policy", "seen"), [("Local", "127.0.0.1"), ("Cluster", "10.224.0.4")])
async def test_the_client_is_seen_when_the_service_preserves_it(
    shop: Contents, policy: str, seen: str
) -> None:
    shop.service("web-approuting-istio", "shop", 80, 443, address=ADDRESS, policy=policy)
    shop.route("shop", SHOP)
    got = await visit(shop, "http://shop.contoso.com/", X_Forwarded_For="203.0.113.9")
    assert got.fields["x-forwarded-for"] == f"203.0.113.9,{seen}"


@pytest.mark.parametrize(
    ("server_name", "shown"),
    [
        ("shop.contoso.com", "exact-tls"),
        ("SHOP.contoso.com", "exact-tls"),
        ("api.contoso.com", "wild-tls"),
        ("a.b.contoso.com", "wild-tls"),
        ("contoso.com", None),
        ("www.fabrikam.com", None),
        ("nosecret.contoso.com", None),
        ("broken.contoso.com", None),
        ("elsewhere.contoso.com", None),
    ],
)
async def test_the_handshakes_name_picks_the_certificate_or_is_reset(
    contents: Contents, server_name: str, shown: str | None
) -> None:
    pairs = {name: contents.secret(name, "shop", "x") for name in ("exact-tls", "wild-tls")}
    contents.secret("elsewhere-tls", "other", "x")
    contents.put(kinds.SECRET, "broken-tls", "shop", data={"tls.crt": "bm9uZQ==", "tls.key": "bm9uZQ=="})
    elsewhere = {"certificateRefs": [{"name": "elsewhere-tls", "namespace": "other"}]}
    contents.gateway(
        ADDRESS,
        listener("wild", 443, secret="wild-tls", hostname="*.contoso.com"),
        listener("exact", 443, secret="exact-tls", hostname="shop.contoso.com"),
        listener("missing", 443, secret="none", hostname="nosecret.contoso.com"),
        listener("broken", 443, secret="broken-tls", hostname="broken.contoso.com"),
        listener("elsewhere", 443, hostname="elsewhere.contoso.com", tls=elsewhere),
    )
    async with serving(contents) as edge:
        if shown is None:
            _, writer = await connect(edge, f"{ADDRESS}:443")
            with pytest.raises(ConnectionError):
                await writer.start_tls(unchecked(), server_hostname=server_name)
            writer.close()
        else:
            got = await get(edge, ADDRESS, "https://any.contoso.com/", server_name=server_name)
            assert got.certificate == pairs[shown].der


async def test_a_certificate_of_another_namespace_needs_a_grant(contents: Contents) -> None:
    pair = contents.secret("tls", "certs", "shop.contoso.com")
    group = "gateway.networking.k8s.io"
    contents.put(
        crds.REFERENCE_GRANT,
        "shop",
        "certs",
        spec={
            "from": [{"group": group, "kind": "Gateway", "namespace": "shop"}],
            "to": [{"group": "", "kind": "Secret", "name": "tls"}],
        },
    )
    tls = {"certificateRefs": [{"name": "tls", "namespace": "certs"}]}
    contents.gateway(ADDRESS, listener("https", 443, tls=tls))
    assert (await visit(contents, "https://shop.contoso.com/")).certificate == pair.der


async def test_a_renewed_secret_is_shown_at_once(shop: Contents) -> None:
    async with serving(shop) as edge:
        first = await get(edge, ADDRESS, "https://shop.contoso.com/")
        renewed = shop.secret("shop-tls", "shop", "shop.contoso.com")
        second = await get(edge, ADDRESS, "https://shop.contoso.com/")
    assert first.certificate != second.certificate == renewed.der


async def test_a_connection_for_one_host_reaches_no_route_of_another_listener(shop: Contents) -> None:
    wild = listener("wild", 443, secret="shop-tls", hostname="*.contoso.com")
    shop.gateway(ADDRESS, HTTPS, wild)
    shop.route("api", SHOP, hosts=("api.contoso.com",))
    async with serving(shop) as edge:
        assert (await get(edge, ADDRESS, "https://api.contoso.com/")).status == 200
        other = await get(edge, ADDRESS, "https://api.contoso.com/", server_name="shop.contoso.com")
    assert other.status == 404


async def test_a_refused_handshake_ends_in_a_reset_without_an_alert(shop: Contents) -> None:
    outgoing = ssl.MemoryBIO()
    hello = unchecked().wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="www.fabrikam.com")
    with pytest.raises(ssl.SSLWantReadError):
        hello.do_handshake()
    async with serving(shop) as edge:
        reader, writer = await asyncio.open_connection("127.0.0.1", await edge.locate(ADDRESS, 443))
        writer.write(outgoing.read())
        with pytest.raises(ConnectionResetError):
            await reader.read()
        writer.close()


RULES: list[Json] = [
    {"matches": [prefix("/")], **SHOP},
    {"matches": [prefix("/cart")], "backendRefs": [backend("cart")]},
    {"matches": [{"path": {"type": "Exact", "value": "/cart"}}], "backendRefs": [backend("beta")]},
    {
        "matches": [{**prefix("/"), "headers": [{"name": "X-Beta", "value": "yes"}]}],
        "backendRefs": [backend("beta")],
    },
    {
        "matches": [
            {"path": {"type": "RegularExpression", "value": "/v[0-9]+/.*"}},
            {**prefix("/"), "queryParams": [{"name": "beta", "type": "RegularExpression", "value": "1|y.*"}]},
            {**prefix("/pay"), "method": "PUT"},
        ],
        "backendRefs": [backend("beta")],
    },
]


@pytest.mark.parametrize(
    ("path", "service"),
    [
        ("", "shop"),
        ("cart", "beta"),
        ("cart/", "cart"),
        ("cart/1", "cart"),
        ("cartoon", "shop"),
        ("v12/x", "beta"),
        ("vx/x", "shop"),
        ("x?beta=yes", "beta"),
        ("x?beta=no", "shop"),
        ("pay", "shop"),
    ],
)
async def test_the_most_specific_rule_wins(shop: Contents, path: str, service: str) -> None:
    shop.route("shop", *RULES)
    assert (await visit(shop, f"http://shop.contoso.com/{path}")).fields["service"] == service


async def test_headers_and_methods_choose_too(shop: Contents) -> None:
    shop.route("shop", *RULES)
    assert (await visit(shop, "http://shop.contoso.com/", x_beta="yes")).fields["service"] == "beta"


async def test_a_method_chooses(shop: Contents) -> None:
    shop.route("shop", *RULES)
    assert (await visit(shop, "http://shop.contoso.com/pay", method="PUT")).fields["service"] == "beta"


@pytest.mark.parametrize(
    ("host", "service"),
    [("shop.contoso.com", "shop"), ("api.contoso.com", "cart"), ("fabrikam.com", "beta")],
)
async def test_the_most_specific_host_name_wins(shop: Contents, host: str, service: str) -> None:
    shop.route("any", {"backendRefs": [backend("beta")]})
    shop.route("wild", {"backendRefs": [backend("cart")]}, hosts=("*.contoso.com",))
    shop.route("exact", SHOP, hosts=("shop.contoso.com",))
    assert (await visit(shop, f"http://{host}/")).fields["service"] == service


@pytest.mark.parametrize(
    ("own", "asked", "host", "status"),
    [
        ("*.contoso.com", "shop.contoso.com", "shop.contoso.com", 200),
        ("*.contoso.com", "shop.contoso.com", "api.contoso.com", 404),
        ("shop.contoso.com", "*.contoso.com", "shop.contoso.com", 200),
        ("*.contoso.com", "*.eu.contoso.com", "a.eu.contoso.com", 200),
        ("*.contoso.com", "*.eu.contoso.com", "a.us.contoso.com", 404),
        ("shop.contoso.com", "api.contoso.com", "shop.contoso.com", 404),
        ("*.contoso.com", "contoso.com", "contoso.com", 404),
        ("shop.contoso.com", "SHOP.contoso.com", "shop.contoso.com", 200),
    ],
)
async def test_listener_and_route_must_agree_on_a_host_name(
    shop: Contents, own: str, asked: str, host: str, status: int
) -> None:
    shop.gateway(ADDRESS, listener("http", 80, "HTTP", hostname=own))
    shop.route("shop", SHOP, hosts=(asked,))
    assert (await visit(shop, f"http://{host}/")).status == status


async def test_an_expression_that_is_none_matches_nothing(shop: Contents) -> None:
    shop.route("shop", {"matches": [{"path": {"type": "RegularExpression", "value": "/("}}], **SHOP})
    assert (await visit(shop, "http://shop.contoso.com/(")).status == 404


async def test_the_older_of_equal_routes_wins(shop: Contents) -> None:
    old = shop.route("z-old", {"backendRefs": [backend("cart")]})
    new = shop.route("a-new", SHOP)
    for route, moment in ((old, "2026-01-01T00:00:00Z"), (new, "2026-02-01T00:00:00Z")):
        route["metadata"]["creationTimestamp"] = moment
        # the creation time of a stored object can't be changed: make it anew
        shop.cluster.delete(crds.HTTP_ROUTE, route["metadata"]["name"], "shop")
        shop.cluster.put(crds.HTTP_ROUTE, route)
    assert (await visit(shop, "http://shop.contoso.com/")).fields["service"] == "cart"


@pytest.mark.parametrize(
    ("parent", "status"),
    [
        ({}, 200),
        ({"sectionName": "http"}, 200),
        ({"sectionName": "https"}, 404),
        ({"port": 80}, 200),
        ({"port": 443}, 404),
        ({"namespace": "shop"}, 200),
        ({"namespace": "other"}, 404),
        ({"kind": "Service", "group": ""}, 404),
        ({"name": "other"}, 404),
    ],
)
async def test_a_route_is_carried_by_the_listeners_it_names(
    shop: Contents, parent: Json, status: int
) -> None:
    spec = {"parentRefs": [{"name": "web", **parent}], "rules": [SHOP]}
    shop.put(crds.HTTP_ROUTE, "shop", "shop", spec=spec)
    assert (await visit(shop, "http://shop.contoso.com/")).status == status


SELECTORS: list[tuple[Json, int]] = [
    ({}, 404),
    ({"from": "Same"}, 404),
    ({"from": "All"}, 200),
    ({"from": "Selector", "selector": {"matchLabels": {"team": "api"}}}, 200),
    ({"from": "Selector", "selector": {"matchLabels": {"team": "shop"}}}, 404),
    ({"from": "Selector", "selector": {"matchExpressions": [{"key": "team", "operator": "Exists"}]}}, 200),
    (
        {
            "from": "Selector",
            "selector": {"matchExpressions": [{"key": "team", "operator": "NotIn", "values": ["api"]}]},
        },
        404,
    ),
]


@pytest.mark.parametrize(("allowed", "status"), SELECTORS)
async def test_a_listener_takes_routes_of_the_namespaces_it_allows(
    contents: Contents, allowed: Json, status: int
) -> None:
    contents.gateway(ADDRESS, listener("http", 80, "HTTP", allowedRoutes={"namespaces": allowed}))
    contents.put(kinds.NAMESPACE, "api", more={"labels": {"team": "api"}})
    contents.service("api", "api", 80)
    spec = {
        "parentRefs": [{"name": "web", "namespace": "shop"}],
        "rules": [{"backendRefs": [backend("api")]}],
    }
    contents.put(crds.HTTP_ROUTE, "api", "api", spec=spec)
    assert (await visit(contents, "http://api.contoso.com/")).status == status


@pytest.mark.parametrize(
    ("backends", "status"),
    [
        ([backend("shop")], 200),
        ([backend("shop", 81)], 500),
        ([backend("none")], 500),
        ([], 500),
        ([backend("shop", weight=0)], 500),
        ([backend("none", weight=0), backend("shop")], 200),
        ([backend("none", weight=10), backend("shop", weight=90)], 200),
        ([backend("api", namespace="api")], 500),
    ],
)
async def test_a_backend_that_is_not_there_is_an_error_of_the_gateway(
    shop: Contents, backends: list[Json], status: int
) -> None:
    shop.service("api", "api", 80)
    shop.route("shop", {"backendRefs": backends})
    assert (await visit(shop, "http://shop.contoso.com/")).status == status


def redirecting(**redirect: object) -> Json:
    return {
        "matches": [prefix("/old")],
        "filters": [{"type": "RequestRedirect", "requestRedirect": redirect}],
    }


@pytest.mark.parametrize(
    ("rule", "status", "location"),
    [
        (redirecting(scheme="https"), 302, "https://shop.contoso.com/old/x?y=1"),
        (redirecting(scheme="https", statusCode=301), 301, "https://shop.contoso.com/old/x?y=1"),
        (redirecting(scheme="https", port=8443), 302, "https://shop.contoso.com:8443/old/x?y=1"),
        (redirecting(hostname="www.contoso.com"), 302, "http://www.contoso.com/old/x?y=1"),
        (
            redirecting(path={"type": "ReplaceFullPath", "replaceFullPath": "/new"}),
            302,
            "http://shop.contoso.com/new?y=1",
        ),
        (
            redirecting(path={"type": "ReplacePrefixMatch", "replacePrefixMatch": "/new/"}),
            302,
            "http://shop.contoso.com/new/x?y=1",
        ),
        (
            redirecting(path={"type": "ReplacePrefixMatch", "replacePrefixMatch": "/"}),
            302,
            "http://shop.contoso.com/x?y=1",
        ),
    ],
)
async def test_redirects(shop: Contents, rule: Json, status: int, location: str) -> None:
    shop.route("shop", rule)
    got = await visit(shop, "http://shop.contoso.com/old/x?y=1")
    assert (got.status, got.headers["location"]) == (status, location)


async def test_headers_of_the_answer_are_changed(shop: Contents) -> None:
    changed = {
        "set": [{"name": "X-Frame-Options", "value": "DENY"}],
        "add": [{"name": "Server", "value": "shop"}, {"name": "X-Team", "value": "shop"}],
        "remove": ["X-Envoy-Upstream-Service-Time"],
    }
    filters = [{"type": "ResponseHeaderModifier", "responseHeaderModifier": changed}]
    shop.route("shop", {**SHOP, "filters": filters})
    headers = (await visit(shop, "http://shop.contoso.com/")).headers
    assert (headers["x-frame-options"], headers["x-team"]) == ("DENY", "shop")
    assert headers["server"] == "istio-envoy,shop"
    assert "x-envoy-upstream-service-time" not in headers


async def test_another_port_of_a_listener(contents: Contents) -> None:
    contents.gateway(ADDRESS, listener("admin", 8080, "HTTP"))
    rule = {"filters": [{"type": "RequestRedirect", "requestRedirect": {"hostname": "www.contoso.com"}}]}
    contents.route("shop", rule)
    got = await visit(contents, "http://shop.contoso.com:8080/x")
    assert got.headers["location"] == "http://www.contoso.com:8080/x"


async def test_connections_are_not_passed_through(contents: Contents) -> None:
    contents.gateway(ADDRESS, listener("tls", 443, "TLS", tls={"mode": "Passthrough"}))
    async with serving(contents) as edge:
        _, writer = await connect(edge, f"{ADDRESS}:443")
        with pytest.raises(ConnectionError):
            await writer.start_tls(unchecked(), server_hostname="shop.contoso.com")
        writer.close()
