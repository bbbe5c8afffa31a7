"""The links in the cluster: the Gateway or Ingress has an address, and the route is taken up by it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from provision.resources.manifest import CERTIFICATE_OPTION
from provision.verify.evidence import Live, Unknown
from provision.verify.links import Link, Status, not_checked, ok
from provision.verify.needs import named

_GATEWAY = ("Accepted", "Programmed")
_LISTENER = ("Accepted", "ResolvedRefs", "Programmed")
_ROUTE = ("Accepted", "ResolvedRefs")


def gateway_addresses(front: Live | Unknown | None) -> tuple[str, ...]:
    """Addresses or host names that a Gateway or an Ingress has been given."""
    if not isinstance(front, Live):
        return ()
    status = front.body.get("status") or {}
    balanced = (status.get("loadBalancer") or {}).get("ingress") or ()
    found = [each.get("value") for each in status.get("addresses") or ()]
    found += [each.get("ip") or each.get("hostname") for each in balanced]
    return tuple(str(each) for each in found if each)


def front(address: str, seen: Live | Unknown | None, listener: str) -> Link:
    """The Gateway with the host's listener, or the Ingress."""
    subject = f"{named(address)} ready"
    if (absent := _absent("gateway", subject, seen)) is not None or not isinstance(seen, Live):
        return absent or not_checked("gateway", subject, "")
    troubles = list(_gateway_troubles(seen.body, listener)) if seen.body.get("kind") == "Gateway" else []
    addresses = gateway_addresses(seen)
    if not addresses:
        troubles.append("it has no address yet")
    if troubles:
        return _not_ready("gateway", subject, troubles, seen)
    return ok("gateway", subject, ", ".join(addresses))


def route(address: str, seen: Live | Unknown | None, listener: str) -> Link:
    """The route, as its Gateway sees it."""
    subject = f"{named(address)} accepted"
    if (absent := _absent("route", subject, seen)) is not None or not isinstance(seen, Live):
        return absent or not_checked("route", subject, "")
    if seen.body.get("kind") == "VirtualService":
        return ok("route", subject, "Istio tells nothing of it: see the answer below")
    parents = (seen.body.get("status") or {}).get("parents") or ()
    ours = [each for each in parents if _section(each) in ("", listener)]
    if not ours:
        return _not_ready("route", subject, ["no gateway has taken it up"], seen)
    generation = _generation(seen.body)
    troubles = [
        trouble for parent in ours for trouble in _troubles(parent.get("conditions"), _ROUTE, generation)
    ]
    return _not_ready("route", subject, troubles, seen) if troubles else ok("route", subject)


def events(*seen: Live | Unknown | None) -> list[Link]:
    """That events could not be read, once for each reason; they are told with the objects otherwise."""
    unheard = dict.fromkeys(each.unheard for each in seen if isinstance(each, Live) and each.unheard)
    return [not_checked("events", "events of its objects", why) for why in unheard]


def _absent(kind: str, subject: str, seen: Live | Unknown | None) -> Link | None:
    if isinstance(seen, Unknown):
        return not_checked(kind, subject, seen.why)
    if seen is None:
        return Link(kind, subject, Status.BROKEN, "missing", fix="Mend what is broken above.")
    return None


def _not_ready(kind: str, subject: str, troubles: list[str], seen: Live) -> Link:
    fix = "Its events say what holds it up." if seen.warnings else "Look at the object and its controller."
    detail = "; ".join(dict.fromkeys(troubles))
    return Link(kind, subject, Status.BROKEN, detail, notes=seen.warnings, fix=fix)


def _gateway_troubles(body: Mapping[str, Any], listener: str) -> Iterable[str]:
    status = body.get("status") or {}
    generation = _generation(body)
    yield from _troubles(status.get("conditions"), _GATEWAY, generation)
    listeners = {each.get("name"): each for each in status.get("listeners") or ()}
    declared = {each.get("name"): each for each in (body.get("spec") or {}).get("listeners") or ()}
    tls = declared.get(listener, {}).get("tls") or {}
    if CERTIFICATE_OPTION in (tls.get("options") or {}) and not tls.get("certificateRefs"):
        # What its own conditions don't tell from Istio 1.27 on (`buildTLS`).
        yield f"listener {listener}: app routing has not set its certificateRefs"
    if listener not in listeners:
        yield f"listener {listener}: no status yet"
    else:
        for trouble in _troubles(listeners[listener].get("conditions"), _LISTENER, generation):
            yield f"listener {listener}: {trouble}"


def _troubles(
    conditions: Iterable[Mapping[str, Any]] | None, wanted: Iterable[str], generation: int
) -> Iterable[str]:
    """What is wrong with the conditions that must be True of this generation of the object."""
    by_type = {each.get("type"): each for each in conditions or ()}
    for type_ in wanted:
        condition = by_type.get(type_)
        if condition is None:
            yield f"{type_} is not told yet"
        elif condition.get("observedGeneration", generation) < generation:
            yield f"{type_} is told of an earlier version of the object"
        elif condition.get("status") != "True":
            said = ": ".join(str(condition[part]) for part in ("reason", "message") if condition.get(part))
            yield f"{type_} is {condition.get('status')}" + (f" ({said})" if said else "")


def _generation(body: Mapping[str, Any]) -> int:
    return int((body.get("metadata") or {}).get("generation") or 0)


def _section(parent: Mapping[str, Any]) -> str:
    return str((parent.get("parentRef") or {}).get("sectionName") or "")
