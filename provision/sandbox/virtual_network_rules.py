"""What Microsoft.Network refuses of virtual networks and subnets.

Sources: "Virtual Networks" and "Subnets", Azure networking REST reference; refusals that users quote (2026).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from ipaddress import IPv4Network

from provision.sandbox.azure import Json, Refusal, Request

RESERVED = 5
"""Addresses of each subnet that Azure keeps: network, gateway, two for DNS, broadcast.

Source: "Azure Virtual Network FAQ", Microsoft Learn, 2026-05."""


def held(subnet: Json) -> list[Json]:
    """What holds addresses of a subnet."""
    return list(subnet["properties"].get("ipConfigurations") or ())


def delegated_to(subnet: Json) -> list[str]:
    """Names of the services that a subnet is delegated to."""
    return [each["properties"]["serviceName"] for each in subnet["properties"].get("delegations") or ()]


def prefixes(wanted: object) -> list[IPv4Network]:
    if not isinstance(wanted, list) or not wanted:
        raise refused(
            "InvalidRequestFormat", "Cannot parse the request: addressSpace.addressPrefixes is required."
        )
    return [address_range(str(prefix)) for prefix in wanted]


def address_range(prefix: str) -> IPv4Network:
    try:
        return IPv4Network(prefix)
    except ValueError:
        raise refused(
            "InvalidAddressPrefixFormat", f"Address prefix {prefix} is not formatted correctly."
        ) from None


def check_ranges(space: Iterable[IPv4Network], subnets: Mapping[str, str]) -> None:
    """Every subnet in the network's space, and none over another."""
    ranges = {name: address_range(prefix) for name, prefix in subnets.items()}
    for name, found in ranges.items():
        if not any(found.subnet_of(each) for each in space):
            raise refused("NetcfgInvalidSubnet", f"Subnet '{name}' is not valid in virtual network.")
        for other, taken in ranges.items():
            if other != name and found.overlaps(taken):
                raise refused(
                    "NetcfgSubnetRangesOverlap",
                    f"Subnet '{name}' is not valid because its IP address"
                    f" range overlaps with that of an existing subnet in virtual network.",
                )


def check_in_use(before: Json, wanted: Json) -> None:
    """A subnet in use keeps its range and its delegation."""
    properties = before["properties"]
    if wanted.get("addressPrefix") != properties["addressPrefix"]:
        raise refused(
            "InUsePrefixCannotBeDeleted",
            f"IpPrefix {properties['addressPrefix']} on Subnet {before['name']} has active allocations and"
            " cannot be deleted.",
        )
    asked = {(each.get("properties") or {}).get("serviceName") for each in wanted.get("delegations") or ()}
    if not set(delegated_to(before)) <= asked:
        raise refused(
            "SubnetMissingRequiredDelegation",
            f"Delegations of subnet {before['id']} cannot be deleted, it is in use.",
        )


def check_unused(subnet: Json) -> None:
    if used := held(subnet):
        raise refused(
            "InUseSubnetCannotBeDeleted",
            f"Subnet {subnet['name']} is in use by {used[0]['id']} and cannot be deleted. In order to delete"
            " the subnet, delete all the resources within the subnet.",
        )


def check_match(request: Request, before: Json | None) -> None:
    wanted = request.headers.get("if-match", "")
    if wanted and wanted != "*" and (before is None or before["etag"] != wanted):
        raise refused("PreconditionFailed", "Precondition failed.", 412)


def refused(code: str, message: str, status: int = 400) -> Refusal:
    return Refusal(status, code, message)
