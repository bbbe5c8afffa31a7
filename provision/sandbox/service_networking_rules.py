"""What Microsoft.ServiceNetworking refuses of associations, frontends and security policies.

Source of the limits: "Application Gateway for Containers components" and "Azure subscription and service
limits", Microsoft Learn, 2026-06. The texts are our own: no refusal of the service is public.
"""

from __future__ import annotations

from collections.abc import Sequence

from provision.sandbox.azure import Azure, Json, Refusal
from provision.sandbox.virtual_network_rules import RESERVED, address_range, delegated_to, held
from provision.sandbox.virtual_networks import NETWORK, SUBNET

SERVICE = "Microsoft.ServiceNetworking/trafficControllers"
_LEAST_ADDRESSES = 250
"""A /24 is enough for one association: 256 addresses less the five that Azure keeps."""
_MOST_FRONTENDS = 5


def check_association(azure: Azure, controller: Json, wanted: Json, others: Sequence[Json]) -> None:
    """One association a controller, in a subnet that is delegated, large enough and in its region."""
    identifier = str((wanted.get("subnet") or {}).get("id") or "")
    subnet = azure.store.get(SUBNET, identifier)
    if subnet is None:
        raise _refused(
            "InvalidResourceReference", f"Resource {identifier} referenced by the association was not found."
        )
    network = azure.store.get(NETWORK, identifier.rpartition("/subnets/")[0]) or {}
    if others:
        message = f"Traffic controller {controller['name']} has an association already: {others[0]['name']}."
        raise _refused("AssociationLimitReached", message)
    if network.get("location") != controller["location"]:
        raise _refused(
            "InvalidSubnetLocation",
            f"Subnet {identifier} is in {network.get('location')}, the traffic controller in"
            f" {controller['location']}.",
        )
    if SERVICE.lower() not in (each.lower() for each in delegated_to(subnet)):
        raise _refused("SubnetNotDelegated", f"Subnet {identifier} is not delegated to {SERVICE}.")
    ours = controller["id"].lower()
    taken = [each for each in held(subnet) if not each["id"].lower().startswith(ours)]
    free = address_range(subnet["properties"]["addressPrefix"]).num_addresses - RESERVED - len(taken)
    if free < _LEAST_ADDRESSES:
        message = f"Subnet {identifier} has {free} free addresses; an association needs {_LEAST_ADDRESSES}."
        raise _refused("SubnetTooSmall", message)


def check_frontend(azure: Azure, controller: Json, wanted: Json, others: Sequence[Json]) -> None:
    """At most five; a private one needs an association of the same controller."""
    if len(others) >= _MOST_FRONTENDS:
        message = (
            f"Traffic controller {controller['name']} has {_MOST_FRONTENDS} frontends, which is the most."
        )
        raise _refused("FrontendLimitReached", message)
    association = str((wanted.get("association") or {}).get("id") or "")
    if association and azure.store.get(f"{SERVICE}/associations", association) is None:
        raise _refused("InvalidResourceReference", f"Association {association} was not found.")


def check_policy(azure: Azure, wanted: Json) -> None:
    """Exactly one kind of policy."""
    kinds = [key for key in ("wafPolicy", "ipAccessRulesPolicy") if wanted.get(key)]
    if len(kinds) != 1:
        raise _refused(
            "InvalidSecurityPolicy", "A security policy is either a WAF policy or IP access rules."
        )


def _refused(code: str, message: str) -> Refusal:
    return Refusal(400, code, message)
