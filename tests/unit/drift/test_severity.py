"""How much a difference matters."""

from __future__ import annotations

from unittest.mock import create_autospec

import pytest

from provision.drift.severity import RULES, Severity, of_field, of_missing
from provision.plan.change import FieldChange
from provision.providers.azure.clients import Clients
from provision.providers.azure.handlers import azure_handlers
from provision.resources.managed_cluster import GATEWAY_API, SECRET_ROTATION


@pytest.mark.parametrize(
    ("kind", "path", "before", "severity"),
    [
        ("managed_cluster", SECRET_ROTATION, "false", Severity.ERROR),
        ("managed_cluster", GATEWAY_API, "Disabled", Severity.ERROR),
        ("certificate", "enabled", False, Severity.ERROR),
        ("certificate", "renewBeforeDays", 5, Severity.WARNING),
        ("certificate", "renewAtPercent", None, Severity.WARNING),
        ("certificate", "renewal", None, Severity.ERROR),
        ("certificate", "keySize", 4096, Severity.WARNING),
        ("certificate", "dnsNames", frozenset(), Severity.ERROR),
        ("key_vault", "authorization", "access-policy", Severity.ERROR),
        ("key_vault", "sku", "premium", Severity.WARNING),
        ("certificate_issuer", "accountId", "1", Severity.ERROR),
        ("certificate_issuer", "administrators", (), Severity.INFO),
        ("certificate_contacts", "contacts", (), Severity.INFO),
        ("record_set", "ttl", 60, Severity.WARNING),
        ("dns_zone", "tags.owner", "x", Severity.INFO),
        ("something_new", "anything", 1, Severity.ERROR),
    ],
)
def test_the_severity_of_a_field(kind: str, path: str, before: object, severity: Severity) -> None:
    found, effect = of_field(kind, FieldChange(path, before, "wanted"))  # type: ignore[arg-type]
    assert found is severity
    assert effect == effect.strip(" .;")


def test_the_effect_is_told() -> None:
    _, effect = of_field("managed_cluster", FieldChange(SECRET_ROTATION, "false", "true"))
    assert effect == "renewed certificates never reach the cluster"


def test_the_severity_of_what_is_missing() -> None:
    assert [of_missing(kind) for kind in ("certificate", "record_set", "certificate_contacts")] == [
        Severity.ERROR,
        Severity.WARNING,
        Severity.INFO,
    ]


def test_every_rule_is_for_a_kind_that_there_is() -> None:
    kinds = set(azure_handlers(create_autospec(Clients, instance=True)))
    assert {rule.kind for rule in RULES} - {"*"} <= kinds


@pytest.mark.parametrize(
    ("severity", "least", "reaches"),
    [
        (Severity.ERROR, Severity.ERROR, True),
        (Severity.WARNING, Severity.ERROR, False),
        (Severity.WARNING, Severity.WARNING, True),
        (Severity.INFO, Severity.WARNING, False),
        (Severity.INFO, Severity.INFO, True),
    ],
)
def test_which_severities_reach_a_level(severity: Severity, least: Severity, reaches: bool) -> None:
    assert severity.reaches(least) is reaches
