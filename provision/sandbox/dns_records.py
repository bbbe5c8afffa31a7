"""Record sets of public and private zones: synchronous, with direct preconditions.

Source: az CLI recordings test_dns (2021) and test_CrudRecordSet_ARecord (2020).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from urllib.parse import quote

from provision.sandbox import dns_rules
from provision.sandbox.azure import Answer, Azure, Json, Refusal, Request
from provision.sandbox.dns_flavours import Flavour, parent
from provision.sandbox.dns_operations import condition_error
from provision.sandbox.documents import copied
from provision.sandbox.http import Route

PAGE = 100


def new_record_set(
    azure: Azure, flavour: Flavour, zone: Json, kind: str, name: str, properties: Json
) -> Json:
    """Store a record set; `properties` holds the TTL, the records and, if any, metadata."""
    document: Json = {
        "id": f"{zone['id']}/{kind}/{name}",
        "name": name,
        "type": f"{flavour.spelled}/{kind}",
        "etag": azure.guid(),
        "properties": properties,
    }
    properties["fqdn"] = f"{zone['name']}." if name == "@" else f"{name}.{zone['name']}."
    if flavour.public:
        properties |= {"targetResource": properties.get("targetResource") or {}}
        properties["provisioningState"] = "Succeeded"
    else:
        properties["isAutoRegistered"] = False
    azure.store.put(flavour.record_kind, document["id"], document)
    return document


def count(azure: Azure, flavour: Flavour, zone: Json) -> int:
    """How many record sets a zone has."""
    return azure.store.count(flavour.record_kind, f"{zone['id']}/")


def _find(flavour: Flavour, kind: str, zone: Json, name: str, azure: Azure) -> Json | None:
    return azure.store.get(flavour.record_kind, f"{zone['id']}/{kind}/{name}")


def _missing(request: Request) -> Refusal:
    params = request.params
    return Refusal(
        404,
        "NotFound",
        f"The resource record '{params['name']}' does not exist in resource group '{params['group']}' of"
        f" subscription '{params['subscription']}'.",
        envelope="bare",
    )


def _answer(status: int, document: Json) -> Answer:
    return Answer(status, document, {"ETag": document["etag"]})


def _check_conditions(request: Request, current: Json | None) -> None:
    headers = request.headers
    message = condition_error(headers.get("if-match", ""), headers.get("if-none-match", ""), current)
    if message:
        raise Refusal(412, "PreconditionFailed", message, envelope="bare")


def _sent(request: Request) -> Json:
    """The properties of the body with lower-case keys: the service reads them in any casing."""
    properties: Json = (request.body or {}).get("properties") or {}
    return {key.lower(): value for key, value in properties.items() if value is not None}


def get(flavour: Flavour, kind: str, request: Request, azure: Azure) -> Answer:
    zone = parent(flavour, request, azure)
    found = _find(flavour, kind, zone, request.params["name"], azure)
    if found is None:
        raise _missing(request)
    return _answer(200, found)


def put(flavour: Flavour, kind: str, request: Request, azure: Azure) -> Answer:
    """Create (201) or replace (200). An `etag` in the body is no precondition."""
    zone = parent(flavour, request, azure)
    name = request.params["name"]
    current = _find(flavour, kind, zone, name, azure)
    _check_conditions(request, current)
    dns_rules.check_record_name(name, zone["name"])
    properties = _read(flavour, kind, _sent(request), {})
    _check_place(flavour, kind, zone, name, azure)
    if current is not None:
        _check_built_in(flavour, kind, name, properties, current)
        name = current["name"]
    document = new_record_set(azure, flavour, zone, kind, name, properties)
    return _answer(200 if current else 201, document)


def patch(flavour: Flavour, kind: str, request: Request, azure: Azure) -> Answer:
    """Change what the body names: metadata as a whole, TTL, records as a whole."""
    zone = parent(flavour, request, azure)
    current = _find(flavour, kind, zone, request.params["name"], azure)
    if current is None:
        raise _missing(request)
    _check_conditions(request, current)
    was = {key.lower(): value for key, value in current["properties"].items()}
    properties = _read(flavour, kind, _sent(request), was)
    _check_built_in(flavour, kind, current["name"], properties, current)
    return _answer(200, new_record_set(azure, flavour, zone, kind, current["name"], properties))


def delete(flavour: Flavour, kind: str, request: Request, azure: Azure) -> Answer:
    """200, or 204 when there is none."""
    zone = parent(flavour, request, azure)
    current = _find(flavour, kind, zone, request.params["name"], azure)
    if current is None:
        return Answer(204)
    _check_conditions(request, current)
    if kind == "SOA" or (kind == "NS" and current["name"] == "@"):
        raise dns_rules.bad_request(f"The {kind} record set at the zone apex cannot be deleted.")
    azure.store.delete(flavour.record_kind, current["id"])
    return Answer(200)


def _read(flavour: Flavour, kind: str, sent: Json, was: Json) -> Json:
    """The properties that a body asks for over those there were, checked; all keys in lower case."""
    field = flavour.fields[kind]
    single = kind in ("CNAME", "SOA")
    target = sent.get("targetresource") or was.get("targetresource") or {}
    value = sent.get(field.lower(), was.get(field.lower()))
    alias = bool(flavour.public and target.get("id"))
    records: list[Json] = [value] if single and value else (value or []) if not single else []
    if alias and kind not in ("A", "AAAA", "CNAME"):
        raise dns_rules.bad_request(f"A record set of type {kind} cannot be an alias.")
    if alias and records:
        raise dns_rules.bad_request("A record set cannot have both records and a target resource.")
    dns_rules.check_records(kind, records, public=flavour.public)
    properties: Json = {}
    if metadata := sent.get("metadata", was.get("metadata")):
        properties["metadata"] = metadata
    properties[flavour.ttl] = dns_rules.check_ttl(sent.get("ttl", was.get("ttl")))
    if not single:
        properties[field] = copied(records)
    elif value and not alias:
        properties[field] = copied(value)
    if alias:
        properties["targetResource"] = target
    return properties


def _check_place(flavour: Flavour, kind: str, zone: Json, name: str, azure: Azure) -> None:
    """A CNAME stands alone at its name, so there is none at the apex, where SOA is.

    Source: errors quoted in rcl-letsencrypt-auto-ssl/Lets-Encrypt-Auto#26 (2020) and
    kubernetes-sigs/external-dns#5358 (2025).
    """
    if kind == "SOA" and name != "@":
        raise dns_rules.bad_request("A record set of type SOA can only be at the zone apex.")
    others = [
        other
        for other in flavour.fields
        if other != kind and _find(flavour, other, zone, name, azure) is not None
    ]
    if kind == "CNAME" and others:
        raise dns_rules.conflict(
            "The CNAME record could not be created because another record with the same name already exists"
            " in this zone."
        )
    if "CNAME" in others:
        raise dns_rules.conflict(
            f"The {kind} record could not be created because a CNAME record with the same name already exists"
            " in this zone."
        )


def _check_built_in(flavour: Flavour, kind: str, name: str, properties: Json, current: Json) -> None:
    """The apex: the host of SOA is the service's own, and its name servers stay in NS."""
    field = flavour.fields[kind]
    if kind == "SOA":
        properties[field] = {**current["properties"][field], **properties.get(field, {})}
        properties[field]["host"] = current["properties"][field]["host"]
    if kind == "NS" and name == "@":
        kept = {record["nsdname"].lower() for record in properties[field]}
        own = [r["nsdname"] for r in current["properties"][field] if ".azure-dns." in r["nsdname"]]
        if not {server.lower() for server in own} <= kept:
            raise dns_rules.bad_request("The name servers of Azure DNS cannot be removed from the zone apex.")


def list_sets(flavour: Flavour, kind: str | None, request: Request, azure: Azure) -> Answer:
    """Record sets of a type or of all types, in pages of 100 or `$top`, by name if a suffix is asked for."""
    zone = parent(flavour, request, azure)
    prefix = f"{zone['id']}/{kind}/" if kind else f"{zone['id']}/"
    suffix = request.query.get("$recordsetnamesuffix", "").lower()
    if suffix:
        found = azure.store.list(flavour.record_kind, prefix)
        return page(request, [one for one in found if one["name"].lower().endswith(suffix)])
    # A zone has thousands: only the page is read.
    total = azure.store.count(flavour.record_kind, prefix)
    return _page(
        request, total, lambda start, most: azure.store.list(flavour.record_kind, prefix, start, most)
    )


def page(request: Request, found: list[Json]) -> Answer:
    """One page of a list, with a `nextLink` when there is more."""
    return _page(request, len(found), lambda start, most: found[start : start + most])


def _page(request: Request, total: int, part: Callable[[int, int], list[Json]]) -> Answer:
    top = request.query.get("$top") or str(PAGE)
    start = request.query.get("$skiptoken") or "0"
    if not top.isdigit() or not start.isdigit() or int(top) < 1:
        raise dns_rules.bad_request("The value of $top or $skipToken is invalid.")
    most = min(int(top), PAGE)
    end = int(start) + most
    body: Json = {"value": part(int(start), most)}
    if end < total:
        kept = {name: value for name, value in request.query.items() if name != "$skiptoken"}
        query = "&".join(f"{name}={quote(value)}" for name, value in {**kept, "$skipToken": str(end)}.items())
        body["nextLink"] = f"{request.base_url}{quote(request.path)}?{query}"
    return Answer(200, body)


def routes(flavour: Flavour) -> tuple[Route, ...]:
    """Routes of every record type, each with its own permission (`…/dnsZones/A/write`), and of the lists."""
    zone = "/subscriptions/{subscription}/resourceGroups/{group}/providers/" + flavour.kind + "/{zone}"
    verbs: tuple[tuple[str, Callable[..., Answer], str], ...] = (
        ("GET", get, "read"),
        ("PUT", put, "write"),
        ("PATCH", patch, "write"),
        ("DELETE", delete, "delete"),
    )
    listed = [
        Route("GET", f"{zone}/{word}", partial(list_sets, flavour, None), f"{flavour.kind}/{word}/read")
        for word in flavour.everything
    ]
    for kind in flavour.fields:
        action = f"{flavour.kind}/{kind}"
        listed += [
            Route(method, f"{zone}/{kind}/{{name}}", partial(handle, flavour, kind), f"{action}/{verb}")
            for method, handle, verb in verbs
        ]
        listed.append(Route("GET", f"{zone}/{kind}", partial(list_sets, flavour, kind), f"{action}/read"))
    return tuple(listed)
