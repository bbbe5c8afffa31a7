"""The last link: what a request for the host is answered."""

from __future__ import annotations

from provision.verify.certificates import unreached
from provision.verify.evidence import CertificateWanted, HttpAnswer, Unknown, Unreached
from provision.verify.links import Link, Status, not_checked, ok

_MEANINGS = {
    404: ("no route matches this host, or its service has nothing at /", "Look at hostnames and rules."),
    500: ("the service fails", "Look at the service's own logs."),
    502: ("the gateway could not talk to the service", "Look at the port and protocol of the service."),
    503: ("no healthy endpoint behind the service", "Look at the service's pods and their readiness."),
    504: ("the service did not answer in time", "Look at the service's own logs."),
}


_Answer = HttpAnswer | CertificateWanted | Unreached | Unknown


def anonymous(host: str, gateway: tuple[str, ...], seen: _Answer | None) -> Link:
    """With mutual TLS nobody is answered who shows no certificate."""
    subject = f"GET https://{host}/ without a client certificate"
    if isinstance(seen, CertificateWanted):
        return ok("http", subject, "refused, as it must be")
    if isinstance(seen, HttpAnswer):
        told = f"{seen.status}: the gateway lets clients in that show no certificate"
        fix = "Look at the TLS mode of the host's listener, and at what terminates TLS before it."
        return Link("http", subject, Status.BROKEN, told, fix=fix)
    if isinstance(seen, Unreached):
        return unreached("http", subject, gateway, seen)
    return not_checked("http", subject, seen.why if seen else "it was not asked for")


def http(
    host: str,
    gateway: tuple[str, ...],
    secure: bool,
    seen: _Answer,
    redirect: _Answer | None,
    *,
    envoy: bool,
) -> Link:
    """The answer to GET / at the gateway's address with the host's name. `envoy`: the gateway is one, which
    marks what comes from a service; NGINX passes a service's 404 on as it would say it itself."""
    subject = f"GET {'https' if secure else 'http'}://{host}/"
    if isinstance(seen, Unreached):
        return unreached("http", subject, gateway, seen)
    if isinstance(seen, Unknown):
        return not_checked("http", subject, seen.why)
    if isinstance(seen, CertificateWanted):
        told = "the gateway asks for a client certificate, and the profile does not"
        return Link("http", subject, Status.BROKEN, told, fix="Write tls: mutual, or mend the gateway.")
    detail = f"{seen.status}{_where_to(seen)}" + ("" if secure else ", plain HTTP: no certificate")
    if seen.status < 400:
        return ok("http", subject, detail + _plain(redirect))
    if seen.status == 404 and seen.from_service:
        return Link("http", subject, Status.WARNING, f"{detail}: the service answers, and has nothing at /")
    if seen.status == 404 and not envoy:
        told = f"{detail}: the service has nothing at /, or the controller does not know the host"
        return Link("http", subject, Status.WARNING, told)
    if seen.status < 500 and seen.status != 404:
        return Link("http", subject, Status.WARNING, f"{detail}: the way is open, the request is refused")
    meaning, fix = _MEANINGS.get(seen.status, _MEANINGS[500])
    return Link("http", subject, Status.BROKEN, f"{detail}: {meaning}", fix=fix)


def _where_to(answer: HttpAnswer) -> str:
    return f" → {answer.location}" if answer.location else ""


def _plain(redirect: _Answer | None) -> str:
    """What plain HTTP does where the host has a certificate; silent when nothing listens there."""
    if not isinstance(redirect, HttpAnswer):
        return ""
    return f"; plain HTTP: {redirect.status}{_where_to(redirect)}"
