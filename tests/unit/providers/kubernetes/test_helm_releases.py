"""Helm charts: installed once, told apart by their description, read as helm tells them."""

from __future__ import annotations

import json
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from provision.apply.handler import Mark, Work
from provision.errors import ServiceError
from provision.plan.diff import diff
from provision.providers.kubernetes import helm_releases
from provision.providers.kubernetes.helm import LocalHelm, document, parted
from provision.providers.kubernetes.helm_releases import HelmReleases
from provision.providers.kubernetes.kubeconfig import Endpoint
from provision.resources.helm_release import HelmRelease
from provision.resources.observed import Absent, Present, Unread
from provision.resources.values import CaseInsensitive

RELEASE = HelmRelease(
    name="azure-alb-system/alb-controller",
    cluster_id=CaseInsensitive("/subscriptions/s/resourceGroups/rg/providers/x/managedClusters/aks"),
    private=True,
    entra=False,
    access="auto",
    chart="oci://mcr.microsoft.com/application-lb/charts/alb-controller",
    version="1.9.13",
    values={"albController.namespace": "azure-alb-system", "albController.installGatewayApiCRDs": "false"},
)
MARK = Mark("prod", "0123456789abcdef")
ROW = {"name": "alb-controller", "status": "deployed", "chart": "alb-controller-1.9.13", "updated": "now"}
STATUS: dict[str, Any] = {
    "info": {"description": "provision-profile=prod provision-digest=0123456789abcdef"},
    "config": {"albController": {"namespace": "azure-alb-system", "installGatewayApiCRDs": False}},
}


class Recorded:
    """A helm that answers what it is given, and keeps what it was asked."""

    def __init__(self, *answers: tuple[int, str]) -> None:
        self.answers = list(answers)
        self.asked: list[list[str]] = []

    async def run(self, commands: Sequence[Sequence[str]]) -> list[tuple[int, str]]:
        self.asked += [list(each) for each in commands]
        return [self.answers.pop(0) for _ in commands]


def handler(monkeypatch: pytest.MonkeyPatch, helm: Recorded) -> HelmReleases:
    monkeypatch.setattr(helm_releases, "helm_for", lambda *_: helm)
    clients: Any = None
    return HelmReleases(clients)


def answers(row: dict[str, Any] | None = None, status: dict[str, Any] | None = None) -> Recorded:
    rows = [{**ROW, **(row or {})}]
    return Recorded((0, json.dumps(rows)), (0, json.dumps(status or STATUS)))


async def read(monkeypatch: pytest.MonkeyPatch, helm: Recorded) -> Any:
    reading = await handler(monkeypatch, helm).read([RELEASE], "prod")
    return reading.objects[RELEASE.address]


async def test_a_release_that_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    observed = await read(monkeypatch, answers())
    assert isinstance(observed, Present)
    assert (observed.owner, observed.digest) == ("prod", MARK.digest)
    assert diff(RELEASE.properties(), observed.properties) == ()


async def test_a_release_of_others(monkeypatch: pytest.MonkeyPatch) -> None:
    told = {**STATUS, "info": {"description": "Install complete"}}
    observed = await read(monkeypatch, answers(status=told))
    assert isinstance(observed, Present)
    assert observed.owner is None


async def test_a_failed_release_is_installed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    observed = await read(monkeypatch, answers({"status": "failed"}))
    assert isinstance(observed, Present)
    (change,) = diff(RELEASE.properties(), observed.properties)
    assert (change.path, change.before) == ("version", "alb-controller-1.9.13 (failed)")


async def test_an_interrupted_install_is_there_and_pending(monkeypatch: pytest.MonkeyPatch) -> None:
    told = {**STATUS, "info": {**STATUS["info"], "status": "pending-install"}}
    observed = await read(monkeypatch, Recorded((0, "[]"), (0, json.dumps(told))))
    assert isinstance(observed, Present)
    (change,) = diff(RELEASE.properties(), observed.properties)
    assert (change.path, change.before) == ("version", " (pending-install)")


async def test_what_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    missing = Recorded((0, "[]"), (1, "Error: release: not found"))
    assert await read(monkeypatch, missing) == Absent()


async def test_helm_that_fails_is_no_absence(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = Recorded((1, "Error: Kubernetes cluster unreachable"), (1, "Error: …"))
    observed = await read(monkeypatch, broken)
    assert isinstance(observed, Unread)
    assert "Kubernetes cluster unreachable" in str(observed.error)


async def test_warnings_of_helm_are_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    warning = "WARNING: Kubernetes configuration file is group-readable.\n"
    helm = Recorded((0, warning + json.dumps([ROW])), (0, warning + json.dumps(STATUS)))
    assert isinstance(await read(monkeypatch, helm), Present)


async def test_installing_marks_pins_and_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    helm = answers()
    helm.answers.insert(0, (0, "Release has been upgraded."))
    told: list[str] = []
    await handler(monkeypatch, helm).create(RELEASE, Work(MARK, told.append))
    command = helm.asked[0]
    assert command[:4] == ["upgrade", "alb-controller", RELEASE.chart, "--install"]
    assert command[command.index("--version") + 1] == "1.9.13"
    assert command[command.index("--description") + 1] == STATUS["info"]["description"]
    assert "--wait" in command
    assert command[-4:] == [
        *("--set-string", "albController.namespace=azure-alb-system"),
        *("--set", "albController.installGatewayApiCRDs=false"),
    ]
    assert told == ["helm upgrade --install alb-controller, version 1.9.13"]


async def test_a_chart_that_can_not_be_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    helm = Recorded((1, 'Error: failed to download "oci://mcr…"'))
    with pytest.raises(ServiceError, match="failed to download") as caught:
        await handler(monkeypatch, helm).create(RELEASE, Work(MARK, print))
    assert "installing helm_release/azure-alb-system/alb-controller" in str(caught.value)


async def test_what_is_gone_already_is_deleted(monkeypatch: pytest.MonkeyPatch) -> None:
    helm = Recorded((1, "Error: uninstall: Release not loaded: alb-controller: release: not found"))
    await handler(monkeypatch, helm).delete(RELEASE, Present(), Work(MARK, print))
    assert helm.asked[0][:2] == ["uninstall", "alb-controller"]


@pytest.mark.parametrize(
    ("logs", "found"),
    [
        ("a\nb\n=== exit 0\nc\n=== exit 1\n", [(0, "a\nb"), (1, "c")]),
        ("a\n=== exit 0\nhelm: command not found", [(0, "a"), (127, "helm: command not found")]),
    ],
)
def test_outputs_of_one_command_line(logs: str, found: list[tuple[int, str]]) -> None:
    assert parted(logs, 2, 127) == found


async def test_the_helm_of_this_machine_gets_a_kubeconfig_that_is_gone_after_it(tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    script = tmp_path / "helm"
    script.write_text(f'#!/bin/sh\ncp "$4" {seen}; stat -c %a "$4"; echo "$1 $2 $3"; exit 3\n')
    script.chmod(0o755)

    class Way:
        async def credentials(self) -> tuple[Endpoint, str]:
            return Endpoint("https://aks:443", authority=b"CA"), "token"

    way: Any = Way()
    [(code, output)] = await LocalHelm(str(script), way).run([["list", "--all"]])
    assert (code, output) == (3, "600\nlist --all --kubeconfig\n")
    assert "token: token" in seen.read_text()
    assert stat.S_ISREG(seen.stat().st_mode)


def test_a_kubeconfig_with_a_client_certificate() -> None:
    made: Any = document(Endpoint("https://aks", certificate=b"C", key=b"K"), "")
    assert made["users"][0]["user"] == {"client-certificate-data": "Qw==", "client-key-data": "Sw=="}
    assert made["clusters"][0]["cluster"] == {"server": "https://aks"}
