"""The first apply of an Application Gateway for Containers of one's own, for `scripts/bench`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from statistics import median

from bench_run import PROVISION, ROOT, Figure, Run, run
from bench_sandbox import Served, served

from provision.cli.connect import seed_for
from provision.ingress.load import load
from provision.sandbox import registrations
from provision.sandbox.azure import SUBSCRIPTION, TENANT, Azure, Clock
from provision.sandbox.service_networking_kinds import ASSOCIATION, CONTROLLER, FRONTEND
from provision.sandbox.service_networking_writes import WRITE_SECONDS
from provision.sandbox.store import Store

PROFILE = "profiles/agc-byo.yaml"
APPLY = (PROVISION, "apply", PROFILE, "--yes")
AZ_SCRIPT = (str(ROOT / "scripts" / "bench-az-gateway"),)

SPEED = 10.0
"""Azure's own durations, ten times faster: what the machine itself takes must stay small beside them."""
ROUND_TRIP = 0.1
"""Seconds from a runner to Azure and back; divided by `SPEED` as well."""

_VARIABLES = {"AZURE_SUBSCRIPTION_ID": SUBSCRIPTION, "AZURE_TENANT_ID": TENANT}


def own_gateway(az: str, az_folder: Path, runs: int) -> list[Figure]:
    """Both to the same gateway, in turns, each on a new sandbox whose subscription is registered already."""
    ours: list[Run] = []
    theirs: list[Run] = []
    for _ in range(runs):
        ours.append(_on_a_new_sandbox(lambda sandbox: run(APPLY, sandbox.variables)))
        theirs.append(
            _on_a_new_sandbox(lambda sandbox: run(AZ_SCRIPT, {**sandbox.variables, "AZ": az}), az_folder)
        )
    chain = (WRITE_SECONDS[CONTROLLER] + WRITE_SECONDS[ASSOCIATION]) / SPEED
    one_by_one = chain + WRITE_SECONDS[FRONTEND] / SPEED
    conditions = f"round trips of {ROUND_TRIP * 1000:.0f} ms, all {SPEED:g} times faster"
    waited = "(time − processor time) / chain"
    return [
        Figure("first apply of agc-byo", _wall(ours), "s", "", f"provision apply {PROFILE}, {conditions}"),
        Figure("  az, the gateway alone", _wall(theirs), "s", "", "scripts/bench-az-gateway, one by one"),
        Figure("  beside az", _wall(ours) / _wall(theirs), "×", "", "our side makes all of the profile"),
        Figure("  controller → association", chain, "s", "", "longest chain of the gateway's operations"),
        Figure("  with frontend in sequence", one_by_one, "s", "", "as the quickstart has them"),
        Figure("  waited, in chains", _waited(ours) / chain, "×", "≤ 1.10", waited),
        Figure("  az waited, in chains", _waited(theirs) / chain, "×", "", waited),
    ]


def _on_a_new_sandbox(work: Callable[[Served], Run], az_folder: Path | None = None) -> Run:
    with served(speed=SPEED, latency=ROUND_TRIP / SPEED, az_folder=az_folder) as sandbox:
        _prepare(sandbox)
        return work(sandbox)


def _prepare(sandbox: Served) -> None:
    """What exists already: the cluster, the network, the registrations that the first gateway waits for."""
    store = Store(sandbox.state)
    try:
        azure = Azure(store, Clock())
        seed_for(azure, load(PROFILE, _VARIABLES).profile)
        with store.transaction():
            for namespace in registrations.NAMESPACES:
                provider = registrations.provider(azure, SUBSCRIPTION, namespace)
                provider["registrationState"] = registrations.REGISTERED
                store.put(registrations.PROVIDER, provider["id"], provider)
                for feature in registrations.features(azure, SUBSCRIPTION, namespace):
                    feature["properties"]["state"] = registrations.REGISTERED
                    store.put(registrations.FEATURE, feature["id"], feature)
    finally:
        store.close()


def _wall(runs: list[Run]) -> float:
    return median(each.wall for each in runs)


def _waited(runs: list[Run]) -> float:
    # processor time is not scaled: at Azure's own pace it is next to nothing
    return median(each.wall - each.processor for each in runs)
