"""The condition that narrows the right to assign roles, and what no role can give."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from provision.ingress import desired
from provision.ingress.load import load
from provision.ingress.rights import Rights, assigns_roles, rights
from provision.ingress.roles import INGRESS_ROLES
from provision.plan.custom_roles import PURPOSES
from provision.plan.permission import World
from provision.profile.model import Profile
from provision.resources.identity import RoleAssignment
from provision.resources.ref import Ref
from provision.resources.values import Value

PROFILES = Path(__file__).parents[3] / "profiles"
VARIABLES = {
    "AZURE_TENANT_ID": "22222222-2222-2222-2222-222222222222",
    "AZURE_SUBSCRIPTION_ID": "11111111-1111-1111-1111-111111111111",
}
WRITE, DELETE = (f"Microsoft.Authorization/roleAssignments/{verb}" for verb in ("write", "delete"))
SECRETS_USER = "4633458b-17de-408a-b874-0445c86b69e6"
ZONES = "befefa01-2a29-4197-83a8-272ff33ce314"


def profile_named(name: str, **overrides: object) -> Profile:
    return load(str(PROFILES / f"{name}.yaml"), VARIABLES, overrides).profile


def asked(
    profile: Profile,
    purposes: tuple[str, ...] = tuple(PURPOSES),
    known: Mapping[str, Value] | None = None,
    access: str = "",
) -> Rights:
    def lookup(ref: Ref) -> Value:
        return (known or {}).get(str(ref), ref)

    return rights(profile, World(desired.graph(profile), lookup, access), purposes, "ours")


def test_only_the_roles_of_the_profile_may_be_assigned() -> None:
    condition = asked(profile_named("prod")).condition
    assert condition == (
        f"((!(ActionMatches{{'{WRITE}'}})) OR (@Request[Microsoft.Authorization/roleAssignments"
        f":RoleDefinitionId] ForAnyOfAnyValues:GuidEquals {{{SECRETS_USER}, {ZONES}}})) AND"
        f" ((!(ActionMatches{{'{DELETE}'}})) OR (@Resource[Microsoft.Authorization/roleAssignments"
        f":RoleDefinitionId] ForAnyOfAnyValues:GuidEquals {{{SECRETS_USER}, {ZONES}}}))"
    )


def test_the_condition_is_about_what_the_purpose_does() -> None:
    profile = profile_named("prod")
    assert DELETE not in asked(profile, ("apply",)).condition
    assert WRITE not in asked(profile, ("destroy",)).condition
    assert asked(profile, ("plan", "drift", "verify")).condition == ""


@pytest.mark.parametrize("roles", ["verify", "off"])
def test_whose_roles_another_team_assigns_assigns_none(roles: str) -> None:
    found = asked(profile_named("prod", roles=roles))
    assert found.condition == ""
    assert not any(assigns_roles(role) for role in found.roles)
    assert [each.managed for each in found.granted] == ([False, False] if roles == "verify" else [])


@pytest.mark.parametrize("name", ["prod", "private", "nginx", "dev"])
def test_every_role_that_is_assigned_has_a_reason(name: str) -> None:
    graph = desired.graph(profile_named(name))
    assigned = [each for each in graph if isinstance(each, RoleAssignment)]
    assert assigned
    for each in assigned:
        assert INGRESS_ROLES[each.role_id].name == each.role_name


def test_what_is_not_known_is_said() -> None:
    profile = profile_named("prod")
    notes = "\n".join(asked(profile).notes)
    assert "both ways into it are in" in notes
    assert (
        "az keyvault set-policy --name kv-contoso-prod --object-id OBJECT_ID --certificate-permissions"
        " create delete get list recover update" in notes
    )
    assert "which is left out on purpose" in notes
    cluster = "managed_cluster/aks-prod"
    known: dict[str, Value] = {
        f"{cluster}.private": False,
        f"{cluster}.entra": False,
        "key_vault/kv-contoso-prod.authorization": "rbac",
    }
    notes = "\n".join(asked(profile, known=known).notes)
    assert "both ways" not in notes
    assert "set-policy" not in notes
    assert "managedClusters count" not in notes
    assert "both ways" not in "\n".join(asked(profile, access="direct").notes)


def test_a_policy_gives_no_more_than_the_purpose_wants() -> None:
    notes = "\n".join(asked(profile_named("prod"), ("plan",)).notes)
    assert notes.endswith("--certificate-permissions get list")


def test_an_apply_that_removes_needs_more() -> None:
    profile = profile_named("prod")
    assert any("needs the rights of destroy" in note for note in asked(profile, ("apply",)).notes)
    assert not any("needs the rights of destroy" in note for note in asked(profile).notes)


def test_the_chart_of_a_controller_wants_an_admin_and_the_notes_say_why() -> None:
    def told(name: str, *purposes: str) -> bool:
        found = asked(profile_named(name), purposes)
        wildcard = any("/*" in action for role in found.roles for action in role.data_actions)
        assert wildcard == any("the controller's chart" in note for note in found.notes)
        return wildcard

    assert told("agc-private", "apply")
    assert not told("agc-private", "plan", "drift")
    assert not told("agc-byo", "apply", "destroy")
