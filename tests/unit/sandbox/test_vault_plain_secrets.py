"""Secrets that no certificate stands behind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from vault_bench import OFFICER, STRANGER, Bench, refused, vault_path

from provision.sandbox.certificate_store import BEING_DELETED, BEING_PURGED, BEING_RECOVERED

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
    refusal = refused(bench.vault, "PUT", "/secrets/web", {"value": "mine"})
    assert (refusal.status, refusal.code) == (409, "Conflict")


def test_a_deleted_secret_keeps_its_name_until_it_is_purged(bench: Bench) -> None:
    bench.vault("PUT", "/secrets/root", {"value": "one"})
    gone = bench.vault("DELETE", "/secrets/root").body
    assert gone["recoveryId"].endswith("/deletedsecrets/root")
    assert refused(bench.vault, "GET", "/secrets/root").code == "SecretNotFound"
    assert refused(bench.vault, "GET", "/deletedsecrets/root").status == 404  # neither here nor there
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


@pytest.mark.parametrize("body", [{}, {"value": 1}, {"value": "x" * 25_601}])
def test_a_value_that_is_none(bench: Bench, body: dict[str, object]) -> None:
    assert refused(bench.vault, "PUT", "/secrets/root", body, caller=OFFICER).code == "BadParameter"
    assert refused(bench.vault, "PUT", "/secrets/no_name", {"value": "x"}).code == "BadParameter"
