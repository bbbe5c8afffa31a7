"""Colour on a terminal that wants it, plain text everywhere else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TextIO

_CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}


@dataclass(frozen=True, slots=True)
class Style:
    """Wraps text in ANSI colours, or leaves it alone."""

    colour: bool = False

    def __call__(self, name: str, text: str) -> str:
        return f"\x1b[{_CODES[name]}m{text}\x1b[0m" if self.colour else text


def style_for(stream: TextIO, environment: Mapping[str, str]) -> Style:
    """Colour on a terminal, unless NO_COLOR (https://no-color.org) or TERM=dumb says no."""
    wanted = not environment.get("NO_COLOR") and environment.get("TERM") != "dumb"
    return Style(wanted and stream.isatty())
