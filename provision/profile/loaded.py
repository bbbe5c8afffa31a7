"""A profile together with where it was written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from provision.errors import Problem
from provision.profile.model import Profile
from provision.profile.nodes import Path, Place, problem_at


@dataclass(frozen=True, slots=True)
class LoadedProfile:
    """A profile and where each of its values is written.

    `files` are all files that were read, the given one first.
    """

    profile: Profile
    file: str
    files: tuple[str, ...]
    places: Mapping[Path, Place]
    notes: tuple[Problem, ...] = ()
    """What the files hold and the profile leaves out."""

    def place(self, path: Path) -> Place:
        """Where `path` is written: a value's own place, a block's key; for a default, the nearest block."""
        for end in range(len(path), -1, -1):
            if path[:end] in self.places:
                return self.places[path[:end]]
        return Place(self.file)

    def is_written(self, path: Path) -> bool:
        """Whether the value stands in a file (is no default)."""
        return path in self.places

    def problem(self, path: Path, message: str, hint: str = "") -> Problem:
        return problem_at(self.place(path), message, hint)
