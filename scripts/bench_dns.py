"""A zone of thousands of records, for `scripts/bench`."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench_run import PROVISION, Figure, Run, run
from bench_sandbox import Served, is_sign_in, served

from provision.resources.dns import CHANGES_A_MINUTE
from provision.sandbox.azure import SUBSCRIPTION

SETS = 3_000
ZONE = "big.example"
AZURES_PACE = 10.0
"""Times faster than Azure, where its limits are what takes the time."""
ROUND_TRIP = 0.1
"""Seconds from a runner to Azure and back."""

_LINES = (
    "h{0} 300 IN A 20.0.0.{2}",
    "h{0} IN AAAA 2603:1020::{0:x}",
    "h{0} IN CNAME h{1}",
    'h{0} IN TXT "v=spf1 ip4:20.0.0.{2} -all"',
    "h{0} IN MX 10 h{1}\n    IN MX 20 mail.example.net.",
    "_s{0}._tcp IN SRV 0 5 5061 h{1}",
)
_PROFILE = f"""\
apiVersion: provision/v1
name: big
azure: {{subscription: {SUBSCRIPTION}}}
cluster: {{name: aks-prod, resourceGroup: rg-aks-prod}}
ingress: {{option: app-routing}}
roles: off
dns: {{zones: {{{ZONE}: {{resourceGroup: rg-dns, file: zone}}}}}}
"""


def large_zone() -> Iterator[Figure]:
    """A zone file imported, planned, applied, planned again and exported."""
    with tempfile.TemporaryDirectory(prefix="provision-bench-dns-") as name:
        folder = Path(name)
        profile = _written(folder)
        with served() as sandbox:
            yield from _by_ourselves(sandbox, profile, folder)
        with served(speed=AZURES_PACE, latency=ROUND_TRIP / AZURES_PACE) as sandbox:
            yield from _at_azures_pace(sandbox, profile)


def _written(folder: Path) -> str:
    lines = [_LINES[number % 6].format(number, number - number % 6, number % 256) for number in range(SETS)]
    (folder / "zone").write_text("\n".join(["$TTL 1h", *lines, ""]))
    (folder / "profile.yaml").write_text(_PROFILE)
    return str(folder / "profile.yaml")


def _by_ourselves(sandbox: Served, profile: str, folder: Path) -> Iterator[Figure]:
    """Where Azure takes no time: what the work is to us, and to the sandbox beside us."""
    variables = sandbox.variables
    imported = run((PROVISION, "zone", "import", str(folder / "zone"), "--zone", ZONE), variables)
    planned = run((PROVISION, "plan", profile), variables, codes=(2,))
    yield _speed(f"zone of {SETS} record sets, import", imported, "provision zone import")
    yield _speed("  plan", planned, "provision plan, all to create")
    sandbox.log.clear()
    applied = run((PROVISION, "apply", profile, "--yes"), variables)
    yield _speed("  apply", applied, "provision apply, latency 0")
    yield Figure(
        "  requests a record set", _requests(sandbox) / SETS, "", "", "sandbox's log, sign-in left out"
    )
    sandbox.log.clear()
    again = run((PROVISION, "plan", profile), variables)
    yield _speed("  plan again", again, "provision plan, nothing to do")
    yield Figure("    requests", _requests(sandbox), "", "", "pages of 100 record sets, and the rest")
    exported = run((PROVISION, "zone", "export", profile, ZONE), variables)
    yield _speed("  export", exported, "provision zone export")


def _at_azures_pace(sandbox: Served, profile: str) -> Iterator[Figure]:
    """Where Azure's limits are what takes the time."""
    done = run((PROVISION, "apply", profile, "--yes", "--format", "json"), sandbox.variables)
    outcomes = json.loads(done.output)["outcomes"]
    failed = sum(each["status"] not in ("created", "updated") for each in outcomes)
    refused = sum(status == 429 for _, _, status in sandbox.log)
    minute = CHANGES_A_MINUTE["public"]
    least = (SETS / minute - 1) * 60.0
    taken = done.wall * AZURES_PACE
    conditions = f"everything {AZURES_PACE:g} times faster, round trips of {ROUND_TRIP * 1000:.0f} ms"
    yield Figure("  apply at Azure's pace", taken / 60, "min", "", f"of Azure's time: {conditions}")
    yield Figure("    least possible", least / 60, "min", "", f"{minute} changes a minute, the first at once")
    yield Figure("    beside it", taken / least, "×", "≤ 1.10", "")
    yield Figure("    record sets a second", SETS / taken, "/s", "", "of Azure's time")
    yield Figure("    refused requests", refused, "", "0", "429 in the sandbox's log")
    yield Figure("    changes that failed", failed, "", "0", "provision apply --format json")


def _speed(name: str, done: Run, how: str) -> Figure:
    return Figure(
        name, SETS / done.wall, "/s", "", f"{how}: {done.wall:.1f} s, {done.processor:.1f} s of processor"
    )


def _requests(sandbox: Served) -> int:
    return sum(not is_sign_in(entry) for entry in sandbox.log)
