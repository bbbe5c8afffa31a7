"""Microsoft.Network/applicationGatewayWebApplicationFirewallPolicies: firewall policies.

Sources: azure-rest-api-specs, Microsoft.Network webapplicationfirewall.json (2024-07-01) for the documents;
"What is Azure Web Application Firewall on Application Gateway for Containers?", Microsoft Learn, 2025-07, for
what Application Gateway for Containers does not take. Writes are synchronous there; deleting is not.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from provision.sandbox.azure import Answer, Azure, Json, Refusal, Request, Settle, not_found, signed
from provision.sandbox.gateway import body_of
from provision.sandbox.http import Route
from provision.sandbox.service_networking_kinds import POLICY

WAF_POLICY = "Microsoft.Network/applicationGatewayWebApplicationFirewallPolicies"
JOIN = f"{WAF_POLICY}/join/action"

_SECONDS = 5.0
_DELETE = "waf_policies.delete"
_SETTINGS: Json = {
    "requestBodyCheck": True,
    "maxRequestBodySizeInKb": 128,
    "fileUploadLimitInMb": 100,
    "state": "Disabled",
    "mode": "Detection",
    "requestBodyInspectLimitInKB": 128,
    "fileUploadEnforcement": True,
    "requestBodyEnforcement": True,
}
_RULE_SETS = {
    "OWASP": ("2.2.9", "3.0", "3.1", "3.2"),
    "Microsoft_DefaultRuleSet": ("2.1", "2.2"),
    "Microsoft_BotManagerRuleSet": ("0.1", "1.0", "1.1"),
    "Microsoft_HTTPDDoSRuleSet": ("1.0",),
}


def new_policy(azure: Azure, identifier: str, location: str) -> Json:
    """Put a policy into the store, for seeds: enabled, in prevention mode, with DRS 2.1."""
    sets = [{"ruleSetType": "Microsoft_DefaultRuleSet", "ruleSetVersion": "2.1", "ruleGroupOverrides": []}]
    document: Json = {
        "name": identifier.rsplit("/", 1)[1],
        "id": identifier,
        "etag": f'W/"{azure.guid()}"',
        "type": WAF_POLICY,
        "location": location,
        "properties": {
            "customRules": [],
            "policySettings": {**_SETTINGS, "state": "Enabled", "mode": "Prevention"},
            "managedRules": {"exclusions": [], "managedRuleSets": sets},
            "provisioningState": "Succeeded",
        },
    }
    azure.store.put(WAF_POLICY, identifier, document)
    return document


def put(request: Request, azure: Azure) -> Answer:
    """201 new, 200 update."""
    body, identifier = body_of(request), _id(request)
    if not body.get("location"):
        raise Refusal(400, "LocationRequired", "The location property is required for this definition.")
    sent = body.get("properties") or {}
    sets = (sent.get("managedRules") or {}).get("managedRuleSets") or []
    for each in sets:
        if str(each.get("ruleSetVersion")) not in _RULE_SETS.get(str(each.get("ruleSetType")), ()):
            raise Refusal(
                400,
                "ApplicationGatewayFirewallUnknownRuleSet",
                f"WebApplicationFirewallPolicy {identifier} has an unknown managed rule set"
                f" {each.get('ruleSetType')} {each.get('ruleSetVersion')}.",
            )
    if not any(str(each.get("ruleSetType")).startswith(("OWASP", "Microsoft_Default")) for each in sets):
        raise Refusal(
            400,
            "WebApplicationFirewallPolicyMustHaveAtLeastOneManagedRuleSet",
            f"WebApplicationFirewallPolicy {identifier} needs a managed rule set OWASP or"
            " Microsoft_DefaultRuleSet.",
        )
    before = azure.store.get(WAF_POLICY, identifier)
    document: Json = {
        "name": request.params["name"],
        "id": before["id"] if before else identifier,
        "etag": f'W/"{azure.guid()}"',
        "type": WAF_POLICY,
        "location": str(body["location"]).replace(" ", "").lower(),
        **({"tags": body["tags"]} if body.get("tags") else {}),
        "properties": {
            "customRules": sent.get("customRules") or [],
            "policySettings": {**_SETTINGS, **(sent.get("policySettings") or {})},
            "managedRules": {"exclusions": [], **(sent.get("managedRules") or {}), "managedRuleSets": sets},
            "provisioningState": "Succeeded",
        },
    }
    azure.store.put(WAF_POLICY, document["id"], document)
    return Answer(200 if before else 201, _shown(azure, document))


def get(request: Request, azure: Azure) -> Answer:
    found = azure.store.get(WAF_POLICY, _id(request))
    if found is None:
        raise not_found(_id(request))
    return Answer(200, _shown(azure, found), {"ETag": found["etag"]})


def list_policies(request: Request, azure: Azure) -> Answer:
    """Of a group or of the subscription."""
    prefix = f"/subscriptions/{request.params['subscription']}/resourceGroups/"
    if "group" in request.params:
        prefix += f"{request.params['group']}/"
    return Answer(body={"value": [_shown(azure, each) for each in azure.store.list(WAF_POLICY, prefix)]})


def delete(request: Request, azure: Azure) -> Answer:
    """202; one that is in use stays."""
    found = azure.store.get(WAF_POLICY, _id(request))
    if found is None:
        return Answer(204)
    if users := _users(azure, found):
        raise Refusal(
            409,
            "ApplicationGatewayFirewallPolicyInUse",  # code and text are ours
            f"WebApplicationFirewallPolicy {found['id']} is in use by {users[0]} and cannot be deleted.",
        )
    operation = azure.start_operation(_DELETE, _SECONDS, resource=found["id"])
    place = f"/subscriptions/{request.params['subscription']}/providers/Microsoft.Network/locations"
    tail = f"{operation['name']}?api-version={request.query.get('api-version', '2024-07-01')}"
    base = f"{request.base_url}{place}/{found['location']}"
    headers = {
        "Azure-AsyncOperation": signed(f"{base}/operations/{tail}"),
        "Location": signed(f"{base}/operationResults/{tail}"),
    }
    return Answer(202, None, headers | azure.clock.retry_headers(10))


def unsupported(policy: Json) -> str:
    """Why Application Gateway for Containers does not take a policy, empty when it does."""
    properties = policy["properties"]
    for each in properties["managedRules"]["managedRuleSets"]:
        name, version = each["ruleSetType"], str(each["ruleSetVersion"])
        if name == "OWASP":
            return f"Core Rule Set {version} is not supported; use Microsoft_DefaultRuleSet 2.1."
        if (name, version) == ("Microsoft_BotManagerRuleSet", "0.1"):
            return "Bot Manager rule set 0.1 is not supported."
    for rule in properties["customRules"]:
        if rule.get("ruleType") == "RateLimitRule":
            return f"custom rule {rule.get('name')}: rate limiting is not supported."
        if rule.get("action") == "JSChallenge":
            return f"custom rule {rule.get('name')}: the action JSChallenge is not supported."
    return ""


def blocks(policy: Json) -> bool:
    """Whether it keeps requests away instead of only logging them."""
    settings = policy["properties"]["policySettings"]
    return bool(settings["state"] == "Enabled" and settings["mode"] == "Prevention")


def _shown(azure: Azure, document: Json) -> Json:
    users = _users(azure, document)
    listed = {"applicationGatewayForContainers": [{"id": each} for each in users]} if users else {}
    return {**document, "properties": {**document["properties"], **listed}}


def _users(azure: Azure, document: Json) -> list[str]:
    """Traffic controllers whose security policies refer to it."""
    return [
        re.sub(r"/securityPolicies/[^/]+$", "", each["id"], flags=re.IGNORECASE)
        for each in azure.store.list(POLICY)
        if str((each["properties"].get("wafPolicy") or {}).get("id", "")).lower() == document["id"].lower()
    ]


def _settle_delete(azure: Azure, operation: Json) -> Json | None:
    azure.store.delete(WAF_POLICY, operation["resource"])
    return None


def _id(request: Request) -> str:
    params = request.params
    group = f"/subscriptions/{params['subscription']}/resourceGroups/{params['group']}"
    return f"{group}/providers/{WAF_POLICY}/{params['name']}"


_SUBSCRIPTION = "/subscriptions/{subscription}"
_POLICIES = f"{_SUBSCRIPTION}/resourceGroups/{{group}}/providers/{WAF_POLICY}"

ROUTES: tuple[Route, ...] = (
    Route("GET", f"{_SUBSCRIPTION}/providers/{WAF_POLICY}", list_policies, f"{WAF_POLICY}/read"),
    Route("GET", _POLICIES, list_policies, f"{WAF_POLICY}/read"),
    Route("GET", f"{_POLICIES}/{{name}}", get, f"{WAF_POLICY}/read"),
    Route("PUT", f"{_POLICIES}/{{name}}", put, f"{WAF_POLICY}/write"),
    Route("DELETE", f"{_POLICIES}/{{name}}", delete, f"{WAF_POLICY}/delete"),
)
"""Long operations are polled where those of virtual networks are."""

SETTLERS: Mapping[str, Settle] = {_DELETE: _settle_delete}
