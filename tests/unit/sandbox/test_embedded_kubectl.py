"""The embedded kubectl: output, messages and exit codes of the real one (compared with 1.32)."""

from __future__ import annotations

import json

import pytest
import yaml
from run_bench import RunBench

from provision.sandbox.kubectl import jsonpath, output
from provision.sandbox.kubectl.errors import KubectlError, ServerError
from provision.sandbox.kubernetes import crds, kinds
from provision.sandbox.kubernetes.objects import Cluster

CONFIG = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: a, labels: {x: "1"}}
data: {k: v, t: "true", n: "1", m: "two\\nlines"}
"""
OTHER = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {k: w}\n"
TWO = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: b1}
---
apiVersion: v1
kind: List
items: [{apiVersion: v1, kind: ConfigMap, metadata: {name: b2, namespace: nowhere}}]
---
apiVersion: v1
kind: ConfigMap
metadata: {name: b3}
"""
GATEWAY = """\
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge}
spec:
  gatewayClassName: approuting-istio
  listeners: [{name: http, port: 80, protocol: HTTP}]
"""
APPLY = "kubectl apply --server-side"


@pytest.fixture
def bench() -> RunBench:
    return RunBench()


@pytest.fixture
def with_gateways(bench: RunBench) -> RunBench:
    """Its cluster has the Gateway API."""
    assert bench.run("kubectl get ns")[0] == 0
    cluster = Cluster(bench.azure, bench.document["properties"]["resourceUID"])
    with bench.azure.store.transaction():
        for crd in crds.GATEWAY_API("v1.4.1"):
            cluster.put(kinds.CRD, crd)
    return bench


def test_server_side_apply_and_its_dry_run(bench: RunBench) -> None:
    dry = f"{APPLY} --field-manager=one --dry-run=server -f a.yaml; kubectl get cm"
    assert bench.run(dry, a_yaml=CONFIG) == (
        0,
        "configmap/a serverside-applied (server dry run)\nNo resources found in default namespace.\n",
    )
    assert bench.run(f"{APPLY} --field-manager=one -f a.yaml", a_yaml=CONFIG) == (
        0,
        "configmap/a serverside-applied\n",
    )
    status, logs = bench.run("cat a.yaml | kubectl apply --server-side -o json -f -", a_yaml=CONFIG)
    assert (status, json.loads(logs)["data"]) == (0, {"k": "v", "t": "true", "false": "1", "m": "two\nlines"})
    assert "managedFields" not in json.loads(logs)["metadata"]


def test_a_conflict_is_told_with_the_ways_out(bench: RunBench) -> None:
    bench.run(f"{APPLY} --field-manager=one -f a.yaml", a_yaml=CONFIG)
    status, logs = bench.run(f"{APPLY} --field-manager=two -f a.yaml", a_yaml=OTHER)
    first, *rest = logs.splitlines()
    assert (status, first) == (1, 'error: Apply failed with 1 conflict: conflict with "one": .data.k')
    assert rest[0] == "Please review the fields above--they currently have other managers. Here"
    assert rest[-1].endswith("/docs/reference/using-api/server-side-apply/#conflicts")
    forced = (
        f"{APPLY} --field-manager=two --force-conflicts -f a.yaml; kubectl get cm a -o jsonpath={{.data.k}}"
    )
    assert bench.run(forced, a_yaml=OTHER) == (0, "configmap/a serverside-applied\nw")


def test_every_document_is_tried(bench: RunBench) -> None:
    assert bench.run(f"{APPLY} -f a.yaml", a_yaml=TWO) == (
        1,
        "configmap/b1 serverside-applied\nconfigmap/b3 serverside-applied\n"
        'Error from server (NotFound): namespaces "nowhere" not found\n',
    )


def test_a_kind_without_its_crd(bench: RunBench) -> None:
    assert bench.run(f"{APPLY} -f a.yaml", a_yaml=f"{GATEWAY}---\n{OTHER}") == (
        1,
        'configmap/a serverside-applied\nerror: resource mapping not found for name: "edge"'
        ' namespace: "" from "a.yaml": no matches for kind "Gateway" in version'
        ' "gateway.networking.k8s.io/v1"\n'
        "ensure CRDs are installed first\n",
    )
    assert bench.run("kubectl get gateways.gateway.networking.k8s.io") == (
        1,
        'error: the server doesn\'t have a resource type "gateways"\n',
    )


def test_a_kind_of_a_crd(with_gateways: RunBench) -> None:
    label = "gateway.gateway.networking.k8s.io/edge"
    run = with_gateways.run
    assert run(f"{APPLY} --dry-run=server -f a.yaml; {APPLY} -f a.yaml", a_yaml=GATEWAY) == (
        0,
        f"{label} serverside-applied (server dry run)\n{label} serverside-applied\n",
    )
    for name in (
        "gtw",
        "gateway",
        "gateways.gateway.networking.k8s.io",
        "gateways.v1.gateway.networking.k8s.io",
    ):
        assert run(f"kubectl get {name} -o name") == (0, f"{label}\n")
    wrong = GATEWAY.replace("port: 80", "port: 0").replace("HTTP}", "'?'}")
    status, logs = run(f"{APPLY} -f a.yaml", a_yaml=wrong)
    assert (status, logs.splitlines()[0]) == (1, 'The Gateway "edge" is invalid: ')
    assert [line.split(":")[0] for line in logs.splitlines()[1:]] == [
        "* spec.listeners[0].port",
        "* spec.listeners[0].protocol",
    ]
    assert run("kubectl delete gateway edge") == (
        0,
        'gateway.gateway.networking.k8s.io "edge" deleted\n',
    )


def test_client_side_apply(bench: RunBench) -> None:
    script = "for_each() { :; }"
    assert bench.run(script)[0] == 2  # functions are not in the sandbox
    twice = "kubectl apply -f a.yaml; kubectl apply -f a.yaml; kubectl apply -f b.yaml"
    assert bench.run(twice, a_yaml=CONFIG, b_yaml=OTHER) == (
        0,
        "configmap/a created\nconfigmap/a unchanged\nconfigmap/a configured\n",
    )
    status, logs = bench.run("kubectl get cm a -o json")
    assert (status, json.loads(logs)["data"], json.loads(logs)["metadata"].get("labels")) == (
        0,
        {"k": "w"},
        None,
    )


def test_client_side_apply_names_the_file(bench: RunBench) -> None:
    assert bench.run("kubectl apply -n none -f a.yaml", a_yaml=OTHER) == (
        1,
        'Error from server (NotFound): error when creating "a.yaml": namespaces "none" not found\n',
    )


def test_get_prints_the_servers_table(bench: RunBench) -> None:
    bench.run(f"{APPLY} -f a.yaml", a_yaml=CONFIG)
    bench.pass_(-60)
    assert bench.run("kubectl get cm")[1].splitlines() == ["NAME   DATA   AGE", "a      4      0s"]
    bare = bench.run("kubectl get cm,ns -A --no-headers")[1].splitlines()
    assert [line.split()[:2] for line in bare[:2]] == [
        ["default", "configmap/a"],
        ["namespace/default", "Active"],
    ]
    headed = bench.run("kubectl get cm,ns")[1].split("\n\n")
    assert [block.split()[0] for block in headed] == ["NAME", "NAME"]
    assert bench.run("kubectl get cm --show-labels")[1].splitlines()[1].endswith("   x=1")
    assert bench.run("kubectl get cm -l x=2 -A") == (0, "No resources found\n")
    status, logs = bench.run("kubectl get cm a nope a")
    assert (status, [line.split()[0] for line in logs.splitlines()]) == (1, ["NAME", "a", "a", "Error"])
    assert logs.endswith('Error from server (NotFound): configmaps "nope" not found\n')
    assert bench.run("kubectl get cm nope --ignore-not-found") == (0, "")


def test_get_prints_objects(bench: RunBench) -> None:
    bench.run(f"{APPLY} -f a.yaml", a_yaml=CONFIG)
    one = json.loads(bench.run("kubectl get cm a -o json")[1])
    assert (one["kind"], "managedFields" in one["metadata"]) == ("ConfigMap", False)
    kept = json.loads(bench.run("kubectl get cm a -o json --show-managed-fields")[1])
    assert kept["metadata"]["managedFields"][0]["manager"] == "kubectl"
    text = bench.run("kubectl get cm a -o yaml")[1]
    assert yaml.safe_load(text) == one
    assert '  "false": "1"\n' in text
    assert "  m: |-\n    two\n    lines\n" in text
    several = json.loads(bench.run("kubectl get cm,ns -o json")[1])
    assert (several["kind"], {item["kind"] for item in several["items"]}) == (
        "List",
        {"ConfigMap", "Namespace"},
    )


def test_raw_requests(bench: RunBench) -> None:
    path = "/api/v1/namespaces/default/configmaps"
    document = json.dumps({**yaml.safe_load(OTHER), "data": {"k": "<&>"}})
    made = json.loads(bench.run(f"kubectl create --raw {path} -f a.json", a_json=document)[1])
    assert made["data"] == {"k": "<&>"}
    assert bench.run(f"kubectl create --raw {path} -f a.json", a_json=document) == (
        1,
        'Error from server (AlreadyExists): configmaps "a" already exists\n',
    )
    listed = json.loads(bench.run(f"kubectl get --raw '{path}?labelSelector=x%3D1'")[1])
    assert listed["items"] == []
    replaced = json.loads(bench.run(f"kubectl replace --raw {path}/a -f a.yaml", a_yaml=OTHER)[1])
    assert replaced["data"] == {"k": "w"}
    assert json.loads(bench.run(f"kubectl delete --raw {path}/a")[1])["status"] == "Success"
    assert bench.run(f"kubectl get --raw {path}/a") == (
        1,
        'Error from server (NotFound): configmaps "a" not found\n',
    )
    assert bench.run("kubectl get --raw /apis/none/v1/x") == (
        1,
        "Error from server (NotFound): the server could not find the requested resource\n",
    )


def test_create_replace_and_delete(bench: RunBench) -> None:
    run = bench.run
    assert run("kubectl create namespace foo; kubectl create namespace foo") == (
        1,
        'namespace/foo created\nError from server (AlreadyExists): namespaces "foo" already exists\n',
    )
    assert run("kubectl create -n foo -f a.yaml; kubectl replace -n foo -f a.yaml", a_yaml=OTHER) == (
        0,
        "configmap/a created\nconfigmap/a replaced\n",
    )
    assert run("kubectl delete cm a -n foo --dry-run=server; kubectl delete cm a -n foo --wait=false") == (
        0,
        'configmap "a" deleted (server dry run)\nconfigmap "a" deleted\n',
    )
    assert run("kubectl delete cm a") == (1, 'Error from server (NotFound): configmaps "a" not found\n')
    assert run("kubectl delete cm a --ignore-not-found") == (0, "")
    assert run("kubectl delete -f a.yaml", a_yaml=OTHER) == (
        1,
        'Error from server (NotFound): error when deleting "a.yaml": configmaps "a" not found\n',
    )


def test_label_and_annotate(bench: RunBench) -> None:
    run = bench.run
    run(f"{APPLY} -f a.yaml", a_yaml=CONFIG)
    assert run("kubectl label cm a y=2 x-") == (0, "configmap/a labeled\n")
    assert run("kubectl label cm a y=3") == (
        1,
        "error: 'y' already has a value (2), and --overwrite is false\n",
    )
    assert run("kubectl label cm a y=3 --overwrite; kubectl label cm a y=3; kubectl label cm a y-") == (
        0,
        "configmap/a labeled\nconfigmap/a not labeled\nconfigmap/a unlabeled\n",
    )
    assert run("kubectl label cm a z-") == (0, 'label "z" not found.\nconfigmap/a not labeled\n')
    assert run(
        "kubectl annotate cm/a note='two words'; kubectl get cm a -o jsonpath={.metadata.annotations}"
    ) == (
        0,
        'configmap/a annotated\n{"note":"two words"}',
    )


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("kubectl apply -f none.yaml", 'error: the path "none.yaml" does not exist'),
        ("kubectl apply", "error: must specify one of -f and -k"),
        ("kubectl apply -f empty.yaml", "error: no objects passed to apply"),
        (
            "kubectl apply --force-conflicts -f empty.yaml",
            "error: --force-conflicts only works with --server-side",
        ),
        (
            "kubectl apply -f bad.yaml",
            "error: error parsing bad.yaml: error converting YAML to JSON: yaml: line 1: expected the node"
            " content, but found '<stream end>'",
        ),
        ("kubectl get nonsense/x", 'error: the server doesn\'t have a resource type "nonsense"'),
        ("kubectl get sa default -A", "error: a resource cannot be retrieved by name across all namespaces"),
        ("kubectl delete cm", "error: resource(s) were provided, but no name was specified"),
        ("kubectl get ns --watch", "error: get: flag --watch is not in the sandbox"),
        ("kubectl get ns -o wrong", "error: output format 'wrong' is not in the sandbox"),
        ("kubectl describe ns default", "error: kubectl describe is not in the sandbox"),
        ("kubectl get -n", "error: flag needs an argument: 'n' in -n\nSee 'kubectl get --help' for usage."),
    ],
)
def test_what_fails_says_so(bench: RunBench, command: str, said: str) -> None:
    assert bench.run(command, empty_yaml="", bad_yaml="a: [\n") == (1, f"{said}\n")


def test_flags_may_stand_anywhere(bench: RunBench) -> None:
    same = "kubectl -n kube-system get sa -oname", "kubectl get --namespace=kube-system sa -o=name"
    assert [bench.run(command) for command in same] == [(0, "serviceaccount/default\n")] * 2


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{.items[*].name}", "a b"),
        (".items[0].name", "a"),
        ("{.items[-1].name}", "b"),
        ("{.items[7].name}", ""),
        ("{.missing.path}", ""),
        (r"{.labels.app\.io/name}", "x"),
        ("{.labels['app.io/name']}", "x"),
        ("{.items[0]}", '{"name":"a"}'),
        ('{range .items[*]}{.name}{"\\t"}{end}!', "a\tb\t!"),
    ],
)
def test_jsonpath(template: str, text: str) -> None:
    document = {"items": [{"name": "a"}, {"name": "b"}], "labels": {"app.io/name": "x"}}
    assert jsonpath.evaluate(template, document) == text


@pytest.mark.parametrize("template", ["{.items[?(@.name)]}", "{range .items[*]}{.name}", "{end}"])
def test_jsonpath_that_is_not_understood(template: str) -> None:
    with pytest.raises(KubectlError, match="error parsing jsonpath"):
        jsonpath.evaluate(template, {"items": []})


def test_json_is_escaped_as_go_does() -> None:
    assert output.rendered({"a": "<&>é"}, "json") == '{\n    "a": "\\u003c\\u0026\\u003eé"\n}\n'


def test_an_invalid_request_is_told_by_its_causes() -> None:
    causes = [
        {"field": "spec.a", "message": "Required value"},
        {"field": "spec.b", "message": "Forbidden: x"},
    ]
    status = {
        "reason": "Invalid",
        "message": "…",
        "details": {"kind": "Gateway", "name": "edge", "causes": causes},
    }
    assert str(ServerError(status)) == (
        'The Gateway "edge" is invalid: \n* spec.a: Required value\n* spec.b: Forbidden: x'
    )
    status["details"]["causes"] = causes[:1]  # type: ignore[index]
    assert str(ServerError(status)) == 'The Gateway "edge" is invalid: spec.a: Required value'


ISTIO_GATEWAY = """\
apiVersion: networking.istio.io/v1beta1
kind: Gateway
metadata: {name: edge}
spec:
  selector: {istio: aks-istio-ingressgateway-external}
  servers: [{port: {number: 443, name: https, protocol: HTTPS}, hosts: [shop.contoso.com]}]
"""


def test_the_meshs_webhook_refuses_only_while_there_is_a_control_plane(bench: RunBench) -> None:
    assert bench.run("kubectl get ns")[0] == 0
    cluster = Cluster(bench.azure, bench.document["properties"]["resourceUID"])
    istiod = {"metadata": {"name": "istiod-asm-1-29", "namespace": "aks-istio-system"}, "spec": {}}
    with bench.azure.store.transaction():
        for crd in crds.ISTIO:
            cluster.put(kinds.CRD, crd)
        cluster.put(kinds.DEPLOYMENT, istiod)
    code, told = bench.run(f"{APPLY} -f a.yaml", a_yaml=ISTIO_GATEWAY)
    assert code == 1
    assert (
        'admission webhook "validation.istio.io" denied the request: configuration is invalid: server must'
        " have TLS settings for HTTPS/TLS protocols"
    ) in told
    with bench.azure.store.transaction():
        cluster.delete(kinds.DEPLOYMENT, "istiod-asm-1-29", "aks-istio-system")
    assert bench.run(f"{APPLY} -f a.yaml", a_yaml=ISTIO_GATEWAY)[0] == 0
    assert cluster.get(crds.ISTIO_GATEWAY, "edge", "default") is not None
