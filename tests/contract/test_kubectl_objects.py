"""The real kubectl reads and changes objects of a sandbox cluster."""

from __future__ import annotations

import json
from typing import Any

import pytest

from contract.kubectl import Kubectl, KubectlError
from provision.sandbox.kubernetes import crds

GATEWAY: dict[str, Any] = {
    "apiVersion": "gateway.networking.k8s.io/v1",
    "kind": "Gateway",
    "metadata": {"name": "shop", "namespace": "default", "labels": {"app": "shop"}},
    "spec": {
        "gatewayClassName": "none",
        "listeners": [{"name": "http", "port": 80, "protocol": "HTTP", "hostname": "shop.contoso.com"}],
    },
}


@pytest.fixture(scope="module")
def cluster(kubectl: Kubectl) -> Kubectl:
    """With the Gateway API installed, by kubectl itself."""
    installed = kubectl.apply(*crds.GATEWAY_API("v1.3.0"))
    assert "gateways.gateway.networking.k8s.io serverside-applied" in installed
    return kubectl


def _config_map(name: str, **data: str) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "default"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def test_a_cluster_has_its_namespaces_from_the_start(cluster: Kubectl) -> None:
    lines = cluster("get", "ns", "--no-headers").splitlines()
    assert [line.split()[:2] for line in lines][:1] == [["default", "Active"]]
    assert {"kube-node-lease", "kube-public", "kube-system"} <= {line.split()[0] for line in lines}
    assert cluster.read("get", "service", "kubernetes")["spec"]["ports"][0]["port"] == 443
    assert cluster.read("get", "serviceaccounts")["items"][0]["metadata"]["name"] == "default"


def test_kinds_of_definitions_are_discovered(cluster: Kubectl) -> None:
    listed = cluster("api-resources", "--api-group", "gateway.networking.k8s.io", "-o", "name").split()
    assert "httproutes.gateway.networking.k8s.io" in listed
    assert "gtw" in cluster("api-resources", "--api-group", "gateway.networking.k8s.io")
    assert "gatewayClassName" in cluster("explain", "gateways.spec")


def test_objects_are_applied_read_and_selected(cluster: Kubectl) -> None:
    cluster.apply(GATEWAY)
    (everywhere,) = cluster.read("get", "gateways", "-A", "-l", "app=shop")["items"]
    assert everywhere["spec"]["gatewayClassName"] == "none"
    assert cluster("get", "gtw", "-l", "app=shop", "-o", "name") == (
        "gateway.gateway.networking.k8s.io/shop\n"
    )
    assert cluster("get", "gtw", "-l", "app!=shop", "-o", "name") == ""
    assert cluster("get", "gtw", "-l", "app in (a,b)", "-o", "name") == ""
    assert cluster("get", "gtw", "--field-selector", "metadata.name=other", "-o", "name") == ""
    header, row = cluster("get", "gateway", "shop").splitlines()
    assert header.split()[:2] == ["NAME", "CLASS"]
    assert row.split()[:2] == ["shop", "none"]


def test_an_object_that_is_not_there(cluster: Kubectl) -> None:
    with pytest.raises(KubectlError, match=r'\(NotFound\): configmaps "absent" not found'):
        cluster("get", "configmap", "absent")
    with pytest.raises(KubectlError, match="the server doesn't have a resource type"):
        cluster("get", "unheardof")


def test_a_field_of_another_manager_is_a_conflict(cluster: Kubectl) -> None:
    cluster.apply(_config_map("shared", a="1", b="1"), manager="provision")
    with pytest.raises(KubectlError) as refused:
        cluster.apply(_config_map("shared", a="2"))
    assert 'Apply failed with 1 conflict: conflict with "provision": .data.a' in str(refused.value)
    cluster.apply(_config_map("shared", a="2"), options=("--force-conflicts",))
    shared = cluster.read("get", "configmap", "shared")
    assert shared["data"] == {"a": "2", "b": "1"}
    cluster.apply(_config_map("shared"), manager="provision")
    assert cluster.read("get", "configmap", "shared")["data"] == {"a": "2"}


def test_a_conflict_names_the_element_of_a_list(cluster: Kubectl) -> None:
    cluster.apply({**GATEWAY, "metadata": {**GATEWAY["metadata"], "name": "held"}}, manager="provision")
    listener = {**GATEWAY["spec"]["listeners"][0], "hostname": "other.contoso.com"}
    taken = {
        **GATEWAY,
        "metadata": {"name": "held", "namespace": "default"},
        "spec": {**GATEWAY["spec"], "listeners": [listener]},
    }
    with pytest.raises(KubectlError, match=r'\.spec\.listeners\[name="http"\]\.hostname'):
        cluster.apply(taken)


def test_a_dry_run_on_the_server_changes_nothing(cluster: Kubectl) -> None:
    said = cluster.apply(_config_map("rehearsed", a="1"), options=("--dry-run=server",))
    assert said == "configmap/rehearsed serverside-applied (server dry run)\n"
    with pytest.raises(KubectlError, match="NotFound"):
        cluster("get", "configmap", "rehearsed")
    cluster.apply(GATEWAY)
    before = cluster.read("get", "gateway", "shop")
    cluster("delete", "gateway", "shop", "--dry-run=server")
    cluster("label", "gateway", "shop", "tried=yes", "--dry-run=server")
    assert cluster.read("get", "gateway", "shop") == before


def test_labels_annotations_and_patches(cluster: Kubectl) -> None:
    cluster.apply(GATEWAY)
    cluster("label", "gateway", "shop", "team=web")
    cluster("annotate", "gateway", "shop", "note=by hand")
    listener = {"name": "more", "port": 8080, "protocol": "HTTP"}
    patch = json.dumps([{"op": "add", "path": "/spec/listeners/-", "value": listener}])
    cluster("patch", "gateway", "shop", "--type", "json", "-p", patch)
    cluster("patch", "gateway", "shop", "--type", "merge", "-p", '{"metadata": {"labels": {"app": null}}}')
    found = cluster.read("get", "gateway", "shop")
    assert found["metadata"]["labels"] == {"team": "web"}
    assert found["metadata"]["annotations"]["note"] == "by hand"
    assert [each["name"] for each in found["spec"]["listeners"]] == ["http", "more"]
    assert found["metadata"]["generation"] > 1


def test_apply_on_the_client_merges_lists_by_key(cluster: Kubectl) -> None:
    ports = [{"name": "a", "port": 80}, {"name": "b", "port": 81}]
    service: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "classic", "namespace": "default"},
        "spec": {"selector": {"app": "x"}, "ports": ports},
    }
    cluster("apply", "-f", "-", given=service)
    cluster("patch", "service", "classic", "-p", '{"spec": {"ports": [{"name": "c", "port": 82}]}}')
    service["spec"]["ports"] = ports[1:]
    assert cluster("apply", "-f", "-", given=service) == "service/classic configured\n"
    found = cluster.read("get", "service", "classic")["spec"]
    assert sorted(each["name"] for each in found["ports"]) == ["b", "c"]
    assert found["clusterIP"].startswith("10.0.")


def test_replace_needs_the_version_that_was_read(cluster: Kubectl) -> None:
    cluster.apply(_config_map("raced", a="1"))
    first = cluster.read("get", "configmap", "raced")
    cluster("annotate", "configmap", "raced", "meanwhile=changed")
    with pytest.raises(KubectlError, match=r"\(Conflict\).*the object has been modified"):
        cluster("replace", "-f", "-", given=first)


def test_invalid_objects_are_refused_by_field(cluster: Kubectl) -> None:
    broken = {**GATEWAY, "metadata": {"name": "broken", "namespace": "default"}}
    broken["spec"] = {
        "gatewayClassName": "none",
        "listeners": [{"name": "http", "port": 0, "protocol": "HTTP"}],
    }
    with pytest.raises(KubectlError) as refused:
        cluster.apply(broken)
    # the server says Gateway.gateway.networking.k8s.io; kubectl words it anew from the details
    assert 'The Gateway "broken" is invalid: spec.listeners[0].port: Invalid value: 0' in str(refused.value)
    odd = {**GATEWAY, "spec": {**GATEWAY["spec"], "unheardOf": 1}}
    with pytest.raises(KubectlError, match='unknown field "unheardOf"'):
        cluster.apply(odd)  # by kubectl, which has read the schema
    with pytest.raises(KubectlError, match=r"\.spec\.unheardOf: field not declared in schema"):
        cluster.apply(odd, options=("--validate=false",))


def test_namespaces_are_made_and_go_with_what_is_in_them(cluster: Kubectl) -> None:
    with pytest.raises(KubectlError, match='namespaces "shop" not found'):
        cluster("create", "configmap", "inside", "--from-literal", "a=1", "-n", "shop")
    assert cluster("create", "namespace", "shop") == "namespace/shop created\n"
    cluster("create", "configmap", "inside", "--from-literal", "a=1", "-n", "shop")
    cluster("create", "secret", "generic", "hidden", "--from-literal", "k=v", "-n", "shop")
    assert cluster.read("get", "secret", "hidden", "-n", "shop")["data"] == {"k": "dg=="}
    with pytest.raises(KubectlError, match=r"\(AlreadyExists\)|already exists"):
        cluster("create", "namespace", "shop")
    cluster("delete", "namespace", "shop")
    with pytest.raises(KubectlError, match="NotFound"):
        cluster("get", "namespace", "shop")
    cluster("create", "namespace", "shop")
    assert cluster.read("get", "configmaps,secrets", "-n", "shop")["items"] == []


def test_some_namespaces_stay(cluster: Kubectl) -> None:
    with pytest.raises(KubectlError, match="this namespace may not be deleted"):
        cluster("delete", "namespace", "kube-system")


def test_delete_waits_for_finalizers(cluster: Kubectl) -> None:
    held = _config_map("finalized")
    held["metadata"]["finalizers"] = ["example.com/hold"]
    cluster.apply(held)
    cluster("delete", "configmap", "finalized", "--wait=false")
    assert cluster.read("get", "configmap", "finalized")["metadata"]["deletionTimestamp"]
    cluster("patch", "configmap", "finalized", "--type", "merge", "-p", '{"metadata": {"finalizers": null}}')
    with pytest.raises(KubectlError, match="NotFound"):
        cluster("get", "configmap", "finalized")


def test_what_is_owned_goes_with_its_owner(cluster: Kubectl) -> None:
    cluster.apply(_config_map("owner"))
    owner = cluster.read("get", "configmap", "owner")
    owned = _config_map("owned")
    owned["metadata"]["ownerReferences"] = [
        {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner["metadata"]["uid"]}
    ]
    cluster.apply(owned)
    cluster("delete", "configmap", "owner")
    with pytest.raises(KubectlError, match="NotFound"):
        cluster("get", "configmap", "owned")


def test_a_definition_takes_its_objects_along(cluster: Kubectl) -> None:
    name = "widgets.example.com"
    names = {"kind": "Widget", "plural": "widgets"}
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    version = {"name": "v1", "served": True, "storage": True, "schema": schema}
    spec = {"group": "example.com", "names": names, "scope": "Namespaced", "versions": [version]}
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": name},
        "spec": spec,
    }
    cluster.apply(definition)
    cluster("wait", "--for=condition=Established", f"crd/{name}", "--timeout=30s")
    widget = {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "one"}, "spec": {"a": 1}}
    cluster.apply(widget)
    assert cluster.read("get", "widgets", "one")["spec"] == {"a": 1}
    cluster("delete", "crd", name)
    cluster.apply(definition)
    assert cluster("get", "widgets", "-o", "name") == ""
