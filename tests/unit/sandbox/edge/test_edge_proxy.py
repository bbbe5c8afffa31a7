"""What the proxy carries to gateways, and what it refuses."""

from __future__ import annotations

import asyncio
from contextlib import closing

import aiohttp
import pytest
from edge_bench import Contents, backend, connect, get, listener, parsed, proxied, refusal, serving

from provision.sandbox.kubernetes import crds, kinds

ADDRESS = "20.0.1.2"


@pytest.fixture
def shop(contents: Contents) -> Contents:
    """A host that routes, its record, and records that lead elsewhere."""
    zone = contents.zone("contoso.com")
    contents.address(zone, "shop", ADDRESS)
    contents.address(zone, "old", "20.0.9.9")
    contents.record(zone, "CNAME", "www", {"cname": "shop.contoso.com"})
    contents.record(zone, "CNAME", "status", {"cname": "status.example.net"})
    contents.secret("shop-tls", "shop", "shop.contoso.com")
    contents.service("shop", "shop", 80)
    contents.gateway(ADDRESS, listener("http", 80, "HTTP"), listener("https", 443, secret="shop-tls"))
    contents.route("shop", {"backendRefs": [backend("shop")]})
    return contents


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("host", ["shop.contoso.com", "www.contoso.com", ADDRESS])
async def test_a_browser_finds_the_gateway(shop: Contents, scheme: str, host: str) -> None:
    async with serving(shop) as edge, aiohttp.ClientSession() as session:
        async with session.get(f"{scheme}://{host}/x?y=1", proxy=edge.proxy_url, ssl=False) as answer:
            told = await answer.text()
        assert answer.status == 200
    assert f"host: {host}\npath: /x?y=1\nservice: shop\n" in told


async def test_a_body_goes_with_a_plain_request(shop: Contents) -> None:
    async with (
        serving(shop) as edge,
        aiohttp.ClientSession() as session,
        session.post("http://shop.contoso.com/", proxy=edge.proxy_url, data=b"x" * 200_000) as answer,
    ):
        assert answer.status == 200


@pytest.mark.parametrize(
    ("authority", "why"),
    [
        ("old.contoso.com:443", "nothing listens on port 443 of 20.0.9.9"),
        ("none.contoso.com:443", "none.contoso.com has no address"),
        ("status.contoso.com:443", "status.contoso.com has no address"),
        (f"{ADDRESS}:8443", f"nothing listens on port 8443 of {ADDRESS}"),
        (f"{ADDRESS}:x", f"nothing listens on port 0 of {ADDRESS}"),
    ],
)
async def test_what_is_ours_and_does_not_answer(shop: Contents, authority: str, why: str) -> None:
    async with serving(shop) as edge:
        got = await refusal(edge, f"CONNECT {authority} HTTP/1.1")
    assert (got.status, got.text) == (502, f"{why}\n")


@pytest.mark.parametrize(
    "head",
    [
        "CONNECT example.com:443 HTTP/1.1",
        "CONNECT 20.0.9.9:443 HTTP/1.1",
        "CONNECT [::1]:443 HTTP/1.1",
        "CONNECT  HTTP/1.1",
        f"CONNECT {'x' * 70}.com:443 HTTP/1.1",
        "GET http://example.com/ HTTP/1.1",
        "GET http://localhost:1/ HTTP/1.1",
        "GET https://shop.contoso.com/ HTTP/1.1",
        "GET ftp://shop.contoso.com/ HTTP/1.1",
        "GET / HTTP/1.1",
        "nonsense",
    ],
)
async def test_everything_else_is_refused(shop: Contents, head: str) -> None:
    async with serving(shop) as edge:
        assert (await refusal(edge, head)).status == 403


async def test_ports_of_the_edge_itself_are_reached_by_their_number(shop: Contents) -> None:
    async with serving(shop) as edge:
        _, writer = await connect(edge, f"127.0.0.1:{edge.dns[1]}")
        writer.close()
        port = await edge.locate(ADDRESS, 80)
        assert port == await edge.locate("shop.contoso.com", 80)
        got = await get(edge, "localhost", f"http://shop.contoso.com:{port}/")
        assert got.fields["service"] == "shop"


async def test_a_port_is_opened_once_for_all_who_come_together(shop: Contents) -> None:
    async with serving(shop) as edge:
        ports = await asyncio.gather(*(edge.locate(ADDRESS, 80) for _ in range(5)))
        assert len(set(ports)) == 1
        assert (await get(edge, ADDRESS, "http://shop.contoso.com/")).status == 200


async def test_connections_that_are_open_end_with_the_edge(shop: Contents) -> None:
    async with serving(shop) as edge:
        reader, writer = await connect(edge, f"{ADDRESS}:80")
        _, waiting = await connect(edge, f"127.0.0.1:{edge.dns[1]}")
    assert await reader.read() == b""
    writer.close()
    waiting.close()


async def test_a_gateway_that_has_gone_resets_and_is_not_found_again(shop: Contents) -> None:
    async with serving(shop) as edge:
        port = await edge.locate(ADDRESS, 80)
        shop.cluster.delete(crds.GATEWAY, "web", "shop")
        reader, writer = await connect(edge, f"localhost:{port}")
        with closing(writer):
            assert await reader.read() == b""
        # the Service is still there: the address is known, and nobody behind it
        assert (await refusal(edge, f"CONNECT {ADDRESS}:80 HTTP/1.1")).status == 502
        shop.cluster.delete(kinds.SERVICE, "web-approuting-istio", "shop")
        assert (await refusal(edge, f"CONNECT {ADDRESS}:80 HTTP/1.1")).status == 403


async def test_nonsense_at_a_listener_ends_the_connection(shop: Contents) -> None:
    async with serving(shop) as edge:
        for port in (80, 443):
            reader, writer = await connect(edge, f"{ADDRESS}:{port}")
            with closing(writer):
                writer.write(b"nonsense\r\n\r\n")
                assert b"HTTP" not in await reader.read()


async def test_headers_for_the_proxy_stay_there(shop: Contents) -> None:
    async with serving(shop) as edge:
        reader, writer = await proxied(edge)
        with closing(writer):
            lines = ("GET http://shop.contoso.com HTTP/1.1", "Host: shop.contoso.com", "Proxy-Connection: x")
            writer.write("\r\n".join((*lines, "", "")).encode())
            got = parsed(await reader.read())
    assert (got.status, got.fields["path"], got.headers["connection"]) == (200, "/", "close")
