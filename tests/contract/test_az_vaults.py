"""The real az and provision on vaults, issuers and contacts: each reads what the other made."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from contract.az import Az, AzError
from contract.test_az_behind_our_back import serve_in_thread
from provision.__main__ import main
from provision.sandbox.azure import SUBSCRIPTION
from provision.sandbox.home import Home

Provision = Callable[..., tuple[int, Any]]

ISSUER = {
    "provider": "DigiCert",
    "accountId": "123456",
    "password": "env:DIGICERT_KEY",
    "organizationId": "654321",
    "administrators": [{"email": "ca@contoso.com", "firstName": "Ca", "lastName": "Admin", "phone": "4930"}],
}
CONTACTS = [{"email": "certs@contoso.com", "name": "Certs", "phone": "4931"}]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """Served from a thread of this process."""
    place = Home(tmp_path_factory.mktemp("sandbox"))
    stop = serve_in_thread(place)
    yield place
    stop()


@pytest.fixture
def provision(home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Provision:
    """Runs provision against the same sandbox: exit code and JSON."""
    monkeypatch.setenv("PROVISION_SANDBOX_HOME", str(home.path))
    monkeypatch.setenv("DIGICERT_KEY", "canary-7c11")

    def run(*arguments: str) -> tuple[int, Any]:
        capsys.readouterr()
        code = main([*arguments, "--sandbox", "--format", "json"])
        return code, json.loads(capsys.readouterr().out)

    return run


def profile(folder: Path, vault: str, **issuer: Any) -> str:
    issuer = issuer or ISSUER
    body = {
        "apiVersion": "provision/v1",
        "name": vault,
        "azure": {"subscription": SUBSCRIPTION},
        "cluster": {"name": "aks-dev", "resourceGroup": "rg-aks-dev"},
        "ingress": {"option": "app-routing"},
        "vaults": {
            vault: {
                "resourceGroup": "rg-security",
                "create": True,
                "location": "westeurope",
                "softDeleteDays": 30,
                "issuers": {"digicert": issuer},
                "contacts": CONTACTS,
            }
        },
    }
    file = folder / f"{vault}.yaml"
    file.write_text(json.dumps(body))
    return str(file)


def targets(vault: str) -> list[str]:
    kinds = {"key_vault": vault, "certificate_issuer": f"{vault}/digicert", "certificate_contacts": vault}
    addresses = (f"{kind}/{name}" for kind, name in kinds.items())
    return [word for address in addresses for word in ("--target", address)]


def test_az_reads_what_provision_made(az: Az, provision: Provision, tmp_path: Path) -> None:
    vault = "kv-of-provision"
    code, outcomes = provision("apply", profile(tmp_path, vault), "--yes", *targets(vault))
    assert code == 0, outcomes

    shown = az("keyvault", "show", "--name", vault)
    assert shown["properties"]["enableRbacAuthorization"] is True
    assert shown["properties"]["enablePurgeProtection"] is True
    assert shown["properties"]["softDeleteRetentionInDays"] == 30
    assert shown["tags"]["provision-profile"] == vault

    here = ("--vault-name", vault)
    issuer = az("keyvault", "certificate", "issuer", "show", *here, "--issuer-name", "digicert")
    assert issuer["provider"] == "DigiCert"
    assert issuer["credentials"]["accountId"] == "123456"
    assert issuer["organizationDetails"]["id"] == "654321"
    (admin,) = az("keyvault", "certificate", "issuer", "admin", "list", *here, "--issuer-name", "digicert")
    assert (admin["emailAddress"], admin["firstName"]) == ("ca@contoso.com", "Ca")
    (contact,) = az("keyvault", "certificate", "contact", "list", *here)["contactList"]
    assert contact == {"emailAddress": "certs@contoso.com", "name": "Certs", "phone": "4931"}
    az("keyvault", "delete", "--name", vault)
    with pytest.raises(AzError, match="purge protection"):
        az("keyvault", "purge", "--name", vault)
    assert az("keyvault", "recover", "--name", vault)["name"] == vault


def test_provision_plans_nothing_on_what_az_made(az: Az, provision: Provision, tmp_path: Path) -> None:
    vault = "kv-of-az"
    az(
        *("keyvault", "create", "--name", vault, "--resource-group", "rg-security"),
        *("--location", "westeurope", "--enable-rbac-authorization", "true"),
        *("--enable-purge-protection", "true", "--retention-days", "30"),
    )
    here = ("--vault-name", vault)
    az(
        *("keyvault", "certificate", "issuer", "create", *here, "--issuer-name", "digicert"),
        *("--provider-name", "DigiCert"),
        *("--account-id", "123456", "--password", "x", "--organization-id", "654321"),
    )
    az(
        *("keyvault", "certificate", "contact", "add", *here, "--email", "certs@contoso.com"),
        *("--name", "Certs", "--phone", "4931"),
    )
    # az drops the organization when it adds an administrator (2.91), so there is none.
    alike = {name: value for name, value in ISSUER.items() if name != "administrators"}
    file = profile(tmp_path, vault, **alike)
    code, planned = provision("plan", file, *targets(vault))
    assert (code, planned["changes"], planned["errors"]) == (0, [], [])
    assert len(planned["unchanged"]) == len(targets(vault)) / 2


def test_what_az_changes_is_drift(az: Az, provision: Provision, tmp_path: Path) -> None:
    vault = "kv-changed"
    file = profile(tmp_path, vault)
    code, outcomes = provision("apply", file, "--yes", *targets(vault))
    assert code == 0, outcomes
    az("keyvault", "update", "--name", vault, "--enable-rbac-authorization", "false")
    _, planned = provision("plan", file, "--target", f"key_vault/{vault}")
    (change,) = planned["changes"]
    assert [field["path"] for field in change["fields"]] == ["authorization"]
    code, outcomes = provision("apply", file, "--yes", "--target", f"key_vault/{vault}")
    assert code == 0, outcomes
    assert az("keyvault", "show", "--name", vault)["properties"]["enableRbacAuthorization"] is True
    az("keyvault", "certificate", "contact", "add", "--vault-name", vault, "--email", "new@contoso.com")
    _, planned = provision("plan", file, *targets(vault))
    assert [each["resource"] for each in planned["changes"]] == [f"certificate_contacts/{vault}"]
