"""The custom roles that provision writes, made and assigned by the real az, and what they are good for."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from contract.az import Az, AzError, log_in, runner
from provision.sandbox.azure import SUBSCRIPTION
from provision.sandbox.home import Home, environment
from provision.sandbox.seed import CLIENTS

ROOT = Path(__file__).parents[2]
RUNNER = CLIENTS["nobody"]


def provision(home: Home, *arguments: str, client: str = "owner") -> subprocess.CompletedProcess[str]:
    known = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "PROVISION_SANDBOX_HOME": str(home.path),
        "PROVISION_SANDBOX_CLIENT": client,
    }
    return subprocess.run(
        [sys.executable, "-m", "provision", *arguments],
        cwd=ROOT,
        env=known,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_commands_make_an_identity_that_can_apply(executable: str, home: Home) -> None:
    """`provision roles --format az`, typed; before it the identity can do nothing."""
    profile = ("profiles/dev.yaml", "--sandbox")
    assert provision(home, "plan", *profile).returncode == 2
    assert provision(home, "apply", *profile, client=RUNNER.name).returncode == 1
    commands = provision(home, "roles", *profile, "--format", "az")
    assert commands.returncode == 0, commands.stderr

    server = home.running()
    assert server is not None
    known = {**os.environ, **environment(home, server), "OBJECT_ID": RUNNER.object_id}
    log_in(runner(executable, known), "owner")
    path = f"{Path(executable).parent}{os.pathsep}{os.environ['PATH']}"
    typed = subprocess.run(
        ["bash", "-euc", commands.stdout],
        env={**known, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert typed.returncode == 0, typed.stderr

    az = runner(executable, known)
    held = az("role", "assignment", "list", "--assignee-object-id", RUNNER.object_id, "--all")
    assert {each["roleDefinitionName"] for each in held} == {"provision dev", "provision dev (subscription)"}
    narrowed = [each for each in held if each.get("condition")]
    assert {each["roleDefinitionName"] for each in narrowed} == {"provision dev"}
    assert all("befefa01-2a29-4197-83a8-272ff33ce314" in each["condition"] for each in narrowed)

    done = provision(home, "apply", *profile, client=RUNNER.name)
    assert done.returncode == 0, done.stdout
    assert provision(home, "drift", *profile, client=RUNNER.name).returncode == 0


def test_each_file_is_what_az_takes(az: Az, home: Home, tmp_path: Path) -> None:
    written = provision(
        *(home, "roles", "profiles/private.yaml", "--sandbox"),
        *("--format", "json", "--name", "Contoso ingress", "--output", str(tmp_path)),
    )
    assert written.returncode == 0, written.stderr
    files = sorted(tmp_path.iterdir())
    assert [file.name for file in files] == ["contoso-ingress-subscription.json", "contoso-ingress.json"]
    for file in files:
        wanted = json.loads(file.read_text())
        made = az("role", "definition", "create", "--role-definition", f"@{file}")
        assert made["roleName"] == wanted["Name"]
        [permission] = made["permissions"]
        assert sorted(permission["actions"]) == sorted(wanted["Actions"])
        assert sorted(permission["dataActions"]) == sorted(wanted["DataActions"])
        [listed] = az("role", "definition", "list", "--name", wanted["Name"])
        assert listed["assignableScopes"] == wanted["AssignableScopes"]


def test_a_custom_role_stays_where_it_is_assignable(az: Az) -> None:
    group = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-dns"
    role = {
        "Name": "Contoso zones",
        "Actions": ["Microsoft.Network/dnsZones/read"],
        "AssignableScopes": [group],
    }
    az("role", "definition", "create", "--role-definition", json.dumps(role))
    with pytest.raises(AzError, match="RoleDefinitionWithSameNameExists"):
        az("role", "definition", "create", "--role-definition", json.dumps(role))
    who = ("--assignee-object-id", RUNNER.object_id, "--assignee-principal-type", "ServicePrincipal")
    az("role", "assignment", "create", *who, "--role", "Contoso zones", "--scope", group)
    elsewhere = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-security"
    with pytest.raises(AzError, match=r"Role 'Contoso zones' doesn't exist"):
        az("role", "assignment", "create", *who, "--role", "Contoso zones", "--scope", elsewhere)
