"""Certificates that end soon."""

from __future__ import annotations

from dataclasses import replace

import pytest

from drift.certificates import CERTIFICATE
from provision.drift.expiry import findings
from provision.drift.findings import Finding, Kind
from provision.drift.severity import Severity
from provision.plan.change import Action, Change
from provision.resources.dns import DnsZone
from provision.resources.observed import Absent, Observed, Present

TODAY = "2026-08-01"


def found(observed: Observed) -> list[Finding]:
    return findings(Change(CERTIFICATE, observed, Action.NO_OP), TODAY)


@pytest.mark.parametrize(
    ("expires", "severity", "note"),
    [
        ("2026-07-31", Severity.ERROR, "it ended on 2026-07-31"),
        ("2026-08-01", Severity.ERROR, "0 days left; it should have been renewed 30 days before its end"),
        ("2026-08-02", Severity.ERROR, "1 day left; it should have been renewed 30 days before its end"),
        ("2026-08-07", Severity.ERROR, "6 days left; it should have been renewed 30 days before its end"),
        ("2026-08-08", Severity.WARNING, "7 days left; it should have been renewed 30 days before its end"),
        ("2026-08-27", Severity.WARNING, "26 days left; it should have been renewed 30 days before its end"),
    ],
)
def test_a_certificate_that_was_not_renewed_in_time(expires: str, severity: Severity, note: str) -> None:
    assert found(Present(outputs={"expires": expires})) == [
        Finding(CERTIFICATE.address, "expires", Kind.EXPIRING, severity, observed=expires, note=note)
    ]


@pytest.mark.parametrize(
    ("expires", "note"),
    [
        ("2026-08-18", None),
        ("2026-08-17", "16 days left; it should have been renewed at 80 % of its lifetime, 20 days before"),
        ("2026-08-03", "2 days left; it should have been renewed at 80 % of its lifetime, 20 days before"),
    ],
)
def test_a_percentage_is_one_of_the_lifetime_of_the_version(expires: str, note: str | None) -> None:
    by_percent = replace(CERTIFICATE, renew_at_percent=80)
    observed = Present(outputs={"expires": expires, "lifetime": 100})
    notes = [each.note for each in findings(Change(by_percent, observed, Action.NO_OP), TODAY)]
    assert notes == ([] if note is None else [f"{note} its end"])


@pytest.mark.parametrize("expires", ["2026-08-28", "2026-08-31", "2027-08-01", None])
def test_renewal_is_still_to_come_or_just_under_way(expires: str | None) -> None:
    assert found(Present(outputs={"expires": expires})) == []


def test_nothing_is_said_of_what_is_not_there_or_no_certificate() -> None:
    assert found(Absent()) == []
    zone = DnsZone(name="a.example", id="/z")
    assert findings(Change(zone, Present(outputs={"expires": "2026-07-31"}), Action.NO_OP), TODAY) == []
