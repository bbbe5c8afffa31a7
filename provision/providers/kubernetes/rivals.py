"""DNS controllers of others for zones of ours.

All that ClusterExternalDNS objects of a cluster start share one owner id, the cluster's, and keep a zone in
line with what they see: each removes the records of the other. Source: Azure/aks-app-routing-operator,
pkg/manifests/external_dns.go, 2026-06 (`--txt-owner-id`, no `--policy`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from provision.providers.kubernetes.calls import Json
from provision.providers.kubernetes.observing import owner_of
from provision.resources.manifest import CLUSTER_EXTERNAL_DNS, RIVALS, Manifest
from provision.resources.observed import Observed, Unread
from provision.resources.values import Value


def with_rivals(
    objects: Mapping[str, Observed], resources: Sequence[Manifest], live: Sequence[Json], profile: str
) -> dict[str, Observed]:
    """The objects, where our DNS controllers have the output `rivals`: the zones that they share, by the name
    of each of `live` that is not the profile's."""
    declared = {resource.object_name for resource in resources if resource.api == CLUSTER_EXTERNAL_DNS}
    others = [each for each in live if each["metadata"]["name"] not in declared and owner_of(each) != profile]
    told = dict(objects)
    for resource in resources:
        observed = objects[resource.address]
        found = dict(_rivals(resource, others)) if resource.api == CLUSTER_EXTERNAL_DNS else {}
        if found and not isinstance(observed, Unread):
            told[resource.address] = replace(observed, outputs={**observed.outputs, RIVALS: found})
    return told


def _rivals(resource: Manifest, others: Sequence[Json]) -> Iterator[tuple[str, Value]]:
    mine = _zones(resource.body)
    for other in others:
        if shared := mine & _zones(other):
            names = sorted(each.rpartition("/")[2] for each in shared)
            yield other["metadata"]["name"], tuple(names)


def _zones(body: Mapping[str, Any]) -> frozenset[str]:
    ids = (body.get("spec") or {}).get("dnsZoneResourceIDs") or ()
    return frozenset(str(each).casefold() for each in ids)
