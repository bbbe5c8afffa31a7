"""A zone file by itself, checked as if its record sets stood in a profile."""

from __future__ import annotations

import re

from provision.errors import Problem, ProfileError, UsageError
from provision.ingress import record_rules
from provision.profile import zone_file
from provision.profile.keys import ZONE_NAME
from provision.profile.loaded import LoadedProfile
from provision.profile.model import AppRouting, Azure, Cluster, Dns, Profile, Record, Zone
from provision.profile.nodes import few


def imported(file: str, zone: str) -> tuple[tuple[Record, ...], tuple[Problem, ...]]:
    """The record sets of a zone file, and what it holds beside them.

    Raises ProfileError with all that is wrong in it, by the rules for public zones: a private zone holds
    fewer types. Raises UsageError when `zone` is no name of a zone.
    """
    if not re.fullmatch(ZONE_NAME.regex, zone):
        raise UsageError(f"importing {file}", f"`{zone}` can't be a zone", f"Write {ZONE_NAME.instead}.")
    read = zone_file.records_of(file, zone)
    profile = Profile(
        api_version="provision/v1",
        name="import",
        azure=Azure(subscription=""),
        cluster=Cluster(name="", resource_group=""),
        ingress=AppRouting(option="app-routing"),
        dns=Dns(zones={zone: Zone(resource_group="")}, records=read.records),
    )
    loaded = LoadedProfile(profile, file, (file,), read.places)
    if problems := [problem for rule in record_rules.RULES for problem in rule(loaded)]:
        raise ProfileError(few(problems))
    return read.records, read.notes
