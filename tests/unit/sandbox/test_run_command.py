"""AKS's run command: its answers, what it refuses, whose rights a command has, what it may print."""

from __future__ import annotations

import json
import subprocess

import pytest
from run_bench import CLUSTER, RUN, RunBench

from provision.sandbox import faults, identities, managed_clusters, rbac, roles, run_command, tokens
from provision.sandbox.authorization import LONG_AGO, new_assignment
from provision.sandbox.azure import SUBSCRIPTION
from provision.sandbox.cluster_credentials import SERVER_APPLICATION
from provision.sandbox.cluster_document import KIND

ENTRA = {"aadProfile": {"managed": True, "enableAzureRBAC": True}, "disableLocalAccounts": True}


def token(bench: RunBench, object_id: str, audience: str = SERVER_APPLICATION) -> str:
    return tokens.mint(bench.azure, "client", object_id, audience)


def test_a_command_is_accepted_runs_and_ends() -> None:
    bench = RunBench()
    accepted = bench.post("echo hello; echo oops >&2; exit 3")
    assert (accepted.status, accepted.body) == (202, None)
    assert "Azure-AsyncOperation" not in accepted.headers
    path, _, query = accepted.headers["Location"].removeprefix("https://localhost:8443").partition("?")
    assert path.startswith(f"{CLUSTER.replace('managedClusters', 'managedclusters')}/commandResults/")
    assert query.startswith("api-version=2026-08-01&")
    identifier = path.rpartition("/")[2]
    assert len(identifier) == 32
    bench.pass_(10)
    running = bench.send("GET", accepted.headers["Location"])
    assert (running.status, running.body) == (
        202,
        {"id": identifier, "properties": {"provisioningState": "Running"}},
    )
    assert running.headers["Location"].startswith(f"https://localhost:8443{path}?")
    bench.pass_(1)
    done = bench.send("GET", f"{CLUSTER}/commandResults/{identifier}")
    assert (done.status, done.body["id"]) == (200, identifier)
    assert done.body["properties"] == {
        "provisioningState": "Succeeded",
        "exitCode": 3,
        "startedAt": "2027-01-15T08:00:11Z",
        "finishedAt": "2027-01-15T08:00:11Z",
        "logs": "hello\noops\n",
    }


def test_commands_of_one_cluster_run_side_by_side() -> None:
    bench = RunBench()
    first, second = bench.post("echo 1"), bench.post("echo 2")
    assert [bench.result(each)["logs"] for each in (second, first)] == ["2\n", "1\n"]


def test_files_of_the_context_lie_where_the_command_begins() -> None:
    files = {"a.yaml": "A\n", "sub/b.yaml": "B\n"}
    bench = RunBench()
    assert bench.result(bench.post("cat a.yaml sub/*", files=files))["logs"] == "A\nB\n"
    assert bench.run("ls") == (0, "")


def test_nothing_is_run_on_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a program was started")

    monkeypatch.setattr(subprocess, "Popen", refuse)
    monkeypatch.setattr("os.system", refuse)
    script = "/bin/ls /; uname -a; cat /etc/hostname; echo $PATH; kubectl get ns -o name"
    status, logs = RunBench().run(script)
    assert (status, logs.splitlines()) == (
        0,
        [
            "sh: 1: /bin/ls: not found",
            "sh: 1: uname: not found",
            "cat: /etc/hostname: No such file or directory",
            "",
            "namespace/default",
            "namespace/kube-node-lease",
            "namespace/kube-public",
            "namespace/kube-system",
        ],
    )


def test_output_beyond_512_kilobytes_is_lost() -> None:
    bench = RunBench()
    found = bench.result(bench.post("cat big; echo end", files={"big": "é" * 300_000}))
    assert (found["provisioningState"], found["exitCode"]) == ("Succeeded", 0)
    assert found["logs"] == "é" * (512 * 1024 // 2)
    whole = bench.result(bench.post("cat big", files={"big": "x" * 512 * 1024}))
    assert len(whole["logs"]) == 512 * 1024


def test_a_pod_that_does_not_start_in_time_fails_the_result() -> None:
    bench = RunBench()
    run_command.hold_pods(bench.azure, 2)
    accepted = [bench.post("kubectl create namespace held") for _ in range(2)]
    bench.pass_(59)
    assert bench.send("GET", accepted[0].headers["Location"]).status == 202
    for each in accepted:
        found = bench.result(each)
        assert found["provisioningState"] == "Failed"
        assert "exitCode" not in found
        assert "in aks-command namespace did not start within 60s on your cluster" in found["reason"]
    assert bench.run("kubectl get namespace held")[0] == 1
    assert bench.run("kubectl create namespace held")[0] == 0


def test_a_pod_that_does_not_start_may_refuse_the_command() -> None:
    bench = RunBench()
    run_command.hold_pods(bench.azure, refuse=True)
    answer = bench.post("echo")
    assert (answer.status, answer.body["code"]) == (400, "KubernetesPerformanceError")
    assert bench.run("echo") == (0, "\n")


def test_a_cluster_without_nodes_starts_no_pod() -> None:
    bench = RunBench(agentPoolProfiles=[{"name": "nodepool1", "mode": "System", "count": 0}])
    assert bench.result(bench.post("echo"))["provisioningState"] == "Failed"


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"powerState": {"code": "Stopped"}}, 400, "OperationNotAllowed"),
        ({"provisioningState": "Creating"}, 404, "ControlPlaneNotFound"),
        ({"apiServerAccessProfile": {"disableRunCommand": True}}, 400, "BadRequest"),
        ({"aadProfile": {"managed": True}}, 400, "MissingAADClusterToken"),
    ],
)
def test_what_a_cluster_refuses(change: dict[str, object], status: int, code: str) -> None:
    bench = RunBench()
    document = bench.document
    document["properties"].update(change)
    bench.azure.store.put(KIND, document["id"], document)
    answer = bench.post("echo")
    assert (answer.status, answer.body["code"]) == (status, code)


def test_a_cluster_being_updated_runs_commands() -> None:
    bench = RunBench()
    document = bench.document
    document["properties"]["provisioningState"] = "Updating"
    bench.azure.store.put(KIND, document["id"], document)
    assert bench.run("echo") == (0, "\n")


def test_bodies_and_results_that_are_none() -> None:
    bench = RunBench()
    assert bench.send("POST", RUN, {"command": ""}).status == 400
    for context in ("%%%", "bm90IGEgemlw"):
        refused = bench.send("POST", RUN, {"command": "ls", "context": context})
        assert (refused.status, refused.body["target"]) == (400, "context")
    assert bench.send("POST", RUN.replace("aks-test", "none"), {"command": "ls"}).status == 404
    assert bench.send("GET", f"{CLUSTER}/commandResults/{'0' * 32}").status == 404
    assert bench.send("GET", f"{CLUSTER}/commandResults/nonsense").status == 404


def test_a_result_belongs_to_its_cluster() -> None:
    bench = RunBench()
    managed_clusters.new_cluster(bench.azure, SUBSCRIPTION, "rg-test", "aks-other", "westeurope")
    url = bench.post("echo secret").headers["Location"]
    assert bench.send("GET", url.replace("aks-test", "aks-other")).status == 404
    assert bench.send("GET", url).status == 202


def test_with_entra_the_command_has_the_rights_of_the_token() -> None:
    bench = RunBench(**ENTRA)
    reader = identities.new_principal(bench.azure, "reader", "Application")["id"]
    new_assignment(bench.azure, CLUSTER, roles.AKS_RBAC_READER, reader, created=LONG_AGO)
    nobody = identities.new_principal(bench.azure, "nobody", "Application")["id"]
    read, write = "kubectl get cm -n default", "kubectl create namespace mine"
    assert bench.run(read, token=token(bench, reader))[0] == 0
    status, logs = bench.run(write, token=token(bench, reader))
    assert (status, logs.split(": User")[0]) == (1, "Error from server (Forbidden): namespaces is forbidden")
    assert f'"{nobody}" cannot list' in bench.run(read, token=token(bench, nobody))[1]


@pytest.mark.parametrize("audience", ["https://management.azure.com", ""])
def test_a_token_that_is_no_token_for_the_cluster_is_unauthorized(audience: str) -> None:
    bench = RunBench(**ENTRA)
    sent = token(bench, "someone", audience) if audience else "rubbish"
    assert bench.run("kubectl get ns", token=sent) == (
        1,
        "error: You must be logged in to the server (Unauthorized)\n",
    )


def test_without_entra_the_command_is_administrator() -> None:
    bench = RunBench()
    assert bench.run("kubectl create namespace mine")[0] == 0
    assert bench.run("kubectl get namespace mine -o name") == (0, "namespace/mine\n")


def test_faults_of_the_api_server_hold_for_commands_too() -> None:
    bench = RunBench()
    refusal = {
        "kind": "Status",
        "status": "Failure",
        "reason": "Forbidden",
        "message": 'admission webhook "policy.example" denied the request: not today',
    }
    faults.inject(bench.azure, method="POST", path="/kubernetes/.*/namespaces$", status=403, body=refusal)
    status, logs = bench.run("kubectl create namespace mine; kubectl get namespace mine -o name")
    assert (status, logs.splitlines()) == (
        1,
        [
            'Error from server (Forbidden): admission webhook "policy.example" denied the request: not today',
            'Error from server (NotFound): namespaces "mine" not found',
        ],
    )
    faults.inject(bench.azure, method="POST", path="/kubernetes/", status=faults.DISCONNECT, after=True)
    status, logs = bench.run("kubectl create namespace mine; kubectl get namespace mine -o name")
    assert logs == "Unable to connect to the server: EOF\nnamespace/mine\n"


def test_the_actions_are_those_of_aks() -> None:
    assert [route.action for route in run_command.ROUTES] == [
        "Microsoft.ContainerService/managedClusters/runcommand/action",
        "Microsoft.ContainerService/managedClusters/commandResults/read",
    ]
    assert rbac.scope_of(RUN) == CLUSTER


def test_a_raw_answer_is_the_servers_json() -> None:
    status, logs = RunBench().run("kubectl get --raw /api/v1/namespaces/default")
    assert status == 0
    assert json.loads(logs)["metadata"]["name"] == "default"
