"""Long operations of the DNS services: how they are accepted, named and polled.

Source: az CLI recordings test_dns (2021) and of the privatedns module (2021 to 2023).
"""

from __future__ import annotations

import base64
import binascii
import time
import uuid

from provision.sandbox.azure import Answer, Azure, Json, Refusal, Request, signed
from provision.sandbox.http import Route

PRIVATE_SECONDS = 25.0
PRIVATE_GAP = 30.0
"""An operation of private DNS took at most 31 s in 2021, with 30 s between polls."""

_NOUNS = {
    "dnszones": "Zone",
    "privatednszones": "Zone",
    "virtualnetworklinks": "virtual network link",
}
_GROUP = "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Network"


def accepted(
    request: Request, azure: Azure, family: str, token: str, gap: float, body: Json | None = None
) -> Answer:
    """A 202. `family` is `dns` or `privateDns`, `gap` the seconds between polls.

    Azure writes its port (`:443`) into Azure-AsyncOperation only; ours is needed in both.
    """
    params = request.params
    group = _GROUP.format(subscription=params["subscription"], group=params["group"])
    version = request.query.get("api-version", "2018-05-01")
    url = f"{request.base_url}{group}/{family}Operation"
    headers = {
        "Azure-AsyncOperation": signed(f"{url}Statuses/{token}?api-version={version}"),
        "Location": signed(f"{url}Results/{token}?api-version={version}"),
        **azure.clock.retry_headers(gap),
    }
    return Answer(202, body, headers)


def public_token(operation: Json) -> str:
    """`delzone<ticks><hex>`."""
    ticks = time.time_ns() // 100 + 621355968000000000
    return f"delzone{ticks}{uuid.UUID(operation['name']).hex}"


def private_token(operation: Json, work: str, subscription: str) -> str:
    """Base64 of `FrontEndAsyncOperation;<work>;<guid>_<subscription>`."""
    text = f"FrontEndAsyncOperation;{work};{operation['name']}_{subscription}"
    return base64.b64encode(text.encode()).decode()


def begin_private(
    request: Request, azure: Azure, settler: str, kind: str, resource: str, **detail: object
) -> Answer:
    """Accept a change of a private zone or link: its preconditions are kept for the settler.

    `settler` is `private_dns.` and what the service calls the work (`UpsertPrivateDnsZone`).
    """
    operation = azure.start_operation(
        settler,
        PRIVATE_SECONDS,
        kind=kind,
        resource=resource,
        gap=PRIVATE_GAP,
        if_match=request.headers.get("if-match", ""),
        if_none_match=request.headers.get("if-none-match", ""),
        **detail,
    )
    work = settler.rpartition(".")[2]
    token = private_token(operation, work, request.params["subscription"])
    body: Json | None = None if work.startswith("Delete") else {}
    return accepted(request, azure, "privateDns", token, PRIVATE_GAP, body)


def _operation(request: Request, azure: Azure) -> Json:
    token = request.params["token"]
    if token.startswith("delzone") and len(token) > 32:
        name = token[-32:]
    else:
        try:
            text = base64.b64decode(token, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            text = ""
        name = text.rpartition(";")[2].partition("_")[0]
    try:
        return azure.operation(str(uuid.UUID(name)))
    except ValueError:
        raise Refusal(404, "NotFound", f"The operation '{token}' does not exist.", envelope="bare") from None


def get_status(request: Request, azure: Azure) -> Answer:
    """202 while it runs, then 200, also for an operation that failed."""
    operation = _operation(request, azure)
    body: Json = {"status": operation["status"]}
    if operation["status"] == "InProgress":
        return Answer(202, body, azure.clock.retry_headers(operation["gap"]))
    return Answer(200, {"error": operation["error"], **body} if "error" in operation else body)


def get_result(request: Request, azure: Azure) -> Answer:
    """202 while it runs, then the resource, 204 after a delete, or the error."""
    operation = _operation(request, azure)
    if operation["status"] == "InProgress":
        return Answer(202, None, azure.clock.retry_headers(operation["gap"]))
    if "error" in operation:
        return Answer(412 if operation["error"]["code"] == "PreconditionFailed" else 409, operation["error"])
    found = azure.store.get(operation["kind"], operation["resource"])
    return Answer(204) if found is None else Answer(200, found)


def routes(family: str) -> tuple[Route, ...]:
    """The poll routes of `dns` or `privateDns`."""
    action = f"Microsoft.Network/{family}Operation"
    return (
        Route("GET", f"{_GROUP}/{family}OperationStatuses/{{token}}", get_status, f"{action}Statuses/read"),
        Route("GET", f"{_GROUP}/{family}OperationResults/{{token}}", get_result, f"{action}Results/read"),
    )


def failed_condition(operation: Json, current: Json | None) -> Json | None:
    """The late check of If-Match and If-None-Match: the error of the operation, or None."""
    wanted, forbidden = operation.get("if_match", ""), operation.get("if_none_match", "")
    message = condition_error(wanted, forbidden, current)
    return {"code": "PreconditionFailed", "message": message} if message else None


def condition_error(wanted: str, forbidden: str, current: Json | None) -> str:
    """Why a precondition does not hold, as the DNS services word it; empty when it does."""
    if forbidden == "*" and current is not None:
        noun = _NOUNS.get(current["type"].rpartition("/")[2].lower(), "record set")
        return f"The {noun} {current['name']} exists already and hence cannot be created again."
    etag = current["etag"] if current else ""
    if wanted and (current is None or (wanted != "*" and wanted.strip('"') != etag.strip('"'))):
        return f"The condition '{wanted}' in the If-Match header was not satisfied. The current was '{etag}'."
    return ""
