"""Frontends of Application Gateway for Containers: found by name, served from what stands behind them."""

from __future__ import annotations

import pytest
from edge_bench import Contents, ask, backend, get, listener, serving, texts

from provision.sandbox.azure import SUBSCRIPTION, Json
from provision.sandbox.edge import frontends
from provision.sandbox.kubernetes import crds
from provision.sandbox.service_networking_kinds import ASSOCIATION, CONTROLLER, FRONTEND

TC = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-alb/providers/{CONTROLLER}/tc"
NAME = "abcdef0123456789.fz01.alb.azure.com"
HTTPS = listener("https", 443, secret="shop-tls", hostname="shop.contoso.com")
HTTP = listener("http", 80, "HTTP")


def arm(contents: Contents, kind: str, name: str, **properties: object) -> Json:
    path = TC if kind == CONTROLLER else f"{TC}/{kind.rsplit('/', 1)[1]}/{name}"
    state = {"provisioningState": "Succeeded", **properties}
    document: Json = {"id": path, "name": name, "location": "westeurope", "properties": state}
    contents.azure.store.put(kind, path, document)
    return document


def programmed(contents: Contents, *listeners: Json, name: str = "web") -> None:
    """A Gateway on the frontend, as the ALB controller leaves it."""
    spec = {"gatewayClassName": "azure-alb-external", "listeners": list(listeners)}
    states = [
        {"name": each["name"], "conditions": [{"type": "Programmed", "status": "True"}]} for each in listeners
    ]
    status = {"addresses": [{"type": "Hostname", "value": NAME}], "listeners": states}
    contents.put(crds.GATEWAY, name, "shop", spec=spec, status=status)


@pytest.fixture
def shop(contents: Contents) -> Contents:
    arm(contents, CONTROLLER, "tc")
    arm(contents, ASSOCIATION, "as")
    arm(contents, FRONTEND, "fe", fqdn=NAME)
    contents.secret("shop-tls", "shop", "shop.contoso.com")
    contents.service("shop", "shop", 80)
    programmed(contents, HTTPS, HTTP)
    contents.route("shop", {"backendRefs": [backend("shop")]})
    return contents


def address(contents: Contents) -> str:
    (frontend,) = contents.azure.store.list(FRONTEND)
    found = frontends.address_of(contents.azure, frontend)
    assert found
    return found


async def test_a_cname_leads_to_the_frontend_and_its_certificate(shop: Contents) -> None:
    zone = shop.zone("contoso.com")
    shop.record(zone, "CNAME", "shop", {"cname": NAME})
    pair = shop.secret("shop-tls", "shop", "shop.contoso.com")
    place = address(shop)
    async with serving(shop) as edge:
        answer = await ask(edge.dns, "shop.contoso.com")
        assert texts(answer.answer) == [
            f"{NAME}. 60 IN A {place}",
            f"shop.contoso.com. 300 IN CNAME {NAME}.",
        ]
        got = await get(edge, "shop.contoso.com", "https://shop.contoso.com/cart")
    assert (got.status, got.certificate) == (200, pair.der)
    assert got.headers["server"] == "Microsoft-Azure-Application-LB/AGC"
    assert got.fields["x-forwarded-for"] == "127.0.0.1"
