"""Figures about provision, beside the real Azure CLI where it has a counterpart. Run by `scripts/bench`.

Everything runs on this machine: the sandbox in a thread of this process, on loopback, its state in temporary
folders; provision and az as processes of their own. A time is the median of several runs after a warm-up.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from bench_dns import large_zone
from bench_gateway import own_gateway
from bench_run import PROVISION, ROOT, Figure, Run, run
from bench_sandbox import Served, is_sign_in, served, summary

from provision.sandbox.azure import SUBSCRIPTION, TENANT
from provision.sandbox.cluster_operations import UPDATE_SECONDS

PROFILE = "profiles/prod.yaml"
APPLY = (PROVISION, "apply", PROFILE, "--yes")
DRIFT = (PROVISION, "drift", PROFILE, "--format", "json")
PLAN = (PROVISION, "plan", PROFILE, "--format", "json")
AZ_SCRIPT = (str(ROOT / "scripts" / "bench-az"),)

ROUND_TRIP = 0.2
"""Latency at which rounds are counted: long beside everything else that happens in one."""
REAL_SPEED = 20.0
"""Azure's own durations, twenty times faster."""
REAL_ROUND_TRIP = 0.1
"""Seconds from a runner to Azure and back; divided by `REAL_SPEED` as well."""


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a comparison: a typical run, and what it asked of the sandbox and left in it.

    `wall` is without what the client sleeps by its own clock, which the sandbox can't shrink: that is
    `slept`, and is counted as if it were shrunk like everything else.
    """

    wall: float
    processor: float
    slept: float
    requests: int
    updates: int
    left: int


class Bench:
    """The measurements, with `runs` runs for a time."""

    def __init__(self, az: str, runs: int, folder: Path) -> None:
        self._az = az
        self._runs = runs
        self._az_folder = folder / "az"
        # az writes its index of commands into a new folder: once, here, and without a token
        run([az, "cloud", "list", "--output", "none"], self._offline())

    def start_up(self) -> list[Figure]:
        """Commands that ask nobody."""
        variables = self._offline()
        bare = self._median([sys.executable, "-c", "pass"], variables)
        az = self._median([self._az, "version"], variables)
        shown = self._median([PROVISION, "--help"], variables)
        validated = self._median([PROVISION, "validate", PROFILE], variables)
        return [
            Figure("Python by itself", bare, "s", "", "python -c pass"),
            Figure("az, nothing to do", az, "s", "", "az version"),
            Figure("provision --help", shown, "s", "< 0.08", "provision --help"),
            Figure("  beside az", shown / az, "×", "", "over az version"),
            Figure("provision validate", validated, "s", "< 0.15", f"provision validate {PROFILE}"),
            Figure("  beside az", validated / az, "×", "", "over az version"),
        ]

    def no_change(self) -> list[Figure]:
        """A drift check that finds nothing."""
        with served() as sandbox:
            quick = self._drift(sandbox)
            requests = len(sandbox.log)
            sign_in = sum(map(is_sign_in, sandbox.log))
            (report,) = json.loads(run(DRIFT, sandbox.variables).output)
        with served(latency=ROUND_TRIP) as sandbox:
            slow = self._drift(sandbox)
            rounds = sandbox.log.rounds(ROUND_TRIP / 2)
        each = (requests - sign_in) / report["checked"]
        by_the_clock = f"(time at latency {ROUND_TRIP} s − time at 0) / {ROUND_TRIP} s"
        in_words = "; ".join(f"{number}: {summary(entries)}" for number, entries in enumerate(rounds, 1))
        return [
            Figure("drift, nothing to find", quick, "s", "", f"provision drift {PROFILE}, latency 0"),
            Figure("  requests", requests, "", "", f"sandbox's log; {sign_in} of them sign in"),
            Figure("  resources", report["checked"], "", "", "checked, in provision drift --format json"),
            Figure("  requests a resource", each, "", "", "sign-in left out"),
            Figure("  rounds by the clock", (slow - quick) / ROUND_TRIP, "", "", by_the_clock),
            Figure("  rounds by the log", len(rounds), "", "", in_words),
        ]

    def first_apply(self) -> list[Figure]:
        """From a new sandbox to what the profile says, where Azure takes no time."""
        ours, theirs = self._both(speed=1000.0, latency=0.0, warm_ups=1)
        ratio = ours.wall / theirs.wall
        return [
            Figure("first apply", ours.wall, "s", "", f"provision apply {PROFILE}, latency 0"),
            Figure("  az", theirs.wall, "s", "", _by_az(theirs)),
            Figure("  beside az", ratio, "×", "≤ 0.20", "both to the same end"),
            Figure("  requests", ours.requests, "", "", "sandbox's log"),
            Figure("  requests of az", theirs.requests, "", "", "sandbox's log"),
            Figure("  changes left by az", theirs.left, "", "0", "provision plan after scripts/bench-az"),
        ]

    def real_durations(self) -> list[Figure]:
        """The same with Azure's durations and round trips, all of them scaled alike."""
        ours, theirs = self._both(speed=REAL_SPEED, latency=REAL_ROUND_TRIP / REAL_SPEED, warm_ups=0)
        update = UPDATE_SECONDS / REAL_SPEED
        conditions = f"round trips of {REAL_ROUND_TRIP * 1000:.0f} ms, all {REAL_SPEED:g} times faster"
        waited = "(time − processor time) / longest chain of operations, which is one cluster update"

        def in_updates(side: Side) -> float:
            # processor time is not scaled: at Azure's own pace it is next to nothing
            return (side.wall - side.processor) / update

        return [
            Figure("first apply, real durations", ours.wall, "s", "", f"provision apply, {conditions}"),
            Figure("  az", theirs.wall, "s", "", _by_az(theirs)),
            Figure(
                "  one cluster update",
                update,
                "s",
                "",
                f"{UPDATE_SECONDS:g} s / {REAL_SPEED:g}",
            ),
            Figure("  waited, in updates", in_updates(ours), "×", "≤ 1.10", waited),
            Figure("  az waited, in updates", in_updates(theirs), "×", "", waited),
            Figure("  cluster updates", ours.updates, "", "1", "PUTs in the sandbox's log"),
            Figure("  cluster updates of az", theirs.updates, "", "", "PUTs in the sandbox's log"),
        ]

    def figures(self) -> Iterator[Figure]:
        """Everything, in the order of the table."""
        for measure in (self.start_up, self.no_change, self.first_apply, self.real_durations):
            sys.stderr.write(f"measuring {measure.__name__.replace('_', ' ')}\n")
            yield from measure()
        sys.stderr.write("measuring a gateway of one's own\n")
        yield from own_gateway(self._az, self._az_folder, min(self._runs, 3))
        sys.stderr.write("measuring a large zone\n")
        yield from large_zone()
        busy = f"waiting or running processes, mean of the last minute, on {os.cpu_count()} processors"
        yield Figure("load of this machine", os.getloadavg()[0], "", "", busy)

    def _offline(self) -> dict[str, str]:
        return {
            **os.environ,
            "AZURE_TENANT_ID": TENANT,
            "AZURE_SUBSCRIPTION_ID": SUBSCRIPTION,
            "AZURE_CONFIG_DIR": str(self._az_folder),
            "AZURE_CORE_COLLECT_TELEMETRY": "no",
        }

    def _median(self, command: Sequence[str], variables: Mapping[str, str]) -> float:
        run(command, variables)
        return median(run(command, variables).wall for _ in range(self._runs))

    def _drift(self, sandbox: Served) -> float:
        """Time of a drift check after an apply; the log then holds the requests of one such check."""
        run(APPLY, sandbox.variables)
        taken = self._median(DRIFT, sandbox.variables)
        sandbox.log.clear()
        run(DRIFT, sandbox.variables)
        return taken

    def _both(self, *, speed: float, latency: float, warm_ups: int) -> tuple[Side, Side]:
        """provision and az, in turns, each run on a new sandbox."""
        sides: tuple[list[Side], list[Side]] = ([], [])
        for _ in range(warm_ups + self._runs):
            for command, side in zip((APPLY, AZ_SCRIPT), sides, strict=True):
                with served(speed=speed, latency=latency, az_folder=self._az_folder) as sandbox:
                    done = run(command, {**sandbox.variables, "AZ": self._az})
                    side.append(_side(done, sandbox, speed))
        ours, theirs = (_typical(side[warm_ups:]) for side in sides)
        return ours, theirs


def _side(done: Run, sandbox: Served, speed: float) -> Side:
    slept = sandbox.log.fixed_waits()
    requests, updates = len(sandbox.log), sandbox.log.puts("/managedClusters/aks-prod")
    wall = done.wall - slept + slept / speed
    return Side(wall, done.processor, slept, requests, updates, _changes_left(sandbox))


def _typical(sides: Sequence[Side]) -> Side:
    """The run of median duration."""
    return sorted(sides, key=lambda side: side.wall)[len(sides) // 2]


def _by_az(side: Side) -> str:
    if not side.slept:
        return "scripts/bench-az"
    return (
        f"scripts/bench-az; {side.slept:.0f} s that it sleeps between certificate polls scaled like the rest"
    )


def _changes_left(sandbox: Served) -> int:
    """What a plan still finds to do, or can't."""
    plan: dict[str, Any] = json.loads(run(PLAN, sandbox.variables, codes=(0, 1, 2, 3)).output)
    return len(plan["changes"]) + len(plan["errors"]) + len(plan["unchecked"])


def _table(figures: Sequence[Figure]) -> str:
    rows = [("figure", "value", "aim", "how")]
    for each in figures:
        value = str(each.value) if isinstance(each.value, int) else f"{each.value:.2f}"
        rows.append((each.name, f"{value} {each.unit}".rstrip(), each.aim, each.how))
    name, number, aim, _ = (max(len(row[column]) for row in rows) for column in range(4))
    return "".join(f"{row[0]:<{name}}  {row[1]:>{number}}  {row[2]:<{aim}}  {row[3]}\n" for row in rows)


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="scripts/bench", description="Figures about provision, beside az.")
    parser.add_argument("--quick", action="store_true", help="one run for a time instead of five")
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: sys.exit(1))  # by the way that ends servers and removes folders
    with tempfile.TemporaryDirectory(prefix="provision-bench-") as folder:
        bench = Bench(os.environ["PROVISION_TEST_AZ"], 1 if arguments.quick else 5, Path(folder))
        figures = list(bench.figures())
    if arguments.json:
        sys.stdout.write(json.dumps([asdict(each) for each in figures], ensure_ascii=False, indent=2) + "\n")
    else:
        sys.stdout.write(_table(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
