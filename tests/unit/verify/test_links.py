"""Evidence → links: each way in which one of them can break, named by that link and by no other."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from provision.resources.certificate import RenewalTrigger
from provision.verify.certificates import covers, in_vault
from provision.verify.evidence import (
    Delegation,
    Evidence,
    Handshake,
    HttpAnswer,
    Live,
    Records,
    Unknown,
    Unreached,
    VaultVersion,
)
from provision.verify.links import HostReport, Link, Report, Status
from provision.verify.names import is_private
from provision.verify.objects import gateway_addresses

from . import world
from .world import (
    ADDRESS,
    HEALTHY,
    HOST,
    PLAIN,
    SERVERS,
    certificate,
    condition,
    gateway,
    judged,
    link,
    parent,
    route,
)

OK, WARNING, BROKEN, NOT_CHECKED = Status
NOT_HERE = Unknown("not from here")
SILENT = Unreached("no answer")


def test_everything_holds() -> None:
    report = judged()
    assert {each.status for each in report.links} == {OK}
    assert [each.kind for each in report.links if each.kind != "resource"] == [
        *("delegation", "record", "gateway", "route"),
        *("certificate", "secret", "wire", "trust", "http"),
    ]
    assert report.status() is OK


CASES: dict[str, tuple[Evidence, str, Status, str]] = {
    "undelegated": (
        replace(HEALTHY, delegation=Delegation(frozenset(), SERVERS)),
        *("delegation", BROKEN, "the parent names no servers for it"),
    ),
    "delegated elsewhere": (
        replace(HEALTHY, delegation=Delegation(frozenset({"ns1.old.net"}), SERVERS)),
        *("delegation", BROKEN, "the parent names ns1.old.net, which does not serve this zone"),
    ),
    "delegated to a stranger too": (
        replace(HEALTHY, delegation=Delegation(SERVERS | {"a.old.net", "b.old.net"}, SERVERS)),
        *("delegation", BROKEN, "the parent names a.old.net, b.old.net, which do not serve this zone"),
    ),
    "delegated to some": (
        replace(HEALTHY, delegation=Delegation(frozenset({"ns1-01.azure-dns.com"}), SERVERS)),
        *("delegation", WARNING, "the parent names only ns1-01.azure-dns.com"),
    ),
    "delegation unknown": (
        replace(HEALTHY, delegation=NOT_HERE),
        *("delegation", NOT_CHECKED, "not from here"),
    ),
    "no record": (replace(HEALTHY, records=None), "record", BROKEN, "missing"),
    "record elsewhere": (
        replace(HEALTHY, records=Records(frozenset({"20.9.9.9"}))),
        *("record", BROKEN, f"it is 20.9.9.9, the gateway is at {ADDRESS}"),
    ),
    "record also elsewhere": (
        replace(HEALTHY, records=Records(frozenset({"20.9.9.9", ADDRESS}))),
        *("record", BROKEN, f"it is 20.50.1.2, 20.9.9.9, the gateway is at {ADDRESS}"),
    ),
    "alias to the gateway": (
        replace(HEALTHY, records=Records(frozenset({ADDRESS}), ("edge.contoso.com",))),
        *("record", OK, f"edge.contoso.com → {ADDRESS}"),
    ),
    "alias to nothing": (
        replace(HEALTHY, records=Records(frozenset(), ("gone.contoso.com",))),
        *("record", BROKEN, f"it is gone.contoso.com → no address, the gateway is at {ADDRESS}"),
    ),
    "record unknown": (replace(HEALTHY, records=NOT_HERE), "record", NOT_CHECKED, "not from here"),
    "gateway missing": (replace(HEALTHY, front=None), "gateway", BROKEN, "missing"),
    "gateway unread": (replace(HEALTHY, front=NOT_HERE), "gateway", NOT_CHECKED, "not from here"),
    "gateway not programmed": (
        replace(
            HEALTHY,
            front=Live(
                gateway(programmed=condition("Programmed", "False", reason="Pending", message="wait")),
                ("FailedSync: no quota",),
            ),
        ),
        *("gateway", BROKEN, "Programmed is False (Pending: wait)"),
    ),
    "gateway of an earlier generation": (
        replace(HEALTHY, front=Live(gateway(generation=3))),
        *("gateway", BROKEN, "Accepted is told of an earlier version of the object; Programmed is told of"),
    ),
    "listener without certificate": (
        replace(
            HEALTHY,
            front=Live(gateway(refs=condition("ResolvedRefs", "False", reason="InvalidCertificateRef"))),
        ),
        *("gateway", BROKEN, "listener shop-contoso-com: ResolvedRefs is False (InvalidCertificateRef)"),
    ),
    "listener that names no certificate": (
        replace(HEALTHY, front=Live(gateway(references=()), ("InvalidInput: no service account",))),
        *("gateway", BROKEN, "listener shop-contoso-com: app routing has not set its certificateRefs"),
    ),
    "listener unknown to the controller": (
        replace(HEALTHY, front=Live(gateway(listener="other"))),
        *("gateway", BROKEN, "listener shop-contoso-com: no status yet"),
    ),
    "gateway without address": (
        replace(HEALTHY, front=Live(gateway(addresses=()))),
        *("gateway", BROKEN, "it has no address yet"),
    ),
    "gateway without status": (
        replace(HEALTHY, front=Live({"kind": "Gateway"})),
        *("gateway", BROKEN, "Accepted is not told yet; Programmed is not told yet; listener shop"),
    ),
    "route missing": (replace(HEALTHY, route=None), "route", BROKEN, "missing"),
    "events unread": (
        replace(
            HEALTHY, front=Live(gateway(), unheard="may not"), route=Live(route(parent()), unheard="may not")
        ),
        *("events", NOT_CHECKED, "may not"),
    ),
    "route nobody took": (
        replace(HEALTHY, route=Live(route())),
        *("route", BROKEN, "no gateway has taken it up"),
    ),
    "route of another listener": (
        replace(HEALTHY, route=Live(route(parent("http")))),
        *("route", BROKEN, "no gateway has taken it up"),
    ),
    "route refused": (
        replace(HEALTHY, route=Live(route(parent(accepted=condition("Accepted", "False", reason="No"))))),
        *("route", BROKEN, "Accepted is False (No)"),
    ),
    "certificate missing": (replace(HEALTHY, current=None), "certificate", BROKEN, "missing"),
    "certificate disabled": (
        replace(HEALTHY, current=VaultVersion(False, certificate())),
        *("certificate", BROKEN, "1A2B3C4D, 200 days left; it is disabled"),
    ),
    "certificate of another host": (
        replace(HEALTHY, current=VaultVersion(True, certificate(names=("x.contoso.com",)))),
        *("certificate", BROKEN, f"1A2B3C4D, 200 days left; it is for x.contoso.com, not for {HOST}"),
    ),
    "certificate expired": (
        replace(HEALTHY, current=VaultVersion(True, certificate(days=-1))),
        *("certificate", BROKEN, "1A2B3C4D; it expired on 2026-10-31"),
    ),
    "certificate not valid yet": (
        replace(HEALTHY, current=VaultVersion(True, certificate(days=400))),
        *("certificate", BROKEN, "1A2B3C4D; it is valid only from 2026-12-06"),
    ),
    "certificate unread": (replace(HEALTHY, current=NOT_HERE), "certificate", NOT_CHECKED, "not from here"),
    "secret missing": (replace(HEALTHY, secret=None), "secret", BROKEN, "missing"),
    "secret of an earlier version": (
        replace(HEALTHY, secret=certificate("99887766"), wire=Handshake(certificate("99887766"))),
        *("secret", BROKEN, "99887766, the vault has 1A2B3C4D"),
    ),
    "secret unread": (replace(HEALTHY, secret=NOT_HERE), "secret", NOT_CHECKED, "not from here"),
    "another certificate on the wire": (
        replace(HEALTHY, wire=Handshake(certificate("99887766"))),
        *("wire", BROKEN, "99887766, the Secret has 1A2B3C4D"),
    ),
    "another certificate on the wire than in the vault": (
        replace(HEALTHY, wire=Handshake(certificate("99887766")), secret=NOT_HERE),
        *("wire", BROKEN, "99887766, the vault has 1A2B3C4D"),
    ),
    "a certificate for another host on the wire": (
        replace(
            HEALTHY,
            secret=certificate(names=("x.net",)),
            current=NOT_HERE,
            wire=Handshake(certificate(names=("x.net",))),
        ),
        *("wire", BROKEN, "1A2B3C4D, for x.net"),
    ),
    "nothing on the wire": (replace(HEALTHY, wire=SILENT), "wire", BROKEN, "no answer"),
    "wire out of reach": (replace(HEALTHY, wire=NOT_HERE), "wire", NOT_CHECKED, "not from here"),
    "nothing to compare the wire with": (
        replace(HEALTHY, secret=NOT_HERE, current=NOT_HERE),
        *("wire", NOT_CHECKED, "1A2B3C4D, and nothing to compare with"),
    ),
    "self-signed": (
        replace(HEALTHY, wire=Handshake(certificate(), "self-signed certificate")),
        *("trust", WARNING, "self-signed: only clients that were given this certificate trust it"),
    ),
    "unknown issuer": (
        replace(HEALTHY, wire=Handshake(certificate(self_signed=False), "unable to get local issuer")),
        *("trust", WARNING, "unable to get local issuer"),
    ),
    "redirect": (
        replace(HEALTHY, answer=HttpAnswer(302, "/login")),
        *("http", OK, f"302 → /login; plain HTTP: 301 → https://{HOST}/"),
    ),
    "nothing listens at port 80": (replace(HEALTHY, redirect=SILENT), "http", OK, "200"),
    "login wanted": (
        replace(HEALTHY, answer=HttpAnswer(401)),
        *("http", WARNING, "401: the way is open, the request is refused"),
    ),
    "no route": (
        replace(HEALTHY, answer=HttpAnswer(404)),
        *("http", BROKEN, "404: no route matches this host, or its service has nothing at /"),
    ),
    "nothing at /": (
        replace(HEALTHY, answer=HttpAnswer(404, from_service=True)),
        *("http", WARNING, "404: the service answers, and has nothing at /"),
    ),
    "no endpoint": (
        replace(HEALTHY, answer=HttpAnswer(503)),
        *("http", BROKEN, "503: no healthy endpoint behind the service"),
    ),
    "strange failure": (
        replace(HEALTHY, answer=HttpAnswer(599)),
        *("http", BROKEN, "599: the service fails"),
    ),
    "no answer": (replace(HEALTHY, answer=SILENT), "http", BROKEN, "no answer"),
    "answer out of reach": (replace(HEALTHY, answer=NOT_HERE), "http", NOT_CHECKED, "not from here"),
}


@pytest.mark.parametrize("name", CASES)
def test_a_link_tells_of_itself(name: str) -> None:
    seen, kind, status, detail = CASES[name]
    found = link(kind, seen)
    assert found.status is status
    assert found.detail == detail or (len(detail) > 40 and found.detail.startswith(detail))


# A broken gateway hides what is behind it, a broken certificate what is compared with it.
ALONE = [
    name
    for name, (_, kind, status, _) in CASES.items()
    if status is BROKEN and kind in ("delegation", "record", "route", "secret", "http")
]


@pytest.mark.parametrize("name", ALONE)
def test_what_is_broken_says_what_to_do(name: str) -> None:
    seen, kind, *_ = CASES[name]
    assert link(kind, seen).fix
    others = [each for each in judged(seen).links if each.kind != kind]
    assert {each.status for each in others} == {OK}


def test_events_say_why() -> None:
    events = ("FailedSync: no quota",)
    broken = Live(gateway(addresses=()), events)
    assert link("gateway", replace(HEALTHY, front=broken)).notes == events
    assert link("record", replace(HEALTHY, records=None, writer=Live({}, events))).notes == events
    assert link("gateway", replace(HEALTHY, front=Live(gateway(), events))).notes == ()


def test_a_record_without_a_gateway_is_not_well() -> None:
    found = link("record", replace(HEALTHY, front=None))
    assert found.status is NOT_CHECKED
    assert found.detail == f"it is {ADDRESS}, and the gateway has no address to compare with"


def test_a_host_outside_of_all_zones() -> None:
    chain = replace(world.CHAIN, zone=None)
    report = judged(replace(HEALTHY, records=None), chain)
    assert "delegation" not in [each.kind for each in report.links]
    assert link("record", replace(HEALTHY, records=None), chain).fix.endswith(f"have it point to {ADDRESS}.")


PRIVATE = replace(world.CHAIN, visibility="private", zone="corp.contoso.com")


@pytest.mark.parametrize(
    ("networks", "status", "detail"),
    [
        (("hub", "aks"), OK, "aks, hub"),
        ((), BROKEN, "none is linked: nobody can resolve it"),
        (None, NOT_CHECKED, "the zone does not exist"),
        (NOT_HERE, NOT_CHECKED, "not from here"),
    ],
)
def test_private_zones_are_linked(networks: tuple[str, ...] | None, status: Status, detail: str) -> None:
    found = link("delegation", replace(HEALTHY, networks=networks), PRIVATE)
    assert (found.status, found.detail) == (status, detail)


@pytest.mark.parametrize(
    ("silent", "status"), [(SILENT, NOT_CHECKED), (Unreached("closed", connected=True), BROKEN)]
)
def test_a_private_gateway_out_of_reach_is_never_green(silent: Unreached, status: Status) -> None:
    inside = replace(HEALTHY, front=Live(gateway(addresses=("10.1.2.3",))), wire=silent, answer=silent)
    assert {link(kind, inside, PRIVATE).status for kind in ("wire", "http")} == {status}


def test_plain_http() -> None:
    seen = replace(HEALTHY, front=Live(gateway(listener="http")), route=Live(route(parent("http"))))
    report = judged(seen, world.PLAIN)
    kinds = [each.kind for each in report.links]
    assert not {"certificate", "secret", "wire", "trust"} & set(kinds)
    assert report.status() is OK
    assert report.links[-1].subject == f"GET http://{HOST}/"
    assert report.links[-1].detail.startswith("200, plain HTTP: no certificate")


def ingress(*addresses: dict[str, str]) -> Live:
    return Live({"kind": "Ingress", "status": {"loadBalancer": {"ingress": list(addresses)}}})


def test_an_ingress_is_front_and_route() -> None:
    chain = replace(world.CHAIN, route=world.CHAIN.front, listener="")
    report = judged(replace(HEALTHY, front=ingress({"ip": ADDRESS}), route=ingress()), chain)
    assert report.status() is OK
    assert "route" not in [each.kind for each in report.links]
    assert link("gateway", replace(HEALTHY, front=ingress()), chain).detail == "it has no address yet"


def test_behind_nginx_a_404_may_be_the_services() -> None:
    """Envoy tells a service's answer from its own, NGINX does not: an API with nothing at / is no outage."""
    chain = replace(world.CHAIN, route=world.CHAIN.front, listener="")
    seen = replace(HEALTHY, front=ingress({"ip": ADDRESS}), answer=HttpAnswer(404))
    found = link("http", seen, chain)
    assert found.status is WARNING
    assert found.detail == "404: the service has nothing at /, or the controller does not know the host"
    assert link("http", replace(seen, answer=HttpAnswer(503)), chain).status is BROKEN


def test_addresses_of_both_kinds_of_front() -> None:
    assert gateway_addresses(Live(gateway(addresses=("1.2.3.4", "2001:db8::1")))) == (
        "1.2.3.4",
        "2001:db8::1",
    )
    assert gateway_addresses(ingress({"ip": "1.2.3.4"}, {"hostname": "x.net"})) == ("1.2.3.4", "x.net")
    assert gateway_addresses(None) == gateway_addresses(NOT_HERE) == ()


def test_a_gateway_with_a_name_is_reached_by_alias() -> None:
    named = Live(gateway(addresses=("abc.alb.azure.com",)))
    records = Records(frozenset({"20.1.1.1"}), ("ABC.alb.azure.com",))
    assert link("record", replace(HEALTHY, front=named, records=records)).status is OK


@pytest.mark.parametrize(
    ("names", "host", "expected"),
    [
        (("shop.contoso.com",), "shop.contoso.com", True),
        (("SHOP.contoso.com",), "shop.Contoso.com", True),
        (("x.contoso.com", "*.contoso.com"), "shop.contoso.com", True),
        (("*.contoso.com",), "contoso.com", False),
        (("*.contoso.com",), "a.shop.contoso.com", False),
        (("*.contoso.com",), "*.contoso.com", True),
        (("shop.contoso.com",), "*.contoso.com", False),
        (("*.com",), "shop.contoso.com", False),
        ((), "shop.contoso.com", False),
    ],
)
def test_names_a_certificate_is_for(names: tuple[str, ...], host: str, expected: bool) -> None:
    assert covers(names, host) is expected


@pytest.mark.parametrize(
    ("days", "renew_before", "status"),
    [
        (200, 30, OK),
        (30, 30, OK),
        (27, 30, OK),  # the vault may be about it
        (26, 30, WARNING),
        (7, 30, WARNING),
        (6, 30, BROKEN),
        (6, 5, OK),
        (1, 3, OK),
        (0, 30, BROKEN),
    ],
)
def test_an_overdue_renewal(days: int, renew_before: int, status: Status) -> None:
    version = VaultVersion(True, certificate(days=days))
    link = in_vault("certificate/a/b", HOST, version, RenewalTrigger(renew_before), world.NOW)
    assert link.status is status


@pytest.mark.parametrize(
    ("days", "percent", "status"),
    [(21, 80, OK), (17, 80, OK), (16, 80, WARNING), (16, 90, OK), (6, 80, BROKEN)],
)
def test_an_overdue_renewal_by_percentage(days: int, percent: int, status: Status) -> None:
    """Of a lifetime of 100 days, of which at 80 % 20 are left."""
    seen = certificate(days=days)
    seen = replace(seen, not_before=seen.not_after - timedelta(days=100))
    link = in_vault("c/a/b", HOST, VaultVersion(True, seen), RenewalTrigger(1, percent), world.NOW)
    assert link.status is status
    assert ("at 80 % of its lifetime, 20 days before its end" in link.detail) is (status is not OK)


def test_a_certificate_ends_at_its_end() -> None:
    version = VaultVersion(True, certificate(days=10))
    end = version.certificate.not_after
    late = RenewalTrigger(1)
    assert "expired" not in in_vault("c/a/b", HOST, version, late, end - timedelta(seconds=1)).detail
    assert "expired" in in_vault("c/a/b", HOST, version, late, end).detail


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("10.0.0.4", True),
        ("172.31.255.1", True),
        ("172.32.0.1", False),
        ("192.168.1.1", True),
        ("100.64.0.1", True),
        ("fd00::1", True),
        ("20.50.1.2", False),
        ("203.0.113.9", False),
        ("2603:1030::1", False),
        ("x.alb.azure.com", False),
    ],
)
def test_private_addresses(address: str, expected: bool) -> None:
    assert is_private(address) is expected


def host(*statuses: Status) -> HostReport:
    return HostReport("h", tuple(Link("x", "x", status) for status in statuses))


@pytest.mark.parametrize(
    ("hosts", "code"),
    [
        ([], 0),
        ([host(OK, WARNING)], 0),
        ([host(OK), host(OK, NOT_CHECKED)], 3),
        ([host(NOT_CHECKED), host(BROKEN, OK)], 2),
        ([host(NOT_CHECKED, BROKEN)], 2),
    ],
)
def test_exit_codes(hosts: list[HostReport], code: int) -> None:
    assert Report("prod", tuple(hosts)).exit_code() == code


@pytest.mark.parametrize(
    ("wire", "status", "detail"),
    [
        (Handshake(certificate()), OK, "200 days left"),
        (Handshake(certificate(days=6)), WARNING, "6 days left"),
        (Handshake(certificate(days=-1)), BROKEN, "it expired on"),
        (Handshake(certificate(names=("x.net",))), BROKEN, "for x.net"),
        (SILENT, BROKEN, "no answer"),
        (NOT_HERE, NOT_CHECKED, "not from here"),
        (None, NOT_CHECKED, "it was not asked for"),
    ],
)
def test_behind_a_gateway_that_passes_tls_through_the_service_shows_its_own(
    wire: Handshake | Unreached | Unknown | None, status: Status, detail: str
) -> None:
    passed = replace(PLAIN, passthrough=True)
    found = link("wire", replace(HEALTHY, secret=None, current=None, wire=wire), passed)
    assert found.status is status
    assert detail in found.detail
