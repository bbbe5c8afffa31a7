"""What certificates must be like, checked on what was read and before anything is written."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from provision.errors import ProvisionError
from provision.ingress.certificate_rules import covers
from provision.plan.plan import Observation
from provision.profile.model import Certificate as Declared
from provision.profile.model import Profile
from provision.resources.certificate import PKCS12, UNKNOWN, Certificate, RenewalTrigger
from provision.resources.observed import Present


def problems(profile: Profile, observation: Observation, today: date) -> list[ProvisionError]:
    """Why hosts can't be served with certificates of others: what is ours the plan itself puts right."""
    return [
        error
        for name, declared in profile.certificates.items()
        if not declared.managed
        for error in _of_others(profile, name, declared, observation, today)
    ]


def warnings(profile: Profile, observation: Observation, today: date) -> list[str]:
    """Certificates that should have been renewed by now, and current versions that are not as their hosts
    need them. Of imported ones the file tells, which is what the vault is to hold."""
    return [
        text
        for name, declared in profile.certificates.items()
        if declared.import_ is None and (observed := _observed(name, declared, observation))
        for text in _doubts(profile, name, declared, observed, today)
    ]


def _doubts(profile: Profile, name: str, declared: Declared, observed: Present, today: date) -> Iterator[str]:
    left = _days_left(observed, today)
    lifetime = observed.outputs.get("lifetime")
    lifetime = lifetime if isinstance(lifetime, int) else 0
    trigger = RenewalTrigger(declared.renew_before_days, declared.renew_at_percent)
    what_now = _what_now(name, declared, trigger.words(lifetime))
    if left is not None and 0 <= left < trigger.days(lifetime):
        yield f"certificate {name} expires in {left} days: {what_now}"
    elif left is not None and left < 0 and declared.managed:
        yield f"certificate {name} expired on {observed.outputs['expires']}: {what_now}"
    hosts = [host for host, each in profile.hosts.items() if each.certificate == name]
    if declared.managed:
        # The vault makes it for the names of its policy; what somebody merged may be for any.
        names = _names(observed) if _as_declared(observed, declared) else []
        for host in hosts:
            if names and not any(covers(each, host) for each in names):
                yield (
                    f"the current version of certificate {name} is for {', '.join(names)}, not for {host}:"
                    f" {what_now}"
                )
    elif hosts and observed.outputs.get("selfSigned") and profile.stage == "production":
        yield f"certificate {name} is self-signed: browsers refuse it"


def _as_declared(observed: Present, declared: Declared) -> bool:
    """Whether the policy has the profile's names already; otherwise the plan makes a new version."""
    names = observed.properties.get("dnsNames")
    return isinstance(names, frozenset) and {str(each).lower() for each in names} == set(declared.dns_names)


def _names(observed: Present) -> list[str]:
    names = observed.outputs.get("names")
    return [str(each).lower() for each in names] if isinstance(names, tuple) else []


def _what_now(name: str, declared: Declared, due: str) -> str:
    if declared.issuer == UNKNOWN and declared.managed:
        return f"request a new one with provision certificate csr PROFILE {name}"
    return f"Key Vault should have renewed it {due}; see its issuer"


def _of_others(
    profile: Profile, name: str, declared: Declared, observation: Observation, today: date
) -> Iterator[ProvisionError]:
    observed = _observed(name, declared, observation)
    if observed is None:
        return  # missing or unread: the plan says so by itself
    doing = f"checking certificate {declared.vault}/{name}"
    show = f"az keyvault certificate show --vault-name {declared.vault} --name {name}"
    hosts = [host for host, each in profile.hosts.items() if each.certificate == name]
    for why in _faults(observed, hosts, today):
        yield ProvisionError(
            doing, why, "It is kept by others (managed: false): have it mended, or name another one:", show
        )


def _faults(observed: Present, hosts: list[str], today: date) -> Iterator[str]:
    read = observed.properties
    if not read.get("enabled"):
        yield "it is disabled"
    if read.get("exportable") is False:
        yield "its private key can't be read, as an ingress must"
    if read.get("contentType") not in (PKCS12, None):
        yield f"its secret is {read['contentType']}, and the ingress options read {PKCS12}"
    known = _names(observed)
    for host in hosts:
        if not any(covers(each, host) for each in known):
            yield f"it is for {', '.join(known) or 'no name'}, not for {host}"
    left = _days_left(observed, today)
    if left is not None and left < 0:
        yield f"it expired on {observed.outputs['expires']}"


def _observed(name: str, declared: Declared, observation: Observation) -> Present | None:
    found = observation.objects.get(f"{Certificate.KIND}/{declared.vault}/{name}")
    return found if isinstance(found, Present) else None


def _days_left(observed: Present, today: date) -> int | None:
    expires = observed.outputs.get("expires")
    return (date.fromisoformat(expires) - today).days if isinstance(expires, str) else None
