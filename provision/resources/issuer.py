"""What certificates of a vault are made through: accounts at certification authorities, and contacts.

Neither can carry a mark. In a vault of ours both are ours. In a vault of others an issuer counts as ours
while it is just as the profile says, and the list of contacts while nobody is on it whom the profile does
not name; everything else is taken over only when told so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from provision.resources.resource import Resource
from provision.resources.values import Value


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateIssuer(Resource):
    """An account at a certification authority. `name` is `vault/issuer`.

    `password` is a reference (`env:NAME`, `file:PATH`), no property: Key Vault never gives a password back.
    `vault_owner` is the profile in the vault's mark. `administrators` are compared only where there are any.
    """

    KIND: ClassVar[str] = "certificate_issuer"
    LOOKUP: ClassVar[frozenset[str]] = frozenset({"vault_owner"})

    vault: str
    vault_owner: Value
    issuer_name: str
    provider: str
    account_id: str
    password: str
    organization_id: str | None = None
    administrators: tuple[Mapping[str, Value], ...] = ()

    def properties(self) -> Mapping[str, Value]:
        return {
            "enabled": True,
            "provider": self.provider,
            "accountId": self.account_id,
            **({"organizationId": self.organization_id} if self.organization_id else {}),
            **({"administrators": self.administrators} if self.administrators else {}),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateContacts(Resource):
    """The whole list of a vault's contacts, in the order of their addresses. `name` is the vault's."""

    KIND: ClassVar[str] = "certificate_contacts"
    LOOKUP: ClassVar[frozenset[str]] = frozenset({"vault_owner"})

    vault: str
    vault_owner: Value
    contacts: tuple[Mapping[str, Value], ...]

    def properties(self) -> Mapping[str, Value]:
        return {"contacts": self.contacts}


def person(email: str, **details: str | None) -> Mapping[str, Value]:
    """Somebody with an email address: the details that there are."""
    return {"email": email, **{name: value for name, value in details.items() if value}}


def by_address(people: list[Mapping[str, Value]]) -> tuple[Mapping[str, Value], ...]:
    """People in the order of their addresses: Key Vault's order means nothing."""
    return tuple(sorted(people, key=lambda each: str(each["email"]).casefold()))
