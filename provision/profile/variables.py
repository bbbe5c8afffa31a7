"""`${NAME}` and `${NAME:-default}` in values; `$${` stands for a literal `${`.

A default is used when the variable is not set or empty, as in a shell. The value of a variable is text:
it is never read as YAML.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from provision.errors import Problem
from provision.profile.nodes import Entry, List, Map, Node, Scalar, problem_at

_REFERENCE = re.compile(r"\$\$\{|\$\{(?:(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^}]*))?\})?")


def replace_variables(node: Node, environment: Mapping[str, str]) -> tuple[Node, list[Problem]]:
    """The tree with its variables replaced, and a problem for each that is not set or not well written."""
    problems: list[Problem] = []

    def replace(node: Node) -> Node:
        match node:
            case Map():
                entries = {key: Entry(each.place, replace(each.value)) for key, each in node.entries.items()}
                return Map(node.place, entries)
            case List():
                return List(node.place, tuple(map(replace, node.items)))
            case Scalar():
                return _replace_in(node, environment, problems) if "${" in node.text else node

    return replace(node), problems


def _replace_in(scalar: Scalar, environment: Mapping[str, str], problems: list[Problem]) -> Scalar:
    place = scalar.place
    before = len(problems)

    def value(match: re.Match[str]) -> str:
        if match[0] == "$${":
            return "${"
        name, default = match["name"], match["default"]
        if name is None:
            hint = "Write ${NAME} or ${NAME:-default}; write $${ for a literal ${."
            problems.append(problem_at(place, f"`{scalar.text}` is not closed", hint))
            return ""
        found = environment.get(name)
        if found or (found is not None and default is None):
            return found
        if default is None:
            message = f"the environment variable {name} is not set"
            hint = f"Set it, or give a default: ${{{name}:-value}}."
            problems.append(problem_at(place, message, hint))
        return default or ""

    text = _REFERENCE.sub(value, scalar.text)
    if len(problems) > before:
        return Scalar(place, "", "missing", scalar.text)
    return Scalar(place, text, scalar.kind, scalar.text)
