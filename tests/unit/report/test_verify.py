"""What verify's report looks like, word for word."""

from __future__ import annotations

import json

from provision.plan.change import FieldChange
from provision.report.style import Style
from provision.report.verify import verify_json, verify_text
from provision.resources.managed_cluster import SECRET_ROTATION
from provision.verify.links import HostReport, Link, Report, Status, not_checked, ok

from .golden import check

APPLY = "Apply the profile:"
COMMAND = "provision apply profiles/prod.yaml"
WELL = HostReport(
    "api.contoso.com",
    (
        ok("resource", "managed cluster aks-prod"),
        ok("record", "record of api.contoso.com", "20.50.1.2"),
        Link(
            "trust", "trusted by this machine", Status.WARNING, "self-signed: only clients that were given it"
        ),
        ok("http", "GET https://api.contoso.com/", "200"),
    ),
)
BROKEN = HostReport(
    "shop.contoso.com",
    (
        Link(
            "resource",
            "managed cluster aks-prod",
            Status.BROKEN,
            "differs",
            (FieldChange(SECRET_ROTATION, "false", "true"),),
            fix=APPLY,
            command=COMMAND,
        ),
        Link("resource", "role assignment kv/x/id", Status.BROKEN, "missing", fix=APPLY, command=COMMAND),
        not_checked("resource", "kubernetes Gateway/shop/prod", "reading it: no answer\nTry again."),
        Link(
            "gateway",
            "kubernetes Gateway/shop/prod ready",
            Status.BROKEN,
            "it has no address yet",
            notes=("FailedSync: no quota",),
            fix="Its events say what holds it up.",
        ),
    ),
)
UNKNOWN = HostReport("x.contoso.com", (not_checked("http", "GET http://x.contoso.com/", "no way there"),))


def test_text() -> None:
    report = Report("prod", (WELL, BROKEN, UNKNOWN))
    check("verify.txt", verify_text(report, Style()))
    check("verify.ansi", verify_text(report, Style(colour=True)))


def test_all_well() -> None:
    check("verify_well.txt", verify_text(Report("prod", (WELL,)), Style()))


def test_no_hosts() -> None:
    assert verify_text(Report("prod", ()), Style()) == "prod: hosts that answer as declared: 0 of 0\n"


def test_advice_is_given_once() -> None:
    unread = "reading it: no answer\nTry again."
    links = tuple(not_checked("resource", subject, unread) for subject in ("one", "other"))
    text = verify_text(Report("prod", (HostReport("x", links),)), Style())
    assert text.splitlines()[1:4] == [
        "  not checked  one: reading it: no answer",
        "      Try again.",
        "  not checked  other: reading it: no answer",
    ]


def test_json() -> None:
    text = verify_json(Report("prod", (WELL, BROKEN, UNKNOWN)))
    check("verify.json", text)
    body = json.loads(text)
    assert [host["status"] for host in body["hosts"]] == ["warning", "broken", "not checked"]
