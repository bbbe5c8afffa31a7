"""The cluster's copies of certificates."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from drift.certificates import CERTIFICATE
from provision.drift.copies import Copy, copies, judge
from provision.drift.findings import Finding, Kind, Looked, Unchecked
from provision.drift.severity import Severity
from provision.errors import ServiceError
from provision.ingress.hosts import HostChain
from provision.plan.plan import Observation, plan
from provision.resources.graph import ResourceGraph
from provision.resources.manifest import GATEWAY, Manifest
from provision.resources.observed import Absent, Observed, Present, Unread
from provision.resources.values import CaseInsensitive
from provision.verify.evidence import CertificateFacts, Unknown

TODAY = "2026-08-01"
SECRET = ("shop", "kv-gw-cert-shop-a")
NEW, OLD = "AA" * 20, "BB" * 20
FRONT = Manifest(
    name="Gateway/shop/prod",
    api=GATEWAY,
    cluster_id=CaseInsensitive("/c"),
    private=False,
    entra=False,
    access="auto",
    object_name="prod",
    namespace="shop",
)
CHAIN = HostChain(
    host="a.example",
    zone=None,
    visibility="public",
    needs=(),
    front=FRONT.address,
    route=FRONT.address,
    listener="a",
    certificate=CERTIFICATE.address,
    secret=SECRET,
)
COPY = Copy(SECRET, CERTIFICATE.address, NEW, FRONT)
ADDRESS = "secret/shop/kv-gw-cert-shop-a"


def wanted(certificate: Observed, front: Observed, *chains: HostChain) -> tuple[Copy, ...]:
    graph = ResourceGraph([CERTIFICATE, FRONT])
    world = Observation({CERTIFICATE.address: certificate, FRONT.address: front})
    return copies(plan("shop", graph, world), chains)


def facts(thumbprint: str, ends: str = "2026-12-01") -> CertificateFacts:
    end = datetime.fromisoformat(ends).replace(tzinfo=UTC)
    return CertificateFacts(thumbprint, thumbprint, ("a.example",), end, end, self_signed=False)


THERE = Present(outputs={"thumbprint": NEW})


def test_hosts_that_share_a_secret_are_one_look() -> None:
    found = wanted(THERE, Present(), CHAIN, replace(CHAIN, host="b.example"))
    assert [(each.secret, each.certificate, each.thumbprint) for each in found] == [
        (SECRET, CERTIFICATE.address, NEW)
    ]
    assert found[0].front.address == FRONT.address


@pytest.mark.parametrize(
    ("certificate", "front"),
    [
        (Absent(), Present()),
        (THERE, Absent()),
        (Unread(ServiceError("reading it", "no answer")), Present()),
        (Present(outputs={"thumbprint": None}), Present()),
    ],
    ids=["no certificate", "no gateway", "an unread certificate", "no version yet"],
)
def test_a_secret_is_looked_at_only_where_both_ends_are_there(certificate: Observed, front: Observed) -> None:
    assert wanted(certificate, front, CHAIN) == ()


def test_hosts_without_a_certificate_have_no_secret() -> None:
    assert wanted(THERE, Present(), replace(CHAIN, certificate=None, secret=None)) == ()


def test_the_same_version_is_in_sync() -> None:
    assert judge([COPY], {SECRET: facts(NEW)}, TODAY) == Looked()


@pytest.mark.parametrize(
    ("ends", "severity"), [("2026-12-01", Severity.WARNING), ("2026-08-07", Severity.ERROR)]
)
def test_an_older_version_is_a_finding(ends: str, severity: Severity) -> None:
    (finding,) = judge([COPY], {SECRET: facts(OLD, ends)}, TODAY).findings
    note = f"{CERTIFICATE.address} has another version; this one ends on {ends}"
    assert finding == Finding(
        ADDRESS, "tls.crt", Kind.OUTDATED, severity, desired=NEW, observed=OLD, note=note
    )


def test_a_missing_secret_is_a_finding() -> None:
    assert judge([COPY], {SECRET: None}, TODAY).findings == (
        Finding(ADDRESS, "", Kind.MISSING, Severity.ERROR),
    )


def test_a_secret_that_could_not_be_read_is_never_in_sync() -> None:
    assert judge([COPY], {SECRET: Unknown("forbidden")}, TODAY) == Looked(
        (), (Unchecked(ADDRESS, "forbidden"),)
    )
