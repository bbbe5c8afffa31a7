"""kubectl's JSONPath templates, the common part: fields, indexes, `[*]`, `{range}`, text.

Source: Kubernetes documentation, "JSONPath Support" (1.32). Filters `[?(…)]` are left out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from provision.sandbox.kubectl.errors import KubectlError

_BLOCK = re.compile(r"\{((?:\"(?:[^\"\\]|\\.)*\"|'[^']*'|[^}\"'])*)\}")
_STEP = re.compile(r"\.?\[(?:'([^']*)'|\"([^\"]*)\"|(\*)|(-?\d+))\]|\.(\*)|\.((?:[^.\[\\]|\\.)+)")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}


def evaluate(template: str, document: Any) -> str:
    """The template's text with every block replaced; raises `KubectlError` for one that is not understood."""
    if "{" not in template:
        template = "{" + (template if template[:1] in ".[$" else f".{template}") + "}"
    pieces = list(_pieces(template))
    text, rest = _run(pieces, document)
    if rest:
        raise _bad(template, "not in range, nothing to end")
    return text


def _pieces(template: str) -> Iterator[tuple[str, str]]:
    end = 0
    for match in _BLOCK.finditer(template):
        if match.start() > end:
            yield "text", template[end : match.start()]
        block = match[1].strip()
        if block[:1] in ("'", '"'):
            yield "text", re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[1]), block[1:-1])
        elif block == "end":
            yield "end", ""
        elif block.startswith("range"):
            yield "range", block.removeprefix("range").strip()
        else:
            yield "path", block
        end = match.end()
    if template[end:]:
        yield "text", template[end:]


def _run(pieces: list[tuple[str, str]], document: Any) -> tuple[str, list[tuple[str, str]]]:
    """The text up to the matching `{end}`, and what follows it."""
    text = ""
    while pieces:
        (kind, content), *pieces = pieces
        if kind == "end":
            return text, [("end", ""), *pieces]
        if kind == "text":
            text += content
        elif kind == "path":
            text += " ".join(_shown(value) for value in _values(content, document))
        else:
            inner, pieces = _loop(content, pieces, document)
            text += inner
    return text, []


def _loop(path: str, pieces: list[tuple[str, str]], document: Any) -> tuple[str, list[tuple[str, str]]]:
    rest = _run(pieces, None)[1]
    if not rest:
        raise _bad(path, "unterminated range")
    return "".join(_run(pieces, value)[0] for value in _values(path, document)), rest[1:]


def _values(path: str, document: Any) -> list[Any]:
    at = 1 if path[:1] in ("$", "@") else 0
    found = [document]
    while at < len(path):
        step = _STEP.match(path, at)
        if step is None:
            raise _bad(path, f"unrecognized {path[at:]!r}")
        found = [value for each in found for value in _stepped(each, step)]
        at = step.end()
    return found


def _stepped(value: Any, step: re.Match[str]) -> list[Any]:
    if step[3] or step[5]:
        return list(value.values()) if isinstance(value, dict) else list(value or ())
    if step[4] is not None:
        index = int(step[4])
        inside = isinstance(value, list) and -len(value) <= index < len(value)
        return [value[index]] if inside else []
    quoted_name = step[1] if step[1] is not None else step[2]
    name = quoted_name if quoted_name is not None else re.sub(r"\\(.)", r"\1", step[6])
    return [value[name]] if isinstance(value, dict) and name in value else []


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, sort_keys=True)


def _bad(path: str, why: str) -> KubectlError:
    return KubectlError(f"error: error parsing jsonpath {path}, {why}")
