"""What a security policy of Application Gateway for Containers keeps from the services behind it.

IP access rules hold for the frontend or the controller that refers to them; a firewall policy for the
Gateways and routes that a WebApplicationFirewallPolicy targets. The firewall of the sandbox knows the two
requests that Microsoft's page shows ("Azure Web Application Firewall on Application Gateway for Containers
with the Gateway API", 2025-07), and path traversal.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from urllib.parse import unquote_plus

from provision.sandbox.azure import Azure, Json
from provision.sandbox.edge.exchange import Response, Visit
from provision.sandbox.kubernetes import crds
from provision.sandbox.kubernetes.objects import Cluster
from provision.sandbox.service_networking_kinds import CONTROLLER, POLICY, configuration_of
from provision.sandbox.waf_policies import WAF_POLICY, blocks

_MALICIOUS = re.compile(r"/etc/passwd|\.\./|\b(\d+)=\1\b|<script", re.IGNORECASE)


def denied(azure: Azure, frontend: Json, visit: Visit) -> Response | None:
    """403 for a client that IP access rules keep out; a rule of lower priority number goes first."""
    controller = azure.store.get(CONTROLLER, frontend["id"].rsplit("/", 2)[0]) or {"properties": {}}
    for holder in (frontend, controller):
        policy = azure.store.get(POLICY, configuration_of(holder, "ipAccessRulesSecurityPolicy"))
        if policy is None:
            continue
        rules = policy["properties"]["ipAccessRulesPolicy"].get("rules") or ()
        for rule in sorted(rules, key=lambda each: int(each["priority"])):
            if any(_holds(prefix, visit.client) for prefix in rule["sourceAddressPrefixes"]):
                return None if rule["action"] == "allow" else Response(403, "RBAC: access denied")
    return None


def blocked(cluster: Cluster, gateway: Json, visit: Visit) -> Response | None:
    """403 of a firewall in prevention mode."""
    if not _MALICIOUS.search(unquote_plus(visit.target)):
        return None
    for policy in _attached(cluster, gateway):
        identifier = (policy["spec"].get("webApplicationFirewall") or {}).get("id") or ""
        found = cluster.azure.store.get(WAF_POLICY, identifier)
        if found and blocks(found):
            return Response(403, "<html><head><title>403 Forbidden</title></head></html>")
    return None


def _attached(cluster: Cluster, gateway: Json) -> Iterator[Json]:
    """The programmed firewall policies of a Gateway, and those of routes to it."""
    metadata = gateway["metadata"]
    routes = {
        (route["metadata"]["namespace"], route["metadata"]["name"])
        for route in cluster.list(crds.HTTP_ROUTE)
        if any(
            (each.get("namespace") or route["metadata"]["namespace"], each["name"])
            == (metadata["namespace"], metadata["name"])
            for each in route["spec"].get("parentRefs") or ()
        )
    }
    for policy in cluster.list(crds.WAF_POLICY):
        states = (policy.get("status") or {}).get("conditions") or ()
        if not any((each["type"], each["status"]) == ("Programmed", "True") for each in states):
            continue
        target = policy["spec"]["targetRef"]
        place = (target.get("namespace") or policy["metadata"]["namespace"], target["name"])
        meant = (
            place in routes
            if target["kind"] == "HTTPRoute"
            else place
            == (
                metadata["namespace"],
                metadata["name"],
            )
        )
        if meant:
            yield policy


def _holds(prefix: str, client: str) -> bool:
    return prefix == "*" or ipaddress.ip_address(client) in ipaddress.ip_network(prefix, strict=False)
