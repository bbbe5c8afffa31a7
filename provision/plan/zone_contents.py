"""A record set as it is in a zone, whoever keeps it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """`name` is relative to the zone, `values` are as in a zone file (TXT without quotes), `ttl` in seconds.

    An alias has a `target`; a `registered` one is of a virtual machine, which Azure registered.
    """

    name: str
    type: str
    ttl: int
    values: tuple[str, ...] = ()
    target: str = ""
    registered: bool = False
