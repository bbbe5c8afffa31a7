"""Secrets that no certificate stands behind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from vault_bench import OFFICER, STRANGER, Bench, refused, vault_path

from provision.sandbox.azure import Answer
from provision.sandbox.certificate_store import BEING_DELETED, BEING_PURGED, BEING_RECOVERED
from provision.sandbox.vaults import VAULT

SECRETS_OFFICER = "b86a8fe4-44ce-4948-aee5-eccb2c155cd7"
SECRETS_USER = "4633458b-17de-408a-b874-0445c86b69e6"


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path / "state.db")
    made.new_vault("kv-test")
    yield made
    made.azure.store.close()


def certificate(bench: Bench, name: str) -> None:
    policy = {"issuer": {"name": "Self"}, "x509_props": {"subject": f"CN={name}.example"}}
    bench.vault("POST", f"/certificates/{name}/create", {"policy": policy})
    bench.clock.pass_(3600)


def test_a_new_value_is_a_new_version(bench: Bench) -> None:
    first = bench.vault("PUT", "/secrets/root", {"value": "one", "contentType": "text/plain"}).body
    bench.vault("PUT", "/secrets/ROOT", {"value": "two", "attributes": {"exp": 9}})
    current = bench.vault("GET", "/secrets/root").body
    assert (current["value"], current["attributes"]["exp"]) == ("two", 9)
    assert current["id"].startswith("https://kv-test.vault.localhost:8443/secrets/root/")
    older = bench.vault("GET", f"/secrets/root/{first['id'].rsplit('/', 1)[1]}").body
    assert (older["value"], older["contentType"]) == ("one", "text/plain")
    listed = bench.vault("GET", "/secrets/root/versions").body["value"]
    assert {each["id"] for each in listed} == {first["id"], current["id"]}
    assert "value" not in listed[0]


def test_secrets_of_certificates_are_told_apart(bench: Bench) -> None:
    certificate(bench, "web")
    bench.vault("PUT", "/secrets/alpha", {"value": "one"})
    listed = bench.vault("GET", "/secrets").body["value"]
    assert [(each["id"].rsplit("/", 1)[1], each.get("managed")) for each in listed] == [
        ("alpha", None),
        ("web", True),
    ]
    (version,) = bench.vault("GET", "/secrets/web/versions").body["value"]
    assert version["id"] == bench.vault("GET", "/secrets/web").body["id"]
    assert version["managed"] is True


@pytest.mark.parametrize(
    ("method", "operation", "body"),
    [("PUT", "set", {"value": "mine"}), ("PATCH", "update", {"tags": {}}), ("DELETE", "delete", None)],
)
def test_a_secret_of_a_certificate_is_the_certificates(
    bench: Bench, method: str, operation: str, body: dict[str, object] | None
) -> None:
    certificate(bench, "web")
    refusal = refused(bench.vault, method, "/secrets/web", body)
    assert (refusal.status, refusal.code) == (403, "Forbidden")
    assert refusal.extra == {"innererror": {"code": "SecretManagedByKeyVault"}}
    assert f'Operation "{operation}" is not allowed on this secret' in refusal.message


def test_a_secret_goes_with_its_certificate(bench: Bench) -> None:
    certificate(bench, "web")
    bench.vault("DELETE", "/certificates/web")
    early = refused(bench.vault, "PUT", "/secrets/web", {"value": "mine"})
    assert early.message == "Secret web is currently being deleted and cannot be re-created; retry later."
    assert refused(bench.vault, "GET", "/deletedsecrets/web").message == "Deleted Secret not found: web"
    bench.clock.pass_(BEING_DELETED)
    assert refused(bench.vault, "GET", "/secrets/web").code == "SecretNotFound"
    shown = bench.vault("GET", "/deletedsecrets/web").body
    assert (shown["managed"], "value" in shown) == (True, False)
    assert shown["recoveryId"].endswith("/deletedsecrets/web")
    assert bench.vault("GET", "/deletedsecrets").body["value"] == []
    assert "recoverable state" in refused(bench.vault, "PUT", "/secrets/web", {"value": "mine"}).message
    assert refused(bench.vault, "POST", "/deletedsecrets/web/recover").status == 403
    bench.vault("DELETE", "/deletedcertificates/web")
    assert "being deleted" in refused(bench.vault, "PUT", "/secrets/web", {"value": "mine"}).message
    bench.clock.pass_(BEING_PURGED)
    assert bench.vault("PUT", "/secrets/web", {"value": "mine"}).status == 200


def test_a_certificate_takes_over_the_name_of_a_secret(bench: Bench) -> None:
    plain = bench.vault("PUT", "/secrets/web", {"value": "mine"}).body
    certificate(bench, "web")
    assert bench.vault("GET", "/secrets/web").body["managed"] is True
    assert bench.vault("GET", f"/secrets/web/{plain['id'].rsplit('/', 1)[1]}").body["value"] == "mine"
    assert [each.get("managed") for each in bench.vault("GET", "/secrets").body["value"]] == [True]
    assert len(bench.vault("GET", "/secrets/web/versions").body["value"]) == 2
    assert refused(bench.vault, "DELETE", "/secrets/web").status == 403
    bench.vault("DELETE", "/certificates/web")
    assert refused(bench.vault, "GET", "/secrets/web").code == "SecretNotFound"


def test_what_nobody_knows(bench: Bench) -> None:
    assert bench.vault("GET", "/secrets/none/versions").body == {"value": [], "nextLink": None}
    for method, path in (
        ("GET", "/secrets/none"),
        ("PATCH", "/secrets/none"),
        ("DELETE", "/secrets/none"),
        ("GET", "/deletedsecrets/none"),
        ("POST", "/deletedsecrets/none/recover"),
        ("DELETE", "/deletedsecrets/none"),
    ):
        refusal = refused(bench.vault, method, path, {})
        assert (refusal.status, refusal.code) == (404, "SecretNotFound"), path


def test_a_version_that_nobody_knows(bench: Bench) -> None:
    bench.vault("PUT", "/secrets/root", {"value": "one"})
    for method in ("GET", "PATCH"):
        refusal = refused(bench.vault, method, "/secrets/root/0a1b", {"tags": {}})
        assert (refusal.status, refusal.code) == (404, "SecretNotFound")
        assert "A secret with (name/id) root/0a1b was not found" in refusal.message


def test_attributes_change_and_the_value_stays(bench: Bench) -> None:
    made = bench.vault("PUT", "/secrets/root", {"value": "one", "tags": {"team": "mesh"}}).body
    changed = bench.vault("PATCH", made["id"].split(":8443")[1], {"attributes": {"enabled": False, "nbf": 5}})
    assert "value" not in changed.body
    assert changed.body["tags"] == {"team": "mesh"}
    assert (changed.body["attributes"]["enabled"], changed.body["attributes"]["nbf"]) == (False, 5)
    refusal = refused(bench.vault, "GET", "/secrets/root")
    assert (refusal.status, refusal.extra) == (403, {"innererror": {"code": "SecretDisabled"}})
    bench.vault("PATCH", "/secrets/root", {"attributes": {"enabled": True}})
    assert bench.vault("GET", "/secrets/root").body["value"] == "one"


def test_lists_come_by_pages(bench: Bench) -> None:
    for number in range(3):
        bench.vault("PUT", f"/secrets/s{number}", {"value": "x"})
    first = bench.vault("GET", "/secrets?maxresults=2").body
    last = bench.vault("GET", first["nextLink"].split(":8443")[1]).body
    assert [each["id"][-2:] for each in (*first["value"], *last["value"])] == ["s0", "s1", "s2"]
    assert last["nextLink"] is None


def test_a_deleted_secret_keeps_its_name_until_it_is_purged(bench: Bench) -> None:
    bench.vault("PUT", "/secrets/root", {"value": "one"})
    gone = bench.vault("DELETE", "/secrets/root").body
    assert gone["recoveryId"].endswith("/deletedsecrets/root")
    assert refused(bench.vault, "GET", "/secrets/root").code == "SecretNotFound"
    assert refused(bench.vault, "GET", "/deletedsecrets/root").status == 404  # neither here nor there
    assert (
        refused(bench.vault, "DELETE", "/deletedsecrets/root").message == "Secret is currently being deleted."
    )
    assert "retry later" in refused(bench.vault, "PUT", "/secrets/root", {"value": "two"}).message
    bench.clock.pass_(BEING_DELETED)
    assert [each["id"] for each in bench.vault("GET", "/deletedsecrets").body["value"]]
    assert "recoverable state" in refused(bench.vault, "PUT", "/secrets/root", {"value": "two"}).message
    bench.vault("POST", "/deletedsecrets/root/recover")
    bench.clock.pass_(BEING_RECOVERED)
    assert bench.vault("GET", "/secrets/root").body["value"] == "one"
    bench.vault("DELETE", "/secrets/root")
    bench.clock.pass_(BEING_DELETED)
    assert bench.vault("DELETE", "/deletedsecrets/root").status == 204
    assert "being deleted" in refused(bench.vault, "PUT", "/secrets/root", {"value": "two"}).message
    bench.clock.pass_(BEING_PURGED)
    bench.vault("PUT", "/secrets/root", {"value": "two"})
    assert len(bench.vault("GET", "/secrets/root/versions").body["value"]) == 1


def test_what_may_be_done_is_a_matter_of_roles(bench: Bench) -> None:
    bench.vault("PUT", "/secrets/root", {"value": "one"})
    bench.assign(SECRETS_USER, STRANGER, vault_path())
    assert bench.vault("GET", "/secrets/root", caller=STRANGER).body["value"] == "one"
    denied = refused(bench.vault, "PUT", "/secrets/root", {"value": "two"}, caller=STRANGER)
    assert "Action: 'Microsoft.KeyVault/vaults/secrets/setSecret/action'" in denied.message
    assert refused(bench.vault, "DELETE", "/secrets/root", caller=STRANGER).status == 403
    bench.assign(SECRETS_OFFICER, STRANGER, vault_path())
    bench.vault("PUT", "/secrets/root", {"value": "two"}, caller=STRANGER)
    bench.vault("DELETE", "/secrets/root", caller=STRANGER)
    bench.clock.pass_(BEING_DELETED)
    assert bench.vault("DELETE", "/deletedsecrets/root", caller=STRANGER).status == 204
    assert refused(bench.vault, "GET", "/certificates", caller=STRANGER).status == 403


def test_a_protected_vault_purges_nothing(bench: Bench) -> None:
    vault = bench.azure.store.get(VAULT, vault_path()) or {}
    vault["properties"]["enablePurgeProtection"] = True
    bench.azure.store.put(VAULT, vault_path(), vault)
    bench.vault("PUT", "/secrets/root", {"value": "one"})
    bench.vault("DELETE", "/secrets/root")
    bench.clock.pass_(BEING_DELETED)
    refusal = refused(bench.vault, "DELETE", "/deletedsecrets/root")
    assert (refusal.status, refusal.extra) == (403, {"innererror": {"code": "ForbiddenByPolicy"}})


@pytest.mark.parametrize(
    ("method", "path", "permission"),
    [
        ("GET", "/secrets/root", "get"),
        ("GET", "/secrets", "list"),
        ("GET", "/secrets/root/versions", "list"),
        ("PUT", "/secrets/root", "set"),
        ("PATCH", "/secrets/root", "set"),
        ("DELETE", "/secrets/root", "delete"),
        ("GET", "/deletedsecrets", "list"),
        ("GET", "/deletedsecrets/gone", "get"),
        ("POST", "/deletedsecrets/gone/recover", "recover"),
        ("DELETE", "/deletedsecrets/gone", "purge"),
    ],
)
def test_what_may_be_done_is_a_matter_of_access_policies(
    bench: Bench, method: str, path: str, permission: str
) -> None:
    vault = bench.new_vault("kv-old", rbac_model=False)

    def allow(*permissions: str) -> None:
        policy = {"objectId": STRANGER.object_id, "permissions": {"secrets": [*permissions]}}
        vault["properties"]["accessPolicies"] = [policy]
        bench.azure.store.put(VAULT, vault["id"], vault)

    def send(method: str, path: str) -> Answer:
        return bench.vault(method, path, {"value": "x"}, name="kv-old", caller=STRANGER)

    allow("set", "delete")
    send("PUT", "/secrets/root")
    send("PUT", "/secrets/gone")
    send("DELETE", "/secrets/gone")
    bench.clock.pass_(BEING_DELETED)
    allow(*({"get", "list", "set", "delete", "recover", "purge"} - {permission}))
    denied = refused(send, method, path)
    assert (denied.status, denied.extra) == (403, {"innererror": {"code": "AccessDenied"}})
    assert f"does not have secrets {permission} permission" in denied.message
    allow(permission)
    assert send(method, path).status in (200, 204)


@pytest.mark.parametrize(
    "body",
    [
        {},
        ["value"],
        {"value": 1},
        {"value": "x" * 25_601},
        {"value": "x", "attributes": {"exp": "soon"}},
        {"value": "x", "attributes": {"enabled": "yes"}},
        {"value": "x", "attributes": {"exp": True}},
        {"value": "x", "attributes": ["enabled"]},
        {"value": "x", "tags": dict.fromkeys("abcdefghijklmnop", "")},
        {"value": "x", "tags": "team"},
        {"value": "x", "tags": {"team": 1}},
        {"value": "x", "contentType": 1},
        {"value": "x", "contentType": "x" * 256},
    ],
)
def test_a_value_that_is_none(bench: Bench, body: object) -> None:
    assert refused(bench.vault, "PUT", "/secrets/root", body, caller=OFFICER).code == "BadParameter"
    assert refused(bench.vault, "PUT", "/secrets/no_name", {"value": "x"}).code == "BadParameter"
