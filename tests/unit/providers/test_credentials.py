"""Credentials of azure-identity: whose authority, whose tenant, over whose session."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, cast
from unittest.mock import create_autospec, patch

import pytest
from aiohttp import ClientSession
from azure.core.pipeline.transport import AioHttpTransport
from azure.identity.aio import ClientSecretCredential, DefaultAzureCredential

from providers.wire import CLOUD, Answer, Wire
from provision.errors import CredentialError
from provision.providers.azure.cloud import CLOUDS
from provision.providers.azure.credentials import default_credential, secret_credential
from provision.providers.azure.errors import translating

SCOPE = "https://arm.test/.default"
SECRET = "secret-that-nobody-may-see"
TENANT = "22222222-2222-2222-2222-222222222222"
UNLISTED = replace(CLOUD, discovery=False)
ENDPOINT = f"https://entra.test/{TENANT}/oauth2/v2.0/token"


def over(wire: Wire) -> ClientSession:
    return cast("ClientSession", wire)


@pytest.fixture
def default() -> Iterator[Any]:
    """The class DefaultAzureCredential, whose instances are autospecced."""
    made = create_autospec(DefaultAzureCredential)
    with patch("azure.identity.aio.DefaultAzureCredential", made):
        yield made


def test_the_machines_credential_is_of_the_clouds_authority(default: Any) -> None:
    session = over(Wire([]))
    credential = default_credential(CLOUDS["china"], None, session)
    assert credential is default.return_value
    given = dict(default.call_args.kwargs)
    transport = given.pop("transport")
    assert isinstance(transport, AioHttpTransport)
    assert transport.session is session
    assert given == {
        "authority": "https://login.chinacloudapi.cn",
        "disable_instance_discovery": False,
        "additionally_allowed_tenants": [],
    }


def test_where_entra_does_not_know_the_authority_it_is_not_asked(default: Any) -> None:
    default_credential(UNLISTED, None, over(Wire([])))
    assert default.call_args.kwargs["disable_instance_discovery"] is True


@pytest.mark.parametrize(
    ("options", "sent"),
    [
        (None, {"tenant_id": TENANT}),
        ({"enable_cae": True}, {"tenant_id": TENANT, "enable_cae": True}),
        ({"tenant_id": "of-the-vault"}, {"tenant_id": "of-the-vault"}),
    ],
    ids=["plain", "other-options", "challenge"],
)
async def test_the_profiles_tenant_is_asked_for(
    default: Any, options: Any, sent: Mapping[str, object]
) -> None:
    credential = cast("Any", default_credential(CLOUDS["public"], TENANT, over(Wire([]))))
    assert default.call_args.kwargs["additionally_allowed_tenants"] == [TENANT]
    async with credential:
        await credential.get_token_info(SCOPE, options=options)
        await credential.get_token(SCOPE, **(options or {}))
    default.return_value.get_token_info.assert_awaited_once_with(SCOPE, options=sent)
    default.return_value.get_token.assert_awaited_once_with(SCOPE, **sent)
    default.return_value.close.assert_awaited_once_with()


async def test_a_service_principal_asks_its_own_authority_over_our_session() -> None:
    token = {"access_token": "t", "expires_in": 3600, "token_type": "Bearer"}
    wire = Wire([Answer(200, token)])
    async with cast("Any", secret_credential(CLOUD, TENANT, "client", SECRET, over(wire))) as credential:
        assert isinstance(credential, ClientSecretCredential)
        assert (await credential.get_token_info(SCOPE)).token == "t"
    assert [request.url for request in wire.requests] == [ENDPOINT]
    assert not wire.closed


async def test_a_refused_secret_is_not_repeated(caplog: pytest.LogCaptureFixture) -> None:
    refused = {
        "error": "invalid_client",
        "error_description": "AADSTS7000215: Invalid client secret provided.",
    }
    wire = Wire([Answer(401, refused)])
    caplog.set_level(logging.DEBUG)
    async with cast("Any", secret_credential(CLOUD, TENANT, "client", SECRET, over(wire))) as credential:
        with pytest.raises(CredentialError) as caught, translating("signing in to Azure"):
            await credential.get_token_info(SCOPE)
    assert "AADSTS7000215" in caught.value.why
    assert caught.value.command == "az login"
    assert SECRET not in f"{caught.value!s} {caught.value!r} {caplog.text}"


def test_azures_warnings_do_not_reach_the_terminal() -> None:
    """Python prints warnings of loggers without a handler; azure-identity's hold answers of Entra."""
    azure = logging.getLogger("azure")
    assert any(isinstance(handler, logging.NullHandler) for handler in azure.handlers)
