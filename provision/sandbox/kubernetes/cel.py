"""Validation rules of CRDs at work: an evaluator for the expressions that `cel_syntax` reads.

As in CEL, `&&`, `||` and the macros `all` and `exists` forgive an error on one side when the other decides.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from provision.sandbox.kubernetes.cel_syntax import (
    Call,
    Expression,
    Index,
    Listing,
    Literal,
    Macro,
    Name,
    Select,
    parse,
)

_ESCAPED = re.compile(r"__(true|false|null|in|as|break|const|continue|else|for|function|if|import|let|loop|"
                      r"package|namespace|return|var|void|while)__")  # fmt: skip
"""Words of the language stand between underscores when they name a property."""

_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001, "us": 1e-6, "ns": 1e-9}


class EvaluationError(Exception):
    """A rule that cannot be decided: `no such key: x`."""


def holds(rule: str, **variables: object) -> bool:
    """Whether the rule is true. Raises SyntaxRefused and EvaluationError."""
    return _truth(_evaluate(parse(rule), variables))


def _evaluate(expression: Expression, scope: Mapping[str, Any]) -> Any:
    match expression:
        case Literal(value):
            return value
        case Name(name):
            if name not in scope:
                raise EvaluationError(f"undeclared reference to '{name}'")
            return scope[name]
        case Select(of, name, test):
            return _select(_evaluate(of, scope), name, test=test)
        case Index(of, at):
            return _index(_evaluate(of, scope), _evaluate(at, scope))
        case Listing(items):
            return [_evaluate(item, scope) for item in items]
        case Macro():
            return _macro(expression, scope)
        case Call(name, arguments):
            return _call(name, arguments, scope)


def _select(of: Any, name: str, *, test: bool) -> Any:
    escaped = _ESCAPED.fullmatch(name)
    key = escaped[1] if escaped else name
    if not isinstance(of, dict):
        raise EvaluationError("no such overload")
    if test:
        return key in of
    if key not in of:
        raise EvaluationError(f"no such key: {key}")
    return of[key]


def _index(of: Any, at: Any) -> Any:
    if isinstance(of, list) and isinstance(at, int) and not 0 <= at < len(of):
        raise EvaluationError(f"index out of bounds: {at}")
    if isinstance(of, dict) and at not in of:
        raise EvaluationError(f"no such key: {at}")
    try:
        return of[at]
    except TypeError as error:
        raise EvaluationError("no such overload") from error


def _macro(macro: Macro, scope: Mapping[str, Any]) -> Any:
    over = _evaluate(macro.of, scope)
    if not isinstance(over, (list, dict)):
        raise EvaluationError("no such overload")

    def body(item: Any) -> Any:
        return _evaluate(macro.body, {**scope, macro.variable: item})

    if macro.name == "map":
        return [body(item) for item in over]
    if macro.name == "filter":
        return [item for item in over if _truth(body(item))]
    if macro.name == "exists_one":
        return sum(_truth(body(item)) for item in over) == 1
    return _decide([partial(body, item) for item in over], deciding=macro.name == "exists")


def _decide(parts: Sequence[Callable[[], Any]], *, deciding: bool) -> bool:
    """`||` (deciding is True) or `&&` (False) over parts: a deciding part outweighs the errors of others."""
    failed: EvaluationError | None = None
    for part in parts:
        try:
            if _truth(part()) is deciding:
                return deciding
        except EvaluationError as error:
            failed = failed or error
    if failed:
        raise failed
    return not deciding


def _call(name: str, arguments: Sequence[Expression], scope: Mapping[str, Any]) -> Any:
    if name in ("&&", "||"):
        return _decide([partial(_evaluate, each, scope) for each in arguments], deciding=name == "||")
    if name == "?:":
        condition, chosen, other = arguments
        return _evaluate(chosen if _truth(_evaluate(condition, scope)) else other, scope)
    function = _FUNCTIONS.get(name)
    if function is None:
        raise EvaluationError(f"undeclared reference to '{name}'")
    values = [_evaluate(each, scope) for each in arguments]
    try:
        return function(*values)
    except (TypeError, AttributeError, ValueError, re.error) as error:
        raise EvaluationError("no such overload") from error
    except ZeroDivisionError as error:
        raise EvaluationError("division by zero") from error


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise EvaluationError("no such overload")
    return value


def _duration(text: str) -> float:
    """Seconds of `1h30m`, `500ms`, `0s`."""
    parts = re.findall(r"(\d+(?:\.\d+)?)(ms|us|ns|h|m|s)", text)
    if "".join(number + unit for number, unit in parts) != text or not parts:
        raise EvaluationError(f"invalid duration: {text}")
    return sum(float(number) * _UNITS[unit] for number, unit in parts)


def _is_url(text: str) -> bool:
    parts = urlsplit(text)
    return bool(parts.scheme and parts.netloc) or text.startswith("/")


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "!": lambda value: not _truth(value),
    "==": lambda left, right: left == right,
    "!=": lambda left, right: left != right,
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
    "in": lambda item, of: item in of,
    "+": lambda left, right: left + right,
    "-": lambda left, right: left - right,
    "*": lambda left, right: left * right,
    "/": lambda left, right: left // right,
    "%": lambda left, right: left % right,
    "size": len,
    "matches": lambda text, pattern: re.search(pattern, text) is not None,
    "startsWith": str.startswith,
    "endsWith": str.endswith,
    "contains": lambda text, part: part in text,
    "split": str.split,
    "lowerAscii": str.lower,
    "upperAscii": str.upper,
    "trim": str.strip,
    "string": str,
    "int": int,
    "duration": _duration,
    "isURL": _is_url,
}
