"""The result of `provision validate`, as text and as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from provision.errors import Problem


@dataclass(frozen=True, slots=True)
class Validation:
    """One file's result. `extended_by`: for a part, the valid or invalid profiles that take it in."""

    file: str
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    extended_by: tuple[str, ...] = ()

    @property
    def is_valid(self) -> bool:
        return not self.problems


def results_text(results: Sequence[Validation]) -> str:
    """A line for each valid file."""
    lines = []
    for each in results:
        if each.extended_by:
            lines.append(f"{each.file}: a part, checked through {', '.join(each.extended_by)}\n")
        elif each.is_valid:
            lines.append(f"{each.file}: valid\n")
    return "".join(lines)


def problems_text(results: Sequence[Validation]) -> str:
    """All problems and warnings, then how many problems there are in how many files.

    A problem of a base that several profiles extend is told once.
    """
    problems = dict.fromkeys(problem for each in results for problem in each.problems)
    lines = [str(problem) for problem in problems]
    lines += [_warning(problem) for each in results for problem in each.warnings]
    count = len(problems)
    invalid = sum(not each.is_valid for each in results)
    if count:
        lines.append(f"{count} problem{'s' * (count != 1)} in {invalid} file{'s' * (invalid != 1)}")
    return "".join(f"{line}\n" for line in lines)


def _warning(problem: Problem) -> str:
    where = (problem.file, problem.line, problem.column)
    return str(Problem(*where, f"warning: {problem.message}", problem.hint))


def results_json(results: Sequence[Validation]) -> str:
    """Every file with its problems and warnings."""
    profiles = [
        {
            "file": each.file,
            "valid": each.is_valid,
            "extendedBy": list(each.extended_by),
            "problems": [_problem(problem) for problem in each.problems],
            "warnings": [_problem(problem) for problem in each.warnings],
        }
        for each in results
    ]
    return json.dumps({"profiles": profiles}, indent=2, ensure_ascii=False) + "\n"


def _problem(problem: Problem) -> dict[str, object]:
    place = {"file": problem.file, "line": problem.line, "column": problem.column}
    return {**place, "message": problem.message, "hint": problem.hint}
