"""What is wrong with a field, in the words of the API server.

Source: Kubernetes apimachinery, util/validation/field/errors.go.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from provision.sandbox.http import Json

REQUIRED = "FieldValueRequired"
INVALID = "FieldValueInvalid"
TYPE_INVALID = "FieldValueTypeInvalid"
NOT_SUPPORTED = "FieldValueNotSupported"
DUPLICATE = "FieldValueDuplicate"
FORBIDDEN = "FieldValueForbidden"
TOO_LONG = "FieldValueTooLong"
TOO_MANY = "FieldValueTooMany"


@dataclass(frozen=True, slots=True)
class Cause:
    """One thing wrong with an object: an entry of a Status's `details.causes`."""

    field: str
    """`spec.listeners[0].port`."""
    reason: str
    """`FieldValueRequired`, `FieldValueInvalid`, …"""
    message: str
    """`Required value`, `Invalid value: 0: must be …`; without the field."""

    def __str__(self) -> str:
        return f"{self.field}: {self.message}"

    def as_json(self) -> Json:
        """As it stands in `details.causes`."""
        return {"reason": self.reason, "message": self.message, "field": self.field}


def required(field: str, detail: str = "") -> Cause:
    """A missing value."""
    return Cause(field, REQUIRED, _with("Required value", detail))


def invalid(field: str, value: object, detail: str = "") -> Cause:
    """A value that is not allowed."""
    return Cause(field, INVALID, _with(f"Invalid value: {shown(value)}", detail))


def wrong_type(field: str, value: object, wanted: str) -> Cause:
    """A value of another type; `wanted` is `integer`, `object`, …"""
    found = _type_name(value)
    detail = f'{field} in body must be of type {wanted}: "{found}"'
    return Cause(field, TYPE_INVALID, f'Invalid value: "{found}": {detail}')


def unsupported(field: str, value: object, supported: Iterable[object]) -> Cause:
    """A value outside an enumeration."""
    listed = ", ".join(shown(each) for each in supported)
    return Cause(field, NOT_SUPPORTED, f"Unsupported value: {shown(value)}: supported values: {listed}")


def duplicate(field: str, value: object) -> Cause:
    """A second occurrence."""
    return Cause(field, DUPLICATE, f"Duplicate value: {shown(value)}")


def forbidden(field: str, detail: str) -> Cause:
    """A value that may not be set here."""
    return Cause(field, FORBIDDEN, _with("Forbidden", detail))


def too_long(field: str, most: int) -> Cause:
    """A text that is too long; it is not repeated."""
    return Cause(field, TOO_LONG, f"Too long: may not be more than {most} bytes")


def too_many(field: str, found: int, most: int) -> Cause:
    """A list or map with too many entries."""
    return Cause(field, TOO_MANY, f"Too many: {found}: must have at most {most} items")


def shown(value: object) -> str:
    """The value as messages print it: text quoted, the rest as JSON."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _with(message: str, detail: str) -> str:
    return f"{message}: {detail}" if detail else message


def _type_name(value: object) -> str:
    if value is None:
        return "null"
    names = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array"}
    return names.get(type(value), "object")
