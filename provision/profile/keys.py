"""The rules of single values in a profile: naming patterns, and the metadata of a key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Pattern:
    """A full-match regular expression and what to write instead when it does not match."""

    regex: str
    instead: str
    secret: bool = False
    """What is written may be a secret put there by mistake: no message shows it."""


# Azure's naming rules: "Naming rules and restrictions for Azure resources", Microsoft Learn, 2026-06.
GUID = Pattern(
    r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}",
    "a GUID such as 11111111-2222-3333-4444-555555555555",
)
PROFILE_NAME = Pattern(
    r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?", "1 to 40 lower-case letters, digits and hyphens, such as prod"
)
CLUSTER_NAME = Pattern(
    r"[a-zA-Z0-9](?:[a-zA-Z0-9_-]{0,61}[a-zA-Z0-9])?",
    "1 to 63 letters, digits, underscores and hyphens, beginning and ending with a letter or digit",
)
GROUP_NAME = Pattern(
    r"[\w().-]{0,89}[\w()-]",
    "1 to 90 letters, digits, underscores, hyphens, parentheses and periods, not ending with a period",
)
VAULT_NAME = Pattern(
    r"(?!.*--)[a-zA-Z][a-zA-Z0-9-]{1,22}[a-zA-Z0-9]",
    "3 to 24 letters, digits and single hyphens, beginning with a letter, ending with a letter or digit",
)
CERTIFICATE_NAME = Pattern(
    r"[0-9a-zA-Z-]{1,127}",
    "its name in the vault, 1 to 127 letters, digits and hyphens: no address, and no version, which would be"
    " kept when the certificate is renewed",
)
ISSUER_NAME = Pattern(r"[0-9a-zA-Z-]{1,127}", "1 to 127 letters, digits and hyphens")
IDENTITY_NAME = Pattern(
    r"[a-zA-Z0-9][a-zA-Z0-9_-]{2,127}",
    "3 to 128 letters, digits, hyphens and underscores, such as id-ingress-prod",
)
ZONE_NAME = Pattern(
    r"(?=.{1,253}$)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?",
    "a lower-case domain of at least two labels without a final dot, such as contoso.com",
)
HOST_NAME = Pattern(
    r"(?=.{1,253}$)(?:\*\.)?(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?",
    "a lower-case host name without scheme, port or final dot, such as shop.contoso.com",
)
RECORD_NAME = Pattern(
    r"@|\*|(?:\*\.)?[a-zA-Z0-9_](?:[a-zA-Z0-9_.-]{0,251}[a-zA-Z0-9_])?",
    "a name relative to its zone, such as www, or @ for the zone itself",
)
KUBERNETES_NAME = Pattern(
    r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", "1 to 63 lower-case letters, digits and hyphens (a DNS label)"
)
OBJECT_NAME = Pattern(
    r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?",
    "lower-case letters, digits, hyphens and periods (a DNS name), such as partners-ca",
)
URL_PATH = Pattern(r"/[^\s?#]{0,1000}", "a path such as /healthz")
STATUS_CODES = Pattern(
    r"[1-5]\d\d(?:-[1-5]\d\d)?(?:, ?[1-5]\d\d(?:-[1-5]\d\d)?){0,9}", "codes such as 200-299"
)
CONTROLLER_NAME = Pattern(
    r"[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,62}[A-Za-z0-9])?",
    "1 to 64 letters, digits, periods, underscores and hyphens, beginning and ending with a letter or digit",
)
MESH_REVISION = Pattern(r"asm-\d+-\d+", "a revision such as asm-1-30")
WANTED_REVISION = Pattern(r"latest-supported|asm-\d+-\d+", "latest-supported, or a revision such as asm-1-30")
SECRET_NAME = Pattern(r"[0-9a-zA-Z-]{1,127}", "its name in the vault: 1 to 127 letters, digits and hyphens")
SUBNET_NAME = Pattern(
    r"[a-zA-Z0-9](?:[\w.-]{0,78}\w)?", "1 to 80 letters, digits, periods, underscores and hyphens"
)
QUANTITY = Pattern(r"\d+(?:\.\d+)?(?:m|Ki|Mi|Gi)?", "an amount such as 500m or 256Mi")
CHART_VERSION = Pattern(r"\d+\.\d+\.\d+", "a version such as 1.9.13")
ADDRESS_RANGE = Pattern(
    r"[0-9a-fA-F.:]{2,39}(?:/\d{1,3})?", "an address range such as 10.225.0.0/24 or 203.0.113.7"
)
ISSUER_REFERENCE = Pattern(
    r"[0-9a-zA-Z-]{1,127}", "Self, Unknown, or the name of an issuer: 1 to 127 letters, digits and hyphens"
)
THUMBPRINT = Pattern(r"[0-9A-Fa-f]{40}", "40 hexadecimal digits")
TAG_NAME = Pattern(
    r"(?!provision-)[A-Za-z0-9][A-Za-z0-9._ -]{0,255}",
    "1 to 256 letters, digits, periods, underscores, hyphens and blanks, not beginning with provision-",
)
OBJECT_IDENTIFIER = Pattern(
    r"[0-2](?:\.(?:0|[1-9]\d{0,15})){1,30}",
    "an object identifier such as 1.3.6.1.5.5.7.3.1 (server authentication)",
)
LOCATION = Pattern(r"[a-z0-9]+", "a region's name, such as westeurope")
EMAIL = Pattern(r"[^@\s]+@[^@\s]+\.[^@\s]+", "an email address, such as ingress@contoso.com")
SECRET_REFERENCE = Pattern(
    r"env:[A-Za-z_][A-Za-z0-9_]*|file:.+",
    "where it is, never the secret itself: env:NAME for a variable, file:PATH for a file",
    secret=True,
)
RESOURCE_ID = Pattern(
    r"/[sS]ubscriptions/[0-9a-fA-F-]{36}/[rR]esource[gG]roups/[^/]+/[pP]roviders/[^/]+(?:/[^/]+/[^/]+)+",
    "a full resource id: /subscriptions/…/resourceGroups/…/providers/…",
)


def key(
    doc: str,
    *,
    pattern: Pattern | None = None,
    keys: Pattern | None = None,
    minimum: int | None = None,
    maximum: int | None = None,
    name: str | None = None,
    example: object = None,
) -> dict[str, Any]:
    """Metadata of one field: its meaning, and the rules for its value (`keys`: for a mapping's keys)."""
    rules = {"pattern": pattern, "keys": keys, "minimum": minimum, "maximum": maximum, "name": name}
    return {
        "doc": doc,
        "example": example,
        **{rule: value for rule, value in rules.items() if value is not None},
    }
