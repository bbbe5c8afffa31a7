"""What a valid profile is warned of, and what the rules let through."""

from __future__ import annotations

from pathlib import Path

import pytest

from provision.ingress import certificate_rules, rules
from provision.ingress.load import load
from provision.profile.loaded import LoadedProfile

BASE = Path(__file__).parent / "cases" / "base" / "whole.yaml"


def loaded(tmp_path: Path, text: str) -> LoadedProfile:
    file = tmp_path / "p.yaml"
    file.write_text(f"extends: {BASE}\n{text}")
    return load(file, {})


def warnings(tmp_path: Path, text: str, today: str = "2026-08-01") -> list[tuple[int, str]]:
    return [(each.line, each.message) for each in rules.warnings(loaded(tmp_path, text), today)]


def test_no_warning_without_a_reason(tmp_path: Path) -> None:
    assert warnings(tmp_path, "") == []


@pytest.mark.parametrize(("today", "ends"), [("2026-11-30", "ends"), ("2026-12-01", "ended")])
def test_nginx_support(tmp_path: Path, today: str, ends: str) -> None:
    ((line, message),) = warnings(tmp_path, "ingress: {implementation: nginx}\n", today)
    assert line == 2
    assert message == (
        f"Microsoft's support of the NGINX controller of the application routing add-on {ends}"
        " with November 2026"
    )


def test_nginx_beside_gateway_api(tmp_path: Path) -> None:
    ((line, message),) = warnings(tmp_path, "ingress: {defaultController: external}\n")
    assert line == 2
    assert "NGINX" in message
    assert warnings(tmp_path, "ingress: {defaultController: none}\n") == []


def test_an_ignore_without_end(tmp_path: Path) -> None:
    assert warnings(tmp_path, "drift: {ignore: [{resource: a, field: b, reason: c}]}\n") == []


@pytest.mark.parametrize(
    ("ingress", "column", "hint"),
    [
        ("implementation: nginx", 27, "Move to implementation: gateway-api."),
        ("defaultController: external", 30, "Remove defaultController once nothing uses it."),
    ],
)
def test_the_way_out_of_nginx(tmp_path: Path, ingress: str, column: int, hint: str) -> None:
    (warning,) = rules.warnings(loaded(tmp_path, f"ingress: {{{ingress}}}\n"), "2026-08-01")
    assert (warning.column, warning.hint) == (column, hint)


@pytest.mark.parametrize(("today", "count"), [("2027-02-28", 0), ("2027-03-01", 1)])
def test_expired_ignore(tmp_path: Path, today: str, count: int) -> None:
    text = "drift: {ignore: [{resource: a, field: tags.b, reason: c, expires: 2027-03-01}]}\n"
    found = warnings(tmp_path, text, today)
    assert [message for _, message in found] == ["tags.b of a is reported again since 2027-03-01"][:count]


@pytest.mark.parametrize("address", ["10.0.0.1", "172.31.0.1", "192.168.1.1", "100.64.0.1"])
def test_private_address_in_a_public_zone(tmp_path: Path, address: str) -> None:
    text = f"dns: {{records: [{{zone: contoso.com, name: vm, type: A, values: [20.0.0.1, {address}]}}]}}\n"
    message = f"the public zone contoso.com would publish the private address {address}"
    assert warnings(tmp_path, text) == [(2, message)]


@pytest.mark.parametrize("address", ["20.0.0.1", "172.32.0.1", "203.0.113.1"])
def test_public_addresses(tmp_path: Path, address: str) -> None:
    text = f"dns: {{records: [{{zone: contoso.com, name: vm, type: A, values: [{address}]}}]}}\n"
    assert warnings(tmp_path, text) == []


def test_private_address_in_a_private_zone(tmp_path: Path) -> None:
    text = "dns: {records: [{zone: corp.contoso.com, name: vm, type: A, values: [10.0.0.1]}]}\n"
    assert warnings(tmp_path, text) == []


def test_internal_gateway_in_a_public_zone(tmp_path: Path) -> None:
    message = "the public zone contoso.com would publish the internal address of shop.contoso.com"
    assert [each for _, each in warnings(tmp_path, "ingress: {loadBalancer: internal}\n")] == [message]


def test_condition_of_the_chosen_option(tmp_path: Path) -> None:
    text = "hosts: {shop.contoso.com: {tls: passthrough, certificate: null}}\n"
    message = "TLS passthrough on shop.contoso.com: needs TLSRoute, which Istio has from 1.30"
    assert warnings(tmp_path, text) == [(2, message)]


@pytest.mark.parametrize(
    ("dns_name", "host", "covered"),
    [
        ("shop.contoso.com", "shop.contoso.com", True),
        ("*.contoso.com", "shop.contoso.com", True),
        ("*.contoso.com", "a.shop.contoso.com", False),
        ("*.contoso.com", "contoso.com", False),
        ("*.contoso.com", "*.contoso.com", True),
        ("shop.contoso.com", "*.contoso.com", False),
        ("api.contoso.com", "shop.contoso.com", False),
        ("a.contoso.com", "shop.contoso.com", False),
    ],
)
def test_wildcards_cover_one_label(dns_name: str, host: str, covered: bool) -> None:
    assert certificate_rules.covers(dns_name, host) is covered


GOOD_RECORDS = """
dns:
  records:
    - {zone: contoso.com, name: "@", type: A, values: [20.0.0.1, 20.0.0.2]}
    - {zone: contoso.com, name: "@", type: MX, values: [10 mail.example.net, 20 mail2.example.net.]}
    - {zone: contoso.com, name: "@", type: TXT, values: [v=spf1 -all]}
    - {zone: contoso.com, name: "@", type: CAA, values: ['0 issue "digicert.com"', '128 iodef "b.c"']}
    - {zone: contoso.com, name: sub, type: NS, values: [ns1.example.net., ns2.example.net]}
    - {zone: contoso.com, name: six, type: AAAA, values: ["2603:1020::1"]}
    - {zone: contoso.com, name: _acme-challenge.www, type: CNAME, values: [x._acme.example.net]}
    - {zone: contoso.com, name: "*.w", type: CNAME, values: [example.net]}
    - {zone: corp.contoso.com, name: "*.w", type: CNAME, values: [example.net]}
    - {zone: corp.contoso.com, name: mail, type: MX, values: [%s]}
    - {zone: contoso.com, name: limits, type: MX, values: [0 a.example.net, 65535 a.example.net]}
    - {zone: contoso.com, name: limits, type: CAA, values: ['255 issue ";"']}
    - {zone: contoso.com, name: cased, type: TXT, values: [a, A, 10.0.0.1]}
    - {zone: contoso.com, name: shop, type: TXT, values: [%s]}
"""


def test_good_records(tmp_path: Path) -> None:
    exchanges = ", ".join(f"10 {'m' * 60}.{'n' * 60}.{number}.example.net" for number in range(8))
    text = GOOD_RECORDS % (exchanges, "x" * 4096)
    assert warnings(tmp_path, text) == []


@pytest.mark.parametrize(
    "ingress",
    ["staticIP: 20.0.0.1", "staticIP: 10.0.0.1, loadBalancer: internal"],
)
def test_good_static_addresses(tmp_path: Path, ingress: str) -> None:
    assert loaded(tmp_path, f"hosts: null\ningress: {{{ingress}}}\n").profile.hosts == {}


def test_the_earliest_renewal(tmp_path: Path) -> None:
    text = "certificates: {shop-tls: {validityMonths: 2, renewBeforeDays: 54}}\n"
    assert loaded(tmp_path, text).profile.certificates["shop-tls"].renew_before_days == 54


def test_the_host_of_a_zone_itself(tmp_path: Path) -> None:
    text = "hosts: {contoso.com: {namespace: a, service: {name: a, port: 80}}}\n"
    assert "contoso.com" in loaded(tmp_path, text).profile.hosts


def test_an_internal_gateway_without_zones(tmp_path: Path) -> None:
    assert warnings(tmp_path, "dns: null\ningress: {loadBalancer: internal}\n") == []


def test_without_zones_hosts_may_be_anywhere(tmp_path: Path) -> None:
    text = "dns: null\nhosts: {a.fabrikam.com: {namespace: a, service: {name: a, port: 80}}}\n"
    assert "a.fabrikam.com" in loaded(tmp_path, text).profile.hosts


def test_a_name_that_two_zones_end(tmp_path: Path) -> None:
    text = (
        "ingress: {loadBalancer: internal}\n"
        "hosts:\n  shop.contoso.com:\n  a.corp.contoso.com: {namespace: a, service: {name: a, port: 80}}\n"
    )
    assert warnings(tmp_path, text) == []
