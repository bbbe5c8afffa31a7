"""The kinds of a cluster: built in, and from CustomResourceDefinitions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from provision.sandbox.http import Json
from provision.sandbox.kubernetes import crds, kinds, schema
from provision.sandbox.kubernetes.cel_syntax import parse

DOCUMENTS = [*crds.GATEWAY_API("v1.3.0"), *crds.APP_ROUTING, *crds.SECRETS_STORE]


def rules(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        yield from (each["rule"] for each in node.get("x-kubernetes-validations", []))
        for below in node.values():
            yield from rules(below)
    elif isinstance(node, list):
        for below in node:
            yield from rules(below)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document["metadata"]["name"])
def test_the_documents_are_valid_plain_and_readable(document: Json) -> None:
    assert schema.check(kinds.CRD, schema.default(kinds.CRD, document)) == []
    assert json.loads(json.dumps(document)) == document
    for rule in rules(document):
        parse(rule)


def test_the_bundle_version_is_an_annotation() -> None:
    for document in crds.GATEWAY_API("v1.4.1"):
        assert document["metadata"]["annotations"] == {
            "gateway.networking.k8s.io/bundle-version": "v1.4.1",
            "gateway.networking.k8s.io/channel": "standard",
        }


def test_a_definition_serves_its_versions_storage_version_first() -> None:
    document = json.loads(json.dumps(crds.GATEWAY_API("v1.3.0")[1]))
    versions = document["spec"]["versions"]
    versions.reverse()
    versions.append({"name": "v1alpha1", "served": False, "storage": False})
    assert [kind.api_version for kind in kinds.kind_of_crd(document)] == [
        "gateway.networking.k8s.io/v1",
        "gateway.networking.k8s.io/v1beta1",
    ]


def test_a_kind_has_the_names_of_its_definition() -> None:
    kind = crds.NGINX_INGRESS_CONTROLLER
    assert (kind.resource, kind.singular, kind.short_names, kind.namespaced, kind.status) == (
        "nginxingresscontrollers.approuting.kubernetes.azure.com",
        "nginxingresscontroller",
        ("nic",),
        False,
        True,
    )
    assert not crds.REFERENCE_GRANT.status


def test_built_in_kinds_have_names_of_their_own() -> None:
    names = [name for kind in kinds.BUILT_IN for name in (kind.plural, kind.singular, *kind.short_names)]
    assert len(names) == len(set(names))
    assert all(kinds.is_built_in(kind) for kind in kinds.BUILT_IN)
    assert not kinds.is_built_in(crds.GATEWAY)
