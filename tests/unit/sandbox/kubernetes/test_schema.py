"""Defaults, pruning and refusals of objects, in the API server's words."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from provision.sandbox.http import Json
from provision.sandbox.kubernetes import crds, kinds, schema
from provision.sandbox.kubernetes.objects import Kind
from provision.sandbox.kubernetes.shapes import array, integer, record, ruled, text

ZONE = "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.Network/{}/contoso.com"


def thing(kind: Kind, name: str = "shop", **parts: Any) -> Json:
    return {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": {"name": name}, **parts}


def refusals(kind: Kind, body: Json, old: Json | None = None) -> list[str]:
    return [str(cause) for cause in schema.check(kind, schema.default(kind, body), old)]


def listener(**more: Any) -> Json:
    return {"name": "http", "port": 80, "protocol": "HTTP", **more}


def gateway(*listeners: Json, **spec: Any) -> Json:
    return thing(crds.GATEWAY, spec={"gatewayClassName": "a", "listeners": list(listeners), **spec})


def route(**rule: Any) -> Json:
    return thing(crds.HTTP_ROUTE, spec={"rules": [rule]})


def external_dns(**spec: Any) -> Json:
    found = {
        "resourceName": "dns",
        "dnsZoneResourceIDs": [ZONE.format("s", "rg", "dnszones")],
        "resourceTypes": ["gateway"],
        "identity": {"serviceAccount": "dns"},
    }
    return thing(crds.EXTERNAL_DNS, spec=found | spec)


def ingress(path: Json, **spec: Any) -> Json:
    rules = [{"host": "shop.contoso.com", "http": {"paths": [path]}}]
    return thing(kinds.INGRESS, spec={"rules": rules, **spec})


BACKEND = {"service": {"name": "shop", "port": {"number": 80}}}

VALID: list[tuple[Kind, Json]] = [
    (crds.GATEWAY, gateway(listener())),
    (crds.GATEWAY, gateway(listener(protocol="HTTPS", tls={"options": {"a": "b"}}))),
    (crds.GATEWAY, gateway(listener(), addresses=[{"value": "10.0.0.4"}])),
    (crds.HTTP_ROUTE, route(backendRefs=[{"name": "shop", "port": 80}])),
    (crds.HTTP_ROUTE, thing(crds.HTTP_ROUTE, spec={})),
    (
        crds.HTTP_ROUTE,
        route(
            filters=[{"type": "RequestRedirect", "requestRedirect": {"scheme": "https", "statusCode": 301}}]
        ),
    ),
    (crds.GATEWAY_CLASS, thing(crds.GATEWAY_CLASS, spec={"controllerName": "istio.io/gateway-controller"})),
    (crds.NGINX_INGRESS_CONTROLLER, thing(crds.NGINX_INGRESS_CONTROLLER, spec={})),
    (crds.EXTERNAL_DNS, external_dns()),
    (crds.SECRET_PROVIDER_CLASS, thing(crds.SECRET_PROVIDER_CLASS, spec={"provider": "azure"})),
    (kinds.INGRESS, ingress({"path": "/", "pathType": "Prefix", "backend": BACKEND})),
    (kinds.SERVICE, thing(kinds.SERVICE, spec={"ports": [{"port": 80}]})),
    (kinds.SECRET, thing(kinds.SECRET, stringData={"a": "b"})),
    (kinds.NAMESPACE, thing(kinds.NAMESPACE)),
    (kinds.CRD, crds.GATEWAY_API("v1.3.0")[1]),
]


@pytest.mark.parametrize(("kind", "body"), VALID)
def test_ordinary_objects_are_valid(kind: Kind, body: Json) -> None:
    assert refusals(kind, body) == []
    assert schema.unknown_fields(kind, schema.default(kind, body)) == []


NOT_TRIED = (
    '<nil>: Invalid value: "null": some validation rules were not checked because the object was invalid; '
    "correct the existing errors to complete validation"
)

INVALID: list[tuple[Kind, Json, list[str]]] = [
    (
        crds.GATEWAY,
        thing(crds.GATEWAY, spec={"gatewayClassName": "a"}),
        ["spec.listeners: Required value", NOT_TRIED],
    ),
    (
        crds.GATEWAY,
        gateway(listener(port=0)),
        [
            "spec.listeners[0].port: Invalid value: 0: spec.listeners[0].port in body should be greater than "
            "or equal to 1"
        ],
    ),
    (
        crds.GATEWAY,
        gateway(listener(port="80")),
        [
            'spec.listeners[0].port: Invalid value: "string": spec.listeners[0].port in body must be of type '
            'integer: "string"',
            NOT_TRIED,
        ],
    ),
    (
        crds.GATEWAY,
        gateway(listener(port=True)),
        [
            'spec.listeners[0].port: Invalid value: "boolean": spec.listeners[0].port in body must be of '
            'type integer: "boolean"',
            NOT_TRIED,
        ],
    ),
    (
        crds.GATEWAY,
        gateway(listener(protocol="HTTPS", tls={"mode": "Mutual"})),
        [
            'spec.listeners[0].tls.mode: Unsupported value: "Mutual": supported values: "Terminate", '
            '"Passthrough"',
            NOT_TRIED,
        ],
    ),
    (
        crds.GATEWAY,
        gateway(listener(), listener(port=81)),
        [
            'spec.listeners[1]: Duplicate value: {"name":"http"}',
            'spec.listeners: Invalid value: "array": Listener name must be unique within the Gateway',
        ],
    ),
    (
        crds.GATEWAY,
        gateway(listener(tls={"options": {"a": "b"}})),
        [
            'spec.listeners: Invalid value: "array": tls must not be specified for protocols '
            "['HTTP', 'TCP', 'UDP']"
        ],
    ),
    (
        crds.GATEWAY,
        gateway(listener(protocol="HTTPS", tls={})),
        [
            'spec.listeners[0].tls: Invalid value: "object": no such key: certificateRefs evaluating rule: '
            "certificateRefs or options must be specified when mode is Terminate"
        ],
    ),
    (
        crds.GATEWAY,
        gateway(listener(), infrastructure={"annotations": {str(each): "x" for each in range(9)}}),
        ["spec.infrastructure.annotations: Too many: 9: must have at most 8 items", NOT_TRIED],
    ),
    (
        crds.HTTP_ROUTE,
        route(backendRefs=[{"name": "shop"}]),
        ['spec.rules[0].backendRefs[0]: Invalid value: "object": Must have port for Service reference'],
    ),
    (
        crds.HTTP_ROUTE,
        route(matches=[{"path": {"value": "shop"}}]),
        [
            'spec.rules[0].matches[0].path: Invalid value: "object": value must be an absolute path and '
            "start with '/' when type one of ['Exact', 'PathPrefix']"
        ],
    ),
    (
        crds.EXTERNAL_DNS,
        external_dns(identity={"type": "workloadIdentity"}),
        ['spec.identity: Invalid value: "object": serviceAccount is required when type is workloadIdentity'],
    ),
    (
        crds.EXTERNAL_DNS,
        external_dns(dnsZoneResourceIDs=[ZONE.format("s", rg, "dnszones") for rg in ("one", "two")]),
        ['spec.dnsZoneResourceIDs: Invalid value: "array": all items must have the same resource group'],
    ),
    (
        crds.NGINX_INGRESS_CONTROLLER,
        thing(crds.NGINX_INGRESS_CONTROLLER, spec={"scaling": {"minReplicas": 3, "maxReplicas": 2}}),
        [
            'spec.scaling: Invalid value: "object": failed rule: !(has(self.minReplicas) && '
            "has(self.maxReplicas)) || self.minReplicas <= self.maxReplicas"
        ],
    ),
    (
        kinds.INGRESS,
        ingress({"path": "/", "backend": BACKEND}),
        ["spec.rules[0].http.paths[0].pathType: Required value: pathType must be specified"],
    ),
    (
        kinds.INGRESS,
        ingress({"path": "shop", "pathType": "Prefix", "backend": {"service": {"name": "shop"}}}),
        [
            'spec.rules[0].http.paths[0].path: Invalid value: "shop": must be an absolute path',
            "spec.rules[0].http.paths[0].backend: Required value: port name or number is required",
        ],
    ),
    (kinds.SERVICE, thing(kinds.SERVICE, spec={}), ["spec.ports: Required value"]),
    (
        kinds.SERVICE,
        thing(kinds.SERVICE, spec={"ports": [{"port": 80, "name": "a"}, {"port": 81}]}),
        ["spec.ports[1].name: Required value"],
    ),
    (
        kinds.SERVICE,
        thing(kinds.SERVICE, spec={"type": "External", "ports": [{"port": 80}]}),
        [
            'spec.type: Unsupported value: "External": supported values: "ClusterIP", "ExternalName", '
            '"LoadBalancer", "NodePort"'
        ],
    ),
]


@pytest.mark.parametrize(("kind", "body", "said"), INVALID)
def test_refusals_have_the_words_of_the_api_server(kind: Kind, body: Json, said: list[str]) -> None:
    assert refusals(kind, body) == said


@pytest.mark.parametrize(
    ("kind", "name", "said"),
    [
        (kinds.SECRET, "A", "a lowercase RFC 1123 subdomain must consist of"),
        (kinds.SECRET, "a" * 254, "must be no more than 253 characters"),
        (kinds.NAMESPACE, "a.b", "a lowercase RFC 1123 label must consist of"),
        (kinds.SERVICE, "1a", "a DNS-1035 label must consist of"),
        (kinds.SECRET, "", "metadata.name: Required value: name or generateName is required"),
    ],
)
def test_names_follow_the_rules_of_their_kind(kind: Kind, name: str, said: str) -> None:
    spec: Json = {"spec": {"ports": [{"port": 80}]}} if kind is kinds.SERVICE else {}
    (refusal,) = refusals(kind, thing(kind, name, **spec))
    assert refusal.startswith("metadata.name: ")
    assert said in refusal


@pytest.mark.parametrize(
    ("metadata", "field"),
    [
        ({"labels": {"a": "b c"}}, "metadata.labels"),
        ({"labels": {"-a": "b"}}, "metadata.labels"),
        ({"labels": {"a": "b" * 64}}, "metadata.labels"),
        ({"annotations": {"A_/b": "c"}}, "metadata.annotations"),
        ({"annotations": {"a": "b" * 300_000}}, "metadata.annotations"),
    ],
)
def test_labels_and_annotations_are_checked(metadata: Json, field: str) -> None:
    body = thing(kinds.CONFIG_MAP)
    body["metadata"] |= metadata
    (cause,) = schema.check(kinds.CONFIG_MAP, body)
    assert cause.field == field


def test_defaults_fill_what_is_absent_at_every_depth() -> None:
    body = schema.default(crds.HTTP_ROUTE, route(backendRefs=[{"name": "shop", "port": 80}]))
    assert body["spec"]["rules"] == [
        {
            "matches": [{"path": {"type": "PathPrefix", "value": "/"}}],
            "backendRefs": [{"name": "shop", "port": 80, "group": "", "kind": "Service", "weight": 1}],
        }
    ]


def test_a_gateway_is_born_waiting_for_its_controller() -> None:
    body = schema.default(crds.GATEWAY, gateway(listener()))
    assert [each["type"] for each in body["status"]["conditions"]] == ["Accepted", "Programmed"]
    assert {each["status"] for each in body["status"]["conditions"]} == {"Unknown"}


def test_a_null_is_as_good_as_absent() -> None:
    body = gateway(listener(allowedRoutes=None, hostname=None))
    found = schema.default(crds.GATEWAY, body)["spec"]["listeners"][0]
    assert "hostname" not in found
    assert found["allowedRoutes"] == {"namespaces": {"from": "Same"}}


def test_a_load_balancer_service_gets_what_the_cluster_hands_out() -> None:
    body = thing(kinds.SERVICE, spec={"type": "LoadBalancer", "ports": [{"port": 80}]})
    spec = schema.default(kinds.SERVICE, body)["spec"]
    assert spec["clusterIP"].startswith("10.0.")
    assert spec["clusterIPs"] == [spec["clusterIP"]]
    assert spec["externalTrafficPolicy"] == "Cluster"
    (port,) = spec["ports"]
    assert port | {"nodePort": 0} == {"port": 80, "protocol": "TCP", "targetPort": 80, "nodePort": 0}
    assert 30000 <= port["nodePort"] <= 32767


def test_string_data_becomes_data() -> None:
    body = schema.default(kinds.SECRET, thing(kinds.SECRET, stringData={"a": "b"}))
    assert (body["data"], body["type"]) == ({"a": "Yg=="}, "Opaque")
    assert "stringData" not in body


def test_a_namespace_is_labelled_with_its_name() -> None:
    body = schema.default(kinds.NAMESPACE, thing(kinds.NAMESPACE))
    assert body["metadata"]["labels"] == {"kubernetes.io/metadata.name": "shop"}
    assert body["status"] == {"phase": "Active"}


def test_defaulting_leaves_its_argument_alone_and_settles_at_once() -> None:
    for kind, body in VALID:
        before = copy.deepcopy(body)
        once = schema.default(kind, body)
        assert body == before
        assert schema.default(kind, once) == once


def test_unknown_fields_are_named_and_pruned() -> None:
    body = gateway(listener(colour="red"), shade={"deep": 1})
    body["metadata"]["mood"] = "good"
    assert schema.unknown_fields(crds.GATEWAY, body) == [
        "metadata.mood",
        "spec.listeners[0].colour",
        "spec.shade",
    ]
    assert schema.prune(crds.GATEWAY, body) == gateway(listener())


def test_free_keys_and_kinds_without_a_schema_keep_everything() -> None:
    free = Kind("example.org", "v1", "Free", "frees", True)
    assert schema.unknown_fields(free, thing(free, spec={"any": [{"thing": 1}]})) == []
    body = thing(kinds.CONFIG_MAP, data={"any": "thing"})
    assert schema.unknown_fields(kinds.CONFIG_MAP, body) == []


def test_an_immutable_field_may_not_change() -> None:
    old = schema.default(crds.NGINX_INGRESS_CONTROLLER, thing(crds.NGINX_INGRESS_CONTROLLER, spec={}))
    new = copy.deepcopy(old)
    new["spec"]["ingressClassName"] = "other"
    assert refusals(crds.NGINX_INGRESS_CONTROLLER, new, old) == [
        'spec.ingressClassName: Invalid value: "string": Value is immutable'
    ]
    assert refusals(crds.NGINX_INGRESS_CONTROLLER, new) == []


def test_the_type_of_a_secret_and_the_address_of_a_service_stay() -> None:
    secret = thing(kinds.SECRET, type="Opaque")
    assert refusals(kinds.SECRET, secret | {"type": "other"}, secret) == [
        'type: Invalid value: "other": field is immutable'
    ]
    old = schema.default(kinds.SERVICE, thing(kinds.SERVICE, spec={"ports": [{"port": 80}]}))
    new = copy.deepcopy(old)
    new["spec"]["clusterIP"] = "10.0.9.9"
    assert refusals(kinds.SERVICE, new, old) == [
        'spec.clusterIPs[0]: Invalid value: ["10.0.9.9"]: may not change once set'
    ]


def test_items_of_a_keyed_list_are_compared_with_what_they_were() -> None:
    item = record(name=text(), size=ruled(integer(), ("self >= oldSelf", "may only grow")))
    kind = Kind("example.org", "v1", "Box", "boxes", True, schema=record(spec=array(item, keys=["name"])))
    old = thing(kind, spec=[{"name": "a", "size": 2}, {"name": "b", "size": 5}])
    new = thing(kind, spec=[{"name": "b", "size": 4}, {"name": "a", "size": 3}, {"name": "c", "size": 1}])
    assert refusals(kind, new, old) == ['spec[0].size: Invalid value: "integer": may only grow']


def test_a_body_of_the_wrong_shape_is_refused_not_tripped_over() -> None:
    for kind in kinds.BUILT_IN:
        body = thing(kind, spec="nonsense", status=[])
        body["metadata"]["labels"] = ["not", "a", "map"]
        causes = schema.check(kind, schema.default(kind, body))
        assert "metadata.labels" in {cause.field for cause in causes}
