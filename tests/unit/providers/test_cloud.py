"""Which Azure: the built-in clouds, and whatever a metadata document describes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from unittest.mock import AsyncMock, MagicMock, create_autospec

import aiohttp
import pytest

from provision.errors import ServiceError
from provision.providers.azure.cloud import CLOUDS, Cloud, described

URL = "https://localhost:8443/metadata/endpoints?api-version=2022-09-01"
DOCUMENT: dict[str, Any] = {
    "name": "Sandbox",
    "resourceManager": "https://localhost:8443/",
    "authentication": {"loginEndpoint": "https://localhost:8443/", "audiences": ["https://localhost:8443"]},
    "suffixes": {"keyVaultDns": ".vault.localhost:8443"},
}
DESCRIBED = Cloud(
    name="Sandbox",
    resource_manager="https://localhost:8443",
    authority="https://localhost:8443",
    vault_suffix="vault.localhost:8443",
    pace=0.1,
    discovery=False,
)


def session(text: str = "", error: Exception | None = None) -> Any:
    """An HTTP session whose only answer is `text`."""
    response = create_autospec(aiohttp.ClientResponse, instance=True)
    response.text = AsyncMock(return_value=text)
    made = MagicMock()
    made.get.return_value.__aenter__ = AsyncMock(return_value=response, side_effect=error)
    made.get.return_value.__aexit__ = AsyncMock(return_value=None)
    return made


@pytest.mark.parametrize(
    ("name", "manager", "authority", "vault"),
    [
        ("public", "management.azure.com", "login.microsoftonline.com", "kv.vault.azure.net"),
        ("china", "management.chinacloudapi.cn", "login.chinacloudapi.cn", "kv.vault.azure.cn"),
        (
            "usgovernment",
            "management.usgovcloudapi.net",
            "login.microsoftonline.us",
            "kv.vault.usgovcloudapi.net",
        ),
    ],
)
def test_the_built_in_clouds(name: str, manager: str, authority: str, vault: str) -> None:
    cloud = CLOUDS[name]
    assert cloud.name == name
    assert cloud.resource_manager == f"https://{manager}"
    assert cloud.scope == f"https://{manager}/.default"
    assert cloud.authority == f"https://{authority}"
    assert cloud.vault_url("kv") == f"https://{vault}"
    assert cloud.discovery
    assert cloud.pace == 1


@pytest.mark.parametrize("document", [DOCUMENT, [DOCUMENT, {"name": "Other"}]], ids=["object", "list"])
async def test_a_cloud_is_described_by_one_object_or_a_list(document: Any) -> None:
    made = session(json.dumps(document))
    assert await described(URL, made, 0.1) == DESCRIBED
    made.get.assert_called_once_with(URL)
    assert DESCRIBED.vault_url("kv") == "https://kv.vault.localhost:8443"


async def test_a_document_may_be_a_file(tmp_path: Path) -> None:
    path = tmp_path / "with a space.json"
    path.write_text(json.dumps(DOCUMENT), encoding="utf-8")
    assert await described(path.as_uri(), session(), 0.1) == DESCRIBED


@pytest.mark.parametrize(
    "text",
    [
        "not json",
        "[]",
        '"text"',
        "null",
        json.dumps({"error": {"code": "NotFound"}}),
        json.dumps({**DOCUMENT, "suffixes": {}}),
        json.dumps({**DOCUMENT, "authentication": None}),
    ],
)
async def test_what_is_no_such_document_says_so(text: str) -> None:
    with pytest.raises(ServiceError) as caught:
        await described(URL, session(text), 1)
    assert caught.value.why.startswith("not a cloud metadata document")
    assert "ARM_CLOUD_METADATA_URL" in caught.value.fix


@pytest.mark.parametrize(
    "error", [aiohttp.ClientConnectionError("refused"), TimeoutError("timeout"), OSError("unreachable")]
)
async def test_no_answer(error: Exception) -> None:
    with pytest.raises(ServiceError, match="no answer") as caught:
        await described(URL, session(error=error), 1)
    assert caught.value.doing == f"reading cloud metadata from {URL}"
    assert caught.value.__cause__ is error


async def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ServiceError, match="no answer"):
        await described((tmp_path / "none.json").as_uri(), session(), 1)
