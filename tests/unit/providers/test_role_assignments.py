"""Role assignments: found by what they grant, made with patience for a new identity."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from azure.core.exceptions import HttpResponseError
from azure.mgmt.authorization.v2022_04_01.models import RoleAssignment as Model

from providers.bench import GROUP, MARK, PREFIX, PROFILE, SUBSCRIPTION, Bench, paged, refusal
from provision.apply.handler import Reading
from provision.errors import AccessDeniedError, ConflictError, ProvisionError, ServiceError
from provision.providers.azure.role_assignments import RoleAssignments
from provision.resources.dns import DnsZone
from provision.resources.identity import RoleAssignment
from provision.resources.observed import Absent, Observed, Present, Unread
from provision.resources.ref import Ref
from provision.resources.vault import AccessPolicy

SCOPE = f"{PREFIX}/Microsoft.Network/dnsZones/contoso.com"
VAULT = f"{PREFIX}/Microsoft.KeyVault/vaults/kv"
ZONE = DnsZone(name="contoso.com", id=SCOPE)
SECRETS_USER = "4633458b-17de-408a-b874-0445c86b69e6"
ROLE = "befefa01-2a29-4197-83a8-272ff33ce314"
PRINCIPAL = "33333333-3333-3333-3333-333333333333"
RESOURCE = RoleAssignment(
    name="contoso.com/dns/ingress",
    scope=SCOPE,
    role_id=ROLE,
    role_name="DNS Zone Contributor",
    principal_id=PRINCIPAL,
)
OURS = RESOURCE.assignment_name()
DESCRIPTION = f"provision-profile={PROFILE} provision-digest={MARK.digest}"


def assignment(
    name: str = "made-by-az", scope: str = SCOPE, role: str = ROLE, description: str | None = None
) -> Model:
    """As the service answers it: nulls spelled out, the role's id at subscription scope."""
    made = Model.deserialize(
        {
            "id": f"{scope}/providers/Microsoft.Authorization/roleAssignments/{name}",
            "name": name,
            "type": "Microsoft.Authorization/roleAssignments",
            "properties": {
                "roleDefinitionId": f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization"
                f"/roleDefinitions/{role}",
                "principalId": PRINCIPAL,
                "principalType": "ServicePrincipal",
                "scope": scope,
                "condition": None,
                "createdBy": None,
                "updatedBy": "44444444-4444-4444-4444-444444444444",
                "description": description,
            },
        }
    )
    assert isinstance(made, Model)
    return made


async def read(bench: Bench, *listed: Model | HttpResponseError) -> Observed:
    bench.roles.list_for_scope.return_value = paged(*listed)
    return (await RoleAssignments(bench.clients).read([RESOURCE], PROFILE)).objects[RESOURCE.address]


async def test_the_subscription_is_asked_for_the_principal(bench: Bench) -> None:
    assert await read(bench) == Absent()
    bench.clients.authorization.assert_called_with(SUBSCRIPTION)
    bench.roles.list_for_scope.assert_called_once_with(
        f"/subscriptions/{SUBSCRIPTION}", filter=f"principalId eq '{PRINCIPAL}'"
    )


@pytest.mark.parametrize(
    "found",
    [
        assignment(),
        assignment(role=ROLE.upper()),
        assignment(scope=SCOPE.lower()),
        assignment(scope=f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{GROUP}"),
        assignment(scope=f"/subscriptions/{SUBSCRIPTION}"),
        assignment(scope="/providers/Microsoft.Management/managementGroups/platform"),
        assignment(scope="/"),
    ],
    ids=["az", "role-casing", "scope-casing", "group", "subscription", "management-group", "root"],
)
async def test_whoever_made_it_and_wherever_it_is_inherited_from(bench: Bench, found: Model) -> None:
    observed = await read(bench, found)
    assert isinstance(observed, Present)
    assert observed.outputs["id"] == found.id
    assert observed.owner is None
    assert observed.changed_by == "44444444-4444-4444-4444-444444444444"


@pytest.mark.parametrize(
    "found",
    [
        assignment(role="b24988ac-6180-42a0-ab88-20f7382dd24c"),
        assignment(scope=f"{SCOPE}/A/www"),
        assignment(scope=SCOPE[:-1]),
        assignment(scope=f"{SCOPE}.uk"),
    ],
    ids=["another-role", "below", "shorter-name", "longer-name"],
)
async def test_what_grants_something_else_does_not_count(bench: Bench, found: Model) -> None:
    assert await read(bench, found) == Absent()


async def test_ours_counts_before_an_inherited_one(bench: Bench) -> None:
    above = assignment(scope=f"/subscriptions/{SUBSCRIPTION}")
    observed = await read(bench, above, assignment(), assignment(OURS, description=DESCRIPTION))
    assert isinstance(observed, Present)
    assert (observed.owner, observed.digest) == (PROFILE, MARK.digest)
    assert str(observed.outputs["id"]).endswith(OURS)


@pytest.mark.parametrize("description", ["for the web team", "a=b", "= ="])
async def test_a_description_of_others_is_no_mark(bench: Bench, description: str) -> None:
    observed = await read(bench, assignment(description=description))
    assert isinstance(observed, Present)
    assert (observed.owner, observed.digest) == (None, None)


async def test_a_scope_that_does_not_exist_has_none_and_one_that_is_closed_is_unread(bench: Bench) -> None:
    assert await read(bench, refusal(404, "ResourceNotFound")) == Absent()
    observed = await read(bench, assignment(), refusal(403, "AuthorizationFailed"))
    assert isinstance(observed, Unread)
    assert isinstance(observed.error, AccessDeniedError)


async def test_one_list_call_serves_every_scope_of_a_principal(bench: Bench) -> None:
    bench.roles.list_for_scope.return_value = paged(assignment(), assignment(scope=VAULT))
    handler = RoleAssignments(bench.clients)
    vault = replace(RESOURCE, name="kv/dns/ingress", scope=VAULT)
    first, second = await asyncio.gather(*(handler.read([each], PROFILE) for each in (RESOURCE, vault)))
    assert isinstance(first.objects[RESOURCE.address], Present)
    assert isinstance(second.objects[vault.address], Present)
    assert (await handler.search([ZONE, RESOURCE, vault], PROFILE)).orphans == ()
    bench.roles.list_for_scope.assert_called_once()


async def test_who_may_not_see_the_subscription_is_shown_the_scope(bench: Bench) -> None:
    def listed(scope: str, **_: object) -> object:
        return paged(assignment() if scope == SCOPE else refusal(403, "AuthorizationFailed"))

    bench.roles.list_for_scope.side_effect = listed
    handler = RoleAssignments(bench.clients)
    reading = await handler.read([RESOURCE], PROFILE)
    assert isinstance(reading.objects[RESOURCE.address], Present)
    searched = await handler.search([ZONE, RESOURCE], PROFILE)
    (unread,) = searched.objects.values()
    assert isinstance(unread, Unread)
    assert isinstance(unread.error, AccessDeniedError)
    assert unread.error.doing == f"reading the roles of {PRINCIPAL} in subscription {SUBSCRIPTION}"


async def test_a_role_of_ours_that_is_not_declared_is_an_orphan(bench: Bench) -> None:
    bench.roles.list_for_scope.return_value = paged(
        assignment(OURS, description=DESCRIPTION),
        assignment("old", VAULT, SECRETS_USER, DESCRIPTION),
        assignment("unknown", VAULT, "b24988ac-6180-42a0-ab88-20f7382dd24c", DESCRIPTION),
        assignment("theirs", VAULT, SECRETS_USER),
        assignment("another", VAULT, SECRETS_USER, DESCRIPTION.replace(PROFILE, "production")),
    )
    searched = await RoleAssignments(bench.clients).search([ZONE, RESOURCE], PROFILE)
    assert [orphan.address for orphan, _ in searched.orphans] == [
        "role_assignment/kv/key-vault-secrets-user/ingress",
        "role_assignment/kv/b24988ac-6180-42a0-ab88-20f7382dd24c/ingress",
    ]
    orphan, present = searched.orphans[0]
    assert isinstance(orphan, RoleAssignment)
    assert (orphan.scope, orphan.principal_id, orphan.role_name) == (
        VAULT,
        PRINCIPAL,
        "Key Vault Secrets User",
    )
    assert str(present.outputs["id"]).endswith("/old")


@pytest.mark.parametrize(
    "declared",
    [
        [],
        [replace(RESOURCE, managed=False)],
        [replace(RESOURCE, principal_id=Ref("user_assigned_identity/ingress", "principalId"))],
    ],
    ids=["none", "others make them", "the identity is not there"],
)
async def test_roles_are_looked_for_only_where_they_are_ours_to_make(
    bench: Bench, declared: list[RoleAssignment]
) -> None:
    """With `roles: off` what was made before stays: nobody said that it is to go."""
    searched = await RoleAssignments(bench.clients).search([ZONE, *declared], PROFILE)
    assert searched == Reading({})
    bench.roles.list_for_scope.assert_not_called()


async def test_a_role_that_an_access_policy_took_the_place_of_is_an_orphan(bench: Bench) -> None:
    bench.roles.list_for_scope.return_value = paged(assignment("old", VAULT, SECRETS_USER, DESCRIPTION))
    policy = AccessPolicy(
        name="kv/ingress",
        vault_id=VAULT,
        principal_id=PRINCIPAL,
        secrets=frozenset(),
        certificates=frozenset(),
    )
    searched = await RoleAssignments(bench.clients).search([ZONE, policy], PROFILE)
    assert [orphan.address for orphan, _ in searched.orphans] == [
        "role_assignment/kv/key-vault-secrets-user/ingress"
    ]


async def test_after_a_write_the_list_is_asked_for_again(bench: Bench) -> None:
    bench.roles.list_for_scope.side_effect = [paged(), paged(assignment())]
    bench.roles.create.return_value = assignment(OURS, description=DESCRIPTION)
    handler = RoleAssignments(bench.clients)
    assert (await handler.read([RESOURCE], PROFILE)).objects == {RESOURCE.address: Absent()}
    await handler.create(RESOURCE, bench.work())
    assert isinstance((await handler.read([RESOURCE], PROFILE)).objects[RESOURCE.address], Present)


async def test_the_principal_is_named_with_its_type(bench: Bench) -> None:
    bench.roles.create.return_value = assignment(OURS, description=DESCRIPTION)
    made = await RoleAssignments(bench.clients).create(RESOURCE, bench.work())
    scope, name, body = bench.roles.create.await_args.args
    assert (scope, name) == (SCOPE, OURS)
    assert body.serialize() == {
        "properties": {
            "roleDefinitionId": f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization"
            f"/roleDefinitions/{ROLE}",
            "principalId": PRINCIPAL,
            "principalType": "ServicePrincipal",
            "description": DESCRIPTION,
        }
    }
    assert (made.owner, made.digest) == (PROFILE, MARK.digest)
    assert bench.told == []


async def test_the_name_is_the_same_whatever_the_spelling_of_the_scope() -> None:
    assert replace(RESOURCE, scope=SCOPE.lower()).assignment_name() == OURS
    assert replace(RESOURCE, principal_id="another").assignment_name() != OURS


async def test_an_identity_that_entra_does_not_know_yet_is_waited_for(bench: Bench) -> None:
    unknown = refusal(400, "PrincipalNotFound", f"Principal {PRINCIPAL} does not exist in the directory.")
    bench.roles.create.side_effect = [unknown, unknown, assignment(OURS, description=DESCRIPTION)]
    made = await RoleAssignments(bench.clients).create(RESOURCE, bench.work())
    assert made.owner == PROFILE
    assert bench.waits() == [2, 4]
    assert bench.told == [
        "Entra does not know the new identity yet, trying again in 2 s",
        "Entra does not know the new identity yet, trying again in 4 s",
    ]
    assert len({call.args[1] for call in bench.roles.create.await_args_list}) == 1


async def test_the_patience_for_entra_ends(bench: Bench) -> None:
    bench.roles.create.side_effect = refusal(400, "PrincipalNotFound", "It does not exist.")
    with pytest.raises(ServiceError, match="PrincipalNotFound: It does not exist") as caught:
        await RoleAssignments(bench.clients).create(RESOURCE, bench.work())
    assert caught.value.doing == "creating role_assignment/contoso.com/dns/ingress"
    assert 110 <= sum(bench.waits()) <= 130
    assert bench.roles.create.await_count == len(bench.waits()) + 1 == len(bench.told) + 1


@pytest.mark.parametrize(
    ("refused", "error"),
    [
        (refusal(403, "AuthorizationFailed"), AccessDeniedError),
        (refusal(409, "RoleAssignmentExists"), ConflictError),
        (refusal(400, "InvalidPrincipalId"), ServiceError),
        (refusal(400, "RoleAssignmentLimitExceeded"), ServiceError),
    ],
)
async def test_other_refusals_are_told_at_once(
    bench: Bench, refused: HttpResponseError, error: type[ProvisionError]
) -> None:
    bench.roles.create.side_effect = refused
    with pytest.raises(error):
        await RoleAssignments(bench.clients).create(RESOURCE, bench.work())
    assert bench.roles.create.await_count == 1
    assert bench.waits() == []


async def test_deleting_takes_the_one_that_was_seen(bench: Bench) -> None:
    seen = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/roleAssignments/x"
    handler = RoleAssignments(bench.clients)
    await handler.delete(RESOURCE, Present(outputs={"id": seen}), bench.work())
    bench.roles.delete_by_id.assert_awaited_once_with(seen)
    with pytest.raises(ConflictError, match="only replaced"):
        await handler.update(RESOURCE, Present(), [], bench.work())


async def test_a_refused_deletion_says_what_was_being_done(bench: Bench) -> None:
    bench.roles.delete_by_id.side_effect = refusal(403, "AuthorizationFailed")
    with pytest.raises(AccessDeniedError, match=r"^deleting role_assignment/"):
        await RoleAssignments(bench.clients).delete(RESOURCE, Present(outputs={"id": "x"}), bench.work())
