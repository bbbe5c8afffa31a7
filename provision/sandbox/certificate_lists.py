"""Lists of the data plane, page by page."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from urllib.parse import quote

from provision.sandbox.azure import Answer, Json
from provision.sandbox.certificate_policy import bad_parameter
from provision.sandbox.vault_access import Call

LARGEST_PAGE = 25
"""Entries a page at most, and unless `maxresults` says less (Key Vault REST reference 7.6)."""


def page(call: Call, entries: Iterable[Json]) -> Answer:
    """`{value, nextLink}` of the page that `$skiptoken` asks for; nextLink is null on the last one."""
    rest = list(entries)
    start, size = _start(call), _size(call)
    body: Json = {"value": rest[start : start + size], "nextLink": None}
    if start + size < len(rest):
        token = base64.urlsafe_b64encode(f"{start + size}".encode()).decode()
        link = f"{call.base}{call.request.path}?api-version={call.api_version}&$skiptoken={quote(token)}"
        for name in ("maxresults", "includepending"):
            if name in call.request.query:
                link += f"&{name}={call.request.query[name]}"
        body["nextLink"] = link
    return Answer(200, body)


def _start(call: Call) -> int:
    token = call.request.query.get("$skiptoken")
    if token is None:
        return 0
    try:
        return int(base64.urlsafe_b64decode(token))
    except ValueError as error:
        raise bad_parameter("The value specified for $skiptoken is invalid.") from error


def _size(call: Call) -> int:
    text = call.request.query.get("maxresults", str(LARGEST_PAGE))
    if not text.isdecimal() or not 1 <= int(text) <= LARGEST_PAGE:
        raise bad_parameter(f"Property maxresults has invalid value: {text}. It must be from 1 to 25.")
    return int(text)
