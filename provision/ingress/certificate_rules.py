"""Rules for certificates, and for hosts that use them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from provision.errors import Problem
from provision.ingress import catalog, features
from provision.ingress.controller_rules import unknown
from provision.profile.loaded import LoadedProfile
from provision.profile.model import AppRouting, Certificate, Istio
from provision.resources.certificate import SELF, UNKNOWN

_POLICY = (
    *("dnsNames", "issuer", "certificateType", "subject", "validityMonths", "renewal", "keyType", "keySize"),
    *("curve", "reuseKey", "exportable", "keyUsage", "extendedKeyUsage"),
)
"""What only a certificate made by policy has."""
_PART_OF_SUBJECT = re.compile(
    r'\s*(?P<type>[A-Za-z]+|\d+(?:\.\d+)+)\s*=\s*(?P<value>"(?:[^"]|"")+"|(?:\\.|[^,;"\\])+?)\s*(?:[,;]|$)'
)
_COMMON_NAME = 64
"""Characters of a common name at most. Source: RFC 5280, appendix A.1, `ub-common-name`."""
_TAGS, _TAG_VALUE = 15, 256
"""Tags of what is in a vault, and characters of each. Source: "About Azure Key Vault secrets",
https://learn.microsoft.com/azure/key-vault/secrets/about-secrets, of keys and certificates too."""
_OUR_TAGS = 2


def _certificates_have_vaults(loaded: LoadedProfile) -> Iterator[Problem]:
    profile = loaded.profile
    for name, certificate in profile.certificates.items():
        if certificate.vault not in profile.vaults:
            path = ("certificates", name, "vault")
            yield loaded.problem(path, *unknown("vault", certificate.vault, "vaults", profile.vaults))


def _what_they_come_from(loaded: LoadedProfile) -> Iterator[Problem]:
    """Only what Key Vault makes has a policy, and it must be told for whom."""
    for name, certificate in loaded.profile.certificates.items():
        path = ("certificates", name)
        if certificate.import_ and not certificate.managed:
            message = f"certificate {name} is somebody else's, so nothing is imported for it"
            yield loaded.problem((*path, "import"), message, "Remove import, or managed: false.")
        elif certificate.import_ or not certificate.managed:
            why = "comes from a file" if certificate.import_ else "is somebody else's"
            keys = _POLICY if certificate.import_ else (*_POLICY, "contentType", "enabled", "tags")
            for key in keys:
                if loaded.is_written((*path, key)):
                    message = f"certificate {name} {why}, so its {key} is not ours to say"
                    yield loaded.problem((*path, key), message, f"Remove {key}.")
        elif not certificate.dns_names:
            message = f"certificate {name} is for no host"
            hint = "Add dnsNames; or import, or managed: false, where the names come with the certificate."
            yield loaded.problem(path, message, hint)


def _issuers(loaded: LoadedProfile) -> Iterator[Problem]:
    for name, certificate in loaded.profile.certificates.items():
        path = ("certificates", name)
        vault = loaded.profile.vaults.get(certificate.vault)
        for known in (SELF, UNKNOWN, *(vault.issuers if vault else ())):
            # Azure ignores case and answers its own, which would be a difference for ever.
            if certificate.issuer != known and certificate.issuer.lower() == known.lower():
                message = f"issuer `{certificate.issuer}` of certificate {name} is called {known}"
                yield loaded.problem((*path, "issuer"), message, f"Write {known}.")
        if certificate.issuer == UNKNOWN and certificate.renewal == "automatic":
            message = f"certificate {name} has issuer Unknown, of which Key Vault can't renew a certificate"
            yield loaded.problem((*path, "renewal"), message, "Write renewal: reminder.")
        if certificate.certificate_type and certificate.issuer in (SELF, UNKNOWN):
            message = f"certificate {name} is asked of no issuer, so there is nobody to read certificateType"
            yield loaded.problem((*path, "certificateType"), message, "Remove it, or name an issuer.")


def _subjects_are_names(loaded: LoadedProfile) -> Iterator[Problem]:
    """Key Vault takes X.500 names, the most specific part first."""
    for name, certificate in loaded.profile.certificates.items():
        path = ("certificates", name)
        if certificate.import_ or not certificate.managed:
            continue
        parts = _parts(certificate.subject) if certificate.subject is not None else []
        if parts is None:
            message = f"subject `{certificate.subject}` of certificate {name} is no X.500 name"
            yield loaded.problem((*path, "subject"), message, "Write it as CN=contoso.com, O=Contoso, C=US.")
            continue
        names = [value for kind, value in parts if kind.upper() == "CN"]
        hosts = certificate.dns_names[:1] if certificate.subject is None else ()
        for common in (*names, *hosts):
            if len(common) > _COMMON_NAME:
                message = f"the common name of certificate {name} has {len(common)} characters, not at most"
                hint = "Put a shorter name first in dnsNames, or write a subject with another CN."
                place = (*path, "subject") if names else (*path, "dnsNames", 0)
                yield loaded.problem(place, f"{message} {_COMMON_NAME}", hint)


def _parts(subject: str) -> list[tuple[str, str]] | None:
    """Type and value of each part of a name, None where it is none."""
    found: list[tuple[str, str]] = []
    end = 0
    while end < len(subject):
        part = _PART_OF_SUBJECT.match(subject, end)
        if part is None:
            return None
        found.append((part["type"], part["value"].strip('"')))
        end = part.end()
    return found or None


def _tags_fit(loaded: LoadedProfile) -> Iterator[Problem]:
    for name, certificate in loaded.profile.certificates.items():
        path = ("certificates", name, "tags")
        most = _TAGS - _OUR_TAGS
        if len(certificate.tags) > most:
            message = f"certificate {name} has {len(certificate.tags)} tags"
            hint = f"Key Vault takes {_TAGS}, of which provision needs {_OUR_TAGS}: {most} are left."
            yield loaded.problem(path, message, hint)
        for tag, value in certificate.tags.items():
            if len(value) > _TAG_VALUE:
                message = f"tag {tag} of certificate {name} has {len(value)} characters"
                yield loaded.problem((*path, tag), message, f"Key Vault takes {_TAG_VALUE}.")


def _certificates_renew_in_time(loaded: LoadedProfile) -> Iterator[Problem]:
    """A policy goes by days or by a percentage; Key Vault refuses more days than its rule allows."""
    per_month = catalog.RENEWAL_DAYS_PER_MONTH.value
    for name, certificate in loaded.profile.certificates.items():
        path = ("certificates", name)
        if all(loaded.is_written((*path, key)) for key in ("renewBeforeDays", "renewAtPercent")):
            message = f"certificate {name} is renewed by days or by percentage of its lifetime, not both"
            hint = "Remove one of them; null instead of a value undoes what the profile extends."
            yield loaded.problem((*path, "renewAtPercent"), message, hint)
        if certificate.import_ or not certificate.managed:
            continue
        most = certificate.validity_months * per_month
        if certificate.renew_at_percent is None and certificate.renew_before_days > most:
            days, months = certificate.renew_before_days, certificate.validity_months
            message = (
                f"certificate {name} can't be renewed {days} days before expiry with validityMonths: {months}"
            )
            hint = f"Key Vault takes at most {per_month} days for each month of validity: {most} here."
            yield loaded.problem((*path, "renewBeforeDays"), message, hint)


def _keys_fit_their_type(loaded: LoadedProfile) -> Iterator[Problem]:
    for name, certificate in loaded.profile.certificates.items():
        misplaced = "curve" if certificate.key_type.startswith("RSA") else "keySize"
        path = ("certificates", name, misplaced)
        if loaded.is_written(path):
            wanted = {"curve": "keySize", "keySize": "curve"}[misplaced]
            message = f"certificate {name} has an {certificate.key_type} key, which has no {misplaced}"
            yield loaded.problem(path, message, f"Remove it, or write {wanted}.")
        if certificate.key_type.endswith("-HSM") and certificate.exportable:
            message = f"certificate {name} has an {certificate.key_type} key, which can't leave its HSM"
            path = ("certificates", name, "keyType")
            yield loaded.problem(path, message, "Write exportable: false, or another keyType.")
        vault = loaded.profile.vaults.get(certificate.vault)
        if certificate.key_type.endswith("-HSM") and vault and vault.create and vault.sku != "premium":
            message = (
                f"certificate {name} has an {certificate.key_type} key, which a standard vault can't make"
            )
            path = ("certificates", name, "keyType")
            yield loaded.problem(path, message, f"Write sku: premium at vaults.{certificate.vault}.")


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
        elif certificate and (unusable := _unusable(certificate)):
            message = f"host {name} can't be served with certificate {host.certificate}: {unusable[0]}"
            yield loaded.problem(path, message, unusable[1])
        elif certificate and not _is_for(certificate, name):
            # One in a file may have a common name alone, which browsers do not look at.
            names = ", ".join(certificate.dns_names) or "no DNS name"
            message = f"certificate {host.certificate} is for {names}, not for {name}"
            hint = (
                f"Put a certificate for {name} into {certificate.import_.file}."
                if certificate.import_
                else f"Add {name} to certificates.{host.certificate}.dnsNames."
            )
            yield loaded.problem(path, message, hint)


def _default_certificate_is_usable(loaded: LoadedProfile) -> Iterator[Problem]:
    ingress = loaded.profile.ingress
    name = ingress.default_certificate if isinstance(ingress, AppRouting) else None
    certificate = loaded.profile.certificates.get(name or "")
    if certificate and (unusable := _unusable(certificate)):
        message = f"unknown hosts can't be shown certificate {name}: {unusable[0]}"
        yield loaded.problem(("ingress", "defaultCertificate"), message, unusable[1])


def _unusable(certificate: Certificate) -> tuple[str, str] | None:
    """Why an ingress could not read a certificate, and what to do. The Secrets Store driver reads the secret
    behind it, in PKCS#12. Source: "Application routing add-on: TLS with Key Vault", Microsoft Learn, 2026-06.
    """
    if not certificate.managed:
        return None
    if not certificate.exportable:
        return "its private key can't be read", "Write exportable: true."
    if certificate.content_type != "pkcs12":
        return "its secret is PEM, and the ingress options read PKCS#12", "Remove contentType."
    if not certificate.enabled:
        return "it is disabled", "Remove enabled: false."
    return None


def _is_for(certificate: Certificate, host: str) -> bool:
    """Whether the certificate covers a host, as far as the profile can tell."""
    if not certificate.managed or (certificate.import_ and not certificate.import_.thumbprint):
        return True
    return any(covers(each, host) for each in certificate.dns_names)


def covers(dns_name: str, host: str) -> bool:
    """Whether a certificate's name is good for a host; `*` stands for exactly one label (RFC 6125)."""
    return dns_name == host or (dns_name.startswith("*.") and dns_name[2:] == host.partition(".")[2])


def _self_signed(loaded: LoadedProfile) -> Iterator[Problem]:
    profile = loaded.profile
    used = {host.certificate for host in profile.hosts.values()}
    for name, certificate in profile.certificates.items() if profile.stage == "production" else ():
        made = certificate.managed and certificate.import_ is None
        if made and certificate.issuer == SELF and name in used:
            message = f"certificate {name} is self-signed: browsers refuse it"
            hint = "Name an issuer, or write stage: development."
            yield loaded.problem(("certificates", name), message, hint)


def _shared_connections(loaded: LoadedProfile) -> Iterator[Problem]:
    """A browser uses a connection for every host that its certificate is for and its address serves, but
    Envoy looks for routes only among those of the listener that the connection was opened for.

    Source: Istio, "404 errors occur when multiple gateways configured with same TLS certificate", 2026-06.
    """
    profile = loaded.profile
    shared = isinstance(profile.ingress, Istio) and profile.ingress.api == "istio"
    secure = [(name, host) for name, host in profile.hosts.items() if host.certificate]
    for name, host in secure if features.variant_of(profile).envoy else ():
        for other, opened in secure:
            names = profile.certificates[opened.certificate or ""].dns_names
            same_gateway = other != name and (opened.namespace == host.namespace or shared)
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
    _what_they_come_from,
    _issuers,
    _subjects_are_names,
    _tags_fit,
    _certificates_renew_in_time,
    _keys_fit_their_type,
    _hosts_have_certificates,
    _default_certificate_is_usable,
)


def warnings(loaded: LoadedProfile) -> list[Problem]:
    """What is allowed but deserves a look."""
    return [*_self_signed(loaded), *_shared_connections(loaded)]
