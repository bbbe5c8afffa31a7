"""Saved plans, narrowed plans, taking over, and the form of the output."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import (
    CLUSTER,
    CLUSTER_KIND,
    PROD,
    ROOT,
    ZONE,
    ZONE_KIND,
    Applied,
    CommandLine,
    environment,
)

from provision.sandbox.seed import CLIENTS

ESCAPE = "\x1b["


@pytest.fixture
def plan_file(provision: CommandLine, tmp_path: Path) -> str:
    """The saved plan of a first apply."""
    file = str(tmp_path / "plan.json")
    assert provision("plan", *PROD, "-o", file).code == 2
    return file


def test_a_saved_plan_is_applied_as_it_was_shown(provision: CommandLine, plan_file: str) -> None:
    planned = [change["resource"] for change in json.loads(Path(plan_file).read_text())["changes"]]
    done = provision("apply", plan_file, "--sandbox", "--format", "json")
    assert done.code == 0
    assert [a for a, status in done.statuses().items() if status != "unchanged"] == planned
    assert provision("drift", *PROD).code == 0


def test_a_saved_plan_may_delete_without_being_asked_again(
    provision: CommandLine, applied: Applied, tmp_path: Path
) -> None:
    """It was reviewed: that is what it is for."""
    applied("prod")
    narrower = tmp_path / "narrower.yaml"
    narrower.write_text(
        f"extends: {ROOT}/profiles/prod.yaml\n"
        'dns: {records: [{zone: contoso.com, name: "@", type: CAA, values: [\'0 issue "digicert.com"\']}]}\n'
    )
    file = str(tmp_path / "plan.json")
    assert provision("plan", str(narrower), "--sandbox", "-o", file).code == 2
    refused = provision("apply", str(narrower), "--sandbox")
    assert (refused.code, refused.writes()) == (1, [])
    assert "Review it, then run the same command with --yes." in refused.err
    done = provision("apply", file, "--sandbox", "--format", "json")
    assert done.code == 0
    assert done.statuses()["record_set/contoso.com/CNAME/status"] == "deleted"


def test_a_change_in_between_refuses_the_plan_and_names_it(provision: CommandLine, plan_file: str) -> None:
    with provision.azure() as azure:
        cluster = azure.store.get(CLUSTER_KIND, CLUSTER)
        assert cluster is not None
        cluster["properties"]["ingressProfile"] = {"gatewayAPI": {"installation": "Standard"}}
        azure.store.put(CLUSTER_KIND, CLUSTER, cluster)
    done = provision("apply", plan_file, "--sandbox")
    assert (done.code, done.writes()) == (1, [])
    why, fix = done.err.splitlines()[-2:]
    assert why.endswith("what is there has changed since it was made: managed_cluster/aks-prod")
    assert fix == "Plan again, review, then apply the new plan."


def test_a_plan_that_was_applied_is_stale(provision: CommandLine, plan_file: str) -> None:
    assert provision("apply", plan_file, "--sandbox").code == 0
    again = provision("apply", plan_file, "--sandbox")
    assert (again.code, again.writes()) == (1, [])
    assert "what is there has changed since it was made: dns_zone/contoso.com" in again.err


def test_a_plan_holds_no_secrets(provision: CommandLine, plan_file: str) -> None:
    text = Path(plan_file).read_text()
    with provision.azure() as azure:
        key = azure.store.get("sandbox", "signing-key")
    assert key is not None
    secrets = [client.secret for client in CLIENTS.values()] + [key["key"], "eyJ"]
    assert [secret for secret in secrets if secret in text] == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"format": 99, "changes": []}', "it has format 99, this version reads"),
        ('{"format": 1, "changes": []}', "not a saved plan ("),
        ('{"format": 1, "changes": [', "not a saved plan ("),
        ('["changes"]', "apiVersion"),
    ],
)
def test_a_broken_plan_file(content: str, message: str, provision: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    file.write_text(content)
    done = provision("apply", str(file), "--sandbox")
    assert (done.code, done.calls) == (1, ())
    assert message in done.err
    assert str(file) in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize("profile", ['{"nonsense": true}', '"text"', "[]", '{"name": 5}', "null"])
def test_a_plan_file_with_a_broken_profile_in_it(
    profile: str, provision: CommandLine, plan_file: str
) -> None:
    body = json.loads(Path(plan_file).read_text())
    body["profile"] = json.loads(profile)
    Path(plan_file).write_text(json.dumps(body))
    done = provision("apply", plan_file, "--sandbox")
    assert (done.code, done.calls) == (1, ())
    assert plan_file in done.err
    assert "Traceback" not in done.err


def test_a_plan_takes_no_arguments_of_planning(provision: CommandLine, plan_file: str) -> None:
    done = provision("apply", plan_file, "--sandbox", "--adopt")
    assert done.code == 1
    assert "--target and --adopt belong to the plan" in done.err


def test_a_plan_that_cannot_be_written(provision: CommandLine, tmp_path: Path) -> None:
    done = provision("plan", *PROD, "-o", str(tmp_path / "absent" / "plan.json"))
    assert done.code == 1
    assert (
        done.err.splitlines()[-1] == f"Error: writing {tmp_path}/absent/plan.json: No such file or directory"
    )


def test_a_target_takes_along_what_it_needs_and_nothing_else(provision: CommandLine, tmp_path: Path) -> None:
    target = ("--target", "record_set/contoso.com/CNAME/status")
    done = provision("apply", *PROD, *target, "--format", "json")
    assert done.code == 0
    assert done.statuses() == {
        "dns_zone/contoso.com": "created",
        "record_set/contoso.com/CNAME/status": "created",
    }
    file = str(tmp_path / "plan.json")
    assert provision("plan", *PROD, "--target", "certificate/kv-contoso-prod/shop-tls", "-o", file).code == 2
    done = provision("apply", file, "--sandbox", "--format", "json")
    assert done.statuses() == {
        "key_vault/kv-contoso-prod": "unchanged",
        "certificate/kv-contoso-prod/shop-tls": "created",
    }


def test_a_target_that_is_not_there(provision: CommandLine) -> None:
    done = provision("plan", *PROD, "--target", "dns_zone/example.org")
    assert done.code == 1
    assert "no resource dns_zone/example.org in this profile" in done.err
    assert "dns_zone/contoso.com, " in done.err


def unmarked_record(provision: CommandLine) -> None:
    """The record that the profile declares is there, differs, and is not ours."""
    with provision.azure() as azure:
        record = azure.store.get(f"{ZONE_KIND}/recordsets", f"{ZONE}/CNAME/status")
        assert record is not None
        record["properties"] |= {"TTL": 60, "metadata": {"team": "web"}}
        azure.store.put(f"{ZONE_KIND}/recordsets", record["id"], record)


def test_what_is_not_ours_is_taken_over_only_when_told(provision: CommandLine, applied: Applied) -> None:
    applied("prod")
    unmarked_record(provision)
    refused = provision("apply", *PROD)
    assert (refused.code, refused.writes()) == (1, [])
    assert "exists and does not carry our mark" in refused.out
    assert "take it over with --adopt" in refused.out
    assert provision("plan", *PROD).code == 1

    adopted = provision("apply", *PROD, "--adopt", "--format", "json")
    assert adopted.code == 0
    changed = {a: s for a, s in adopted.statuses().items() if s != "unchanged"}
    assert changed == {"record_set/contoso.com/CNAME/status": "updated"}
    record = provision.document(f"{ZONE_KIND}/recordsets", f"{ZONE}/CNAME/status")
    metadata = record["properties"]["metadata"]
    assert (metadata["team"], metadata["provision_profile"]) == ("web", "prod")


OUTCOMES = {"profile", "outcomes", "unchecked"}
FORMS: list[tuple[tuple[str, ...], int, set[str]]] = [
    (("plan", *PROD), 2, {"profile", "changes", "unchanged", "unchecked", "errors", "notes"}),
    (("apply", *PROD), 0, OUTCOMES),
    (("destroy", *PROD, "--yes"), 0, OUTCOMES),
    (
        ("drift", *PROD),
        2,
        {"profile", "inSync", "checked", "findings", "ignored", "unchecked"},
    ),
    (("options",), 0, set()),
    (("validate", "profiles/prod.yaml"), 1, set()),
]


@pytest.mark.parametrize(("arguments", "code", "keys"), FORMS, ids=[form[0][0] for form in FORMS])
def test_json_of_every_command(
    arguments: tuple[str, ...], code: int, keys: set[str], provision: CommandLine
) -> None:
    done = provision(*arguments, "--format", "json")
    assert done.code == code
    body = done.json()
    described = body[0] if isinstance(body, list) else body
    assert keys <= set(described)
    assert ESCAPE not in done.out


def test_json_of_a_plan_and_of_outcomes(provision: CommandLine) -> None:
    plan = provision("plan", *PROD, "--format", "json").json()
    (zone,) = [change for change in plan["changes"] if change["resource"] == "dns_zone/contoso.com"]
    assert zone == {
        "resource": "dns_zone/contoso.com",
        "action": "create",
        "reason": "does not exist",
        "fields": [],
    }
    done = provision("apply", *PROD, "--format", "json")
    (outcome,) = [each for each in done.json()["outcomes"] if each["resource"] == "dns_zone/contoso.com"]
    assert set(outcome) == {"resource", "action", "status", "seconds", "reason", "error"}
    assert "creating dns_zone/contoso.com" in done.err  # what happens is told beside the result


def test_json_names_obstacles(provision: CommandLine, applied: Applied) -> None:
    applied("prod")
    unmarked_record(provision)
    plan = provision("plan", *PROD, "--format", "json")
    assert plan.code == 1
    (error,) = plan.json()["errors"]
    assert error["resource"] == "record_set/contoso.com/CNAME/status"


@pytest.mark.parametrize("command", ["plan", "apply", "drift"])
def test_what_is_not_a_terminal_gets_no_colours(command: str, provision: CommandLine) -> None:
    done = provision(command, *PROD)
    assert ESCAPE not in done.out + done.err


@pytest.mark.parametrize(("variables", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_a_terminal_gets_colours_unless_told_otherwise(
    variables: dict[str, str], coloured: bool, tmp_path: Path
) -> None:
    assert (ESCAPE in on_a_terminal(tmp_path, variables, "plan", *PROD)) is coloured


def on_a_terminal(home: Path, variables: dict[str, str], *arguments: str) -> str:
    """What a run writes to a terminal of its own."""
    ours, theirs = pty.openpty()
    try:
        with subprocess.Popen(
            [sys.executable, "-m", "provision", *arguments],
            env=environment(home, TERM="xterm", **variables),
            cwd=ROOT,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
        ) as process:
            os.close(theirs)
            theirs = -1
            parts = []
            while part := _read(ours):
                parts.append(part)
        assert process.returncode in (0, 1, 2)
        return b"".join(parts).decode()
    finally:
        os.close(ours)
        if theirs >= 0:
            os.close(theirs)


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except OSError:  # how Linux says that the other side is closed
        return b""
