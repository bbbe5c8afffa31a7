"""A certificate to find something about."""

from __future__ import annotations

from provision.resources.certificate import Certificate

CERTIFICATE = Certificate(
    name="kv/shop-tls",
    vault="kv",
    vault_subscription="11111111-1111-1111-1111-111111111111",
    certificate_name="shop-tls",
    issuer="Self",
    subject="CN=a.example",
    dns_names=frozenset({"a.example"}),
    validity_months=12,
    renew_before_days=30,
    key_type="RSA",
    key_size=2048,
    curve=None,
)
