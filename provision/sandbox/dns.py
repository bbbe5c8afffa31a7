"""Microsoft.Network/dnsZones: public DNS zones, api-version 2018-05-01 and later.

Source: az CLI recording test_dns (October 2021). Creating is synchronous, deleting a long operation. The
service is global, spells ids with `dnszones`, and sends its errors bare.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping

from provision.sandbox import dns_operations, dns_records, dns_rules
from provision.sandbox.azure import Answer, Azure, Json, Refusal, Request, Settle, not_found
from provision.sandbox.dns_flavours import PUBLIC, zone_id
from provision.sandbox.http import Route

ZONE = PUBLIC.kind
DELETE_SECONDS = 3.0
_DELETE = "dns.delete"


def new_zone(
    azure: Azure, subscription: str, group: str, name: str, tags: Mapping[str, str] | None = None
) -> Json:
    """Write a zone with its SOA and NS record sets; returns it as stored."""
    identifier = f"/subscriptions/{subscription}/resourceGroups/{group}/providers/{PUBLIC.spelled}/{name}"
    number = zlib.crc32(identifier.lower().encode()) % 9 + 1
    servers = [
        f"ns{index}-{number:02}.azure-dns.{domain}."
        for index, domain in enumerate(("com", "net", "org", "info"), 1)
    ]
    zone: Json = {
        "id": identifier,
        "name": name,
        "type": PUBLIC.spelled,
        "etag": _etag(azure),
        "location": "global",
        "tags": dict(tags or {}),
        "properties": {
            "maxNumberOfRecordSets": 10000,
            "maxNumberOfRecordsPerRecordSet": None,
            "nameServers": servers,
            "numberOfRecordSets": 2,
            "zoneType": "Public",
        },
    }
    azure.store.put(ZONE, identifier, zone)
    authority = {
        "email": "azuredns-hostmaster.microsoft.com",
        "expireTime": 2419200,
        "host": servers[0],
        "minimumTTL": 300,
        "refreshTime": 3600,
        "retryTime": 300,
        "serialNumber": 1,
    }
    records = [{"nsdname": server} for server in servers]
    dns_records.new_record_set(azure, PUBLIC, zone, "NS", "@", {"TTL": 172800, "NSRecords": records})
    dns_records.new_record_set(azure, PUBLIC, zone, "SOA", "@", {"TTL": 3600, "SOARecord": authority})
    return zone


def _etag(azure: Azure) -> str:
    """Unlike a record set's: `00000002-0000-0000-` and sixteen more digits."""
    return f"00000002-0000-0000-{azure.guid()[19:]}"


def _shown(azure: Azure, zone: Json) -> Json:
    properties = {**zone["properties"], "numberOfRecordSets": dns_records.count(azure, PUBLIC, zone)}
    return {**zone, "properties": properties}


def _answer(status: int, azure: Azure, zone: Json) -> Answer:
    return Answer(status, _shown(azure, zone), {"ETag": zone["etag"]})


def _find(request: Request, azure: Azure) -> Json | None:
    return azure.store.get(ZONE, zone_id(PUBLIC, request))


def get(request: Request, azure: Azure) -> Answer:
    zone = _find(request, azure)
    if zone is None:
        raise not_found(request.path)
    return _answer(200, azure, zone)


def list_zones(request: Request, azure: Azure) -> Answer:
    """Zones of a resource group, or of the subscription."""
    prefix = f"/subscriptions/{request.params['subscription']}/resourceGroups/"
    if "group" in request.params:
        prefix += f"{request.params['group']}/"
    return dns_records.page(request, [_shown(azure, zone) for zone in azure.store.list(ZONE, prefix)])


def put(request: Request, azure: Azure) -> Answer:
    """201, or 200 when there was one: only its tags can change."""
    body: Json = request.body or {}
    name = request.params["zone"]
    zone = _find(request, azure)
    headers = request.headers
    message = dns_operations.condition_error(
        headers.get("if-match", ""), headers.get("if-none-match", ""), zone
    )
    if message:
        raise Refusal(412, "PreconditionFailed", message, envelope="bare")
    check_global(body, ZONE)
    dns_rules.check_zone_name(name, public=True)
    if zone is None:
        params = request.params
        made = new_zone(azure, params["subscription"], params["group"], name, body.get("tags"))
        return _answer(201, azure, made)
    return _retagged(azure, zone, body.get("tags") or {})


def patch(request: Request, azure: Azure) -> Answer:
    """Tags, all of them."""
    zone = _find(request, azure)
    if zone is None:
        raise not_found(request.path)
    message = dns_operations.condition_error(request.headers.get("if-match", ""), "", zone)
    if message:
        raise Refusal(412, "PreconditionFailed", message, envelope="bare")
    return _retagged(azure, zone, (request.body or {}).get("tags") or {})


def _retagged(azure: Azure, zone: Json, tags: Json) -> Answer:
    zone |= {"tags": tags, "etag": _etag(azure)}
    azure.store.put(ZONE, zone["id"], zone)
    return _answer(200, azure, zone)


def delete(request: Request, azure: Azure) -> Answer:
    """202 and a long operation, which is where If-Match is checked; 204 when there is no zone."""
    zone = _find(request, azure)
    if zone is None:
        return Answer(204)
    operation = azure.start_operation(
        _DELETE,
        DELETE_SECONDS,
        kind=ZONE,
        resource=zone["id"],
        gap=DELETE_SECONDS,
        if_match=request.headers.get("if-match", ""),
    )
    return dns_operations.accepted(
        request, azure, "dns", dns_operations.public_token(operation), DELETE_SECONDS
    )


def _settle_delete(azure: Azure, operation: Json) -> Json | None:
    zone = azure.store.get(ZONE, operation["resource"])
    if error := dns_operations.failed_condition(operation, zone):
        return error
    for kind, identifier in azure.store.ids(f"{operation['resource']}/"):
        azure.store.delete(kind, identifier)
    azure.store.delete(ZONE, operation["resource"])
    return None


def check_global(body: Json, kind: str) -> None:
    """DNS zones have one location, `global`."""
    location = body.get("location")
    if not location:
        raise Refusal(400, "LocationRequired", "The location property is required for this definition.")
    if location.lower() != "global":
        raise Refusal(
            400,
            "LocationNotAvailableForResourceType",
            f"The provided location '{location}' is not available for resource type '{kind}'. List of"
            " available regions for the resource type is 'global'.",
        )


_SUBSCRIPTION = "/subscriptions/{subscription}"
_GROUP = f"{_SUBSCRIPTION}/resourceGroups/{{group}}/providers/{ZONE}"

ROUTES: tuple[Route, ...] = (
    Route("GET", f"{_GROUP}/{{zone}}", get, f"{ZONE}/read"),
    Route("PUT", f"{_GROUP}/{{zone}}", put, f"{ZONE}/write"),
    Route("PATCH", f"{_GROUP}/{{zone}}", patch, f"{ZONE}/write"),
    Route("DELETE", f"{_GROUP}/{{zone}}", delete, f"{ZONE}/delete"),
    Route("GET", _GROUP, list_zones, f"{ZONE}/read"),
    Route("GET", f"{_SUBSCRIPTION}/providers/{ZONE}", list_zones, f"{ZONE}/read"),
    *dns_records.routes(PUBLIC),
    *dns_operations.routes("dns"),
)

SETTLERS: Mapping[str, Settle] = {_DELETE: _settle_delete}
