"""The real `az aks mesh` and provision on one sandbox: each reads what the other makes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from contract.az import Az
from provision.__main__ import main

ROOT = Path(__file__).parents[2]
MESH = ("profiles/istio.yaml", "--sandbox")
AKS = ("--resource-group", "rg-aks-mesh", "--name", "aks-mesh")
CLUSTER = "managed_cluster/aks-mesh"

Provision = Callable[..., tuple[int, Any]]


@pytest.fixture
def provision(home: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Provision:
    monkeypatch.setenv("PROVISION_SANDBOX_HOME", str(home.path))
    monkeypatch.chdir(ROOT)

    def run(*arguments: str) -> tuple[int, Any]:
        capsys.readouterr()
        code = main([*arguments, "--format", "json"])
        return code, json.loads(capsys.readouterr().out)

    return run


def of_cluster(plan: Any) -> list[str]:
    """What a plan does to the cluster, if anything."""
    return [each["action"] for each in plan["changes"] if each["resource"] == CLUSTER]


def canary(folder: Path) -> tuple[str, ...]:
    """The profile while it is upgraded to asm-1-30."""
    text = (ROOT / "profiles/istio.yaml").read_text(encoding="utf-8")
    text = text.replace("base.yaml", str(ROOT / "profiles/base.yaml"))
    file = folder / "istio.yaml"
    file.write_text(
        text.replace("  # canary: {revision: asm-1-30, namespaces: [pay]}", "  canary: {revision: asm-1-30}")
    )
    return str(file), "--sandbox"


def test_what_az_makes_plans_to_nothing(provision: Provision, az: Az, tmp_path: Path) -> None:
    code, first = provision("plan", *MESH)  # which makes the cluster in the sandbox
    assert code == 2
    assert of_cluster(first) == ["update"]
    az("aks", "mesh", "enable", *AKS, "--revision", "asm-1-29")
    for kind in ("external", "internal"):
        az("aks", "mesh", "enable-ingress-gateway", *AKS, "--ingress-gateway-type", kind)
    secrets = ("--addons", "azure-keyvault-secrets-provider", "--enable-secret-rotation")
    az("aks", "enable-addons", *AKS, *secrets)
    _, plan = provision("plan", *MESH)
    assert of_cluster(plan) == []
    az("aks", "mesh", "upgrade", "start", *AKS, "--revision", "asm-1-30")
    _, plan = provision("plan", *canary(tmp_path))
    assert of_cluster(plan) == []
    az("aks", "mesh", "upgrade", "rollback", *AKS, "--yes")


def test_az_reads_what_provision_makes(provision: Provision, az: Az, tmp_path: Path) -> None:
    code, outcomes = provision("apply", *MESH, "--yes")
    assert code == 0, outcomes
    shown = az("aks", "show", *AKS)["serviceMeshProfile"]
    assert (shown["mode"], shown["istio"]["revisions"]) == ("Istio", ["asm-1-29"])
    gateways = shown["istio"]["components"]["ingressGateways"]
    assert {each["mode"]: each["enabled"] for each in gateways} == {"External": True, "Internal": True}
    assert az("aks", "mesh", "get-upgrades", *AKS)["upgrades"] == ["asm-1-30"]
    code, outcomes = provision("apply", *canary(tmp_path), "--yes")
    assert code == 0, outcomes
    done = az("aks", "mesh", "upgrade", "rollback", *AKS, "--yes")["serviceMeshProfile"]["istio"]
    assert done["revisions"] == ["asm-1-29"]
    assert provision("plan", *MESH)[0] == 0
    code, outcomes = provision("destroy", *MESH, "--yes")
    assert code == 0, outcomes
    # What az had switched on before provision came stays on.
    assert az("aks", "show", *AKS)["serviceMeshProfile"]["mode"] == "Istio"
