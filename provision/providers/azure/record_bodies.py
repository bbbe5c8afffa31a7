"""Record sets as the DNS services have them in JSON ↔ as we compare them.

Both services carry the same JSON in different casing (public `TTL`, `ARecords`; private `ttl`,
`aRecords`. Source: recordings of `az network dns` and `az network private-dns`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from provision.resources.dns import RecordSet
from provision.resources.observed import Present
from provision.resources.record_value import canonical, quoted, strings, unquoted
from provision.resources.values import CaseInsensitive, Value

# Metadata keys take letters, digits and underscores only where tags take hyphens.
PROFILE_KEY = "provision_profile"
DIGEST_KEY = "provision_digest"

# SDK attribute of each record type's list, and how one entry becomes text and back.
_LISTS: Mapping[str, str] = {
    "A": "ARecords",
    "AAAA": "AAAARecords",
    "CAA": "caaRecords",
    "CNAME": "CNAMERecord",
    "MX": "MXRecords",
    "NS": "NSRecords",
    "PTR": "PTRRecords",
    "SRV": "SRVRecords",
    "TXT": "TXTRecords",
}


_SRV = ("priority", "weight", "port", "target")


def body_of(record_set: Any) -> dict[str, Any]:
    """The REST body of an SDK model: old style (`serialize`, public DNS) or new (`as_dict`, private)."""
    if hasattr(record_set, "serialize"):
        return dict(record_set.serialize(keep_readonly=True))
    return dict(record_set.as_dict())


def type_of(body: Mapping[str, Any]) -> str:
    """The record type in a REST body's resource type."""
    return str(body["type"]).rsplit("/", 1)[-1].upper()


def properties_of(body: Mapping[str, Any]) -> dict[str, Any]:
    """The properties in a REST body by their names in lower case."""
    return {name.casefold(): value for name, value in (body.get("properties") or {}).items()}


def present_of(record_type: str, body: Mapping[str, Any]) -> Present:
    properties = properties_of(body)
    raw = properties.get(_LISTS.get(record_type, "").casefold())
    entries = raw if isinstance(raw, list) else [raw] if raw else []
    metadata = properties.get("metadata") or {}
    target = (properties.get("targetresource") or {}).get("id")
    read: dict[str, Value] = {
        "ttl": properties.get("ttl"),
        "values": frozenset(canonical(record_type, _text(record_type, entry)) for entry in entries),
    }
    if target:  # what the target has at the moment are no values of ours
        read |= {"values": frozenset(), "target": CaseInsensitive(target)}
    return Present(
        properties=read,
        outputs={
            "etag": body.get("etag"),
            "metadata": metadata,
            "fqdn": properties.get("fqdn"),
            "autoRegistered": bool(properties.get("isautoregistered")),
        },
        owner=metadata.get(PROFILE_KEY),
        digest=metadata.get(DIGEST_KEY),
    )


def _text(record_type: str, entry: Mapping[str, Any]) -> str:
    """One entry of the service as a zone file would have it."""
    match record_type:
        case "A":
            return str(entry["ipv4Address"])
        case "AAAA":
            return str(entry["ipv6Address"])
        case "CNAME":
            return str(entry["cname"])
        case "NS":
            return str(entry["nsdname"])
        case "PTR":
            return str(entry["ptrdname"])
        case "SRV":
            return " ".join(str(entry[each]) for each in _SRV)
        case "MX":
            return f"{entry['preference']} {entry['exchange']}"
        case "CAA":
            return f'{entry["flags"]} {entry["tag"]} "{quoted(str(entry["value"]))}"'
        case _:
            return "".join(entry["value"])


def _entry(record_type: str, text: str) -> dict[str, Any]:
    """The other way round."""
    match record_type:
        case "A":
            return {"ipv4Address": text}
        case "AAAA":
            return {"ipv6Address": text}
        case "CNAME":
            return {"cname": text}
        case "NS":
            return {"nsdname": text}
        case "PTR":
            return {"ptrdname": text}
        case "SRV":
            *numbers, target = text.split()
            return dict(zip(_SRV, [*map(int, numbers), target], strict=True))
        case "MX":
            preference, exchange = text.split()
            return {"preference": int(preference), "exchange": exchange}
        case "CAA":
            flags, tag, value = text.split(" ", 2)
            return {"flags": int(flags), "tag": tag, "value": unquoted(value[1:-1])}
        case _:
            return {"value": strings(text)}


def rest_of(resource: RecordSet, metadata: Mapping[str, Value]) -> dict[str, Any]:
    ttl = "TTL" if resource.visibility == "public" else "ttl"
    properties: dict[str, Any] = {ttl: resource.ttl, "metadata": dict(metadata)}
    if resource.target:
        return {"properties": {**properties, "targetResource": {"id": str(resource.target)}}}
    values = resource.spelled()
    known = sorted(map(str, values)) if isinstance(values, frozenset) else []
    entries = [_entry(resource.record_type, value) for value in known]
    name = _LISTS[resource.record_type]
    if resource.visibility == "private":
        name = _private_name(name)
    properties[name] = entries[0] if resource.record_type == "CNAME" else entries
    return {"properties": properties}


def _private_name(name: str) -> str:
    """`ARecords` → `aRecords`, `CNAMERecord` → `cnameRecord`."""
    kind, _, rest = name.partition("Record")
    return f"{kind.lower()}Record{rest}"
