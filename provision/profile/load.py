"""Profile files → `LoadedProfile`: overlays merged, variables replaced, values decoded."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path as FilePath

from provision.errors import Problem, ProfileError
from provision.profile.decode import FAILED, Decoder, words
from provision.profile.loaded import LoadedProfile
from provision.profile.model import Profile
from provision.profile.nodes import Entry, List, Map, Place, Scalar, from_plain, is_nothing, problem_at
from provision.profile.shape import Object, fields_of
from provision.profile.variables import replace_variables
from provision.profile.yaml_source import read_yaml

MAX_CHAIN = 20


class FragmentError(ProfileError):
    """The file is a part for profiles to extend: every key is right, but it has no name and no cluster."""


def decoded(
    path: str | FilePath, environment: Mapping[str, str], overrides: Mapping[str, object] | None = None
) -> LoadedProfile:
    """The profile at `path` with each value checked by itself; the rules between values are not.

    `overrides` is laid over the files, last: a nested mapping with a profile's keys, such as
    `{"adopt": True}`. Raises ProfileError with every problem found.
    """
    file = str(path)
    reader = _Reader(environment)
    root = reader.read(file)
    _refuse_fragment(root)
    if overrides:
        root = merge(root, from_plain(overrides, Place("command line")))
    tree, problems = replace_variables(root, environment)
    decoder = Decoder(problems=problems)
    profile = decoder.decode(tree, Object(Profile), ())
    if problems or profile is FAILED:
        raise ProfileError(problems)
    return LoadedProfile(profile, file, tuple(reader.files), decoder.places)


def _refuse_fragment(root: Map) -> None:
    fields = fields_of(Profile)
    written = root.entries.keys()
    if written & {"name", "cluster"} or written - {each.key for each in fields}:
        return
    lacking = words([f"`{each.key}`" for each in fields if each.required and each.key not in written])
    hint = "Give the file of a profile that extends it."
    raise FragmentError([problem_at(root.place, f"is not a profile by itself: it lacks {lacking}", hint)])


def merge(base: Map, overlay: Map) -> Map:
    """`overlay` over `base`: mappings merge key by key, anything else replaces, null removes a key."""
    entries = dict(base.entries)
    for key, entry in overlay.entries.items():
        below = entries[key].value if key in entries else None
        if below is not None and is_nothing(entry.value):
            del entries[key]
        elif isinstance(below, Map) and isinstance(entry.value, Map):
            entries[key] = Entry(entry.place, merge(below, entry.value))
        else:
            entries[key] = entry
    return Map(overlay.place, entries)


class _Reader:
    """Reads a file and the files that it extends, each once."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.files: list[str] = []
        self._environment = environment
        self._trees: dict[FilePath, Map] = {}

    def read(self, file: str, above: tuple[FilePath, ...] = ()) -> Map:
        here = FilePath(file).resolve()
        if here in self._trees:
            return self._trees[here]
        self.files.append(file)
        root = read_yaml(file)
        entries = {key: entry for key, entry in root.entries.items() if key != "extends"}
        result = Map(root.place, {})
        problems: list[Problem] = []
        for name in self._bases(root, problems):
            try:
                result = merge(result, self._read_base(name, file, (*above, here)))
            except ProfileError as error:
                problems += error.problems
        if problems:
            raise ProfileError(problems)
        self._trees[here] = merge(result, Map(root.place, entries))
        return self._trees[here]

    def _bases(self, root: Map, problems: list[Problem]) -> list[Scalar]:
        """The values of `extends`, as scalars with text."""
        extends = root.entries.get("extends")
        if extends is None or is_nothing(extends.value):
            return []
        value, found = replace_variables(extends.value, self._environment)
        problems += found
        names: list[Scalar] = []
        for item in value.items if isinstance(value, List) else [value]:
            if isinstance(item, Scalar) and item.kind == "text" and item.text.strip():
                names.append(item)
            elif not (isinstance(item, Scalar) and item.kind == "missing"):
                hint = "Write the path of a file relative to this one, or a list of paths."
                problems.append(problem_at(item.place, "extends must name files", hint))
        return names

    def _read_base(self, name: Scalar, file: str, above: tuple[FilePath, ...]) -> Map:
        base = os.path.normpath(FilePath(file).parent / name.text)
        if FilePath(base).resolve() in above:
            chain = " → ".join([*(each.name for each in above), FilePath(base).name])
            raise ProfileError([problem_at(name.place, f"extends goes round in a circle: {chain}")])
        if len(above) >= MAX_CHAIN:
            raise ProfileError([problem_at(name.place, f"more than {MAX_CHAIN} files extend one another")])
        try:
            return self.read(base, above)
        except ProfileError as error:
            raise ProfileError([_at_extends(each, name) for each in error.problems]) from error


def _at_extends(problem: Problem, name: Scalar) -> Problem:
    """A problem of the base as a whole is shown where the base is named."""
    if problem.line:
        return problem
    return problem_at(name.place, f"extends {name.text}: {problem.message}", problem.hint)
