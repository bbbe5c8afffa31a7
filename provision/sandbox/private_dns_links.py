"""Microsoft.Network/privateDnsZones/virtualNetworkLinks: which networks see a private zone.

Source: az CLI recordings of the privatedns module (2021 to 2023).
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping

from provision.sandbox import dns_operations, dns_records, dns_rules
from provision.sandbox.azure import Answer, Azure, Json, Request, Settle, not_found
from provision.sandbox.dns import check_global
from provision.sandbox.dns_flavours import PRIVATE, parent
from provision.sandbox.dns_operations import begin_private
from provision.sandbox.http import Route

LINK = f"{PRIVATE.kind}/virtualNetworkLinks"
_PUT, _DELETE = "private_dns.UpsertVirtualNetworkLink", "private_dns.DeleteVirtualNetworkLink"


def _link_id(request: Request, azure: Azure) -> str:
    return f"{parent(PRIVATE, request, azure)['id']}/virtualNetworkLinks/{request.params['link']}"


def get_link(request: Request, azure: Azure) -> Answer:
    link = azure.store.get(LINK, _link_id(request, azure))
    if link is None:
        raise not_found(request.path)
    return Answer(200, link, {"ETag": link["etag"]})


def list_links(request: Request, azure: Azure) -> Answer:
    return dns_records.page(request, azure.store.list(LINK, f"{parent(PRIVATE, request, azure)['id']}/"))


def _joined(body: Json) -> tuple[str, str] | None:
    """The network that a link joins ("Scenario: private zone resolution", Microsoft Learn, 2026)."""
    network = ((body.get("properties") or {}).get("virtualNetwork") or {}).get("id")
    return ("Microsoft.Network/virtualNetworks/join/action", network) if network else None


def put_link(request: Request, azure: Azure) -> Answer:
    """The virtual network is not looked up: the sandbox has none."""
    body: Json = request.body or {}
    identifier = _link_id(request, azure)
    check_global(body, LINK)
    properties: Json = body.get("properties") or {}
    network = (properties.get("virtualNetwork") or {}).get("id", "")
    if "/virtualnetworks/" not in network.lower():
        raise dns_rules.bad_request("The property 'virtualNetwork' of the virtual network link is invalid.")
    return begin_private(request, azure, _PUT, LINK, identifier, tags=body.get("tags"), properties=properties)


def patch_link(request: Request, azure: Azure) -> Answer:
    link = azure.store.get(LINK, _link_id(request, azure))
    if link is None:
        raise not_found(request.path)
    body: Json = request.body or {}
    properties = {**link["properties"], **(body.get("properties") or {})}
    tags = body.get("tags", link.get("tags"))
    return begin_private(request, azure, _PUT, LINK, link["id"], tags=tags, properties=properties)


def delete_link(request: Request, azure: Azure) -> Answer:
    link = azure.store.get(LINK, _link_id(request, azure))
    if link is None:
        return Answer(204)
    return begin_private(request, azure, _DELETE, LINK, link["id"])


def _settle_link(azure: Azure, operation: Json) -> Json | None:
    identifier, sent = operation["resource"], operation["properties"]
    link = azure.store.get(LINK, identifier)
    if error := dns_operations.failed_condition(operation, link):
        return error
    registering = bool(sent.get("registrationEnabled"))
    network = link["properties"]["virtualNetwork"] if link else sent["virtualNetwork"]
    if error := _link_clash(azure, identifier, network["id"], registering=registering):
        return error
    properties = {
        "provisioningState": "Succeeded",
        "registrationEnabled": registering,
        "virtualNetwork": {"id": network["id"]},
        "virtualNetworkLinkState": "Completed",
    }
    if policy := sent.get("resolutionPolicy"):
        properties["resolutionPolicy"] = policy
    document: Json = {
        "id": link["id"] if link else identifier,
        "name": identifier.rpartition("/")[2],
        "type": LINK,
        # quotes are part of the value: the only etag of the DNS services that has them
        "etag": f'"{uuid.uuid4().hex[:8]}-0000-0100-0000-{uuid.uuid4().hex[:8]}0000"',
        "location": "global",
        **({"tags": operation["tags"]} if operation["tags"] else {}),
        "properties": properties,
    }
    azure.store.put(LINK, document["id"], document)
    return None


def _link_clash(azure: Azure, identifier: str, network: str, *, registering: bool) -> Json | None:
    """One link a zone name and network, one registering zone a network. Source: Microsoft Learn (2026)."""
    zone = identifier.split("/")[8]
    for link in azure.store.list(LINK):
        same = link["properties"]["virtualNetwork"]["id"].lower() == network.lower()
        if not same or link["id"].lower() == identifier.lower():
            continue
        other = link["id"].split("/")[8]
        if other.lower() == zone.lower():
            return {
                "code": "BadRequest",
                "message": "A virtual network cannot be linked to multiple zones with overlapping namespaces."
                f" You tried to link virtual network with '{zone}' and '{other}' zones.",
            }
        if registering and link["properties"]["registrationEnabled"]:
            return {
                "code": "BadRequest",
                "message": "A virtual network can only be linked to 1 Private DNS zone(s) with"
                f" auto-registration enabled; conflicting Private DNS zone is '{other}'.",
            }
    return None


def _settle_link_delete(azure: Azure, operation: Json) -> Json | None:
    link = azure.store.get(LINK, operation["resource"])
    if error := dns_operations.failed_condition(operation, link):
        return error
    azure.store.delete(LINK, operation["resource"])
    return None


_LINKS = (
    f"/subscriptions/{{subscription}}/resourceGroups/{{group}}/providers/{PRIVATE.kind}"
    "/{zone}/virtualNetworkLinks"
)
_LINK = f"{_LINKS}/{{link}}"

ROUTES: tuple[Route, ...] = (
    Route("GET", _LINKS, list_links, f"{LINK}/read"),
    Route("GET", _LINK, get_link, f"{LINK}/read"),
    Route("PUT", _LINK, put_link, f"{LINK}/write", linked=_joined),
    Route("PATCH", _LINK, patch_link, f"{LINK}/write"),
    Route("DELETE", _LINK, delete_link, f"{LINK}/delete"),
)

SETTLERS: Mapping[str, Settle] = {_PUT: _settle_link, _DELETE: _settle_link_delete}
