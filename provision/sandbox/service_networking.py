"""Microsoft.ServiceNetworking/trafficControllers with frontends, associations and security policies.

Sources: az CLI recording test_alb_resources of the alb extension (June and November 2023) for documents, long
operations and their times; azure-mgmt-servicenetworking 2.1.0 (2026-03-01) for what came later; "Application
Gateway for Containers", Microsoft Learn, 2026-06, for limits. No refusal of the service is public: codes and
texts here are of the kind that ARM services have.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial

from provision.sandbox import virtual_networks
from provision.sandbox.azure import Answer, Azure, Json, Refusal, Request, Settle, not_found, signed
from provision.sandbox.gateway import body_of
from provision.sandbox.http import Route
from provision.sandbox.service_networking_rules import check_association, check_frontend, check_policy

CONTROLLER = "Microsoft.ServiceNetworking/trafficControllers"
FRONTEND = f"{CONTROLLER}/frontends"
ASSOCIATION = f"{CONTROLLER}/associations"
POLICY = f"{CONTROLLER}/securityPolicies"

_CHILDREN = {"frontends": FRONTEND, "associations": ASSOCIATION, "securityPolicies": POLICY}
_TYPES = {
    CONTROLLER: "Microsoft.ServiceNetworking/TrafficControllers",
    FRONTEND: "Microsoft.ServiceNetworking/TrafficControllers/Frontends",
    ASSOCIATION: "Microsoft.ServiceNetworking/TrafficControllers/Associations",
    POLICY: "Microsoft.ServiceNetworking/TrafficControllers/SecurityPolicies",
}
_WRITE_SECONDS = {CONTROLLER: 72.0, FRONTEND: 71.0, ASSOCIATION: 193.0, POLICY: 30.0}
_DELETE_SECONDS = {CONTROLLER: 75.0, FRONTEND: 75.0, ASSOCIATION: 330.0, POLICY: 30.0}
"""Writes as seen. The delete of an association was still running after 285 s; the others are guesses."""
_GAP = 10.0
_ADDRESSES = 6
"""Addresses of its subnet that an association takes at first; it takes more as it scales."""

_PUT, _DELETE = "service_networking.put", "service_networking.delete"
_SUBSCRIPTION = "/subscriptions/{subscription}"
_CONTROLLERS = f"{_SUBSCRIPTION}/resourceGroups/{{group}}/providers/{CONTROLLER}"
_ITEM = f"{_CONTROLLERS}/{{controller}}"


def put_controller(request: Request, azure: Azure) -> Answer:
    """201 new, 200 update."""
    identifier = _controller_id(request)
    wanted = {"securityPolicyConfigurations": _properties(request).get("securityPolicyConfigurations")}
    return _write(
        request, azure, CONTROLLER, identifier, {key: value for key, value in wanted.items() if value}
    )


def put_child(kind: str, request: Request, azure: Azure) -> Answer:
    """201 new, 200 update; the body needs a location too, the controller's."""
    controller = azure.store.get(CONTROLLER, _controller_id(request))
    if controller is None:
        raise Refusal(
            404,
            "ParentResourceNotFound",
            f"Failed to perform 'write' on resource(s) of type '{kind.partition('/')[2]}', because the parent"
            f" resource '{_controller_id(request)}' could not be found.",
            headers={"x-ms-failure-cause": "gateway"},
        )
    identifier = f"{controller['id']}/{kind.rpartition('/')[2]}/{request.params['name']}"
    others = [
        each
        for each in azure.store.list(kind, f"{controller['id']}/")
        if each["id"].lower() != identifier.lower()
    ]
    wanted = _properties(request)
    if kind == ASSOCIATION:
        check_association(azure, controller, wanted, others)
        wanted = {"associationType": "subnets", **wanted}
    elif kind == FRONTEND:
        check_frontend(azure, controller, wanted, others)
        wanted = {"publicNetworkAccess": "Enabled", **wanted}
    else:
        check_policy(azure, wanted)
        name = "waf" if "wafPolicy" in wanted else "ipAccessRules"
        wanted = {"policyType": name, **wanted}
    wanted.pop("fqdn", None)
    return _write(request, azure, kind, identifier, wanted)


def _write(request: Request, azure: Azure, kind: str, identifier: str, wanted: Json) -> Answer:
    body = body_of(request)
    before = azure.store.get(kind, identifier)
    location = body.get("location") or (before or {}).get("location")
    if not location:
        raise Refusal(400, "LocationRequired", "The location property is required for this definition.")
    document: Json = {
        "properties": {
            **_kept(before),
            **{key: value for key, value in wanted.items() if key != "provisioningState"},
            "provisioningState": "Updating",
        },
        "id": before["id"] if before else identifier,
        "name": identifier.rsplit("/", 1)[1],
        "type": _TYPES[kind],
        "etag": before["etag"] if before else azure.guid(),
        "location": str(location).replace(" ", "").lower(),
        **({"tags": body["tags"]} if "tags" in body else {}),
    }
    azure.store.put(kind, identifier, document)
    operation = azure.start_operation(_PUT, _WRITE_SECONDS[kind], kind=kind, resource=identifier)
    headers = _poll_headers(request, azure, operation["name"], document["location"])
    return Answer(200 if before else 201, _shown(azure, kind, document), headers)


def _kept(before: Json | None) -> Json:
    """What the service made and a write does not touch."""
    made = ("configurationEndpoints", "fqdn")
    return {key: before["properties"][key] for key in made if key in before["properties"]} if before else {}


def patch(kind: str, request: Request, azure: Azure) -> Answer:
    """Tags, and properties that are named. Synchronous, by the SDK."""
    document = _existing(kind, request, azure)
    body = body_of(request)
    document["properties"] |= body.get("properties") or {}
    if "tags" in body:
        document["tags"] = body["tags"]
    azure.store.put(kind, document["id"], document)
    return Answer(200, _shown(azure, kind, document))


def get(kind: str, request: Request, azure: Azure) -> Answer:
    document = _existing(kind, request, azure)
    return Answer(200, _shown(azure, kind, document), {"ETag": f'"{document["etag"]}"'})


def list_controllers(request: Request, azure: Azure) -> Answer:
    """Of a group or of the subscription."""
    prefix = f"/subscriptions/{request.params['subscription']}/resourceGroups/"
    if "group" in request.params:
        prefix += f"{request.params['group']}/"
    found = azure.store.list(CONTROLLER, prefix)
    return Answer(body={"value": [_shown(azure, CONTROLLER, each) for each in found]})


def list_children(kind: str, request: Request, azure: Azure) -> Answer:
    if azure.store.get(CONTROLLER, _controller_id(request)) is None:
        raise not_found(_controller_id(request))
    return Answer(body={"value": azure.store.list(kind, f"{_controller_id(request)}/")})


def delete(kind: str, request: Request, azure: Azure) -> Answer:
    """202 whose body is `null`, 204 when there is none. A controller goes only without children."""
    document = azure.store.get(kind, _path_id(kind, request))
    if document is None:
        return Answer(204)
    if kind == CONTROLLER:
        _check_childless(azure, document)
    document["properties"]["provisioningState"] = "Deleting"
    azure.store.put(kind, document["id"], document)
    operation = azure.start_operation(_DELETE, _DELETE_SECONDS[kind], kind=kind, resource=document["id"])
    headers = _poll_headers(request, azure, operation["name"], document["location"], result=True)
    return Answer(202, b"null", {"Content-Type": "application/json; charset=utf-8", **headers})


def get_operation(request: Request, azure: Azure) -> Answer:
    operation = azure.operation(request.params["operation"])
    running = operation["status"] == "InProgress"
    return Answer(200, {"status": operation["status"]}, azure.clock.retry_headers(_GAP) if running else {})


def get_result(request: Request, azure: Azure) -> Answer:
    """202 while a deletion runs, then 204."""
    operation = azure.operation(request.params["operation"])
    if operation["status"] != "InProgress":
        return Answer(204)
    place = request.params["location"]
    return Answer(202, None, _poll_headers(request, azure, operation["name"], place, result=True))


def _settle_put(azure: Azure, operation: Json) -> Json | None:
    """What the service makes appears only on success."""
    kind, document = operation["kind"], azure.store.get(operation["kind"], operation["resource"])
    if document is None:
        return None
    properties = document["properties"]
    properties["provisioningState"] = "Succeeded"
    if kind == CONTROLLER:
        host = f"{azure.guid().replace('-', '')}.trafficcontroller.azure.com"
        properties.setdefault("configurationEndpoints", [host])
    elif kind == FRONTEND:
        properties.setdefault("fqdn", f"{azure.guid().replace('-', '')[:16]}.fz01.alb.azure.com")
    elif kind == ASSOCIATION:
        virtual_networks.hold(azure, properties["subnet"]["id"], document["id"], _ADDRESSES)
    azure.store.put(kind, document["id"], document)
    return None


def _settle_delete(azure: Azure, operation: Json) -> Json | None:
    document = azure.store.get(operation["kind"], operation["resource"])
    if document is not None and operation["kind"] == ASSOCIATION:
        virtual_networks.hold(azure, document["properties"]["subnet"]["id"], document["id"], 0)
    azure.store.delete(operation["kind"], operation["resource"])
    return None


def _shown(azure: Azure, kind: str, document: Json) -> Json:
    """A controller with references to its children, each listed twice, in two casings, as was seen."""
    if kind != CONTROLLER:
        return document
    properties = document["properties"]
    references = {name: _references(azure, child, document) for name, child in _CHILDREN.items()}
    first = {key: properties[key] for key in ("configurationEndpoints",) if key in properties}
    return {**document, "properties": {**first, **references, **properties}}


def _references(azure: Azure, kind: str, controller: Json) -> list[Json]:
    found = []
    for child in azure.store.list(kind, f"{controller['id']}/"):
        found.append({"id": child["id"]})
        if child["properties"]["provisioningState"] == "Succeeded":
            found.append({"id": child["id"].replace("/resourceGroups/", "/resourcegroups/")})
    return found


def _check_childless(azure: Azure, controller: Json) -> None:
    nested = [
        child["id"] for kind in _CHILDREN.values() for child in azure.store.list(kind, f"{controller['id']}/")
    ]
    if nested:
        raise Refusal(
            409,
            "CannotDeleteResource",
            "Cannot delete resource while nested resources exist. Some existing nested resource IDs include:"
            f" '{nested[0].partition('/providers/')[2]}'. Please delete all nested resources before deleting"
            " this resource.",
        )


def _poll_headers(
    request: Request, azure: Azure, operation: str, location: str, *, result: bool = False
) -> dict[str, str]:
    place = (
        f"{request.base_url}/subscriptions/{request.params['subscription']}/providers"
        f"/Microsoft.ServiceNetworking/locations/{location}"
    )
    tail = f"{operation}?api-version={request.query.get('api-version', '2023-11-01')}"
    headers = {"Azure-AsyncOperation": signed(f"{place}/operations/{tail}")}
    if result:
        headers["Location"] = signed(f"{place}/operationResults/{tail}")
    return headers | azure.clock.retry_headers(_GAP)


def _properties(request: Request) -> Json:
    return dict(body_of(request).get("properties") or {})


def _controller_id(request: Request) -> str:
    params = request.params
    group = f"/subscriptions/{params['subscription']}/resourceGroups/{params['group']}"
    return f"{group}/providers/{CONTROLLER}/{params['controller']}"


def _path_id(kind: str, request: Request) -> str:
    controller = _controller_id(request)
    if kind == CONTROLLER:
        return controller
    return f"{controller}/{kind.rpartition('/')[2]}/{request.params['name']}"


def _existing(kind: str, request: Request, azure: Azure) -> Json:
    document = azure.store.get(kind, _path_id(kind, request))
    if document is None:
        raise not_found(_path_id(kind, request))
    return document


def _child_routes() -> Iterator[Route]:
    for name, kind in _CHILDREN.items():
        children, child = f"{_ITEM}/{name}", f"{_ITEM}/{name}/{{name}}"
        yield Route("GET", children, partial(list_children, kind), f"{kind}/read")
        yield Route("GET", child, partial(get, kind), f"{kind}/read")
        yield Route("PUT", child, partial(put_child, kind), f"{kind}/write")
        yield Route("PATCH", child, partial(patch, kind), f"{kind}/write")
        yield Route("DELETE", child, partial(delete, kind), f"{kind}/delete")


_LOCATION = f"{_SUBSCRIPTION}/providers/Microsoft.ServiceNetworking/locations/{{location}}"

ROUTES: tuple[Route, ...] = (
    Route("GET", f"{_SUBSCRIPTION}/providers/{CONTROLLER}", list_controllers, f"{CONTROLLER}/read"),
    Route("GET", _CONTROLLERS, list_controllers, f"{CONTROLLER}/read"),
    Route("GET", _ITEM, partial(get, CONTROLLER), f"{CONTROLLER}/read"),
    Route("PUT", _ITEM, put_controller, f"{CONTROLLER}/write"),
    Route("PATCH", _ITEM, partial(patch, CONTROLLER), f"{CONTROLLER}/write"),
    Route("DELETE", _ITEM, partial(delete, CONTROLLER), f"{CONTROLLER}/delete"),
    *_child_routes(),
    Route("GET", f"{_LOCATION}/operations/{{operation}}", get_operation),
    Route("GET", f"{_LOCATION}/operationResults/{{operation}}", get_result),
)

SETTLERS: Mapping[str, Settle] = {_PUT: _settle_put, _DELETE: _settle_delete}
