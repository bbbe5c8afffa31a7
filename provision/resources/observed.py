"""What was read just now: the object, its absence, or the reason why it could not be read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from provision.errors import ProvisionError
from provision.resources.values import Value


@dataclass(frozen=True, slots=True)
class Present:
    """A remote object in our vocabulary, normalised on read.

    `properties` holds at least every path that the resource declares. `outputs` are values other
    resources may refer to. `owner` is the profile named in the object's mark, None without one, and
    `digest` the digest of the properties that the mark says were applied last. `changed_by` and
    `changed_at` are what the service tells of the last change, empty where it tells nothing.

    Where the service tells it field by field (Kubernetes' managed fields), `authors` maps a differing path
    to who changed it and when, `claimed` to another manager that declares the field for itself, and
    `surplus` holds fields that we set and no longer declare.
    """

    properties: Mapping[str, Value] = field(default_factory=dict)
    outputs: Mapping[str, Value] = field(default_factory=dict)
    owner: str | None = None
    digest: str | None = None
    changed_by: str = ""
    changed_at: str = ""
    surplus: Mapping[str, Value] = field(default_factory=dict)
    claimed: Mapping[str, str] = field(default_factory=dict)
    authors: Mapping[str, tuple[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Absent:
    """The object does not exist; `note` says why more can't be said before an apply (its kind is not
    there yet), or what was begun of it. `outputs` are those that are known all the same, such as an address
    made of its name. `owner` is the profile in the mark of what was begun, which a destroy takes away."""

    note: str = ""
    outputs: Mapping[str, Value] = field(default_factory=dict)
    owner: str | None = None


@dataclass(frozen=True, slots=True)
class Unread:
    """The object could not be read, so nothing may be said about it."""

    error: ProvisionError


Observed = Present | Absent | Unread
