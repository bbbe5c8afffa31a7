"""Vaults that provision makes, vaults behind firewalls, issuers and contacts, through the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from command_line import CommandLine, Ran

from provision.sandbox.azure import SUBSCRIPTION, Azure, Json

VAULT_KIND = "Microsoft.KeyVault/vaults"
GROUPS = f"/subscriptions/{SUBSCRIPTION}/resourceGroups"
MADE = f"{GROUPS}/rg-made/providers/{VAULT_KIND}/kv-made"
SECURITY = f"{GROUPS}/rg-security/providers/{VAULT_KIND}/kv-contoso-dev"

ISSUER = "certificate_issuer/kv-made/digicert"
CONTACTS = "certificate_contacts/kv-made"
CERTIFICATE = "certificate/kv-made/shop-tls"
VAULT = "key_vault/kv-made"

CANARY = "canary-of-an-issuer-2f9c"

Write = Callable[..., str]
"""Writes a profile with these settings of its vault; its path."""


@pytest.fixture
def profile(tmp_path: Path) -> Write:
    def write(vault: str = "kv-made", name: str = "made", hosts: bool = True, **settings: Any) -> str:
        body = {
            "apiVersion": "provision/v1",
            "name": name,
            "azure": {"subscription": SUBSCRIPTION},
            "cluster": {"name": "aks-dev", "resourceGroup": "rg-aks-dev"},
            "ingress": {"option": "app-routing"},
            "vaults": {vault: {"resourceGroup": "rg-made", "create": True, **settings}},
            "certificates": {"shop-tls": {"vault": vault, "dnsNames": ["shop.contoso.com"]}},
        }
        if hosts:
            body["dns"] = {"zones": {"contoso.com": {"resourceGroup": "rg-dns"}}}
            service = {"name": "shop", "port": 80}
            body["hosts"] = {
                "shop.contoso.com": {"certificate": "shop-tls", "namespace": "shop", "service": service}
            }
        file = tmp_path / f"{name}.yaml"
        file.write_text(json.dumps(body))  # JSON is YAML
        return str(file)

    return write


def issuer(**settings: Any) -> Json:
    return {
        "digicert": {
            "provider": "DigiCert",
            "accountId": "123456",
            "password": "env:DIGICERT_KEY",
            "organizationId": "654321",
            **settings,
        }
    }


def plain_vault(profile: Write, **settings: Any) -> str:
    """A profile with nothing but a vault of others and a certificate in it."""
    return profile("kv-contoso-dev", hosts=False, resourceGroup="rg-security", create=False, **settings)


def change(provision: CommandLine, kind: str, id_: str, edit: Callable[[Json], object]) -> None:
    with provision.azure() as azure:
        document = azure.store.get(kind, id_)
        assert document is not None
        edit(document)
        azure.store.put(kind, id_, document)


def statuses(ran: Ran) -> dict[str, str]:
    return {address: status for address, status in ran.statuses().items() if status != "unchanged"}


def test_a_vault_is_made_with_everything_that_protects_it(provision: CommandLine, profile: Write) -> None:
    file = profile(softDeleteDays=30, sku="premium")
    planned = provision("plan", file, "--sandbox")
    assert planned.code == 2
    assert planned.below("/certificates") == []  # its name does not resolve yet
    done = provision("apply", file, "--sandbox", "--yes", "--format", "json")
    assert done.code == 0, done.out
    assert done.statuses()[VAULT] == "created"

    vault = provision.document(VAULT_KIND, MADE)
    properties = vault["properties"]
    assert vault["location"] == "westeurope"  # the cluster's
    assert vault["tags"]["provision-profile"] == "made"
    assert properties["sku"]["name"] == "premium"
    assert properties["enableRbacAuthorization"] is True
    assert properties["enablePurgeProtection"] is True
    assert properties["enableSoftDelete"] is True
    assert properties["softDeleteRetentionInDays"] == 30
    assert provision("plan", file, "--sandbox").code == 0
    assert provision("drift", file, "--sandbox").code == 0
    verified = provision("verify", file, "--sandbox")
    assert verified.code == 0, verified.out


def test_a_destroyed_vault_of_ours_is_recovered(provision: CommandLine, profile: Write) -> None:
    file = profile(issuers={}, contacts=[{"email": "certs@contoso.com"}])
    assert provision("apply", file, "--sandbox", "--yes").code == 0
    destroyed = provision("destroy", file, "--sandbox", "--yes", "--format", "json")
    assert destroyed.code == 0, destroyed.out
    with provision.azure() as azure:
        assert azure.store.get(VAULT_KIND, MADE) is None

    again = provision("apply", file, "--sandbox", "--yes")
    assert again.code == 0, again.out
    assert "a deleted vault of ours holds the name, recovering it" in again.out
    assert provision("plan", file, "--sandbox").code == 0


def test_days_that_a_recovered_vault_can_t_have_any_more(provision: CommandLine, profile: Write) -> None:
    assert provision("apply", profile(), "--sandbox", "--yes").code == 0
    assert provision("destroy", profile(), "--sandbox", "--yes").code == 0
    done = provision("apply", profile(softDeleteDays=30), "--sandbox", "--yes", "--format", "json")
    assert done.code == 1
    assert "the recovered vault has another softDeleteDays" in done.errors()[VAULT]


@pytest.mark.parametrize("owner", [{}, {"provision-profile": "another"}])
def test_a_deleted_vault_of_others_is_named_and_left(
    provision: CommandLine, profile: Write, owner: dict[str, str]
) -> None:
    file = profile()
    assert provision("apply", file, "--sandbox", "--yes").code == 0
    change(provision, VAULT_KIND, MADE, lambda vault: vault.update(tags=owner))
    with provision.azure() as azure:
        _delete_vault(azure, MADE)
    done = provision("apply", file, "--sandbox", "--yes", "--format", "json")
    assert done.code == 1
    error = done.errors()[VAULT]
    assert f"a deleted vault that is not ours holds the name: {MADE}, in westeurope" in error
    assert f"az keyvault recover --name kv-made --location westeurope --subscription {SUBSCRIPTION}" in error
    assert done.statuses()[CERTIFICATE] == "skipped"
    with provision.azure() as azure:
        assert azure.store.get(VAULT_KIND, MADE) is None


def _delete_vault(azure: Azure, id_: str) -> None:
    from provision.sandbox import vaults

    document = azure.store.get(VAULT_KIND, id_)
    assert document is not None
    vaults.soft_delete(azure, document)


def test_a_name_that_somebody_else_has(provision: CommandLine, profile: Write) -> None:
    done = provision(
        "apply", profile("kv-contoso-prod", hosts=False), "--sandbox", "--yes", "--format", "json"
    )
    assert done.code == 1
    error = done.errors()["key_vault/kv-contoso-prod"]
    assert "the name kv-contoso-prod is taken by a vault elsewhere" in error
    assert "az keyvault list-deleted" in error


def test_a_vault_that_holds_something_of_others_stays(provision: CommandLine, profile: Write) -> None:
    file = profile()
    assert provision("apply", file, "--sandbox", "--yes").code == 0
    with provision.azure() as azure:
        # as if somebody had taken our tag off a certificate and kept it
        (version,) = azure.store.list("keyvault.version", f"{MADE}/certificates/shop-tls/")
        id_ = f"{MADE}/certificates/shop-tls/{version['version']}"
        azure.store.put("keyvault.version", id_, {**version, "tags": {}})
    done = provision("destroy", file, "--sandbox", "--yes", "--format", "json")
    assert done.code == 1
    assert "it stays: it holds what is not ours (certificate shop-tls)" in done.errors()[VAULT]
    assert provision.document(VAULT_KIND, MADE)["name"] == "kv-made"


def test_a_vault_that_the_profile_drops_is_left_over(provision: CommandLine, profile: Write) -> None:
    assert provision("apply", profile(hosts=False), "--sandbox", "--yes").code == 0
    other = profile("kv-second", hosts=False)
    drift = provision("drift", other, "--sandbox", "--format", "json")
    (report,) = drift.json()
    assert {"left over"} == {each["kind"] for each in report["findings"] if each["resource"] == VAULT}
    done = provision("apply", other, "--sandbox", "--yes", "--format", "json")
    assert done.code == 0, done.out
    assert done.statuses()[VAULT] == "deleted"


@pytest.mark.parametrize(
    ("edit", "field", "severity"),
    [
        (lambda vault: vault["properties"].update(enableRbacAuthorization=False), "authorization", "error"),
        (lambda vault: vault["properties"].pop("enablePurgeProtection"), "purgeProtection", "error"),
        (lambda vault: vault["properties"]["sku"].update(name="premium"), "sku", "warning"),
        (
            lambda vault: vault["properties"].update(publicNetworkAccess="SecuredByPerimeter"),
            "publicNetworkAccess",
            "error",
        ),
    ],
)
def test_what_is_declared_of_a_vault_drifts_and_is_repaired(
    provision: CommandLine, profile: Write, edit: Callable[[Json], object], field: str, severity: str
) -> None:
    file = profile(hosts=False, publicNetworkAccess="enabled")
    assert provision("apply", file, "--sandbox", "--yes").code == 0
    change(provision, VAULT_KIND, MADE, edit)
    (report,) = provision("drift", file, "--sandbox", "--format", "json").json()
    (finding,) = [each for each in report["findings"] if each["resource"] == VAULT]
    assert (finding["field"], finding["severity"]) == (field, severity)
    # Without its roles nobody can look into the vault, so that only the vault itself can be planned.
    alone = ("--target", VAULT) if field == "authorization" else ()
    done = provision("apply", file, "--sandbox", "--yes", *alone, "--format", "json")
    assert done.code == 0, done.out
    assert done.statuses()[VAULT] == "updated"
    assert provision("drift", file, "--sandbox").code == 0


def test_days_can_t_be_changed(provision: CommandLine, profile: Write) -> None:
    assert provision("apply", profile(hosts=False), "--sandbox", "--yes").code == 0
    plan = provision("plan", profile(hosts=False, softDeleteDays=30), "--sandbox")
    assert plan.code == 1
    assert f"planning {VAULT}: softDeleteDays can't be changed" in plan.out


def test_a_vault_that_exists_is_taken_over_only_when_told(provision: CommandLine, profile: Write) -> None:
    provision("plan", plain_vault(profile), "--sandbox")  # seeds the vault
    file = profile("kv-contoso-dev", hosts=False, resourceGroup="rg-security")
    change(provision, VAULT_KIND, SECURITY, lambda vault: vault.update(tags={"team": "security"}))
    plan = provision("plan", file, "--sandbox")
    assert plan.code == 1
    assert "exists and does not carry our mark" in plan.out
    done = provision("apply", file, "--sandbox", "--yes", "--adopt")
    assert done.code == 0, done.out
    assert set(provision.document(VAULT_KIND, SECURITY)["tags"]) == {
        "team", "provision-profile", "provision-digest",
    }  # fmt: skip


_DENY = {"bypass": "AzureServices", "defaultAction": "Deny", "ipRules": [], "virtualNetworkRules": []}
FIREWALLS = {
    "firewall": (
        lambda vault: vault["properties"].update(networkAcls=_DENY),
        "az keyvault network-rule add --name kv-contoso-dev --ip-address 127.0.0.1",
    ),
    "no public network": (
        lambda vault: vault["properties"].update(publicNetworkAccess="Disabled"),
        "Run provision in a network with a private endpoint to the vault",
    ),
}


@pytest.mark.parametrize("case", FIREWALLS)
def test_behind_a_firewall_nothing_is_checked_and_nothing_is_green(
    provision: CommandLine, profile: Write, case: str
) -> None:
    edit, advice = FIREWALLS[case]
    settings = {"contacts": [{"email": "certs@contoso.com"}]}
    file = profile("kv-contoso-dev", resourceGroup="rg-security", create=False, **settings)
    assert provision("apply", file, "--sandbox", "--yes").code == 0
    change(provision, VAULT_KIND, SECURITY, edit)

    plan = provision("plan", file, "--sandbox")
    assert plan.code == 3
    assert advice in plan.out
    assert "Error" not in plan.out
    drift = provision("drift", file, "--sandbox", "--format", "json")
    assert drift.code == 3
    (report,) = drift.json()
    assert report["findings"] == []
    assert {each["resource"] for each in report["unchecked"]} == {
        "certificate/kv-contoso-dev/shop-tls",
        "certificate_contacts/kv-contoso-dev",
        "made",
    }
    assert all(advice in each["why"] for each in report["unchecked"])
    verify = provision("verify", file, "--sandbox")
    assert verify.code == 3
    assert advice in verify.out
    apply = provision("apply", file, "--sandbox", "--yes")
    assert apply.code == 1
    assert apply.writes() == []


def test_who_may_not_write_into_the_new_vault_learns_the_command(
    provision: CommandLine, profile: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = profile(hosts=False)
    provision("plan", file, "--sandbox")  # seeds
    with provision.azure() as azure:
        for assignment in azure.store.list("Microsoft.Authorization/roleAssignments"):
            properties = assignment["properties"]
            certificates_officer = "a4417e6f-fecd-4de8-b567-7b0420556985"
            if properties["roleDefinitionId"].endswith(certificates_officer):
                azure.store.delete("Microsoft.Authorization/roleAssignments", assignment["id"])
    monkeypatch.setenv("PROVISION_SANDBOX_CLIENT", "contributor")
    done = provision("apply", file, "--sandbox", "--yes", "--target", CERTIFICATE, "--format", "json")
    assert done.code == 1
    assert done.statuses()[VAULT] == "created"
    error = done.errors()[CERTIFICATE]
    assert '--role "Key Vault Certificates Officer"' in error
    assert f"--scope {MADE}".casefold() in error.casefold()


@pytest.fixture
def password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGICERT_KEY", CANARY)


@pytest.mark.usefixtures("password")
def test_issuers_and_contacts_are_made_kept_and_taken_away(provision: CommandLine, profile: Write) -> None:
    people = [{"email": "ca@contoso.com", "firstName": "Ca", "lastName": "Admin", "phone": "+49"}]
    contacts = [{"email": "certs@contoso.com", "name": "Certs"}, {"email": "a@contoso.com"}]
    file = profile(issuers=issuer(administrators=people), contacts=contacts, hosts=False)
    done = provision("apply", file, "--sandbox", "--yes", "--format", "json")
    assert done.code == 0, done.out
    assert (done.statuses()[ISSUER], done.statuses()[CONTACTS]) == ("created", "created")
    made = provision.document("keyvault.issuer", f"{MADE}/issuers/digicert")
    assert made["provider"] == "DigiCert"
    assert made["credentials"] == {"account_id": "123456"}
    assert made["org_details"]["id"] == "654321"
    assert made["org_details"]["admin_details"] == [
        {"first_name": "Ca", "last_name": "Admin", "email": "ca@contoso.com", "phone": "+49"}
    ]
    assert provision("plan", file, "--sandbox").code == 0

    edited = profile(issuers=issuer(accountId="777"), contacts=contacts[:1], hosts=False)
    again = provision("apply", edited, "--sandbox", "--yes", "--format", "json")
    assert statuses(again) == {ISSUER: "updated", CONTACTS: "updated"}
    kept = provision.document("keyvault.issuer", f"{MADE}/issuers/digicert")
    assert kept["credentials"] == {"account_id": "777"}
    assert kept["org_details"]["admin_details"] == made["org_details"]["admin_details"]

    assert provision("destroy", edited, "--sandbox", "--yes").code == 0
    with provision.azure() as azure:
        assert azure.store.list("keyvault.issuer") == []
        assert azure.store.list("keyvault.contacts") == []


@pytest.mark.usefixtures("password")
def test_an_issuer_drifts(provision: CommandLine, profile: Write) -> None:
    file = profile(issuers=issuer(), contacts=[{"email": "a@contoso.com"}], hosts=False)
    assert provision("apply", file, "--sandbox", "--yes").code == 0
    change(
        provision,
        "keyvault.issuer",
        f"{MADE}/issuers/digicert",
        lambda made: made["attributes"].update(enabled=False),
    )
    change(
        provision,
        "keyvault.contacts",
        f"{MADE}/contacts",
        lambda made: made["contacts"].append({"email": "new@contoso.com"}),
    )
    (report,) = provision("drift", file, "--sandbox", "--format", "json").json()
    found = {each["resource"]: (each["field"], each["severity"]) for each in report["findings"]}
    assert found == {ISSUER: ("enabled", "error"), CONTACTS: ("contacts", "info")}
    assert provision("apply", file, "--sandbox", "--yes").code == 0
    assert provision("drift", file, "--sandbox").code == 0


@pytest.mark.usefixtures("password")
def test_in_a_vault_of_others_what_differs_is_left_unless_told(
    provision: CommandLine, profile: Write
) -> None:
    file = plain_vault(profile, issuers=issuer(), contacts=[{"email": "a@contoso.com", "name": "A"}])
    provision("plan", file, "--sandbox")  # seeds the vault
    theirs = {
        "name": "digicert",
        "provider": "GlobalSign",
        "credentials": {"account_id": "9"},
        "attributes": {"enabled": True, "created": 1, "updated": 1},
    }
    with provision.azure() as azure:
        azure.store.put("keyvault.issuer", f"{SECURITY}/issuers/digicert", theirs)
        azure.store.put("keyvault.contacts", f"{SECURITY}/contacts", {"contacts": [{"email": "b@b.example"}]})
    plan = provision("plan", file, "--sandbox")
    assert plan.code == 1
    assert plan.out.count("exists and does not carry our mark") >= 2
    destroyed = provision("destroy", file, "--sandbox", "--yes", "--format", "json")
    assert destroyed.code == 0, destroyed.out
    with provision.azure() as azure:
        assert azure.store.get("keyvault.issuer", f"{SECURITY}/issuers/digicert") == theirs

    done = provision("apply", file, "--sandbox", "--yes", "--adopt", "--format", "json")
    assert done.code == 0, done.out
    assert done.statuses()["certificate_issuer/kv-contoso-dev/digicert"] == "updated"
    contacts = provision.document("keyvault.contacts", f"{SECURITY}/contacts")["contacts"]
    assert contacts == [{"email": "a@contoso.com", "name": "A"}]


@pytest.mark.usefixtures("password")
def test_an_issuer_that_others_use_stays(provision: CommandLine, profile: Write) -> None:
    file = profile(issuers=issuer(), hosts=False)
    assert provision("apply", file, "--sandbox", "--yes").code == 0

    def through_it(document: Json) -> None:
        document["policy"]["issuer"]["name"] = "DigiCert"  # Azure ignores case

    change(provision, "keyvault.certificate", f"{MADE}/certificates/shop-tls", through_it)
    with provision.azure() as azure:
        (version,) = azure.store.list("keyvault.version", f"{MADE}/certificates/shop-tls/")
        id_ = f"{MADE}/certificates/shop-tls/{version['version']}"
        azure.store.put("keyvault.version", id_, {**version, "tags": {}})
    done = provision("destroy", file, "--sandbox", "--yes", "--format", "json")
    assert done.code == 1
    assert "certificates that are not ours are renewed through it (shop-tls)" in done.errors()[ISSUER]


def test_without_its_password_an_issuer_fails_alone(provision: CommandLine, profile: Write) -> None:
    file = profile(issuers=issuer(), hosts=False)
    done = provision("apply", file, "--sandbox", "--yes", "--format", "json")
    assert done.code == 1
    assert done.errors() == {
        ISSUER: f"creating {ISSUER}: the variable DIGICERT_KEY is not set\nSet DIGICERT_KEY to the secret."
    }


@pytest.mark.parametrize("reference", ["env:DIGICERT_KEY", "file:{folder}/key"])
def test_the_password_appears_nowhere(
    provision: CommandLine, profile: Write, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, reference: str
) -> None:
    monkeypatch.setenv("DIGICERT_KEY", CANARY)
    (tmp_path / "key").write_text(f"{CANARY}\n")
    place = reference.format(folder=tmp_path)
    file = profile(issuers=issuer(password=place), hosts=False)
    saved = str(tmp_path / "plan.json")
    told = [
        provision(*arguments, file, "--sandbox")
        for arguments in (
            ("plan", "-o", saved),
            ("apply", "--yes", "--debug"),
            ("apply", "--format", "json"),
            ("drift", "--format", "json"),
        )
    ]
    sent = [call.body for call in told[1].calls if call.path.endswith("/certificates/issuers/digicert")]
    assert any(CANARY in json.dumps(body) for body in sent)  # it did go where it must
    change(provision, VAULT_KIND, MADE, lambda vault: vault["properties"].update(networkAcls=_DENY))
    told.append(provision("apply", file, "--sandbox", "--yes", "--debug"))
    assert not any(CANARY in ran.out + ran.err for ran in told)
    written = [path for path in (*provision.home.rglob("*"), Path(saved)) if path.is_file()]
    assert not [path for path in written if CANARY.encode() in path.read_bytes()]


@pytest.mark.parametrize("written", [CANARY, 123456789])
def test_a_password_in_the_profile_is_refused_and_not_repeated(
    provision: CommandLine, profile: Write, written: object
) -> None:
    file = profile(issuers=issuer(password=written))
    done = provision("validate", file)
    assert done.code == 1
    assert "password is no reference to a secret" in done.out + done.err
    assert str(written) not in done.out + done.err
