"""What one identity may do in a vault without RBAC."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from azure.mgmt.keyvault.models import Vault

from providers.bench import GROUP, PREFIX, PROFILE, Bench, refusal
from provision.errors import AccessDeniedError, StalePlanError
from provision.plan.change import FieldChange
from provision.plan.diff import diff
from provision.providers.azure.access_policies import AccessPolicies
from provision.resources.observed import Absent, Present
from provision.resources.values import CaseInsensitive, Value
from provision.resources.vault import AccessPolicy

ID = f"{PREFIX}/Microsoft.KeyVault/vaults/kv-prod"
TENANT = "22222222-2222-2222-2222-222222222222"
OBJECT = "33333333-3333-3333-3333-333333333333"


def names(*wanted: str) -> frozenset[Value]:
    return frozenset(CaseInsensitive(name) for name in wanted)


POLICY = AccessPolicy(
    name="kv-prod/ingress",
    vault_id=ID,
    principal_id=OBJECT,
    secrets=names("get"),
    certificates=names("get", "list"),
)


def entry(object_id: str, **permissions: Sequence[str]) -> Mapping[str, Any]:
    return {"tenantId": TENANT, "objectId": object_id, "permissions": permissions}


def vault(*policies: Mapping[str, Any], **properties: Any) -> Vault:
    return Vault(
        {
            "id": ID,
            "name": "kv-prod",
            "location": "westeurope",
            "properties": {
                "tenantId": TENANT,
                "sku": {"family": "A", "name": "standard"},
                "vaultUri": "https://kv-prod.vault.azure.net/",
                "accessPolicies": list(policies),
                **properties,
            },
        }
    )


async def read_policy(bench: Bench, answer: Vault) -> Present | Absent:
    bench.vaults.get.return_value = answer
    observed = (await AccessPolicies(bench.clients).read([POLICY], PROFILE)).objects[POLICY.address]
    assert isinstance(observed, Present | Absent)
    return observed


@pytest.mark.parametrize(
    "granted",
    [
        {"secrets": ["get"], "certificates": ["get", "list"]},
        {"secrets": ["Get"], "certificates": ["List", "Get"]},
        {"secrets": ["get", "set", "delete"], "certificates": ["get", "list", "import"]},
        {"secrets": ["all"], "certificates": ["All"]},
    ],
    ids=["exact", "casing", "more", "all"],
)
async def test_at_least_what_we_ask_for_is_no_difference(
    bench: Bench, granted: Mapping[str, Sequence[str]]
) -> None:
    observed = await read_policy(bench, vault(entry("someone-else"), entry(OBJECT, **granted)))
    assert isinstance(observed, Present)
    assert diff(POLICY.properties(), observed.properties) == ()
    assert observed.owner == PROFILE


@pytest.mark.parametrize(
    ("granted", "missing"),
    [
        ({"secrets": ["list"], "certificates": ["get", "list"]}, ["secrets"]),
        ({"secrets": ["get"], "certificates": ["get"]}, ["certificates"]),
        ({"keys": ["get"]}, ["secrets", "certificates"]),
        ({"secrets": [], "certificates": None}, ["secrets", "certificates"]),
    ],
)
async def test_less_than_we_ask_for_is_a_difference(
    bench: Bench, granted: Mapping[str, Any], missing: Sequence[str]
) -> None:
    observed = await read_policy(bench, vault(entry(OBJECT, **granted)))
    assert isinstance(observed, Present)
    assert [change.path for change in diff(POLICY.properties(), observed.properties)] == missing


async def test_the_object_id_has_no_case(bench: Bench) -> None:
    upper = replace(POLICY, principal_id="ABCDEF00-3333-3333-3333-333333333333")
    bench.vaults.get.return_value = vault(entry("abcdef00-3333-3333-3333-333333333333", secrets=["get"]))
    observed = (await AccessPolicies(bench.clients).read([upper], PROFILE)).objects[upper.address]
    assert isinstance(observed, Present)


async def test_an_identity_without_an_entry_has_no_policy(bench: Bench) -> None:
    assert await read_policy(bench, vault(entry("someone-else", secrets=["all"]))) == Absent()
    assert await read_policy(bench, vault(accessPolicies=None)) == Absent()


async def test_without_the_vault_there_is_no_policy(bench: Bench) -> None:
    bench.vaults.get.side_effect = refusal(404, "ResourceNotFound")
    reading = await AccessPolicies(bench.clients).read([POLICY], PROFILE)
    assert reading.objects == {POLICY.address: Absent()}


@pytest.mark.parametrize(("verb", "kind"), [("create", "add"), ("update", "add"), ("delete", "remove")])
async def test_an_entry_of_the_vaults_own_tenant_is_added_or_removed(
    bench: Bench, verb: str, kind: str
) -> None:
    bench.vaults.get.return_value = vault(entry("someone-else", secrets=["all"]))
    handler = AccessPolicies(bench.clients)
    if verb == "create":
        written = await handler.create(POLICY, bench.work())
        assert diff(POLICY.properties(), written.properties) == ()
    elif verb == "update":
        fields = [FieldChange("secrets", names(), POLICY.secrets)]
        await handler.update(POLICY, Present(), fields, bench.work())
    else:
        await handler.delete(POLICY, Present(), bench.work())
    bench.vaults.update_access_policy.assert_awaited_once()
    group, name, operation, parameters = bench.vaults.update_access_policy.await_args.args
    assert (group, name, operation) == (GROUP, "kv-prod", kind)
    assert parameters.as_dict() == {
        "properties": {
            "accessPolicies": [
                {
                    "tenantId": TENANT,
                    "objectId": OBJECT,
                    "permissions": {"secrets": ["get"], "certificates": ["get", "list"]},
                }
            ]
        }
    }


async def test_a_vault_that_is_gone_makes_the_plan_stale(bench: Bench) -> None:
    bench.vaults.get.side_effect = refusal(404, "ResourceNotFound")
    with pytest.raises(StalePlanError, match="the vault is gone"):
        await AccessPolicies(bench.clients).create(POLICY, bench.work())
    bench.vaults.update_access_policy.assert_not_awaited()


async def test_a_refusal_names_what_was_written(bench: Bench) -> None:
    bench.vaults.get.return_value = vault()
    bench.vaults.update_access_policy.side_effect = refusal(403, "AuthorizationFailed")
    with pytest.raises(AccessDeniedError, match="writing access_policy/kv-prod/ingress"):
        await AccessPolicies(bench.clients).create(POLICY, bench.work())
