"""The links of a certificate: current in the vault, the same in the cluster, the same on the wire."""

from __future__ import annotations

from datetime import datetime

from provision.resources.certificate import RenewalTrigger
from provision.verify.evidence import CertificateFacts, Handshake, Unknown, Unreached, VaultVersion
from provision.verify.links import Link, Status, not_checked, ok
from provision.verify.names import is_private
from provision.verify.needs import named

GRACE_DAYS = 3
"""Days after the day of renewal on which the vault may still be about it."""

LAST_DAYS = 7
"""An overdue renewal with fewer days left than this is broken, no longer a warning."""

_TRUST = "trust in the certificate on the wire"

_ROTATION = (
    "The Secrets Store driver takes it over within its rotation interval (2 minutes unless changed) while"
    " secret rotation is on and the identity may read the vault: mend what is broken above."
)


def covers(names: tuple[str, ...], host: str) -> bool:
    """Whether a certificate for `names` is one for `host`.

    A wildcard stands for the whole leftmost label and for one label only (RFC 9525, section 6.3), so a
    wildcard host needs the same wildcard.
    """
    host = host.casefold()
    above = host.partition(".")[2]
    return any(name.casefold() in (host, f"*.{above}") for name in names)


def in_vault(
    address: str, host: str, seen: VaultVersion | Unknown | None, trigger: RenewalTrigger, now: datetime
) -> Link:
    """The current version in Key Vault: enabled, for this host, and not about to end."""
    subject = f"{named(address)} current version"
    if isinstance(seen, Unknown):
        return not_checked("certificate", subject, seen.why)
    if seen is None:
        return Link("certificate", subject, Status.BROKEN, "missing", fix="Mend what is broken above.")
    certificate = seen.certificate
    left = (certificate.not_after - now).days
    shown = f"{certificate.short}, {left} days left"
    if not seen.enabled:
        return Link("certificate", subject, Status.BROKEN, f"{shown}; it is disabled", fix="Enable it.")
    if not covers(certificate.names, host):
        detail = f"{shown}; it is for {', '.join(certificate.names) or 'no name'}, not for {host}"
        fix = f"Add {host} to dnsNames of the certificate in the profile, and apply it."
        return Link("certificate", subject, Status.BROKEN, detail, fix=fix)
    if now < certificate.not_before:
        detail = f"{certificate.short}; it is valid only from {_day(certificate.not_before)}"
        return Link("certificate", subject, Status.BROKEN, detail)
    return _renewal(subject, certificate, trigger, now)


def _renewal(subject: str, certificate: CertificateFacts, trigger: RenewalTrigger, now: datetime) -> Link:
    left = (certificate.not_after - now).days
    shown = f"{certificate.short}, {left} days left"
    fix = "Look at the certificate's policy and its issuer in Key Vault, which renews it."
    if now >= certificate.not_after:
        detail = f"{certificate.short}; it expired on {_day(certificate.not_after)}"
        return Link("certificate", subject, Status.BROKEN, detail, fix=fix)
    lifetime = (certificate.not_after - certificate.not_before).days
    if left < trigger.days(lifetime) - GRACE_DAYS:
        detail = f"{shown}; it should have been renewed {trigger.words(lifetime)}"
        status = Status.BROKEN if left < LAST_DAYS else Status.WARNING
        return Link("certificate", subject, status, detail, fix=fix)
    return ok("certificate", subject, shown)


def in_cluster(
    secret: tuple[str, str], seen: CertificateFacts | Unknown | None, current: VaultVersion | Unknown | None
) -> Link:
    """The Secret must hold the vault's current version."""
    subject = f"certificate in Secret {'/'.join(secret)}"
    if isinstance(seen, Unknown):
        return not_checked("secret", subject, seen.why)
    if seen is None:
        return Link("secret", subject, Status.BROKEN, "missing", fix=_ROTATION)
    if not isinstance(current, VaultVersion):
        return not_checked("secret", subject, f"{seen.short}, and no version in the vault to compare with")
    if seen.sha256 != current.certificate.sha256:
        detail = f"{seen.short}, the vault has {current.certificate.short}"
        return Link("secret", subject, Status.BROKEN, detail, fix=_ROTATION)
    return ok("secret", subject, seen.short)


def on_wire(
    host: str,
    gateway: tuple[str, ...],
    seen: Handshake | Unreached | Unknown | None,
    secret: CertificateFacts | Unknown | None,
    current: VaultVersion | Unknown | None,
) -> Link:
    """What the gateway shows for the host's name must be what the Secret holds, from which it has it.

    Whether that is the vault's current version is the Secret's link; without a Secret it is told here.
    """
    subject = f"certificate on the wire for {host}"
    if isinstance(seen, Unreached):
        return unreached("wire", subject, gateway, seen)
    if seen is None or isinstance(seen, Unknown):
        return not_checked("wire", subject, seen.why if seen else "it was not asked for")
    shown = seen.certificate
    held, where = (secret, "Secret") if isinstance(secret, CertificateFacts) else (None, "vault")
    if held is None and isinstance(current, VaultVersion):
        held = current.certificate
    if held is not None and held.sha256 != shown.sha256:
        fix = "The gateway takes over a new Secret by itself: look at its listener's certificateRefs."
        return Link("wire", subject, Status.BROKEN, f"{shown.short}, the {where} has {held.short}", fix=fix)
    if not covers(shown.names, host):
        detail = f"{shown.short}, for {', '.join(shown.names) or 'no name'}"
        return Link("wire", subject, Status.BROKEN, detail, fix="Browsers refuse it: see the certificate.")
    if held is None:
        return not_checked("wire", subject, f"{shown.short}, and nothing to compare with")
    return ok("wire", subject, shown.short)


def passed_through(
    host: str, gateway: tuple[str, ...], seen: Handshake | Unreached | Unknown | None, now: datetime
) -> Link:
    """What the service itself shows behind a gateway that passes TLS through."""
    subject = f"certificate of the service on the wire for {host}"
    if isinstance(seen, Unreached):
        return unreached("wire", subject, gateway, seen)
    if seen is None or isinstance(seen, Unknown):
        return not_checked("wire", subject, seen.why if seen else "it was not asked for")
    shown = seen.certificate
    fix = "The service brings this certificate: its team renews it."
    if not covers(shown.names, host):
        detail = f"{shown.short}, for {', '.join(shown.names) or 'no name'}"
        return Link("wire", subject, Status.BROKEN, detail, fix=fix)
    left = (shown.not_after - now).days
    if now >= shown.not_after:
        detail = f"{shown.short}; it expired on {_day(shown.not_after)}"
        return Link("wire", subject, Status.BROKEN, detail, fix=fix)
    detail = f"{shown.short}, {left} days left"
    if left < LAST_DAYS:
        return Link("wire", subject, Status.WARNING, detail, fix=fix)
    return ok("wire", subject, detail)


def trust(seen: Handshake) -> Link:
    """Whether this machine trusts what the gateway shows: a matter of its own, and no more than a warning."""
    if not seen.distrust:
        return ok("trust", _TRUST)
    if seen.certificate.self_signed:
        detail = "self-signed: only clients that were given this certificate trust it"
        return Link("trust", _TRUST, Status.WARNING, detail)
    fix = (
        "An issuer of one's own must be known to clients; a public one needs its intermediates in the chain."
    )
    return Link("trust", _TRUST, Status.WARNING, seen.distrust, fix=fix)


def unreached(kind: str, subject: str, gateway: tuple[str, ...], seen: Unreached) -> Link:
    """An address without an answer: broken, unless it is one that only its own network can reach."""
    if gateway and is_private(gateway[0]) and not seen.connected:
        why = f"{seen.why}: a private address, ask from inside of its network"
        return not_checked(kind, subject, why)
    fix = "Look at the load balancer, and at network security groups and firewalls on the way."
    return Link(kind, subject, Status.BROKEN, seen.why, fix=fix)


def _day(moment: datetime) -> str:
    return moment.date().isoformat()
