"""The HTTPRoute of the Gateway API. Source: the Gateway API's standard channel, v1.2.0."""

from __future__ import annotations

from provision.sandbox.http import Json
from provision.sandbox.kubernetes.crd_documents import (
    GROUP_NAME,
    HOST_NAME,
    KIND_NAME,
    NAMESPACE_NAME,
    OBJECT_NAME,
    PATH_NAME,
    PORT,
    SECTION_NAME,
    conditions,
)
from provision.sandbox.kubernetes.crds_http_filters import (
    HEADER_NAME,
    rule_filters,
    service_reference,
)
from provision.sandbox.kubernetes.shapes import array, defaulted, integer, record, ruled, text

_PARENT = record(
    ["name"],
    group=defaulted(GROUP_NAME, "gateway.networking.k8s.io"),
    kind=defaulted(KIND_NAME, "Gateway"),
    namespace=NAMESPACE_NAME,
    name=OBJECT_NAME,
    sectionName=SECTION_NAME,
    port=PORT,
)

_SAME_PARENT = (
    "a.group == b.group && a.kind == b.kind && a.name == b.name"
    " && has(a.__namespace__) == has(b.__namespace__)"
    " && (!has(a.__namespace__) || a.__namespace__ == b.__namespace__)"
)

PARENTS = ruled(
    array(_PARENT, most=32),
    (
        f"self.all(a, self.all(b, !({_SAME_PARENT}) || has(a.sectionName) == has(b.sectionName)))",
        "sectionName must be specified when parentRefs includes 2 or more references to the same parent",
    ),
    (
        f"self.all(a, self.exists_one(b, {_SAME_PARENT} && has(a.sectionName) == has(b.sectionName)"
        " && (!has(a.sectionName) || a.sectionName == b.sectionName)))",
        "sectionName must be unique when parentRefs includes 2 or more references to the same parent",
    ),
)

_LITERAL_PATH = "self.type in ['Exact', 'PathPrefix']"
_VALID_PATH = r"^(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|[%][0-9a-fA-F]{2})+$"


def _path_rule(accepts: str, says: str) -> tuple[str, str]:
    return f"!({_LITERAL_PATH}) || {accepts}", says


_PATH = ruled(
    defaulted(
        record(
            type=text(values=["Exact", "PathPrefix", "RegularExpression"], default="PathPrefix"),
            value=text(most=1024, default="/"),
        ),
        {"type": "PathPrefix", "value": "/"},
    ),
    _path_rule(
        "self.value.startsWith('/')",
        "value must be an absolute path and start with '/' when type one of ['Exact', 'PathPrefix']",
    ),
    *(
        _path_rule(
            f"!self.value.contains('{part}')",
            f"must not contain '{part}' when type one of ['Exact', 'PathPrefix']",
        )
        for part in ("//", "/./", "/../", "%2f", "%2F", "#")
    ),
    *(
        _path_rule(
            f"!self.value.endsWith('{part}')",
            f"must not end with '{part}' when type one of ['Exact', 'PathPrefix']",
        )
        for part in ("/..", "/.")
    ),
    _path_rule(
        f'self.value.matches(r"""{_VALID_PATH}""")',
        f"must only contain valid characters (matching {_VALID_PATH}) for types ['Exact', 'PathPrefix']",
    ),
)


def _named_value(most: int) -> Json:
    """A header or query parameter to match."""
    return record(
        ["name", "value"],
        type=text(values=["Exact", "RegularExpression"], default="Exact"),
        name=HEADER_NAME,
        value=text(least=1, most=most),
    )


_METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"]

_MATCHES = defaulted(
    array(
        record(
            path=_PATH,
            headers=array(_named_value(4096), keys=["name"], most=16),
            queryParams=array(_named_value(1024), keys=["name"], most=16),
            method=text(values=_METHODS),
        ),
        most=64,
    ),
    [{"path": {"type": "PathPrefix", "value": "/"}}],
)

_BACKENDS = array(
    service_reference(weight=integer(least=0, most=1_000_000, default=1), filters=rule_filters()),
    most=16,
)

_DURATION = text(pattern="^([0-9]{1,5}(h|m|s|ms)){1,4}$")

_TIMEOUTS = ruled(
    record(request=_DURATION, backendRequest=_DURATION),
    (
        "!(has(self.request) && has(self.backendRequest)) || duration(self.request) == duration('0s')"
        " || duration(self.backendRequest) <= duration(self.request)",
        "backendRequest timeout cannot be longer than request timeout",
    ),
)

_ONE_PREFIX = (
    "size(self.matches) == 1 && has(self.matches[0].path) && self.matches[0].path.type == 'PathPrefix'"
)


def _prefix_rule(filters: str, kind: str) -> str:
    """A filter that replaces the matched prefix wants exactly one match, and that a prefix."""
    replaces = (
        f"has(f.{kind}) && has(f.{kind}.path) && f.{kind}.path.type == 'ReplacePrefixMatch'"
        f" && has(f.{kind}.path.replacePrefixMatch)"
    )
    return f"has({filters}) && {filters}.exists_one(f, {replaces})"


def _prefix_rules(kind: str, name: str) -> list[tuple[str, str]]:
    wants = (
        f"when using {name} filter with path.replacePrefixMatch, exactly one PathPrefix match must be "
        "specified"
    )
    inside = f"has(self.backendRefs) && self.backendRefs.exists_one(b, {_prefix_rule('b.filters', kind)})"
    return [
        (f"!({_prefix_rule('self.filters', kind)}) || ({_ONE_PREFIX})", f"W{wants[1:]}"),
        (f"!({inside}) || ({_ONE_PREFIX})", f"Within backendRefs, {wants}"),
    ]


_RULE = ruled(
    record(
        matches=_MATCHES,
        filters=rule_filters(),
        backendRefs=_BACKENDS,
        timeouts=_TIMEOUTS,
    ),
    (
        "!has(self.backendRefs) || size(self.backendRefs) == 0 || !has(self.filters)"
        " || self.filters.all(f, !has(f.requestRedirect))",
        "RequestRedirect filter must not be used together with backendRefs",
    ),
    *_prefix_rules("requestRedirect", "RequestRedirect"),
    *_prefix_rules("urlRewrite", "URLRewrite"),
)

_COUNTED = " + ".join(f"(size(self) > {each} ? size(self[{each}].matches) : 0)" for each in range(16))

HTTP_ROUTE = record(
    parentRefs=PARENTS,
    hostnames=array(HOST_NAME, most=16),
    rules=ruled(
        defaulted(
            array(_RULE, most=16),
            [{"matches": [{"path": {"type": "PathPrefix", "value": "/"}}]}],
        ),
        (
            f"{_COUNTED} <= 128",
            "While 16 rules and 64 matches per rule are allowed, the total number of matches across all "
            "rules in a route must be less than 128",
        ),
    ),
)

ROUTE_STATUS = record(
    ["parents"],
    parents=array(
        record(
            ["controllerName", "parentRef"],
            parentRef=_PARENT,
            controllerName=text(least=1, most=253, pattern=PATH_NAME),
            conditions=conditions(8) | {"minItems": 1},
        ),
        most=32,
    ),
)
