"""An NGINX controller's address, visited through the proxy."""

from __future__ import annotations

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID
from edge_bench import Contents, Got, get, serving

from provision.sandbox.azure import Json
from provision.sandbox.kubernetes import kinds

ADDRESS = "20.0.1.3"
HOST = "shop.contoso.com"


def path(value: str, service: str, kind: str = "Prefix", port: Json | None = None) -> Json:
    return {
        "path": value,
        "pathType": kind,
        "backend": {"service": {"name": service, "port": port or {"number": 80}}},
    }


def rule(*paths: Json, host: str = HOST) -> Json:
    return {"host": host, "http": {"paths": list(paths)}}


@pytest.fixture
def shop(contents: Contents) -> Contents:
    for name in ("shop", "cart", "beta"):
        contents.service(name, "shop", 80)
    contents.controller(ADDRESS)
    return contents


async def visit(contents: Contents, url: str, **options: str) -> Got:
    async with serving(contents) as edge:
        return await get(edge, ADDRESS, url, **options)


def common_name(got: Got) -> str:
    assert got.certificate is not None
    subject = x509.load_der_x509_certificate(got.certificate).subject
    return str(subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)


async def test_a_host_is_served_with_its_certificate(shop: Contents) -> None:
    pair = shop.secret("keyvault-shop", "shop", HOST)
    shop.ingress("shop", rule(path("/", "shop")), tls={"hosts": [HOST], "secretName": "keyvault-shop"})
    got = await visit(shop, f"https://{HOST}/cart", X_Forwarded_For="203.0.113.9")
    assert (got.status, got.certificate) == (200, pair.der)
    assert got.headers["strict-transport-security"] == "max-age=31536000; includeSubDomains"
    told = {name: got.fields[name] for name in ("host", "service", "namespace", "x-forwarded-for")}
    # what the client says is dropped, and the Service does not preserve its address
    assert told == {"host": HOST, "service": "shop", "namespace": "shop", "x-forwarded-for": "10.224.0.4"}


async def test_without_a_secret_a_certificate_is_made_up(shop: Contents) -> None:
    shop.ingress("shop", rule(path("/", "shop")), tls={"hosts": [HOST], "secretName": "keyvault-shop"})
    got = await visit(shop, f"https://{HOST}/")
    assert (got.status, common_name(got)) == (200, "Kubernetes Ingress Controller Fake Certificate")


async def test_the_controllers_own_certificate_comes_first(shop: Contents) -> None:
    default = shop.secret("default-tls", "infra", "default.contoso.com")
    shop.controller(ADDRESS, defaultSSLCertificate={"secret": {"name": "default-tls", "namespace": "infra"}})
    assert (await visit(shop, f"https://{HOST}/")).certificate == default.der


async def test_the_controllers_own_certificate_from_a_vault(shop: Contents) -> None:
    default = shop.secret("keyvault-nginx-default", "app-routing-system", "default.contoso.com")
    uri = "https://kv.vault.azure.net/certificates/tls"
    shop.controller(ADDRESS, defaultSSLCertificate={"keyVaultURI": uri})
    assert (await visit(shop, f"https://{HOST}/")).certificate == default.der


async def test_a_wildcard_holds_one_label(shop: Contents) -> None:
    wild = shop.secret("wild", "shop", "*.contoso.com")
    host = "*.contoso.com"
    shop.ingress("wild", rule(path("/", "cart"), host=host), tls={"hosts": [host], "secretName": "wild"})
    shop.ingress("shop", rule(path("/", "shop")))
    async with serving(shop) as edge:
        one = await get(edge, ADDRESS, "https://api.contoso.com/")
        two = await get(edge, ADDRESS, "https://a.b.contoso.com/")
        exact = await get(edge, ADDRESS, f"http://{HOST}/")
    assert (one.certificate, one.fields["service"]) == (wild.der, "cart")
    assert (two.status, common_name(two)) == (404, "Kubernetes Ingress Controller Fake Certificate")
    assert exact.fields["service"] == "shop"


@pytest.mark.parametrize(
    ("asked", "service"),
    [
        ("", "shop"),
        ("cart", "beta"),
        ("cart/1", "cart"),
        ("cartoon", "shop"),
        ("api/v1", "beta"),
        ("apis", "beta"),
    ],
)
async def test_the_longest_path_wins(shop: Contents, asked: str, service: str) -> None:
    paths = [
        path("/", "shop"),
        path("/cart", "cart"),
        path("/cart", "beta", "Exact", {"name": "port-80"}),
        path("/api", "beta", "ImplementationSpecific"),
    ]
    shop.ingress("shop", rule(*paths))
    assert (await visit(shop, f"http://{HOST}/{asked}")).fields["service"] == service


@pytest.mark.parametrize(
    ("backend", "status"),
    [
        (path("/", "none"), 503),
        (path("/", "shop", port={"number": 81}), 503),
        ({"path": "/", "pathType": "Prefix", "backend": {"resource": {"kind": "X", "name": "x"}}}, 503),
        (path("/x", "shop"), 404),
    ],
)
async def test_what_is_not_there(shop: Contents, backend: Json, status: int) -> None:
    shop.ingress("shop", rule(backend))
    got = await visit(shop, f"http://{HOST}/")
    assert got.status == status
    assert "<center>nginx</center>" in got.text
    assert got.headers["content-type"] == "text/html"


async def test_other_hosts_and_other_classes_are_not_found(shop: Contents) -> None:
    shop.ingress("shop", rule(path("/", "shop")))
    spec = {"ingressClassName": "other", "rules": [rule(path("/", "shop"), host="api.contoso.com")]}
    shop.put(kinds.INGRESS, "api", "shop", spec=spec)
    async with serving(shop) as edge:
        assert (await get(edge, ADDRESS, "http://api.contoso.com/")).status == 404
        assert (await get(edge, ADDRESS, "http://fabrikam.com/")).status == 404


async def test_default_backends(shop: Contents) -> None:
    shop.controller(ADDRESS, defaultBackendService={"name": "cart", "namespace": "shop"})
    async with serving(shop) as edge:
        assert (await get(edge, ADDRESS, "http://fabrikam.com/")).fields["service"] == "cart"
        spec = {"ingressClassName": "webapprouting.kubernetes.azure.com"}
        backend = path("/", "beta")["backend"]
        shop.put(kinds.INGRESS, "rest", "shop", spec={**spec, "defaultBackend": backend})
        assert (await get(edge, ADDRESS, "http://fabrikam.com/")).fields["service"] == "beta"


TLS = {"hosts": [HOST], "secretName": "keyvault-shop"}


@pytest.mark.parametrize(
    ("tls", "annotations", "redirects"),
    [
        (TLS, {}, True),
        (None, {}, False),
        ({"hosts": ["other.contoso.com"]}, {}, False),
        (TLS, {"ssl_redirect": "false"}, False),
        (None, {"force_ssl_redirect": "true"}, True),
    ],
)
async def test_hosts_with_a_certificate_are_sent_to_https(
    shop: Contents, tls: Json | None, annotations: dict[str, str], redirects: bool
) -> None:
    shop.ingress("shop", rule(path("/", "shop")), tls=tls, **annotations)
    got = await visit(shop, f"http://{HOST}/cart?item=1")
    assert (got.status, got.headers.get("location")) == (
        (308, f"https://{HOST}/cart?item=1") if redirects else (200, None)
    )


async def test_a_controller_may_send_everything_to_https(shop: Contents) -> None:
    shop.controller(ADDRESS, defaultSSLCertificate={"forceSSLRedirect": True})
    shop.ingress("shop", rule(path("/", "shop")))
    got = await visit(shop, f"http://{HOST}/")
    assert (got.status, got.headers["content-type"]) == (308, "text/html")
