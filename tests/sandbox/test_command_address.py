"""A gateway that gets another address: the records of its hosts go along in the same apply."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from command_line import ROOT, CommandLine

Json = dict[str, Any]
MESH = ("books.corp.contoso.com", "record_set/corp.contoso.com/A/books")
APEX = ("corp.contoso.com", "record_set/corp.contoso.com/A/@")
PUBLIC = ("orders.legacy.contoso.com", "host_record/legacy.contoso.com/orders.legacy.contoso.com")


@pytest.mark.parametrize(
    ("profile", "before", "after", "address", "record"),
    [
        ("istio-internal", {"gateways": {"internal": {}}}, {}, "10.224.0.200", MESH),
        ("private", {"staticIP": None}, {"staticIP": "10.224.0.77"}, "10.224.0.77", APEX),
        ("private", {"staticIP": None}, {"staticIP": None, "loadBalancer": "external"}, "20.", APEX),
        (
            "nginx",
            {"scaling": {"minReplicas": 2, "maxReplicas": 3}},
            {"staticIP": "20.9.9.9"},
            "20.9.9.9",
            PUBLIC,
        ),
    ],
)
def test_the_record_of_a_host_follows_its_gateway(
    provision: CommandLine,
    tmp_path: Path,
    profile: str,
    before: Json,
    after: Json,
    address: str,
    record: tuple[str, str],
) -> None:
    host, resource = record
    file = tmp_path / f"{profile}.yaml"
    write(file, profile, host, before)
    assert provision("apply", str(file), "--sandbox", "--yes").code == 0
    write(file, profile, host, after)
    done = provision("apply", str(file), "--sandbox", "--yes", "--format", "json")
    assert done.code == 0, done.out + done.err
    assert done.statuses()[resource] == "updated"
    assert provision("plan", str(file), "--sandbox").code == 0
    verified = provision("verify", str(file), "--sandbox", "--format", "json", "--host", host).json()
    (record_link,) = [
        each for host in verified["hosts"] for each in host["links"] if each["link"] == "record"
    ]
    assert record_link["status"] == "ok"
    assert address in record_link["detail"]


def write(file: Path, profile: str, host: str, ingress: Mapping[str, Any]) -> None:
    """The profile with other settings of its ingress, and with a host of that name."""
    content = yaml.safe_load((ROOT / f"profiles/{profile}.yaml").read_text(encoding="utf-8"))
    content["extends"] = str(ROOT / "profiles/base.yaml")
    content["ingress"] = {**content["ingress"], **ingress}
    if host not in content["hosts"]:
        content["hosts"][host] = {"namespace": "intranet", "service": {"name": "intranet", "port": 80}}
    file.write_text(yaml.safe_dump(content), encoding="utf-8")
