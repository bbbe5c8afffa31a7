"""Which Azure: endpoints of the public and sovereign clouds, or of whatever a metadata URL describes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlparse
from urllib.request import url2pathname

from provision.errors import ServiceError

if TYPE_CHECKING:
    from aiohttp import ClientSession


@dataclass(frozen=True, slots=True)
class Cloud:
    """Endpoints of one Azure.

    `vault_suffix` follows a vault's name (with a port where there is one). `pace` multiplies every
    waiting time of our own making: 1 for Azure, less for a sandbox whose clock runs faster.
    `discovery` tells whether Entra's instance discovery can be asked about the authority.
    """

    name: str
    resource_manager: str
    authority: str
    vault_suffix: str
    pace: float = 1.0
    discovery: bool = True

    @property
    def scope(self) -> str:
        """Token scope of the resource manager."""
        return f"{self.resource_manager}/.default"

    @property
    def vault_scope(self) -> str:
        """Token scope of the vaults' data plane."""
        return f"https://{self.vault_suffix}/.default"

    def vault_url(self, vault: str) -> str:
        """Data plane of a vault."""
        return f"https://{vault}.{self.vault_suffix}"


# Source: `az cloud list`, azure-cli 2.91.
CLOUDS: Mapping[str, Cloud] = {
    "public": Cloud(
        "public", "https://management.azure.com", "https://login.microsoftonline.com", "vault.azure.net"
    ),
    "china": Cloud(
        "china",
        "https://management.chinacloudapi.cn",
        "https://login.chinacloudapi.cn",
        "vault.azure.cn",
    ),
    "usgovernment": Cloud(
        "usgovernment",
        "https://management.usgovcloudapi.net",
        "https://login.microsoftonline.us",
        "vault.usgovcloudapi.net",
    ),
}


async def described(url: str, session: ClientSession, pace: float) -> Cloud:
    """The cloud that a metadata document describes, as az reads it from ARM_CLOUD_METADATA_URL.

    The document is one object or a list of them, of which the first counts.
    """
    import aiohttp

    doing = f"reading cloud metadata from {url}"
    try:
        if url.startswith("file:"):
            text = _file(url)
        else:
            async with session.get(url) as response:
                text = await response.text()
        document = json.loads(text)
        return _cloud(document[0] if isinstance(document, list) else document, pace)
    except (OSError, aiohttp.ClientError, TimeoutError) as error:
        raise ServiceError(
            doing, f"no answer ({error})", "Unset ARM_CLOUD_METADATA_URL or mend it."
        ) from error
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise ServiceError(
            doing, f"not a cloud metadata document ({error!r})", "Unset ARM_CLOUD_METADATA_URL or mend it."
        ) from error


def _file(url: str) -> str:
    return Path(url2pathname(urlparse(url).path)).read_text(encoding="utf-8")


def _cloud(document: Mapping[str, Any], pace: float) -> Cloud:
    return Cloud(
        name=str(document["name"]),
        resource_manager=str(document["resourceManager"]).rstrip("/"),
        authority=str(document["authentication"]["loginEndpoint"]).rstrip("/"),
        vault_suffix=str(document["suffixes"]["keyVaultDns"]).lstrip("."),
        pace=pace,
        discovery=False,
    )
