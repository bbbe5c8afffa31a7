"""apply, plan and drift over the life of a profile."""

from __future__ import annotations

import asyncio

import pytest
from command_line import CLUSTER, IDENTITY, PROD, VAULT, ZONE, Applied, CommandLine

from provision.cli import connect
from provision.resources.manifest import CLUSTER_EXTERNAL_DNS, OWNED
from provision.sandbox.azure import SUBSCRIPTION, Answer
from provision.sandbox.gateway import Gateway
from provision.sandbox.http import Request

RESOURCES = 29
"""Of profiles/prod.yaml."""
OBJECTS = 12
"""Of those, what is applied inside the cluster."""
NAMESPACES = 2
"""What is only used there."""


@pytest.mark.parametrize("name", ["prod", "dev", "nginx", "private"])
def test_a_profile_is_applied_once_and_then_in_sync(name: str, provision: CommandLine) -> None:
    profile = (f"profiles/{name}.yaml", "--sandbox")
    before = provision("plan", *profile, "--format", "json")
    assert before.code == 2
    planned = before.json()
    done = provision("apply", *profile, "--format", "json")
    assert done.code == 0
    first = done.statuses()
    assert set(first) == {change["resource"] for change in planned["changes"]} | set(planned["unchanged"])
    assert set(first.values()) <= {"created", "updated", "unchanged"}
    assert [address for address, status in first.items() if status == "unchanged"] == planned["unchanged"]

    again = provision("apply", *profile, "--format", "json")
    assert again.code == 0
    assert set(again.statuses().values()) == {"unchanged"}
    assert again.writes() == []
    after = provision("plan", *profile)
    assert after.code == 0
    assert after.out.splitlines()[-1].startswith("No changes: ")
    drift = provision("drift", *profile)
    assert (drift.code, "in sync" in drift.out) == (0, True)


def test_a_plan_changes_nothing(provision: CommandLine) -> None:
    assert provision("plan", *PROD).writes() == []
    assert provision("plan", *PROD).code == 2


def test_one_put_of_the_cluster_and_each_object_written_once(provision: CommandLine) -> None:
    done = provision("apply", *PROD, "--format", "json")
    assert done.code == 0
    assert len(done.cluster_puts()) == 1
    accepted = [call for call in done.writes() if call.status != 401]  # a vault's challenge
    written = [
        address
        for address, status in done.statuses().items()
        if status != "unchanged" and not address.startswith("host_record/")  # written inside the cluster
    ]
    assert len(accepted) == len(written)
    assert len({(call.method, call.path) for call in accepted}) == len(accepted)


def test_a_check_of_drift_takes_few_rounds_and_few_requests(
    provision: CommandLine, applied: Applied, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No answer of a round is given before all its requests are there: another round would wait for ever."""
    applied("prod")
    expected = {
        CLUSTER: 1,
        ZONE: 1,
        f"{ZONE}/all": 1,  # every record set in one list
        f"{ZONE}/A/api": 1,
        f"{ZONE}/A/shop": 1,
        VAULT: 1,
        IDENTITY: 1,
        f"{IDENTITY}/federatedIdentityCredentials": 1,
        "/certificates/shop-tls/": 1,
        "/certificates/api-tls/": 1,
        "/certificates": 1,  # what is there besides
        f"/subscriptions/{SUBSCRIPTION}/resources": 1,  # whatever carries our tags
    }
    later = {
        # every role of the identity in one list
        f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/roleAssignments": 1,
        "/certificates/shop-tls/": 1,  # with the token that the challenge asked for
        "/certificates/api-tls/": 1,
        "/certificates": 1,
    }
    rounds = Rounds([expected, later])
    handle = Gateway.handle

    async def in_rounds(self: Gateway, request: Request, content: bytes) -> Answer:
        await rounds.arrive(request.path)
        return await handle(self, request, content)

    monkeypatch.setattr(Gateway, "handle", in_rounds)
    monkeypatch.setattr(connect, "CONNECTIONS", 0)  # as many as to Azure
    drift = provision("drift", *PROD)
    assert drift.code == 0, drift.err
    tokens = [call for call in drift.calls if call.path.endswith("/token")]
    challenges = [call for call in drift.calls if call.status == 401]
    assert len(tokens) == 3  # the resource manager's, the vault's and the API server's
    assert len(challenges) <= 3
    inside = drift.below("/kubernetes/")
    bound = RESOURCES - OBJECTS - NAMESPACES + len(tokens) + len(challenges) + len(inside)
    assert len(drift.calls) <= bound
    dry_runs = [call for call in inside if call.method == "PATCH"]
    every_writer = CLUSTER_EXTERNAL_DNS.path()  # those of others too
    lists = [call for call in inside if "labelselector" in call.query or call.path.endswith(every_writer)]
    assert (len(dry_runs), len(lists)) == (OBJECTS, len(OWNED))
    copies = [call for call in inside if "/secrets/" in call.path]  # to compare with the vault's certificates
    assert len(copies) == 2
    assert len(inside) == 2 * OBJECTS + NAMESPACES + len(OWNED) + len(copies)


class Rounds:
    """Lets the requests of a round through once all of them have arrived."""

    def __init__(self, rounds: list[dict[str, int]]) -> None:
        self._missing = [{path.lower(): count for path, count in each.items()} for each in rounds]
        self._complete = [asyncio.Event() for _ in rounds]

    async def arrive(self, path: str) -> None:
        if path.endswith("/token"):
            return
        if path.endswith("/listClusterUserCredential"):  # needs the cluster, which the first round reads
            assert self._complete[0].is_set()
            return
        if path.startswith("/kubernetes/"):  # needs every value, and the certificates' are in the second
            assert self._complete[1].is_set()
            return
        for missing, complete in zip(self._missing, self._complete, strict=True):
            if missing.get(path.lower()):
                missing[path.lower()] -= 1
                if not any(missing.values()):
                    complete.set()
                async with asyncio.timeout(20):  # only a broken client ever waits so long
                    await complete.wait()
                return
        raise AssertionError(f"{path} belongs to no round")
