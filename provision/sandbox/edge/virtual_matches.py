"""Conditions of a VirtualService's routes.

Source: istio/api, networking/v1alpha3/virtual_service.proto (2026). Unlike the Gateway API's, a prefix of
Istio is one of the text: `/shop` holds `/shopping`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import parse_qs

from provision.sandbox.azure import Json
from provision.sandbox.edge.exchange import Visit


def gateway_name(reference: str, namespace: str) -> str:
    """A reference to a Gateway as `namespace/name`, from a VirtualService of a namespace."""
    return reference if "/" in reference else f"{namespace}/{reference}"


def concerns(match: Json, port: int, gateway: str, namespace: str) -> bool:
    """Whether a condition is meant for a port of a Gateway; sidecars' conditions on labels are not."""
    named = {gateway_name(each, namespace) for each in match.get("gateways") or ()}
    return match.get("port", port) == port and (not named or gateway in named)


def holds_always(match: Json) -> bool:
    """Whether nothing but a prefix that all paths have is asked for."""
    asked = {
        name for name in match if name not in ("name", "gateways", "port", "statPrefix", "ignoreUriCase")
    }
    return not asked or (asked == {"uri"} and match["uri"].get("prefix") in ("", "/"))


def holds(match: Json, visit: Visit) -> bool:
    """Whether a condition holds for a request."""
    path = match.get("uri") or {}
    if match.get("ignoreUriCase") and "regex" not in path:
        lowered = {kind: text.lower() for kind, text in path.items()}
        fits = _fits(lowered, visit.path.lower())
    else:
        fits = _fits(path, visit.path)
    parameters = {name: each[0] for name, each in parse_qs(visit.query, keep_blank_values=True).items()}
    return (
        fits
        and _fits(match.get("scheme") or {}, visit.scheme)
        and _fits(match.get("method") or {}, visit.method)
        and _fits(match.get("authority") or {}, visit.host)
        and _all_fit(match.get("headers") or {}, visit.headers)
        and _all_fit(match.get("queryParams") or {}, parameters)
        and not any(
            _has(wanted, visit.headers, name) for name, wanted in (match.get("withoutHeaders") or {}).items()
        )
    )


def replaced(match: Json, path: str, new: str) -> str:
    """A path with `new` for the prefix that the condition names, or altogether when it names none."""
    prefix = (match.get("uri") or {}).get("prefix")
    if prefix is None:
        return new
    return new + path[len(prefix) :]


def replaced_by_pattern(rewrite: Json, path: str) -> str:
    """A path after a regular expression's substitution; `\\1` stands for a group."""
    try:
        return re.sub(rewrite.get("match", ""), rewrite.get("rewrite", ""), path)
    except re.error:
        return path


def _all_fit(wanted: Mapping[str, Json], found: Mapping[str, str]) -> bool:
    return all(_has(each, found, name) for name, each in wanted.items())


def _has(wanted: Json, found: Mapping[str, str], name: str) -> bool:
    """A value that must only be there is asked for by an empty condition."""
    value = found.get(name, found.get(name.lower()))
    return value is not None and _fits(wanted or {}, value)


def _fits(wanted: Json, value: str) -> bool:
    if "exact" in wanted:
        return bool(value == wanted["exact"])
    if "prefix" in wanted:
        return value.startswith(wanted["prefix"])
    if "regex" in wanted:
        try:
            return re.fullmatch(wanted["regex"], value) is not None
        except re.error:
            return False
    return True
