"""Requests to Microsoft.ServiceNetworking: what their paths name, and the long operations they begin."""

from __future__ import annotations

from provision.sandbox.azure import Azure, Json, Refusal, Request, not_found, signed
from provision.sandbox.gateway import body_of
from provision.sandbox.service_networking_kinds import CONTROLLER

GAP = 10.0
"""Seconds from poll to poll."""


def poll_headers(
    request: Request, azure: Azure, operation: str, location: str, *, result: bool = False
) -> dict[str, str]:
    """Headers of an accepted request; `result` for a deletion's Location."""
    place = (
        f"{request.base_url}/subscriptions/{request.params['subscription']}/providers"
        f"/Microsoft.ServiceNetworking/locations/{location}"
    )
    tail = f"{operation}?api-version={version_of(request)}"
    headers = {"Azure-AsyncOperation": signed(f"{place}/operations/{tail}")}
    if result:
        headers["Location"] = signed(f"{place}/operationResults/{tail}")
    return headers | azure.clock.retry_headers(GAP)


def version_of(request: Request) -> str:
    """The api-version."""
    return request.query.get("api-version", "2023-11-01")


def properties_of(request: Request) -> Json:
    """`properties` of the body."""
    return dict(body_of(request).get("properties") or {})


def controller_id(request: Request) -> str:
    """Id of the traffic controller in the path."""
    params = request.params
    group = f"/subscriptions/{params['subscription']}/resourceGroups/{params['group']}"
    return f"{group}/providers/{CONTROLLER}/{params['controller']}"


def path_id(kind: str, request: Request) -> str:
    """Id of the resource of a kind in the path."""
    controller = controller_id(request)
    if kind == CONTROLLER:
        return controller
    return f"{controller}/{kind.rpartition('/')[2]}/{request.params['name']}"


def existing(kind: str, request: Request, azure: Azure) -> Json:
    """The resource in the path. Raises Refusal when there is none."""
    document = azure.store.get(kind, path_id(kind, request))
    if document is None:
        raise not_found(path_id(kind, request))
    return document


def location_of(request: Request) -> str:
    """The region in the body, which children need too, also when they are written again."""
    location = body_of(request).get("location")
    if not location:
        raise Refusal(400, "LocationRequired", "The location property is required for this definition.")
    return str(location).replace(" ", "").lower()
