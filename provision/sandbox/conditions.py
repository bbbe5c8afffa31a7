"""Conditions of role assignments, as far as they delegate the right to assign roles.

    ((!(ActionMatches{'Microsoft.Authorization/roleAssignments/write'})) OR
     (@Request[Microsoft.Authorization/roleAssignments:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals {…}))

Source: "Azure role assignment condition format and syntax" and "Delegate Azure role assignment management to
others with conditions", Microsoft Learn, 2026-02. Attributes of other resources are not known here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

_TOKEN = re.compile(
    r"\s*(?:(?P<symbol>[()!])|(?P<word>AND|OR)\b|ActionMatches\s*\{\s*'(?P<action>[^']+)'\s*\}"
    r"|@(?P<source>Request|Resource)\[Microsoft\.Authorization/roleAssignments:(?P<attribute>\w+)\]"
    r"\s+(?P<operator>[\w:]+)\s*\{(?P<values>[^}]*)\})",
    re.IGNORECASE,
)

_OPERATORS = {
    "foranyofanyvalues:guidequals": True,
    "foranyofanyvalues:stringequalsignorecase": True,
    "foranyofallvalues:guidnotequals": False,
    "foranyofallvalues:stringnotequalsignorecase": False,
}
"""Operators: whether the attribute's one value is to be among those given, or none of them."""


class InvalidConditionError(Exception):
    """A condition that can't be read; the message says where."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be done: the action, and the attributes of the assignment in question.

    `request` are those of an assignment that is written, `resource` those of one that is deleted.
    """

    action: str
    request: Mapping[str, str] = field(default_factory=dict)
    resource: Mapping[str, str] = field(default_factory=dict)


def fulfilled(condition: str, asked: Asked) -> bool:
    """Whether a condition lets something be done. Raises InvalidConditionError."""
    reader = _Reader(_tokens(condition), asked)
    value = reader.either()
    if reader.at < len(reader.tokens):
        raise InvalidConditionError(f"unexpected {reader.tokens[reader.at][0].strip()}")
    return value


def _tokens(condition: str) -> list[re.Match[str]]:
    found: list[re.Match[str]] = []
    at = 0
    while condition[at:].strip():
        token = _TOKEN.match(condition, at)
        if token is None:
            raise InvalidConditionError(f"unexpected {condition[at:].strip()[:40]}")
        found.append(token)
        at = token.end()
    return found


class _Reader:
    """Reads tokens from left to right; everything is evaluated, so that all of it is read."""

    def __init__(self, tokens: Sequence[re.Match[str]], asked: Asked) -> None:
        self.tokens = tokens
        self.at = 0
        self._asked = asked

    def either(self) -> bool:
        value = self._both()
        while self._takes("OR"):
            other = self._both()
            value = value or other
        return value

    def _both(self) -> bool:
        value = self._one()
        while self._takes("AND"):
            other = self._one()
            value = value and other
        return value

    def _one(self) -> bool:
        if self._takes("!"):
            return not self._one()
        if self._takes("("):
            value = self.either()
            if not self._takes(")"):
                raise InvalidConditionError("a parenthesis is not closed")
            return value
        if self.at == len(self.tokens):
            raise InvalidConditionError("it ends too early")
        token = self.tokens[self.at]
        self.at += 1
        if token["action"]:
            return fnmatchcase(self._asked.action.lower(), token["action"].lower())
        if token["attribute"]:
            return self._compared(token)
        raise InvalidConditionError(f"unexpected {token[0].strip()}")

    def _compared(self, token: re.Match[str]) -> bool:
        among = _OPERATORS.get(token["operator"].lower())
        if among is None:
            raise InvalidConditionError(f"unknown operator {token['operator']}")
        attributes = self._asked.request if token["source"].lower() == "request" else self._asked.resource
        value = attributes.get(token["attribute"].lower())
        values = {each.strip().strip("'").lower() for each in token["values"].split(",")}
        return value is not None and (value.lower() in values) is among

    def _takes(self, text: str) -> bool:
        if self.at < len(self.tokens):
            token = self.tokens[self.at]
            if (token["symbol"] or token["word"] or "").upper() == text:
                self.at += 1
                return True
        return False
