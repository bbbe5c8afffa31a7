"""A mesh's own certificate authority in vaults that the seed does not hold anyway."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from command_line import ROOT, CommandLine, Ran

OTHER = "11111111-2222-4333-8444-555555555555"
SECRETS = ["root-cert", "ca-cert", "ca-key", "cert-chain"]

Run = Callable[[str], Ran]


@pytest.fixture
def run(provision: CommandLine, tmp_path: Path, request: pytest.FixtureRequest) -> Run:
    """Commands on profiles/istio-internal.yaml with an authority in a vault of these settings."""
    profile: dict[str, Any] = yaml.safe_load((ROOT / "profiles/istio-internal.yaml").read_text("utf-8"))
    profile["extends"] = str(ROOT / "profiles/base.yaml")
    profile["vaults"]["kv-mesh"] = {"resourceGroup": "rg-mesh", **request.param}
    profile["ingress"]["certificateAuthority"] = {"vault": "kv-mesh"}
    # no pinned address: to pin one of a Service that is there already takes a second apply
    profile["ingress"]["gateways"] = {"internal": {}}
    file = tmp_path / "mesh.yaml"
    file.write_text(yaml.safe_dump(profile), encoding="utf-8")
    confirmed = {"apply": ["--yes"]}
    return lambda command: provision(command, str(file), "--sandbox", *confirmed.get(command, []))


def seeded(ran: Ran) -> list[str]:
    """The secrets that the seed has laid down."""
    lines = (line.split() for line in ran.err.splitlines() if line.startswith("sandbox: seeded secret "))
    return [words[3] for words in lines]


@pytest.mark.parametrize("run", [{"subscription": OTHER}], indirect=True)
def test_a_vault_of_another_subscription(run: Run) -> None:
    applied = run("apply")
    assert applied.code == 0, applied.out + applied.err
    assert seeded(applied) == SECRETS
    again = run("plan")
    assert again.code == 0, again.out
    assert seeded(again) == []


@pytest.mark.parametrize("run", [{"create": True}], indirect=True)
def test_a_vault_that_the_first_apply_makes(run: Run) -> None:
    """As in Azure nobody can lay the secrets down before; the next run finds them."""
    first = run("apply")
    assert first.code == 1
    assert seeded(first) == []
    assert "A secret with (name/id) root-cert was not found in this key vault" in first.out + first.err
    second = run("apply")
    assert second.code == 0, second.out + second.err
    assert seeded(second) == SECRETS
    assert run("plan").code == 0
