"""Key Vaults, and the certification authorities and contacts in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from provision.profile.keys import (
    EMAIL,
    GROUP_NAME,
    GUID,
    ISSUER_NAME,
    LOCATION,
    SECRET_REFERENCE,
    key,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Administrator:
    """Whom a certification authority turns to."""

    email: str = field(metadata=key("Email address.", pattern=EMAIL))
    first_name: str | None = field(default=None, metadata=key("First name."))
    last_name: str | None = field(default=None, metadata=key("Last name."))
    phone: str | None = field(default=None, metadata=key("Phone number, in quotes.", example="+49 30 1234"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Issuer:
    """An account at a certification authority through which the vault gets certificates."""

    provider: Literal["DigiCert", "GlobalSign"] = field(metadata=key("The certification authority."))
    account_id: str = field(metadata=key("The account there, in quotes if it is a number.", example="123456"))
    password: str = field(
        metadata=key(
            "Where the account's password or API key is: env:NAME or file:PATH (from the working directory)."
            " Key Vault never gives it back, so drift can't see a changed one; it is written whenever"
            " another setting of the issuer is.",
            pattern=SECRET_REFERENCE,
            example="env:DIGICERT_KEY",
        )
    )
    organization_id: str | None = field(
        default=None, metadata=key("The organization there, in quotes if it is a number.", example="654321")
    )
    administrators: tuple[Administrator, ...] = field(
        default=(), metadata=key("Administrators of the account; without it they are left as they are.")
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """Whom Key Vault tells of certificates that are about to expire."""

    email: str = field(metadata=key("Email address.", pattern=EMAIL))
    name: str | None = field(default=None, metadata=key("Name."))
    phone: str | None = field(default=None, metadata=key("Phone number, in quotes.", example="+49 30 1234"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Vault:
    """A Key Vault that holds certificates."""

    resource_group: str = field(metadata=key("The vault's resource group.", pattern=GROUP_NAME))
    subscription: str | None = field(
        default=None, metadata=key("Its subscription; the cluster's without it.", pattern=GUID)
    )
    create: bool = field(
        default=False,
        metadata=key(
            "Make the vault if it does not exist, with Azure RBAC, soft delete and purge protection."
            " Without it the vault must exist, and nothing of it is changed."
        ),
    )
    location: str | None = field(
        default=None,
        metadata=key("Region of a vault that is made; the cluster's without it.", pattern=LOCATION),
    )
    sku: Literal["standard", "premium"] = field(
        default="standard", metadata=key("Tier of a vault that is made; premium keeps keys in HSMs.")
    )
    soft_delete_days: int = field(
        default=90,
        metadata=key(
            "Days for which what was deleted can be recovered. Azure fixes it when a vault is made.",
            minimum=7,
            maximum=90,
        ),
    )
    public_network_access: Literal["enabled", "disabled"] | None = field(
        default=None,
        metadata=key(
            "Whether a vault that is made can be reached without a private endpoint. Left as it is"
            " without it."
        ),
    )
    issuers: Mapping[str, Issuer] = field(
        default_factory=dict,
        metadata=key("Certification authorities by the name that certificates use.", keys=ISSUER_NAME),
    )
    contacts: tuple[Contact, ...] = field(
        default=(),
        metadata=key(
            "Whom Key Vault tells of expiring certificates: the whole list of the vault, once it is written."
        ),
    )
