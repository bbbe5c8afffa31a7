"""Certificates in Key Vaults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from provision.resources.resource import Resource
from provision.resources.values import Value

SELF = "Self"
UNKNOWN = "Unknown"
"""Key Vault's name for an authority that it can't ask: it makes a request, and somebody merges the answer."""
PKCS12 = "application/x-pkcs12"
PEM = "application/x-pem-file"


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleFile:
    """A certificate with its key in a file. `password` is a reference (`env:NAME`, `file:PATH`) or empty."""

    file: str
    password: str
    thumbprint: str


@dataclass(frozen=True, slots=True)
class RenewalTrigger:
    """When a version is due for renewal: days before its end or, where that is set, at a percentage (1 to
    99) of its lifetime, which differs from one version to the next."""

    before_days: int
    at_percent: int | None = None

    def days(self, lifetime: int) -> int:
        """Days before the end of a version that is valid for `lifetime` days."""
        return self.before_days if self.at_percent is None else lifetime * (100 - self.at_percent) // 100

    def words(self, lifetime: int) -> str:
        """The same as the end of a sentence about such a version."""
        days = f"{self.days(lifetime)} days before its end"
        return days if self.at_percent is None else f"at {self.at_percent} % of its lifetime, {days}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate(Resource):
    """A certificate made by policy; imported from `source`; or, not `managed`, used as it is.

    `made_vault` is the id of its vault where the profile makes that, so that it may not be there yet.
    `name` is `vault/certificate`. `renew_at_percent` goes before `renew_before_days`; both are checked also
    where Key Vault does not renew. Outputs: `uri` (unversioned id, what an ingress refers to), `thumbprint`,
    `expires` (ISO date), `lifetime` (days), `names` and `selfSigned` (of the current version), `tags` (all of
    them).
    """

    KIND: ClassVar[str] = "certificate"

    vault: str
    vault_subscription: str
    certificate_name: str
    issuer: str = SELF
    subject: str = ""
    dns_names: frozenset[Value] = frozenset()
    validity_months: int = 12
    renew_before_days: int = 30
    renew_at_percent: int | None = None
    key_type: str = "RSA"
    key_size: int | None = None
    curve: str | None = None
    certificate_type: str | None = None
    renewal: str = "AutoRenew"
    reuse_key: bool = False
    exportable: bool = True
    content_type: str = PKCS12
    key_usage: frozenset[Value] = frozenset()
    extended_key_usage: frozenset[Value] = frozenset()
    enabled: bool = True
    tags: Mapping[str, str] = field(default_factory=dict)
    source: BundleFile | None = None
    made_vault: str = ""
    managed: bool = True

    @property
    def by_policy(self) -> bool:
        """Whether Key Vault makes it."""
        return self.managed and self.source is None

    @property
    def renewal_trigger(self) -> RenewalTrigger:
        return RenewalTrigger(self.renew_before_days, self.renew_at_percent)

    def must_exist(self) -> bool:
        return not self.managed

    def properties(self) -> Mapping[str, Value]:
        if not self.managed:
            return {}
        tags = {f"tags.{name}": value for name, value in self.tags.items()}
        return {"enabled": self.enabled, **self._content(), **tags}

    def _content(self) -> Mapping[str, Value]:
        if self.source:
            return {"thumbprint": self.source.thumbprint, "contentType": self.content_type}
        # What Key Vault or an issuer fills in is declared only where the profile says it.
        optional: dict[str, Value] = {
            "certificateType": self.certificate_type,
            "keyUsage": self.key_usage,
            "extendedKeyUsage": self.extended_key_usage,
        }
        return {
            "issuer": self.issuer,
            "subject": self.subject,
            "dnsNames": self.dns_names,
            "validityMonths": self.validity_months,
            **self._trigger(),
            "renewal": self.renewal,
            "keyType": self.key_type,
            **({"keySize": self.key_size} if self.key_size else {"curve": self.curve}),
            "reuseKey": self.reuse_key,
            "exportable": self.exportable,
            "contentType": self.content_type,
            **{name: value for name, value in optional.items() if value},
        }

    def _trigger(self) -> Mapping[str, Value]:
        # A policy goes by one of the two, and the vault answers no value for the other.
        if self.renew_at_percent is not None:
            return {"renewAtPercent": self.renew_at_percent}
        return {"renewBeforeDays": self.renew_before_days}
