"""Microsoft Entra ID: discovery documents and tokens for service principals with a secret.

Error texts as Entra words them (Microsoft Learn, "Microsoft Entra authentication and authorization error
codes", 2026).
"""

from __future__ import annotations

import hmac
import secrets
import time
from datetime import UTC, datetime

from provision.sandbox.azure import TENANT, Answer, Azure, Json, Refusal, Request
from provision.sandbox.http import Route
from provision.sandbox.tokens import LIFETIME, mint

CLIENT = "client"
_DOMAIN = "contoso.onmicrosoft.com"
_SHARED = ("common", "organizations", "consumers")


def register_client(azure: Azure, client_id: str, object_id: str, secret: str, *, expires: str) -> None:
    """Give a service principal a client secret that is valid until `expires` (ISO 8601)."""
    azure.store.put(
        CLIENT,
        client_id,
        {"appId": client_id, "objectId": object_id, "secret": secret, "expires": expires},
    )


def openid_configuration(request: Request, _azure: Azure) -> Answer:
    tenant = request.params["tenant"]
    if tenant.lower() not in (TENANT, _DOMAIN, *_SHARED):
        raise _unknown_tenant(tenant)
    base = request.base_url
    issued_for = "{tenantid}" if tenant.lower() in _SHARED else TENANT
    return Answer(
        body={
            "token_endpoint": f"{base}/{tenant}/oauth2/v2.0/token",
            "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
            "jwks_uri": f"{base}/{tenant}/discovery/v2.0/keys",
            "response_modes_supported": ["query", "fragment", "form_post"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "response_types_supported": ["code", "id_token", "code id_token", "token id_token", "token"],
            "scopes_supported": ["openid", "profile", "email", "offline_access"],
            "issuer": f"{base}/{issued_for}/v2.0",
            "authorization_endpoint": f"{base}/{tenant}/oauth2/v2.0/authorize",
            "device_authorization_endpoint": f"{base}/{tenant}/oauth2/v2.0/devicecode",
            "end_session_endpoint": f"{base}/{tenant}/oauth2/v2.0/logout",
            "tenant_region_scope": "EU",
            "cloud_instance_name": "microsoftonline.com",
        }
    )


def keys(_request: Request, _azure: Azure) -> Answer:
    # the tokens are signed with a secret, so there is no public key to publish
    return Answer(body={"keys": []})


def instance_discovery(request: Request, _azure: Azure) -> Answer:
    return Answer(
        body={
            "tenant_discovery_endpoint": f"{request.base_url}/{TENANT}/v2.0/.well-known/openid-configuration",
            "api-version": "1.1",
            "metadata": [
                {
                    "preferred_network": "login.microsoftonline.com",
                    "preferred_cache": "login.windows.net",
                    "aliases": ["login.microsoftonline.com", "login.windows.net", "sts.windows.net"],
                }
            ],
        }
    )


def token(request: Request, azure: Azure) -> Answer:
    """The v2.0 endpoint: `scope` is `<audience>/.default`."""
    scope = str(_form(request).get("scope", "")).split(" ")[0]
    audience = scope.removesuffix("/.default")
    return Answer(body=_grant(request, azure, audience))


def token_v1(request: Request, azure: Azure) -> Answer:
    """The v1 endpoint: `resource` is the audience; numbers are strings."""
    audience = str(_form(request).get("resource", ""))
    granted = _grant(request, azure, audience)
    now = int(time.time())
    return Answer(
        body={
            **granted,
            "expires_in": str(LIFETIME),
            "ext_expires_in": str(LIFETIME),
            "expires_on": str(now + LIFETIME),
            "not_before": str(now),
            "resource": audience,
        }
    )


def _grant(request: Request, azure: Azure, audience: str) -> Json:
    form = _form(request)
    tenant = request.params["tenant"]
    if tenant.lower() not in (TENANT, _DOMAIN):
        raise _unknown_tenant(tenant)
    grant = form.get("grant_type")
    if grant != "client_credentials":
        raise _refusal(
            400, "unsupported_grant_type", 70003, f"The app requested an unsupported grant type '{grant}'."
        )
    client_id = str(form.get("client_id", ""))
    client = azure.store.get(CLIENT, client_id)
    if client is None:
        raise _refusal(
            400,
            "unauthorized_client",
            700016,
            f"Application with identifier '{client_id}' was not found in the directory 'Contoso'. This can"
            " happen if the application has not been installed by the administrator of the tenant or"
            " consented to by any user in the tenant. You may have sent your authentication request to the"
            " wrong tenant.",
        )
    if not hmac.compare_digest(str(form.get("client_secret", "")).encode(), client["secret"].encode()):
        raise _refusal(
            401,
            "invalid_client",
            7000215,
            "Invalid client secret provided. Ensure the secret being sent in the request is the client secret"
            f" value, not the client secret ID, for a secret added to app '{client_id}'.",
        )
    if datetime.fromisoformat(client["expires"]) < datetime.now(UTC):
        raise _refusal(
            401,
            "invalid_client",
            7000222,
            f"The provided client secret keys for app '{client_id}' are expired. Visit the Azure portal to"
            " create new keys for your app: https://aka.ms/NewClientSecret, or consider using certificate"
            " credentials for added security: https://aka.ms/certCreds.",
        )
    return {
        "token_type": "Bearer",
        "expires_in": LIFETIME,
        "ext_expires_in": LIFETIME,
        "access_token": mint(azure, client_id, client["objectId"], audience),
    }


def _form(request: Request) -> Json:
    return request.body if isinstance(request.body, dict) else {}


def _unknown_tenant(tenant: str) -> Refusal:
    return _refusal(
        400,
        "invalid_tenant" if tenant.lower() not in _SHARED else "invalid_request",
        90002,
        f"Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing into"
        " the correct cloud. Check with your subscription administrator, this may happen if there are no"
        " active subscriptions for the tenant.",
    )


class _EntraRefusal(Refusal):
    """Entra has an envelope of its own: `{error, error_description, error_codes, …}`."""

    def answer(self) -> Answer:
        return Answer(self.status, {"error": self.code, "error_description": self.message, **self.extra})


def _refusal(status: int, error: str, number: int, text: str) -> Refusal:
    trace, correlation = (secrets.token_hex(16) for _ in range(2))
    stamp = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%SZ}"
    return _EntraRefusal(
        status,
        error,
        f"AADSTS{number}: {text} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {stamp}",
        extra={
            "error_codes": [number],
            "timestamp": stamp,
            "trace_id": trace,
            "correlation_id": correlation,
            "error_uri": f"https://login.microsoftonline.com/error?code={number}",
        },
    )


ROUTES: tuple[Route, ...] = (
    Route("GET", "/{tenant}/v2.0/.well-known/openid-configuration", openid_configuration),
    Route("GET", "/{tenant}/.well-known/openid-configuration", openid_configuration),
    Route("GET", "/{tenant}/discovery/v2.0/keys", keys),
    Route("GET", "/{tenant}/discovery/keys", keys),
    Route("GET", "/common/discovery/instance", instance_discovery),
    Route("POST", "/{tenant}/oauth2/v2.0/token", token),
    Route("POST", "/{tenant}/oauth2/token", token_v1),
)
