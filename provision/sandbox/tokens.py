"""Access tokens: shaped like JWTs, signed with an HMAC key kept in the state.

Clients must treat access tokens as opaque; only the sandbox checks them. The 401 answers are worded as ARM
words them (Microsoft Learn and issues of azure-cli, 2020 to 2025).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
from datetime import UTC, datetime
from urllib.parse import urlsplit

from provision.sandbox.azure import TENANT, Azure, Json, Refusal
from provision.sandbox.http import Principal

LIFETIME = 3599
"""Seconds a token is valid, in real time: clients measure it with their own clock."""

_ARM_AUDIENCES = ("https://management.azure.com", "https://management.core.windows.net")
_VAULT_SUFFIXES = ("vault.azure.net", "vault.localhost")


def mint(azure: Azure, client_id: str, object_id: str, audience: str, lifetime: float = LIFETIME) -> str:
    """An access token for `audience`; a negative lifetime makes an expired one."""
    now = int(time.time())
    claims = {
        "aud": audience,
        "iss": f"https://sts.windows.net/{TENANT}/",
        "iat": now,
        "nbf": now,
        "exp": int(now + lifetime),
        "appid": client_id,
        "appidacr": "1",
        "idtyp": "app",
        "oid": object_id,
        "sub": object_id,
        "tid": TENANT,
        "uti": secrets.token_urlsafe(16),
        "ver": "1.0",
    }
    head = _encode(json.dumps({"typ": "JWT", "alg": "HS256", "kid": "sandbox"}).encode())
    body = f"{head}.{_encode(json.dumps(claims).encode())}"
    return f"{body}.{_encode(_sign(azure, body))}"


def claims_of(azure: Azure, authorization: str) -> Json:
    """The claims of a bearer token that the sandbox signed and that has not expired; else 401 as ARM says."""
    scheme, _, token = authorization.partition(" ")
    body, _, signature = token.strip().rpartition(".")
    if not authorization:
        raise _unauthorized(
            "AuthenticationFailed", "Authentication failed. The 'Authorization' header is missing."
        )
    signed = _encode(_sign(azure, body)).encode()
    if scheme.lower() != "bearer" or not hmac.compare_digest(signed, signature.encode()):
        raise _unauthorized("InvalidAuthenticationToken", "The access token is invalid.")
    claims: Json = json.loads(_decode(body.split(".")[1]))
    if claims["exp"] <= time.time():
        expired, now = (_us_time(moment) for moment in (claims["exp"], time.time()))
        raise _unauthorized(
            "ExpiredAuthenticationToken",
            f"The access token expiry UTC time '{expired}' is earlier than current UTC time '{now}'.",
        )
    return claims


def arm_caller(azure: Azure, authorization: str) -> Principal:
    """Who calls ARM (or Graph, which the sandbox serves under the same names)."""
    claims = claims_of(azure, authorization)
    audience = str(claims["aud"]).rstrip("/")
    if urlsplit(audience).hostname in (None, "localhost", "127.0.0.1", "graph.microsoft.com"):
        return _principal(azure, claims)
    if audience not in _ARM_AUDIENCES:
        allowed = "','".join(f"{audience}/" for audience in reversed(_ARM_AUDIENCES))
        raise _unauthorized(
            "InvalidAuthenticationTokenAudience",
            f"The access token has been obtained for wrong audience or resource '{claims['aud']}'. It should"
            f" exactly match with one of the allowed audiences '{allowed}'.",
        )
    return _principal(azure, claims)


def vault_caller(azure: Azure, authorization: str) -> Principal | None:
    """Who calls a key vault; None asks the vault for its challenge."""
    try:
        claims = claims_of(azure, authorization)
    except Refusal:
        return None
    host = urlsplit(str(claims["aud"])).hostname or ""
    return _principal(azure, claims) if host.endswith((*_VAULT_SUFFIXES, "localhost")) else None


def _principal(azure: Azure, claims: Json) -> Principal:
    known = azure.store.get("principal", claims["oid"]) or {}
    return Principal(claims["oid"], claims["appid"], str(known.get("displayName", claims["appid"])))


def _unauthorized(code: str, message: str) -> Refusal:
    challenge = (
        f'Bearer authorization_uri="https://login.windows.net/{TENANT}", error="invalid_token",'
        f' error_description="{message}"'
    )
    return Refusal(401, code, message, headers={"WWW-Authenticate": challenge})


def _sign(azure: Azure, body: str) -> bytes:
    return hmac.digest(signing_key(azure), body.encode(), hashlib.sha256)


def signing_key(azure: Azure) -> bytes:
    """The HMAC key of this state, made with it."""
    kept = azure.store.get("sandbox", "signing-key")
    if kept is None:
        return keep_signing_key(azure, secrets.token_bytes(32))
    return bytes.fromhex(kept["key"])


def keep_signing_key(azure: Azure, key: bytes) -> bytes:
    """Write the key into a state: of a new one, or of one in which its tokens are to stay valid."""
    azure.store.put("sandbox", "signing-key", {"key": key.hex()})
    return key


def _encode(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _us_time(moment: float) -> str:
    at = datetime.fromtimestamp(moment, UTC)
    return f"{at.month}/{at.day}/{at.year} {at:%I:%M:%S %p}"
