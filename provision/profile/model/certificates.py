"""Certificates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from provision.profile.keys import (
    HOST_NAME,
    ISSUER_REFERENCE,
    OBJECT_IDENTIFIER,
    SECRET_REFERENCE,
    TAG_NAME,
    THUMBPRINT,
    VAULT_NAME,
    key,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateFile:
    """A certificate with its private key in a file: PFX (PKCS#12) or PEM."""

    file: str = field(
        metadata=key("The file, relative to the profile.", example="certificates/shop.pfx"),
    )
    password: str | None = field(
        default=None,
        metadata=key(
            "Where its password is: env:NAME or file:PATH (from the working directory).",
            pattern=SECRET_REFERENCE,
            example="env:SHOP_PFX_PASSWORD",
        ),
    )
    thumbprint: str | None = field(
        default=None,
        metadata=key("SHA-1 thumbprint that it must have; any without it.", pattern=THUMBPRINT),
    )


KeyUsage = Literal[
    "digitalSignature",
    "nonRepudiation",
    "keyEncipherment",
    "dataEncipherment",
    "keyAgreement",
    "keyCertSign",
    "cRLSign",
    "encipherOnly",
    "decipherOnly",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """A certificate kept in a vault: made by its policy, imported from a file, or somebody else's."""

    vault: str = field(metadata=key("Name of the vault, one of `vaults`.", pattern=VAULT_NAME))
    dns_names: tuple[str, ...] = field(
        default=(),
        metadata=key(
            "Host names the certificate is for; the first is also the subject. Not for one that is imported"
            " or not managed, which has its own.",
            pattern=HOST_NAME,
            minimum=1,
        ),
    )
    issuer: str = field(
        default="Self",
        metadata=key(
            "Who signs: Self (self-signed), Unknown (any authority, by `provision certificate csr` and"
            " `merge`), or the name of one of the vault's issuers.",
            pattern=ISSUER_REFERENCE,
        ),
    )
    certificate_type: str | None = field(
        default=None,
        metadata=key("What the issuer is asked for, in its words.", example="OV-SSL"),
    )
    import_: CertificateFile | None = field(
        default=None,
        metadata=key("A file that holds the certificate; another one becomes a new version.", name="import"),
    )
    managed: bool = field(
        default=True,
        metadata=key("false: the certificate exists and is somebody else's; it is used and checked only."),
    )
    subject: str | None = field(
        default=None,
        metadata=key("Subject; CN=<first of dnsNames> without it.", example="CN=contoso.com"),
    )
    validity_months: int = field(
        default=12, metadata=key("Months a version is valid.", minimum=1, maximum=1200)
    )
    renew_before_days: int = field(
        default=30,
        metadata=key(
            "Days before expiry at which Key Vault renews it, or reminds the vault's contacts of it.",
            minimum=1,
            maximum=36499,
        ),
    )
    renew_at_percent: int | None = field(
        default=None,
        metadata=key(
            "Percentage of its lifetime at which Key Vault does so, instead of days before expiry; 80 is what"
            " Key Vault does by itself.",
            minimum=1,
            maximum=99,
            example=80,
        ),
    )
    renewal: Literal["automatic", "reminder"] | None = field(
        default=None,
        metadata=key(
            "What Key Vault does then: renew it, or write to the vault's contacts, which is all it can for"
            " issuer Unknown."
        ),
    )
    key_type: Literal["RSA", "EC", "RSA-HSM", "EC-HSM"] = field(
        default="RSA", metadata=key("Kind of key; HSM keys can't be exported, so no ingress can use them.")
    )
    key_size: Literal[2048, 3072, 4096] = field(default=2048, metadata=key("Bits of an RSA key."))
    curve: Literal["P-256", "P-384", "P-521", "P-256K"] = field(
        default="P-256", metadata=key("Curve of an EC key.")
    )
    reuse_key: bool = field(default=False, metadata=key("Keep the key when the certificate is renewed."))
    exportable: bool = field(
        default=True, metadata=key("Whether the private key can be read, as an ingress must.")
    )
    content_type: Literal["pkcs12", "pem"] = field(
        default="pkcs12", metadata=key("Form of its secret; the ingress options read PKCS#12.")
    )
    key_usage: tuple[KeyUsage, ...] = field(
        default=(), metadata=key("What the key may do; digitalSignature and keyEncipherment without it.")
    )
    extended_key_usage: tuple[str, ...] = field(
        default=(),
        metadata=key(
            "Object identifiers of what the certificate is for; server and client authentication without it.",
            pattern=OBJECT_IDENTIFIER,
        ),
    )
    enabled: bool = field(default=True, metadata=key("Whether it can be read."))
    tags: Mapping[str, str] = field(default_factory=dict, metadata=key("Further tags.", keys=TAG_NAME))
