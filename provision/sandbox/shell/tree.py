"""The tree of a shell script."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Text:
    """Characters as they are; quoted ones are never split nor matched against file names."""

    text: str
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class Variable:
    """`$NAME`, `$?`, or `${NAME:-default}`."""

    name: str
    quoted: bool
    default: str = ""


@dataclass(frozen=True, slots=True)
class Substitution:
    """`$(…)`."""

    script: Script
    quoted: bool


Part = Text | Variable | Substitution
Word = tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Redirection:
    """`operator` is `>`, `>>`, `<`, `>&` (target: a descriptor) or `<<` (target: the document itself)."""

    descriptor: int
    operator: str
    target: Word


@dataclass(frozen=True, slots=True)
class Simple:
    """Assignments and words; no words makes the assignments last."""

    line: int
    assignments: tuple[tuple[str, Word], ...]
    words: tuple[Word, ...]
    redirections: tuple[Redirection, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """`( … )`, which keeps its variables to itself, or `{ …; }`."""

    body: Script
    subshell: bool
    redirections: tuple[Redirection, ...]


@dataclass(frozen=True, slots=True)
class Pipeline:
    commands: tuple[Simple | Group, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Script:
    """Pipelines, each with the operator before it: `;` (always run), `&&` or `||`."""

    items: tuple[tuple[str, Pipeline], ...]
