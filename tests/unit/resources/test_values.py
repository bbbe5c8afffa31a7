"""Values and refs."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from provision.resources.arm import ArmId, resource_id
from provision.resources.identity import RoleAssignment
from provision.resources.ref import Ref, refs, resolve
from provision.resources.values import CaseInsensitive, Value, plain
from provision.resources.vault import AccessPolicy

REF = Ref("dns_zone/z", "id")


def test_text_without_case() -> None:
    text = CaseInsensitive("rG-Dns")
    assert text == "RG-dns"
    assert "RG-dns" == text  # noqa: SIM300 - the other side's turn
    assert text != "rg"
    assert text != 1
    assert str(text) == "rG-Dns"
    assert len({text, CaseInsensitive("RG-DNS")}) == 1


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (True, True),
        (7, 7),
        (CaseInsensitive("A"), "A"),
        (frozenset({"b", "a"}), ["a", "b"]),
        (("b", "a"), ["b", "a"]),
        ({"b": frozenset({1}), "a": None}, {"a": None, "b": [1]}),
        (frozenset("edcba"), ["a", "b", "c", "d", "e"]),
        (REF, {"ref": "dns_zone/z.id"}),
        (frozenset({REF, "x"}), ["x", {"ref": "dns_zone/z.id"}]),
    ],
)
def test_plain(value: Value, expected: object) -> None:
    made = plain(value)
    assert made == expected
    assert type(made) is type(expected)
    assert json.dumps(made) == json.dumps(expected)


def test_refs_are_found_and_resolved_at_any_depth() -> None:
    value: Value = {"a": (REF, 1), "b": frozenset({REF, "x"}), "c": {"d": REF}, "e": None}
    assert list(refs(value)) == [REF, REF, REF]
    assert resolve(value, lambda ref: f"<{ref}>") == {
        "a": ("<dns_zone/z.id>", 1),
        "b": frozenset({"<dns_zone/z.id>", "x"}),
        "c": {"d": "<dns_zone/z.id>"},
        "e": None,
    }
    assert resolve(value, lambda ref: ref) == value


def test_ids() -> None:
    made = resource_id("S", "G", "Microsoft.Network/privateDnsZones/virtualNetworkLinks", "z", "l")
    assert made == (
        "/subscriptions/S/resourceGroups/G/providers/Microsoft.Network/privateDnsZones/z/virtualNetworkLinks/l"
    )
    assert ArmId.parse(made) == ArmId("S", "G", ("z", "l"))
    assert ArmId.parse(made).name == "l"
    with pytest.raises(ValueError, match="argument"):
        resource_id("S", "G", "P/type", "a", "b")


def role(**changes: str) -> RoleAssignment:
    fields = {"scope": "/x/Y", "role_id": "1", "principal_id": "p", "role_name": "Reader", "name": "n"}
    return RoleAssignment(**{**fields, **changes})  # type: ignore[arg-type]


def test_a_role_assignment_has_one_name() -> None:
    """Otherwise each apply would try to make another one of the same meaning."""
    assert role().assignment_name() == role(scope="/X/y", name="m").assignment_name()
    assert role().assignment_name() == "8f95cd5c-96a2-53ef-a2f1-43ac16b9ad33"
    others = [role(scope="/x"), role(role_id="2"), role(principal_id="q")]
    assert len({role().assignment_name(), *(each.assignment_name() for each in others)}) == 4


def test_commands_for_others() -> None:
    others = replace(role(role_name="DNS Zone Contributor"), managed=False)
    assert others.remedy() == (
        "az role assignment create --assignee-object-id p --assignee-principal-type ServicePrincipal"
        ' --role "DNS Zone Contributor" --scope /x/Y'
    )
    unknown = replace(others, principal_id=Ref("user_assigned_identity/i", "principalId"))
    assert "--assignee-object-id PRINCIPALID " in unknown.remedy()
    assert role().remedy() == ""
    policy = AccessPolicy(
        name="kv/who",
        vault_id="/subscriptions/S/resourceGroups/G/providers/Microsoft.KeyVault/vaults/kv",
        principal_id="p",
        secrets=frozenset({"get"}),
        certificates=frozenset({"get"}),
        managed=False,
    )
    assert replace(policy, managed=True).remedy() == ""
    assert policy.remedy() == (
        "az keyvault set-policy --name kv --object-id p"
        " --secret-permissions get --certificate-permissions get"
    )
