"""Rules for vaults, their issuers and their contacts."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from provision.errors import Problem
from provision.profile.loaded import LoadedProfile

_OF_CREATED = ("location", "sku", "softDeleteDays", "publicNetworkAccess")

_RESERVED = {
    "self": "the certificate signs itself",
    "unknown": "whoever signs the request outside of Key Vault",
}


def _settings_of_created_vaults(loaded: LoadedProfile) -> Iterator[Problem]:
    for name, vault in loaded.profile.vaults.items():
        for setting in () if vault.create else _OF_CREATED:
            path = ("vaults", name, setting)
            if loaded.is_written(path):
                message = f"vault {name} is used as it is, so its {setting} is not ours to say"
                yield loaded.problem(path, message, f"Remove {setting}, or write create: true.")


def _addresses_differ(loaded: LoadedProfile) -> Iterator[Problem]:
    """Key Vault tells people apart by their addresses alone."""
    for name, vault in loaded.profile.vaults.items():
        yield from _repeated(
            loaded, ("vaults", name, "contacts"), [contact.email for contact in vault.contacts]
        )
        for issuer_name, issuer in vault.issuers.items():
            path = ("vaults", name, "issuers", issuer_name, "administrators")
            yield from _repeated(loaded, path, [each.email for each in issuer.administrators])


def _repeated(loaded: LoadedProfile, path: tuple[str, ...], emails: list[str]) -> Iterator[Problem]:
    seen: set[str] = set()
    for index, email in enumerate(emails):
        if email.casefold() in seen:
            message = f"{email} is there twice in {path[-1]}"
            yield loaded.problem((*path, index, "email"), message, "Keep one of the two.")
        seen.add(email.casefold())


def _names_of_issuers(loaded: LoadedProfile) -> Iterator[Problem]:
    """Azure compares them without case, and has two of its own."""
    for name, vault in loaded.profile.vaults.items():
        seen: dict[str, str] = {}
        for issuer in vault.issuers:
            if issuer.lower() in _RESERVED:
                message = f"Key Vault itself has an issuer {issuer}: {_RESERVED[issuer.lower()]}"
                yield loaded.problem(("vaults", name, "issuers", issuer), message, "Choose another name.")
            other = seen.setdefault(issuer.lower(), issuer)
            if other != issuer:
                message = f"issuers `{other}` and `{issuer}` are the same to Azure, which ignores case"
                yield loaded.problem(("vaults", name, "issuers", issuer), message, "Keep one of the two.")


RULES: tuple[Callable[[LoadedProfile], Iterator[Problem]], ...] = (
    _settings_of_created_vaults,
    _addresses_differ,
    _names_of_issuers,
)
