"""Server-side apply on real kinds: ownership, conflicts, removal, and the entries of managedFields."""

from __future__ import annotations

import json
from typing import Any

import pytest

from provision.sandbox.http import Json
from provision.sandbox.kubernetes import crds, kinds
from provision.sandbox.kubernetes.last_applied import ANNOTATION
from provision.sandbox.kubernetes.objects import Kind
from provision.sandbox.kubernetes.server_side_apply import ApplyConflict, ApplyRefused, apply, update

EARLY, LATE = "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"


def applied(
    live: Json | None,
    body: Json,
    manager: str = "provision",
    *,
    kind: Kind = kinds.SERVICE,
    force: bool = False,
    now: str = EARLY,
) -> Json:
    return apply(live, body, kind=kind, manager=manager, force=force, now=now)


def service(**spec: Any) -> Json:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "shop", "namespace": "shop"},
        "spec": spec,
    }


def port(number: int, **more: Any) -> Json:
    return {"port": number, **more}


def gateway(*listeners: Json, **spec: Any) -> Json:
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "Gateway",
        "metadata": {"name": "shop", "namespace": "shop"},
        "spec": {"gatewayClassName": "approuting-istio", "listeners": list(listeners), **spec},
    }


def listener(name: str, number: int) -> Json:
    return {"name": name, "port": number, "protocol": "HTTP"}


def entry(body: Json, manager: str) -> Json:
    found: Json = next(each for each in body["metadata"]["managedFields"] if each["manager"] == manager)
    return found


def test_an_entry_names_the_applied_fields_but_not_what_identifies_the_object() -> None:
    made = applied(None, gateway(listener("http", 80)), kind=crds.GATEWAY)
    assert made["metadata"]["managedFields"] == [
        {
            "manager": "provision",
            "operation": "Apply",
            "apiVersion": "gateway.networking.k8s.io/v1",
            "time": EARLY,
            "fieldsType": "FieldsV1",
            "fieldsV1": {
                "f:spec": {
                    "f:gatewayClassName": {},
                    "f:listeners": {
                        'k:{"name":"http"}': {".": {}, "f:name": {}, "f:port": {}, "f:protocol": {}}
                    },
                }
            },
        }
    ]


def test_defaults_are_filled_in_and_nobody_manages_them() -> None:
    made = applied(None, gateway(listener("http", 80)), kind=crds.GATEWAY)
    assert made["spec"]["listeners"][0]["allowedRoutes"] == {"namespaces": {"from": "Same"}}
    assert "allowedRoutes" not in json.dumps(made["metadata"]["managedFields"])


def test_applying_the_same_again_changes_nothing_not_even_the_time() -> None:
    made = applied(None, gateway(listener("http", 80)), kind=crds.GATEWAY)
    again = applied(made, gateway(listener("http", 80)), kind=crds.GATEWAY, now=LATE)
    assert again == made


def test_an_atomic_list_with_defaults_applied_again_keeps_its_time() -> None:
    route: Json = {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": "shop"},
        "spec": {"parentRefs": [{"name": "shop"}], "rules": [{"backendRefs": [{"name": "a", "port": 80}]}]},
    }
    made = applied(None, route, kind=crds.HTTP_ROUTE)
    assert made["spec"]["rules"][0]["backendRefs"][0]["weight"] == 1
    assert applied(made, route, kind=crds.HTTP_ROUTE, now=LATE) == made


def test_a_field_of_another_with_another_value_is_a_conflict() -> None:
    made = applied(None, gateway(listener("http", 80)), kind=crds.GATEWAY)
    with pytest.raises(ApplyConflict) as caught:
        applied(made, gateway(listener("http", 8080)), "other", kind=crds.GATEWAY)
    assert [cause.as_json() for cause in caught.value.causes] == [
        {
            "reason": "FieldManagerConflict",
            "message": 'conflict with "provision"',
            "field": '.spec.listeners[name="http"].port',
        }
    ]
    assert str(caught.value) == (
        'Apply failed with 1 conflict: conflict with "provision": .spec.listeners[name="http"].port'
    )


def test_conflicts_are_listed_by_manager_and_say_the_version_of_an_update() -> None:
    made = update(None, service(ports=[port(80)]), kind=kinds.SERVICE, manager="kubectl-create", now=EARLY)
    made = applied(made, service(sessionAffinity="None"))
    wanted = service(sessionAffinity="ClientIP", ports=[port(80, targetPort=8080, name="web")])
    made["spec"]["ports"][0] |= {"name": "old"}
    made = update(made | {}, made, kind=kinds.SERVICE, manager="kubectl-create", now=EARLY)
    edited = json.loads(json.dumps(made))
    edited["spec"]["ports"][0]["targetPort"] = 1
    edited = update(made, edited, kind=kinds.SERVICE, manager="kubectl-edit", now=LATE)
    with pytest.raises(ApplyConflict) as caught:
        applied(edited, wanted, "other")
    assert str(caught.value) == (
        "Apply failed with 2 conflicts: "
        'conflicts with "kubectl-edit" using v1:\n- .spec.ports[port=80,protocol="TCP"].targetPort\n'
        'conflicts with "provision":\n- .spec.sessionAffinity'
    )


def test_the_same_value_is_shared_and_stays_until_its_last_owner_leaves() -> None:
    made = applied(None, service(type="NodePort", ports=[port(80)]))
    both = applied(made, service(type="NodePort"), "other")
    assert entry(both, "other")["fieldsV1"] == {"f:spec": {"f:type": {}}}
    one = applied(both, service(ports=[port(80)]))
    assert one["spec"]["type"] == "NodePort"
    none = applied(one, {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "shop"}}, "other")
    assert none["spec"]["type"] == "ClusterIP"
    assert [each["manager"] for each in none["metadata"]["managedFields"]] == ["provision"]


def test_force_takes_the_field_from_its_owner() -> None:
    made = applied(None, service(type="NodePort", ports=[port(80)]))
    taken = applied(made, service(type="LoadBalancer"), "other", force=True, now=LATE)
    assert taken["spec"]["type"] == "LoadBalancer"
    assert "f:type" not in entry(taken, "provision")["fieldsV1"]["f:spec"]
    assert entry(taken, "provision")["time"] == EARLY
    assert entry(taken, "other")["time"] == LATE


def test_an_item_applied_no_longer_goes_with_the_defaults_inside_it() -> None:
    made = applied(None, gateway(listener("http", 80), listener("extra", 81)), kind=crds.GATEWAY)
    left = applied(made, gateway(listener("http", 80)), kind=crds.GATEWAY)
    assert [each["name"] for each in left["spec"]["listeners"]] == ["http"]


def test_an_item_that_another_manages_a_field_of_stays_with_that_field() -> None:
    tls = {"name": "https", "tls": {"certificateRefs": [{"name": "cert"}]}}
    made = applied(None, gateway(listener("http", 80), listener("https", 443)), kind=crds.GATEWAY)
    body = gateway(tls)
    del body["spec"]["gatewayClassName"]
    made = applied(made, body, "operator", kind=crds.GATEWAY)
    left = applied(made, gateway(listener("http", 80)), kind=crds.GATEWAY)
    kept = next(each for each in left["spec"]["listeners"] if each["name"] == "https")
    assert kept["tls"]["certificateRefs"][0]["name"] == "cert"
    assert "port" not in kept


def test_labels_of_others_survive_ours() -> None:
    made = applied(None, {**service(ports=[port(80)]), "metadata": {"name": "shop", "labels": {"ours": "1"}}})
    labelled = json.loads(json.dumps(made))
    labelled["metadata"]["labels"]["theirs"] = "2"
    labelled = update(made, labelled, kind=kinds.SERVICE, manager="kubectl-label", now=LATE)
    assert entry(labelled, "kubectl-label") | {"time": ""} == {
        "manager": "kubectl-label",
        "operation": "Update",
        "apiVersion": "v1",
        "time": "",
        "fieldsType": "FieldsV1",
        "fieldsV1": {"f:metadata": {"f:labels": {"f:theirs": {}}}},
    }
    left = applied(labelled, {**service(ports=[port(80)]), "metadata": {"name": "shop"}})
    assert left["metadata"]["labels"] == {"theirs": "2"}


def test_an_edit_takes_the_field_from_its_applier_and_then_conflicts() -> None:
    made = applied(None, service(type="NodePort", ports=[port(80)]))
    edited = json.loads(json.dumps(made))
    edited["spec"]["type"] = "LoadBalancer"
    edited = update(made, edited, kind=kinds.SERVICE, manager="kubectl-edit", now=LATE)
    assert "f:type" not in entry(edited, "provision")["fieldsV1"]["f:spec"]
    with pytest.raises(ApplyConflict, match=r'conflict with "kubectl-edit" using v1: \.spec\.type'):
        applied(edited, service(type="NodePort", ports=[port(80)]))


def test_a_field_removed_by_an_edit_has_no_owner_left() -> None:
    made = applied(None, service(externalName="a.example", ports=[port(80)]))
    edited = json.loads(json.dumps(made))
    del edited["spec"]["externalName"]
    edited = update(made, edited, kind=kinds.SERVICE, manager="kubectl-edit", now=LATE)
    assert "f:externalName" not in entry(edited, "provision")["fieldsV1"]["f:spec"]
    assert [each["manager"] for each in edited["metadata"]["managedFields"]] == ["provision"]


def test_an_update_that_changes_nothing_keeps_the_times() -> None:
    made = update(None, service(ports=[port(80)]), kind=kinds.SERVICE, manager="kubectl", now=EARLY)
    assert update(made, made, kind=kinds.SERVICE, manager="kubectl", now=LATE) == made


def test_an_update_that_sends_no_managed_fields_keeps_them() -> None:
    made = applied(None, service(ports=[port(80)]))
    sent = json.loads(json.dumps(made))
    del sent["metadata"]["managedFields"]
    assert update(made, sent, kind=kinds.SERVICE, manager="kubectl", now=LATE) == made


def test_managed_fields_can_be_cleared_and_apply_begins_again() -> None:
    made = applied(None, service(ports=[port(80)]))
    sent = json.loads(json.dumps(made))
    sent["metadata"]["managedFields"] = [{}]
    bare = update(made, sent, kind=kinds.SERVICE, manager="kubectl", now=LATE)
    assert "managedFields" not in bare["metadata"]
    again = applied(bare, service(ports=[port(80)]), now=LATE)
    assert [each["manager"] for each in again["metadata"]["managedFields"]] == [
        "provision",
        "before-first-apply",
    ]


def test_a_status_written_by_a_controller_is_an_entry_of_its_own_and_no_conflict() -> None:
    made = applied(None, gateway(listener("http", 80)), kind=crds.GATEWAY)
    reported = json.loads(json.dumps(made))
    reported["status"] |= {"addresses": [{"type": "IPAddress", "value": "10.0.0.1"}]}
    reported = update(made, reported, kind=crds.GATEWAY, manager="istiod", now=LATE, subresource="status")
    assert entry(reported, "istiod")["subresource"] == "status"
    assert set(entry(reported, "istiod")["fieldsV1"]) == {"f:status"}
    assert applied(reported, gateway(listener("http", 80)), kind=crds.GATEWAY) == reported


def test_a_field_the_kind_does_not_have_cannot_be_applied() -> None:
    with pytest.raises(ApplyRefused) as caught:
        applied(None, gateway(listener("http", 80), colour="red"), kind=crds.GATEWAY)
    assert str(caught.value) == (
        "failed to create typed patch object (shop/shop; gateway.networking.k8s.io/v1, Kind=Gateway): "
        ".spec.colour: field not declared in schema"
    )


def test_one_item_twice_cannot_be_applied() -> None:
    with pytest.raises(ApplyRefused, match=r'\.spec\.listeners: duplicate entries for key \[name="a"\]'):
        applied(None, gateway(listener("a", 80), listener("a", 81)), kind=crds.GATEWAY)


def test_kubectl_takes_over_what_it_applied_on_the_client_side() -> None:
    first = service(type="NodePort", ports=[port(80)])
    first["metadata"]["annotations"] = {
        "kubectl.kubernetes.io/last-applied-configuration": json.dumps(
            service(type="NodePort", ports=[port(80)])
        )
    }
    made = update(None, first, kind=kinds.SERVICE, manager="kubectl-client-side-apply", now=EARLY)
    with pytest.raises(ApplyConflict):
        applied(made, service(type="LoadBalancer", ports=[port(80)]), "someone")
    taken = applied(made, service(type="LoadBalancer", ports=[port(80)]), "kubectl")
    assert taken["spec"]["type"] == "LoadBalancer"
    said = taken["metadata"]["annotations"][ANNOTATION]
    assert json.loads(said)["spec"]["type"] == "LoadBalancer"


def test_a_field_nobody_manages_stays_where_another_keeps_its_parent() -> None:
    ours = listener("https", 443) | {"tls": {"certificateRefs": [{"name": "cert"}]}}
    made = applied(None, gateway(ours), kind=crds.GATEWAY)
    theirs = gateway({"name": "https", "tls": {"options": {"a": "b"}}})
    del theirs["spec"]["gatewayClassName"]
    made = applied(made, theirs, "operator", kind=crds.GATEWAY)
    made["spec"]["listeners"][0]["tls"]["mode"] = "Passthrough"
    left = applied(made, gateway(listener("https", 443)), kind=crds.GATEWAY)
    assert left["spec"]["listeners"][0]["tls"] == {"mode": "Passthrough", "options": {"a": "b"}}


def test_a_map_key_goes_with_its_only_manager_whatever_is_in_it() -> None:
    free = Kind("example.org", "v1", "Free", "frees", True)

    def body(**parts: Any) -> Json:
        return {"apiVersion": "example.org/v1", "kind": "Free", "metadata": {"name": "a"}, "data": parts}

    made = update(None, body(key={"theirs": 1}), kind=free, manager="them", now=EARLY)
    made["metadata"]["managedFields"][0]["fieldsV1"] = {"f:data": {"f:key": {"f:theirs": {}}}}
    both = applied(made, body(key={"ours": 2}), kind=free, force=True)
    left = applied(both, body(), kind=free)
    assert "data" not in left


def test_an_empty_map_is_managed_as_a_field() -> None:
    made = applied(None, gateway(listener("http", 80), infrastructure={}), kind=crds.GATEWAY)
    assert entry(made, "provision")["fieldsV1"]["f:spec"]["f:infrastructure"] == {}


def test_a_create_does_not_manage_the_status() -> None:
    made = update(
        None,
        gateway(listener("http", 80)) | {"status": {"addresses": []}},
        kind=crds.GATEWAY,
        manager="kubectl-create",
        now=EARLY,
    )
    assert set(entry(made, "kubectl-create")["fieldsV1"]) == {"f:spec"}


def test_entries_are_ordered_by_operation_then_time() -> None:
    made = update(None, service(ports=[port(80)]), kind=kinds.SERVICE, manager="a-creator", now=EARLY)
    made = applied(made, service(type="NodePort"), "z-first", now=EARLY, force=True)
    made = applied(made, service(externalName="a.example"), "a-second", now=LATE)
    found = [each["manager"] for each in made["metadata"]["managedFields"]]
    assert found == ["z-first", "a-second", "a-creator"]
