"""OpenAPI version 2 as protobuf: the messages of gnostic's `openapi.v2` package, which old kubectl reads.

Field numbers from `openapiv2/OpenAPIv2.proto` of github.com/google/gnostic (2020). Only what the sandbox's
documents contain is encoded.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterable, Mapping
from typing import Any

_Schema = Mapping[str, Any]

_TEXTS = {"$ref": 1, "format": 2, "title": 3, "description": 4, "pattern": 13}
_NUMBERS = {"multipleOf": 6, "maximum": 7, "minimum": 9}
_WHOLE = {
    "maxLength": 11,
    "minLength": 12,
    "maxItems": 14,
    "minItems": 15,
    "maxProperties": 17,
    "minProperties": 18,
}
_FLAGS = {"exclusiveMaximum": 8, "exclusiveMinimum": 10, "uniqueItems": 16, "readOnly": 27}
_VERBS = {"get": 2, "put": 3, "post": 4, "delete": 5, "options": 6, "head": 7, "patch": 8}


def encoded(document: _Schema) -> bytes:
    """The Document message."""
    info = _text(1, document["info"]["title"]) + _text(2, document["info"]["version"])
    paths = _named(2, document["paths"], _path)
    definitions = _named(1, document["definitions"], _schema)
    return b"".join(
        (
            _text(1, document["swagger"]),
            _bytes(2, info),
            _bytes(8, paths),
            _bytes(9, definitions),
        )
    )


def _schema(schema: _Schema) -> bytes:
    parts = [_text(field, schema[key]) for key, field in _TEXTS.items() if key in schema]
    if "default" in schema:
        parts.append(_bytes(5, _any(schema["default"])))
    parts += [_double(field, schema[key]) for key, field in _NUMBERS.items() if key in schema]
    parts += [_number(field, schema[key]) for key, field in _WHOLE.items() if key in schema]
    parts += [_number(field, int(schema[key])) for key, field in _FLAGS.items() if key in schema]
    parts += [_text(19, name) for name in schema.get("required") or ()]
    parts += [_bytes(20, _any(value)) for value in schema.get("enum") or ()]
    more = schema.get("additionalProperties")
    if isinstance(more, bool):
        parts.append(_bytes(21, _number(2, int(more))))
    elif more is not None:
        parts.append(_bytes(21, _bytes(1, _schema(more))))
    if "type" in schema:
        parts.append(_bytes(22, _text(1, schema["type"])))
    if "items" in schema:
        parts.append(_bytes(23, _bytes(1, _schema(schema["items"]))))
    parts += [_bytes(24, _schema(each)) for each in schema.get("allOf") or ()]
    if "properties" in schema:
        parts.append(_bytes(25, _named(1, schema["properties"], _schema)))
    return b"".join(parts) + _extensions(31, schema)


def _path(path: _Schema) -> bytes:
    return b"".join(_bytes(field, _operation(path[verb])) for verb, field in _VERBS.items() if verb in path)


def _operation(operation: _Schema) -> bytes:
    parameters = b"".join(_bytes(8, _bytes(1, _parameter(each))) for each in operation["parameters"])
    responses = _bytes(9, _named(1, operation["responses"], _response))
    return _text(5, operation["operationId"]) + parameters + responses + _extensions(13, operation)


def _parameter(parameter: _Schema) -> bytes:
    """A Parameter that is a query parameter."""
    query = _text(2, "query") + _text(4, parameter["name"]) + _text(6, parameter["type"])
    return _bytes(2, _bytes(3, query))


def _response(response: _Schema) -> bytes:
    return _bytes(1, _text(1, response["description"]))


def _extensions(field: int, of: _Schema) -> bytes:
    return _named(field, {key: value for key, value in of.items() if key.startswith("x-")}, _any)


def _any(value: object) -> bytes:
    return _text(2, json.dumps(value))  # JSON is YAML


def _named(field: int, values: Mapping[str, Any], encode: Callable[[Any], bytes]) -> bytes:
    return _joined(_bytes(field, _text(1, name) + _bytes(2, encode(value))) for name, value in values.items())


def _joined(parts: Iterable[bytes]) -> bytes:
    return b"".join(parts)


def _text(field: int, text: str) -> bytes:
    return _bytes(field, text.encode())


def _bytes(field: int, content: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(content)) + content


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value & (1 << 64) - 1)


def _double(field: int, value: float) -> bytes:
    return _varint(field << 3 | 1) + struct.pack("<d", value)


def _varint(value: int) -> bytes:
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)
