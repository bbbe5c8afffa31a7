"""Who needs which built-in role, in one table, with the document it comes from.

Role ids are the same in every tenant. Source: "Azure built-in roles", Microsoft Learn, 2026-06.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Role:
    """A built-in role and why an ingress identity needs it."""

    name: str
    id: str
    purpose: str
    source: str


DNS_ZONE_CONTRIBUTOR = Role(
    "DNS Zone Contributor",
    "befefa01-2a29-4197-83a8-272ff33ce314",
    "write the hosts' records into a public zone",
    "Set up a custom domain name and SSL certificate with the application routing add-on, 2026-05",
)
PRIVATE_DNS_ZONE_CONTRIBUTOR = Role(
    "Private DNS Zone Contributor",
    "b12aa53e-6015-4669-85d0-8515ebb3ae7f",
    "write the hosts' records into a private zone",
    "Configure NGINX ingress controller to support Azure private DNS zone, 2026-05",
)
KEY_VAULT_SECRETS_USER = Role(
    "Key Vault Secrets User",
    "4633458b-17de-408a-b874-0445c86b69e6",
    "read certificates from a vault with RBAC",
    "Set up a custom domain name and SSL certificate with the application routing add-on, 2026-05",
)
