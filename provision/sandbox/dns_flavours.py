"""How public and private DNS spell things, and how a child finds its zone.

Source: az CLI recordings test_dns (2021) and of the privatedns module (2021 to 2023).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from provision.sandbox.azure import Azure, Json, Refusal, Request


@dataclass(frozen=True, slots=True)
class Flavour:
    """How one of the two services spells things.

    `kind` is the resource type of a zone, `spelled` the same as it comes back in ids; `ttl` and `fields` name
    the properties of a record set, the latter by record type.
    """

    kind: str
    spelled: str
    ttl: str
    fields: Mapping[str, str]
    everything: tuple[str, ...]

    @property
    def public(self) -> bool:
        return self.kind.endswith("/dnsZones")

    @property
    def record_kind(self) -> str:
        """The kind under which record sets of all types are stored."""
        return f"{self.kind}/recordsets"


PUBLIC = Flavour(
    "Microsoft.Network/dnsZones",
    "Microsoft.Network/dnszones",
    "TTL",
    {
        "A": "ARecords",
        "AAAA": "AAAARecords",
        "CAA": "caaRecords",
        "CNAME": "CNAMERecord",
        "DS": "DSRecords",
        "MX": "MXRecords",
        "NAPTR": "NAPTRRecords",
        "NS": "NSRecords",
        "PTR": "PTRRecords",
        "SOA": "SOARecord",
        "SRV": "SRVRecords",
        "TLSA": "TLSARecords",
        "TXT": "TXTRecords",
    },
    ("recordsets", "all"),
)
PRIVATE = Flavour(
    "Microsoft.Network/privateDnsZones",
    "Microsoft.Network/privateDnsZones",
    "ttl",
    {
        "A": "aRecords",
        "AAAA": "aaaaRecords",
        "CNAME": "cnameRecord",
        "MX": "mxRecords",
        "PTR": "ptrRecords",
        "SOA": "soaRecord",
        "SRV": "srvRecords",
        "TXT": "txtRecords",
    },
    ("all",),
)


def zone_id(flavour: Flavour, request: Request) -> str:
    """The id of the zone in a request's path, as the service spells it."""
    params = request.params
    group = f"/subscriptions/{params['subscription']}/resourceGroups/{params['group']}"
    return f"{group}/providers/{flavour.spelled}/{params['zone']}"


def parent(flavour: Flavour, request: Request, azure: Azure) -> Json:
    """The zone that a child's path names; without it ARM's gateway answers, with its own envelope."""
    zone = azure.store.get(flavour.kind, zone_id(flavour, request))
    if zone is None:
        raise Refusal(
            404,
            "ParentResourceNotFound",
            "Can not perform requested operation on nested resource. Parent resource"
            f" '{request.params['zone']}' not found.",
            headers={"x-ms-failure-cause": "gateway"},
        )
    return zone
