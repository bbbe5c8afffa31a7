"""Key Vaults."""

from __future__ import annotations

from dataclasses import dataclass, field

from provision.profile.keys import GROUP_NAME, GUID, key


@dataclass(frozen=True, slots=True, kw_only=True)
class Vault:
    """An existing Key Vault that holds certificates."""

    resource_group: str = field(metadata=key("The vault's resource group.", pattern=GROUP_NAME))
    subscription: str | None = field(
        default=None, metadata=key("Its subscription; the cluster's without it.", pattern=GUID)
    )
