"""The real az and provision on the same certificates, of each origin."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from certificate_material import certificate, key_pem, new_key, pem, pfx, signed

from contract.az import Az
from provision.__main__ import main
from provision.sandbox.home import Home

VAULT = "kv-contoso-dev"
PASSWORD = "of-the-file"
PROFILE = """\
apiVersion: provision/v1
name: contract
azure: {tenant: "${AZURE_TENANT_ID}", subscription: "${AZURE_SUBSCRIPTION_ID}"}
cluster: {name: aks-dev, resourceGroup: rg-aks-dev}
ingress: {option: app-routing}
vaults:
  kv-contoso-dev:
    resourceGroup: rg-security
    issuers:
      digicert: {provider: DigiCert, accountId: "123", password: "env:TEST_ACCOUNT"}
      globalsign: {provider: GlobalSign, accountId: "456", password: "env:TEST_ACCOUNT"}
certificates:
  self-tls:
    vault: kv-contoso-dev
    dnsNames: [self.contoso.com]
    keyType: EC
    curve: P-384
    tags: {team: web}
  ca-tls: {vault: kv-contoso-dev, dnsNames: [ca.contoso.com], issuer: digicert, certificateType: OV-SSL}
  sign-tls:
    vault: kv-contoso-dev
    dnsNames: [a.contoso.com, b.contoso.com]
    issuer: globalsign
    subject: CN=Contoso
    validityMonths: 24
    renewBeforeDays: 45
    renewal: reminder
    keySize: 3072
    reuseKey: true
    exportable: false
    contentType: pem
    keyUsage: [digitalSignature, keyAgreement]
    extendedKeyUsage: [1.3.6.1.5.5.7.3.1]
  csr-tls: {vault: kv-contoso-dev, dnsNames: [csr.contoso.com], issuer: Unknown}
  pfx-tls: {vault: kv-contoso-dev, import: {file: shop.pfx, password: "env:TEST_PFX"}}
  pem-tls: {vault: kv-contoso-dev, contentType: pem, import: {file: shop.pem}}
"""

Provision = Callable[..., tuple[int, Any]]


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The profile, with its file beside it."""
    folder = tmp_path_factory.mktemp("profile")
    key = new_key()
    (folder / "shop.pfx").write_bytes(pfx(key, certificate(key, "pfx.contoso.com"), PASSWORD))
    (folder / "shop.pem").write_bytes(key_pem(key) + pem(certificate(key, "pem.contoso.com")))
    (folder / "certs.yaml").write_text(PROFILE)
    return folder / "certs.yaml"


@pytest.fixture
def provision(home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Provision:
    """Runs provision against the same sandbox: exit code and output."""
    monkeypatch.setenv("PROVISION_SANDBOX_HOME", str(home.path))
    monkeypatch.setenv("TEST_PFX", PASSWORD)
    monkeypatch.setenv("TEST_ACCOUNT", "of-the-account")

    def run(*arguments: str) -> tuple[int, Any]:
        capsys.readouterr()
        code = main([*arguments, "--sandbox"])
        captured = capsys.readouterr()
        return code, captured.out + captured.err

    return run


def show(az: Az, name: str) -> Any:
    return az("keyvault", "certificate", "show", "--vault-name", VAULT, "--name", name)


def test_az_reads_what_provision_made(az: Az, provision: Provision, file: Path) -> None:
    assert provision("apply", str(file), "--yes")[0] == 1  # the request waits for its authority
    own = show(az, "self-tls")
    assert own["tags"]["team"] == "web"
    assert own["policy"]["keyProperties"]["keyType"] == "EC"
    assert own["policy"]["lifetimeActions"] == [
        {
            "action": {"actionType": "AutoRenew"},
            "trigger": {"daysBeforeExpiry": 30, "lifetimePercentage": None},
        }
    ]
    assert show(az, "ca-tls")["policy"]["issuerParameters"]["name"] == "digicert"
    assert show(az, "ca-tls")["policy"]["issuerParameters"]["certificateType"] == "OV-SSL"
    assert show(az, "pfx-tls")["policy"]["secretProperties"]["contentType"] == "application/x-pkcs12"
    assert show(az, "pem-tls")["policy"]["secretProperties"]["contentType"] == "application/x-pem-file"
    full = show(az, "sign-tls")["policy"]
    assert full["issuerParameters"]["name"] == "globalsign"
    key = full["keyProperties"]
    assert (key["keySize"], key["reuseKey"], key["exportable"]) == (3072, True, False)
    assert full["secretProperties"]["contentType"] == "application/x-pem-file"
    assert full["lifetimeActions"][0]["action"]["actionType"] == "EmailContacts"
    x509 = full["x509CertificateProperties"]
    assert x509["subjectAlternativeNames"]["dnsNames"] == ["a.contoso.com", "b.contoso.com"]
    assert (x509["subject"], x509["validityInMonths"]) == ("CN=Contoso", 24)
    assert (x509["keyUsage"], x509["ekus"]) == (["digitalSignature", "keyAgreement"], ["1.3.6.1.5.5.7.3.1"])
    pending = az("keyvault", "certificate", "pending", "show", "--vault-name", VAULT, "--name", "csr-tls")
    assert (pending["status"], pending["issuerParameters"]["name"]) == ("inProgress", "Unknown")


def test_az_sees_the_version_that_provision_renewed(az: Az, provision: Provision, file: Path) -> None:
    provision("apply", str(file), "--yes")
    before = show(az, "self-tls")
    assert provision("certificate", "renew", str(file), "self-tls")[0] == 0
    after = show(az, "self-tls")
    assert after["x509ThumbprintHex"] != before["x509ThumbprintHex"]
    assert (after["policy"]["keyProperties"], after["tags"]) == (
        before["policy"]["keyProperties"],
        before["tags"],
    )
    code, text = provision("plan", str(file), f"--target=certificate/{VAULT}/self-tls")
    assert (code, "No changes" in text) == (0, True), text


def test_az_merges_what_provision_requested(az: Az, provision: Provision, file: Path) -> None:
    provision("apply", str(file), "--yes")
    request, answer = file.parent / "request.csr", file.parent / "answer.pem"
    assert provision("certificate", "csr", str(file), "csr-tls", "-o", str(request))[0] == 0
    answer.write_bytes(signed(request))
    az(
        *("keyvault", "certificate", "pending", "merge", "--vault-name", VAULT, "--name", "csr-tls"),
        *("--file", str(answer)),
    )
    done = provision("plan", str(file))
    assert (done[0], "exists and does not carry our mark" in done[1]) == (0, False)


def test_the_default_policy_of_the_vault_is_80_percent(
    az: Az, provision: Provision, file: Path, tmp_path: Path
) -> None:
    """A policy that az gives without lifetime actions, and the same in a profile."""
    policy = {
        "keyProperties": {"exportable": True, "keyType": "RSA", "keySize": 2048, "reuseKey": False},
        "secretProperties": {"contentType": "application/x-pkcs12"},
        "x509CertificateProperties": {
            "subject": "CN=plain.contoso.com",
            "subjectAlternativeNames": {"dnsNames": ["plain.contoso.com"]},
            "validityInMonths": 12,
        },
        "issuerParameters": {"name": "Self"},
    }
    (tmp_path / "policy.json").write_text(json.dumps(policy))
    written = PROFILE.partition("certificates:")[0] + (
        "certificates:\n"
        "  plain-tls: {vault: kv-contoso-dev, dnsNames: [plain.contoso.com], renewAtPercent: 80}\n"
    )
    plain = tmp_path / "plain.yaml"
    plain.write_text(written.replace("name: contract", "name: plain"))
    az(
        *("keyvault", "certificate", "create", "--vault-name", VAULT, "--name", "plain-tls"),
        *("--policy", f"@{tmp_path / 'policy.json'}"),
    )
    [action] = show(az, "plain-tls")["policy"]["lifetimeActions"]
    assert action["trigger"] == {"daysBeforeExpiry": None, "lifetimePercentage": 80}
    target = f"--target=certificate/{VAULT}/plain-tls"
    code, text = provision("plan", str(plain), target)
    assert (code, "No changes" in text) == (0, True), text
    days = tmp_path / "days.yaml"
    days.write_text(plain.read_text().replace("renewAtPercent: 80", "renewBeforeDays: 30"))
    code, text = provision("plan", str(days), target, "--adopt")
    assert (code, "renewBeforeDays" in text) == (2, True), text


def test_what_az_makes_identically_is_no_change(az: Az, provision: Provision, file: Path) -> None:
    """Our marks aside, which only say whose it is."""
    provision("apply", str(file), "--yes")
    policies = {name: show(az, name)["policy"] for name in ("self-tls", "ca-tls", "sign-tls")}
    for name, policy in policies.items():
        path = file.parent / f"{name}.json"
        if policy["keyProperties"]["keyType"] == "EC":
            policy["keyProperties"]["curve"] = "P-384"  # az 2.91 shows none
        path.write_text(json.dumps(policy))
        az(
            *("keyvault", "certificate", "create", "--vault-name", VAULT, "--name", name),
            *("--policy", f"@{path}", "--tags", "team=web" if name == "self-tls" else ""),
        )
    kept = file.parent / "pem-policy.json"  # az says that it is PEM only in a policy that it is given
    kept.write_text(json.dumps(show(az, "pem-tls")["policy"]))
    for name, option in (("pfx", ("--password", PASSWORD)), ("pem", ("--policy", f"@{kept}"))):
        az(
            *("keyvault", "certificate", "import", "--vault-name", VAULT, "--name", f"{name}-tls"),
            *("--file", str(file.parent / f"shop.{name}"), *option),
        )
    named = (*policies, "pfx-tls", "pem-tls")
    code, text = provision("plan", str(file), *(f"--target=certificate/{VAULT}/{each}" for each in named))
    assert (code, "No changes" in text) == (0, True), text
    assert os.environ["TEST_PFX"] == PASSWORD
