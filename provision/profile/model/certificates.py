"""Certificates."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from provision.profile.keys import HOST_NAME, VAULT_NAME, key


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """A certificate kept in a vault."""

    vault: str = field(metadata=key("Name of the vault, one of `vaults`.", pattern=VAULT_NAME))
    dns_names: tuple[str, ...] = field(
        metadata=key(
            "Host names the certificate is for; the first is also the subject.", pattern=HOST_NAME, minimum=1
        )
    )
    issuer: Literal["Self"] = field(default="Self", metadata=key("Who signs: Self makes it self-signed."))
    validity_months: int = field(
        default=12, metadata=key("Months a version is valid.", minimum=1, maximum=1200)
    )
    renew_before_days: int = field(
        default=30, metadata=key("Days before expiry at which Key Vault renews it.", minimum=1, maximum=36499)
    )
    key_type: Literal["RSA", "EC"] = field(default="RSA", metadata=key("Kind of key."))
    key_size: Literal[2048, 3072, 4096] = field(default=2048, metadata=key("Bits of an RSA key."))
    curve: Literal["P-256", "P-384", "P-521"] = field(default="P-256", metadata=key("Curve of an EC key."))
