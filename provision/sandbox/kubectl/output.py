"""Objects as kubectl prints them: `-o json|yaml|name|jsonpath=…`, or the server's table."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

import yaml

from provision.sandbox.http import Json
from provision.sandbox.kubectl import jsonpath
from provision.sandbox.kubectl.errors import KubectlError

_GAP = 3
_AMBIGUOUS = re.compile(r"[\w.+:-]*")
"""Text that YAML may read as a number, a boolean, a date or nothing; anything else PyYAML quotes itself."""


def listed(items: Sequence[Json]) -> Json:
    """Several objects as the one that kubectl prints."""
    return {"apiVersion": "v1", "items": list(items), "kind": "List", "metadata": {"resourceVersion": ""}}


def name_of(document: Json) -> str:
    """`gateway.gateway.networking.k8s.io/edge`."""
    group = document["apiVersion"].rpartition("/")[0]
    label = ".".join(part for part in (document["kind"].lower(), group) if part)
    return f"{label}/{document['metadata']['name']}"


def check(form: str) -> None:
    """Refuse a form of output that is not here, before anything is done."""
    if form not in ("", "json", "yaml", "name", "wide") and not form.startswith("jsonpath="):
        raise KubectlError(f"error: output format {form!r} is not in the sandbox")


def rendered(document: Json, form: str, *, managed_fields: bool = False) -> str:
    """One object, or a list made by `listed`."""
    if not managed_fields:
        document = _without_managed_fields(document)
    if form == "json":
        text = json.dumps(document, indent=4, sort_keys=True, ensure_ascii=False)
        # Go's encoder escapes what HTML would read; none of them occurs outside of strings
        for character in "<>&":
            text = text.replace(character, f"\\u{ord(character):04x}")
        return text + "\n"
    if form == "yaml":
        return yaml.dump(document, Dumper=_Dumper, sort_keys=True, allow_unicode=True, width=10**9)
    if form == "name":
        members = document["items"] if document["kind"] == "List" else [document]
        return "".join(f"{name_of(each)}\n" for each in members)
    return jsonpath.evaluate(form.removeprefix("jsonpath="), document)


def table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as their widest cell and three blanks; the last one is not padded."""
    lines = [list(headers), *(list(row) for row in rows)] if headers else [list(row) for row in rows]
    if not lines:
        return ""
    widths = [max(len(line[index]) for line in lines) + _GAP for index in range(len(lines[0]) - 1)]
    return "".join(
        "".join(cell.ljust(width) for cell, width in zip(line, widths, strict=False)) + line[-1] + "\n"
        for line in lines
    )


def _without_managed_fields(document: Json) -> Json:
    found = dict(document)
    if "managedFields" in (found.get("metadata") or {}):
        found["metadata"] = {key: value for key, value in found["metadata"].items() if key != "managedFields"}
    if isinstance(found.get("items"), list):
        found["items"] = [_without_managed_fields(each) for each in found["items"]]
    return found


class _Dumper(yaml.SafeDumper):
    """Go's style: block text for lines, double quotes where plain text would be read as something else."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    if "\n" in value:
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|")
    plain = not _AMBIGUOUS.fullmatch(value) or isinstance(yaml.safe_load(value), str)
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=None if plain else '"')


_Dumper.add_representer(str, _text)
