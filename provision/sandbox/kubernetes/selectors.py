"""Label and field selectors."""

from __future__ import annotations

import re
from collections.abc import Callable

from provision.sandbox.http import Json
from provision.sandbox.kubernetes.refusals import bad_request

Selector = Callable[[Json], bool]

_SET = re.compile(r"(?P<key>\S+)\s+(?P<operator>in|notin)\s*\((?P<values>[^)]*)\)")
_TERM = re.compile(r",(?![^(]*\))")  # a comma outside parentheses
_KEY = re.compile(r"([a-z0-9A-Z][-a-z0-9A-Z_.]*/)?[a-zA-Z0-9]([-a-zA-Z0-9_.]*[a-zA-Z0-9])?")


def labels(text: str) -> Selector:
    """`a=b,c!=d,e,!f,g in (h,i),j notin (k)`: whether an object's labels match all of it."""
    terms = [_label_term(term.strip()) for term in _TERM.split(text) if term.strip()]
    return lambda body: all(term((body.get("metadata") or {}).get("labels") or {}) for term in terms)


def fields(text: str) -> Selector:
    """`metadata.name=x,status.phase!=y`: whether an object's fields match all of it; absent is empty."""
    terms = [_field_term(term.strip()) for term in text.split(",") if term.strip()]
    return lambda body: all(term(body) for term in terms)


def _label_term(term: str) -> Selector:
    if found := _SET.fullmatch(term):
        key = _checked(found["key"])
        values = {value.strip() for value in found["values"].split(",")}
        if found["operator"] == "in":
            return lambda have: have.get(key) in values
        return lambda have: have.get(key) not in values
    for operator in ("!=", "==", "="):
        if operator in term:
            key, _, value = (part.strip() for part in term.partition(operator))
            _checked(key)
            if operator == "!=":
                return lambda have: have.get(key) != value
            return lambda have: have.get(key) == value
    if term.startswith("!"):
        key = _checked(term[1:].strip())
        return lambda have: key not in have
    key = _checked(term)
    return lambda have: key in have


def _checked(key: str) -> str:
    if not _KEY.fullmatch(key):
        raise bad_request(f"unable to parse requirement: found '{key}', expected: identifier")
    return key


def _field_term(term: str) -> Selector:
    for operator in ("!=", "==", "="):
        if operator in term:
            path, _, value = term.partition(operator)
            wanted = operator != "!="
            return lambda body: (_at(body, path) == value) is wanted
    raise bad_request(f"invalid selector: '{term}'; can't understand '{term}'")


def _at(body: Json, path: str) -> str:
    found: object = body
    for step in path.strip().split("."):
        found = found.get(step) if isinstance(found, dict) else None
    if isinstance(found, bool):
        return str(found).lower()
    return "" if found is None else str(found)
