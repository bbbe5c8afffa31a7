"""SDK errors → our errors, in one place, with the cause kept."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    HttpResponseError,
    ODataV4Format,
    ServiceRequestError,
    ServiceResponseError,
)

from provision.errors import (
    ConflictError,
    CredentialError,
    NotFoundError,
    ProvisionError,
    ServiceError,
)
from provision.providers.azure.denials import denied
from provision.providers.azure.firewalls import unreachable

# An address with a query, which in a poll or blob URL is a signature that opens it to whoever has it.
# Links to documentation (https://go.microsoft.com/fwlink/?linkid=…) are kept.
_SIGNED = re.compile(r"""(https?://[^\s?'"]+\?)(?!linkid=\d+)[^\s'")]+""")

# What is so long and looks encoded is a key or a file, or a part of one.
_ENCODED = re.compile(r"[A-Za-z0-9+/_-]{64,}=*")

_CHANGED = "Something else changed it or is changing it; run plan again to see what is there now."


@contextmanager
def translating(doing: str) -> Iterator[None]:
    """Turns whatever the SDKs raise into a `ProvisionError` that begins with `doing`."""
    try:
        yield
    except HttpResponseError as error:
        raise _refused(doing, error) from error
    except (ServiceRequestError, ServiceResponseError) as error:
        raise ServiceError(
            doing, f"no answer ({_brief(error)})", "Check the network and the name, then try again."
        ) from error
    except AzureError as error:
        raise ServiceError(doing, _brief(error)) from error


@contextmanager
def hiding(*secrets: str) -> Iterator[None]:
    """For a request that carries secrets: what a service repeats of them in a refusal goes no further,
    neither into an error's text nor into a traceback."""
    try:
        yield
    except HttpResponseError as error:
        raise _cleared(error, secrets) from None


def _cleared(error: HttpResponseError, secrets: Sequence[str]) -> HttpResponseError:
    """The same refusal without its response, and with its texts cleared."""

    def cleared(value: Any) -> Any:
        if isinstance(value, str):
            for secret in secrets:
                value = value.replace(secret, "…") if secret else value
            return _ENCODED.sub("…", value)
        if isinstance(value, dict):
            return {name: cleared(member) for name, member in value.items()}
        return [cleared(member) for member in value] if isinstance(value, list) else value

    code, message = _body(error)
    inner = error.error.innererror if error.error is not None else None
    clean = type(error)(message=cleared(message))
    clean.status_code = error.status_code
    clean.reason = error.reason
    if code:
        clean.error = ODataV4Format(cleared({"code": code, "message": message, "innererror": inner}))
    return clean


def code_of(error: HttpResponseError) -> str:
    """The service's error code, from either envelope: `{"error": {code}}` or bare `{code}`."""
    return _body(error)[0]


def reason_of(error: HttpResponseError) -> str:
    """Code and message as the service gave them."""
    code, message = _body(error)
    return f"{code}: {message}" if code else message


def inner_code_of(error: HttpResponseError) -> str:
    """The code inside the code, where Key Vault says what kind of `Conflict` it is; empty without one."""
    inner = error.error.innererror if error.error is not None else None
    return str(inner.get("code", "")) if isinstance(inner, dict) else ""


def _refused(doing: str, error: HttpResponseError) -> ProvisionError:
    if isinstance(error, ClientAuthenticationError):
        return _unauthenticated(doing, error)
    code, message = _body(error)
    why = reason_of(error)
    if code == "PreconditionFailed":  # private DNS says so late, inside a poll that is itself a 200
        return ConflictError(doing, why, _CHANGED)
    if code == "MissingSubscriptionRegistration":
        return _unregistered(doing, message, why)
    kept_out = unreachable(doing, inner_code_of(error), message)
    if kept_out is not None:
        return kept_out
    match error.status_code:
        case 403:
            return denied(doing, message, why)
        case 404:
            return NotFoundError(doing, why, _not_found_fix(code))
        case 409 | 412:
            return ConflictError(doing, why, _CHANGED)
        case 429:
            return ServiceError(doing, why, "The service's request limit is reached; try again in a minute.")
        case _:
            return ServiceError(doing, why, _request_id(error))


def _unregistered(doing: str, message: str, why: str) -> ServiceError:
    """Source of the message: "Resolve errors for resource provider registration", Microsoft Learn, 2026."""
    named = re.search(r"namespace '([\w.]+)'", message)
    command = f"az provider register --wait --namespace {named[1]}" if named else ""
    return ServiceError(doing, why, "Have the resource provider registered, then apply again:", command)


def _unauthenticated(doing: str, error: ClientAuthenticationError) -> ProvisionError:
    return CredentialError(
        doing,
        _brief(error),
        "Sign in, or give the credentials of a service principal (AZURE_TENANT_ID, AZURE_CLIENT_ID,"
        " AZURE_CLIENT_SECRET):",
        "az login",
    )


def _not_found_fix(code: str) -> str:
    if code == "SubscriptionNotFound":
        return "Check azure.subscription in the profile, and that the credentials belong to its tenant."
    if code == "ResourceGroupNotFound":
        return "Check the resource group's name in the profile."
    return ""


def _body(error: HttpResponseError) -> tuple[str, str]:
    """(code, message), whichever envelope the service uses."""
    inner = error.error
    if inner is not None and inner.code:
        return str(inner.code), _unsigned(str(inner.message or ""))
    try:
        body: Any = json.loads(error.response.text()) if error.response is not None else None
    except (ValueError, AttributeError, RuntimeError):  # not JSON, or never read
        body = None
    if isinstance(body, dict):
        found = body.get("error", body)
        if isinstance(found, dict) and "code" in found:
            return str(found["code"]), _unsigned(str(found.get("message", "")))
    return "", _brief(error)


def _request_id(error: HttpResponseError) -> str:
    headers = getattr(error.response, "headers", {}) or {}
    request_id = headers.get("x-ms-request-id")
    return f"Request id for Microsoft support: {request_id}" if request_id else ""


def _brief(error: Exception) -> str:
    """The first line of an SDK's message, which goes on with hints for its own users."""
    message = str(getattr(error, "message", "") or error)
    return _unsigned(message.strip().split("\n", 1)[0]) or type(error).__name__


def _unsigned(text: str) -> str:
    return _SIGNED.sub(r"\1…", text)
