"""Resource types of Microsoft.ServiceNetworking, and what their documents say when read.

Sources: azure-mgmt-servicenetworking 2.1.0 for the models and the versions they came with.
"""

from __future__ import annotations

from provision.sandbox.azure import Azure, Json

CONTROLLER = "Microsoft.ServiceNetworking/trafficControllers"
FRONTEND = f"{CONTROLLER}/frontends"
ASSOCIATION = f"{CONTROLLER}/associations"
POLICY = f"{CONTROLLER}/securityPolicies"
CONNECTION = f"{CONTROLLER}/privateEndpointConnections"
RESTART = "service_networking:restart"
"""A document for each write of an association that is there, which restarts the data plane."""

CHILDREN = {
    "frontends": FRONTEND,
    "associations": ASSOCIATION,
    "securityPolicies": POLICY,
    "privateEndpointConnections": CONNECTION,
}
TYPES = {
    CONTROLLER: "Microsoft.ServiceNetworking/TrafficControllers",
    FRONTEND: "Microsoft.ServiceNetworking/TrafficControllers/Frontends",
    ASSOCIATION: "Microsoft.ServiceNetworking/TrafficControllers/Associations",
    POLICY: "Microsoft.ServiceNetworking/TrafficControllers/SecurityPolicies",
    CONNECTION: "Microsoft.ServiceNetworking/TrafficControllers/PrivateEndpointConnections",
}

PRIVATE_SINCE = "2026-03-01"
"""The first version with private frontends, private endpoint connections and IP access rules."""
PRIVATE_ZONE = "privatelink.alb.azure.com"
"""The zone of private frontends' names. Source: azure-sdk-for-go, armservicenetworking, the example
PrivateFrontendPut of 2026-03-01: `pfe1.abc123.privatelink.alb.azure.com`."""
POLICIES_SINCE = "2024-05-01-preview"
"""The first version with security policies."""
_PRIVATE_FIELDS = {FRONTEND: ("publicNetworkAccess", "association")}


def shown(azure: Azure, kind: str, document: Json, version: str) -> Json:
    """The document as an api-version knows it.

    A controller has references to its children, each listed twice, in two casings, as was seen.
    """
    properties = document["properties"]
    if version < PRIVATE_SINCE:
        hidden = _PRIVATE_FIELDS.get(kind, ())
        properties = {key: value for key, value in properties.items() if key not in hidden}
    if kind == CONTROLLER:
        listed = {
            name: _references(azure, child, document)
            for name, child in CHILDREN.items()
            if version >= {POLICY: POLICIES_SINCE, CONNECTION: PRIVATE_SINCE}.get(child, "")
        }
        first = {key: properties[key] for key in ("configurationEndpoints",) if key in properties}
        properties = {**first, **listed, **properties}
    return {**document, "properties": properties}


def configuration_of(document: Json, name: str) -> str:
    """Id of the security policy that a controller or frontend refers to, empty when it refers to none."""
    found = document["properties"].get("securityPolicyConfigurations") or {}
    return str((found.get(name) or {}).get("id") or "")


def serving(azure: Azure, frontend: Json) -> bool:
    """Whether the frontend's data plane runs: that is in the association of its controller.

    It does not while an association is made, or written again, or deleted.
    """
    if not frontend["properties"].get("fqdn") or frontend["properties"]["provisioningState"] == "Deleting":
        return False
    prefix = f"{controller_of(frontend)}/associations/"
    states = [each["properties"]["provisioningState"] for each in azure.store.list(ASSOCIATION, prefix)]
    return states == ["Succeeded"]


def restarts(azure: Azure, controller_id: str) -> list[Json]:
    """When the data plane of a controller was restarted, and by which association's write."""
    return azure.store.list(RESTART, f"{controller_id}/")


def controller_of(child: Json) -> str:
    """Id of a child's controller."""
    return str(child["id"].rsplit("/", 2)[0])


def private_address(azure: Azure, frontend: Json) -> str | None:
    """The address of an approved private endpoint of a private frontend, None without one."""
    for connection in azure.store.list(CONNECTION, f"{controller_of(frontend)}/privateEndpointConnections/"):
        state = connection["properties"]["privateLinkServiceConnectionState"]["status"]
        if state == "Approved" and connection["frontend"].lower() == frontend["name"].lower():
            return str(connection["address"])
    return None


def _references(azure: Azure, kind: str, controller: Json) -> list[Json]:
    found = []
    for child in azure.store.list(kind, f"{controller['id']}/"):
        found.append({"id": child["id"]})
        if child["properties"]["provisioningState"] == "Succeeded":
            found.append({"id": child["id"].replace("/resourceGroups/", "/resourcegroups/")})
    return found
