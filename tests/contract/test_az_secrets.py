"""`az keyvault secret`: secrets of a vault that no certificate stands behind."""

from __future__ import annotations

import json

import pytest

from contract.az import Az, AzError

VAULT = ("--vault-name", "kv-contoso-prod")
SECRET = (*VAULT, "--name", "mesh-root")


def test_a_secret_from_set_to_purge(az: Az) -> None:
    first = az("keyvault", "secret", "set", *SECRET, "--value", "one", "--tags", "team=mesh")
    assert (first["value"], first["tags"]["team"], first["attributes"]["enabled"]) == ("one", "mesh", True)
    second = az("keyvault", "secret", "set", *SECRET, "--value", "two", "--description", "text/plain")
    assert az("keyvault", "secret", "show", *SECRET)["value"] == "two"
    older = first["id"].rsplit("/", 1)[1]
    assert az("keyvault", "secret", "show", *SECRET, "--version", older)["value"] == "one"
    listed = az("keyvault", "secret", "list", *VAULT)
    assert [each["name"] for each in listed if each["managed"] is not True] == ["mesh-root"]
    assert az("keyvault", "secret", "list-versions", *VAULT, "--name", "none") == []
    versions = az("keyvault", "secret", "list-versions", *SECRET)
    assert {each["id"] for each in versions} == {first["id"], second["id"]}
    az("keyvault", "secret", "set-attributes", *SECRET, "--enabled", "false")
    with pytest.raises(AzError, match="Operation get is not allowed on a disabled secret"):
        az("keyvault", "secret", "show", *SECRET)
    az("keyvault", "secret", "delete", *SECRET)
    with pytest.raises(AzError, match="SecretNotFound"):
        az("keyvault", "secret", "show", *SECRET)
    with pytest.raises(AzError, match="deleted but recoverable state"):
        az("keyvault", "secret", "set", *SECRET, "--value", "three")
    deleted = az("keyvault", "secret", "list-deleted", *VAULT)
    assert [each["name"] for each in deleted] == ["mesh-root"]
    assert az("keyvault", "secret", "show-deleted", *SECRET)["scheduledPurgeDate"]
    az("keyvault", "secret", "recover", *SECRET)
    az("keyvault", "secret", "set-attributes", *SECRET, "--enabled", "true")
    assert az("keyvault", "secret", "show", *SECRET)["value"] == "two"


def test_a_secret_to_its_purge(az: Az) -> None:
    one = (*VAULT, "--name", "short-lived")
    az("keyvault", "secret", "set", *one, "--value", "one", "--expires", "2030-01-01T00:00:00Z")
    assert az("keyvault", "secret", "show", *one)["attributes"]["expires"] == "2030-01-01T00:00:00+00:00"
    az("keyvault", "secret", "delete", *one)
    az("keyvault", "secret", "purge", *one)
    with pytest.raises(AzError, match="Deleted Secret not found: short-lived"):
        az("keyvault", "secret", "show-deleted", *one)


def test_a_certificates_secret_is_read_only(az: Az) -> None:
    one = (*VAULT, "--name", "web")
    policy = az("keyvault", "certificate", "get-default-policy")
    az("keyvault", "certificate", "create", *one, "--policy", json.dumps(policy))
    assert az("keyvault", "secret", "show", *one)["managed"] is True
    with pytest.raises(AzError, match='Operation "set" is not allowed on this secret'):
        az("keyvault", "secret", "set", *one, "--value", "mine")
    with pytest.raises(AzError, match="SecretManagedByKeyVault"):
        az("keyvault", "secret", "delete", *one)
