"""What kubectl prints, as replies of the API server."""

from __future__ import annotations

import pytest

from provision.providers.kubernetes.kubectl_output import UnreadableOutput, conflict_causes, parse

CONFLICT = """error: Apply failed with 1 conflict: conflict with "argocd" using apps/v1: .spec.replicas
Please review the fields above--they currently have other managers. Here
are the ways you can resolve this warning:
* If you intend to manage all of these fields, please re-run the apply
"""
CONFLICTS = """error: Apply failed with 3 conflicts: conflicts with "argocd":
- .data.a
- .spec.listeners[name="https"].port
conflicts with "kubectl" using v1:
- .data.b
Please review the fields above--they currently have other managers. Here
"""


@pytest.mark.parametrize(
    ("text", "status", "reason", "message"),
    [
        (
            'Error from server (NotFound): namespaces "x" not found',
            404,
            "NotFound",
            'namespaces "x" not found',
        ),
        ("Error from server: etcd is away", 500, "InternalError", "etcd is away"),
        (
            'Error from server (Forbidden): admission webhook "x" denied the request: no\nand no',
            403,
            "Forbidden",
            'admission webhook "x" denied the request: no\nand no',
        ),
        (
            "error: You must be logged in to the server (Unauthorized)",
            401,
            "Unauthorized",
            "You must be logged in",
        ),
        (
            "Unable to connect to the server: dial tcp: timeout",
            503,
            "ServiceUnavailable",
            "Unable to connect",
        ),
        (
            'error: error validating "6.json": error validating data: ValidationError(ConfigMap):'
            ' unknown field "dota" in io.k8s.api.core.v1.ConfigMap; if you choose to ignore these errors',
            400,
            "BadRequest",
            'unknown field "dota"',
        ),
        ("sh: kubectl: not found", 500, "InternalError", "sh: kubectl: not found"),
        ("", 500, "InternalError", "kubectl ended with exit code 1"),
        (CONFLICT, 409, "Conflict", "Apply failed with 1 conflict"),
        (
            'error: Operation cannot be fulfilled on gateways "x": the object has been modified\n'
            "Please review",
            409,
            "Conflict",
            'Operation cannot be fulfilled on gateways "x": the object has been modified',
        ),
    ],
)
def test_failures(text: str, status: int, reason: str, message: str) -> None:
    reply = parse(f"{text}\nexit 1\n")
    assert (reply.status, reply.reason) == (status, reason)
    assert reply.message.startswith(message)
    assert "Please review" not in reply.message


@pytest.mark.parametrize(
    "text",
    [
        "Error from server (NotFound): the server could not find the requested resource",
        'error: unable to recognize "0.json": no matches for kind "Gateway" in version "g.x/v1"',
        'error: resource mapping not found for name: "x" namespace: "y" from "0.json": no matches for kind'
        ' "Gateway" in version "gateway.networking.k8s.io/v1"\nensure CRDs are installed first',
    ],
)
def test_a_kind_that_is_not_served(text: str) -> None:
    assert parse(f"{text}\nexit 1\n").no_such_kind


def test_what_is_invalid() -> None:
    one = parse('The Gateway "x" is invalid: spec.listeners: Required value\nexit 1\n')
    assert (one.status, one.causes) == (422, [{"field": "spec.listeners", "message": "Required value"}])
    two = parse('The Ingress "x" is invalid: \n* a: Required value\n* b.c: Invalid value: "z: y"\nexit 1\n')
    assert two.causes == [
        {"field": "a", "message": "Required value"},
        {"field": "b.c", "message": 'Invalid value: "z: y"'},
    ]


def test_every_conflict_has_its_manager() -> None:
    causes = conflict_causes(parse(f"{CONFLICTS}\nexit 1").message)
    assert [(cause["message"], cause["field"]) for cause in causes] == [
        ('conflict with "argocd"', ".data.a"),
        ('conflict with "argocd"', '.spec.listeners[name="https"].port'),
        ('conflict with "kubectl" using v1', ".data.b"),
    ]


@pytest.mark.parametrize(
    "text", ['{"kind": "X"}\nexit 0\n', '{"kind": "X"}exit 0', 'Warning: old\n{\n  "kind": "X"\n}\nexit 0\n']
)
def test_an_object_comes_through(text: str) -> None:
    reply = parse(text)
    assert (reply.status, reply.body) == (200, {"kind": "X"})


@pytest.mark.parametrize("text", ['{"kind": "X"', '{"kind": "X"}\n', '{"kind": \nexit 0', "[]\nexit 0"])
def test_what_was_cut_is_not_read(text: str) -> None:
    with pytest.raises(UnreadableOutput):
        parse(text)
