"""What the SDKs raise, in our words: real clients, answers in every envelope that Azure uses."""

from __future__ import annotations

import json
import traceback
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from azure.core.exceptions import AzureError, HttpResponseError, ResourceExistsError
from azure.core.polling import AsyncLROPoller
from azure.identity import CredentialUnavailableError
from azure.mgmt.privatedns.models import PrivateZone

from providers.bench import raised, refusal
from providers.wire import TOKEN, Answer, Credential, Wire, clients
from provision.errors import (
    AccessDeniedError,
    ConflictError,
    CredentialError,
    NotFoundError,
    ProvisionError,
    ServiceError,
)
from provision.providers.azure.clients import Clients
from provision.providers.azure.errors import code_of, hiding, inner_code_of, reason_of, translating

Call = Callable[[Clients], Awaitable[Any]]


async def _roles(made: Clients) -> Any:
    return [
        each async for each in made.authorization("s").role_assignments.list_for_scope("/subscriptions/s")
    ]


CALLS: tuple[tuple[str, Call], ...] = (
    ("clusters", lambda made: made.containers("s").managed_clusters.get("g", "n")),
    ("dns", lambda made: made.dns("s").zones.get("g", "contoso.com")),
    ("private-dns", lambda made: made.private_dns("s").private_zones.get("g", "contoso.com")),
    ("vaults", lambda made: made.vaults("s").vaults.get("g", "kv-prod")),
    ("identities", lambda made: made.identities("s").user_assigned_identities.get("g", "n")),
    ("roles", _roles),
    ("certificates", lambda made: made.certificates("kv-prod").get_certificate("shop")),
)
EVERY_CLIENT = pytest.mark.parametrize("call", [pytest.param(call, id=name) for name, call in CALLS])
CLUSTER = CALLS[0][1]


async def caught(
    call: Call, *answers: Answer | Exception, credential: Credential | None = None
) -> ProvisionError:
    """The error of a call that gets `answers`."""
    wire = Wire(answers)
    async with clients(wire, credential) as made:
        with pytest.raises(ProvisionError) as error, translating("reading it"):
            await call(made)
    assert error.value.doing == "reading it"
    assert isinstance(error.value.__cause__, AzureError)
    return error.value


def body(code: str, message: str = "Because.", *, bare: bool = False) -> Any:
    inner = {"code": code, "message": message}
    return inner if bare else {"error": inner}


@EVERY_CLIENT
@pytest.mark.parametrize("bare", [False, True], ids=["envelope", "bare"])
async def test_both_envelopes_read_the_same_through_every_client(call: Call, bare: bool) -> None:
    error = await caught(call, Answer(404, body("ItIsGone", bare=bare)))
    assert isinstance(error, NotFoundError)
    assert error.why == "ItIsGone: Because."


@EVERY_CLIENT
@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, ServiceError),
        (403, AccessDeniedError),
        (404, NotFoundError),
        (409, ConflictError),
        (412, ConflictError),
        (429, ServiceError),
        (500, ServiceError),
        (503, ServiceError),
    ],
)
async def test_the_status_decides_the_kind(call: Call, status: int, kind: type[ProvisionError]) -> None:
    error = await caught(call, Answer(status, body("Code")))
    assert type(error) is kind
    assert error.why == "Code: Because."


@EVERY_CLIENT
async def test_a_refused_token_is_a_matter_of_credentials(call: Call) -> None:
    error = await caught(call, Answer(401, body("InvalidAuthenticationToken", "The token has expired.")))
    assert isinstance(error, CredentialError)
    assert "The token has expired." in error.why
    assert error.command == "az login"


@EVERY_CLIENT
async def test_missing_credentials_say_so_and_nothing_is_sent(call: Call) -> None:
    unavailable = CredentialUnavailableError(
        message="DefaultAzureCredential failed to retrieve a token.\nAttempted credentials:\n\tEnvironment…"
    )
    # Key Vault's client sends a first request without a token to learn which one the vault wants.
    challenge = {
        "WWW-Authenticate": 'Bearer authorization="https://entra.test/t", resource="https://vault.test"'
    }
    error = await caught(call, Answer(401, "", challenge), credential=Credential(error=unavailable))
    assert isinstance(error, CredentialError)
    assert error.why == "DefaultAzureCredential failed to retrieve a token."
    assert "AZURE_CLIENT_ID" in error.fix


@EVERY_CLIENT
async def test_no_answer(call: Call) -> None:
    error = await caught(call, aiohttp.ClientConnectionError("Cannot connect to host arm.test:443"))
    assert isinstance(error, ServiceError)
    assert error.why == "no answer (Cannot connect to host arm.test:443)"
    assert error.fix == "Check the network and the name, then try again."


async def test_an_answer_that_breaks_off() -> None:
    error = await caught(CLUSTER, aiohttp.ClientPayloadError("Response payload is not completed"))
    assert isinstance(error, ServiceError)
    assert error.why == "no answer (Response payload is not completed)"


async def test_an_answer_that_is_no_json() -> None:
    error = await caught(CLUSTER, Answer(502, "<html>Bad Gateway</html>", {"Content-Type": "text/html"}))
    assert isinstance(error, ServiceError)
    assert error.why == "Operation returned an invalid status 'Bad Gateway'"


@pytest.mark.parametrize(
    "text", ["", "null", "[]", '"text"', '{"error":null}', '{"error":{}}', '{"message":1}']
)
async def test_an_answer_with_an_odd_body(text: str) -> None:
    error = await caught(CLUSTER, Answer(400, text))
    assert isinstance(error, ServiceError)
    assert error.why
    assert error.fix == ""


async def test_arm_names_the_missing_action_and_scope() -> None:
    scope = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerService/managedClusters/n"
    message = (
        "The client 'ci' with object id 'o' does not have authorization to perform action"
        f" 'Microsoft.ContainerService/managedClusters/write' over scope '{scope}' or the scope is invalid."
        " If access was recently granted, please refresh your credentials."
    )
    error = await caught(CLUSTER, Answer(403, body("AuthorizationFailed", message)))
    assert isinstance(error, AccessDeniedError)
    assert (
        error.why == f"the caller lacks the right Microsoft.ContainerService/managedClusters/write at {scope}"
    )
    assert "The smallest built-in role" in error.fix
    assert error.command == (
        "az role assignment create --assignee-object-id OBJECT_ID --assignee-principal-type ServicePrincipal"
        f' --role "Azure Kubernetes Service Contributor Role" --scope {scope}'
    )


@pytest.mark.parametrize(
    ("message", "why"),
    [
        (
            "Caller is not authorized to perform action on resource.\r\nIf role assignments were changed"
            " recently, please observe propagation time.\r\nCaller: appid=a;oid=o\r\nAction:"
            " 'Microsoft.KeyVault/vaults/certificates/read'\r\nResource: '/subscriptions/s'\r\n",
            "the caller lacks the right Microsoft.KeyVault/vaults/certificates/read at /subscriptions/s",
        ),
        (
            "The user, group or application 'appid=a;oid=o' does not have certificates get permission on key"
            " vault 'kv-prod;location=westeurope'.",
            "the caller lacks the vault permission “certificates get”",
        ),
    ],
    ids=["rbac", "access-policy"],
)
async def test_key_vault_names_the_missing_data_action(message: str, why: str) -> None:
    error = await caught(CALLS[-1][1], Answer(403, body("Forbidden", message)))
    assert isinstance(error, AccessDeniedError)
    assert error.why == why
    assert error.command.startswith(
        ("az role assignment create", "az keyvault set-policy --name kv-prod --object-id OBJECT_ID")
    )


async def test_another_403_keeps_the_services_words() -> None:
    message = "Operation get is not allowed on a disabled secret."
    error = await caught(CALLS[-1][1], Answer(403, body("Forbidden", message)))
    assert isinstance(error, AccessDeniedError)
    assert error.why == f"Forbidden: {message}"


@pytest.mark.parametrize(
    ("code", "fix"),
    [
        ("SubscriptionNotFound", "Check azure.subscription in the profile"),
        ("ResourceGroupNotFound", "Check the resource group's name in the profile."),
        ("ResourceNotFound", ""),
    ],
)
async def test_the_wrong_place_is_told_from_the_missing_object(code: str, fix: str) -> None:
    error = await caught(CLUSTER, Answer(404, body(code)))
    assert error.fix.startswith(fix) if fix else error.fix == ""


async def test_a_server_error_has_a_number_for_support() -> None:
    error = await caught(CLUSTER, Answer(500, body("InternalServerError"), {"x-ms-request-id": "r-1"}))
    assert error.fix == "Request id for Microsoft support: r-1"


async def test_throttling_says_when_to_come_back() -> None:
    error = await caught(CLUSTER, Answer(429, body("TooManyRequests")))
    assert "request limit" in error.fix


@pytest.mark.parametrize(
    ("code", "kind"), [("PreconditionFailed", ConflictError), ("ReconcileAddonsError", ServiceError)]
)
async def test_an_operation_that_fails_in_its_poll(code: str, kind: type[ProvisionError]) -> None:
    """Both answers are a 200; the failure is in the body of the second."""

    async def write(made: Clients) -> Any:
        zones = made.private_dns("s").private_zones
        poller: AsyncLROPoller[Any] = await zones.begin_create_or_update("g", "z", PrivateZone())
        return await poller.result()

    poll = "https://arm.test/operations/1?t=638&c=MII&s=signature&h=hash"
    accepted = Answer(202, {}, {"Azure-AsyncOperation": poll, "Location": poll})
    failed = Answer(200, {"status": "Failed", **body(code)})
    error = await caught(write, accepted, failed)
    assert type(error) is kind
    assert error.why == f"{code}: Because."
    assert "signature" not in str(error)


SIGNED = "https://arm.test/operations/1?api-version=2026-08-01&t=638&c=MII&s=signature&h=hash"


@pytest.mark.parametrize(
    "broken",
    [
        aiohttp.ConnectionTimeoutError(f"Connection timeout to host {SIGNED}"),
        aiohttp.InvalidURL(SIGNED),
        aiohttp.ClientConnectionError(f"Cannot reach '{SIGNED}': reset"),
    ],
    ids=["timeout", "invalid", "quoted"],
)
async def test_a_signed_address_is_not_repeated(broken: Exception) -> None:
    error = await caught(CLUSTER, broken)
    assert "https://arm.test/operations/1" in str(error)
    assert "signature" not in str(error)


async def test_a_signed_address_in_the_services_own_words_is_not_repeated() -> None:
    error = await caught(CLUSTER, Answer(400, body("BadOperation", f"See {SIGNED} for the operation.")))
    assert error.why == "BadOperation: See https://arm.test/operations/1?… for the operation."


async def test_a_link_to_documentation_is_kept_whole() -> None:
    link = "https://go.microsoft.com/fwlink/?linkid=2125287"
    assert link in (await caught(CLUSTER, Answer(400, body("BadRequest", f"See {link}")))).why


@EVERY_CLIENT
@pytest.mark.parametrize("status", [400, 401, 403, 500])
async def test_the_token_is_in_no_error(call: Call, status: int) -> None:
    error = await caught(call, Answer(status, body("Code")))
    assert TOKEN not in f"{error!s} {error!r}"


async def test_another_error_of_the_sdks() -> None:
    with pytest.raises(ServiceError) as error, translating("reading it"):
        raise AzureError("Something else.\nWith a hint for programmers.")
    assert error.value.why == "Something else."


async def test_what_is_no_error_of_the_sdks_passes() -> None:
    with pytest.raises(ConflictError, match="ours"), translating("reading it"):
        raise ConflictError("writing it", "ours")
    with pytest.raises(KeyError), translating("reading it"):
        raise KeyError("a mistake of ours")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (refusal(409, "EtagMismatch"), "EtagMismatch"),
        (refusal(412, "PreconditionFailed", bare=True), "PreconditionFailed"),
        (raised(200, json.dumps({"status": "Failed", "error": {"code": "Late", "message": "m"}})), "Late"),
        # More than the SDK's own reading of it expects, which then gives up.
        (raised(400, '{"error":{"code":"Odd","message":"m","additionalInfo":[{}]}}'), "Odd"),
        (raised(400, "not json"), ""),
        (HttpResponseError("no answer at all"), ""),
        (ResourceExistsError("no answer at all"), ""),
    ],
)
def test_the_code_is_found_wherever_it_is(error: HttpResponseError, code: str) -> None:
    assert code_of(error) == code


def test_the_reason_is_code_and_message() -> None:
    assert reason_of(refusal(409, "EtagMismatch", "It moved.")) == "EtagMismatch: It moved."
    assert reason_of(HttpResponseError("no answer at all")) == "no answer at all"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (raised(409, '{"error":{"code":"Conflict","message":"m","innererror":{"code":"Inner"}}}'), "Inner"),
        (raised(409, '{"error":{"code":"Conflict","message":"m","innererror":{}}}'), ""),
        (raised(409, '{"error":{"code":"Conflict","message":"m","innererror":null}}'), ""),
        (refusal(409, "Conflict"), ""),
        (HttpResponseError("no answer at all"), ""),
    ],
)
def test_the_code_inside_the_code(error: HttpResponseError, code: str) -> None:
    assert inner_code_of(error) == code


HIDDEN = "-".join(("canary", "9d3e"))  # not as it stands in a line that a traceback shows


def test_what_a_service_repeats_of_a_secret_is_left_out_of_errors_and_tracebacks() -> None:
    """The codes stay, for those who decide by them."""
    encoded = "MIIKAgEA" * 20
    error = {
        "code": "Conflict",
        "message": f"No: pwd={HIDDEN}, value={encoded}.",
        "innererror": {"code": "ObjectIsDeletedButRecoverable", "value": HIDDEN},
    }
    refused = raised(409, json.dumps({"error": error}))
    with pytest.raises(ConflictError) as caught, translating("importing it"), hiding(HIDDEN):
        raise refused
    cause = caught.value.__cause__
    assert isinstance(cause, ResourceExistsError)
    assert (cause.status_code, inner_code_of(cause)) == (409, "ObjectIsDeletedButRecoverable")
    assert caught.value.why == "Conflict: No: pwd=…, value=…."
    shown = "".join(traceback.format_exception(caught.value))
    assert "importing it" in shown
    assert HIDDEN not in shown
    assert encoded[:16] not in shown


def test_a_refusal_that_is_no_json_is_hidden_too() -> None:
    with pytest.raises(ProvisionError) as caught, translating("writing it"), hiding(HIDDEN):
        raise raised(400, f"<html>{HIDDEN}</html>")
    assert HIDDEN not in "".join(traceback.format_exception(caught.value))
