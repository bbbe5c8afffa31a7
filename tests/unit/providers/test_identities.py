"""User-assigned identities and their federated credentials."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from azure.mgmt.msi.v2024_11_30.models import FederatedIdentityCredential, Identity

from providers.bench import GROUP, PREFIX, PROFILE, SUBSCRIPTION, TAGS, Bench, paged, refusal
from provision.errors import AccessDeniedError, ConflictError, CredentialError
from provision.plan.diff import diff
from provision.providers.azure.identities import FederatedCredentials, UserAssignedIdentities
from provision.resources.identity import FederatedCredential, UserAssignedIdentity
from provision.resources.observed import Absent, Present, Unread
from provision.resources.values import CaseInsensitive

ID = f"{PREFIX}/Microsoft.ManagedIdentity/userAssignedIdentities/ingress"
IDENTITY = UserAssignedIdentity(name="ingress", id=ID, location="westeurope")
ISSUER = "https://oidc/issuer/"
AUDIENCE = "api://AzureADTokenExchange"
SHOP = FederatedCredential(
    name="ingress/provision_prod_shop",
    identity_id=ID,
    credential_name="provision_prod_shop",
    issuer=ISSUER,
    subject="system:serviceaccount:shop:ingress",
)


def identity(tags: Mapping[str, str] | None = None) -> Identity:
    made = Identity.deserialize(
        {
            "id": ID.replace("resourceGroups", "resourcegroups"),
            "name": "ingress",
            "location": "westeurope",
            "tags": tags,
            "properties": {"clientId": "client", "principalId": "principal", "tenantId": "tenant"},
        }
    )
    assert isinstance(made, Identity)
    return made


def credential(
    name: str = SHOP.credential_name, audiences: list[str] | None = None, **properties: str
) -> FederatedIdentityCredential:
    made = FederatedIdentityCredential.deserialize(
        {
            "name": name,
            "properties": {
                "issuer": ISSUER,
                "subject": SHOP.subject,
                "audiences": [AUDIENCE] if audiences is None else audiences,
                **properties,
            },
        }
    )
    assert isinstance(made, FederatedIdentityCredential)
    return made


async def test_an_identity_gives_the_ids_that_others_need(bench: Bench) -> None:
    bench.identities.get.return_value = identity(TAGS)
    reading = await UserAssignedIdentities(bench.clients).read([IDENTITY], PROFILE)
    assert reading.objects[IDENTITY.address] == Present(
        outputs={
            "id": CaseInsensitive(ID),
            "clientId": "client",
            "principalId": "principal",
            "tenantId": "tenant",
        },
        owner=PROFILE,
        digest=TAGS["provision-digest"],
    )
    bench.clients.identities.assert_called_with(SUBSCRIPTION)
    bench.identities.get.assert_awaited_once_with(GROUP, "ingress")


async def test_an_identity_of_others_has_no_owner(bench: Bench) -> None:
    bench.identities.get.return_value = identity()
    observed = (await UserAssignedIdentities(bench.clients).read([IDENTITY], PROFILE)).objects[
        IDENTITY.address
    ]
    assert isinstance(observed, Present)
    assert observed.owner is None


async def test_an_identity_is_made_in_its_location_with_our_mark(bench: Bench) -> None:
    bench.identities.create_or_update.return_value = identity(TAGS)
    made = await UserAssignedIdentities(bench.clients).create(IDENTITY, bench.work())
    group, name, body = bench.identities.create_or_update.await_args.args
    assert (group, name) == (GROUP, "ingress")
    assert body.serialize() == {"location": "westeurope", "tags": TAGS}
    assert made.outputs["principalId"] == "principal"


async def test_an_identity_is_deleted_and_has_nothing_to_update(bench: Bench) -> None:
    handler = UserAssignedIdentities(bench.clients)
    with pytest.raises(ConflictError, match="no property"):
        await handler.update(IDENTITY, Present(), [], bench.work())
    await handler.delete(IDENTITY, Present(), bench.work())
    bench.identities.delete.assert_awaited_once_with(GROUP, "ingress")


async def test_an_identity_that_may_not_be_deleted(bench: Bench) -> None:
    bench.identities.delete.side_effect = refusal(403, "AuthorizationFailed")
    with pytest.raises(AccessDeniedError, match="deleting user_assigned_identity/ingress"):
        await UserAssignedIdentities(bench.clients).delete(IDENTITY, Present(), bench.work())


async def test_one_list_call_serves_an_identity(bench: Bench) -> None:
    bench.credentials.list.return_value = paged(credential(), credential("provision_prod_api"))
    api = replace(SHOP, name="ingress/api", credential_name="provision_prod_api")
    gone = replace(SHOP, name="ingress/gone", credential_name="provision_prod_gone")
    reading = await FederatedCredentials(bench.clients).read([SHOP, api, gone], PROFILE)
    assert isinstance(reading.objects[api.address], Present)
    assert reading.objects[gone.address] == Absent()
    observed = reading.objects[SHOP.address]
    assert isinstance(observed, Present)
    assert diff(SHOP.properties(), observed.properties) == ()
    assert observed.owner == PROFILE
    assert reading.orphans == ()
    bench.credentials.list.assert_called_once_with(GROUP, "ingress")


@pytest.mark.parametrize(
    ("answer", "path"),
    [
        (credential(issuer="https://oidc/issuer"), "issuer"),
        (credential(subject="system:serviceaccount:Shop:ingress"), "subject"),
        (credential(audiences=["api://other"]), "audiences"),
        (credential(audiences=[]), "audiences"),
    ],
)
async def test_entra_compares_a_credential_to_the_letter(
    bench: Bench, answer: FederatedIdentityCredential, path: str
) -> None:
    bench.credentials.list.return_value = paged(answer)
    observed = (await FederatedCredentials(bench.clients).read([SHOP], PROFILE)).objects[SHOP.address]
    assert isinstance(observed, Present)
    assert [change.path for change in diff(SHOP.properties(), observed.properties)] == [path]


async def test_credential_names_have_no_case(bench: Bench) -> None:
    bench.credentials.list.return_value = paged(credential("provision_prod_SHOP"))
    reading = await FederatedCredentials(bench.clients).read([SHOP], PROFILE)
    assert isinstance(reading.objects[SHOP.address], Present)
    assert reading.orphans == ()


async def test_what_is_named_as_ours_and_not_declared_is_an_orphan(bench: Bench) -> None:
    bench.credentials.list.return_value = paged(
        credential("provision_prod_old", subject="system:serviceaccount:old:ingress"),
        credential("provision_production_x"),
        credential("made-by-hand"),
        credential(),
    )
    reading = await FederatedCredentials(bench.clients).read([SHOP], PROFILE)
    [(orphan, observed)] = reading.orphans
    assert orphan == FederatedCredential(
        name="ingress/provision_prod_old",
        identity_id=ID,
        credential_name="provision_prod_old",
        issuer=ISSUER,
        subject="system:serviceaccount:old:ingress",
    )
    assert observed.owner == PROFILE


async def test_a_credential_without_our_prefix_has_no_owner(bench: Bench) -> None:
    bench.credentials.list.return_value = paged(credential("made-by-hand"))
    by_hand = replace(SHOP, credential_name="made-by-hand")
    observed = (await FederatedCredentials(bench.clients).read([by_hand], PROFILE)).objects[by_hand.address]
    assert isinstance(observed, Present)
    assert observed.owner is None


async def test_without_the_identity_its_credentials_are_absent(bench: Bench) -> None:
    bench.credentials.list.return_value = paged(refusal(404, "ParentResourceNotFound"))
    reading = await FederatedCredentials(bench.clients).read([SHOP], PROFILE)
    assert reading.objects == {SHOP.address: Absent()}


async def test_an_identity_that_may_not_be_read_hides_no_other(bench: Bench) -> None:
    other = replace(SHOP, name="other/shop", identity_id=ID.replace("ingress", "other"))

    def listed(group: str, name: str) -> Any:
        return paged(refusal(403, "AuthorizationFailed") if name == "ingress" else credential())

    bench.credentials.list.side_effect = listed
    reading = await FederatedCredentials(bench.clients).read([SHOP, other], PROFILE)
    unread = reading.objects[SHOP.address]
    assert isinstance(unread, Unread)
    assert unread.error.doing == "reading the credentials of identity ingress"
    assert isinstance(reading.objects[other.address], Present)


async def test_without_credentials_of_our_own_the_read_ends(bench: Bench) -> None:
    bench.credentials.list.return_value = paged(refusal(401, "ExpiredAuthenticationToken"))
    with pytest.raises(CredentialError):
        await FederatedCredentials(bench.clients).read([SHOP], PROFILE)


@pytest.mark.parametrize("exists", [False, True])
async def test_a_credential_is_written_whole(bench: Bench, exists: bool) -> None:
    bench.credentials.create_or_update.return_value = credential()
    handler = FederatedCredentials(bench.clients)
    if exists:
        written = await handler.update(SHOP, Present(), [], bench.work())
    else:
        written = await handler.create(SHOP, bench.work())
    group, name, federated, body = bench.credentials.create_or_update.await_args.args
    assert (group, name, federated) == (GROUP, "ingress", "provision_prod_shop")
    assert body.serialize() == {
        "properties": {"issuer": ISSUER, "subject": SHOP.subject, "audiences": [AUDIENCE]}
    }
    assert written.owner == PROFILE


async def test_a_credential_is_deleted(bench: Bench) -> None:
    await FederatedCredentials(bench.clients).delete(SHOP, Present(), bench.work())
    bench.credentials.delete.assert_awaited_once_with(GROUP, "ingress", "provision_prod_shop")
    bench.credentials.delete.side_effect = refusal(403, "AuthorizationFailed")
    with pytest.raises(AccessDeniedError, match=r"^deleting federated_credential/"):
        await FederatedCredentials(bench.clients).delete(SHOP, Present(), bench.work())


class Turns:
    """Counts how many writes are under way at once, to each identity and in all."""

    def __init__(self) -> None:
        self.running: dict[str, int] = {}
        self.most: dict[str, int] = {}
        self.most_in_all = 0

    async def write(self, group: str, name: str, *_: object) -> FederatedIdentityCredential:
        self.running[name] = self.running.get(name, 0) + 1
        self.most[name] = max(self.most.get(name, 0), self.running[name])
        self.most_in_all = max(self.most_in_all, sum(self.running.values()))
        for _turn in range(3):  # let every other task go as far as it can
            await asyncio.sleep(0)
        self.running[name] -= 1
        return credential()


async def test_an_identity_gets_one_write_at_a_time_and_others_need_not_wait(bench: Bench) -> None:
    turns = Turns()
    bench.credentials.create_or_update.side_effect = turns.write
    bench.credentials.delete.side_effect = turns.write
    handler = FederatedCredentials(bench.clients)
    same = replace(SHOP, identity_id=ID.replace("resourceGroups", "resourcegroups"))
    other = replace(SHOP, identity_id=ID.replace("ingress", "other"))
    await asyncio.gather(
        handler.create(SHOP, bench.work()),
        handler.update(same, Present(), [], bench.work()),
        handler.delete(SHOP, Present(), bench.work()),
        handler.create(other, bench.work()),
    )
    assert turns.most == {"ingress": 1, "other": 1}
    assert turns.most_in_all == 2


async def test_a_refused_write_lets_the_next_one_go(bench: Bench) -> None:
    bench.credentials.create_or_update.side_effect = [
        refusal(409, "ConcurrentFederatedIdentityCredentialsWritesForSingleManagedIdentity"),
        credential(),
    ]
    handler = FederatedCredentials(bench.clients)
    with pytest.raises(ConflictError, match="writing federated_credential/ingress/provision_prod_shop"):
        await handler.create(SHOP, bench.work())
    assert (await handler.create(SHOP, bench.work())).owner == PROFILE
