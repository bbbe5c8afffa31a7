"""helm in the run command: the ALB controller's chart comes, changes and goes."""

from __future__ import annotations

import json

import pytest
from run_bench import RunBench

CHART = "oci://mcr.microsoft.com/application-lb/charts/alb-controller"
INSTALL = (
    f"helm upgrade --install alb-controller {CHART} --namespace azure-alb-system --create-namespace"
    " --version 1.9.13 --set albController.namespace=azure-alb-system"
    " --set albController.podIdentity.clientID=11111111-2222-4333-8444-555555555555"
)
SELF = "-n azure-alb-system"


@pytest.fixture
def bench() -> RunBench:
    return RunBench()


def installed(bench: RunBench, command: str = INSTALL) -> str:
    status, logs = bench.run(command)
    assert status == 0, logs
    return logs


def test_an_installation_tells_what_it_did(bench: RunBench) -> None:
    logs = installed(bench)
    assert 'Release "alb-controller" does not exist. Installing it now.' in logs
    assert "Pulled: mcr.microsoft.com/application-lb/charts/alb-controller:1.9.13" in logs
    assert "STATUS: deployed\nREVISION: 1\n" in logs
    account = json.loads(bench.run(f"kubectl get sa alb-controller-sa {SELF} -o json")[1])
    marks = account["metadata"]["annotations"]
    assert marks["azure.workload.identity/client-id"] == "11111111-2222-4333-8444-555555555555"
    assert marks["meta.helm.sh/release-name"] == "alb-controller"
    image = (
        f"kubectl get deploy alb-controller {SELF} -o jsonpath='{{.spec.template.spec.containers[0].image}}'"
    )
    assert bench.run(image)[1].endswith("/alb-controller:1.9.13")


def test_an_upgrade_is_a_new_revision_of_the_same_objects(bench: RunBench) -> None:
    installed(bench)
    logs = installed(bench, INSTALL.replace("1.9.13", "1.10.28"))
    assert 'Release "alb-controller" has been upgraded. Happy Helming!' in logs
    (row,) = json.loads(bench.run(f"helm list {SELF} -o json")[1])
    assert (row["revision"], row["status"]) == ("2", "deployed")
    assert (row["chart"], row["app_version"]) == ("alb-controller-1.10.28", "1.10.28")
    history = json.loads(bench.run(f"helm history alb-controller {SELF} -o json")[1])
    assert [each["status"] for each in history] == ["superseded", "deployed"]
    found = json.loads(bench.run(f"helm status alb-controller {SELF} -o json")[1])
    assert found["info"]["status"] == "deployed"
    values = json.loads(bench.run(f"helm get values alb-controller {SELF} -o json")[1])
    assert values["albController"]["namespace"] == "azure-alb-system"
    names = bench.run(f"kubectl get secret {SELF} -l owner=helm -o name")[1].split()
    assert names == [f"secret/sh.helm.release.v1.alb-controller.v{number}" for number in (1, 2)]


def test_uninstalling_leaves_the_namespace(bench: RunBench) -> None:
    installed(bench)
    assert bench.run(f"helm uninstall alb-controller {SELF}") == (0, 'release "alb-controller" uninstalled\n')
    assert bench.run(f"kubectl get deploy,sa {SELF} -o name")[1] == "serviceaccount/default\n"
    assert bench.run("helm list -A -o json") == (0, "[]\n")
    status, logs = bench.run(f"helm uninstall alb-controller {SELF}")
    assert (status, logs) == (
        1,
        "Error: uninstall: Release not loaded: alb-controller: release: not found\n",
    )
    assert bench.run(f"helm uninstall alb-controller {SELF} --ignore-not-found")[0] == 0


def test_the_controller_may_live_beside_the_release(bench: RunBench) -> None:
    apart = f"helm install alb-controller {CHART} --set albController.namespace=ingress"
    installed(bench, apart)
    assert bench.run("kubectl get deploy -n ingress -o name")[1] == "deployment.apps/alb-controller\n"
    (row,) = json.loads(bench.run("helm list -o json")[1])
    assert row["namespace"] == "default"
    installed(bench, f"helm upgrade alb-controller {CHART} --set albController.namespace=other")
    assert bench.run("kubectl get deploy -n ingress -o name")[1] == ""
    assert bench.run("helm install alb-controller " + CHART)[1].endswith(
        "Error: INSTALLATION FAILED: cannot re-use a name that is still in use\n"
    )


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (INSTALL.replace("1.9.13", "9.9.9"), "alb-controller:9.9.9: not found"),
        (INSTALL.replace(" --create-namespace", ""), 'namespaces "azure-alb-system" not found'),
        (INSTALL.replace(CHART, "bitnami/nginx"), "bitnami/nginx is not in the sandbox"),
        (INSTALL.replace(" --install", ""), 'UPGRADE FAILED: "alb-controller" has no deployed releases'),
        ("helm upgrade --nonsense", "unknown flag: --nonsense"),
        ("helm rollback alb-controller", "helm rollback is not in the sandbox"),
        ("helm status alb-controller", "release: not found"),
    ],
)
def test_what_helm_refuses(bench: RunBench, command: str, told: str) -> None:
    status, logs = bench.run(command)
    assert status == 1
    assert told in logs


def test_objects_of_others_are_not_taken_over(bench: RunBench) -> None:
    manifest = "apiVersion: v1\nkind: Namespace\nmetadata: {name: azure-alb-system}\n---\n"
    place = "{name: alb-controller-sa, namespace: azure-alb-system}"
    manifest += f"apiVersion: v1\nkind: ServiceAccount\nmetadata: {place}\n"
    assert bench.run("kubectl apply -f a.yaml", a_yaml=manifest)[0] == 0
    status, logs = bench.run(INSTALL)
    assert status == 1
    assert "invalid ownership metadata" in logs
