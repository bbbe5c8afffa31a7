"""The very line that the run command gets, carried out by a real shell and the real kubectl."""

from __future__ import annotations

import base64
import io
import os
import subprocess
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from contract.kubectl import Kubectl
from provision.providers.kubernetes.calls import Call, Reply
from provision.providers.kubernetes.run_command import command, context, replies

NAMESPACE = "/api/v1/namespaces/inside"
MAPS = f"{NAMESPACE}/configmaps"
INGRESS = "/apis/networking.k8s.io/v1/namespaces/inside/ingresses/x"

Send = Callable[..., Sequence[Reply]]


@pytest.fixture
def send(kubectl: Kubectl, tmp_path: Path) -> Send:
    """Carries calls out as a pod of the run command would, in a folder with their manifests."""
    config = tmp_path / "config"
    config.write_text(kubectl.kubeconfig.read_text())
    mine = Kubectl(kubectl.executable, tmp_path, config)
    mine("config", "use-context", "aks-dev")
    server = mine("config", "view", "--minify", "-o", "jsonpath={.clusters[0].cluster.server}")
    # `--raw` forgets the path of a server's URL. Only the sandbox's API servers have one.
    root = urlsplit(server).path
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "kubectl").symlink_to(kubectl.executable)

    def carry(*calls: Call) -> Sequence[Reply]:
        folder = tmp_path / "work"
        folder.mkdir(exist_ok=True)
        packed = context(calls)
        if packed:
            zipfile.ZipFile(io.BytesIO(base64.b64decode(packed))).extractall(folder)
        path = f"{tools}:{os.environ['PATH']}"
        variables = {"HOME": str(tmp_path), "KUBECONFIG": str(config), "PATH": path}
        done = subprocess.run(
            ["sh", "-c", command(calls).replace("--raw '/", f"--raw '{root}/")],
            cwd=folder,
            env=variables,
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stderr == ""
        return replies(done.stdout, len(calls))

    return carry


def config_map(data: dict[str, Any], name: str = "x", **more: Any) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "inside"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data, **more}


def apply(body: dict[str, Any], *, force: bool = False, dry_run: bool = False) -> Call:
    return Call("apply", f"{MAPS}/{body['metadata']['name']}", body, force=force, dry_run=dry_run)


@pytest.fixture
def inside(kubectl: Kubectl) -> Kubectl:
    """A namespace with a Secret."""
    kubectl.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "inside"}})
    within = kubectl.with_options("--namespace", "inside")
    metadata = {"name": "tls", "namespace": "inside"}
    data = {"tls.crt": "Y2VydA==", "tls.key": "a2V5"}
    within.apply({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data})
    return within


def test_what_it_does_comes_back(inside: Kubectl, send: Send) -> None:
    labelled = config_map({"a": 'it\'s; $HOME `id` "x"\n'})
    labelled["metadata"]["labels"] = {"provision/profile": "dev"}
    tried, nothing, made, found, listed = send(
        apply(labelled, dry_run=True),
        Call("get", f"{MAPS}/x"),
        apply(labelled),
        Call("get", f"{MAPS}/x"),
        Call("get", f"{MAPS}?labelSelector=provision%2Fprofile%3Ddev"),
    )
    assert tried.body["data"] == made.body["data"] == found.body["data"] == labelled["data"]
    assert (nothing.status, nothing.no_such_object) == (404, True)
    assert [each["metadata"]["name"] for each in listed.body["items"]] == ["x"]
    (manager,) = found.body["metadata"]["managedFields"]
    assert (manager["manager"], manager["operation"]) == ("provision", "Apply")
    gone, again = send(Call("delete", f"{MAPS}/x"), Call("delete", f"{MAPS}/x"))
    assert gone.ok
    assert again.no_such_object


def test_of_a_secret_one_key_alone(inside: Kubectl, send: Send) -> None:
    found, missing = send(
        Call("get", f"{NAMESPACE}/secrets/tls", only="tls.crt"),
        Call("get", f"{NAMESPACE}/secrets/other", only="tls.crt"),
    )
    assert found.body == {"data": {"tls.crt": "Y2VydA=="}}
    assert missing.no_such_object


def test_what_the_api_server_refuses(inside: Kubectl, send: Send) -> None:
    inside.apply(config_map({"a": "theirs"}, "taken"), manager="argocd")
    strange = config_map({}, spec={"a": 1})
    metadata = {"name": "x", "namespace": "inside"}
    wrong = {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": metadata, "spec": {}}
    no_kind = {"apiVersion": "nobody.x/v1", "kind": "Nothing", "metadata": metadata}
    outside = config_map({})
    outside["metadata"]["namespace"] = "outside"
    conflict, forced, unknown, invalid, unserved, unlisted, nowhere = send(
        apply(config_map({"a": "ours"}, "taken")),
        apply(config_map({"a": "ours"}, "taken"), force=True, dry_run=True),
        apply(strange),
        Call("apply", INGRESS, wrong),
        Call("apply", "/apis/nobody.x/v1/namespaces/inside/nothings/x", no_kind),
        Call("get", "/apis/nobody.x/v1/nothings"),
        Call("apply", "/api/v1/namespaces/outside/configmaps/x", outside),
    )
    assert (conflict.status, conflict.causes[0]["field"]) == (409, ".data.a")
    assert "argocd" in conflict.causes[0]["message"]
    assert forced.body["data"] == {"a": "ours"}
    assert unknown.unknown_fields
    assert (invalid.status, invalid.reason) == (422, "Invalid")
    assert unserved.no_such_kind
    assert unlisted.no_such_kind
    assert nowhere.message.startswith('namespaces "outside" not found')
