"""The YAML parser's errors in words of YAML as a user writes it."""

from __future__ import annotations

import re

import yaml

from provision.errors import Problem


def syntax_problem(error: yaml.MarkedYAMLError, file: str, text: str) -> Problem:
    """The error as a problem at its place in `text`."""
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line, mark.column) if mark else (0, 0)
    lines = text.splitlines()
    said = error.problem or "is not valid YAML"
    opened = error.context_mark
    before = lines[line][:column] if line < len(lines) else ""
    if opened and before.endswith("$"):
        hint = 'Put it in quotes, such as "${NAME}"; outside brackets it needs none.'
        return Problem(file, line + 1, column, "a variable inside brackets needs quotes", hint)
    if opened and ("',' or" in said or line >= len(lines)):
        hint = "Close its quotes or bracket; values in brackets are separated by commas."
        return Problem(
            file, opened.line + 1, opened.column + 1, "the value that begins here does not end", hint
        )
    message, hint = _in_words(said, lines[line][column:] if line < len(lines) else "")
    if not message:
        message = f"{error.context}: {said}" if error.context else said
    return Problem(file, line + 1, column + 1, message, hint)


def _in_words(said: str, rest: str) -> tuple[str, str]:
    """Message and hint for an error, `rest` being what follows in its line; empty when unknown here."""
    if rest.startswith("\t"):
        return "a tab can't indent in YAML", "Use spaces."
    if rest.startswith(("@", "`", "%")):
        word = re.split(r"[\s,\]}]", rest)[0]
        return f"a plain value can't begin with `{rest[0]}`", f'Put it in quotes: "{word}".'
    if "alphabetic or numeric" in said or "alphanumeric" in said:
        message = "`*` begins an alias and `&` an anchor, but no name follows"
        return message, 'As text, put it in quotes, such as "*".'
    if "mapping values are not allowed" in said:
        hint = "Put the value in quotes, or begin a new line for a new key."
        return "a second `: ` in one value", hint
    if rest and (said == "did not find expected key" or "<block end>" in said):
        return "the indentation fits no line above", "Keys of one mapping begin in the same column."
    return "", ""
