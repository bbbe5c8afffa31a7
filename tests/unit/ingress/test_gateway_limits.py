"""How much one Application Gateway for Containers holds: a problem at the first host too many."""

from __future__ import annotations

from pathlib import Path

import pytest

from provision.errors import ProfileError
from provision.ingress.load import load

HEAD = """\
apiVersion: provision/v1
name: shop
stage: development
azure: {subscription: 11111111-0000-0000-0000-000000000000}
cluster: {name: aks, resourceGroup: rg}
vaults: {kv-a: {resourceGroup: rg}}
certificates: {all: {vault: kv-a, dnsNames: ["*.a.example"]}}
"""


def problems(
    folder: Path, hosts: int, *, api: str = "gateway-api", secure: bool, spaces: int = 1
) -> list[str]:
    certificate = "certificate: all, " if secure else ""
    lines = [
        f"  h{each}.a.example:"
        f" {{{certificate}namespace: s{each % spaces}, service: {{name: w{each}, port: 80}}}}\n"
        for each in range(hosts)
    ]
    ingress = f"ingress: {{option: application-gateway-for-containers, api: {api}}}\nhosts:\n"
    path = folder / "shop.yaml"
    path.write_text(HEAD + ingress + "".join(lines), encoding="utf-8")
    try:
        load(path, {})
    except ProfileError as error:
        return [problem.message for problem in error.problems]
    return []


@pytest.mark.parametrize(
    ("hosts", "api", "secure", "spaces", "told"),
    [
        (63, "gateway-api", True, 1, []),
        (64, "gateway-api", True, 1, ["h63.a.example it is 65 listeners of one Gateway, and 64"]),
        (100, "gateway-api", True, 2, []),
        (
            102,
            "gateway-api",
            True,
            2,
            [
                "h100.a.example it is 101 references to certificates",
                "h100.a.example it is 101 services",
                "h100.a.example it is 202 routes of one Application Gateway",
            ],
        ),
        (100, "gateway-api", False, 1, []),
        (
            201,
            "gateway-api",
            False,
            1,
            ["h100.a.example it is 101 services", "h200.a.example it is 201 routes"],
        ),
        (100, "ingress", True, 1, []),
        (101, "ingress", True, 1, ["101 references to certificates", "101 services", "202 routes"]),
        (6, "gateway-api", False, 6, ["the hosts are in 6 namespaces, and each needs a frontend"]),
    ],
)
def test_limits(hosts: int, api: str, secure: bool, spaces: int, told: list[str], tmp_path: Path) -> None:
    found = problems(tmp_path, hosts, api=api, secure=secure, spaces=spaces)
    assert len(found) == len(told), found
    assert all(words in message for words, message in zip(told, found, strict=True)), found
