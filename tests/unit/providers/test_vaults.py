"""Key vaults: those of others are read, those of ours made, changed and deleted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from unittest.mock import create_autospec

import pytest
from azure.core.rest import AsyncHttpResponse, HttpRequest
from azure.keyvault.certificates import CertificateProperties
from azure.mgmt.containerservice.aio import ContainerServiceClient
from azure.mgmt.keyvault.models import DeletedVault, Vault

from providers.bench import GROUP, PREFIX, PROFILE, SUBSCRIPTION, TAGS, Bench, finished, paged, refusal
from provision.errors import ConflictError, ForeignError, ServiceError, StalePlanError
from provision.plan.change import FieldChange
from provision.plan.diff import diff
from provision.providers.azure.vaults import KeyVaults
from provision.resources.observed import Absent, Present
from provision.resources.values import CaseInsensitive
from provision.resources.vault import KeyVault

ID = CaseInsensitive(f"{PREFIX}/Microsoft.KeyVault/vaults/kv-prod")
TENANT = "22222222-2222-2222-2222-222222222222"
USED = KeyVault(name="kv-prod", id=ID)
MADE = KeyVault(name="kv-prod", id=ID, create=True, location="westeurope")


def vault(tags: Mapping[str, str] | None = None, **properties: Any) -> Vault:
    return Vault(
        {
            "id": str(ID),
            "name": "kv-prod",
            "location": "westeurope",
            "tags": dict(tags or {}),
            "properties": {
                "tenantId": TENANT,
                "sku": {"family": "A", "name": "standard"},
                "vaultUri": "https://kv-prod.vault.azure.net/",
                "enableRbacAuthorization": True,
                "enableSoftDelete": True,
                "softDeleteRetentionInDays": 90,
                "enablePurgeProtection": True,
                **properties,
            },
        }
    )


def deleted(tags: Mapping[str, str], vault_id: str = ID, location: str = "westeurope") -> DeletedVault:
    properties = {"vaultId": str(vault_id), "location": location, "tags": tags}
    return DeletedVault({"name": vault_id.rsplit("/", 1)[-1], "properties": properties})


async def read(bench: Bench, answer: Vault, resource: KeyVault = MADE) -> Present:
    bench.vaults.get.return_value = answer
    observed = (await KeyVaults(bench.clients).read([resource], PROFILE)).objects[resource.address]
    assert isinstance(observed, Present)
    return observed


def answers(bench: Bench, client: Any, body: Any, status: int = 200) -> None:
    """What the client's raw requests get."""
    response = create_autospec(AsyncHttpResponse, instance=True)
    response.status_code = status
    response.text.return_value = '{"error": {"code": "Forbidden", "message": "No."}}'
    response.json.return_value = body

    async def send(_: HttpRequest) -> Any:
        return response

    client.send_request.side_effect = send


def with_tenant(bench: Bench) -> None:
    containers = create_autospec(ContainerServiceClient, instance=True)
    answers(bench, containers, {"tenantId": TENANT})
    bench.clients.containers.side_effect = lambda _: containers


@pytest.mark.parametrize(
    ("properties", "authorization"),
    [
        ({"enableRbacAuthorization": True}, "rbac"),
        ({"enableRbacAuthorization": False}, "access-policy"),
        ({"enableRbacAuthorization": None}, "access-policy"),
    ],
)
async def test_a_vault_tells_how_it_authorises(
    bench: Bench, properties: Mapping[str, Any], authorization: str
) -> None:
    observed = await read(bench, vault(**properties), USED)
    assert observed.outputs == {
        "id": ID,
        "location": "westeurope",
        "uri": "https://kv-prod.vault.azure.net/",
        "authorization": authorization,
        "owner": "",
    }
    assert diff(USED.properties(), observed.properties) == ()
    bench.clients.vaults.assert_called_with(SUBSCRIPTION)
    bench.vaults.get.assert_awaited_once_with(GROUP, "kv-prod")


async def test_there_may_be_none(bench: Bench) -> None:
    bench.vaults.get.side_effect = refusal(404, "ResourceNotFound")
    assert (await KeyVaults(bench.clients).read([MADE], PROFILE)).objects == {MADE.address: Absent()}


async def test_a_vault_of_ours_is_known_by_its_tags(bench: Bench) -> None:
    observed = await read(bench, vault(TAGS))
    assert diff(MADE.properties(), observed.properties) == ()
    assert (observed.owner, observed.digest) == (PROFILE, TAGS["provision-digest"])
    assert observed.outputs["owner"] == PROFILE


@pytest.mark.parametrize(
    ("properties", "path"),
    [
        ({"enableRbacAuthorization": False}, "authorization"),
        ({"enablePurgeProtection": None}, "purgeProtection"),
        ({"softDeleteRetentionInDays": 30}, "softDeleteDays"),
        ({"enableSoftDelete": False, "softDeleteRetentionInDays": None}, "softDeleteDays"),
        ({"sku": {"family": "A", "name": "premium"}}, "sku"),
        ({"publicNetworkAccess": "Disabled"}, "publicNetworkAccess"),
    ],
)
async def test_what_differs(bench: Bench, properties: Mapping[str, Any], path: str) -> None:
    observed = await read(bench, vault(TAGS, **properties))
    wanted = replace(MADE, public_network_access="enabled").properties()
    assert [field.path for field in diff(wanted, observed.properties)] == [path]


async def test_what_is_sent_for_a_new_vault(bench: Bench) -> None:
    with_tenant(bench)
    bench.vaults.begin_create_or_update.return_value = finished(vault(TAGS))
    made = await KeyVaults(bench.clients).create(
        replace(MADE, soft_delete_days=7, sku="premium", public_network_access="disabled"), bench.work()
    )
    assert made.owner == PROFILE
    group, name, body = bench.vaults.begin_create_or_update.await_args.args
    assert (group, name) == (GROUP, "kv-prod")
    assert body.as_dict() == {
        "location": "westeurope",
        "tags": TAGS,
        "properties": {
            "tenantId": TENANT,
            "sku": {"family": "A", "name": "premium"},
            "enableRbacAuthorization": True,
            "enableSoftDelete": True,
            "softDeleteRetentionInDays": 7,
            "enablePurgeProtection": True,
            "publicNetworkAccess": "Disabled",
        },
    }


async def test_a_deleted_vault_of_ours_is_recovered_and_brought_in_line(bench: Bench) -> None:
    with_tenant(bench)
    bench.vaults.begin_create_or_update.side_effect = [
        refusal(409, "ConflictError"),
        finished(vault(TAGS, sku={"family": "A", "name": "premium"})),
    ]
    bench.vaults.list_deleted.return_value = paged(deleted({}, f"{ID}-2"), deleted(TAGS, ID.upper()))
    bench.vaults.get.return_value = vault({**TAGS, "team": "web"})
    bench.vaults.update.return_value = vault(TAGS)
    await KeyVaults(bench.clients).create(MADE, bench.work())
    _, _, body = bench.vaults.begin_create_or_update.await_args.args
    assert body.properties.create_mode == "recover"
    assert bench.told == ["a deleted vault of ours holds the name, recovering it"]
    _, _, change = bench.vaults.update.await_args.args
    assert change.as_dict() == {
        "tags": {**TAGS, "team": "web"},
        "properties": {"sku": {"family": "A", "name": "standard"}},
    }


async def test_a_recovered_vault_keeps_its_days(bench: Bench) -> None:
    with_tenant(bench)
    bench.vaults.begin_create_or_update.side_effect = [
        refusal(409, "ConflictError"),
        finished(vault(TAGS, softDeleteRetentionInDays=30)),
    ]
    bench.vaults.list_deleted.return_value = paged(deleted(TAGS))
    with pytest.raises(ConflictError, match="the recovered vault has another softDeleteDays"):
        await KeyVaults(bench.clients).create(MADE, bench.work())
    bench.vaults.update.assert_not_awaited()


@pytest.mark.parametrize(
    "held",
    [
        deleted({}),
        deleted({**TAGS, "provision-profile": "other"}),
        deleted(TAGS, str(ID).replace(GROUP, "rg-other"), "northeurope"),
    ],
    ids=["nobody's", "another profile's", "in another place"],
)
async def test_a_deleted_vault_that_is_not_ours_stays_deleted(bench: Bench, held: DeletedVault) -> None:
    with_tenant(bench)
    bench.vaults.begin_create_or_update.side_effect = refusal(409, "ConflictError")
    bench.vaults.list_deleted.return_value = paged(held)
    with pytest.raises(ForeignError, match="a deleted vault that is not ours holds the name") as caught:
        await KeyVaults(bench.clients).create(MADE, bench.work())
    assert held.properties is not None
    assert caught.value.command == (
        f"az keyvault recover --name kv-prod --location {held.properties.location}"
        f" --subscription {SUBSCRIPTION}"
    )
    bench.vaults.begin_create_or_update.assert_awaited_once()


@pytest.mark.parametrize("code", ["VaultAlreadyExists", "ConflictError"])
async def test_a_name_that_is_taken_elsewhere(bench: Bench, code: str) -> None:
    with_tenant(bench)
    bench.vaults.begin_create_or_update.side_effect = refusal(409, code)
    bench.vaults.list_deleted.return_value = paged()
    with pytest.raises(ConflictError, match="the name kv-prod is taken by a vault elsewhere"):
        await KeyVaults(bench.clients).create(MADE, bench.work())


async def test_another_refusal_is_no_question_of_names(bench: Bench) -> None:
    with_tenant(bench)
    bench.vaults.begin_create_or_update.side_effect = refusal(400, "SkuNotSupported")
    with pytest.raises(ServiceError, match="SkuNotSupported"):
        await KeyVaults(bench.clients).create(MADE, bench.work())
    bench.vaults.list_deleted.assert_not_called()


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        ("authorization", {"enableRbacAuthorization": True}),
        ("purgeProtection", {"enablePurgeProtection": True}),
        ("publicNetworkAccess", {"publicNetworkAccess": "Disabled"}),
    ],
)
async def test_only_what_differs_is_sent(bench: Bench, path: str, sent: Mapping[str, Any]) -> None:
    bench.vaults.get.return_value = vault({"team": "web"})
    bench.vaults.update.return_value = vault(TAGS)
    wanted = replace(MADE, public_network_access="disabled")
    await KeyVaults(bench.clients).update(
        wanted, Present(), [FieldChange(path, None, "wanted")], bench.work()
    )
    _, _, body = bench.vaults.update.await_args.args
    assert body.as_dict() == {"tags": {"team": "web", **TAGS}, "properties": sent}


async def test_a_vault_that_is_gone_makes_the_plan_stale(bench: Bench) -> None:
    bench.vaults.get.side_effect = refusal(404, "ResourceNotFound")
    with pytest.raises(StalePlanError, match="the vault is gone"):
        await KeyVaults(bench.clients).update(MADE, Present(), [], bench.work())
    bench.vaults.update.assert_not_awaited()


def certificate(name: str, tags: Mapping[str, str] | None) -> CertificateProperties:
    return CertificateProperties(
        cert_id=f"https://kv-prod.vault.azure.net/certificates/{name}", tags=dict(tags) if tags else None
    )


async def test_a_vault_with_nothing_of_others_is_deleted(bench: Bench) -> None:
    bench.certificates.list_properties_of_certificates.return_value = paged(certificate("ours", TAGS))
    answers(bench, bench.certificates, {"value": [{"id": "https://kv/secrets/ours", "managed": True}]})
    await KeyVaults(bench.clients).delete(MADE, Present(), bench.work())
    bench.vaults.delete.assert_awaited_once_with(GROUP, "kv-prod")
    asked = [call.args[0].url for call in bench.certificates.send_request.call_args_list]
    assert [url.split("?")[0] for url in asked] == ["/secrets", "/keys"]


@pytest.mark.parametrize("tags", [None, {"provision-profile": "other"}])
async def test_a_vault_with_a_certificate_of_others_stays(
    bench: Bench, tags: Mapping[str, str] | None
) -> None:
    bench.certificates.list_properties_of_certificates.return_value = paged(
        certificate("ours", TAGS), certificate("theirs", tags)
    )
    answers(bench, bench.certificates, {"value": []})
    with pytest.raises(ForeignError, match=r"it holds what is not ours \(certificate theirs\)"):
        await KeyVaults(bench.clients).delete(MADE, Present(), bench.work())
    bench.vaults.delete.assert_not_awaited()


@pytest.mark.parametrize("key", ["id", "kid"])
async def test_a_vault_with_secrets_or_keys_of_others_stays(bench: Bench, key: str) -> None:
    bench.certificates.list_properties_of_certificates.return_value = paged()
    answers(bench, bench.certificates, {"value": [{key: f"https://kv/s/{name}"} for name in "abc"]})
    with pytest.raises(ForeignError, match=r"\(secret a, secret b, secret c, key a, key b and 1 more\)"):
        await KeyVaults(bench.clients).delete(MADE, Present(), bench.work())
    bench.vaults.delete.assert_not_awaited()


async def test_a_vault_that_can_t_be_looked_into_stays(bench: Bench) -> None:
    bench.certificates.list_properties_of_certificates.return_value = paged()
    answers(bench, bench.certificates, {}, status=403)
    with pytest.raises(Exception, match="deleting key_vault/kv-prod"):
        await KeyVaults(bench.clients).delete(MADE, Present(), bench.work())
    bench.vaults.delete.assert_not_awaited()


@pytest.mark.parametrize(("tags", "count"), [(TAGS, 1), ({}, 0)])
async def test_a_vault_of_ours_that_is_not_declared(
    bench: Bench, tags: Mapping[str, str], count: int
) -> None:
    bench.tagged = [{"id": str(ID), "type": "Microsoft.KeyVault/vaults"}]
    bench.vaults.get.return_value = vault(tags)
    other = KeyVault(name="kv-2", id=CaseInsensitive(f"{ID}-2"))
    reading = await KeyVaults(bench.clients).search([other], PROFILE)
    assert [orphan.address for orphan, _ in reading.orphans] == [MADE.address] * count
