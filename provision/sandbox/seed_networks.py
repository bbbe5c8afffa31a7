"""Networks and firewall policies that a profile names."""

from __future__ import annotations

from provision.sandbox import virtual_networks, waf_policies
from provision.sandbox.azure import Azure
from provision.sandbox.seed_once import is_new
from provision.sandbox.service_networking_kinds import CONTROLLER

_SPACE = "10.0.0.0/8"
"""As large as Azure takes, so that the range of any subnet that a profile makes is in it."""


def network(azure: Azure, identifier: str, location: str) -> bool:
    """A network with room for subnets; whether it was made."""
    if not is_new(azure, virtual_networks.NETWORK, identifier):
        return False
    virtual_networks.new_network(azure, identifier, location, [_SPACE], {})
    return True


def subnet(azure: Azure, identifier: str, location: str) -> bool:
    """In a network of its own if there is none yet; the ranges of one network follow each other."""
    if not is_new(azure, virtual_networks.SUBNET, identifier):
        return False
    network_id = identifier.rpartition("/subnets/")[0]
    network(azure, network_id, location)
    count = len(azure.store.list(virtual_networks.SUBNET, f"{network_id}/subnets/"))
    prefix = f"10.100.{count % 256}.0/24"
    virtual_networks.new_subnet(azure, identifier, prefix, CONTROLLER)
    return True


def firewall(azure: Azure, identifier: str, location: str) -> bool:
    """A policy that Application Gateway for Containers takes; whether it was made."""
    if not is_new(azure, waf_policies.WAF_POLICY, identifier):
        return False
    waf_policies.new_policy(azure, identifier, location)
    return True
