"""The Gateway of the Gateway API. Source: the Gateway API's standard channel, v1.2.0."""

from __future__ import annotations

from provision.sandbox.http import Json
from provision.sandbox.kubernetes.crd_documents import (
    DNS_WILDCARD,
    GROUP_NAME,
    HOST_NAME,
    KIND_NAME,
    NAMESPACE_NAME,
    OBJECT_NAME,
    PORT,
    SECTION_NAME,
    conditions,
    pending,
)
from provision.sandbox.kubernetes.schemas_core import SELECTOR
from provision.sandbox.kubernetes.shapes import array, defaulted, integer, mapping, record, ruled, text

_QUALIFIED = (
    r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?"
    r"([A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9]$"
)


def _keys(what: str) -> list[tuple[str, str]]:
    """Rules for the keys of labels or annotations."""
    return [
        (
            f'self.all(name, name.matches(r"""{_QUALIFIED}"""))',
            f"{what.capitalize()} keys must be in the form of an optional DNS subdomain prefix followed by a "
            "required name segment of up to 63 characters.",
        ),
        (
            "self.all(name, size(name.split('/')[0]) < 253)",
            f"If specified, the {what} key's prefix must be a DNS subdomain not longer than 253 characters "
            "in total.",
        ),
    ]


_INFRASTRUCTURE = record(
    labels=ruled(
        mapping(text(least=0, most=63, pattern="^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$"), most=8),
        *_keys("label"),
    ),
    annotations=ruled(mapping(text(least=0, most=4096), most=8), *_keys("annotation")),
    parametersRef=record(["group", "kind", "name"], group=GROUP_NAME, kind=KIND_NAME, name=OBJECT_NAME),
)

_ADDRESS_TYPE = text(
    least=1,
    most=253,
    default="IPAddress",
    pattern=r"^Hostname|IPAddress|NamedAddress|[a-z0-9]([-a-z0-9]*[a-z0-9])?"
    r"(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\/[A-Za-z0-9\/\-._~%!$&'()*+,;=:]+$",
)

_IP_ADDRESS: Json = {
    "properties": {
        "type": {"enum": ["IPAddress"]},
        "value": {"anyOf": [{"format": "ipv4"}, {"format": "ipv6"}]},
    }
}

_ADDRESS = ruled(
    record(["value"], type=_ADDRESS_TYPE, value=text(least=1, most=253))
    | {"oneOf": [_IP_ADDRESS, {"properties": {"type": {"not": {"enum": ["IPAddress"]}}}}]},
    (
        f'self.type != "Hostname" || self.value.matches(r"""{DNS_WILDCARD}""")',
        f"Hostname value must only contain valid characters (matching {DNS_WILDCARD})",
    ),
)


def _unique(kind: str) -> tuple[str, str]:
    rule = f"self.all(a, a.type != '{kind}' || self.exists_one(b, b.type == a.type && b.value == a.value))"
    return rule, f"{kind} values must be unique"


_ROUTE_KIND = record(["kind"], group=defaulted(GROUP_NAME, "gateway.networking.k8s.io"), kind=KIND_NAME)

_ALLOWED_ROUTES = defaulted(
    record(
        namespaces=defaulted(
            record(
                **{"from": text(values=["All", "Selector", "Same"], default="Same"), "selector": SELECTOR}
            ),
            {"from": "Same"},
        ),
        kinds=array(_ROUTE_KIND, most=8),
    ),
    {"namespaces": {"from": "Same"}},
)

_TLS = ruled(
    record(
        mode=text(values=["Terminate", "Passthrough"], default="Terminate"),
        certificateRefs=array(
            record(
                ["name"],
                group=defaulted(GROUP_NAME, ""),
                kind=defaulted(KIND_NAME, "Secret"),
                name=OBJECT_NAME,
                namespace=NAMESPACE_NAME,
            ),
            most=64,
        ),
        options=mapping(text(least=0, most=4096), most=16),
    ),
    (
        "self.mode != 'Terminate' || size(self.certificateRefs) > 0 || size(self.options) > 0",
        "certificateRefs or options must be specified when mode is Terminate",
    ),
)

_LISTENER = record(
    ["name", "port", "protocol"],
    name=SECTION_NAME,
    hostname=HOST_NAME,
    port=PORT,
    protocol=text(
        least=1,
        most=255,
        pattern=r"^[a-zA-Z0-9]([-a-zA-Z0-9]*[a-zA-Z0-9])?$|"
        r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\/[A-Za-z0-9]+$",
    ),
    tls=_TLS,
    allowedRoutes=_ALLOWED_ROUTES,
)

_LISTENERS = ruled(
    array(_LISTENER, keys=["name"], least=1, most=64),
    (
        "self.all(one, !(one.protocol in ['HTTP', 'TCP', 'UDP']) || !has(one.tls))",
        "tls must not be specified for protocols ['HTTP', 'TCP', 'UDP']",
    ),
    (
        "self.all(one, one.protocol != 'HTTPS' || !has(one.tls) || one.tls.mode in ['', 'Terminate'])",
        "tls mode must be Terminate for protocol HTTPS",
    ),
    (
        "self.all(one, !(one.protocol in ['TCP', 'UDP']) || !has(one.hostname) || one.hostname == '')",
        "hostname must not be specified for protocols ['TCP', 'UDP']",
    ),
    (
        "self.all(one, self.exists_one(two, two.name == one.name))",
        "Listener name must be unique within the Gateway",
    ),
    (
        "self.all(one, self.exists_one(two, one.port == two.port && one.protocol == two.protocol"
        " && has(one.hostname) == has(two.hostname)"
        " && (!has(one.hostname) || one.hostname == two.hostname)))",
        "Combination of port, protocol and hostname must be unique for each listener",
    ),
)

GATEWAY = record(
    ["gatewayClassName", "listeners"],
    gatewayClassName=OBJECT_NAME,
    listeners=_LISTENERS,
    addresses=ruled(array(_ADDRESS, most=16), _unique("IPAddress"), _unique("Hostname")),
    infrastructure=_INFRASTRUCTURE,
)

_LISTENER_STATUS = record(
    ["attachedRoutes", "conditions", "name", "supportedKinds"],
    name=SECTION_NAME,
    attachedRoutes=integer(),
    supportedKinds=array(_ROUTE_KIND, most=8),
    conditions=conditions(8),
)

_PENDING = [pending("Accepted"), pending("Programmed")]

GATEWAY_STATUS = defaulted(
    record(
        addresses=array(_ADDRESS, most=16),
        conditions=defaulted(conditions(8), _PENDING),
        listeners=array(_LISTENER_STATUS, keys=["name"], most=64),
    ),
    {"conditions": _PENDING},
)
