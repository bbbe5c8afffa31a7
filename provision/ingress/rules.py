"""Rules between the values of a profile that hold without looking at Azure.

Each rule is a function from a loaded profile to its problems, listed in `RULES`. What options can do and
where services have limits is read from `ingress/`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from provision.errors import Problem
from provision.ingress import (
    catalog,
    certificate_rules,
    controller_rules,
    dns_rules,
    dns_warnings,
    features,
    gateway_facts,
    gateway_rules,
    mesh_rules,
    variants,
    vault_rules,
)
from provision.profile.loaded import LoadedProfile
from provision.profile.model import ApplicationGateway, AppRouting
from provision.profile.nodes import few

Rule = Callable[[LoadedProfile], Iterator[Problem]]


def problems(loaded: LoadedProfile) -> list[Problem]:
    """What is wrong with the profile whichever option it chooses."""
    return [problem for rule in RULES for problem in few([*rule(loaded)])]


def _names_differ(loaded: LoadedProfile) -> Iterator[Problem]:
    """Azure compares names of vaults and certificates without case."""
    for table in ("vaults", "certificates"):
        seen: dict[str, str] = {}
        for name in getattr(loaded.profile, table):
            other = seen.setdefault(name.lower(), name)
            if other != name:
                message = f"{table} `{other}` and `{name}` are the same to Azure, which ignores case"
                yield loaded.problem((table, name), message, "Keep one of the two.")


def _service_accounts(loaded: LoadedProfile) -> Iterator[Problem]:
    profile = loaded.profile
    nginx = isinstance(profile.ingress, AppRouting) and profile.ingress.implementation == "nginx"
    for name, host in profile.hosts.items():
        path = ("hosts", name, "serviceAccount")
        if host.service_account is None:
            continue
        if nginx:
            message = "with implementation: nginx the add-on's own identity reads certificates"
            yield loaded.problem(path, message, "Remove serviceAccount.")
        elif host.certificate is None:
            message = f"host {name} has no certificate to read through a service account"
            yield loaded.problem(path, message, "Remove serviceAccount, or add certificate.")
        elif host.service_account == "default":
            message = "the service account `default` would give every pod of the namespace the identity"
            hint = f"Name one of its own; without serviceAccount it is {profile.name}-ingress."
            yield loaded.problem(path, message, hint)


def _exclusions(loaded: LoadedProfile) -> Iterator[Problem]:
    asked = features.requirements(loaded.profile)
    for one, other, reason in variants.EXCLUDES:
        first = next((each for each in asked if each.capability == one), None)
        if first is not None:
            for each in asked:
                if each.capability == other:
                    yield loaded.problem(
                        each.path, f"{each.text} excludes {first.text}: {reason}", "Drop one of the two."
                    )


def _ignores(loaded: LoadedProfile) -> Iterator[Problem]:
    for index, ignore in enumerate(loaded.profile.drift.ignore):
        if ignore.expires is not None and not _is_day(ignore.expires):
            path = ("drift", "ignore", index, "expires")
            yield loaded.problem(path, f"there is no day {ignore.expires}", "Write a day such as 2027-03-01.")


def _is_day(text: str) -> bool:
    import datetime

    try:
        datetime.date.fromisoformat(text)
    except ValueError:
        return False
    return True


RULES: tuple[Rule, ...] = (
    _names_differ,
    _service_accounts,
    _exclusions,
    _ignores,
    *certificate_rules.RULES,
    *controller_rules.RULES,
    *dns_rules.RULES,
    *gateway_rules.RULES,
    *mesh_rules.RULES,
    *vault_rules.RULES,
)


def option_problems(loaded: LoadedProfile) -> list[Problem]:
    """What the profile asks for and its option lacks, naming the options that have it."""
    variant = features.variant_of(loaded.profile)
    found = []
    for requirement in features.requirements(loaded.profile):
        reason = features.lacking(variant, requirement)
        if reason is not None:
            able = ", ".join(each.name for each in features.able(requirement))
            hint = f"Possible with {able}; `provision options {loaded.file}` compares them."
            message = f"{requirement.text}: not possible with {variant.name}: {reason}"
            found.append(loaded.problem(requirement.path, message, hint))
    return found


def warnings(loaded: LoadedProfile, today: str) -> list[Problem]:
    """What is allowed but deserves a look; `today` is `YYYY-MM-DD`."""
    return [
        *_support_warnings(loaded, today),
        *_preview(loaded),
        *_conditions(loaded),
        *_expired(loaded, today),
        *certificate_rules.warnings(loaded),
        *dns_warnings.warnings(loaded),
        *loaded.notes,
    ]


def _support_warnings(loaded: LoadedProfile, today: str) -> Iterator[Problem]:
    ingress = loaded.profile.ingress
    if not isinstance(ingress, AppRouting):
        return
    nginx = ingress.implementation == "nginx"
    end = catalog.NGINX_END
    if nginx or ingress.default_controller not in (None, "none"):
        path = ("ingress", "implementation" if nginx else "defaultController")
        ends = "ended with" if end.is_over(today) else "ends with"
        message = f"Microsoft's support of {end.what} {ends} {end.words}"
        hint = f"Move to {end.instead}." if nginx else "Remove defaultController once nothing uses it."
        yield loaded.problem(path, message, hint)


def _preview(loaded: LoadedProfile) -> Iterator[Problem]:
    ingress = loaded.profile.ingress
    if isinstance(ingress, ApplicationGateway) and ingress.controller == "addon":
        addon = gateway_facts.ADDON
        message = f"{addon.what} is a preview: the cluster is written through API {addon.api_version}"
        hint = f"That version is taken off in {addon.until}; controller: helm needs no preview."
        yield loaded.problem(("ingress", "controller"), message, hint)


def _conditions(loaded: LoadedProfile) -> Iterator[Problem]:
    variant = features.variant_of(loaded.profile)
    for requirement in features.requirements(loaded.profile):
        condition = features.condition(variant, requirement)
        if condition is not None:
            yield loaded.problem(requirement.path, f"{requirement.text}: {condition}")


def _expired(loaded: LoadedProfile, today: str) -> Iterator[Problem]:
    for index, ignore in enumerate(loaded.profile.drift.ignore):
        if ignore.expires is not None and ignore.expires <= today:
            message = f"{ignore.path} of {ignore.resource} is reported again since {ignore.expires}"
            hint = "Remove the entry, or give it a later day."
            yield loaded.problem(("drift", "ignore", index, "expires"), message, hint)
