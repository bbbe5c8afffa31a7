"""Who runs it: rights that are missing, credentials that are missing, things that are not there."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from command_line import (
    CLUSTER,
    CLUSTER_KIND,
    PROD,
    ROOT,
    VAULT,
    Applied,
    CommandLine,
    environment,
)

from provision.sandbox.azure import SUBSCRIPTION
from provision.sandbox.gateway import SUBSCRIPTION as SUBSCRIPTION_KIND
from provision.sandbox.seed import CLIENTS


@pytest.fixture
def as_client(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """`as_client("reader")`: the next runs are that seeded service principal's."""
    return lambda name: monkeypatch.setenv("PROVISION_SANDBOX_CLIENT", name)


def test_a_contributor_cannot_assign_roles_and_the_rest_is_done(
    provision: CommandLine, as_client: Callable[[str], None]
) -> None:
    as_client("contributor")
    done = provision("apply", *PROD, "--format", "json")
    assert done.code == 1
    failed = {address for address, status in done.statuses().items() if status == "failed"}
    assert failed == {
        "role_assignment/contoso.com/dns-zone-contributor/id-ingress-prod",
        "role_assignment/kv-contoso-prod/key-vault-secrets-user/id-ingress-prod",
    }
    skipped = {address for address, status in done.statuses().items() if status == "skipped"}
    assert "kubernetes/Gateway/shop/prod" in skipped
    assert "kubernetes/ServiceAccount/shop/prod-ingress" not in skipped
    assert set(done.statuses().values()) == {"created", "updated", "unchanged", "failed", "skipped"}
    for error in done.errors().values():
        why, fix, command = error.splitlines()
        assert ": the caller lacks the right Microsoft.Authorization/roleAssignments/write at /" in why
        assert fix.startswith("Have it given to the identity that runs provision")
        assert f"--assignee-object-id {CLIENTS['contributor'].object_id} " in command
        assert '--role "Role Based Access Control Administrator"' in command

    as_client("owner")
    again = provision("apply", *PROD, "--format", "json")
    assert again.code == 0
    assert {a for a, status in again.statuses().items() if status == "created"} == failed | skipped


@pytest.mark.parametrize(
    ("client", "actions"),
    [
        ("reader", ["Microsoft.KeyVault/vaults/certificates/read"]),
        (
            "nobody",
            [
                "Microsoft.ContainerService/managedClusters/read",
                "Microsoft.KeyVault/vaults/certificates/read",
                "Microsoft.KeyVault/vaults/read",
                "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/read",
                "Microsoft.ManagedIdentity/userAssignedIdentities/read",
                "Microsoft.Network/dnsZones/read",
                "Microsoft.Network/dnsZones/A/read",
                "Microsoft.Resources/subscriptions/resources/read",
                # of the list of all record sets, whichever way it is spelled
                "Microsoft.Network/dnsZones/all/read",
            ],
        ),
    ],
)
def test_what_may_not_be_read_is_never_green(
    client: str,
    actions: list[str],
    provision: CommandLine,
    applied: Applied,
    as_client: Callable[[str], None],
) -> None:
    applied("prod")
    as_client(client)
    drift = provision("drift", *PROD, "--format", "json")
    assert drift.code == 3
    (report,) = drift.json()
    assert (report["inSync"], report["findings"]) == (False, [])
    named = {why.split("lacks the right ")[1].split()[0] for why in _reasons(report["unchecked"])}
    assert named <= set(actions)
    assert named

    plan = provision("plan", *PROD)
    assert plan.code == 3
    apply = provision("apply", *PROD)
    assert (apply.code, apply.writes()) == (1, [])
    for action in named:
        assert apply.out.count(f"lacks the right {action}") >= 1


def _reasons(unchecked: list[dict[str, str]]) -> list[str]:
    return [each["why"].splitlines()[0] for each in unchecked]


def test_a_reason_is_given_once(
    provision: CommandLine, applied: Applied, as_client: Callable[[str], None]
) -> None:
    applied("prod")
    as_client("reader")
    out = provision("apply", *PROD).out
    assert out.count("Error: ") == 1
    assert "lacks the right Microsoft.KeyVault/vaults/certificates/read" in out
    assert "(also stands in the way of certificate/kv-contoso-prod/api-tls)" in out


def test_a_reader_checks_everything_but_the_certificates(
    provision: CommandLine, applied: Applied, as_client: Callable[[str], None]
) -> None:
    applied("prod")
    as_client("reader")
    (report,) = provision("drift", *PROD, "--format", "json").json()
    assert report["checked"] == 27


@pytest.mark.parametrize("command", ["plan", "apply", "drift"])
def test_an_expired_secret_ends_the_run_with_one_error(
    command: str, provision: CommandLine, as_client: Callable[[str], None]
) -> None:
    as_client("expired")
    done = provision(command, *PROD)
    assert done.code == 1
    assert done.out == ""
    assert done.err.count("AADSTS7000222") == 1
    error = done.err.splitlines()
    assert any(line.startswith("Error: signing in to Azure: ") for line in error)
    assert "Traceback" not in done.err
    assert [call for call in done.calls if "/providers/" in call.path] == []


def test_a_client_that_the_sandbox_does_not_have(
    provision: CommandLine, as_client: Callable[[str], None]
) -> None:
    as_client("somebody")
    done = provision("plan", *PROD)
    assert done.code == 1
    assert "no client somebody in the sandbox" in done.err
    assert "It has: owner, contributor, reader, nobody, expired" in done.err


@pytest.mark.parametrize("command", ["plan", "apply", "drift"])
def test_without_credentials_there_is_one_error(command: str, tmp_path: Path) -> None:
    """In a process of its own: nothing of the machine's reaches it, and it reaches nothing."""
    done = subprocess.run(
        [sys.executable, "-m", "provision", command, "profiles/prod.yaml"],
        env=environment(
            tmp_path,
            AZURE_TENANT_ID=SUBSCRIPTION,
            AZURE_SUBSCRIPTION_ID=SUBSCRIPTION,
            AZURE_TOKEN_CREDENTIALS="EnvironmentCredential",
        ),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    first, *rest = done.stderr.splitlines()
    assert first.startswith("Error: signing in to Azure: ")
    assert rest[-1] == "    az login"
    assert "AZURE_CLIENT_SECRET" in rest[-2]
    assert len(rest) <= 3


def elsewhere(tmp_path: Path, text: str) -> tuple[str, str]:
    """A profile that is prod's but for `text`."""
    file = tmp_path / "elsewhere.yaml"
    file.write_text(f"extends: {ROOT}/profiles/prod.yaml\n{text}\n")
    return str(file), "--sandbox"


def test_a_subscription_that_is_not_there(provision: CommandLine, tmp_path: Path) -> None:
    zone = "{resourceGroup: rg-dns, subscription: 00000000-0000-4000-8000-0000000000ff}"
    profile = elsewhere(tmp_path, f"dns: {{zones: {{contoso.com: {zone}}}}}")
    assert provision("plan", *profile).code == 2  # the sandbox makes it once, as it makes what profiles name
    with provision.azure() as azure:
        azure.store.delete(SUBSCRIPTION_KIND, "/subscriptions/00000000-0000-4000-8000-0000000000ff")
    done = provision("apply", *profile)
    assert (done.code, done.writes()) == (1, [])
    assert "SubscriptionNotFound: The subscription '00000000-0000-4000-8000-0000000000ff'" in done.out
    assert "Check azure.subscription in the profile" in done.out
    assert provision("drift", *profile).code == 3


def test_a_group_that_is_not_there(provision: CommandLine, applied: Applied) -> None:
    applied("prod")
    with provision.azure() as azure:
        group = "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/rg-dns"
        for kind, id_ in azure.store.ids(group):
            azure.store.delete(kind, id_)
    done = provision("apply", *PROD)
    assert (done.code, done.writes()) == (1, [])
    assert "ResourceGroupNotFound: Resource group 'rg-dns' could not be found." in done.out
    assert "Check the resource group's name in the profile." in done.out


@pytest.mark.parametrize(
    ("kind", "id_", "error"),
    [
        (CLUSTER_KIND, CLUSTER, "planning managed_cluster/aks-prod: this managed cluster does not exist ("),
        (
            "Microsoft.KeyVault/vaults",
            VAULT,
            "planning key_vault/kv-contoso-prod: this key vault does not exist (",
        ),
    ],
)
def test_what_must_exist_and_does_not(
    kind: str, id_: str, error: str, provision: CommandLine, applied: Applied
) -> None:
    applied("prod")
    with provision.azure() as azure:
        azure.store.delete(kind, id_)
        azure.store.delete("keyvault.name", id_.rsplit("/", 1)[1])
    done = provision("apply", *PROD)
    assert (done.code, done.writes()) == (1, [])
    assert f"Error: {error}" in done.out
    assert "Check name, resource group and subscription in the profile." in done.out
    drift = provision("drift", *PROD, "--format", "json")
    assert drift.code == 2
    missing = [each for each in drift.json()[0]["findings"] if each["kind"] == "missing"]
    assert error.split()[1].rstrip(":") in [each["resource"] for each in missing]
