"""Plans → findings."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from drift.certificates import CERTIFICATE
from provision.drift.findings import DriftReport, Finding, Kind, Looked, Unchecked, as_plain
from provision.drift.report import report
from provision.drift.severity import Severity
from provision.errors import ServiceError
from provision.plan.change import Action, Change
from provision.plan.plan import Observation, Plan, plan
from provision.profile.model import Ignore
from provision.resources.dns import DnsZone, RecordSet
from provision.resources.graph import ResourceGraph
from provision.resources.managed_cluster import APP_ROUTING, GATEWAY_API, ManagedCluster
from provision.resources.observed import Absent, Observed, Present, Unread
from provision.resources.resource import Resource
from provision.resources.vault import AccessPolicy, KeyVault

TODAY = "2026-08-01"
ZONE = DnsZone(name="a.example", id="/z")
CLUSTER = ManagedCluster(name="aks", id="/aks", settings={APP_ROUTING: True, GATEWAY_API: "Standard"})
RECORD = RecordSet(
    name="a.example/A/x",
    zone_id="/z",
    visibility="public",
    record_type="A",
    record_name="x",
    ttl=300,
    values=frozenset({"20.1.2.3"}),
)
DIGEST = plan("shop", ResourceGraph([RECORD]), Observation({RECORD.address: Absent()})).changes[0].digest


def found(
    objects: dict[str, Observed] | None = None,
    *ignores: Ignore,
    orphans: tuple[tuple[Resource, Present], ...] = (),
) -> DriftReport:
    world: dict[str, Observed] = {
        ZONE.address: Present(),
        RECORD.address: Present(RECORD.properties(), {}, "shop", DIGEST),
        CLUSTER.address: Present(CLUSTER.settings, {}, "shop"),
    }
    world |= objects or {}
    graph = ResourceGraph([ZONE, RECORD, CLUSTER])
    return report(plan("shop", graph, Observation(world, orphans)), ignores, TODAY)


def record_with(ttl: int, digest: str | None, owner: str | None = "shop") -> dict[str, Observed]:
    return {
        RECORD.address: Present({**RECORD.properties(), "ttl": ttl}, {}, owner, digest, "ops@x", "2026-07-31")
    }


def ignore(resource: str, path: str, expires: str | None = None) -> Ignore:
    return Ignore(resource=resource, path=path, reason="known", expires=expires)


def test_in_sync() -> None:
    assert found() == DriftReport("shop", (), (), (), 3)


def test_a_changed_field_names_who_changed_it() -> None:
    assert found(record_with(60, DIGEST)).findings == (
        Finding(
            RECORD.address, "ttl", Kind.CHANGED, Severity.WARNING, 300, 60, "ops@x", "2026-07-31"
        ),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("digest", "kind"), [(DIGEST, Kind.CHANGED), (None, Kind.CHANGED), ("0" * 16, Kind.NOT_APPLIED)]
)
def test_the_digest_tells_an_edited_profile_from_a_changed_world(digest: str | None, kind: Kind) -> None:
    assert [each.kind for each in found(record_with(60, digest)).findings] == [kind]


def test_every_field_is_a_finding() -> None:
    report = found(
        {CLUSTER.address: Present({APP_ROUTING: False, GATEWAY_API: "Disabled", "other": 1}, {}, "shop")}
    )
    assert [(each.field, each.severity) for each in report.findings] == [
        (APP_ROUTING, Severity.ERROR),
        (GATEWAY_API, Severity.ERROR),
    ]


@pytest.mark.parametrize(
    ("resource", "severity"), [(ZONE, Severity.ERROR), (CLUSTER, Severity.ERROR), (RECORD, Severity.WARNING)]
)
def test_what_is_missing(resource: Resource, severity: Severity) -> None:
    assert found({resource.address: Absent()}).findings == (
        Finding(resource.address, "", Kind.MISSING, severity),
    )


def test_what_is_left_over() -> None:
    old = RecordSet(
        name="a.example/A/old",
        zone_id="/z",
        visibility="public",
        record_type="A",
        record_name="old",
        ttl=1,
        values=frozenset(),
    )
    assert found(orphans=((old, Present({}, {}, "shop")),)).findings == (
        Finding(old.address, "", Kind.LEFT_OVER, Severity.WARNING),
    )


def test_a_foreign_object_that_differs_is_a_finding() -> None:
    (finding,) = found(record_with(60, None, owner=None)).findings
    assert (finding.field, finding.kind) == ("ttl", Kind.CHANGED)
    assert finding.note == "exists and does not carry our mark; apply needs --adopt"


def test_what_others_keep_can_not_be_adopted() -> None:
    policy = AccessPolicy(
        name="kv",
        vault_id="/kv",
        principal_id="p",
        secrets=frozenset({"get"}),
        certificates=frozenset(),
        managed=False,
    )
    observation = Observation({policy.address: Present({"secrets": frozenset()}, {}, "shop")})
    (finding,) = report(plan("shop", ResourceGraph([policy]), observation), [], TODAY).findings
    assert (finding.field, finding.kind) == ("secrets", Kind.CHANGED)
    assert finding.note == "it differs in secrets, and it is kept by others"


def test_what_rules_the_cluster_out_is_a_finding() -> None:
    mesh, version = (ServiceError("checking cluster aks", why) for why in ("the mesh is on", "too old"))
    change = Change(CLUSTER, Present(CLUSTER.settings), Action.NO_OP, blocked=mesh)
    made = report(Plan("shop", (change,), refused=(version,)), [], TODAY)
    assert made.findings == (
        Finding(CLUSTER.address, "", Kind.RULED_OUT, Severity.ERROR, note="the mesh is on"),
        Finding("", "", Kind.RULED_OUT, Severity.ERROR, note="too old"),
    )


def test_what_could_not_be_read_is_never_in_sync() -> None:
    error = ServiceError("reading record_set/a.example/A/x", "no answer")
    made = found({RECORD.address: Unread(error)})
    assert made.findings == ()
    assert made.unchecked == (
        Unchecked(RECORD.address, "reading record_set/a.example/A/x: no answer", "no answer"),
    )
    assert made.checked == 2


@pytest.mark.parametrize(
    ("resource", "path"),
    [(RECORD.address, "ttl"), ("record_set/*", "ttl"), ("*/x", "t*"), ("*", "*")],
)
def test_ignored(resource: str, path: str) -> None:
    made = found(record_with(60, DIGEST), ignore(resource, path))
    assert made.findings == ()
    assert [(each.address, each.field, each.ignored) for each in made.ignored] == [
        (RECORD.address, "ttl", "known")
    ]


@pytest.mark.parametrize(
    ("resource", "path"),
    [(RECORD.address, "values"), ("record_set", "ttl"), ("dns_zone/*", "ttl"), ("RECORD_SET/*", "ttl")],
)
def test_not_ignored(resource: str, path: str) -> None:
    made = found(record_with(60, DIGEST), ignore(resource, path))
    assert ([each.field for each in made.findings], made.ignored) == (["ttl"], ())


@pytest.mark.parametrize(
    ("expires", "holds"), [(None, True), ("2026-08-02", True), (TODAY, False), ("2026-07-31", False)]
)
def test_an_ignore_holds_until_its_day(expires: str | None, holds: bool) -> None:
    made = found(record_with(60, DIGEST), ignore("*", "ttl", expires))
    assert (not made.findings, bool(made.ignored)) == (holds, holds)


def test_the_first_ignore_that_fits_gives_the_reason() -> None:
    second = Ignore(resource="*", path="*", reason="second")
    assert [each.ignored for each in found(record_with(60, DIGEST), ignore("*", "ttl"), second).ignored] == [
        "known"
    ]


def test_as_json() -> None:
    (finding,) = found(record_with(60, DIGEST)).findings
    assert json.loads(json.dumps(as_plain(finding))) == {
        "resource": RECORD.address,
        "field": "ttl",
        "kind": "changed",
        "severity": "warning",
        "desired": 300,
        "observed": 60,
        "changedBy": "ops@x",
        "changedAt": "2026-07-31",
    }
    (missing,) = found({ZONE.address: Absent()}, ignore("*", "")).ignored
    plain = as_plain(missing)
    assert (plain["field"], plain["changedBy"], plain["ignored"]) == (None, None, "known")


def test_an_object_that_lost_our_mark_says_what_apply_needs() -> None:
    [finding] = found(record_with(60, None, owner=None)).findings
    assert finding.field == "ttl"
    assert finding.note == "exists and does not carry our mark; apply needs --adopt"
    assert as_plain(finding)["note"] == finding.note


def test_a_cluster_that_cannot_have_it_is_a_finding_though_our_fields_hold() -> None:
    made = plan("shop", ResourceGraph([CLUSTER]), Observation({CLUSTER.address: Present(CLUSTER.settings)}))
    mesh = ServiceError("checking cluster aks", "the mesh is on")
    other = ServiceError("checking cluster aks", "it is too old")
    changes = tuple(replace(change, blocked=mesh) for change in made.changes)
    ruled_out = report(replace(made, changes=changes, refused=(other,)), (), TODAY)
    assert [(each.address, each.kind, each.note) for each in ruled_out.findings] == [
        (CLUSTER.address, Kind.RULED_OUT, "the mesh is on"),
        ("", Kind.RULED_OUT, "it is too old"),
    ]


def test_what_can_not_be_changed_is_told_with_its_field() -> None:
    vault = KeyVault(name="kv", id="/kv", create=True, soft_delete_days=30)
    observed = Present({**vault.properties(), "softDeleteDays": 90}, {}, "shop")
    made = plan("shop", ResourceGraph([vault]), Observation({vault.address: observed}))
    (finding,) = report(made, [], TODAY).findings
    assert (finding.field, finding.severity) == ("softDeleteDays", Severity.WARNING)
    assert finding.note.startswith("softDeleteDays can't be changed")
    assert finding.effect == "what is deleted is kept for another time"


def test_what_was_seen_beside_the_plan_is_reported_and_ignored_alike() -> None:
    seen = Looked(
        (Finding("secret/a/x", "tls.crt", Kind.OUTDATED, Severity.WARNING),),
        (Unchecked("secret/a/y", "forbidden"), Unchecked("secret/b/z", "forbidden")),
    )
    made = plan("shop", ResourceGraph([ZONE]), Observation({ZONE.address: Present()}))
    assert report(made, [], TODAY, seen) == DriftReport("shop", seen.findings, (), seen.unchecked, 1)
    covered = report(made, [ignore("secret/a/*", "tls.crt")], TODAY, seen)
    assert covered.findings == ()
    assert covered.unchecked == (Unchecked("secret/b/z", "forbidden"),)
    assert [(each.address, each.kind, each.ignored) for each in covered.ignored] == [
        ("secret/a/x", Kind.OUTDATED, "known"),
        ("secret/a/y", Kind.NOT_CHECKED, "known"),
    ]


def test_a_certificate_that_ends_soon_is_a_finding_even_in_sync() -> None:
    observed = Present(CERTIFICATE.properties(), {"expires": "2026-08-10"}, "shop")
    made = plan("shop", ResourceGraph([CERTIFICATE]), Observation({CERTIFICATE.address: observed}))
    (finding,) = report(made, [ignore(CERTIFICATE.address, "enabled")], TODAY).findings
    assert (finding.kind, finding.field) == (Kind.EXPIRING, "expires")
    assert report(made, [ignore(CERTIFICATE.address, "expires")], TODAY).findings == ()
