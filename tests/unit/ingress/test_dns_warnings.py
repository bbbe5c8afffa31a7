"""What DNS allows and few people mean, each with the line it is written on."""

from __future__ import annotations

from pathlib import Path

import pytest

from provision.ingress import dns_warnings
from provision.ingress.load import load

HEAD = """\
apiVersion: provision/v1
name: case
azure: {subscription: 11111111-2222-3333-4444-555555555555}
cluster: {name: aks, resourceGroup: rg}
ingress: {option: app-routing, loadBalancer: %s}
dns:
  zones:
    contoso.com: {resourceGroup: rg}
    corp.contoso.com: {resourceGroup: rg, visibility: private}
    lab.example: {resourceGroup: rg, visibility: private}
%s
"""
LINE = HEAD.count("\n")


def warnings(tmp_path: Path, rest: str, balancer: str = "external") -> list[tuple[int, str]]:
    """Line, counted from the first one of `rest`, and message of each."""
    file = tmp_path / "profile.yaml"
    file.write_text(HEAD % (balancer, rest), encoding="utf-8")
    return [(each.line - LINE + 1, each.message) for each in dns_warnings.warnings(load(file, {}))]


def records(*written: str) -> str:
    return "  records:\n" + "".join(f"    - {{{each}}}\n" for each in written)


@pytest.mark.parametrize(
    ("record", "message"),
    [
        (
            "zone: contoso.com, name: vm, type: AAAA, values: ['fd00::1']",
            "the public zone contoso.com would publish the private address fd00::1",
        ),
        (
            "zone: contoso.com, name: www, type: TXT, values: ['\"v=spf1 -all\"']",
            "the double quotes would be part of the text",
        ),
        (
            "zone: contoso.com, name: www.corp, type: A, values: [20.0.0.1]",
            "www.corp.contoso.com is in the public zone contoso.com, but networks linked to the private zone"
            " corp.contoso.com ask that one for it",
        ),
        (
            "zone: contoso.com, name: www, type: CNAME, values: [Gone.contoso.com.]",
            "www.contoso.com leads to gone.contoso.com, which the profile does not have in contoso.com",
        ),
        (
            "zone: contoso.com, name: '@', type: MX, values: [10 mail.contoso.com]",
            "contoso.com leads to mail.contoso.com, which the profile does not have in contoso.com",
        ),
        (
            "zone: contoso.com, name: _sip._tcp, type: SRV, values: [0 5 5061 sip.contoso.com]",
            "_sip._tcp.contoso.com leads to sip.contoso.com, which the profile does not have in contoso.com",
        ),
    ],
)
def test_records(tmp_path: Path, record: str, message: str) -> None:
    assert warnings(tmp_path, records(record)) == [(2, message)]


@pytest.mark.parametrize(
    "written",
    [
        ("zone: lab.example, name: vm, type: A, values: [10.0.0.1]",),
        ("zone: contoso.com, name: www, type: TXT, values: ['say \"yes\"']",),
        ("zone: contoso.com, name: www, type: CNAME, values: [www.example.net]",),
        (
            "zone: contoso.com, name: www, type: CNAME, values: [Web.contoso.com.]",
            "zone: contoso.com, name: WEB, type: A, values: [20.0.0.1]",
        ),
        (
            "zone: contoso.com, name: www, type: CNAME, values: [a.b.contoso.com]",
            "zone: contoso.com, name: '*.b', type: A, values: [20.0.0.1]",
        ),
        (
            "zone: contoso.com, name: '*', type: A, values: [20.0.0.1]",
            "zone: contoso.com, name: _dmarc, type: TXT, values: [v=DMARC1]",
            "zone: contoso.com, name: '@', type: TXT, values: [v=spf1 -all]",
        ),
        (
            "zone: contoso.com, name: '*', type: A, values: [20.0.0.1]",
            "zone: contoso.com, name: shop, type: TXT, values: [here]",
            "zone: contoso.com, name: shop, type: A, values: [20.0.0.2]",
        ),
    ],
)
def test_records_that_are_meant(tmp_path: Path, written: tuple[str, ...]) -> None:
    assert warnings(tmp_path, records(*written)) == []


def test_a_zone_of_others_may_have_the_target(tmp_path: Path) -> None:
    text = "    theirs.example: {resourceGroup: rg, create: false}\n" + records(
        "zone: contoso.com, name: www, type: CNAME, values: [www.theirs.example]"
    )
    assert warnings(tmp_path, text) == []


def test_a_wildcard_and_a_name_without_an_address(tmp_path: Path) -> None:
    text = records(
        "zone: contoso.com, name: '*', type: A, values: [20.0.0.1]",
        "zone: contoso.com, name: shop, type: TXT, values: [here]",
    )
    message = "*.contoso.com does not answer for shop.contoso.com, which has only a TXT record"
    assert warnings(tmp_path, text) == [(3, message)]


def test_a_public_zone_below_a_private_one(tmp_path: Path) -> None:
    text = "    www.lab.example: {resourceGroup: rg}\n"
    message = (
        "networks linked to the private zone lab.example can't see the public zone www.lab.example below it"
    )
    assert warnings(tmp_path, text) == [(1, message)]


def test_records_below_a_delegation(tmp_path: Path) -> None:
    text = "    shop.contoso.com: {resourceGroup: rg}\n" + records(
        "zone: contoso.com, name: a.shop, type: A, values: [20.0.0.1]"
    )
    message = "nobody would ask contoso.com for a.shop.contoso.com: it is in the zone shop.contoso.com"
    assert warnings(tmp_path, text) == [(3, message)]


HOST = "hosts:\n  %s: {namespace: web, service: {name: web, port: 80}}\n"


@pytest.mark.parametrize(
    ("host", "balancer", "message"),
    [
        (
            "www.corp.contoso.com",
            "external",
            "host www.corp.contoso.com is in the private zone corp.contoso.com, but its gateway is on the"
            " internet",
        ),
        (
            "www.contoso.com",
            "internal",
            "the public zone contoso.com would publish the internal address of www.contoso.com",
        ),
        ("www.corp.contoso.com", "internal", None),
        ("www.contoso.com", "external", None),
    ],
)
def test_hosts(tmp_path: Path, host: str, balancer: str, message: str | None) -> None:
    assert warnings(tmp_path, HOST % host, balancer) == ([(2, message)] if message else [])
