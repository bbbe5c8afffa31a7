"""The real kubectl and provision on the same objects: who has a field, who is told, who gets it back."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from contract.kubectl import Kubectl, KubectlError
from provision.__main__ import main
from provision.sandbox.home import Home

ROOT = Path(__file__).parents[2]
DEV = ("profiles/dev.yaml", "--sandbox")

Provision = Callable[..., tuple[int, Any]]


@pytest.fixture
def provision(home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Provision:
    """Runs provision against the same sandbox: exit code and JSON."""
    monkeypatch.setenv("PROVISION_SANDBOX_HOME", str(home.path))
    monkeypatch.chdir(ROOT)

    def run(*arguments: str) -> tuple[int, Any]:
        capsys.readouterr()
        code = main([*arguments, "--format", "json"])
        out = capsys.readouterr().out
        return code, json.loads(out) if out else {}

    return run


@pytest.fixture
def web(provision: Provision, kubectl: Kubectl) -> Kubectl:
    """kubectl in the namespace of a host that is as the profile says."""
    code, outcomes = provision("apply", *DEV, "--yes", "--adopt")
    assert code == 0, outcomes
    return kubectl.with_options("--namespace", "web")


def route(web: Kubectl) -> tuple[str, dict[str, Any]]:
    """Name and spec of the host's route, as kubectl reads it."""
    (found,) = (
        each
        for each in web.read("get", "httproutes", "-l", "provision/profile=dev")["items"]
        if "redirect" not in each["metadata"]["name"]
    )
    return found["metadata"]["name"], found["spec"]


def taking(name: str, **spec: Any) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "web"}
    api = "gateway.networking.k8s.io/v1"
    return {"apiVersion": api, "kind": "HTTPRoute", "metadata": metadata, "spec": spec}


def test_kubectl_reads_what_provision_made(web: Kubectl) -> None:
    gateway = web.read("get", "gateway", "dev")
    assert gateway["spec"]["gatewayClassName"] == "approuting-istio"
    assert web("get", "gateway", "dev", "--no-headers").split()[3] == "True"
    assert route(web)[1]["hostnames"] == ["web.dev.contoso.com"]
    assert web("get", "secret", "-o", "name").count("secret/kv-gw-cert-dev-") == 1


def test_a_field_that_kubectl_takes_is_reported_and_given_back(web: Kubectl, provision: Provision) -> None:
    name, _ = route(web)
    taken = taking(name, hostnames=["other.contoso.com"])
    with pytest.raises(KubectlError, match=r'conflict with "provision".*\.spec\.hostnames'):
        web.apply(taken)
    assert provision("drift", *DEV)[0] == 0

    web.apply(taken, options=("--force-conflicts",))
    code, report = provision("drift", *DEV)
    assert code == 2
    # The record that the route made goes too, a little later.
    resource = f"kubernetes/HTTPRoute/web/{name}"
    (finding,) = (each for each in report[0]["findings"] if each["resource"] == resource)
    assert (finding["field"], finding["observed"]) == ("spec.hostnames", ["other.contoso.com"])
    assert finding["changedBy"] == "kubectl"
    assert "declared by kubectl too; apply needs --adopt" in finding["note"]

    code, _ = provision("apply", *DEV, "--yes")
    assert code == 1
    assert route(web)[1]["hostnames"] == ["other.contoso.com"]

    code, outcomes = provision("apply", *DEV, "--yes", "--adopt")
    assert code == 0, outcomes
    assert route(web)[1]["hostnames"] == ["web.dev.contoso.com"]
    assert provision("drift", *DEV)[0] == 0


def test_an_edit_that_kubectl_makes_is_put_back(web: Kubectl, provision: Provision) -> None:
    name, _ = route(web)
    patch = json.dumps({"spec": {"hostnames": ["edited.contoso.com"]}})
    web("patch", "httproute", name, "--type", "merge", "-p", patch)
    assert provision("drift", *DEV)[0] == 2
    code, outcomes = provision("apply", *DEV, "--yes")
    assert code == 0, outcomes
    assert route(web)[1]["hostnames"] == ["web.dev.contoso.com"]


def test_an_object_that_kubectl_deletes_is_made_again(web: Kubectl, provision: Provision) -> None:
    name, _ = route(web)
    web("delete", "httproute", name)
    code, report = provision("drift", *DEV)
    assert code == 2
    assert f"kubernetes/HTTPRoute/web/{name}" in {each["resource"] for each in report[0]["findings"]}
    assert provision("apply", *DEV, "--yes")[0] == 0
    assert route(web)[0] == name
