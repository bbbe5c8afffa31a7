"""Certificates in Key Vaults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from provision.resources.resource import Resource
from provision.resources.values import Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate(Resource):
    """A certificate made by policy. `name` is `vault/certificate`.

    Outputs: `uri` (unversioned secret id, what an ingress refers to), `thumbprint`, `expires` (ISO date).
    """

    KIND: ClassVar[str] = "certificate"

    vault: str
    vault_subscription: str
    certificate_name: str
    issuer: str
    subject: str
    dns_names: frozenset[Value]
    validity_months: int
    renew_before_days: int
    key_type: str
    key_size: int | None
    curve: str | None
    exportable: bool = True
    content_type: str = "application/x-pkcs12"

    def properties(self) -> Mapping[str, Value]:
        return {
            "enabled": True,
            "issuer": self.issuer,
            "subject": self.subject,
            "dnsNames": self.dns_names,
            "validityMonths": self.validity_months,
            "renewBeforeDays": self.renew_before_days,
            "keyType": self.key_type,
            **({"keySize": self.key_size} if self.key_size else {"curve": self.curve}),
            "exportable": self.exportable,
            "contentType": self.content_type,
        }
