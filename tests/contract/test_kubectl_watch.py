"""The real kubectl follows objects of a sandbox cluster."""

from __future__ import annotations

import subprocess
from typing import Any
from urllib.parse import urlsplit

from contract.kubectl import Kubectl
from provision.sandbox.kubernetes import crds

_PATH = "/apis/gateway.networking.k8s.io/v1/namespaces/default/gateways/awaited"


def _root(kubectl: Kubectl) -> str:
    """The path of the cluster's API server, which kubectl leaves out of raw paths."""
    server = kubectl("config", "view", "--minify", "-o", "jsonpath={.clusters[0].cluster.server}")
    return urlsplit(server).path


def _line(process: subprocess.Popen[str]) -> list[str]:
    assert process.stdout is not None
    return process.stdout.readline().split()


def test_changes_arrive_as_they_happen(kubectl: Kubectl) -> None:
    kubectl("create", "configmap", "seen", "--from-literal", "a=1")
    arguments = ("get", "configmap", "seen", "--watch", "--output-watch-events", "--no-headers")
    with kubectl.running(*arguments) as following:
        assert _line(following)[:3] == ["ADDED", "seen", "1"]
        kubectl("patch", "configmap", "seen", "-p", '{"data": {"b": "2"}}')
        assert _line(following)[:3] == ["MODIFIED", "seen", "2"]
        kubectl("delete", "configmap", "seen", "--wait=false")
        assert _line(following)[:2] == ["DELETED", "seen"]


def test_an_object_enters_and_leaves_a_selection(kubectl: Kubectl) -> None:
    kubectl("create", "configmap", "chosen", "--from-literal", "a=1")
    kubectl("create", "configmap", "first", "--from-literal", "a=1")
    kubectl("label", "configmap", "first", "pick=me")
    arguments = ("get", "configmaps", "-l", "pick=me", "--watch", "--output-watch-events", "--no-headers")
    with kubectl.running(*arguments) as following:
        assert _line(following)[:2] == ["ADDED", "first"]
        kubectl("label", "configmap", "chosen", "pick=me")
        assert _line(following)[:2] == ["ADDED", "chosen"]
        kubectl("label", "configmap", "chosen", "pick-")
        assert _line(following)[:2] == ["DELETED", "chosen"]


def test_wait_sees_a_condition_come(kubectl: Kubectl) -> None:
    kubectl.apply(*crds.GATEWAY_API("v1.3.0"))
    listeners = [{"name": "http", "port": 80, "protocol": "HTTP"}]
    kubectl.apply(
        {
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "Gateway",
            "metadata": {"name": "awaited", "namespace": "default"},
            "spec": {"gatewayClassName": "none", "listeners": listeners},
        }
    )
    wait = ("wait", "--for=condition=Programmed", "gateway/awaited", "--timeout=60s")
    with kubectl.running(*wait) as waiting:
        gateway: dict[str, Any] = kubectl.read("get", "gateway", "awaited")
        condition = {
            "type": "Programmed",
            "status": "True",
            "reason": "Programmed",
            "message": "",
            "lastTransitionTime": "2026-01-01T00:00:00Z",
        }
        gateway["status"] = {"conditions": [condition]}
        kubectl("replace", "--raw", f"{_root(kubectl)}{_PATH}/status", "-f", "-", given=gateway)
        assert waiting.stdout is not None
        assert waiting.stdout.read() == "gateway.gateway.networking.k8s.io/awaited condition met\n"
        assert waiting.wait() == 0
