"""Frontends of Application Gateway for Containers: found by name, served from what stands behind them."""

from __future__ import annotations

import base64
import ssl

import dns.rcode
import pytest
from dns.rdatatype import RdataType
from edge_bench import (
    Contents,
    Got,
    ask,
    backend,
    certificate,
    get,
    listener,
    refusal,
    serving,
    texts,
)

from provision.sandbox.azure import SUBSCRIPTION, Json
from provision.sandbox.edge import frontends
from provision.sandbox.edge.alb import AlbFront
from provision.sandbox.kubernetes import crds, kinds
from provision.sandbox.service_networking_kinds import (
    ASSOCIATION,
    CONNECTION,
    CONTROLLER,
    FRONTEND,
    POLICY,
)
from provision.sandbox.waf_policies import WAF_POLICY

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


async def visit(contents: Contents, url: str) -> Got:
    async with serving(contents) as edge:
        return await get(edge, NAME, url)


async def test_a_name_that_is_no_frontends_does_not_exist(shop: Contents) -> None:
    async with serving(shop) as edge:
        answer = await ask(edge.dns, "none.fz01.alb.azure.com")
        assert answer.rcode() == dns.rcode.NXDOMAIN
        other = await ask(edge.dns, NAME, RdataType.AAAA)
        assert (other.rcode(), other.answer) == (dns.rcode.NOERROR, [])


async def test_redirects_and_matches_are_those_of_other_gateways(shop: Contents) -> None:
    to_https = {"requestRedirect": {"scheme": "https", "statusCode": 301}}
    shop.route(
        "redirect",
        {"filters": [{"type": "RequestRedirect", **to_https}]},
        hosts=("shop.contoso.com",),
        sectionName="http",
    )
    shop.service("beta", "shop", 80)
    shop.route(
        "beta",
        {"matches": [{"headers": [{"name": "x-beta", "value": "1"}]}], "backendRefs": [backend("beta")]},
    )
    async with serving(shop) as edge:
        moved = await get(edge, NAME, "http://shop.contoso.com/a?b=c")
        assert (moved.status, moved.headers["location"]) == (301, "https://shop.contoso.com/a?b=c")
        beta = await get(edge, NAME, "https://shop.contoso.com/", x_beta="1")
        assert beta.fields["service"] == "beta"


@pytest.mark.parametrize("state", ["Updating", "Deleting", ""])
async def test_nothing_answers_without_an_association(shop: Contents, state: str) -> None:
    if state:
        arm(shop, ASSOCIATION, "as", provisioningState=state)
    else:
        shop.azure.store.delete(ASSOCIATION, f"{TC}/associations/as")
    async with serving(shop) as edge:
        refused = await refusal(edge, f"CONNECT {NAME}:443 HTTP/1.1\r\nHost: {NAME}:443")
        assert refused.status == 502
        assert "nothing listens on port 443" in refused.text


async def test_a_listener_that_is_not_programmed_is_closed(shop: Contents) -> None:
    programmed(shop, HTTP)
    async with serving(shop) as edge:
        assert (await get(edge, NAME, "http://shop.contoso.com/")).status == 200
        refused = await refusal(edge, f"CONNECT {NAME}:443 HTTP/1.1\r\nHost: {NAME}:443")
        assert refused.status == 502


@pytest.mark.parametrize(
    ("sections", "names", "shown", "served"),
    [
        ([], [], "trusted", True),
        (["https"], [], "trusted", True),
        (["https"], [], "stranger", False),
        (["https"], [], "", False),
        (["http"], [], "", True),
        ([], ["client.contoso.com"], "trusted", True),
        ([], ["other.contoso.com"], "trusted", False),
    ],
)
@pytest.mark.parametrize("beside", [False, True])
async def test_clients_show_a_certificate_where_a_policy_asks_for_one(
    shop: Contents, sections: list[str], names: list[str], shown: str, served: bool, beside: bool
) -> None:
    if beside:  # another host that asks for none makes the port ask without insisting
        shop.secret("other-tls", "shop", "other.contoso.com")
        programmed(shop, HTTPS, HTTP, listener("x", 443, secret="other-tls", hostname="other.contoso.com"))
    clients = {name: certificate("client.contoso.com") for name in ("trusted", "stranger")}
    data = {"ca.crt": base64.b64encode(clients["trusted"].certificate).decode()}
    shop.put(kinds.SECRET, "ca", "shop", data=data)
    target = {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "web"}
    shop.put(
        crds.FRONTEND_TLS_POLICY,
        "mtls",
        "shop",
        spec={
            "targetRef": {**target, "sectionNames": sections or ["https"]},
            "default": {"verify": {"caCertificateRef": {"name": "ca"}, "subjectAltNames": names}},
        },
        status={"conditions": [{"type": "Accepted", "status": "True"}]},
    )
    url = "https://shop.contoso.com/"
    async with serving(shop) as edge:
        if beside:
            other = await get(edge, NAME, "https://other.contoso.com/")
            assert other.status == 200
        if served:
            assert (await get(edge, NAME, url, clients.get(shown))).status == 200
        else:
            with pytest.raises((ConnectionError, ssl.SSLError)):
                await get(edge, NAME, url, clients.get(shown))


async def test_an_ingress_is_served(contents: Contents) -> None:
    arm(contents, CONTROLLER, "tc")
    arm(contents, ASSOCIATION, "as")
    frontend = arm(contents, FRONTEND, "fe", fqdn=NAME)
    pair = contents.secret("shop-tls", "shop", "shop.contoso.com")
    for name in ("shop", "cart"):
        contents.service(name, "shop", 80)
    paths = [
        {"path": path, "pathType": "Prefix", "backend": {"service": {"name": name, "port": {"number": 80}}}}
        for path, name in (("/", "shop"), ("/cart", "cart"), ("/lost", "none"))
    ]
    spec = {
        "ingressClassName": "azure-alb-external",
        "rules": [{"host": "shop.contoso.com", "http": {"paths": paths}}],
        "tls": [{"hosts": ["shop.contoso.com"], "secretName": "shop-tls"}],
    }
    status = {"loadBalancer": {"ingress": [{"hostname": NAME}]}}
    more = {"annotations": {"alb.networking.azure.io/alb-ingress-extension": "shop"}}
    contents.put(kinds.INGRESS, "shop", "shop", spec=spec, status=status, more=more)
    assert AlbFront(contents.azure, frontend).ports() == {443}  # one with TLS listens there only
    del spec["tls"]
    contents.put(kinds.INGRESS, "plain", "shop", spec=spec, status=status, more=more)
    async with serving(contents) as edge:
        got = await get(edge, NAME, "https://shop.contoso.com/cart/1")
        assert (got.fields["service"], got.certificate) == ("cart", pair.der)
        assert (await get(edge, NAME, "http://shop.contoso.com/")).fields["service"] == "shop"
        assert (await get(edge, NAME, "http://shop.contoso.com/lost")).status == 500
        assert (await get(edge, NAME, "http://other.contoso.com/")).status == 404
        rule = {"host": "shop.contoso.com", "requestRedirect": {"scheme": "https", "statusCode": 301}}
        contents.put(crds.INGRESS_EXTENSION, "shop", "shop", spec={"rules": [rule]})
        moved = await get(edge, NAME, "http://shop.contoso.com/cart/1?a=b")
        assert (moved.status, moved.headers["location"]) == (301, "https://shop.contoso.com/cart/1?a=b")
        assert (await get(edge, NAME, "https://shop.contoso.com/")).status == 200


@pytest.mark.parametrize(
    ("rules", "status"),
    [
        ([("127.0.0.0/8", "allow", 1), ("*", "deny", 2)], 200),
        ([("203.0.113.0/24", "allow", 1), ("*", "deny", 2)], 403),
        ([("127.0.0.1", "deny", 5)], 403),
        ([("203.0.113.0/24", "deny", 1)], 200),
    ],
)
@pytest.mark.parametrize("holder", [CONTROLLER, FRONTEND])
async def test_ip_access_rules_hold(
    shop: Contents, rules: list[tuple[str, str, int]], status: int, holder: str
) -> None:
    given = [
        {"name": f"r{priority}", "priority": priority, "sourceAddressPrefixes": [prefix], "action": action}
        for prefix, action, priority in rules
    ]
    policy = arm(shop, POLICY, "sp", policyType="ipAccessRules", ipAccessRulesPolicy={"rules": given})
    chosen = {"ipAccessRulesSecurityPolicy": {"id": policy["id"]}}
    more = {"fqdn": NAME} if holder == FRONTEND else {}
    arm(shop, holder, "tc" if holder == CONTROLLER else "fe", securityPolicyConfigurations=chosen, **more)
    assert (await visit(shop, "https://shop.contoso.com/")).status == status


@pytest.mark.parametrize(("mode", "status"), [("Prevention", 403), ("Detection", 200)])
@pytest.mark.parametrize("kind", ["Gateway", "HTTPRoute"])
async def test_a_firewall_keeps_malicious_requests_away(
    shop: Contents, mode: str, status: int, kind: str
) -> None:
    identifier = f"{TC}/waf"
    properties = {"policySettings": {"state": "Enabled", "mode": mode}}
    shop.azure.store.put(WAF_POLICY, identifier, {"id": identifier, "properties": properties})
    target = {
        "group": "gateway.networking.k8s.io",
        "kind": kind,
        "name": "web" if kind == "Gateway" else "shop",
    }
    spec = {"targetRef": target, "webApplicationFirewall": {"id": identifier}}
    state = {"conditions": [{"type": "Programmed", "status": "True"}]}
    shop.put(crds.WAF_POLICY, "waf", "shop", spec=spec, status=state)
    async with serving(shop) as edge:
        assert (await get(edge, NAME, "https://shop.contoso.com/?text=/etc/passwd")).status == status
        assert (await get(edge, NAME, "https://shop.contoso.com/?text=hello")).status == 200


async def test_a_private_frontend_is_reached_through_its_endpoint(shop: Contents) -> None:
    arm(shop, FRONTEND, "fe", fqdn=NAME, publicNetworkAccess="Disabled")
    (frontend,) = shop.azure.store.list(FRONTEND)
    assert frontends.address_of(shop.azure, frontend) is None
    state = {"status": "Approved"}
    arm(shop, CONNECTION, "pe", privateLinkServiceConnectionState=state)
    connection = shop.azure.store.list(CONNECTION)[0]
    more = {"frontend": "fe", "address": "10.224.200.7"}
    shop.azure.store.put(CONNECTION, connection["id"], {**connection, **more})
    async with serving(shop) as edge:
        answer = await ask(edge.dns, NAME)
        assert texts(answer.answer) == [f"{NAME}. 60 IN A 10.224.200.7"]
        assert (await get(edge, NAME, "https://shop.contoso.com/")).status == 200
