"""A host whose service does TLS itself: the connection is passed through, by name alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import CommandLine

PROFILE = """\
apiVersion: provision/v1
name: pass
azure: {{tenant: "${{AZURE_TENANT_ID}}", subscription: "${{AZURE_SUBSCRIPTION_ID}}"}}
cluster: {{name: {cluster}, resourceGroup: {group}}}
ingress: {{option: app-routing, implementation: gateway-api}}
dns: {{zones: {{dev.contoso.com: {{resourceGroup: rg-dns}}}}}}
hosts:
  mq.dev.contoso.com: {{namespace: web, service: {{name: mq, port: 8443}}, tls: passthrough}}
"""


@pytest.fixture
def profile(tmp_path: Path) -> Path:
    path = tmp_path / "pass.yaml"
    path.write_text(PROFILE.format(cluster="aks-dev", group="rg-aks-dev"))
    return path


def test_the_service_answers_with_its_own_certificate(provision: CommandLine, profile: Path) -> None:
    arguments = (str(profile), "--sandbox", "--format", "json")
    assert provision("apply", *arguments, "--yes").code == 0
    done = provision("verify", *arguments)
    assert done.code == 0, done.out
    (host,) = done.json()["hosts"]
    *_, wire, answer = host["links"]
    assert wire["subject"] == "certificate of the service on the wire for mq.dev.contoso.com"
    assert answer["subject"] == "GET https://mq.dev.contoso.com/"
    assert (wire["status"], answer["status"]) == ("ok", "ok")
    assert provision("drift", *arguments).code == 0
    assert provision("destroy", *arguments, "--yes").code == 0


def test_a_cluster_without_tls_routes_is_refused_before_anything_is_written(
    provision: CommandLine, profile: Path
) -> None:
    profile.write_text(PROFILE.format(cluster="aks-prod", group="rg-aks-prod"))
    done = provision("apply", str(profile), "--sandbox", "--yes")
    assert done.code == 1
    assert "has no TLSRoute, and host mq.dev.contoso.com passes TLS through" in done.out
    assert "az aks upgrade --resource-group rg-aks-prod --name aks-prod" in done.out
    assert not done.writes()
