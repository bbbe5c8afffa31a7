"""Names, labels and annotations: what Kubernetes accepts, and its words when it does not.

Source: Kubernetes apimachinery, util/validation and api/validation.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from provision.sandbox.http import Json
from provision.sandbox.kubernetes import causes
from provision.sandbox.kubernetes.causes import Cause
from provision.sandbox.kubernetes.objects import Kind

_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = rf"{_LABEL}(\.{_LABEL})*"
_SERVICE = r"[a-z]([-a-z0-9]*[a-z0-9])?"
_QUALIFIED = r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_VALUE = rf"({_QUALIFIED})?"

_SUBDOMAIN_MESSAGE = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must "
    "start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    f"'{_SUBDOMAIN}')"
)
_LABEL_MESSAGE = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start "
    "and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
    f"'{_LABEL}')"
)
_SERVICE_MESSAGE = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic "
    "character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for "
    f"validation is '{_SERVICE}')"
)
_QUALIFIED_MESSAGE = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "
    "alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
    f"'{_QUALIFIED}')"
)
_VALUE_MESSAGE = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must "
    "start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex "
    f"used for validation is '{_VALUE}')"
)

_ANNOTATIONS_LIMIT = 256 * 1024
"""Bytes of all keys and values together."""


def subdomain_problems(value: str) -> list[str]:
    """What is wrong with a DNS-1123 subdomain."""
    return _problems(value, _SUBDOMAIN, 253, _SUBDOMAIN_MESSAGE)


def label_problems(value: str) -> list[str]:
    """What is wrong with a DNS-1123 label."""
    return _problems(value, _LABEL, 63, _LABEL_MESSAGE)


def check(kind: Kind, body: Json) -> list[Cause]:
    """What is wrong with an object's metadata."""
    metadata = body.get("metadata") or {}
    return [
        *_check_name(kind, metadata),
        *_check_labels(metadata.get("labels") or {}),
        *_check_annotations(metadata.get("annotations") or {}),
    ]


def _check_name(kind: Kind, metadata: Mapping[str, Any]) -> Iterator[Cause]:
    name = metadata.get("name")
    if not name:
        yield causes.required("metadata.name", "name or generateName is required")
        return
    if kind.group == "rbac.authorization.k8s.io":
        return  # roles may be called anything that fits into a path
    if (kind.group, kind.kind) == ("", "Service"):
        problems = _problems(name, _SERVICE, 63, _SERVICE_MESSAGE)
    elif (kind.group, kind.kind) == ("", "Namespace"):
        problems = label_problems(name)
    else:
        problems = subdomain_problems(name)
    for problem in problems:
        yield causes.invalid("metadata.name", name, problem)


def _check_labels(labels: Mapping[str, Any]) -> Iterator[Cause]:
    for key, value in labels.items():
        yield from _check_key("metadata.labels", key)
        if isinstance(value, str):
            for problem in _problems(value, _VALUE, 63, _VALUE_MESSAGE):
                yield causes.invalid("metadata.labels", value, problem)


def _check_annotations(annotations: Mapping[str, Any]) -> Iterator[Cause]:
    for key in annotations:
        yield from _check_key("metadata.annotations", key)
    size = sum(len(f"{key}{value}".encode()) for key, value in annotations.items())
    if size > _ANNOTATIONS_LIMIT:
        yield causes.too_long("metadata.annotations", _ANNOTATIONS_LIMIT)


def _check_key(field: str, key: str) -> Iterator[Cause]:
    prefix, slash, name = key.rpartition("/")
    if slash:
        problems = subdomain_problems(prefix) if prefix else ["must be non-empty"]
        for problem in problems:
            yield causes.invalid(field, key, f"prefix part {problem}")
    if not name:
        yield causes.invalid(field, key, "name part must be non-empty")
    for problem in _problems(name, _QUALIFIED, 63, _QUALIFIED_MESSAGE):
        limit = problem.startswith("must be no more")
        yield causes.invalid(field, key, f"name part {problem}" if limit else problem)


def _problems(value: str, pattern: str, most: int, message: str) -> list[str]:
    found = [] if len(value) <= most else [f"must be no more than {most} characters"]
    return found if re.fullmatch(pattern, value) else [*found, message]
