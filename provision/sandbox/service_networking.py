"""Microsoft.ServiceNetworking/trafficControllers with frontends, associations and security policies.

Sources: az CLI recording test_alb_resources of the alb extension (June and November 2023) for documents, long
operations and their times; azure-mgmt-servicenetworking 2.1.0 (2026-03-01) for what came later; "Application
Gateway for Containers", Microsoft Learn, 2026-06, for limits. No refusal of the service is public: codes and
texts here are of the kind that ARM services have.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial

from provision.sandbox import service_networking_private, virtual_networks
from provision.sandbox.azure import Answer, Azure, Json, Refusal, Request, Settle, not_found
from provision.sandbox.http import Route
from provision.sandbox.service_networking_kinds import (
    ASSOCIATION,
    CHILDREN,
    CONNECTION,
    CONTROLLER,
    FRONTEND,
    POLICY,
    PRIVATE_ZONE,
    shown,
)
from provision.sandbox.service_networking_paths import (
    GAP,
    controller_id,
    existing,
    path_id,
    poll_headers,
    version_of,
)
from provision.sandbox.service_networking_rules import check_unused
from provision.sandbox.service_networking_writes import PUT, patch, put_child, put_controller
from provision.sandbox.virtual_networks import SUBNET
from provision.sandbox.waf_policies import JOIN

_DELETE_SECONDS = {CONTROLLER: 75.0, FRONTEND: 75.0, ASSOCIATION: 330.0, POLICY: 30.0, CONNECTION: 10.0}
"""The delete of an association was still running after 285 s; the others are guesses."""
_ADDRESSES = 6
"""Addresses of its subnet that an association takes at first; it takes more as it scales."""

_DELETE = "service_networking.delete"
_SUBSCRIPTION = "/subscriptions/{subscription}"
_CONTROLLERS = f"{_SUBSCRIPTION}/resourceGroups/{{group}}/providers/{CONTROLLER}"
_ITEM = f"{_CONTROLLERS}/{{controller}}"


def get(kind: str, request: Request, azure: Azure) -> Answer:
    document = existing(kind, request, azure)
    return Answer(200, shown(azure, kind, document, version_of(request)), {"ETag": f'"{document["etag"]}"'})


def list_controllers(request: Request, azure: Azure) -> Answer:
    """Of a group or of the subscription."""
    prefix = f"/subscriptions/{request.params['subscription']}/resourceGroups/"
    if "group" in request.params:
        prefix += f"{request.params['group']}/"
    found = azure.store.list(CONTROLLER, prefix)
    return Answer(body={"value": [shown(azure, CONTROLLER, each, version_of(request)) for each in found]})


def list_children(kind: str, request: Request, azure: Azure) -> Answer:
    if azure.store.get(CONTROLLER, controller_id(request)) is None:
        raise not_found(controller_id(request))
    found = azure.store.list(kind, f"{controller_id(request)}/")
    return Answer(body={"value": [shown(azure, kind, each, version_of(request)) for each in found]})


def delete(kind: str, request: Request, azure: Azure) -> Answer:
    """202 whose body is `null`, 204 when there is none. A controller goes only without children."""
    document = azure.store.get(kind, path_id(kind, request))
    if document is None:
        return Answer(204)
    if kind == CONTROLLER:
        _check_childless(azure, document)
    else:
        check_unused(azure, kind, document)
    document["properties"]["provisioningState"] = "Deleting"
    azure.store.put(kind, document["id"], document)
    operation = azure.start_operation(_DELETE, _DELETE_SECONDS[kind], kind=kind, resource=document["id"])
    place = document if "location" in document else azure.store.get(CONTROLLER, controller_id(request))
    headers = poll_headers(request, azure, operation["name"], (place or {})["location"], result=True)
    return Answer(202, b"null", {"Content-Type": "application/json; charset=utf-8", **headers})


def get_operation(request: Request, azure: Azure) -> Answer:
    operation = azure.operation(request.params["operation"])
    running = operation["status"] == "InProgress"
    return Answer(200, {"status": operation["status"]}, azure.clock.retry_headers(GAP) if running else {})


def get_result(request: Request, azure: Azure) -> Answer:
    """202 while a deletion runs, then 204."""
    operation = azure.operation(request.params["operation"])
    if operation["status"] != "InProgress":
        return Answer(204)
    place = request.params["location"]
    return Answer(202, None, poll_headers(request, azure, operation["name"], place, result=True))


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
        properties.setdefault("fqdn", _frontend_name(azure, document))
    elif kind == ASSOCIATION:
        virtual_networks.hold(azure, properties["subnet"]["id"], document["id"], _ADDRESSES)
    azure.store.put(kind, document["id"], document)
    return None


def _frontend_name(azure: Azure, frontend: Json) -> str:
    """Sixteen letters and digits in one of the service's zones, as users show them; a private one has its own
    name in it, and a zone that private endpoints are looked up in."""
    number = azure.guid().replace("-", "")
    if frontend["properties"].get("publicNetworkAccess") == "Disabled":
        return f"{frontend['name']}.{number[:6]}.{PRIVATE_ZONE}"
    return f"{number[:16]}.fz{int(number[16:20], 16) % 100:02}.alb.azure.com"


def _settle_delete(azure: Azure, operation: Json) -> Json | None:
    document = azure.store.get(operation["kind"], operation["resource"])
    if document is not None and operation["kind"] == ASSOCIATION:
        virtual_networks.hold(azure, document["properties"]["subnet"]["id"], document["id"], 0)
    azure.store.delete(operation["kind"], operation["resource"])
    return None


def _check_childless(azure: Azure, controller: Json) -> None:
    nested = [
        child["id"] for kind in CHILDREN.values() for child in azure.store.list(kind, f"{controller['id']}/")
    ]
    if nested:
        raise Refusal(
            409,
            "CannotDeleteResource",
            "Cannot delete resource while nested resources exist. Some existing nested resource IDs include:"
            f" '{nested[0].partition('/providers/')[2]}'. Please delete all nested resources before deleting"
            " this resource.",
        )


def _joins_subnet(body: Json) -> tuple[str, str] | None:
    subnet = ((body.get("properties") or {}).get("subnet") or {}).get("id")
    return (f"{SUBNET}/join/action", str(subnet)) if subnet else None


def _joins_firewall(body: Json) -> tuple[str, str] | None:
    policy = ((body.get("properties") or {}).get("wafPolicy") or {}).get("id")
    return (JOIN, str(policy)) if policy else None


_LINKED = {ASSOCIATION: _joins_subnet, POLICY: _joins_firewall}
"""Rights that the caller needs elsewhere ("Quickstart: …bring your own deployment" and "Azure Web Application
Firewall on Application Gateway for Containers with the Gateway API", Microsoft Learn, 2025)."""


def _child_routes() -> Iterator[Route]:
    for name, kind in CHILDREN.items():
        children, child = f"{_ITEM}/{name}", f"{_ITEM}/{name}/{{name}}"
        yield Route("DELETE", child, partial(delete, kind), f"{kind}/delete")
        if kind == CONNECTION:
            continue  # the rest is in a module of its own
        yield Route("GET", children, partial(list_children, kind), f"{kind}/read")
        yield Route("GET", child, partial(get, kind), f"{kind}/read")
        linked = _LINKED.get(kind)
        yield Route("PUT", child, partial(put_child, kind), f"{kind}/write", linked=linked)
        yield Route("PATCH", child, partial(patch, kind), f"{kind}/write")


_LOCATION = f"{_SUBSCRIPTION}/providers/Microsoft.ServiceNetworking/locations/{{location}}"

ROUTES: tuple[Route, ...] = (
    Route("GET", f"{_SUBSCRIPTION}/providers/{CONTROLLER}", list_controllers, f"{CONTROLLER}/read"),
    Route("GET", _CONTROLLERS, list_controllers, f"{CONTROLLER}/read"),
    Route("GET", _ITEM, partial(get, CONTROLLER), f"{CONTROLLER}/read"),
    Route("PUT", _ITEM, put_controller, f"{CONTROLLER}/write"),
    Route("PATCH", _ITEM, partial(patch, CONTROLLER), f"{CONTROLLER}/write"),
    Route("DELETE", _ITEM, partial(delete, CONTROLLER), f"{CONTROLLER}/delete"),
    *_child_routes(),
    *service_networking_private.ROUTES,
    Route("GET", f"{_LOCATION}/operations/{{operation}}", get_operation),
    Route("GET", f"{_LOCATION}/operationResults/{{operation}}", get_result),
)

SETTLERS: Mapping[str, Settle] = {PUT: _settle_put, _DELETE: _settle_delete}
