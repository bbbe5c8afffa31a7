"""How much a difference matters: one table, with what it leads to."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase

from provision.plan.change import FieldChange
from provision.resources.certificate import Certificate
from provision.resources.dns import RecordSet
from provision.resources.issuer import CertificateContacts, CertificateIssuer
from provision.resources.managed_cluster import SECRET_ROTATION, SECRETS_PROVIDER, ManagedCluster
from provision.resources.vault import KeyVault


class Severity(StrEnum):
    """How much it matters: `error` can stop traffic or renewals or lets somebody in, `warning` means that
    something is not as wanted while traffic goes on, `info` touches neither."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"

    def reaches(self, least: Severity) -> bool:
        """Whether it matters at least as much as `least`."""
        order = list(Severity)
        return order.index(self) <= order.index(least)


@dataclass(frozen=True, slots=True)
class Rule:
    """A field of a kind (`*` matches any part of its path), its severity and what a difference leads to."""

    kind: str
    path: str
    severity: Severity
    effect: str


_NEXT = "it concerns the next version of the certificate"

RULES: tuple[Rule, ...] = (
    Rule(
        ManagedCluster.KIND, SECRET_ROTATION, Severity.ERROR, "renewed certificates never reach the cluster"
    ),
    Rule(ManagedCluster.KIND, SECRETS_PROVIDER, Severity.ERROR, "certificates do not reach the cluster"),
    Rule(Certificate.KIND, "enabled", Severity.ERROR, "nobody can read the certificate, nor is it renewed"),
    Rule(Certificate.KIND, "renewal", Severity.ERROR, "the vault does with its end what was not asked for"),
    Rule(Certificate.KIND, "renewBeforeDays", Severity.WARNING, "it is renewed on another day"),
    Rule(Certificate.KIND, "renewAtPercent", Severity.WARNING, "it is renewed on another day"),
    Rule(Certificate.KIND, "validityMonths", Severity.WARNING, _NEXT),
    Rule(Certificate.KIND, "subject", Severity.WARNING, _NEXT),
    Rule(Certificate.KIND, "key*", Severity.WARNING, _NEXT),
    Rule(Certificate.KIND, "curve", Severity.WARNING, _NEXT),
    Rule(Certificate.KIND, "extendedKeyUsage", Severity.WARNING, _NEXT),
    Rule(Certificate.KIND, "reuseKey", Severity.WARNING, _NEXT),
    Rule(Certificate.KIND, "certificateType", Severity.WARNING, _NEXT),
    Rule(KeyVault.KIND, "sku", Severity.WARNING, "certificates work in either tier"),
    Rule(KeyVault.KIND, "purgeProtection", Severity.ERROR, "what is deleted can be destroyed for good"),
    Rule(KeyVault.KIND, "softDeleteDays", Severity.WARNING, "what is deleted is kept for another time"),
    Rule(KeyVault.KIND, "authorization", Severity.ERROR, "role assignments at the vault have no effect"),
    Rule(CertificateIssuer.KIND, "administrators", Severity.INFO, "certificates are issued all the same"),
    Rule(CertificateContacts.KIND, "*", Severity.INFO, "it decides only who gets mail"),
    Rule(RecordSet.KIND, "*", Severity.WARNING, ""),
    Rule("*", "tags.*", Severity.INFO, ""),
)
"""The first that matches holds. What matches none is an error: better too loud than too quiet."""

_MISSING = {RecordSet.KIND: Severity.WARNING, CertificateContacts.KIND: Severity.INFO}


def of_field(kind: str, field: FieldChange) -> tuple[Severity, str]:
    """The severity of a differing field, and what that leads to where it is no matter of course."""
    for rule in RULES:
        if fnmatchcase(kind, rule.kind) and fnmatchcase(field.path, rule.path):
            return rule.severity, rule.effect
    return Severity.ERROR, ""


def of_missing(kind: str) -> Severity:
    """The severity of an object of that kind not being there."""
    return _MISSING.get(kind, Severity.ERROR)
