"""Microsoft.Network/virtualNetworks and their subnets, api-version 2022-01-01 and later.

Sources: az CLI recording test_alb_resources of the alb extension (2023) for networks, subnets, delegations
and long operations; "Virtual Networks", Azure networking REST reference, 2026, for usages and refusals.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from provision.sandbox.azure import Answer, Azure, Json, Refusal, Request, Settle, not_found, signed
from provision.sandbox.gateway import body_of
from provision.sandbox.http import Route
from provision.sandbox.virtual_network_rules import (
    RESERVED,
    address_range,
    check_in_use,
    check_match,
    check_ranges,
    check_unused,
    held,
    prefixes,
    refused,
)

NETWORK = "Microsoft.Network/virtualNetworks"
SUBNET = f"{NETWORK}/subnets"

_SECONDS = 4.0
"""Two to ten seconds were seen."""
_PUT, _DELETE = "virtual_networks.put", "virtual_networks.delete"
_SETTLED = "Succeeded"

_GROUP = "/subscriptions/{subscription}/resourceGroups/{group}"
_NETWORKS = f"{_GROUP}/providers/{NETWORK}"
_NETWORK = f"{_NETWORKS}/{{network}}"
_SUBNETS = f"{_NETWORK}/subnets"
_OPERATIONS = "/subscriptions/{subscription}/providers/Microsoft.Network/locations/{location}"


def network_id(subscription: str, group: str, name: str) -> str:
    return f"/subscriptions/{subscription}/resourceGroups/{group}/providers/{NETWORK}/{name}"


def new_network(
    azure: Azure,
    identifier: str,
    location: str,
    space: Iterable[str],
    subnets: Mapping[str, str],
    delegation: str = "",
) -> Json:
    """Put a finished network into the store, for seeds and tests; `subnets` are prefixes by name, and
    `delegation` is the service that they are all given to."""
    network: Json = {
        "id": identifier,
        "name": identifier.rsplit("/", 1)[1],
        "type": NETWORK,
        "etag": _etag(azure),
        "location": location,
        "properties": {
            "provisioningState": _SETTLED,
            "resourceGuid": azure.guid(),
            "addressSpace": {"addressPrefixes": list(space)},
            "enableDdosProtection": False,
        },
    }
    azure.store.put(NETWORK, identifier, network)
    for name, prefix in subnets.items():
        given = [{"name": "0", "properties": {"serviceName": delegation}}] if delegation else []
        wanted = {"addressPrefix": prefix, "delegations": given}
        _save_subnet(azure, f"{identifier}/subnets/{name}", wanted, _SETTLED)
    return network


def new_subnet(azure: Azure, identifier: str, prefix: str, delegated: str) -> Json:
    """Put a finished subnet into the store, delegated to a service."""
    delegation = {"name": "0", "properties": {"serviceName": delegated}}
    wanted = {"addressPrefix": prefix, "delegations": [delegation]}
    return _save_subnet(azure, identifier, wanted, _SETTLED)


def hold(azure: Azure, subnet_id: str, holder: str, count: int) -> None:
    """Take `count` addresses of a subnet for `holder`, a resource id; 0 gives them back."""
    subnet = azure.store.get(SUBNET, subnet_id)
    if subnet is None:
        return
    mine = f"{holder}/".lower()
    kept = [each for each in held(subnet) if not each["id"].lower().startswith(mine)]
    kept += [{"id": f"{holder}/ipConfigurations/{number}"} for number in range(count)]
    subnet["properties"]["ipConfigurations"] = kept
    azure.store.put(SUBNET, subnet["id"], subnet)


def put_network(request: Request, azure: Azure) -> Answer:
    """201 new, 200 update; subnets in the body replace those that are there."""
    body, identifier = body_of(request), _network_id(request)
    wanted = body.get("properties") or {}
    space = prefixes((wanted.get("addressSpace") or {}).get("addressPrefixes"))
    if not body.get("location"):
        raise refused("LocationRequired", "The location property is required for this definition.")
    before = azure.store.get(NETWORK, identifier)
    check_match(request, before)
    subnets = {each["name"]: each.get("properties") or {} for each in wanted.get("subnets") or ()}
    present = {each["name"]: each for each in azure.store.list(SUBNET, f"{identifier}/subnets/")}
    for name, subnet in present.items():
        if name not in subnets:
            check_unused(subnet)
    check_ranges(space, {name: str(each.get("addressPrefix")) for name, each in subnets.items()})
    network = before or new_network(azure, identifier, body["location"], (), {})
    network["tags"] = body.get("tags") or {}
    network["properties"] |= {
        "addressSpace": {"addressPrefixes": [str(prefix) for prefix in space]},
        "provisioningState": "Updating",
    }
    azure.store.put(NETWORK, identifier, network)
    for name in present.keys() - subnets.keys():
        azure.store.delete(SUBNET, present[name]["id"])
    for name, properties in subnets.items():
        _save_subnet(azure, f"{identifier}/subnets/{name}", properties, "Updating")
    headers = _begin(request, azure, _PUT, network)
    return Answer(200 if before else 201, _shown(azure, network), headers)


def get_network(request: Request, azure: Azure) -> Answer:
    network = _existing(azure, _network_id(request))
    return Answer(200, _shown(azure, network), {"ETag": network["etag"]})


def list_networks(request: Request, azure: Azure) -> Answer:
    """Of a group or of the subscription."""
    prefix = f"/subscriptions/{request.params['subscription']}/resourceGroups/"
    if "group" in request.params:
        prefix += f"{request.params['group']}/"
    return Answer(body={"value": [_shown(azure, each) for each in azure.store.list(NETWORK, prefix)]})


def list_usages(request: Request, azure: Azure) -> Answer:
    """How full each subnet is: `limit` counts what Azure leaves to use."""
    network = _existing(azure, _network_id(request))
    rows = [
        {
            "currentValue": float(len(held(subnet))),
            "id": subnet["id"],
            "limit": float(address_range(subnet["properties"]["addressPrefix"]).num_addresses - RESERVED),
            "name": {"localizedValue": "Subnet size and usage", "value": "SubnetSpace"},
            "unit": "Count",
        }
        for subnet in azure.store.list(SUBNET, f"{network['id']}/subnets/")
    ]
    return Answer(body={"value": rows})


def delete_network(request: Request, azure: Azure) -> Answer:
    network = azure.store.get(NETWORK, _network_id(request))
    if network is None:
        return Answer(204)
    for subnet in azure.store.list(SUBNET, f"{network['id']}/subnets/"):
        check_unused(subnet)
    return Answer(202, None, _begin(request, azure, _DELETE, network, result=True))


def put_subnet(request: Request, azure: Azure) -> Answer:
    """201 new, 200 update. What the body leaves out is gone afterwards."""
    network = azure.store.get(NETWORK, _network_id(request))
    if network is None:
        raise Refusal(
            404,
            "ParentResourceNotFound",
            "Failed to perform 'write' on resource(s) of type 'virtualNetworks/subnets', because the parent"
            f" resource '{_network_id(request)}' could not be found.",
            headers={"x-ms-failure-cause": "gateway"},
        )
    identifier = f"{network['id']}/subnets/{request.params['subnet']}"
    before = azure.store.get(SUBNET, identifier)
    check_match(request, before)
    wanted = body_of(request).get("properties") or {}
    others = {
        each["name"]: each["properties"]["addressPrefix"]
        for each in azure.store.list(SUBNET, f"{network['id']}/subnets/")
        if each["name"].lower() != request.params["subnet"].lower()
    }
    ranges = others | {request.params["subnet"]: str(wanted.get("addressPrefix"))}
    check_ranges(prefixes(network["properties"]["addressSpace"]["addressPrefixes"]), ranges)
    if before and held(before):
        check_in_use(before, wanted)
    subnet = _save_subnet(azure, identifier, wanted, "Updating")
    headers = _begin(request, azure, _PUT, subnet, location=network["location"])
    return Answer(200 if before else 201, subnet, headers)


def get_subnet(request: Request, azure: Azure) -> Answer:
    subnet = azure.store.get(SUBNET, _subnet_id(request))
    if subnet is None:
        _existing(azure, _network_id(request))
        raise Refusal(404, "NotFound", f"Resource {_subnet_id(request)} not found.")
    return Answer(200, subnet, {"ETag": subnet["etag"]})


def list_subnets(request: Request, azure: Azure) -> Answer:
    network = _existing(azure, _network_id(request))
    return Answer(body={"value": azure.store.list(SUBNET, f"{network['id']}/subnets/")})


def delete_subnet(request: Request, azure: Azure) -> Answer:
    subnet = azure.store.get(SUBNET, _subnet_id(request))
    if subnet is None:
        return Answer(204)
    check_unused(subnet)
    network = _existing(azure, _network_id(request))
    headers = _begin(request, azure, _DELETE, subnet, location=network["location"], result=True)
    return Answer(202, None, headers)


def get_operation(request: Request, azure: Azure) -> Answer:
    operation = azure.operation(request.params["operation"])
    headers = azure.clock.retry_headers(3) if operation["status"] == "InProgress" else {}
    return Answer(200, {"status": operation["status"]}, headers)


def get_result(request: Request, azure: Azure) -> Answer:
    """202 while a deletion runs, then 204."""
    operation = azure.operation(request.params["operation"])
    if operation["status"] != "InProgress":
        return Answer(204)
    return Answer(
        202, None, _poll_headers(request, azure, operation["name"], request.params["location"], True)
    )


def _settle_put(azure: Azure, operation: Json) -> Json | None:
    for kind in (NETWORK, SUBNET):
        found = [azure.store.get(kind, operation["resource"])]
        found += azure.store.list(kind, f"{operation['resource']}/subnets/")
        for document in found:
            if document is not None:
                document["properties"]["provisioningState"] = _SETTLED
                azure.store.put(kind, document["id"], {**document, "etag": _etag(azure)})
    return None


def _settle_delete(azure: Azure, operation: Json) -> Json | None:
    for kind, identifier in azure.store.ids(operation["resource"]):
        if identifier.lower() == operation["resource"].lower() or kind == SUBNET:
            azure.store.delete(kind, identifier)
    return None


def _begin(
    request: Request, azure: Azure, settler: str, document: Json, *, location: str = "", result: bool = False
) -> dict[str, str]:
    operation = azure.start_operation(settler, _SECONDS, resource=document["id"])
    place = location or document["location"]
    return {
        "azure-asyncnotification": "Enabled",
        **_poll_headers(request, azure, operation["name"], place, result),
    }


def _poll_headers(
    request: Request, azure: Azure, operation: str, location: str, result: bool
) -> dict[str, str]:
    place = _OPERATIONS.format(subscription=request.params["subscription"], location=location)
    tail = f"{operation}?api-version={request.query.get('api-version', '2022-01-01')}"
    headers = {"Azure-AsyncOperation": signed(f"{request.base_url}{place}/operations/{tail}")}
    if result:
        headers["Location"] = signed(f"{request.base_url}{place}/operationResults/{tail}")
    return headers | azure.clock.retry_headers(3)


def _save_subnet(azure: Azure, identifier: str, wanted: Json, state: str) -> Json:
    before = azure.store.get(SUBNET, identifier)
    used = held(before) if before else []
    properties = {
        "privateEndpointNetworkPolicies": "Disabled",
        "privateLinkServiceNetworkPolicies": "Enabled",
        **{
            key: value
            for key, value in wanted.items()
            if key not in ("ipConfigurations", "provisioningState")
        },
        "delegations": [_delegation(identifier, each) for each in wanted.get("delegations") or ()],
        **({"ipConfigurations": used} if used else {}),
        "provisioningState": state,
    }
    name = identifier.rsplit("/", 1)[1]
    subnet = {"id": identifier, "name": name, "type": SUBNET, "etag": _etag(azure), "properties": properties}
    azure.store.put(SUBNET, identifier, subnet)
    return subnet


def _delegation(subnet_id: str, wanted: Json) -> Json:
    """The server adds id, etag and actions."""
    service = (wanted.get("properties") or {}).get("serviceName") or ""
    return {
        "name": wanted["name"],
        "id": f"{subnet_id}/delegations/{wanted['name']}",
        "etag": wanted.get("etag") or "",
        "properties": {
            "provisioningState": _SETTLED,
            "serviceName": service,
            "actions": ["Microsoft.Network/virtualNetworks/subnets/join/action"],
        },
        "type": f"{SUBNET}/delegations",
    }


def _shown(azure: Azure, network: Json) -> Json:
    subnets = azure.store.list(SUBNET, f"{network['id']}/subnets/")
    return {**network, "properties": {**network["properties"], "subnets": subnets}}


def _existing(azure: Azure, identifier: str) -> Json:
    network = azure.store.get(NETWORK, identifier)
    if network is None:
        raise not_found(identifier)
    return network


def _network_id(request: Request) -> str:
    params = request.params
    return network_id(params["subscription"], params["group"], params["network"])


def _subnet_id(request: Request) -> str:
    return f"{_network_id(request)}/subnets/{request.params['subnet']}"


def _etag(azure: Azure) -> str:
    return f'W/"{azure.guid()}"'


_READ_SUBNET, _WRITE_SUBNET = f"{SUBNET}/read", f"{SUBNET}/write"
_LOCATION = "/subscriptions/{subscription}/providers/Microsoft.Network/locations/{location}"

ROUTES: tuple[Route, ...] = (
    Route("GET", f"/subscriptions/{{subscription}}/providers/{NETWORK}", list_networks, f"{NETWORK}/read"),
    Route("GET", _NETWORKS, list_networks, f"{NETWORK}/read"),
    Route("GET", _NETWORK, get_network, f"{NETWORK}/read"),
    Route("PUT", _NETWORK, put_network, f"{NETWORK}/write"),
    Route("DELETE", _NETWORK, delete_network, f"{NETWORK}/delete"),
    Route("GET", f"{_NETWORK}/usages", list_usages, f"{NETWORK}/usages/read"),
    Route("GET", _SUBNETS, list_subnets, _READ_SUBNET),
    Route("GET", f"{_SUBNETS}/{{subnet}}", get_subnet, _READ_SUBNET),
    Route("PUT", f"{_SUBNETS}/{{subnet}}", put_subnet, _WRITE_SUBNET),
    Route("DELETE", f"{_SUBNETS}/{{subnet}}", delete_subnet, f"{SUBNET}/delete"),
    Route("GET", f"{_LOCATION}/operations/{{operation}}", get_operation),
    Route("GET", f"{_LOCATION}/operationResults/{{operation}}", get_result),
)

SETTLERS: Mapping[str, Settle] = {_PUT: _settle_put, _DELETE: _settle_delete}
