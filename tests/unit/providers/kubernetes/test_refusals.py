"""Failures of the Kubernetes API by name."""

from __future__ import annotations

import pytest

from provision.errors import AccessDeniedError, ConflictError, NotFoundError, ProvisionError, ServiceError
from provision.providers.kubernetes.calls import Reply, failure, reply_of
from provision.providers.kubernetes.errors import is_starting, lacks_right, refusal
from provision.resources.manifest import CONFIG_MAP, GATEWAY


def denied(verb: str, resource: str, group: str = "", namespace: str = "shop") -> Reply:
    where = f'in the namespace "{namespace}"' if namespace else "at the cluster scope"
    message = (
        f'{resource} is forbidden: User "x" cannot {verb} resource "{resource}" in API group "{group}"'
        f" {where}: User does not have access to the resource in Azure. Update role assignment to allow."
    )
    return failure(403, message)


@pytest.mark.parametrize(
    ("reply", "right", "role"),
    [
        (denied("list", "configmaps"), "list configmaps in the namespace shop", "RBAC Reader”"),
        (denied("patch", "configmaps"), "patch configmaps in the namespace shop", "RBAC Writer”"),
        (denied("patch", "ingresses", "networking.k8s.io"), "patch ingresses.networking", "RBAC Writer”"),
        (
            denied("create", "namespaces", namespace=""),
            "create namespaces in the whole",
            "RBAC Cluster Admin”",
        ),
        (
            denied("get", "gateways", "gateway.networking.k8s.io"),
            "get gateways.gateway",
            "RBAC Cluster Admin”",
        ),
    ],
)
def test_a_missing_right_names_verb_resource_and_role(reply: Reply, right: str, role: str) -> None:
    error = refusal("reading x", CONFIG_MAP, reply)
    assert isinstance(error, AccessDeniedError)
    assert lacks_right(reply)
    assert right in error.why
    assert role in error.fix


@pytest.mark.parametrize(
    ("reply", "action"),
    [
        (denied("list", "configmaps"), "configmaps/read"),
        (denied("patch", "ingresses", "networking.k8s.io"), "networking.k8s.io/ingresses/write"),
        (denied("delete", "gateways", "gateway.networking.k8s.io"), "customresources/delete"),
    ],
)
def test_where_azure_decides_its_action_and_the_caller_are_named(reply: Reply, action: str) -> None:
    error = refusal("reading x", CONFIG_MAP, reply)
    assert isinstance(error, AccessDeniedError)
    assert error.why.endswith(f", which is Microsoft.ContainerService/managedClusters/{action} in Azure")
    assert error.action == f"Microsoft.ContainerService/managedClusters/{action}"
    assert error.principal == "x"


def test_where_kubernetes_decides_no_action_of_azure_is_named() -> None:
    message = 'configmaps is forbidden: User "x" cannot list resource "configmaps" in API group ""'
    error = refusal("reading x", CONFIG_MAP, failure(403, message))
    assert isinstance(error, AccessDeniedError)
    assert (error.action, error.principal) == ("", "")


@pytest.mark.parametrize(
    ("reply", "kind", "why"),
    [
        (
            failure(403, 'admission webhook "policy.x" denied the request: hosts must end in .com'),
            ServiceError,
            "the admission webhook policy.x refused it: hosts must end in .com",
        ),
        (
            failure(400, 'admission webhook "policy.x" denied the request without explanation'),
            ServiceError,
            "the admission webhook policy.x refused it: no explanation given",
        ),
        (
            failure(
                422,
                'gateways.gateway.networking.k8s.io "x" is forbidden: ValidatingAdmissionPolicy'
                " 'only.internal' with binding 'all' denied request: external is not allowed",
                causes=[{"message": "ValidatingAdmissionPolicy …"}],
            ),
            ServiceError,
            "the admission policy only.internal refused it: external is not allowed",
        ),
        (failure(401, "Unauthorized"), AccessDeniedError, "does not accept the credentials"),
        (failure(403, "unable to create new content in namespace x"), AccessDeniedError, "unable to create"),
        (failure(404, 'namespaces "x" not found'), NotFoundError, "the namespace x does not exist"),
        (reply_of(404, "404 page not found\n"), NotFoundError, "does not serve Gateway (gateway.networking"),
        (failure(404, 'gateways "x" not found'), NotFoundError, 'gateways "x" not found'),
        (failure(409, "it was modified"), ConflictError, "it was modified"),
        (
            failure(
                409,
                "Apply failed with 2 conflicts",
                causes=[
                    {"message": 'conflict with "argocd" using v1', "field": ".data.a"},
                    {"message": 'conflict with "argocd" using v1', "field": ".data.b"},
                ],
            ),
            ConflictError,
            "another manager has other values there: argocd manages data.a, data.b",
        ),
        (
            failure(
                422, "no", causes=[{"field": "spec.a", "message": "Required value"}, {"message": "rule"}]
            ),
            ServiceError,
            "spec.a: Required value; rule",
        ),
        (failure(400, "strict decoding error"), ServiceError, "strict decoding error"),
        (
            failure(
                500, "failed to create typed patch object (x; v1, Kind=Y): .a: field not declared in schema"
            ),
            ServiceError,
            ".a: field not declared in schema",
        ),
        (failure(429, "too many"), ServiceError, "too many"),
        (reply_of(502, "<html>bad gateway</html>"), ServiceError, "<html>"),
    ],
)
def test_every_failure_has_a_name(reply: Reply, kind: type[ProvisionError], why: str) -> None:
    error = refusal("applying x", GATEWAY, reply)
    assert type(error) is kind
    assert why in error.why
    assert error.fix
    assert not lacks_right(reply)


def test_a_webhook_that_does_not_answer_is_named() -> None:
    reply = failure(
        500, 'Internal error occurred: failed calling webhook "validation.istio.io": no endpoints'
    )
    assert "validation.istio.io does not answer" in refusal("applying x", GATEWAY, reply).fix
    assert is_starting(reply)
    assert not is_starting(failure(404, 'gateways "x" not found'))


def test_a_missing_namespace_comes_with_the_command_that_makes_it() -> None:
    error = refusal("applying x", CONFIG_MAP, failure(404, 'namespaces "x" not found'))
    assert error.command == "kubectl create namespace x"


def test_a_kind_that_an_add_on_brings_names_the_add_on() -> None:
    assert "the managed Gateway API" in refusal("x", GATEWAY, reply_of(404, "404 page not found")).fix
