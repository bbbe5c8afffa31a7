"""The real `az aks command` against the sandbox's run command."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from contract.az import Az, AzError, log_in
from provision.sandbox.seed import CLIENTS

DEV = ("-g", "rg-aks-dev", "-n", "aks-dev")
PROD = ("-g", "rg-aks-prod", "-n", "aks-prod")
"""An Entra cluster: az sends a cluster token."""

CONFIG = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: sent}\ndata: {by: az}\n"


def test_invoke_prints_exit_code_and_logs(az: Az) -> None:
    done = az("aks", "command", "invoke", *DEV, "--command", "kubectl get ns kube-system -o name; exit 5")
    assert done["provisioningState"] == "Succeeded"
    assert (done["exitCode"], done["logs"]) == (5, "namespace/kube-system\n")
    assert done["startedAt"] <= done["finishedAt"]


def test_a_result_can_be_fetched_later(az: Az) -> None:
    done = az("aks", "command", "invoke", *DEV, "--command", "echo again")
    found = az("aks", "command", "result", *DEV, "--command-id", done["id"])
    assert (found["id"], found["logs"]) == (done["id"], "again\n")


def test_files_are_attached(az: Az, tmp_path: Path) -> None:
    manifest, note = tmp_path / "sent.yaml", tmp_path / "note.txt"
    manifest.write_text(CONFIG)
    note.write_text("hello\n")
    files = ("--file", str(manifest), "--file", str(note))
    command = (
        "cat note.txt; kubectl apply --server-side -f sent.yaml; kubectl get cm sent -o jsonpath={.data.by}"
    )
    done = az("aks", "command", "invoke", *DEV, *files, "--command", command)
    assert (done["exitCode"], done["logs"]) == (0, "hello\nconfigmap/sent serverside-applied\naz")


def test_a_whole_folder_is_attached(az: Az, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "a.txt").write_text("deep\n")
    monkeypatch.chdir(tmp_path)
    done = az("aks", "command", "invoke", *DEV, "--file", ".", "--command", "cat below/a.txt")
    assert done["logs"] == "deep\n"


def test_an_entra_cluster_takes_the_callers_rights(az: Az, az_as: Callable[[str], Az]) -> None:
    command = ("--command", "kubectl create namespace by-az --dry-run=server")
    assert az("aks", "command", "invoke", *PROD, *command)["logs"] == (
        "namespace/by-az created (server dry run)\n"
    )
    # may run commands, and is nobody in the cluster
    az(
        *("role", "assignment", "create", "--role", "Azure Kubernetes Service Contributor Role"),
        *("--assignee-object-id", CLIENTS["nobody"].object_id, "--assignee-principal-type"),
        *("ServicePrincipal", "--scope", az("aks", "show", *PROD)["id"]),
    )
    nobody = az_as("nobody")
    log_in(nobody, "nobody")
    refused = nobody("aks", "command", "invoke", *PROD, *command)
    assert refused["exitCode"] == 1
    assert refused["logs"].startswith("Error from server (Forbidden): namespaces is forbidden: User ")


def test_a_reader_may_not_run_commands(az_as: Callable[[str], Az]) -> None:
    reader = az_as("reader")
    log_in(reader, "reader")
    with pytest.raises(AzError, match="managedClusters/runcommand/action"):
        reader("aks", "command", "invoke", *DEV, "--command", "kubectl get ns")


def test_a_cluster_may_refuse_commands(az: Az) -> None:
    az("aks", "update", *DEV, "--disable-run-command")
    try:
        with pytest.raises(AzError, match="Run command is disabled"):
            az("aks", "command", "invoke", *DEV, "--command", "kubectl get ns")
    finally:
        az("aks", "update", *DEV, "--enable-run-command")
