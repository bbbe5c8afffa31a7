"""HTTPRoutes: which rule a request falls under, and what it is answered.

Source: Gateway API v1.3, HTTPRoute; what it leaves open is as Envoy has it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import parse_qs

from provision.sandbox.azure import Json
from provision.sandbox.edge.exchange import Response, Visit

_WELL_KNOWN = {"http": 80, "https": 443}
_EVERYTHING: Json = {"path": {"type": "PathPrefix", "value": "/"}}


@dataclass(frozen=True, slots=True)
class Chosen:
    """The rule for a request, and the match of it that holds."""

    route: Json
    rule: Json
    match: Json


def choose(routes: Iterable[Json], visit: Visit) -> Chosen | None:
    """The rule that takes precedence: exact path, longest prefix, method, headers, query, oldest route."""
    found = [
        Chosen(route, rule, match)
        for route in sorted(routes, key=_seniority)
        for rule in route["spec"].get("rules") or [{}]
        for match in rule.get("matches") or [_EVERYTHING]
        if _holds(match, visit)
    ]
    return max(found, key=lambda chosen: _precedence(chosen.match), default=None)  # the first of equals


def redirect(chosen: Chosen, visit: Visit) -> Response | None:
    """The answer of a RequestRedirect filter, if the rule has one."""
    for each in _filters(chosen, "requestRedirect"):
        scheme = each.get("scheme") or visit.scheme
        port = each.get("port") or (_WELL_KNOWN[scheme] if each.get("scheme") else visit.port)
        host = each.get("hostname") or visit.host
        if port != _WELL_KNOWN[scheme]:
            host = f"{host}:{port}"
        path = _replaced(each.get("path"), chosen.match, visit.path)
        query = f"?{visit.query}" if visit.query else ""
        return Response(each.get("statusCode", 302), headers={"Location": f"{scheme}://{host}{path}{query}"})
    return None


def with_headers(chosen: Chosen, response: Response) -> Response:
    """The answer after the rule's ResponseHeaderModifier filters."""
    headers = {name.lower(): value for name, value in response.headers.items()}
    for each in _filters(chosen, "responseHeaderModifier"):
        headers |= {header["name"].lower(): header["value"] for header in each.get("set") or ()}
        for header in each.get("add") or ():
            name = header["name"].lower()
            headers[name] = f"{headers[name]},{header['value']}" if name in headers else header["value"]
        for name in each.get("remove") or ():
            headers.pop(name.lower(), None)
    return Response(response.status, response.text, headers)


def _filters(chosen: Chosen, field: str) -> list[Json]:
    return [each[field] for each in chosen.rule.get("filters") or () if field in each]


def _seniority(route: Json) -> tuple[str, str, str]:
    metadata = route["metadata"]
    return metadata.get("creationTimestamp", ""), metadata["namespace"], metadata["name"]


def _path_of(match: Json) -> tuple[str, str]:
    """Type and value, with their defaults."""
    path = match.get("path") or {}
    return path.get("type", "PathPrefix"), path.get("value", "/")


def _precedence(match: Json) -> tuple[bool, int, bool, int, int]:
    kind, value = _path_of(match)
    headers, parameters = (len(match.get(field) or ()) for field in ("headers", "queryParams"))
    return kind == "Exact", len(value.rstrip("/")), "method" in match, headers, parameters


def _holds(match: Json, visit: Visit) -> bool:
    kind, value = _path_of(match)
    parameters = {name: values[0] for name, values in parse_qs(visit.query, keep_blank_values=True).items()}
    headers = {each["name"].lower(): each for each in match.get("headers") or ()}
    wanted = {each["name"]: each for each in match.get("queryParams") or ()}
    return (
        _path_holds(kind, value, visit.path)
        and match.get("method", visit.method) == visit.method
        and all(_value_holds(each, visit.headers.get(name)) for name, each in headers.items())
        and all(_value_holds(each, parameters.get(name)) for name, each in wanted.items())
    )


def _path_holds(kind: str, value: str, path: str) -> bool:
    if kind == "Exact":
        return path == value
    if kind == "RegularExpression":
        return _fits(value, path)
    return under(value, path)


def under(prefix: str, path: str) -> bool:
    """Whether a path is the prefix or below it, by whole segments: `/shop` does not hold `/shopping`."""
    prefix = prefix.rstrip("/")
    return path == prefix or path.startswith(f"{prefix}/")


def _value_holds(wanted: Json, value: str | None) -> bool:
    if value is None:
        return False
    if wanted.get("type") == "RegularExpression":
        return _fits(wanted["value"], value)
    return bool(value == wanted["value"])


def _fits(expression: str, text: str) -> bool:
    try:
        return re.fullmatch(expression, text) is not None
    except re.error:
        return False


def _replaced(modifier: Json | None, match: Json, path: str) -> str:
    if modifier is None:
        return path
    if modifier["type"] == "ReplaceFullPath":
        return str(modifier["replaceFullPath"])
    prefix = _path_of(match)[1].rstrip("/")
    new = str(modifier.get("replacePrefixMatch") or "").rstrip("/")
    return new + path[len(prefix) :] or "/"
