"""The cluster's copies of certificates: is each Secret what the vault has now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from provision.drift.findings import CONTENT, Finding, Kind, Looked, Unchecked
from provision.drift.severity import Severity
from provision.ingress.hosts import HostChain
from provision.plan.plan import Plan
from provision.resources.manifest import Manifest
from provision.resources.observed import Present
from provision.verify.certificates import LAST_DAYS
from provision.verify.evidence import CertificateFacts, Unknown

SecretName = tuple[str, str]
"""Namespace and name."""


@dataclass(frozen=True, slots=True)
class Copy:
    """A Secret and the certificate that it must hold: `thumbprint` is SHA-1 in upper-case hex.

    `front` is the object that asks for it, through whose cluster it is reached.
    """

    secret: SecretName
    certificate: str
    thumbprint: str
    front: Manifest

    @property
    def address(self) -> str:
        return f"secret/{'/'.join(self.secret)}"


def copies(plan: Plan, chains: Iterable[HostChain]) -> tuple[Copy, ...]:
    """The Secrets of the hosts as far as both ends are there: what is missing otherwise is told elsewhere."""
    changes = {change.address: change for change in plan.changes}
    found: dict[SecretName, Copy] = {}
    for chain in chains:
        certificate, front = changes.get(chain.certificate or ""), changes.get(chain.front)
        if chain.secret is None or certificate is None or front is None:
            continue
        if not isinstance(certificate.observed, Present) or not isinstance(front.observed, Present):
            continue
        thumbprint = certificate.observed.outputs.get("thumbprint")
        if isinstance(thumbprint, str) and isinstance(front.resource, Manifest):
            found[chain.secret] = Copy(chain.secret, certificate.address, thumbprint, front.resource)
    return tuple(found.values())


def judge(
    wanted: Iterable[Copy], seen: Mapping[SecretName, CertificateFacts | Unknown | None], today: str
) -> Looked:
    """What is to be said of each. `today` is `YYYY-MM-DD`.

    An old copy still serves until it ends, so that it is an error only in its last days.
    """
    findings: list[Finding] = []
    unchecked: list[Unchecked] = []
    for copy in wanted:
        there = seen.get(copy.secret)
        if isinstance(there, Unknown):
            unchecked.append(Unchecked(copy.address, there.why))
        elif there is None:
            findings.append(Finding(copy.address, "", Kind.MISSING, Severity.ERROR))
        elif there.sha1 != copy.thumbprint:
            findings.append(_outdated(copy, there, today))
    return Looked(tuple(findings), tuple(unchecked))


def _outdated(copy: Copy, there: CertificateFacts, today: str) -> Finding:
    left = (there.not_after.date() - date.fromisoformat(today)).days
    severity = Severity.ERROR if left < LAST_DAYS else Severity.WARNING
    return Finding(
        copy.address,
        CONTENT,
        Kind.OUTDATED,
        severity,
        desired=copy.thumbprint,
        observed=there.sha1,
        note=f"{copy.certificate} has another version; this one ends on {there.not_after.date().isoformat()}",
    )
