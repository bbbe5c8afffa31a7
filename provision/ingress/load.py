"""Profile files → profiles that hold together: decoded, then checked by the rules between values."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from provision.errors import Problem, ProfileError
from provision.ingress import imports, rules
from provision.profile import zone_file
from provision.profile.load import decoded
from provision.profile.loaded import LoadedProfile


def load(
    path: str | Path, environment: Mapping[str, str], overrides: Mapping[str, object] | None = None
) -> LoadedProfile:
    """The profile at `path`, with all its values and the rules between them checked.

    `overrides` is laid over the files, last: a nested mapping with a profile's keys, such as
    `{"adopt": True}`. Raises ProfileError with every problem found; the rules between values are
    checked when each value by itself is right.
    """
    loaded, problems = _opened(decoded(path, environment, overrides))
    return _without([*problems, *rules.problems(loaded), *rules.option_problems(loaded)], loaded)


def load_any_option(
    path: str | Path, environment: Mapping[str, str], overrides: Mapping[str, object] | None = None
) -> LoadedProfile:
    """As `load`, but the profile may ask for what its ingress option lacks."""
    loaded, problems = _opened(decoded(path, environment, overrides))
    return _without([*problems, *rules.problems(loaded)], loaded)


def _opened(loaded: LoadedProfile) -> tuple[LoadedProfile, list[Problem]]:
    """The profile with what is in the other files that it names."""
    imported, wrong = imports.opened(loaded)
    whole, problems = zone_file.declared(imported)
    return whole, [*wrong, *problems]


def _without(problems: list[Problem], loaded: LoadedProfile) -> LoadedProfile:
    if problems:
        raise ProfileError(problems)
    return loaded
