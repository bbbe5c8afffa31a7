"""Single values: YAML's text and kind → str, int or bool by the model's rules, or why not."""

from __future__ import annotations

import difflib
import re

from provision.profile.nodes import List, Map, Node, Scalar
from provision.profile.shape import Boolean, Choice, Field, Integer, Shape

_KIND_WORDS = {"integer": "a number", "number": "a number", "boolean": "true or false", "date": "a date"}


class RefusedError(Exception):
    """The value is not what is wanted: what is wrong, and what to write instead."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.message = message
        self.hint = hint


def read_scalar(scalar: Scalar, shape: Shape, rules: Field | None) -> str | int | bool:
    """The value of a scalar where `shape` is wanted. Raises RefusedError."""
    match shape:
        case Integer():
            return _integer(scalar, rules)
        case Boolean():
            return _boolean(scalar)
        case Choice():
            return _choice(scalar, shape)
    return _text(scalar, rules)


def _text(scalar: Scalar, rules: Field | None) -> str:
    pattern = rules.pattern if rules else None
    matches = pattern is None or re.fullmatch(pattern.regex, scalar.text) is not None
    is_day = scalar.kind == "date" and pattern is not None
    if pattern is not None and pattern.secret and not matches:
        raise RefusedError("is no reference to a secret", f"Write {pattern.instead}.")
    if scalar.kind != "text" and not is_day:
        message = f"must be text, but YAML reads `{scalar.text}` as {_KIND_WORDS[scalar.kind]}"
        raise RefusedError(message, f'Put it in quotes: "{scalar.text}".')
    instead = f"Write {pattern.instead}." if pattern else ""
    if not scalar.text.strip():
        raise RefusedError(f"is empty: {_shown(scalar)}" if scalar.written else "is empty", instead)
    if not matches:
        raise RefusedError(f"can't be {_shown(scalar)}", instead)
    return scalar.text


def _integer(scalar: Scalar, rules: Field | None) -> int:
    number = _number(scalar)
    low, high = (rules.minimum, rules.maximum) if rules else (None, None)
    if (low is not None and number < low) or (high is not None and number > high):
        limits = f"from {low} to {high}" if high is not None else f"of at least {low}"
        raise RefusedError(f"can't be {_shown(scalar)}", f"Write a number {limits}.")
    return number


def _number(scalar: Scalar) -> int:
    is_decimal = re.fullmatch(r"[-+]?(?:0|[1-9][0-9]{0,17})", scalar.text) is not None
    if is_decimal and (scalar.kind == "integer" or scalar.written):
        return int(scalar.text)
    hint = ""
    if is_decimal:
        hint = f"Write it without quotes: {scalar.text}."
    elif scalar.kind == "integer":
        hint = "Write it with decimal digits only, without leading zeros."
    raise RefusedError(f"must be a whole number, not {described(scalar)}", hint)


def _boolean(scalar: Scalar) -> bool:
    word = scalar.text.lower()
    if word in ("true", "false") and (scalar.kind == "boolean" or scalar.written):
        return word == "true"
    hint = "Write true or false" + (", without quotes." if word in ("true", "false") else ".")
    raise RefusedError(f"must be true or false, not {described(scalar)}", hint)


def _choice(scalar: Scalar, shape: Choice) -> str | int:
    value = _number(scalar) if isinstance(shape.values[0], int) else scalar.text
    if value in shape.values:
        return value
    choices = [str(each) for each in shape.values]
    near = difflib.get_close_matches(scalar.text, choices, 1)
    hint = f"Write one of {', '.join(choices)}." if len(choices) > 1 else f"Write {choices[0]}."
    also = f" Did you mean `{near[0]}`?" if near and len(choices) > 1 and not scalar.written else ""
    raise RefusedError(f"can't be {_shown(scalar)}", hint + also)


def wanted(shape: Shape) -> str:
    """A single value's shape in words."""
    match shape:
        case Integer():
            return "a whole number"
        case Boolean():
            return "true or false"
        case Choice():
            return "one of " + ", ".join(map(str, shape.values))
    return "text"


def described(node: Node) -> str:
    """What stands in the file, in words."""
    match node:
        case Map():
            return "a mapping"
        case List():
            return "a list"
    if node.written:
        return _shown(node)
    return f"the text `{node.text}`" if node.kind == "text" else f"`{node.text}`"


def _shown(scalar: Scalar) -> str:
    """The value as written in the file: what a variable held may be a secret put there by mistake."""
    return f"the value of `{scalar.written}`" if scalar.written else f"`{scalar.text}`"
