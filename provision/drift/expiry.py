"""Certificates that end soon: what a vault should have renewed, and what nobody will renew in time."""

from __future__ import annotations

from datetime import date

from provision.drift.findings import Finding, Kind
from provision.drift.severity import Severity
from provision.plan.change import Change
from provision.resources.certificate import Certificate
from provision.resources.observed import Present
from provision.verify.certificates import GRACE_DAYS, LAST_DAYS

FIELD = "expires"


def findings(change: Change, today: str) -> list[Finding]:
    """At most one finding of a certificate's current version. `today` is `YYYY-MM-DD`.

    It is an error in the last days and afterwards, before that a warning from the day on which the vault
    should have renewed it, with some days of grace.
    """
    observed, certificate = change.observed, change.resource
    if not isinstance(certificate, Certificate) or not isinstance(observed, Present):
        return []
    expires = observed.outputs.get("expires")
    if not isinstance(expires, str):
        return []
    left = (date.fromisoformat(expires) - date.fromisoformat(today)).days
    lifetime = observed.outputs.get("lifetime")
    lifetime = lifetime if isinstance(lifetime, int) else 0
    renewal = certificate.renewal_trigger.days(lifetime)
    overdue = f"it should have been renewed {certificate.renewal_trigger.words(lifetime)}"
    if left < 0:
        severity, note = Severity.ERROR, f"it ended on {expires}"
    elif left < LAST_DAYS:
        severity, note = Severity.ERROR, f"{_days(left)} left" + (f"; {overdue}" if left < renewal else "")
    elif left < renewal - GRACE_DAYS:
        severity, note = Severity.WARNING, f"{_days(left)} left; {overdue}"
    else:
        return []
    return [Finding(change.address, FIELD, Kind.EXPIRING, severity, observed=expires, note=note)]


def _days(count: int) -> str:
    return "1 day" if count == 1 else f"{count} days"
