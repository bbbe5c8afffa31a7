"""Rules for certificates, and for hosts that use them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from provision.errors import Problem
from provision.ingress import catalog, features
from provision.ingress.controller_rules import unknown
from provision.profile.loaded import LoadedProfile


def _certificates_have_vaults(loaded: LoadedProfile) -> Iterator[Problem]:
    profile = loaded.profile
    for name, certificate in profile.certificates.items():
        if certificate.vault not in profile.vaults:
            path = ("certificates", name, "vault")
            yield loaded.problem(path, *unknown("vault", certificate.vault, "vaults", profile.vaults))


def _certificates_renew_in_time(loaded: LoadedProfile) -> Iterator[Problem]:
    per_month = catalog.RENEWAL_DAYS_PER_MONTH.value
    for name, certificate in loaded.profile.certificates.items():
        most = certificate.validity_months * per_month
        if certificate.renew_before_days > most:
            days, months = certificate.renew_before_days, certificate.validity_months
            message = (
                f"certificate {name} can't be renewed {days} days before expiry with validityMonths: {months}"
            )
            hint = f"Key Vault takes at most {per_month} days for each month of validity: {most} here."
            yield loaded.problem(("certificates", name, "renewBeforeDays"), message, hint)


def _keys_fit_their_type(loaded: LoadedProfile) -> Iterator[Problem]:
    for name, certificate in loaded.profile.certificates.items():
        misplaced = "curve" if certificate.key_type == "RSA" else "keySize"
        path = ("certificates", name, misplaced)
        if loaded.is_written(path):
            wanted = {"curve": "keySize", "keySize": "curve"}[misplaced]
            message = f"certificate {name} has an {certificate.key_type} key, which has no {misplaced}"
            yield loaded.problem(path, message, f"Remove it, or write {wanted}.")


def _hosts_have_certificates(loaded: LoadedProfile) -> Iterator[Problem]:
    profile = loaded.profile
    for name, host in profile.hosts.items():
        path = ("hosts", name, "certificate")
        certificate = profile.certificates.get(host.certificate or "")
        if host.tls == "passthrough" and host.certificate:
            message = f"host {name} passes TLS through, so the gateway shows no certificate"
            yield loaded.problem(path, message, "Remove certificate, or tls: passthrough.")
        elif host.tls == "mutual" and not host.certificate:
            message = f"host {name} has tls: mutual, but no certificate"
            yield loaded.problem(("hosts", name, "tls"), message, "Add certificate.")
        elif host.certificate and certificate is None:
            yield loaded.problem(
                path, *unknown("certificate", host.certificate, "certificates", profile.certificates)
            )
        elif certificate and not any(covers(each, name) for each in certificate.dns_names):
            names = ", ".join(certificate.dns_names)
            message = f"certificate {host.certificate} is for {names}, not for {name}"
            hint = f"Add {name} to certificates.{host.certificate}.dnsNames."
            yield loaded.problem(path, message, hint)


def covers(dns_name: str, host: str) -> bool:
    """Whether a certificate's name is good for a host; `*` stands for exactly one label (RFC 6125)."""
    return dns_name == host or (dns_name.startswith("*.") and dns_name[2:] == host.partition(".")[2])


def _shared_connections(loaded: LoadedProfile) -> Iterator[Problem]:
    """A browser uses a connection for every host that its certificate is for and its address serves, but
    Envoy looks for routes only among those of the listener that the connection was opened for.

    Source: Istio, "404 errors occur when multiple gateways configured with same TLS certificate", 2026-06.
    """
    profile = loaded.profile
    secure = [(name, host) for name, host in profile.hosts.items() if host.certificate]
    for name, host in secure if features.variant_of(profile).gateway_api else ():
        for other, opened in secure:
            names = profile.certificates[opened.certificate or ""].dns_names
            same_gateway = other != name and opened.namespace == host.namespace
            if same_gateway and any(covers(each, name) for each in names):
                message = (
                    f"browsers may ask for {name} on a connection to {other}, whose certificate"
                    f" {opened.certificate} is for both, and get 404"
                )
                hint = "Give each host a certificate for it alone."
                yield loaded.problem(("hosts", name, "certificate"), message, hint)
                break


RULES: tuple[Callable[[LoadedProfile], Iterator[Problem]], ...] = (
    _certificates_have_vaults,
    _certificates_renew_in_time,
    _keys_fit_their_type,
    _hosts_have_certificates,
)


def warnings(loaded: LoadedProfile) -> list[Problem]:
    """What is allowed but deserves a look."""
    return list(_shared_connections(loaded))
