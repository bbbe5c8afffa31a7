"""A profile of DNS alone that a test writes and runs `provision` on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from command_line import CommandLine, Ran

from provision.sandbox.azure import SUBSCRIPTION

BASE: dict[str, Any] = {
    "apiVersion": "provision/v1",
    "name": "names",
    "azure": {"subscription": SUBSCRIPTION},
    "cluster": {"name": "aks", "resourceGroup": "rg"},
    "ingress": {"option": "app-routing"},
    "dns": {"zones": {"contoso.com": {"resourceGroup": "rg-dns"}}},
}


class Profile:
    """A profile file that a test writes and runs `provision` on."""

    def __init__(self, provision: CommandLine, file: Path) -> None:
        self.provision = provision
        self.file = file

    def write(self, **dns: Any) -> None:
        says = {**BASE, "dns": {**BASE["dns"], **dns}}
        self.file.write_text(yaml.safe_dump(says, allow_unicode=True), encoding="utf-8")

    def run(self, command: str, *arguments: str) -> Ran:
        return self.provision(command, str(self.file), "--sandbox", *arguments)

    def export(self, zone: str, *arguments: str) -> Ran:
        return self.provision("zone", "export", str(self.file), zone, "--sandbox", *arguments)

    def apply(self, **dns: Any) -> dict[str, str]:
        self.write(**dns)
        return self.again()

    def again(self) -> dict[str, str]:
        ran = self.run("apply", "--yes", "--format", "json")
        assert ran.code == 0, ran.out + ran.err
        return ran.statuses()

    def in_sync(self) -> bool:
        plan, drift = self.run("plan"), self.run("drift")
        return (plan.code, drift.code) == (0, 0)


@pytest.fixture
def profile(provision: CommandLine, tmp_path: Path) -> Profile:
    return Profile(provision, tmp_path / "names.yaml")
