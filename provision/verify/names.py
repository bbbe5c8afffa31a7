"""The links of DNS: the zone is delegated, and the host's record leads to the gateway."""

from __future__ import annotations

import ipaddress

from provision.verify.evidence import Delegation, Live, Records, Unknown
from provision.verify.links import Link, Status, not_checked, ok


def delegation(zone: str, seen: Delegation | Unknown | None) -> Link:
    """The parent of a public zone must name the servers that Azure gave it, and no others."""
    subject = f"delegation of {zone}"
    if isinstance(seen, Unknown):
        return not_checked("delegation", subject, seen.why)
    if seen is None:
        return not_checked("delegation", subject, "the zone does not exist")
    own = _listed(seen.own)
    fix = f"Have exactly these entered above it, at the registrar or as NS records of the parent zone: {own}"
    if not seen.parent:
        return Link("delegation", subject, Status.BROKEN, "the parent names no servers for it", fix=fix)
    strange = seen.parent - seen.own
    if strange:
        detail = f"the parent names {_listed(strange)}, which {_do(strange)} not serve this zone"
        return Link("delegation", subject, Status.BROKEN, detail, fix=fix)
    if seen.parent < seen.own:
        detail = f"the parent names only {_listed(seen.parent)}"
        return Link("delegation", subject, Status.WARNING, detail, fix=fix)
    return ok("delegation", subject, own)


def network_links(zone: str, seen: tuple[str, ...] | Unknown | None) -> Link:
    """A private zone is resolved in the virtual networks that are linked to it, and nowhere else."""
    subject = f"virtual networks of {zone}"
    if isinstance(seen, Unknown):
        return not_checked("delegation", subject, seen.why)
    if seen is None:
        return not_checked("delegation", subject, "the zone does not exist")
    if not seen:
        fix = "Name the network under links of the zone in the profile, and apply it."
        return Link("delegation", subject, Status.BROKEN, "none is linked: nobody can resolve it", fix=fix)
    return ok("delegation", subject, ", ".join(sorted(seen)))


def record(
    host: str,
    zone: str | None,
    seen: Records | Unknown | None,
    gateway: tuple[str, ...],
    writer: Live | Unknown | None,
    ours: str | None = None,
) -> Link:
    """The host's name must lead to the gateway's address. `ours` is the record set where we write it."""
    subject = f"record of {host}"
    if isinstance(seen, Unknown):
        return not_checked("record", subject, seen.why)
    notes = writer.warnings if isinstance(writer, Live) else ()
    fix = _record_fix(zone, gateway, ours)
    if seen is None or not (seen.addresses or seen.aliases):
        return Link("record", subject, Status.BROKEN, "missing", notes=notes, fix=fix)
    end = "" if seen.outside else ", ".join(sorted(seen.addresses)) or "no address"
    path = " → ".join(filter(None, (*seen.aliases, end)))
    if not gateway:
        return not_checked("record", subject, f"it is {path}, and the gateway has no address to compare with")
    found = {_normal(each) for each in (*seen.addresses, *seen.aliases)}
    named = {_normal(each) for each in gateway}
    reached = found & named
    strange = {_normal(each) for each in seen.addresses} - named
    if reached and (not strange or reached & {_normal(alias) for alias in seen.aliases}):
        return ok("record", subject, path)
    if seen.outside:
        why = f"{path} leads out of the zone, which only its networks resolve"
        return not_checked("record", subject, why)
    detail = f"it is {path}, the gateway is at {', '.join(gateway)}"
    return Link("record", subject, Status.BROKEN, detail, notes=notes, fix=fix)


def _record_fix(zone: str | None, gateway: tuple[str, ...], ours: str | None) -> str:
    if ours:
        return f"Apply the profile: {ours} is written by it."
    if zone is None:
        where = ", ".join(gateway) or "the gateway's address"
        return f"No zone of the profile holds it: have it point to {where}."
    return (
        "The cluster's external-dns writes it while role, federated credential, service account and zone"
        " are right: mend what is broken above, or remove what others wrote in its place."
    )


def is_name(gateway: str) -> bool:
    """Whether a gateway is told by a name and not by an address."""
    try:
        ipaddress.ip_address(gateway)
    except ValueError:
        return True
    return False


def is_private(address: str) -> bool:
    """Whether an address can be reached from inside of a network only (RFC 1918, 6598, 3927, 4193)."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(parsed in network for network in _PRIVATE if network.version == parsed.version)


_PRIVATE = tuple(
    ipaddress.ip_network(network)
    for network in (
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "100.64.0.0/10",
        "169.254.0.0/16",
        "fc00::/7",
    )
)


def _normal(name: str) -> str:
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        return name.rstrip(".").casefold()


def _listed(names: frozenset[str]) -> str:
    return ", ".join(sorted(names))


def _do(names: frozenset[str]) -> str:
    return "does" if len(names) == 1 else "do"
