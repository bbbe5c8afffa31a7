"""Private endpoint connections and private link resources of traffic controllers (2026-03-01).

Source: azure-mgmt-servicenetworking 2.1.0 and the examples of the specification (azure-rest-api-specs,
ServiceNetworking.Management, PrivateLinkResourcesGet and PrivateEndpointConnectionPut, 2025-09-01-preview): a
private frontend is a private link resource, and its name the group id. A connection comes into being with a
private endpoint (`private_endpoints`); here it is read, approved and rejected.
"""

from __future__ import annotations

import hashlib

from provision.sandbox.azure import Answer, Azure, Json, Refusal, Request, not_found
from provision.sandbox.http import Route
from provision.sandbox.service_networking_kinds import CONNECTION, CONTROLLER, FRONTEND, PRIVATE_ZONE, TYPES
from provision.sandbox.service_networking_paths import controller_id, existing, properties_of

LINK = f"{CONTROLLER}/privateLinkResources"
_STATES = ("Pending", "Approved", "Rejected", "Disconnected")


def connect(azure: Azure, frontend: Json, endpoint: str, name: str, status: str, description: str) -> Json:
    """Make the connection of a private endpoint to a private frontend; returns its document.

    `frontend` and `address` in it are the sandbox's own and not shown.
    """
    controller = frontend["id"].rsplit("/", 2)[0]
    number = int(hashlib.sha256(f"{endpoint}".encode()).hexdigest(), 16)
    document: Json = {
        "id": f"{controller}/privateEndpointConnections/{name}",
        "name": name,
        "type": TYPES[CONNECTION],
        "frontend": frontend["name"],
        "address": f"10.224.{200 + number % 50}.{1 + number // 50 % 250}",
        "properties": {
            "privateEndpoint": {"id": endpoint},
            "privateLinkServiceConnectionState": {
                "status": status,
                "description": description,
                "actionsRequired": "None",
            },
            "provisioningState": "Succeeded",
        },
    }
    azure.store.put(CONNECTION, document["id"], document)
    return document


def list_connections(request: Request, azure: Azure) -> Answer:
    _controller(request, azure)
    found = azure.store.list(CONNECTION, f"{controller_id(request)}/privateEndpointConnections/")
    return Answer(body={"value": [_shown(each) for each in found]})


def get_connection(request: Request, azure: Azure) -> Answer:
    return Answer(200, _shown(existing(CONNECTION, request, azure)))


def put_connection(request: Request, azure: Azure) -> Answer:
    """Approve or reject: nothing else changes."""
    document = existing(CONNECTION, request, azure)
    wanted = properties_of(request).get("privateLinkServiceConnectionState") or {}
    if wanted.get("status") not in _STATES:
        raise Refusal(
            400, "InvalidPrivateLinkServiceConnectionState", f"The status is one of {', '.join(_STATES)}."
        )
    document["properties"]["privateLinkServiceConnectionState"] |= wanted
    azure.store.put(CONNECTION, document["id"], document)
    return Answer(200, _shown(document))


def list_links(request: Request, azure: Azure) -> Answer:
    _controller(request, azure)
    return Answer(body={"value": _links(request, azure)})


def get_link(request: Request, azure: Azure) -> Answer:
    for each in _links(request, azure):
        if each["name"].lower() == request.params["name"].lower():
            return Answer(200, each)
    raise not_found(request.path)


def _links(request: Request, azure: Azure) -> list[Json]:
    controller = controller_id(request)
    return [
        {
            "id": f"{controller}/privateLinkResources/{each['name']}",
            "name": each["name"],
            "type": f"{TYPES[CONTROLLER]}/PrivateLinkResources",
            "properties": {
                "groupId": each["name"],
                "requiredMembers": [each["name"]],
                "requiredZoneNames": [PRIVATE_ZONE],
                "provisioningState": "Succeeded",
            },
        }
        for each in azure.store.list(FRONTEND, f"{controller}/frontends/")
        if each["properties"].get("publicNetworkAccess") == "Disabled" and each["properties"].get("fqdn")
    ]


def _controller(request: Request, azure: Azure) -> None:
    if azure.store.get(CONTROLLER, controller_id(request)) is None:
        raise not_found(controller_id(request))


def _shown(document: Json) -> Json:
    return {key: value for key, value in document.items() if key not in ("frontend", "address")}


_ITEM = f"/subscriptions/{{subscription}}/resourceGroups/{{group}}/providers/{CONTROLLER}/{{controller}}"
_CONNECTIONS, _LINKS = f"{_ITEM}/privateEndpointConnections", f"{_ITEM}/privateLinkResources"

ROUTES: tuple[Route, ...] = (
    Route("GET", _CONNECTIONS, list_connections, f"{CONNECTION}/read"),
    Route("GET", f"{_CONNECTIONS}/{{name}}", get_connection, f"{CONNECTION}/read"),
    Route("PUT", f"{_CONNECTIONS}/{{name}}", put_connection, f"{CONNECTION}/write"),
    Route("GET", _LINKS, list_links, f"{LINK}/read"),
    Route("GET", f"{_LINKS}/{{name}}", get_link, f"{LINK}/read"),
)
