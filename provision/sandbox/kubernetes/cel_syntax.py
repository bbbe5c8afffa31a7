"""The grammar of validation rules: the part of the Common Expression Language that CRDs use.

Left out: messages, map literals, byte strings, optional fields and namespaced names.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

_TOKEN = re.compile(
    r"""\s*(?:
    (?P<raw>[rR](?:\"\"\".*?\"\"\"|'''.*?'''|"[^"\n]*"|'[^'\n]*'))
    |(?P<text>\"\"\".*?\"\"\"|'''.*?'''|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')
    |(?P<number>\d+\.\d+|\d+)
    |(?P<name>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<mark>&&|\|\||[<>=!]=|[-+*/%<>!?:.,()\[\]])
    )""",
    re.VERBOSE | re.DOTALL,
)

_LEVELS: tuple[tuple[str, ...], ...] = (
    ("||",),
    ("&&",),
    ("<", "<=", ">", ">=", "==", "!=", "in"),
    ("+", "-"),
    ("*", "/", "%"),
)

MACROS = ("all", "exists", "exists_one", "filter", "map")


class SyntaxRefused(Exception):  # noqa: N818 (a refusal of what a user wrote)
    """A rule that cannot be read; the text says where."""


@dataclass(frozen=True, slots=True)
class Literal:
    value: object


@dataclass(frozen=True, slots=True)
class Name:
    name: str


@dataclass(frozen=True, slots=True)
class Select:
    """`of.name`, or `has(of.name)`."""

    of: Expression
    name: str
    test: bool = False


@dataclass(frozen=True, slots=True)
class Index:
    of: Expression
    at: Expression


@dataclass(frozen=True, slots=True)
class Listing:
    items: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Call:
    """A function, a method (its receiver is the first argument) or an operator."""

    name: str
    arguments: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Macro:
    """`of.all(variable, body)` and its kin."""

    name: str
    of: Expression
    variable: str
    body: Expression


Expression = Literal | Name | Select | Index | Listing | Call | Macro


@lru_cache(maxsize=1024)
def parse(rule: str) -> Expression:
    """The expression of a rule. Raises SyntaxRefused."""
    parser = _Parser(_tokens(rule))
    expression = parser.ternary()
    parser.expect("end")
    return expression


def _tokens(rule: str) -> list[tuple[str, str]]:
    found, at = [], 0
    rule = rule.rstrip()
    while at < len(rule):
        match = _TOKEN.match(rule, at)
        if match is None or match.lastgroup is None:
            raise SyntaxRefused(f"Syntax error: unexpected {rule[at:].strip()[:1]!r} at {at}")
        found.append((match.lastgroup, match[match.lastgroup]))
        at = match.end()
    return [*found, ("mark", "end")]


class _Parser:
    def __init__(self, tokens: Sequence[tuple[str, str]]) -> None:
        self._tokens = tokens
        self._at = 0

    def ternary(self) -> Expression:
        condition = self._binary(0)
        if not self._take("?"):
            return condition
        chosen = self._binary(0)
        self.expect(":")
        return Call("?:", (condition, chosen, self.ternary()))

    def expect(self, mark: str) -> None:
        if not self._take(mark):
            raise SyntaxRefused(f"Syntax error: {mark!r} wanted, found {self._tokens[self._at][1]!r}")

    def _take(self, *marks: str) -> str:
        group, value = self._tokens[self._at]
        if value in marks and group in ("mark", "name"):
            self._at += 1
            return value
        return ""

    def _binary(self, level: int) -> Expression:
        if level == len(_LEVELS):
            return self._unary()
        left = self._binary(level + 1)
        while operator := self._take(*_LEVELS[level]):
            left = Call(operator, (left, self._binary(level + 1)))
        return left

    def _unary(self) -> Expression:
        if self._take("!"):
            return Call("!", (self._unary(),))
        if self._take("-"):
            return Call("-", (Literal(0), self._unary()))
        return self._postfix()

    def _postfix(self) -> Expression:
        expression = self._primary()
        while mark := self._take(".", "["):
            if mark == "[":
                expression = Index(expression, self.ternary())
                self.expect("]")
            else:
                expression = self._member(expression)
        return expression

    def _member(self, of: Expression) -> Expression:
        name = self._name()
        if not self._take("("):
            return Select(of, name)
        if name in MACROS:
            variable = self._name()
            self.expect(",")
            body = self.ternary()
            self.expect(")")
            return Macro(name, of, variable, body)
        return Call(name, (of, *self._list(")")))

    def _primary(self) -> Expression:
        if self._take("("):
            expression = self.ternary()
            self.expect(")")
            return expression
        if self._take("["):
            return Listing(self._list("]"))
        group, value = self._tokens[self._at]
        if group == "mark":
            raise SyntaxRefused(f"Syntax error: unexpected {value!r}")
        self._at += 1
        if group == "number":
            return Literal(float(value) if "." in value else int(value))
        if group in ("raw", "text"):
            return Literal(ast.literal_eval(value))
        return self._named(value)

    def _named(self, name: str) -> Expression:
        words = {"true": True, "false": False, "null": None}
        if name in words:
            return Literal(words[name])
        if not self._take("("):
            return Name(name)
        arguments = self._list(")")
        if name != "has":
            return Call(name, arguments)
        if len(arguments) != 1 or not isinstance(arguments[0], Select):
            raise SyntaxRefused("Syntax error: invalid argument to has() macro")
        return Select(arguments[0].of, arguments[0].name, test=True)

    def _list(self, end: str) -> tuple[Expression, ...]:
        found: list[Expression] = []
        while not self._take(end):
            if found:
                self.expect(",")
            found.append(self.ternary())
        return tuple(found)

    def _name(self) -> str:
        group, value = self._tokens[self._at]
        if group != "name":
            raise SyntaxRefused(f"Syntax error: a name wanted, found {value!r}")
        self._at += 1
        return value
