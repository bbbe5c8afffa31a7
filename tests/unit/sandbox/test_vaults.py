"""The control plane of key vaults."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from vault_bench import GROUP, OFFICER, Bench, refused, vault_path

from provision.sandbox.azure import SUBSCRIPTION, TENANT, Json

KEY_VAULT = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.KeyVault"


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "state.db")


def body(**properties: Any) -> Json:
    sent = {
        "tenantId": TENANT,
        "sku": {"family": "A", "name": "standard"},
        "accessPolicies": [],
        **properties,
    }
    return {"location": "West Europe", "properties": sent}


def policy(object_id: str, *certificates: str) -> Json:
    return {"tenantId": TENANT, "objectId": object_id, "permissions": {"certificates": list(certificates)}}


def test_create_registers_its_name_and_then_shows_the_uri_with_a_slash(bench: Bench) -> None:
    created = bench.arm("PUT", vault_path(), body(enableRbacAuthorization=True))
    assert created.status == 200
    assert created.body["properties"]["provisioningState"] == "RegisteringDns"
    assert created.body["properties"]["vaultUri"] == "https://kv-test.vault.localhost:8443"
    assert "enablePurgeProtection" not in created.body["properties"]
    assert float(created.headers["Retry-After"]) > 0
    assert "Azure-AsyncOperation" not in created.headers

    bench.clock.pass_(31)
    settled = bench.arm("GET", vault_path())
    assert settled.body["properties"]["provisioningState"] == "Succeeded"
    assert settled.body["properties"]["vaultUri"] == "https://kv-test.vault.localhost:8443/"
    assert settled.body["location"] == "westeurope"
    assert settled.body["systemData"]["createdBy"] == OFFICER.client_id


def test_the_uri_follows_the_address_the_client_used(bench: Bench) -> None:
    bench.new_vault("kv-test")
    url = f"https://management.azure.com{vault_path()}"
    answer = bench.send("GET", url, None, OFFICER, "2024-11-01")
    assert answer.body["properties"]["vaultUri"] == "https://kv-test.vault.azure.net/"


@pytest.mark.parametrize(
    ("version", "sent", "rbac"),
    [
        ("2024-11-01", {}, False),
        ("2026-02-01", {}, True),
        ("2026-02-01", {"enableRbacAuthorization": False}, False),
        ("2024-11-01", {"enableRbacAuthorization": True, "accessPolicies": None}, True),
    ],
)
def test_the_permission_model_of_a_new_vault(bench: Bench, version: str, sent: Json, rbac: bool) -> None:
    created = bench.arm("PUT", vault_path(), body(**sent), version)
    assert created.body["properties"]["enableRbacAuthorization"] is rbac


@pytest.mark.parametrize("name", ["ab", "1kv", "kv-", "k--v", "kv_1", "a" * 25])
def test_a_bad_name_is_refused(bench: Bench, name: str) -> None:
    refusal = refused(bench.arm, "PUT", vault_path(name), body())
    assert (refusal.status, refusal.code) == (400, "VaultNameNotValid")


def test_names_are_unique_in_all_of_azure(bench: Bench) -> None:
    bench.new_vault("kv-test")
    elsewhere = vault_path().replace(GROUP, "rg-other")
    refusal = refused(bench.arm, "PUT", elsewhere, body())
    assert (refusal.status, refusal.code) == (409, "VaultAlreadyExists")

    check = bench.arm("POST", f"{KEY_VAULT}/checkNameAvailability", {"name": "KV-TEST", "type": "x"})
    assert (check.body["nameAvailable"], check.body["reason"]) == (False, "AlreadyExists")
    check = bench.arm("POST", f"{KEY_VAULT}/checkNameAvailability", {"name": "other-kv", "type": "x"})
    assert check.body == {"nameAvailable": True}


@pytest.mark.parametrize(
    ("sent", "word"),
    [
        ({"enablePurgeProtection": False}, "enablePurgeProtection"),
        ({"enableSoftDelete": False}, "enableSoftDelete"),
        ({"softDeleteRetentionInDays": 6}, "softDeleteRetentionInDays"),
        ({"tenantId": None}, "tenantId"),
        ({"accessPolicies": None}, "accessPolicies"),
        ({"accessPolicies": [{"objectId": "x", "permissions": {"nonsense": []}}]}, "accessPolicies"),
    ],
)
def test_what_a_new_vault_may_not_be(bench: Bench, sent: Json, word: str) -> None:
    refusal = refused(bench.arm, "PUT", vault_path(), body(**sent))
    assert (refusal.status, refusal.code) == (400, "BadRequest")
    assert word in refusal.message


def test_the_retention_of_a_vault_is_for_good(bench: Bench) -> None:
    bench.arm("PUT", vault_path(), body(softDeleteRetentionInDays=7))
    refusal = refused(bench.arm, "PATCH", vault_path(), {"properties": {"softDeleteRetentionInDays": 30}})
    assert "can't be modified" in refusal.message


def test_the_open_network_is_not_echoed_and_a_closed_one_is(bench: Bench) -> None:
    rules = {"bypass": "AzureServices", "defaultAction": "Allow", "ipRules": [], "virtualNetworkRules": []}
    created = bench.arm("PUT", vault_path(), body(networkAcls=rules))
    assert "networkAcls" not in created.body["properties"]
    closed = bench.arm("PATCH", vault_path(), {"properties": {"networkAcls": {"defaultAction": "Deny"}}})
    assert closed.body["properties"]["networkAcls"]["defaultAction"] == "Deny"


def test_patch_changes_tags_and_leaves_the_rest(bench: Bench) -> None:
    bench.new_vault("kv-test")
    before = bench.arm("GET", vault_path()).body
    after = bench.arm("PATCH", vault_path(), {"tags": {"team": "web"}}).body
    assert after["tags"] == {"team": "web"}
    assert after["properties"] == before["properties"]


@pytest.mark.parametrize(
    ("how", "sent", "left"),
    [
        ("add", policy("one", "List"), {"one": ["get", "List"], "two": ["get"]}),
        ("add", policy("three", "get"), {"one": ["get"], "two": ["get"], "three": ["get"]}),
        ("replace", policy("one", "list"), {"one": ["list"], "two": ["get"]}),
        ("remove", policy("one", "GET"), {"two": ["get"]}),
    ],
)
def test_access_policies_are_merged(bench: Bench, how: str, sent: Json, left: dict[str, list[str]]) -> None:
    policies = [policy("one", "get"), policy("two", "get")]
    bench.arm("PUT", vault_path(), body(accessPolicies=policies))
    sent_body = {"properties": {"accessPolicies": [sent]}}
    answer = bench.arm("PUT", vault_path(tail=f"/accessPolicies/{how}"), sent_body)
    assert answer.body["type"] == "Microsoft.KeyVault/vaults/accessPolicies"
    shown = bench.arm("GET", vault_path()).body["properties"]["accessPolicies"]
    assert answer.body["properties"]["accessPolicies"] == shown
    assert {each["objectId"]: each["permissions"]["certificates"] for each in shown} == left


def test_lists_by_group_and_by_subscription(bench: Bench) -> None:
    bench.new_vault("kv-b")
    bench.new_vault("kv-a")
    for path in (f"{KEY_VAULT}/vaults", vault_path("").rstrip("/")):
        assert [each["name"] for each in bench.arm("GET", path).body["value"]] == ["kv-a", "kv-b"]


def test_a_deleted_vault_keeps_its_name_until_it_is_purged(bench: Bench) -> None:
    bench.new_vault("kv-test")
    assert bench.arm("DELETE", vault_path()).status == 200
    assert bench.arm("DELETE", vault_path()).status == 204
    assert refused(bench.arm, "GET", vault_path()).status == 404
    assert refused(bench.arm, "PUT", vault_path(), body()).code == "ConflictError"

    listed = bench.arm("GET", f"{KEY_VAULT}/deletedVaults").body["value"]
    assert [each["properties"]["vaultId"] for each in listed] == [vault_path()]
    deleted = f"{KEY_VAULT}/locations/westeurope/deletedVaults/kv-test"
    assert bench.arm("GET", deleted).body["name"] == "kv-test"

    accepted = bench.arm("POST", f"{deleted}/purge")
    assert accepted.status == 202
    poll = accepted.headers["Location"].removeprefix("https://localhost:8443")
    assert bench.arm("GET", poll).status == 202
    bench.clock.pass_(30)
    assert bench.arm("GET", poll).status == 200
    assert refused(bench.arm, "GET", deleted).code == "DeletedVaultNotFound"
    assert bench.arm("PUT", vault_path(), body()).status == 200


def test_a_deleted_vault_comes_back_with_what_was_in_it(bench: Bench) -> None:
    bench.new_vault("kv-test")
    bench.vault("PUT", "/certificates/contacts", {"contacts": [{"email": "a@contoso.com"}]})
    bench.arm("DELETE", vault_path())
    recovered = bench.arm("PUT", vault_path(), body(createMode="recover"))
    assert recovered.body["properties"]["provisioningState"] == "RegisteringDns"
    assert bench.vault("GET", "/certificates/contacts").body["contacts"] == [{"email": "a@contoso.com"}]


def test_purge_protection_forbids_a_purge(bench: Bench) -> None:
    bench.arm("PUT", vault_path(), body(enablePurgeProtection=True))
    bench.arm("DELETE", vault_path())
    refusal = refused(bench.arm, "POST", f"{KEY_VAULT}/locations/westeurope/deletedVaults/kv-test/purge")
    assert refusal.status == 409
