"""Istio's Gateways, VirtualServices and DestinationRules: their schemas and what the webhook refuses."""

from __future__ import annotations

from typing import Any

import pytest

from provision.sandbox.azure import Json
from provision.sandbox.kubernetes import crds, istio_webhook, schema
from provision.sandbox.kubernetes.objects import Kind

ROUTE = {"destination": {"host": "shop", "port": {"number": 80}}}


def server(**changed: Any) -> Json:
    """A server for HTTPS, with `port` fields apart."""
    port = {"number": 443, "name": "https", "protocol": "HTTPS", **changed.pop("port", {})}
    tls = {"mode": "SIMPLE", "credentialName": "shop-tls"}
    made = {"port": port, "hosts": ["shop.contoso.com"], "tls": tls, **changed}
    return {key: value for key, value in made.items() if value is not None}


def gateway(*servers: Json, name: str = "shop") -> Json:
    return {"metadata": {"name": name}, "spec": {"servers": list(servers)}}


def service(**spec: Any) -> Json:
    made = {"hosts": ["shop.contoso.com"], "gateways": ["shop/shop"], "http": [{"route": [ROUTE]}], **spec}
    return {
        "metadata": {"name": "shop"},
        "spec": {key: each for key, each in made.items() if each is not None},
    }


def refused(kind: Kind, body: Json) -> list[str]:
    """Of the schema, or else of the webhook."""
    by_schema = [str(cause) for cause in schema.check(kind, body, None)]
    return by_schema or istio_webhook.problems(kind, body)


HTTP = {"number": 80, "name": "http", "protocol": "HTTP"}
GATEWAYS: list[tuple[Json, str]] = [
    (gateway(server(hosts=None)), "spec.servers[0].hosts: Required value"),
    (gateway({"hosts": ["*"]}), "spec.servers[0].port: Required value"),
    (gateway(server(tls={"mode": "TLS"})), 'spec.servers[0].tls.mode: Unsupported value: "TLS"'),
    (gateway(), "gateway must have at least one server"),
    (gateway(server(), name="a.b"), 'invalid gateway name: "a.b"'),
    (gateway(server(hosts=[])), "server config must contain at least one host"),
    (gateway(server(hosts=["shop"])), "short names (non FQDN) are not allowed"),
    (gateway(server(hosts=["a*.contoso.com"])), 'domain name "a*.contoso.com" invalid (label "a*" invalid)'),
    (gateway(server(hosts=["*a.contoso.com"])), 'partial wildcard "*a.contoso.com" not allowed'),
    (
        gateway(server(hosts=["/shop.contoso.com"])),
        "config namespace and dnsName in host entry cannot be empty",
    ),
    (gateway(server(hosts=["a.b/c.com"])), 'invalid namespace value "a.b" in gateway'),
    (gateway(server(port={"protocol": "QUIC"})), 'invalid protocol "QUIC"'),
    (gateway(server(port={"number": 0})), "port number 0 must be in the range 1..65535"),
    (gateway(server(port={"targetPort": 8443})), "targetPort has no impact on Gateways"),
    (gateway(server(port={"name": ""})), "port name must be set"),
    (gateway(server(), server()), "port names in servers must be unique: duplicate name https"),
    (gateway(server(tls=None)), "server must have TLS settings for HTTPS/TLS protocols"),
    (gateway(server(port=HTTP)), "server cannot have TLS settings for plain text HTTP ports"),
    (gateway(server(port={"protocol": "TCP"})), "server cannot have TLS settings for non HTTPS/TLS ports"),
    (gateway(server(tls={"mode": "SIMPLE"})), "SIMPLE TLS requires a server certificate"),
    (gateway(server(tls={"mode": "MUTUAL"})), "MUTUAL TLS requires a client CA bundle"),
    (gateway(server(tls={"mode": "OPTIONAL_MUTUAL"})), "MUTUAL TLS requires a private key"),
    (
        gateway(server(tls={"mode": "ISTIO_MUTUAL", "credentialName": "x"})),
        "ISTIO_MUTUAL TLS cannot have associated credentialName",
    ),
    (
        gateway(server(tls={"mode": "SIMPLE", "credentialName": "x", "credentialNames": ["y"]})),
        "only one of credential_name, credential_names",
    ),
]


@pytest.mark.parametrize(("body", "told"), GATEWAYS)
def test_a_gateway_is_refused(body: Json, told: str) -> None:
    assert any(each.startswith(told) for each in refused(crds.ISTIO_GATEWAY, body)), refused(
        crds.ISTIO_GATEWAY, body
    )


@pytest.mark.parametrize(
    "body",
    [
        gateway(server()),
        gateway(server(tls={"mode": "MUTUAL", "credentialName": "x"})),
        gateway(server(tls={"mode": "PASSTHROUGH"}, port={"protocol": "TLS"})),
        gateway(server(port=HTTP, tls={"httpsRedirect": True}), server(hosts=["*", "shop/*.contoso.com"])),
        gateway(server(hosts=["./10.0.0.1"])),
        gateway(server(port={"protocol": "https"})),
    ],
)
def test_a_gateway_is_taken(body: Json) -> None:
    assert refused(crds.ISTIO_GATEWAY, body) == []


def http(**route: Any) -> Json:
    return service(http=[route])


def uri(**match: str) -> list[Json]:
    return [{"uri": match}]


def tls(*names: str, **more: Any) -> Json:
    return service(http=None, tls=[{"match": [{"sniHosts": list(names)}], "route": [ROUTE], **more}])


REDIRECT = {"uri": "/new"}
SERVICES: list[tuple[Json, str]] = [
    (http(match=uri(exact="/", prefix="/"), route=[ROUTE]), "spec.http[0].match[0].uri: Invalid value"),
    (http(timeout="0s", route=[ROUTE]), "spec.http[0].timeout: Invalid value"),
    (http(route=[{"weight": 1}]), "spec.http[0].route[0].destination: Required value"),
    (service(tls=[{"match": [{}]}]), "spec.tls[0].match[0].sniHosts: Required value"),
    (service(hosts=[]), "delegate virtual service must have no gateways specified"),
    (
        service(hosts=["*"], gateways=None),
        "wildcard host * is not allowed for virtual services bound to the mesh",
    ),
    (service(hosts=["a_b.com"]), 'domain name "a_b.com" invalid (label "a_b" invalid)'),
    (service(hosts=["*.com", "a.com"]), "duplicate hosts in virtual service: *.com & a.com"),
    (service(gateways=["shop/"]), "config namespace and gateway name cannot be empty"),
    (service(gateways=["a.b/shop"]), 'invalid value for namespace: "a.b"'),
    (service(http=None), "http, tcp or tls must be provided in virtual service"),
    (http(), "HTTP route, redirect or direct_response is required"),
    (http(route=[ROUTE], redirect=REDIRECT), "HTTP route cannot contain both route and redirect"),
    (
        http(redirect=REDIRECT, rewrite={"uri": "/"}),
        "HTTP route rule cannot contain both rewrite and redirect",
    ),
    (
        http(redirect=REDIRECT, directResponse={"status": 200}),
        "HTTP route rule cannot contain both direct_response",
    ),
    (http(directResponse={"status": 700}), "HTTP status 700 is not in range 200-599"),
    (http(redirect={}, route=[ROUTE]), "redirect must specify URI, authority, scheme, or port"),
    (http(redirect={"uri": "/", "redirectCode": 200}), "200 is not a valid redirect code, must be 3xx"),
    (http(redirect={"scheme": "ftp"}), 'invalid redirect scheme, must be "http" or "https"'),
    (
        http(match=uri(exact="/"), redirect={"prefixRewrite": "/"}),
        "redirect prefix_rewrite requires all URI matches to use prefix match type",
    ),
    (
        http(match=[{"headers": {"x": {"prefix": ""}}}], route=[ROUTE]),
        '"headers": prefix string match should',
    ),
    (http(match=uri(regex=""), route=[ROUTE]), '"uri": regex string match should not be empty'),
    (http(route=[ROUTE, ROUTE]), "total destination weight = 0"),
    (http(route=[{**ROUTE, "weight": -1}]), "weight -1 < 0"),
    (http(route=[{"destination": {"host": "*"}}]), "invalid destination host *"),
    (http(route=[{"destination": {"host": "shop", "subset": "a.b"}}]), "subset name is invalid: a.b"),
    (http(route=[{"destination": {"host": "shop", "port": {}}}]), "port number 0 must be in the range"),
    (http(delegate={"name": "x"}, route=[ROUTE]), "root HTTP route  must not specify route"),
    (tls(), "TLS match must have at least one SNI host"),
    (tls("cart.contoso.com"), 'SNI host "cart.contoso.com" is not a compatible subset of any'),
    (tls("shop.contoso.com", route=[]), "TLS route is required"),
    (service(exportTo=["*", "."]), "cannot have both public (*) and non-public exportTo values"),
]


@pytest.mark.parametrize(("body", "told"), SERVICES)
def test_a_virtual_service_is_refused(body: Json, told: str) -> None:
    found = refused(crds.VIRTUAL_SERVICE, body)
    assert any(each.startswith(told) for each in found), found


@pytest.mark.parametrize(
    "body",
    [
        service(),
        service(hosts=["*"]),
        service(gateways=["shop", "mesh"], exportTo=["."]),
        http(match=uri(prefix=""), route=[{**ROUTE, "weight": 90}, {**ROUTE, "weight": 10}], timeout="1.5s"),
        http(match=uri(prefix="/old"), redirect={"prefixRewrite": "/new", "redirectCode": 308}),
        tls("shop.contoso.com"),
        service(hosts=["*.contoso.com"], http=None, tls=tls("a.contoso.com")["spec"]["tls"]),
    ],
)
def test_a_virtual_service_is_taken(body: Json) -> None:
    assert refused(crds.VIRTUAL_SERVICE, body) == []


def test_subsets_of_a_destination_rule_have_names_of_their_own() -> None:
    rule: Json = {"metadata": {"name": "shop"}, "spec": {"subsets": [{"name": "v1"}, {"name": "v1"}]}}
    assert refused(crds.DESTINATION_RULE, rule) == ["spec.host: Required value"]
    rule["spec"]["host"] = "shop"
    assert refused(crds.DESTINATION_RULE, rule) == ["duplicate subset names: v1"]


def test_several_problems_are_listed_as_go_lists_them() -> None:
    found = istio_webhook.problems(crds.ISTIO_GATEWAY, gateway(server(tls={"mode": "SIMPLE"})))
    assert istio_webhook.worded(found) == (
        "2 errors occurred:\n\t* SIMPLE TLS requires a server certificate"
        "\n\t* SIMPLE TLS requires a private key\n\n"
    )
