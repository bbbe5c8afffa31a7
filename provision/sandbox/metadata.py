"""The cloud's own description: GET /metadata/endpoints.

Two shapes, as `management.azure.com` has them: a list up to api-version 2019-05-01 (what the az CLI reads
through ARM_CLOUD_METADATA_URL), one object in 2022-09-01 (`az cloud register`, Terraform).
"""

from __future__ import annotations

from provision.sandbox.azure import Answer, Azure, Json, Request
from provision.sandbox.http import Route

CLOUD = "ProvisionSandbox"
_PUBLIC = ("management.azure.com", "login.microsoftonline.com", "graph.microsoft.com")


def vault_suffix(host: str) -> str:
    """Where vaults are for a client that reached ARM as `host`, without a leading dot."""
    name, _, port = host.partition(":")
    if name in _PUBLIC or name.endswith(".azure.net"):
        return "vault.azure.net"
    return f"vault.localhost:{port}" if port else "vault.localhost"


def endpoints(request: Request, _azure: Azure) -> Answer:
    base = request.base_url
    public = request.host in _PUBLIC
    cloud: Json = {
        "name": CLOUD,
        "portal": "https://portal.azure.com",
        "authentication": {
            "loginEndpoint": "https://login.microsoftonline.com" if public else base,
            "audiences": ["https://management.core.windows.net/", "https://management.azure.com/"],
            "tenant": "common",
            "identityProvider": "AAD",
        },
        "resourceManager": f"{base}/",
        "microsoftGraphResourceId": "https://graph.microsoft.com/" if public else f"{base}/",
        "graph": "https://graph.windows.net/",
        "graphAudience": "https://graph.windows.net/",
        "suffixes": {
            "keyVaultDns": vault_suffix(request.host),
            "acrLoginServer": "azurecr.io",
            "storage": "core.windows.net",
            "sqlServerHostname": "database.windows.net",
        },
    }
    one_object = request.query.get("api-version", "") >= "2022"
    return Answer(body=cloud if one_object else [cloud])


ROUTES: tuple[Route, ...] = (Route("GET", "/metadata/endpoints", endpoints),)
