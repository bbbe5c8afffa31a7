"""Short options as getopt reads them."""

from __future__ import annotations

from collections.abc import Mapping

from provision.sandbox.shell.process import Process


class BadOption(Exception):  # noqa: N818 - an answer of the program
    """What the program prints after its name."""


def options(
    process: Process,
    flags: str,
    *,
    valued: str = "",
    long: Mapping[str, str] | None = None,
    number: str = "",
) -> tuple[dict[str, str], list[str]]:
    """Options by letter (a flag's value is empty) and the other arguments, in their order.

    `valued` letters take a value, attached or as the next argument. `long` maps long names to letters.
    `number` is the letter that a bare `-5` stands for.
    """
    chosen: dict[str, str] = {}
    names: list[str] = []
    rest = list(process.arguments)
    while rest:
        argument = rest.pop(0)
        if argument == "--":
            return chosen, names + rest
        if argument == "-" or not argument.startswith("-"):
            names.append(argument)
        elif argument.startswith("--"):
            name, _, value = argument.partition("=")
            if name not in (long or {}):
                raise BadOption(f"unrecognized option '{argument}'")
            chosen[(long or {})[name]] = value
        elif number and argument[1:].isdigit():
            chosen[number] = argument[1:]
        else:
            _letters(argument[1:], rest, flags, valued, chosen)
    return chosen, names


def _letters(letters: str, rest: list[str], flags: str, valued: str, chosen: dict[str, str]) -> None:
    for position, letter in enumerate(letters):
        if letter in valued:
            attached = letters[position + 1 :]
            if not attached and not rest:
                raise BadOption(f"option requires an argument -- '{letter}'")
            chosen[letter] = attached or rest.pop(0)
            return
        if letter not in flags:
            raise BadOption(f"invalid option -- '{letter}'")
        chosen[letter] = ""
