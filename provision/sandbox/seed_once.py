"""What the seed makes, it makes once: a thing deleted later stays deleted."""

from __future__ import annotations

from provision.sandbox.azure import Azure


def is_new(azure: Azure, kind: str, id_: str) -> bool:
    """Whether nothing of that id is there nor ever was, as far as the seed has seen."""
    never_seen = first_time(azure, f"seen:{id_}")
    return never_seen and azure.store.get(kind, id_) is None


def first_time(azure: Azure, what: str) -> bool:
    """Whether nobody has asked for this before."""
    if azure.store.get("sandbox", what) is not None:
        return False
    azure.store.put("sandbox", what, {})
    return True
