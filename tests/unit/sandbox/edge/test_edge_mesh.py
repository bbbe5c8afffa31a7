"""The address of an ingress gateway of the service mesh add-on, visited through the proxy."""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from edge_bench import CLOSED, Contents, Got, Pair, certificate, get

from provision.sandbox.azure import Json
from provision.sandbox.edge import Edge
from provision.sandbox.kubernetes import crds, kinds
from provision.sandbox.proxy import Unreachable

ADDRESS = "20.0.7.7"
NAME = "aks-istio-ingressgateway-external"
PODS = "aks-istio-ingress"
HOST = "shop.contoso.com"


class Mesh:
    """An external gateway, and the namespace `shop` with its Services."""

    def __init__(self, contents: Contents, policy: str = "Local") -> None:
        self.contents = contents
        contents.service(NAME, PODS, 15021, 80, 443, address=ADDRESS, policy=policy)
        service = contents.cluster.get(kinds.SERVICE, NAME, PODS)
        assert service is not None
        service["spec"]["selector"] = {"istio": NAME}
        contents.cluster.put(kinds.SERVICE, service)
        template = {"metadata": {"labels": {"app": NAME, "istio": NAME}}}
        contents.put(kinds.DEPLOYMENT, f"{NAME}-asm-1-29", PODS, spec={"template": template})
        for name in ("shop", "cart"):
            contents.service(name, "shop", 80)

    def gateway(self, *servers: Json, name: str = "web", **spec: Any) -> None:
        wanted = {"selector": {"istio": NAME}, "servers": list(servers), **spec}
        self.contents.put(crds.ISTIO_GATEWAY, name, "shop", spec=wanted)

    def service(self, *http: Json, name: str = "shop", namespace: str = "shop", **spec: Any) -> None:
        wanted = {"hosts": [HOST], "gateways": ["shop/web"], "http": list(http), **spec}
        self.contents.put(crds.VIRTUAL_SERVICE, name, namespace, spec=wanted)

    def secret(
        self, name: str, pair: Pair, more: dict[str, bytes] | None = None, *, namespace: str = PODS
    ) -> None:
        """`more` replaces keys of the pair's; what is empty is left out."""
        data = {"tls.crt": pair.certificate, "tls.key": pair.key}
        data |= more or {}
        shown = {key: base64.b64encode(value).decode() for key, value in data.items() if value}
        self.contents.put(kinds.SECRET, name, namespace, data=shown)

    @asynccontextmanager
    async def edge(self) -> AsyncIterator[Edge]:
        async with asyncio.timeout(60), Edge(self.contents.state, CLOSED) as edge:
            yield edge

    async def get(self, url: str, client: Pair | None = None, /, **options: str) -> Got:
        async with self.edge() as edge:
            return await get(edge, ADDRESS, url, client, **options)

    async def breaks(self, server_name: str, client: Pair | None = None) -> Exception:
        """How a handshake, or the request after it, fails."""
        async with self.edge() as edge:
            with pytest.raises((ConnectionError, ssl.SSLError)) as caught:
                await get(edge, ADDRESS, f"https://{server_name}/", client)
        return caught.value


def server(protocol: str = "HTTP", *hosts: str, number: int = 0, **tls: Any) -> Json:
    port = number or (80 if protocol == "HTTP" else 443)
    made: Json = {
        "port": {"number": port, "name": f"p{port}", "protocol": protocol},
        "hosts": list(hosts or [HOST]),
    }
    return {**made, **({"tls": tls} if tls else {})}


def to(host: str = "shop", port: int = 80, **more: object) -> Json:
    return {"destination": {"host": host, "port": {"number": port}, **more}}


def route(*destinations: Json, **more: object) -> Json:
    return {"route": list(destinations or [to()]), **more}


SIMPLE: Json = {"mode": "SIMPLE", "credentialName": "shop-tls"}


@pytest.fixture
def mesh(contents: Contents) -> Iterator[Mesh]:
    yield Mesh(contents)
    contents.azure.store.close()


async def test_a_host_is_served_with_the_certificate_of_the_gateways_namespace(mesh: Mesh) -> None:
    pair = certificate(HOST)
    mesh.secret("shop-tls", pair)
    mesh.secret("shop-tls", certificate("elsewhere"), namespace="shop")
    mesh.gateway(server("HTTPS", **SIMPLE))
    mesh.service(route())
    got = await mesh.get(f"https://{HOST}/cart?item=1")
    assert (got.status, got.certificate, got.headers["server"]) == (200, pair.der, "istio-envoy")
    assert got.fields == {
        "host": HOST,
        "path": "/cart?item=1",
        "service": "shop",
        "namespace": "shop",
        "port": "80",
        "x-forwarded-for": "127.0.0.1",
        "x-forwarded-proto": "https",
    }


@pytest.mark.parametrize(("policy", "seen"), [("Local", "127.0.0.1"), ("Cluster", "10.224.0.4")])
async def test_the_client_is_seen_when_the_service_preserves_it(
    contents: Contents, policy: str, seen: str
) -> None:
    mesh = Mesh(contents, policy)
    mesh.gateway(server())
    mesh.service(route())
    assert (await mesh.get(f"http://{HOST}/")).fields["x-forwarded-for"] == seen
    contents.azure.store.close()


async def test_without_its_secret_a_server_takes_no_connection(mesh: Mesh) -> None:
    mesh.gateway(server("HTTPS", **SIMPLE))
    mesh.service(route())
    mesh.secret("shop-tls", certificate(HOST), namespace="shop")
    assert isinstance(await mesh.breaks(HOST), ConnectionError)


@pytest.mark.parametrize("keys", ["tls", "generic"])
async def test_both_kinds_of_secret_hold_a_certificate(mesh: Mesh, keys: str) -> None:
    pair = certificate(HOST)
    generic = {"tls.crt": b"", "tls.key": b"", "cert": pair.certificate, "key": pair.key}
    mesh.secret("shop-tls", pair, generic if keys == "generic" else {})
    mesh.gateway(server("HTTPS", **SIMPLE))
    mesh.service(route())
    assert (await mesh.get(f"https://{HOST}/")).certificate == pair.der


@pytest.mark.parametrize(
    ("secret", "held"),
    [
        ("shop-tls", "ca.crt"),
        ("shop-tls", "cacert"),
        ("shop-tls-cacert", "ca.crt"),
        ("shop-tls-cacert", "cacert"),
    ],
)
async def test_mutual_takes_clients_of_its_authority_only(mesh: Mesh, secret: str, held: str) -> None:
    client, stranger = certificate("client.contoso.com"), certificate("client.contoso.com")
    mesh.secret("shop-tls", certificate(HOST))
    mesh.secret(secret, certificate(HOST), {held: client.certificate})
    mesh.gateway(server("HTTPS", mode="MUTUAL", credentialName="shop-tls"))
    mesh.service(route())
    assert (await mesh.get(f"https://{HOST}/", client)).status == 200
    assert isinstance(await mesh.breaks(HOST, stranger), (ssl.SSLError, ConnectionError))
    assert "certificate required" in str(await mesh.breaks(HOST)).lower().replace("_", " ")


async def test_mutual_without_an_authority_takes_no_connection(mesh: Mesh) -> None:
    mesh.secret("shop-tls", certificate(HOST))
    mesh.gateway(server("HTTPS", mode="MUTUAL", credentialName="shop-tls"))
    mesh.service(route())
    assert isinstance(await mesh.breaks(HOST, certificate("client.contoso.com")), ConnectionError)


async def test_optional_mutual_takes_clients_without_a_certificate(mesh: Mesh) -> None:
    client = certificate("client.contoso.com")
    mesh.secret("shop-tls", certificate(HOST), {"ca.crt": client.certificate})
    mesh.gateway(server("HTTPS", mode="OPTIONAL_MUTUAL", credentialName="shop-tls"))
    mesh.service(route())
    assert (await mesh.get(f"https://{HOST}/")).status == 200
    assert (await mesh.get(f"https://{HOST}/", client)).status == 200
    await mesh.breaks(HOST, certificate("client.contoso.com"))


@pytest.mark.parametrize(
    ("sni", "shown"),
    [(HOST, "exact-tls"), ("a.b.contoso.com", "wild-tls"), ("www.fabrikam.com", None)],
)
async def test_the_handshakes_name_picks_the_server_or_is_reset(
    mesh: Mesh, sni: str, shown: str | None
) -> None:
    pairs = {name: certificate("x") for name in ("exact-tls", "wild-tls")}
    for name, pair in pairs.items():
        mesh.secret(name, pair)
    mesh.gateway(
        server("HTTPS", "*.contoso.com", mode="SIMPLE", credentialName="wild-tls"),
        server("HTTPS", HOST, mode="SIMPLE", credentialName="exact-tls"),
    )
    if shown is None:
        await mesh.breaks(sni)
    else:
        assert (await mesh.get(f"https://{sni}/")).certificate == pairs[shown].der


def passing(*names: str, **more: object) -> Json:
    return {"http": [], "tls": [{"match": [{"sniHosts": list(names), **more}], "route": [to("shop")]}]}


async def test_passthrough_leads_to_the_service_by_name(mesh: Mesh) -> None:
    mesh.gateway(server("TLS", mode="PASSTHROUGH"))
    mesh.service(**passing(HOST))
    got = await mesh.get(f"https://{HOST}/")
    assert (got.status, got.fields["service"], got.fields["x-forwarded-for"]) == (200, "shop", "")
    assert "server" not in got.headers


@pytest.mark.parametrize(
    "spec",
    [
        passing("other.contoso.com"),
        passing(HOST, port=8443),
        passing(HOST, gateways=["shop/other"]),
        {"tls": [{"match": [{"sniHosts": [HOST]}], "route": [to("gone")]}]},
        {"http": [route()]},
    ],
)
async def test_passthrough_without_a_route_breaks_the_connection_off(mesh: Mesh, spec: Json) -> None:
    mesh.gateway(server("TLS", mode="PASSTHROUGH"))
    mesh.service(**{"http": [], **spec})
    assert isinstance(await mesh.breaks(HOST), ConnectionError)


async def test_a_server_may_only_redirect_to_https(mesh: Mesh) -> None:
    mesh.gateway(server("HTTP", httpsRedirect=True), server("HTTP", "*", number=80))
    mesh.service(route(), hosts=["*"])
    got = await mesh.get(f"http://{HOST}/a?b=c")
    assert (got.status, got.headers["location"]) == (301, f"https://{HOST}/a?b=c")
    assert (await mesh.get("http://other.contoso.com/")).status == 200


@pytest.mark.parametrize(
    ("spec", "status"),
    [
        ({"hosts": ["*"]}, 200),
        ({"hosts": ["*.contoso.com"]}, 200),
        ({"gateways": ["web"]}, 200),
        ({"hosts": ["cart.contoso.com"]}, 404),
        ({"gateways": ["mesh"]}, 404),
        ({"gateways": ["other/web"]}, 404),
        ({"exportTo": ["."]}, 404),
        ({"exportTo": ["aks-istio-ingress"]}, 200),
        ({"http": [route(match=[{"uri": {"exact": "/other"}}])]}, 404),
        ({"http": [route(match=[{"gateways": ["other"]}])]}, 404),
        ({"http": [route(to("shop.shop.svc.cluster.local"))]}, 200),
        ({"http": [route(to("shop.shop"))]}, 503),
        ({"http": [route(to("gone"))]}, 503),
        ({"http": [route(to("shop", 8080))]}, 503),
        ({"http": [route(to("shop", subset="v1"))]}, 200),
        ({"http": [route(to("shop", subset="v2"))]}, 503),
        ({"http": [{"directResponse": {"status": 418}}]}, 418),
    ],
)
async def test_routes_are_found_as_istio_finds_them(mesh: Mesh, spec: Json, status: int) -> None:
    mesh.gateway(server("HTTP", HOST))
    rule = {"host": "shop", "subsets": [{"name": "v1"}]}
    mesh.contents.put(crds.DESTINATION_RULE, "shop", "shop", spec=rule)
    mesh.service(**{"http": [route()], **spec})
    assert (await mesh.get(f"http://{HOST}/")).status == status


@pytest.mark.parametrize(
    ("path", "headers", "service"),
    [
        ("shopping", {}, "cart"),
        ("", {}, "shop"),
        ("", {"X_Group": "beta"}, "cart"),
        ("exact?v=2", {}, "cart"),
        ("exact?v=1", {}, "shop"),
    ],
)
async def test_the_first_route_that_holds_is_taken(
    mesh: Mesh, path: str, headers: dict[str, str], service: str
) -> None:
    mesh.gateway(server())
    cart = [
        {"uri": {"prefix": "/shop"}, "method": {"exact": "GET"}},
        {"headers": {"x-group": {"regex": "be.*"}}},
        {"uri": {"exact": "/exact"}, "queryParams": {"v": {"exact": "2"}}},
    ]
    mesh.service(route(), name="catch-all")
    mesh.service(route(to("cart"), match=cart), name="later")
    assert (await mesh.get(f"http://{HOST}/{path}", **headers)).fields["service"] == service


@pytest.mark.parametrize(
    ("http", "path", "location"),
    [
        ({"redirect": {"uri": "/new"}}, "old?a=b", f"http://{HOST}/new?a=b"),
        ({"redirect": {"authority": "www.contoso.com", "scheme": "https"}}, "x", "https://www.contoso.com/x"),
        ({"redirect": {"port": 8080}}, "x", f"http://{HOST}:8080/x"),
        (
            {"match": [{"uri": {"prefix": "/old"}}], "redirect": {"prefixRewrite": "/new"}},
            "old/x",
            f"http://{HOST}/new/x",
        ),
    ],
)
async def test_a_route_redirects(mesh: Mesh, http: Json, path: str, location: str) -> None:
    mesh.gateway(server())
    mesh.service(http)
    got = await mesh.get(f"http://{HOST}/{path}")
    assert (got.status, got.headers["location"]) == (301, location)


async def test_a_route_rewrites_weighs_and_changes_headers(mesh: Mesh) -> None:
    mesh.gateway(server())
    mesh.service(
        route(
            {**to("shop"), "weight": 10},
            {**to("cart"), "weight": 90},
            match=[{"uri": {"prefix": "/api"}}],
            rewrite={"uri": "/v2", "authority": "inner"},
            headers={"response": {"set": {"X-Frame": "deny"}, "remove": ["server"]}},
        )
    )
    got = await mesh.get(f"http://{HOST}/api/x")
    assert (got.fields["service"], got.fields["path"], got.fields["host"]) == ("cart", "/v2/x", "inner")
    assert got.headers["x-frame"] == "deny"
    assert "server" not in got.headers


async def test_a_route_delegates(mesh: Mesh) -> None:
    mesh.gateway(server())
    mesh.service({"match": [{"uri": {"prefix": "/cart"}}], "delegate": {"name": "cart", "namespace": "team"}})
    mesh.service(
        route(to("cart.shop.svc.cluster.local")), name="cart", namespace="team", hosts=[], gateways=[]
    )
    assert (await mesh.get(f"http://{HOST}/cart")).fields["service"] == "cart"
    assert (await mesh.get(f"http://{HOST}/other")).status == 404


@pytest.mark.parametrize(
    ("selector", "open_"),
    [({"istio": NAME}, True), ({}, True), ({"istio": "aks-istio-ingressgateway-internal"}, False)],
)
async def test_only_gateways_that_select_the_pods_open_ports(
    mesh: Mesh, selector: dict[str, str], open_: bool
) -> None:
    mesh.gateway(server(), server("HTTP", number=8080), selector=selector)
    async with mesh.edge() as edge:
        assert (await edge.locate(ADDRESS, 80) is not None) if open_ else await closed(edge, 80)
        assert await closed(edge, 8080), "the Service does not expose it"


async def closed(edge: Edge, port: int) -> bool:
    try:
        await edge.locate(ADDRESS, port)
    except Unreachable:
        return True
    return False


async def test_the_first_server_of_a_port_decides_on_its_protocol(mesh: Mesh) -> None:
    mesh.secret("shop-tls", certificate(HOST))
    mesh.gateway(server("HTTP", number=443), name="first")
    mesh.gateway(server("HTTPS", **SIMPLE), name="second")
    mesh.service(route(), gateways=["shop/first", "shop/second"])
    assert (await mesh.get(f"http://{HOST}:443/")).status == 200


async def test_hosts_of_a_namespace_are_for_its_virtual_services(mesh: Mesh) -> None:
    mesh.gateway(server("HTTP", f"other/{HOST}", "./cart.contoso.com"))
    mesh.service(route(), hosts=[HOST, "cart.contoso.com"])
    assert (await mesh.get(f"http://{HOST}/")).status == 404
    assert (await mesh.get("http://cart.contoso.com/")).status == 200
