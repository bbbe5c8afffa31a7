"""What Azure DNS can hold and what its alias records can follow, as data."""

from __future__ import annotations

from collections.abc import Mapping

from provision.ingress.catalog import Limit

RECORD_SETS: Mapping[str, Limit] = {
    "public": Limit(10000, "record sets of a public zone", "Azure DNS limits, Microsoft Learn", "2026-06"),
    "private": Limit(25000, "record sets of a private zone", "Azure DNS limits, Microsoft Learn", "2026-06"),
}
LINKS = Limit(1000, "virtual network links of a private zone", "Azure DNS limits, Microsoft Learn", "2026-06")
REGISTERING_LINKS = Limit(
    100, "links of a private zone with registration", "Azure DNS limits, Microsoft Learn", "2026-06"
)

ALIAS_TARGETS: Mapping[str, tuple[str, ...]] = {
    "microsoft.network/publicipaddresses": ("A", "AAAA"),
    "microsoft.network/trafficmanagerprofiles": ("A", "AAAA", "CNAME"),
    "microsoft.network/frontdoors": ("A", "AAAA", "CNAME"),
    "microsoft.cdn/profiles/afdendpoints": ("A", "AAAA", "CNAME"),
    "microsoft.cdn/profiles/endpoints": ("A", "AAAA", "CNAME"),
}
"""Record types by what an alias of theirs can follow, besides a record set of its own type and zone.

Source: "Azure DNS alias records overview", Microsoft Learn, 2024-11.
"""
