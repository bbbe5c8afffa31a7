"""Microsoft.Network/privateEndpoints, as far as they lead to private frontends of traffic controllers.

Source: azure-rest-api-specs, Microsoft.Network privateEndpoint.json (2024-07-01). An automatic connection is
approved at once, as its maker has the right to (the sandbox does not look); a manual one is pending.
"""

from __future__ import annotations

from collections.abc import Mapping

from provision.sandbox.azure import Answer, Azure, Json, Refusal, Request, Settle, not_found, signed
from provision.sandbox.gateway import body_of
from provision.sandbox.http import Route
from provision.sandbox.service_networking_kinds import CONNECTION, FRONTEND
from provision.sandbox.service_networking_private import connect
from provision.sandbox.virtual_networks import SUBNET

ENDPOINT = "Microsoft.Network/privateEndpoints"

_SECONDS = 30.0
_PUT, _DELETE = "private_endpoints.put", "private_endpoints.delete"
_KINDS = {"privateLinkServiceConnections": "Approved", "manualPrivateLinkServiceConnections": "Pending"}


def put(request: Request, azure: Azure) -> Answer:
    """201 new, 200 update."""
    body, identifier = body_of(request), _id(request)
    if not body.get("location"):
        raise Refusal(400, "LocationRequired", "The location property is required for this definition.")
    sent = body.get("properties") or {}
    subnet = str((sent.get("subnet") or {}).get("id") or "")
    if azure.store.get(SUBNET, subnet) is None:
        raise Refusal(
            400, "InvalidResourceReference", f"Resource {subnet} referenced by {identifier} was not found."
        )
    before = azure.store.get(ENDPOINT, identifier)
    document: Json = {
        "name": request.params["name"],
        "id": before["id"] if before else identifier,
        "etag": f'W/"{azure.guid()}"',
        "type": ENDPOINT,
        "location": str(body["location"]).replace(" ", "").lower(),
        **({"tags": body["tags"]} if body.get("tags") else {}),
        "properties": {
            "provisioningState": "Updating",
            "subnet": {"id": subnet},
            **{kind: [_link(azure, identifier, each) for each in sent.get(kind) or ()] for kind in _KINDS},
        },
    }
    azure.store.put(ENDPOINT, document["id"], document)
    return Answer(200 if before else 201, document, _begin(request, azure, _PUT, document))


def _link(azure: Azure, identifier: str, wanted: Json) -> Json:
    properties = wanted.get("properties") or {}
    controller = str(properties.get("privateLinkServiceId") or "")
    groups = [str(each) for each in properties.get("groupIds") or ()]
    frontend = azure.store.get(FRONTEND, f"{controller}/frontends/{groups[0]}") if len(groups) == 1 else None
    if frontend is None or frontend["properties"].get("publicNetworkAccess") != "Disabled":
        raise Refusal(
            400,
            "InvalidPrivateLinkGroup",
            f"{controller} has no private link resource {', '.join(groups) or '(none)'}.",
        )
    name = wanted.get("name") or identifier.rsplit("/", 1)[1]
    kept = ("privateLinkServiceId", "groupIds", "requestMessage")
    return {"name": name, "properties": {key: properties[key] for key in kept if key in properties}}


def get(request: Request, azure: Azure) -> Answer:
    found = azure.store.get(ENDPOINT, _id(request))
    if found is None:
        raise not_found(_id(request))
    return Answer(200, found, {"ETag": found["etag"]})


def list_endpoints(request: Request, azure: Azure) -> Answer:
    """Of a group or of the subscription."""
    prefix = f"/subscriptions/{request.params['subscription']}/resourceGroups/"
    if "group" in request.params:
        prefix += f"{request.params['group']}/"
    return Answer(body={"value": azure.store.list(ENDPOINT, prefix)})


def delete(request: Request, azure: Azure) -> Answer:
    found = azure.store.get(ENDPOINT, _id(request))
    return Answer(202, None, _begin(request, azure, _DELETE, found)) if found else Answer(204)


def _begin(request: Request, azure: Azure, settler: str, document: Json) -> dict[str, str]:
    operation = azure.start_operation(settler, _SECONDS, resource=document["id"])
    place = f"/subscriptions/{request.params['subscription']}/providers/Microsoft.Network/locations"
    tail = f"{operation['name']}?api-version={request.query.get('api-version', '2024-07-01')}"
    base = f"{request.base_url}{place}/{document['location']}"
    headers = {"Azure-AsyncOperation": signed(f"{base}/operations/{tail}")}
    if settler == _DELETE:
        headers["Location"] = signed(f"{base}/operationResults/{tail}")
    return headers | azure.clock.retry_headers(10)


def _settle_put(azure: Azure, operation: Json) -> Json | None:
    document = azure.store.get(ENDPOINT, operation["resource"])
    if document is None:
        return None
    properties = document["properties"]
    for kind, status in _KINDS.items():
        for link in properties[kind]:
            asked = link["properties"]
            place = f"{asked['privateLinkServiceId']}/frontends/{asked['groupIds'][0]}"
            frontend = azure.store.get(FRONTEND, place)
            if frontend is None:
                return {"code": "InvalidResourceReference", "message": f"{place} was not found."}
            connection = f"{frontend['id'].rsplit('/', 2)[0]}/privateEndpointConnections/{document['name']}"
            made = azure.store.get(CONNECTION, connection) or connect(
                azure, frontend, document["id"], document["name"], status, asked.get("requestMessage", "")
            )
            asked["privateLinkServiceConnectionState"] = made["properties"][
                "privateLinkServiceConnectionState"
            ]
    properties["provisioningState"] = "Succeeded"
    azure.store.put(ENDPOINT, document["id"], document)
    return None


def _settle_delete(azure: Azure, operation: Json) -> Json | None:
    for connection in azure.store.list(CONNECTION):
        if connection["properties"]["privateEndpoint"]["id"].lower() == operation["resource"].lower():
            azure.store.delete(CONNECTION, connection["id"])
    azure.store.delete(ENDPOINT, operation["resource"])
    return None


def _id(request: Request) -> str:
    params = request.params
    group = f"/subscriptions/{params['subscription']}/resourceGroups/{params['group']}"
    return f"{group}/providers/{ENDPOINT}/{params['name']}"


_SUBSCRIPTION = "/subscriptions/{subscription}"
_ENDPOINTS = f"{_SUBSCRIPTION}/resourceGroups/{{group}}/providers/{ENDPOINT}"

ROUTES: tuple[Route, ...] = (
    Route("GET", f"{_SUBSCRIPTION}/providers/{ENDPOINT}", list_endpoints, f"{ENDPOINT}/read"),
    Route("GET", _ENDPOINTS, list_endpoints, f"{ENDPOINT}/read"),
    Route("GET", f"{_ENDPOINTS}/{{name}}", get, f"{ENDPOINT}/read"),
    Route("PUT", f"{_ENDPOINTS}/{{name}}", put, f"{ENDPOINT}/write"),
    Route("DELETE", f"{_ENDPOINTS}/{{name}}", delete, f"{ENDPOINT}/delete"),
)

SETTLERS: Mapping[str, Settle] = {_PUT: _settle_put, _DELETE: _settle_delete}
