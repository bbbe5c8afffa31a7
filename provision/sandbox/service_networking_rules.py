"""What Microsoft.ServiceNetworking refuses of associations, frontends and security policies.

Source of the limits: "Application Gateway for Containers components" (2025-12), "Web Application Firewall on
Application Gateway for Containers" (2025-07) and "Azure subscription and service limits" (2026), Microsoft
Learn. Network security groups on the subnet are supported (Azure/AKS#5837, 2026-06).
Codes that begin with AppGwForContainers and the text about addresses are those that users quote
(Azure/AKS#5170 and #5709, 2025 and 2026); the others are our own.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from provision.sandbox.azure import Azure, Json, Refusal
from provision.sandbox.service_networking_kinds import (
    ASSOCIATION,
    CONTROLLER,
    FRONTEND,
    POLICY,
    configuration_of,
)
from provision.sandbox.virtual_network_rules import RESERVED, address_range, delegated_to, held
from provision.sandbox.virtual_networks import NETWORK, SUBNET
from provision.sandbox.waf_policies import WAF_POLICY, unsupported

_ADDRESSES = 256
"""What an association needs; Azure keeps five of them, so that a /24 is enough for one."""
_MOST_FRONTENDS = 5
_MOST_RULES = 500
_CONFIGURATIONS = {"wafSecurityPolicy": "waf", "ipAccessRulesSecurityPolicy": "ipAccessRules"}


def check_location(controller: Json, location: str) -> None:
    """Children are in their controller's region."""
    if location != controller["location"]:
        raise _refused(
            "InvalidResourceLocation",
            f"The location '{location}' differs from '{controller['location']}', that of Application Gateway"
            f" for Containers '{controller['id']}'.",
        )


def check_association(
    azure: Azure, controller: Json, identifier: str, wanted: Json, others: Sequence[Json]
) -> None:
    """One association a controller, in a subnet that is delegated, large enough and in its region."""
    if wanted.get("associationType", "subnets") != "subnets":
        raise _refused("InvalidAssociationType", f"Unknown association type '{wanted['associationType']}'.")
    place = str((wanted.get("subnet") or {}).get("id") or "")
    subnet = azure.store.get(SUBNET, place)
    if subnet is None:
        raise _refused(
            "InvalidResourceReference", f"Resource {place} referenced by the association was not found."
        )
    network = azure.store.get(NETWORK, place.rpartition("/subnets/")[0]) or {}
    if others:
        message = f"Traffic controller {controller['name']} has an association already: {others[0]['name']}."
        raise _refused("AssociationLimitReached", message)
    if network.get("location") != controller["location"]:
        raise _refused(
            "InvalidSubnetLocation",
            f"Subnet {place} is in {network.get('location')}, the traffic controller in"
            f" {controller['location']}.",
        )
    if CONTROLLER.lower() not in (each.lower() for each in delegated_to(subnet)):
        raise _refused(
            "AppGwForContainersAssociationSubnetNotDelegatedToTrafficController",
            f"Application Gateway for Containers: Subnet '{place}' is not delegated to '{CONTROLLER}'.",
        )
    _check_room(azure, identifier, subnet)


def _check_room(azure: Azure, identifier: str, subnet: Json) -> None:
    """Each association in a subnet counts for 256 addresses, however many it has taken so far."""
    neighbours = [
        each["id"].lower()
        for each in azure.store.list(ASSOCIATION)
        if each["id"].lower() != identifier.lower()
        and each["properties"]["subnet"]["id"].lower() == subnet["id"].lower()
    ]
    ours = (*neighbours, identifier.lower())
    foreign = [each for each in held(subnet) if not each["id"].lower().startswith(ours)]
    total = address_range(subnet["properties"]["addressPrefix"]).num_addresses
    if total - len(foreign) - _ADDRESSES * len(neighbours) < _ADDRESSES:
        raise _refused(
            "AppGwForContainersSubnetAssociationNotEnoughIPv4AddressesInSubnet",
            f"Application Gateway for Containers: Subnet '{subnet['id']}' does not have enough IPv4"
            f" addresses. At least {_ADDRESSES - RESERVED} addresses are required to create Association"
            f" '{identifier}' for this subnet.",
        )


def check_frontend(azure: Azure, controller: Json, wanted: Json, others: Sequence[Json]) -> None:
    """At most five; a private one names the association of its controller that it is deployed into."""
    if len(others) >= _MOST_FRONTENDS:
        message = (
            f"Traffic controller {controller['name']} has {_MOST_FRONTENDS} frontends, which is the most."
        )
        raise _refused("FrontendLimitReached", message)
    access = wanted.get("publicNetworkAccess", "Enabled")
    if access not in ("Enabled", "Disabled"):
        raise _refused("InvalidPublicNetworkAccess", f"'{access}' is neither Enabled nor Disabled.")
    association = str((wanted.get("association") or {}).get("id") or "")
    if access == "Disabled" and not association:
        raise _refused("InvalidFrontend", "A private frontend needs an association that contains its subnet.")
    if association and (
        azure.store.get(ASSOCIATION, association) is None
        or not association.lower().startswith(f"{controller['id']}/".lower())
    ):
        raise _refused("InvalidResourceReference", f"Association {association} was not found.")
    check_configurations(azure, controller["id"], wanted)


def check_configurations(azure: Azure, controller_id: str, wanted: Json) -> None:
    """Security policies that a controller or frontend refers to are the controller's own, of that type."""
    given = wanted.get("securityPolicyConfigurations") or {}
    for name, kind in _CONFIGURATIONS.items():
        identifier = str((given.get(name) or {}).get("id") or "")
        policy = azure.store.get(POLICY, identifier) if identifier else None
        if not identifier:
            continue
        if policy is None or not identifier.lower().startswith(f"{controller_id}/".lower()):
            raise _refused("InvalidResourceReference", f"Security policy {identifier} was not found.")
        if policy["properties"]["policyType"] != kind:
            raise _refused("InvalidSecurityPolicy", f"Security policy {identifier} is not of type {kind}.")


def check_policy(azure: Azure, controller: Json, wanted: Json) -> None:
    """Exactly one kind of policy, of a kind that is known, and nothing in it that is not supported."""
    known = ("wafPolicy", "ipAccessRulesPolicy")
    unknown = [key for key in wanted if key not in (*known, "policyType", "provisioningState")]
    if unknown or len([key for key in known if wanted.get(key) is not None]) != 1:
        raise _refused(
            "InvalidSecurityPolicy",
            "A security policy is either a WAF policy (wafPolicy) or IP access rules (ipAccessRulesPolicy)"
            + (f"; unknown: {', '.join(unknown)}." if unknown else "."),
        )
    if wanted.get("wafPolicy") is not None:
        _check_firewall(azure, controller, str(wanted["wafPolicy"].get("id") or ""))
    else:
        _check_rules(wanted["ipAccessRulesPolicy"].get("rules") or [])


def _check_firewall(azure: Azure, controller: Json, identifier: str) -> None:
    policy = azure.store.get(WAF_POLICY, identifier)
    if policy is None:
        raise _refused(
            "InvalidResourceReference",
            f"Resource {identifier} referenced by the security policy was not found.",
        )
    same_subscription = identifier.split("/")[2].lower() == controller["id"].split("/")[2].lower()
    if policy["location"] != controller["location"] or not same_subscription:
        raise _refused(
            "InvalidWafPolicy",
            f"WAF policy {identifier} must be in the subscription and the region of the Application Gateway"
            " for Containers.",
        )
    if reason := unsupported(policy):
        raise _refused("UnsupportedWafPolicy", f"WAF policy {identifier}: {reason}")


def _check_rules(rules: list[Json]) -> None:
    priorities = [rule.get("priority") for rule in rules]
    if len(set(priorities)) < len(priorities):
        raise _refused("InvalidIpAccessRules", "Priorities of IP access rules must be unique.")
    for rule in rules:
        if not rule.get("name"):
            raise _refused("InvalidIpAccessRules", "An IP access rule needs a name.")
        priority = rule.get("priority")
        if not isinstance(priority, int) or not 1 <= priority <= _MOST_RULES:
            raise _refused("InvalidIpAccessRules", f"Rule {rule['name']}: priority is 1 to {_MOST_RULES}.")
        if rule.get("action") not in ("allow", "deny"):
            raise _refused("InvalidIpAccessRules", f"Rule {rule['name']}: action is allow or deny.")
        prefixes = rule.get("sourceAddressPrefixes") or []
        if not prefixes or not all(_is_prefix(each) for each in prefixes):
            raise _refused(
                "InvalidIpAccessRules", f"Rule {rule['name']}: sourceAddressPrefixes are ranges or '*'."
            )


def _is_prefix(text: object) -> bool:
    try:
        return text == "*" or bool(ipaddress.ip_network(str(text), strict=False))
    except ValueError:
        return False


def check_unused(azure: Azure, kind: str, document: Json) -> None:
    """What something else refers to is not deleted: a policy in a configuration, a private frontend's
    association."""
    identifier = document["id"].lower()
    controller = document["id"].rsplit("/", 2)[0]
    users = azure.store.list(FRONTEND, f"{controller}/")
    if kind == ASSOCIATION:
        used = [
            each
            for each in users
            if str((each["properties"].get("association") or {}).get("id", "")).lower() == identifier
        ]
    else:
        users += [each for each in (azure.store.get(CONTROLLER, controller),) if each]
        used = [
            each
            for each in users
            if any(configuration_of(each, name).lower() == identifier for name in _CONFIGURATIONS)
        ]
    if used:
        raise Refusal(
            409,
            "ReferencedResourceCannotBeDeleted",
            f"Resource {document['id']} is referenced by {used[0]['id']} and cannot be deleted.",
        )


def _refused(code: str, message: str) -> Refusal:
    return Refusal(400, code, message)
