"""Microsoft.Network/privateDnsZones and their virtual network links, api-version 2018-09-01 and later.

Source: az CLI recordings of the privatedns module (2021 to 2023). Zones and links change in long operations,
answered 202 with `{}`; preconditions are checked only inside them. Record sets are synchronous.
"""

from __future__ import annotations

from collections.abc import Mapping

from provision.sandbox import dns_operations, dns_records, dns_rules, private_dns_links
from provision.sandbox.azure import Answer, Azure, Json, Refusal, Request, Settle, not_found
from provision.sandbox.dns import check_global
from provision.sandbox.dns_flavours import PRIVATE, zone_id
from provision.sandbox.dns_operations import begin_private
from provision.sandbox.http import Route
from provision.sandbox.private_dns_links import LINK

ZONE = PRIVATE.kind
_PUT, _DELETE = "private_dns.UpsertPrivateDnsZone", "private_dns.DeletePrivateDnsZone"


def new_zone(azure: Azure, identifier: str, tags: Mapping[str, str] | None = None) -> Json:
    """Write a zone with its SOA record set; `identifier` is its resource id."""
    name = identifier.rpartition("/")[2]
    zone: Json = {
        "id": identifier,
        "name": name,
        "type": ZONE,
        "etag": azure.guid(),
        "location": "global",
        **({"tags": dict(tags)} if tags else {}),
        "properties": {
            "maxNumberOfRecordSets": 25000,
            "maxNumberOfVirtualNetworkLinks": 1000,
            "maxNumberOfVirtualNetworkLinksWithRegistration": 100,
            "numberOfRecordSets": 1,
            "numberOfVirtualNetworkLinks": 0,
            "numberOfVirtualNetworkLinksWithRegistration": 0,
            "provisioningState": "Succeeded",
        },
    }
    azure.store.put(ZONE, identifier, zone)
    authority = {
        "email": "azureprivatedns-host.microsoft.com",
        "expireTime": 2419200,
        "host": "azureprivatedns.net",
        "minimumTtl": 10,
        "refreshTime": 3600,
        "retryTime": 300,
        "serialNumber": 1,
    }
    dns_records.new_record_set(azure, PRIVATE, zone, "SOA", "@", {"ttl": 3600, "soaRecord": authority})
    return zone


def _shown(azure: Azure, zone: Json) -> Json:
    links = azure.store.list(LINK, f"{zone['id']}/")
    registering = [link for link in links if link["properties"]["registrationEnabled"]]
    counters = {
        "numberOfRecordSets": dns_records.count(azure, PRIVATE, zone),
        "numberOfVirtualNetworkLinks": len(links),
        "numberOfVirtualNetworkLinksWithRegistration": len(registering),
    }
    return {**zone, "properties": {**zone["properties"], **counters}}


def get_zone(request: Request, azure: Azure) -> Answer:
    zone = azure.store.get(ZONE, zone_id(PRIVATE, request))
    if zone is None:
        raise not_found(request.path)
    return Answer(200, _shown(azure, zone), {"ETag": zone["etag"]})


def list_zones(request: Request, azure: Azure) -> Answer:
    """Zones of a resource group, or of the subscription."""
    prefix = f"/subscriptions/{request.params['subscription']}/resourceGroups/"
    if "group" in request.params:
        prefix += f"{request.params['group']}/"
    return dns_records.page(request, [_shown(azure, zone) for zone in azure.store.list(ZONE, prefix)])


def put_zone(request: Request, azure: Azure) -> Answer:
    body: Json = request.body or {}
    check_global(body, ZONE)
    dns_rules.check_zone_name(request.params["zone"], public=False)
    return begin_private(request, azure, _PUT, ZONE, zone_id(PRIVATE, request), tags=body.get("tags"))


def patch_zone(request: Request, azure: Azure) -> Answer:
    zone = azure.store.get(ZONE, zone_id(PRIVATE, request))
    if zone is None:
        raise not_found(request.path)
    tags = (request.body or {}).get("tags")
    return begin_private(
        request, azure, _PUT, ZONE, zone["id"], tags=zone.get("tags") if tags is None else tags
    )


def delete_zone(request: Request, azure: Azure) -> Answer:
    """Refused while there are links. Source: learntocloud/networking-lab#8 (2026)."""
    zone = azure.store.get(ZONE, zone_id(PRIVATE, request))
    if zone is None:
        return Answer(204)
    links = azure.store.list(LINK, f"{zone['id']}/")
    if links:
        nested = ", ".join(f"'{link['id'].partition('/providers/')[2]}'" for link in links[:5])
        raise Refusal(
            409,
            "CannotDeleteResource",
            "Cannot delete resource while nested resources exist. Some existing nested resource IDs include:"
            f" {nested}. Please delete all nested resources before deleting this resource.",
        )
    return begin_private(request, azure, _DELETE, ZONE, zone["id"])


def _settle_zone(azure: Azure, operation: Json) -> Json | None:
    zone = azure.store.get(ZONE, operation["resource"])
    if error := dns_operations.failed_condition(operation, zone):
        return error
    tags = operation["tags"]
    if zone is None:
        new_zone(azure, operation["resource"], tags)
        return None
    zone.pop("tags", None)
    zone |= {"etag": azure.guid(), **({"tags": tags} if tags else {})}
    azure.store.put(ZONE, zone["id"], zone)
    return None


def _settle_zone_delete(azure: Azure, operation: Json) -> Json | None:
    zone = azure.store.get(ZONE, operation["resource"])
    if error := dns_operations.failed_condition(operation, zone):
        return error
    for kind, identifier in azure.store.ids(f"{operation['resource']}/"):
        azure.store.delete(kind, identifier)
    azure.store.delete(ZONE, operation["resource"])
    return None


_SUBSCRIPTION = "/subscriptions/{subscription}"
_GROUP = f"{_SUBSCRIPTION}/resourceGroups/{{group}}/providers/{ZONE}"
_ZONE = f"{_GROUP}/{{zone}}"

ROUTES: tuple[Route, ...] = (
    Route("GET", _ZONE, get_zone, f"{ZONE}/read"),
    Route("PUT", _ZONE, put_zone, f"{ZONE}/write"),
    Route("PATCH", _ZONE, patch_zone, f"{ZONE}/write"),
    Route("DELETE", _ZONE, delete_zone, f"{ZONE}/delete"),
    Route("GET", _GROUP, list_zones, f"{ZONE}/read"),
    Route("GET", f"{_SUBSCRIPTION}/providers/{ZONE}", list_zones, f"{ZONE}/read"),
    *private_dns_links.ROUTES,
    *dns_records.routes(PRIVATE),
    *dns_operations.routes("privateDns"),
)

SETTLERS: Mapping[str, Settle] = {
    _PUT: _settle_zone,
    _DELETE: _settle_zone_delete,
    **private_dns_links.SETTLERS,
}
