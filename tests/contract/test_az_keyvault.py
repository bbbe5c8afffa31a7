"""The real az against the sandbox's key vaults. `PROVISION_TEST_AZ` names the executable."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from provision.sandbox.home import Home, Server, environment, serve
from provision.sandbox.seed import CLIENTS

AZ = os.environ.get("PROVISION_TEST_AZ", "")
VAULT = "kv-contoso-prod"

Az = Callable[..., Any]


class AzError(Exception):
    """az ended with an error; the message is what it wrote."""


@pytest.fixture(scope="module")
def variables(executable: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment of a client of a running sandbox."""
    home = Home(tmp_path_factory.mktemp("sandbox"))
    listening = threading.Event()
    servers: list[Server] = []
    loop = asyncio.new_event_loop()

    def ready(server: Server) -> None:
        servers.append(server)
        listening.set()

    task = loop.create_task(serve(home, speed=100_000.0, ready=ready))
    thread = threading.Thread(target=_run, args=(loop, task))
    thread.start()
    assert listening.wait(60)
    yield {**os.environ, **environment(home, servers[0])}
    loop.call_soon_threadsafe(task.cancel)
    thread.join()


def _run(loop: asyncio.AbstractEventLoop, task: asyncio.Task[None]) -> None:
    try:
        loop.run_until_complete(task)
    except asyncio.CancelledError:
        loop.close()


@pytest.fixture(scope="module")
def az(variables: dict[str, str]) -> Az:
    """`az("keyvault", "show", ...)` as the owner: the JSON it prints, or `AzError`."""

    def run(*arguments: str) -> Any:
        done = subprocess.run(
            [AZ, *arguments, "--output", "json", "--only-show-errors"],
            env=variables,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise AzError(done.stderr)
        return json.loads(done.stdout) if done.stdout.strip() else None

    owner = CLIENTS["owner"]
    tenant = variables["AZURE_TENANT_ID"]
    run("login", "--service-principal", "-u", owner.client_id, "-p", owner.secret, "--tenant", tenant)
    return run


def certificate(az: Az, name: str, vault: str = VAULT) -> Any:
    """A certificate of az's own default policy, as `certificate show` prints it."""
    policy = json.dumps(az("keyvault", "certificate", "get-default-policy"))
    made = az("keyvault", "certificate", "create", "--vault-name", vault, "-n", name, "-p", policy)
    assert made["status"] == "completed"
    return az("keyvault", "certificate", "show", "--vault-name", vault, "-n", name)


@pytest.mark.parametrize("group", [(), ("-g", "rg-security")])
def test_show_finds_a_vault_with_and_without_its_group(az: Az, group: tuple[str, ...]) -> None:
    shown = az("keyvault", "show", "-n", VAULT, *group)
    assert shown["properties"]["vaultUri"].startswith(f"https://{VAULT}.vault.localhost:")
    assert shown["resourceGroup"] == "rg-security"


def test_a_certificate_of_the_default_policy(az: Az) -> None:
    shown = certificate(az, "shop-tls")
    assert shown["attributes"]["enabled"] is True
    assert shown["policy"]["x509CertificateProperties"]["subject"] == "CN=CLIGetDefaultPolicy"
    assert len(shown["x509ThumbprintHex"]) == 40
    listed = az("keyvault", "certificate", "list", "--vault-name", VAULT)
    assert "shop-tls" in [each["name"] for each in listed]


def test_deletion_and_recovery(az: Az) -> None:
    made = certificate(az, "gone-tls")
    here = ("--vault-name", VAULT, "-n", "gone-tls")
    az("keyvault", "certificate", "delete", *here)
    with pytest.raises(AzError, match="CertificateNotFound"):
        az("keyvault", "certificate", "show", *here)
    assert az("keyvault", "certificate", "recover", *here)["id"] == made["id"]


def test_a_vault_with_access_policies(az: Az) -> None:
    made = az(
        *("keyvault", "create", "-n", "kv-az-policies", "-g", "rg-security", "-l", "westeurope"),
        *("--enable-rbac-authorization", "false", "--no-self-perms", "true"),
    )
    assert made["properties"]["provisioningState"] == "Succeeded"
    assert made["properties"]["vaultUri"].endswith("/")
    with pytest.raises(AzError, match="does not have certificates list permission"):
        az("keyvault", "certificate", "list", "--vault-name", "kv-az-policies")
    permitted = az(
        *("keyvault", "set-policy", "-n", "kv-az-policies", "--object-id", CLIENTS["owner"].object_id),
        *("--certificate-permissions", "get", "list", "create"),
    )
    (policy,) = permitted["properties"]["accessPolicies"]
    assert sorted(policy["permissions"]["certificates"]) == ["create", "get", "list"]
    assert az("keyvault", "certificate", "list", "--vault-name", "kv-az-policies") == []


def test_a_deleted_vault_is_purged_before_its_name_is_free(az: Az) -> None:
    make = ("keyvault", "create", "-n", "kv-az-purged", "-g", "rg-security", "-l", "westeurope")
    assert az(*make)["properties"]["enableRbacAuthorization"] is True
    az("keyvault", "delete", "-n", "kv-az-purged")
    with pytest.raises(AzError, match="deleted state"):
        az(*make)
    assert [each["name"] for each in az("keyvault", "list-deleted")] == ["kv-az-purged"]
    az("keyvault", "purge", "-n", "kv-az-purged")
    assert az(*make)["name"] == "kv-az-purged"


def test_import_of_a_certificate_and_download(az: Az, tmp_path: Path) -> None:
    made = certificate(az, "source-tls")
    assert made["policy"]["secretProperties"]["contentType"] == "application/x-pkcs12"
    file = tmp_path / "source.pfx"
    here = ("--vault-name", VAULT, "-n", "source-tls")
    az("keyvault", "secret", "download", *here, "-f", str(file), "--encoding", "base64")
    imported = az(
        "keyvault", "certificate", "import", "--vault-name", VAULT, "-n", "copy-tls", "-f", str(file)
    )
    assert imported["x509ThumbprintHex"] == made["x509ThumbprintHex"]
