"""Ctrl-C, and clusters that are busy: in processes of their own, against a served sandbox.

The cluster's update goes on until a test lets it go, so that nothing here depends on how fast a machine is.
"""

from __future__ import annotations

import asyncio
import json
import re
import signal
from pathlib import Path

import pytest
from command_line import CLUSTER, CLUSTER_KIND, LEGACY, PROD, CommandLine, held, start

STARTED = "updating managed_cluster/aks-prod"
STOPPING = "stopping: waiting for what runs; press Ctrl-C again to leave at once"


def sums(seen: list[str]) -> dict[str, int]:
    """`12 changes: 9 created, 1 updated.` as a dict, with `changes` for the total."""
    (line,) = [each for text in seen for each in text.splitlines() if re.match(r"\d+ changes: ", each)]
    return {word: int(number) for number, word in re.findall(r"(\d+) (\w+)", line)}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_interrupt_drains(number: int, provision: CommandLine) -> None:
    async def interrupted() -> None:
        async with held(provision.home) as sandbox:
            run = await start(provision.home, "apply", *PROD)
            await run.until(STARTED)
            run.interrupt(number)
            await run.until(STOPPING)
            await sandbox.accepted.wait()
            sandbox.let_go()
            code = await run.end()
            ended = sums(run.seen)
            assert ended.pop("changes") == sum(ended.values()) == 29
            assert ended["updated"] == 1  # what ran was waited for
            assert code == (1 if "skipped" in ended else 0)
            assert "Traceback" not in "".join(run.seen)

    asyncio.run(interrupted())
    assert provision("apply", *PROD).code == 0
    assert provision("drift", *PROD).code == 0


def test_what_had_not_begun_is_skipped(provision: CommandLine) -> None:
    """The grants of the NGINX profile wait for the identity that the cluster's update makes."""

    async def interrupted() -> None:
        async with held(provision.home) as sandbox:
            run = await start(provision.home, "apply", *LEGACY)
            await run.until("updating managed_cluster/aks-legacy")
            run.interrupt(signal.SIGINT)
            await run.until(STOPPING)
            await sandbox.accepted.wait()
            sandbox.let_go()
            assert await run.end() == 1
            ended = sums(run.seen)
            assert ended.pop("changes") == sum(ended.values()) == 15
            assert (ended["updated"], ended["skipped"]) == (1, 7)
            text = "".join(run.seen)
            assert "skipped   access_policy/kv-contoso-legacy/webapprouting: interrupted" in text

    asyncio.run(interrupted())
    again = provision("apply", *LEGACY)
    assert again.code == 0
    assert "7 created, 8 unchanged." in again.out


def test_the_second_interrupt_leaves_at_once(provision: CommandLine) -> None:
    async def interrupted() -> None:
        async with held(provision.home) as sandbox:
            run = await start(provision.home, "apply", *PROD, "--format", "json")
            await run.until(STARTED)
            await sandbox.accepted.wait()
            run.interrupt(signal.SIGINT)
            await run.until(STOPPING)
            run.interrupt(signal.SIGINT)
            assert await run.end() == 1  # although the update still runs
            assert sandbox.running() == [CLUSTER.lower()]
            text = "".join(run.seen)
            assert "Traceback" not in text
            outcomes = json.loads(text[text.index("\n{\n") :])["outcomes"]
            assert len(outcomes) == 29
            (cluster,) = [each for each in outcomes if each["resource"] == "managed_cluster/aks-prod"]
            assert cluster["status"] == "failed"
            assert "left while it was running; the service may still be at it" in cluster["error"]

            again = await start(provision.home, "apply", *PROD)
            await again.until("cluster is Updating, waiting for that operation to end")
            sandbox.let_go()
            assert await again.end() == 0

    asyncio.run(interrupted())
    assert provision("drift", *PROD).code == 0


async def test_a_check_of_drift_is_not_held_up_by_a_busy_cluster(tmp_path: Path) -> None:
    async with held(tmp_path) as sandbox:
        run = await start(tmp_path, "apply", *PROD)
        await sandbox.accepted.wait()
        drift = await start(tmp_path, "drift", *PROD, "--format", "json")
        assert await drift.end() in (0, 2)
        assert sandbox.running() == [CLUSTER.lower()]
        sandbox.let_go()
        assert await run.end() == 0


async def test_an_update_of_somebody_elses_is_waited_for(tmp_path: Path) -> None:
    async with held(tmp_path) as sandbox:
        seeded = await start(tmp_path, "plan", *PROD)
        assert await seeded.end() == 2
        store = sandbox.sandbox.azure.store
        cluster = store.get(CLUSTER_KIND, CLUSTER)
        assert cluster is not None
        cluster["properties"]["provisioningState"] = "Upgrading"
        store.put(CLUSTER_KIND, CLUSTER, cluster)

        run = await start(tmp_path, "apply", *PROD)
        await run.until("cluster is Upgrading, waiting for that operation to end")
        assert not sandbox.accepted.is_set()
        cluster["properties"]["provisioningState"] = "Succeeded"
        store.put(CLUSTER_KIND, CLUSTER, cluster)
        await sandbox.accepted.wait()
        sandbox.let_go()
        assert await run.end() == 0
