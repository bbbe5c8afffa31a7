"""The filters of an HTTPRoute. Source: the Gateway API's standard channel, v1.2.0."""

from __future__ import annotations

from provision.sandbox.http import Json
from provision.sandbox.kubernetes.crd_documents import (
    GROUP_NAME,
    KIND_NAME,
    NAMESPACE_NAME,
    OBJECT_NAME,
    PORT,
    PRECISE_HOST_NAME,
)
from provision.sandbox.kubernetes.shapes import array, defaulted, record, ruled, text

HEADER_NAME = text(least=1, most=256, pattern=r"^[A-Za-z0-9!#$%&'*+\-.^_\x60|~]+$")

_HEADERS = array(
    record(["name", "value"], name=HEADER_NAME, value=text(least=1, most=4096)), keys=["name"], most=16
)

_HEADER_MODIFIER = record(set=_HEADERS, add=_HEADERS, remove=array(text(), unique=True, most=16))


def service_reference(**more: Json) -> Json:
    """A reference to a backend; a Service wants a port."""
    return ruled(
        record(
            ["name"],
            group=defaulted(GROUP_NAME, ""),
            kind=defaulted(KIND_NAME, "Service"),
            name=OBJECT_NAME,
            namespace=NAMESPACE_NAME,
            port=PORT,
            **more,
        ),
        (
            "size(self.group) > 0 || self.kind != 'Service' || has(self.port)",
            "Must have port for Service reference",
        ),
    )


def _replacement_rules(field: str, kind: str) -> list[tuple[str, str]]:
    return [
        (
            f"self.type != '{kind}' || has(self.{field})",
            f"{field} must be specified when type is set to '{kind}'",
        ),
        (f"!has(self.{field}) || self.type == '{kind}'", f"type must be '{kind}' when {field} is set"),
    ]


_PATH_REPLACEMENT = ruled(
    record(
        ["type"],
        type=text(values=["ReplaceFullPath", "ReplacePrefixMatch"]),
        replaceFullPath=text(most=1024),
        replacePrefixMatch=text(most=1024),
    ),
    *_replacement_rules("replaceFullPath", "ReplaceFullPath"),
    *_replacement_rules("replacePrefixMatch", "ReplacePrefixMatch"),
)

_REDIRECT = record(
    scheme=text(values=["http", "https"]),
    hostname=PRECISE_HOST_NAME,
    path=_PATH_REPLACEMENT,
    port=PORT,
    statusCode={"type": "integer", "enum": [301, 302], "default": 302},
)

_KINDS: dict[str, tuple[str, Json]] = {
    "RequestHeaderModifier": ("requestHeaderModifier", _HEADER_MODIFIER),
    "ResponseHeaderModifier": ("responseHeaderModifier", _HEADER_MODIFIER),
    "RequestMirror": ("requestMirror", record(["backendRef"], backendRef=service_reference())),
    "RequestRedirect": ("requestRedirect", _REDIRECT),
    "URLRewrite": ("urlRewrite", record(hostname=PRECISE_HOST_NAME, path=_PATH_REPLACEMENT)),
    "ExtensionRef": (
        "extensionRef",
        record(["group", "kind", "name"], group=GROUP_NAME, kind=KIND_NAME, name=OBJECT_NAME),
    ),
}


def _filter_rules(kind: str, field: str) -> list[tuple[str, str]]:
    return [
        (
            f"self.type == '{kind}' || !has(self.{field})",
            f"filter.{field} must be nil if the filter.type is not {kind}",
        ),
        (
            f"self.type != '{kind}' || has(self.{field})",
            f"filter.{field} must be specified for {kind} filter.type",
        ),
    ]


_FILTER = ruled(
    record(["type"], type=text(values=list(_KINDS)), **dict(_KINDS.values())),
    *(rule for kind, (field, _) in _KINDS.items() for rule in _filter_rules(kind, field)),
)

_ONCE = ("RequestHeaderModifier", "ResponseHeaderModifier", "RequestRedirect", "URLRewrite")


def rule_filters() -> Json:
    """The filters of a rule or of a backend of a rule."""
    return ruled(
        array(_FILTER, most=16),
        (
            "!(self.exists(f, f.type == 'RequestRedirect') && self.exists(f, f.type == 'URLRewrite'))",
            "May specify either httpRouteFilterRequestRedirect or httpRouteFilterRequestRewrite, "
            "but not both",
        ),
        *(
            (f"size(self.filter(f, f.type == '{kind}')) <= 1", f"{kind} filter cannot be repeated")
            for kind in _ONCE
        ),
    )
