"""Profiles as JSON values and back, for saved plans: `from_plain(to_plain(profile)) == profile`."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, cast

from provision.errors import ProfileError
from provision.profile import nodes
from provision.profile.decode import FAILED, Decoder
from provision.profile.model import Profile
from provision.profile.shape import Object, fields_of


def to_plain(profile: Profile) -> dict[str, object]:
    """The profile with a profile file's keys, defaults written out, but for None and empty lists."""
    return cast("dict[str, object]", _plain(profile))


def _plain(value: Any) -> object:
    if dataclasses.is_dataclass(value):
        values = {each.key: getattr(value, each.attribute) for each in fields_of(type(value))}
        return {key: _plain(each) for key, each in values.items() if each not in (None, ())}
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return value


def from_plain(value: Mapping[str, object], file: str = "saved profile") -> Profile:
    """The profile that `to_plain` was given. Raises ProfileError, with `file` as the place, if it is none."""
    decoder = Decoder()
    profile = decoder.decode(nodes.from_plain(value, nodes.Place(file)), Object(Profile), ())
    if profile is FAILED or decoder.problems:
        raise ProfileError(decoder.problems)
    return cast("Profile", profile)
