"""403 of a vault's firewall → what keeps this machine out, and what to allow.

Sources: Key Vault's own messages in public issues (hashicorp/terraform-provider-azurerm 27817,
Azure/azure-cli 31406, 2024 to 2025) and "Configure Azure Key Vault networking settings", Microsoft Learn,
2026-04.
"""

from __future__ import annotations

import re

from provision.errors import UnreachableError

_ADDRESS = re.compile(r"Client address: (?P<address>[0-9A-Fa-f.:]+)")
_VAULT = re.compile(r"Vault: (?P<name>[^;\s]+)")

# Vaults said AccessDenied inside of Forbidden before there were codes for it.
_NOT_LET_IN = "Client address is not authorized"
_NO_PUBLIC_NETWORK = "Public network access is disabled"


def unreachable(doing: str, inner_code: str, message: str) -> UnreachableError | None:
    """The error when it is the vault's network that refuses; None when it is something else.

    `inner_code` is the code inside of Key Vault's `Forbidden`.
    """
    vault = _VAULT.search(message)
    name = vault["name"] if vault else "VAULT"
    if inner_code == "ForbiddenByConnection" or message.startswith(_NO_PUBLIC_NETWORK):
        return UnreachableError(
            doing,
            f"vault {name} takes no connections from the public network",
            "Run provision in a network with a private endpoint to the vault and its private DNS zone"
            " (privatelink.vaultcore.azure.net).",
        )
    if inner_code != "ForbiddenByFirewall" and not message.startswith(_NOT_LET_IN):
        return None
    address = _ADDRESS.search(message)
    return UnreachableError(
        doing,
        f"the firewall of vault {name} does not let this machine in"
        + (f" (address {address['address']})" if address else ""),
        "Run provision in a network that the vault lets in, or have this address let in:",
        f"az keyvault network-rule add --name {name}"
        f" --ip-address {address['address'] if address else 'ADDRESS'}",
    )
