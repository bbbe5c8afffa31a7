"""Frontends of Application Gateway for Containers: their addresses and their names in the DNS.

A public frontend has one public address. A private one is reached through private endpoints only: its name
leads to the address of an approved one, and to nothing without (azure-mgmt-servicenetworking 2.1.0,
PublicNetworkAccess). The addresses are the sandbox's own choice.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re

import dns.name
from dns.rcode import Rcode
from dns.rdatatype import RdataType

from provision.sandbox.azure import Azure, Json
from provision.sandbox.edge import records
from provision.sandbox.edge.zone import Reply
from provision.sandbox.service_networking_kinds import FRONTEND, private_address

_NAME = re.compile(r"[^.]+\.(fz\d\d\.alb\.azure\.com|[^.]+\.privatelink\.alb\.azure\.com)\.", re.IGNORECASE)
_PUBLIC = ipaddress.ip_network("51.0.0.0/8")
_TTL = 60


def address_of(azure: Azure, frontend: Json) -> str | None:
    """The address of a frontend, None while it has none."""
    properties = frontend["properties"]
    if not properties.get("fqdn"):
        return None
    if properties.get("publicNetworkAccess") == "Disabled":
        return private_address(azure, frontend)
    number = int(hashlib.sha256(properties["fqdn"].encode()).hexdigest(), 16) % (_PUBLIC.num_addresses - 2)
    return str(_PUBLIC[number + 1])


def at(azure: Azure, address: str) -> Json | None:
    """The frontend at an address."""
    for frontend in azure.store.list(FRONTEND):
        if address_of(azure, frontend) == address:
            return frontend
    return None


def answer(azure: Azure, name: dns.name.Name, kind: RdataType) -> Reply | None:
    """The answer about a frontend's name; None for any other name."""
    match = _NAME.fullmatch(name.to_text())
    if match is None:
        return None
    authority = [records.authority(dns.name.from_text(match[1]), "ns1-01.azure-dns.com.")]
    wanted = name.to_text(omit_final_dot=True).lower()
    for frontend in azure.store.list(FRONTEND):
        if str(frontend["properties"].get("fqdn", "")).lower() == wanted:
            address = address_of(azure, frontend)
            if kind == RdataType.A and address:
                return Reply(answer=[records.address(name, address, _TTL)])
            return Reply(authority=authority)
    return Reply(Rcode.NXDOMAIN, authority=authority)
