"""How many hosts a Gateway takes: a problem at the first host too many."""

from __future__ import annotations

from pathlib import Path

import pytest

from provision.errors import ProfileError
from provision.ingress.load import load

HEAD = """\
apiVersion: provision/v1
name: shop
azure: {subscription: 11111111-0000-0000-0000-000000000000}
cluster: {name: aks, resourceGroup: rg}
ingress: {option: app-routing, implementation: gateway-api}
hosts:
"""


def profile(folder: Path, hosts: int) -> Path:
    path = folder / "shop.yaml"
    lines = (
        f"  h{number}.a.example: {{namespace: web, service: {{name: web, port: 80}}, tls: passthrough}}\n"
        for number in range(hosts)
    )
    path.write_text(HEAD + "".join(lines), encoding="utf-8")
    return path


def test_a_gateway_has_63_hosts_with_tls(tmp_path: Path) -> None:
    load(profile(tmp_path, 63), {})


def test_the_64th_is_a_problem_where_it_stands(tmp_path: Path) -> None:
    with pytest.raises(ProfileError) as caught:
        load(profile(tmp_path, 65), {})
    (problem,) = caught.value.problems
    assert problem.line == HEAD.count("\n") + 64
    assert "namespace web has more hosts with TLS than a Gateway has listeners" in problem.message
