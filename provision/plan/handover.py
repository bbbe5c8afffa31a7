"""Hosts that move from one object to another: what served them goes only once they are served anew.

A route that is no longer declared, of a host that still is, waits for the host's new route and for its record
to lead there, and then for as long as resolvers may hold on to the old address. What stood before it, a
gateway or a controller, goes after it. DNS controllers begin only when the new routes are there, and those
that end do so before the record changes and the old route goes: each removes the records of hosts that no
route of its own asks for, also those that another has taken over.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from provision.plan.change import Action, Change
from provision.resources.arm import ArmId
from provision.resources.dns import HostRecord, RecordSet
from provision.resources.manifest import (
    APPLICATION_LOAD_BALANCER,
    CLUSTER_EXTERNAL_DNS,
    GATEWAY,
    INGRESS,
    ISTIO_GATEWAY,
    PINNED,
    Manifest,
    hosts_of,
    leaves,
)
from provision.resources.observed import Present
from provision.resources.resource import Resource

_ROUND = 180.0
"""Seconds in which the controller looks at its routes again. Source: Azure/aks-app-routing-operator, default
of `--dns-sync-interval`, 2026-06."""
_CONTROLLERS_TTL = 300.0
"""Seconds. Source: kubernetes-sigs/external-dns, provider/azure/azure.go, `azureRecordTTL`."""

_Orphan = tuple[Resource, Present]
_Record = HostRecord | RecordSet


@dataclass(frozen=True, slots=True)
class Handover:
    """Of one host: the addresses of its routes and of its record, and for how many seconds resolvers may go
    on with the old address.

    A controller that sees both routes writes both addresses: the record comes `last` then, after the old
    route.
    """

    routes: tuple[str, ...]
    record: tuple[str, ...] = ()
    seconds: float = 0.0
    last: bool = False


def handovers(changes: Sequence[Change], orphans: Sequence[_Orphan]) -> dict[str, Handover]:
    """By host. One whose record is of another type now is none: the new record takes the old one's going, and
    that the old route's."""
    before: defaultdict[str, set[str]] = defaultdict(set)
    for orphan, observed in orphans:
        for host in _served(orphan, observed):
            before[host].add(_kind(orphan))
    if not before or _is_in_the_way(changes, orphans):
        return {}
    routes: defaultdict[str, list[str]] = defaultdict(list)
    kinds: defaultdict[str, set[str]] = defaultdict(set)
    records: dict[str, Change] = {}
    for change in changes:
        for host in _hosts(change.resource):
            routes[host].append(change.address)
            kinds[host].add(_kind(change.resource))
        if isinstance(change.resource, _Record):
            records[_name(change.resource)] = change
    replaced = {_name(orphan) for orphan, _ in orphans if isinstance(orphan, RecordSet)}
    found: dict[str, Handover] = {}
    for host in before.keys() & routes.keys() - replaced:
        record = records.get(host)
        if record is None:
            found[host] = Handover(tuple(routes[host]))
        elif isinstance(record.resource, HostRecord) and kinds[host] & before[host]:
            seconds = _ROUND + _CONTROLLERS_TTL if record.action is Action.UPDATE else 0.0
            found[host] = Handover(tuple(routes[host]), (record.address,), seconds, last=True)
        elif not _is_other_type(record):
            found[host] = Handover(tuple(routes[host]), (record.address,), _seconds(record))
    return found


def _is_in_the_way(changes: Iterable[Change], orphans: Iterable[_Orphan]) -> bool:
    """Whether something new can't be there beside the old: one of Application Gateway for Containers' load
    balancers, since a subnet has one association, or what is pinned to an address that the old has."""
    taken = {str(observed.outputs.get("address")) for _, observed in orphans}
    balancer = any(
        isinstance(orphan, Manifest) and orphan.api == APPLICATION_LOAD_BALANCER for orphan, _ in orphans
    )
    for change in changes:
        resource = change.resource
        if change.action is not Action.CREATE or not isinstance(resource, Manifest):
            continue
        pinned = {str(value) for path, value in leaves(resource.body) if path.endswith(f"[{PINNED}]")}
        if pinned & taken or (balancer and resource.api == APPLICATION_LOAD_BALANCER):
            return True
    return False


def arranged(
    changes: Sequence[Change], orphans: Sequence[_Orphan], moves: Mapping[str, Handover]
) -> list[Change]:
    """The changes; DNS controllers that begin or change wait for the new routes, records for those that end,
    and gateways keep what they have for old routes as long as these stay, unless new ones wait for that."""
    routes = tuple(sorted({route for move in moves.values() for route in move.routes}))
    ending = tuple(orphan.address for orphan, _ in orphans if _writes(orphan))
    records = {record: ending for move in moves.values() for record in move.record}
    for host, move in moves.items():
        if move.last:
            old = tuple(orphan.address for orphan, seen in orphans if host in _served(orphan, seen))
            records |= dict.fromkeys(move.record, (*ending, *old))
    new = [change.resource for change in changes if change.address in routes]
    needed = {address for route in new for address in route.dependencies()}
    found: list[Change] = []
    for change in changes:
        before = records.get(change.address, ())
        if _writes(change.resource) and change.action is not Action.NO_OP:
            before = routes
        elif _is_gateway(change.resource) and change.action is Action.UPDATE and change.address not in needed:
            before = _leaving(change.resource, orphans, moves)
        if before:
            after = (*change.resource.after, *before)
            change = replace(change, resource=replace(change.resource, after=after))
        found.append(change)
    return found


def waiting(orphans: Sequence[_Orphan], moves: Mapping[str, Handover]) -> list[_Orphan]:
    """The orphans, each with what it waits for; gateways and controllers come after the routes anyway."""
    routes = {
        orphan.address: [moves[host] for host in _served(orphan, observed) if host in moves]
        for orphan, observed in orphans
    }
    old = tuple(address for address, each in routes.items() if each)
    dropped = {orphan.address for orphan, observed in orphans if _served(orphan, observed)} - {*old}
    found: list[_Orphan] = []
    for orphan, observed in orphans:
        mine = routes[orphan.address]
        if isinstance(orphan, Manifest) and mine:
            after = [
                address for move in mine for address in (*move.routes, *(() if move.last else move.record))
            ]
            seconds = max(move.seconds for move in mine)
            found.append((replace(orphan, after=(*orphan.after, *after), linger=seconds), observed))
        elif _writes(orphan) and old:
            # Usually after everything else of the cluster: now it only has to tidy up after hosts that go.
            found.append((replace(orphan, after=tuple(sorted(dropped & {*orphan.after}))), observed))
        else:
            found.append((orphan, observed))
    return found


def _hosts(resource: Resource) -> tuple[str, ...]:
    """Hosts that a declared route is for."""
    found = hosts_of(resource.api, resource.body) if isinstance(resource, Manifest) else ()
    return tuple(host.casefold() for host in found)


def _served(orphan: Resource, observed: Present) -> tuple[str, ...]:
    found = observed.outputs.get("hosts")
    if not isinstance(orphan, Manifest) or not isinstance(found, tuple):
        return ()
    return tuple(str(host).casefold() for host in found)


def _kind(resource: Resource) -> str:
    """Routes of one kind are seen by the same controller."""
    return "Ingress" if isinstance(resource, Manifest) and resource.api == INGRESS else "route"


def _is_gateway(resource: Resource) -> bool:
    return isinstance(resource, Manifest) and resource.api in (GATEWAY, ISTIO_GATEWAY)


def _leaving(gateway: Resource, orphans: Sequence[_Orphan], moves: Mapping[str, Handover]) -> tuple[str, ...]:
    """Routes that leave the gateway's namespace."""
    return tuple(
        orphan.address
        for orphan, observed in orphans
        if any(host in moves for host in _served(orphan, observed))
        and isinstance(orphan, Manifest)
        and isinstance(gateway, Manifest)
        and orphan.namespace == gateway.namespace
    )


def _writes(resource: Resource) -> bool:
    """Whether it is a DNS controller."""
    return isinstance(resource, Manifest) and resource.api == CLUSTER_EXTERNAL_DNS


def _is_other_type(record: Change) -> bool:
    resource = record.resource
    return record.action is Action.CREATE and isinstance(resource, RecordSet) and resource.record_type != "A"


def _seconds(record: Change) -> float:
    """0 when the record leads where it led before, or led nowhere."""
    leads = any(field.path in ("values", "address") for field in record.fields)
    if record.action is not Action.UPDATE or not leads or not isinstance(record.observed, Present):
        return 0.0
    ttl = record.observed.properties.get("ttl")
    return float(ttl) if isinstance(ttl, int) else _CONTROLLERS_TTL


def _name(record: Resource) -> str:
    if not isinstance(record, _Record) or (isinstance(record, RecordSet) and not _leads(record)):
        return ""
    domain = ArmId.parse(record.zone_id).name.casefold()
    return domain if record.record_name == "@" else f"{record.record_name.casefold()}.{domain}"


def _leads(record: RecordSet) -> bool:
    return record.record_type in ("A", "CNAME")
