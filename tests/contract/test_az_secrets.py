"""`az keyvault secret`: secrets of a vault that no certificate stands behind."""

from __future__ import annotations

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
    az("keyvault", "secret", "recover", *SECRET)
    az("keyvault", "secret", "set-attributes", *SECRET, "--enabled", "true")
    assert az("keyvault", "secret", "show", *SECRET)["value"] == "two"
