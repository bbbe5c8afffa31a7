"""Certificates of every origin, from the profile to the wire, and what people do wrong with them."""

from __future__ import annotations

import re
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from certificate_material import certificate, key_pem, new_key, pem, pfx, signed, thumbprint, write
from command_line import VAULT, CommandLine, Ran

from provision.errors import ProvisionError
from provision.providers.azure import certificate_requests
from provision.sandbox import certificate_operations, certificate_store, faults, server
from provision.sandbox.azure import Answer, Azure
from provision.sandbox.certificate_store import CERTIFICATE, VERSION
from provision.sandbox.gateway import Gateway
from provision.sandbox.http import Request

PASSWORD = "canary-of-the-password"
SECOND = "canary-of-a-file"
ACCOUNT = "canary-of-the-account"
HEAD = """\
apiVersion: provision/v1
name: certs
azure: {tenant: "${AZURE_TENANT_ID}", subscription: "${AZURE_SUBSCRIPTION_ID}"}
cluster: {name: aks-dev, resourceGroup: rg-aks-dev}
ingress: {option: app-routing}
vaults:
  kv-contoso-dev:
    resourceGroup: rg-security
    issuers:
      digicert: {provider: DigiCert, accountId: "123", password: "env:TEST_ACCOUNT"}
      globalsign: {provider: GlobalSign, accountId: "456", password: "env:TEST_ACCOUNT"}
"""
HOST = """\
hosts:
  shop.contoso.com: {namespace: web, service: {name: web, port: 80}, certificate: shop-tls}
"""
DEV_VAULT = VAULT.replace("kv-contoso-prod", "kv-contoso-dev")
KEPT = {"shop-tls": "certificate/kv-contoso-dev/shop-tls"}


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_PFX", PASSWORD)
    monkeypatch.setenv("TEST_ACCOUNT", ACCOUNT)


def profile(folder: Path, shop: str, *, host: bool = True) -> tuple[str, str]:
    """Arguments for a profile with one certificate, and a host that uses it."""
    path = folder / "certs.yaml"
    path.write_text(
        f"{HEAD}certificates:\n  shop-tls: {{vault: kv-contoso-dev, {shop}}}\n{HOST if host else ''}"
    )
    return str(path), "--sandbox"


def shop(ran: Ran) -> str:
    return ran.statuses()[KEPT["shop-tls"]]


BY_POLICY = {
    "self-signed": "dnsNames: [shop.contoso.com], tags: {team: web}, keyUsage: [digitalSignature]",
    "of an authority": "dnsNames: [shop.contoso.com], issuer: digicert, certificateType: OV-SSL, keyType: EC",
    "of another authority": "dnsNames: [shop.contoso.com], issuer: globalsign, keyType: EC",
    "reminding": "dnsNames: ['*.contoso.com'], renewal: reminder, reuseKey: true, subject: CN=Contoso",
}


@pytest.mark.parametrize("kind", BY_POLICY)
def test_made_by_policy(kind: str, provision: CommandLine, tmp_path: Path) -> None:
    arguments = profile(tmp_path, BY_POLICY[kind], host=False)
    done = provision("apply", *arguments, "--format", "json")
    assert (done.code, shop(done)) == (0, "created")
    again = provision("apply", *arguments, "--format", "json")
    assert (again.code, shop(again), again.writes()) == (0, "unchanged", [])
    assert provision("destroy", *arguments, "--yes").code == 0


EVERY_SETTING = (
    "dnsNames: [a.contoso.com, b.contoso.com], issuer: digicert, certificateType: EV-SSL,"
    " subject: 'CN=a.contoso.com, O=Contoso', validityMonths: 24, renewBeforeDays: 45, renewal: reminder,"
    " keyType: EC, curve: P-521, reuseKey: true, exportable: false, contentType: pem,"
    " keyUsage: [digitalSignature, keyAgreement], extendedKeyUsage: [1.3.6.1.5.5.7.3.1],"
    " enabled: false, tags: {team: web}"
)


def test_every_setting_of_a_policy_reaches_the_vault(provision: CommandLine, tmp_path: Path) -> None:
    arguments = profile(tmp_path, EVERY_SETTING, host=False)
    assert provision("apply", *arguments).code == 0
    with provision.azure() as azure:
        [made] = azure.store.list(CERTIFICATE)
        [version] = azure.store.list(VERSION)
    policy = made["policy"]
    assert policy["key_props"] == {
        "kty": "EC", "crv": "P-521", "key_size": 521, "reuse_key": True, "exportable": False,
    }  # fmt: skip
    assert policy["secret_props"] == {"contentType": "application/x-pem-file"}
    assert policy["issuer"] == {"name": "digicert", "cty": "EV-SSL"}
    assert policy["lifetime_actions"] == [
        {"trigger": {"days_before_expiry": 45}, "action": {"action_type": "EmailContacts"}}
    ]
    x509 = policy["x509_props"]
    assert (x509["subject"], x509["validity_months"]) == ("CN=a.contoso.com, O=Contoso", 24)
    assert x509["sans"]["dns_names"] == ["a.contoso.com", "b.contoso.com"]
    assert (x509["key_usage"], x509["ekus"]) == (["digitalSignature", "keyAgreement"], ["1.3.6.1.5.5.7.3.1"])
    assert (version["enabled"], version["tags"]["team"]) == (False, "web")
    again = provision("apply", *arguments, "--format", "json")
    assert (shop(again), again.writes()) == ("unchanged", [])


def test_renewal_by_percentage_of_the_lifetime(provision: CommandLine, tmp_path: Path) -> None:
    """The way from days to a percentage, from renewal to mail, and back: none makes a new version."""
    for written, trigger, action in (
        ("renewBeforeDays: 40", {"days_before_expiry": 40}, "AutoRenew"),
        ("renewAtPercent: 80", {"lifetime_percentage": 80}, "AutoRenew"),
        ("renewAtPercent: 60, renewal: reminder", {"lifetime_percentage": 60}, "EmailContacts"),
        ("renewBeforeDays: 40", {"days_before_expiry": 40}, "AutoRenew"),
    ):
        arguments = profile(tmp_path, f"dnsNames: [a.contoso.com], {written}", host=False)
        assert provision("apply", *arguments).code == 0
        with provision.azure() as azure:
            [made] = azure.store.list(CERTIFICATE)
            assert len(azure.store.list(VERSION)) == 1
        assert made["policy"]["lifetime_actions"] == [{"trigger": trigger, "action": {"action_type": action}}]
        assert provision("drift", *arguments).code == 0


MANY = [f"c{number}" for number in range(45)]


def apply_many(provision: CommandLine, folder: Path) -> Counter[int]:
    """Has a vault make more keys than it does in ten seconds; how often it gave each status."""
    written = "".join(
        f"  {name}: {{vault: kv-contoso-dev, keyType: EC, dnsNames: [{name}.contoso.com]}}\n" for name in MANY
    )
    file = folder / "many.yaml"
    file.write_text(f"{HEAD}certificates:\n{written}")
    addresses = [f"certificate/kv-contoso-dev/{name}" for name in MANY]
    targets = [f"--target={address}" for address in addresses]
    done = provision("apply", str(file), "--sandbox", "--format", "json", *targets)
    assert done.code == 0, done.out
    statuses = done.statuses()
    assert {statuses[address] for address in addresses} == {"created"}
    return Counter(call.status for call in done.calls if call.path.endswith("/create"))


def test_many_certificates_of_one_vault(
    provision: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No more at a time than it takes, at a speed at which it would refuse the rest."""
    monkeypatch.setattr(server, "Sandbox", partial(server.Sandbox, speed=50.0))
    assert apply_many(provision, tmp_path) == {202: len(MANY)}


def test_somebody_else_has_the_vault_make_keys_as_well(provision: CommandLine, tmp_path: Path) -> None:
    """What it refuses then, without a word about when to come back, it is asked for again."""
    profile(tmp_path, "dnsNames: [shop.contoso.com]", host=False)
    assert provision("plan", str(tmp_path / "certs.yaml"), "--sandbox").code == 2  # seeds the vault
    throttled = {"error": {"code": "Throttled", "message": "Reason: VaultRequestTypeLimitReached"}}
    with provision.azure() as azure:
        faults.inject(azure, method="POST", path=".*/create", status=429, body=throttled, count=25)
    assert apply_many(provision, tmp_path) == {429: 25, 202: len(MANY)}


def test_imports_that_a_vault_refuses_for_now(provision: CommandLine, tmp_path: Path) -> None:
    """It says nothing of when to come back either; no certificate can have more refusals than it is tried."""
    key = new_key()
    names = [f"c{number}" for number in range(12)]
    for name in names:
        (tmp_path / f"{name}.pem").write_bytes(key_pem(key) + pem(certificate(key, f"{name}.contoso.com")))
    written = "".join(
        f"  {name}: {{vault: kv-contoso-dev, import: {{file: {name}.pem}}}}\n" for name in names
    )
    file = tmp_path / "many.yaml"
    file.write_text(f"{HEAD}certificates:\n{written}")
    assert provision("plan", str(file), "--sandbox").code == 2  # seeds the vault
    with provision.azure() as azure:
        faults.inject(azure, method="POST", path=".*/import", status=429, count=5)
    targets = [f"--target=certificate/kv-contoso-dev/{name}" for name in names]
    done = provision("apply", str(file), "--sandbox", *targets)
    assert done.code == 0, done.out
    asked = Counter(call.status for call in done.calls if call.path.endswith("/import"))
    assert asked == {429: 5, 200: len(names)}


def test_signed_outside_of_the_vault(provision: CommandLine, tmp_path: Path) -> None:
    """The rest goes on, the certificate waits for its authority and its host for it."""
    arguments = profile(tmp_path, "dnsNames: [shop.contoso.com], issuer: Unknown")
    waiting = provision("apply", *arguments, "--format", "json")
    statuses = waiting.statuses()
    assert (waiting.code, statuses[KEPT["shop-tls"]]) == (1, "failed")
    assert statuses["managed_cluster/aks-dev"] == "updated"
    assert statuses["kubernetes/Gateway/web/certs"] == "skipped"
    assert "provision certificate csr PROFILE shop-tls" in waiting.errors()[KEPT["shop-tls"]]
    planned = provision("plan", *arguments)
    assert (planned.code, "a request to Unknown is under way" in planned.out) == (2, True)
    drift = provision("drift", *arguments)
    assert f"{KEPT['shop-tls']}: missing (a request to Unknown is under way)" in drift.out

    request = tmp_path / "request.csr"
    asked = ("certificate", "csr", arguments[0], "shop-tls", "--sandbox")
    assert provision(*asked, "-o", str(request)).code == 0
    assert provision(*asked).out == request.read_text()
    key = new_key()
    (wrong, right) = write(tmp_path, wrong_pem=pem(certificate(key, "x.net")), right_pem=signed(request))
    refused = provision("certificate", "merge", arguments[0], "shop-tls", str(wrong), "--sandbox")
    assert refused.code == 1
    assert "none of its certificates is for the key of the request" in refused.err
    assert provision("certificate", "merge", arguments[0], "shop-tls", str(right), "--sandbox").code == 0

    done = provision("apply", *arguments, "--format", "json")
    assert (done.code, shop(done)) == (0, "unchanged")
    assert provision("drift", *arguments).code == 0
    nothing = provision("certificate", "merge", arguments[0], "shop-tls", str(right), "--sandbox")
    assert "no request is under way" in nothing.err


def test_a_request_is_given_up(provision: CommandLine, tmp_path: Path) -> None:
    arguments = profile(tmp_path, "dnsNames: [shop.contoso.com], issuer: Unknown", host=False)
    assert provision("apply", *arguments).code == 1
    other = profile(tmp_path, "dnsNames: [shop.contoso.com], issuer: digicert", host=False)
    held = provision("apply", *other, "--format", "json")
    assert "a request to Unknown is under way for it" in held.errors()[KEPT["shop-tls"]]
    cancel = ("certificate", "cancel", other[0], "shop-tls", "--sandbox")
    assert "the request to Unknown is given up" in provision(*cancel).out
    assert "no request is under way\n" in provision(*cancel).out
    assert shop(provision("apply", *other, "--format", "json")) == "created"
    assert "no request is under way, the last one is completed" in provision(*cancel).out
    strange = provision("certificate", "cancel", other[0], "nope", "--sandbox")
    assert (strange.code, "there is none of that name" in strange.err) == (1, True)


@pytest.mark.parametrize("form", ["pfx", "pem"])
def test_imported_from_a_file(form: str, provision: CommandLine, tmp_path: Path) -> None:
    """Another file becomes a new version; the same one does nothing."""
    arguments = profile(
        tmp_path, f"import: {{file: shop.{form}" + (", password: env:TEST_PFX}" if form == "pfx" else "}")
    )
    for status in ("created", "updated"):
        key = new_key()
        made = certificate(key, "shop.contoso.com")
        content = pfx(key, made, PASSWORD) if form == "pfx" else key_pem(key) + pem(made)
        (tmp_path / f"shop.{form}").write_bytes(content)
        done = provision("apply", *arguments, "--format", "json")
        assert (done.code, shop(done)) == (0, status)
        again = provision("apply", *arguments, "--format", "json")
        assert (shop(again), again.writes()) == ("unchanged", [])
    verified = provision("verify", *arguments)
    assert f"certificate on the wire for shop.contoso.com: {thumbprint(made)[:8]}" in verified.out


def test_a_saved_plan_holds_what_the_file_was(provision: CommandLine, tmp_path: Path) -> None:
    arguments = profile(tmp_path, "import: {file: shop.pfx, password: env:TEST_PFX}", host=False)
    key = new_key()
    (tmp_path / "shop.pfx").write_bytes(pfx(key, certificate(key, "shop.contoso.com"), PASSWORD))
    saved = tmp_path / "plan.json"
    assert provision("plan", *arguments, "-o", str(saved)).code == 2
    (tmp_path / "shop.pfx").write_bytes(pfx(key, certificate(key, "shop.contoso.com"), PASSWORD))
    stale = provision("apply", str(saved), "--sandbox", "--format", "json")
    assert (stale.code, shop(stale)) == (1, "failed")
    assert "is another file by now" in stale.errors()[KEPT["shop-tls"]]


def test_a_request_for_names_of_before_is_neither_given_out_nor_merged(
    provision: CommandLine, tmp_path: Path
) -> None:
    before = profile(tmp_path, "dnsNames: [shop.contoso.com], issuer: Unknown", host=False)
    request = tmp_path / "request.csr"
    csr = ("certificate", "csr", before[0], "shop-tls", "--sandbox", "-o", str(request))
    assert provision(*csr).code == 0
    (answer,) = write(tmp_path, answer_pem=signed(request))
    profile(tmp_path, "dnsNames: [shop.contoso.com, new.contoso.com], issuer: Unknown", host=False)
    merge = ("certificate", "merge", before[0], "shop-tls", str(answer), "--sandbox")
    why = "is for shop.contoso.com, and the profile says new.contoso.com, shop.contoso.com"
    for arguments in (csr, merge):
        refused = provision(*arguments)
        assert (refused.code, why in refused.err) == (1, True), refused.err
        assert "provision certificate cancel PROFILE shop-tls" in refused.err
    assert provision("certificate", "cancel", before[0], "shop-tls", "--sandbox").code == 0
    assert provision(*csr).code == 0
    answer.write_bytes(signed(request))
    assert provision(*merge).code == 0
    assert provision("plan", *before, "--target", KEPT["shop-tls"]).code == 0


def test_what_was_only_asked_for_is_destroyed_and_asked_for_again(
    provision: CommandLine, tmp_path: Path
) -> None:
    arguments = profile(tmp_path, "dnsNames: [shop.contoso.com], issuer: Unknown", host=False)
    assert provision("apply", *arguments).code == 1
    done = provision("destroy", *arguments, "--yes", "--format", "json")
    assert (done.code, shop(done)) == (0, "deleted")
    again = provision("destroy", *arguments, "--yes", "--format", "json")
    assert (again.code, shop(again)) == (0, "unchanged")
    waiting = provision("apply", *arguments)
    assert waiting.code == 1
    assert "recovering it" in waiting.out
    assert "its request waits in the vault for a certification authority" in waiting.out
    theirs = provision(
        "destroy", *profile(tmp_path, "managed: false", host=False), "--yes", "--format", "json"
    )
    assert shop(theirs) == "unchanged"


def test_of_somebody_else(provision: CommandLine, tmp_path: Path) -> None:
    """Used and checked, never changed."""
    theirs = profile(tmp_path, "managed: false")
    missing = provision("plan", *theirs)
    assert (missing.code, "this certificate does not exist" in missing.out) == (1, True)

    ours = profile(tmp_path, "dnsNames: [other.contoso.com]", host=False)
    assert provision("apply", *ours).code == 0
    unfit = provision("apply", *profile(tmp_path, "managed: false"))
    assert unfit.code == 1
    assert "it is for other.contoso.com, not for shop.contoso.com" in unfit.out
    assert not unfit.writes()

    wider = profile(tmp_path, "dnsNames: [other.contoso.com, '*.contoso.com']", host=False)
    assert provision("apply", *wider).code == 0
    done = provision("apply", *profile(tmp_path, "managed: false"), "--yes", "--format", "json")
    assert (done.code, shop(done)) == (0, "unchanged")
    destroyed = provision("destroy", *profile(tmp_path, "managed: false"), "--yes", "--format", "json")
    assert destroyed.statuses()[KEPT["shop-tls"]] == "unchanged"


def test_deleted_recovered_and_purged(provision: CommandLine, tmp_path: Path) -> None:
    arguments = profile(tmp_path, "dnsNames: [shop.contoso.com]", host=False)
    assert provision("apply", *arguments).code == 0
    assert provision("destroy", *arguments, "--yes").code == 0
    back = provision("apply", *arguments)
    assert (back.code, "a deleted certificate holds the name, recovering it" in back.out) == (0, True)
    assert provision("destroy", *arguments, "--yes").code == 0
    asked = provision("certificate", "purge", arguments[0], "shop-tls", "--sandbox")
    assert (asked.code, "--yes" in asked.err) == (1, True)
    assert provision("certificate", "purge", arguments[0], "shop-tls", "--yes", "--sandbox").code == 0
    assert provision("certificate", "purge", arguments[0], "shop-tls", "--yes", "--sandbox").code == 1


def test_renewed_on_request(provision: CommandLine, tmp_path: Path) -> None:
    """A new version by the policy, with our marks, so that nothing differs afterwards."""
    arguments = profile(tmp_path, "dnsNames: [shop.contoso.com], keyType: EC, tags: {team: web}", host=False)
    renew = ("certificate", "renew", arguments[0], "shop-tls", "--sandbox")
    assert "it does not exist yet" in provision(*renew).err
    assert provision("apply", *arguments).code == 0
    done = provision(*renew)
    assert done.code == 0, done.err
    with provision.azure() as azure:
        [document] = azure.store.list(CERTIFICATE)
        versions = {each["version"]: each for each in azure.store.list(VERSION)}
    assert len(versions) == 2
    assert versions[document["current"]]["tags"].keys() == {"team", "provision-profile", "provision-digest"}
    again = provision("apply", *arguments, "--format", "json")
    assert (shop(again), again.writes()) == ("unchanged", [])
    refused = provision(
        "certificate", "renew", profile(tmp_path, "managed: false", host=False)[0], *renew[3:]
    )
    assert (refused.code, "no policy of the profile makes it" in refused.err) == (1, True)


@pytest.fixture
def at_conflict(
    provision: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> Iterator[list[Callable[[Azure], object]]]:
    """What happens in Azure right after the next 409s; all of it must have happened."""
    coming: list[Callable[[Azure], object]] = []
    handle = Gateway.handle

    async def watched(self: Gateway, request: Request, content: bytes) -> Answer:
        answer = await handle(self, request, content)
        if answer.status == 409 and coming:
            with provision.azure() as azure:
                coming.pop(0)(azure)
        return answer

    monkeypatch.setattr(Gateway, "handle", watched)
    yield coming
    assert coming == []


def issue(azure: Azure) -> None:
    for operation in azure.store.running_operations():
        azure.store.put_operation(
            operation["name"], operation["start"], {**operation, "due": operation["start"]}
        )


@pytest.mark.parametrize("issuer", ["Self", "digicert"])
def test_an_apply_that_was_cut_off_is_gone_on_with(
    issuer: str,
    provision: CommandLine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    at_conflict: list[Callable[[Azure], object]],
) -> None:
    arguments = profile(tmp_path, f"dnsNames: [shop.contoso.com], issuer: {issuer}", host=False)
    provision("plan", *arguments)  # seeds
    monkeypatch.setattr(certificate_operations, "ISSUANCE", 1e9)
    with provision.azure() as azure:
        faults.inject(azure, method="POST", path="/certificates/shop-tls/create", status=0, after=True)
    cut_off = provision("apply", *arguments, "--format", "json")
    assert "no answer" in cut_off.errors()[KEPT["shop-tls"]]
    planned = provision("plan", *arguments)
    assert f"a request to {issuer} is under way" in planned.out

    if issuer == "Self":  # it is found when it is in the way; an authority's is looked for before
        at_conflict.append(issue)
    else:
        monkeypatch.setattr(certificate_requests, "_PATIENCE", 10.0)
    done = provision("apply", *arguments)
    assert "going on with the request that is under way" in done.out
    assert done.code == (0 if issuer == "Self" else 1), done.out
    if issuer != "Self":
        assert "digicert has not issued it" in done.out
        assert "provision certificate cancel PROFILE shop-tls" in done.out
        with provision.azure() as azure:
            issue(azure)
    assert provision("drift", *arguments).code == 0


def test_a_name_that_is_not_free_yet_is_waited_for(
    provision: CommandLine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    at_conflict: list[Callable[[Azure], object]],
) -> None:
    arguments = profile(tmp_path, "dnsNames: [shop.contoso.com]", host=False)
    assert provision("apply", *arguments).code == 0
    assert provision("destroy", *arguments, "--yes").code == 0
    monkeypatch.setattr(certificate_store, "BEING_PURGED", 1e9)
    assert provision("certificate", "purge", arguments[0], "shop-tls", "--yes", "--sandbox").code == 0

    def purged(azure: Azure) -> None:
        [document] = azure.store.list(CERTIFICATE)
        azure.store.put(CERTIFICATE, f"{DEV_VAULT}/certificates/shop-tls", {**document, "purged": 0})

    at_conflict.append(purged)
    done = provision("apply", *arguments)
    assert done.code == 0, done.out
    assert "the certificate that had the name is still being removed, trying again in 2 s" in done.out


def test_a_deleted_certificate_of_others_is_named_and_left(provision: CommandLine, tmp_path: Path) -> None:
    arguments = profile(tmp_path, "dnsNames: [shop.contoso.com], issuer: Unknown", host=False)
    ours = profile(tmp_path, "dnsNames: [shop.contoso.com]", host=False)
    assert provision("apply", *ours).code == 0
    assert provision("destroy", *ours, "--yes").code == 0
    with provision.azure() as azure:
        [version] = azure.store.list(VERSION)
        id_ = f"{DEV_VAULT}/certificates/shop-tls/{version['version']}"
        azure.store.put(VERSION, id_, {**version, "tags": {"team": "web"}})
    refused = provision("apply", *ours, "--format", "json").errors()[KEPT["shop-tls"]]
    assert "a deleted certificate that is not ours holds the name" in refused
    assert "az keyvault certificate recover --vault-name kv-contoso-dev --name shop-tls" in refused
    for command in ("purge", "csr"):
        options = ("--yes",) if command == "purge" else ()
        profile(tmp_path, "dnsNames: [shop.contoso.com], issuer: Unknown", host=False)
        done = provision("certificate", command, arguments[0], "shop-tls", "--sandbox", *options)
        assert done.code == 1
        assert "a deleted certificate holds the name" in done.err or "is not ours" in done.err
    with provision.azure() as azure:
        assert azure.store.list(CERTIFICATE)[0]["deleted"]


def test_policy_tags_and_state_are_kept_true(provision: CommandLine, tmp_path: Path) -> None:
    """What can change in place makes no new version."""
    first = profile(tmp_path, "dnsNames: [shop.contoso.com], tags: {team: web}", host=False)
    assert provision("apply", *first).code == 0
    settings = "dnsNames: [shop.contoso.com], tags: {team: shop}, renewBeforeDays: 20, enabled: false"
    second = profile(tmp_path, settings, host=False)
    assert provision("drift", *second).code == 2
    done = provision("apply", *second, "--format", "json")
    assert shop(done) == "updated"
    assert not [call for call in done.calls if call.path.endswith("/create")]
    third = profile(tmp_path, "dnsNames: [shop.contoso.com], keySize: 3072", host=False)
    again = provision("apply", *third, "--format", "json")
    assert [call.path for call in again.calls if call.path.endswith("/create")] == [
        "/certificates/shop-tls/create"
    ]
    assert provision("drift", *third).code == 0


KEY = new_key()
FAULTY = {
    "damaged": (b"\x30\x82no", "it is no PFX file, or a damaged one"),
    "wrong password": (pfx(KEY, certificate(KEY, "shop.contoso.com"), "other"), "its password is wrong"),
    "without key": (pem(certificate(KEY, "shop.contoso.com")), "it holds a certificate and no private key"),
    "without certificate": (key_pem(KEY), "it holds a key and no certificate"),
    "expired": (pfx(KEY, certificate(KEY, "shop.contoso.com", days=-1), PASSWORD), "it expired on"),
    "for others": (pfx(KEY, certificate(KEY, "x.net"), PASSWORD), "is for x.net, not for shop.contoso.com"),
}
"""The content of a file, and what is said of it. All faults are in tests/unit/ingress/test_imports.py."""


@pytest.mark.parametrize("fault", FAULTY)
def test_files_that_can_not_be_imported(fault: str, provision: CommandLine, tmp_path: Path) -> None:
    """Told with their place in the profile, before anything is written."""
    content, message = FAULTY[fault]
    password = "" if content.startswith(b"-----") else ", password: env:TEST_PFX"
    (tmp_path / "shop.file").write_bytes(content)
    file, _ = profile(tmp_path, f"import: {{file: shop.file{password}}}")
    done = provision("apply", file, "--sandbox")
    assert done.code == 1
    assert re.search(rf"^{re.escape(file)}:\d+:\d+: .*{message}", done.err, re.MULTILINE), done.err
    assert done.calls == ()


SECRETIVE = """
certificates:
  shop-tls: {vault: kv-contoso-dev, import: {file: shop.pfx, password: "env:TEST_PFX"}}
  pem-tls: {vault: kv-contoso-dev, contentType: pem, import: {file: locked.pem, password: "file:FOLDER/word"}}
  ca-tls: {vault: kv-contoso-dev, dnsNames: [ca.contoso.com], issuer: digicert}
  csr-tls: {vault: kv-contoso-dev, dnsNames: [csr.contoso.com], issuer: Unknown}
"""


def everything_told(provision: CommandLine, *arguments: str) -> str:
    """What a run writes, with the traceback that --debug shows, in which nothing is left out yet."""
    where = () if arguments[:2] == ("zone", "import") else ("--sandbox",)
    try:
        ran = provision(*arguments, *where, "--debug")
    except ProvisionError as error:
        out, err = provision.capsys.readouterr()
        return "".join((out, err, *traceback.format_exception(error)))
    return f"{ran.out}{ran.err}"


def echoing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Vaults that refuse what is written to them and repeat all of it."""
    handle = Gateway.handle

    async def refused(self: Gateway, request: Request, content: bytes) -> Answer:
        if request.method == "GET" or "/certificates/" not in request.path:
            return await handle(self, request, content)
        message = f"Can't be read: {content.decode()}"
        return Answer(400, {"error": {"code": "BadParameter", "message": message}})

    monkeypatch.setattr(Gateway, "handle", refused)


def keys_in(provision: CommandLine) -> list[str]:
    """The private keys that the vaults hold, of requests under way too."""
    with provision.azure() as azure:
        held = azure.store.list(VERSION) + [
            each.get("pending") or {} for each in azure.store.list(CERTIFICATE)
        ]
    return [each["key"] for each in held if "key" in each]


def test_secrets_appear_nowhere(
    provision: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is run and however it ends: output, errors, tracebacks, plans, echoes of requests."""
    key, other = new_key(), new_key()
    bundle = pfx(key, certificate(key, "shop.contoso.com"), PASSWORD)
    (tmp_path / "shop.pfx").write_bytes(bundle)
    locked = key_pem(other, SECOND) + pem(certificate(other, "pem.contoso.com"))
    (tmp_path / "locked.pem").write_bytes(locked)
    (tmp_path / "word").write_text(f"{SECOND}\n")
    file = tmp_path / "certs.yaml"
    file.write_text(HEAD + SECRETIVE.replace("FOLDER", str(tmp_path)) + HOST)
    profile, saved, request = str(file), str(tmp_path / "plan.json"), str(tmp_path / "request.csr")

    told = [
        everything_told(provision, *arguments)
        for arguments in (
            ("plan", profile, "-o", saved),
            ("apply", saved, "--format", "json"),
            ("certificate", "csr", profile, "csr-tls", "-o", request),
            ("certificate", "merge", profile, "csr-tls", str(tmp_path / "locked.pem")),
            ("certificate", "cancel", profile, "csr-tls"),
            ("drift", profile, "--format", "json"),
            ("verify", profile, "--format", "json"),
            *(("roles", profile, "--format", form) for form in ("text", "json", "bicep", "az")),
        )
    ]
    assert "certificate/kv-contoso-dev/shop-tls" in told[1]
    keys = [key_pem(key).decode(), key_pem(other).decode(), *keys_in(provision)]
    for content, broken in (
        (bundle[:-20], locked),
        (pfx(key, certificate(key, "x.net"), "else"), locked[:300]),
    ):
        (tmp_path / "shop.pfx").write_bytes(content)
        (tmp_path / "locked.pem").write_bytes(broken)
        told.append(everything_told(provision, "apply", profile))
        assert "can't be imported" in told[-1]
    (tmp_path / "shop.pfx").write_bytes(pfx(key, certificate(key, "shop.contoso.com"), PASSWORD))
    (tmp_path / "locked.pem").write_bytes(key_pem(other, SECOND) + pem(certificate(other, "pem.contoso.com")))
    file.write_text(file.read_text().replace("123", "124"))
    echoing(monkeypatch)
    told.append(everything_told(provision, "apply", profile, "--adopt", "--yes"))
    assert told[-1].count("Can't be read") >= 3, told[-1]
    told.append(everything_told(provision, "destroy", profile, "--yes"))
    told += [Path(each).read_text() for each in (saved, request)]

    canaries = [PASSWORD, SECOND, ACCOUNT, *(line[:40] for text in keys for line in text.splitlines()[1:-2])]
    assert len(canaries) > 8
    assert not [(canary, text) for canary in canaries for text in told if canary in text]


def test_secrets_appear_nowhere_around_zone_files(
    provision: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever exports a zone opens the profile with its certificates, and signs in."""
    key = new_key()
    (tmp_path / "shop.pfx").write_bytes(pfx(key, certificate(key, "shop.contoso.com"), PASSWORD))
    (tmp_path / "locked.pem").write_bytes(key_pem(key, SECOND) + pem(certificate(key, "pem.contoso.com")))
    (tmp_path / "word").write_text(f"{SECOND}\n")
    file, zone = tmp_path / "certs.yaml", tmp_path / "contoso.com.zone"
    zones = "dns: {zones: {contoso.com: {resourceGroup: rg-dns}}}\n"
    file.write_text(HEAD + SECRETIVE.replace("FOLDER", str(tmp_path)) + zones)
    tokens: set[str] = set()
    handle = Gateway.handle

    async def heard(self: Gateway, request: Request, content: bytes) -> Answer:
        tokens.add(request.headers.get("authorization", "").removeprefix("Bearer "))
        return await handle(self, request, content)

    monkeypatch.setattr(Gateway, "handle", heard)
    export = ("zone", "export", str(file), "contoso.com")
    told = [everything_told(provision, *export)]
    assert "NotFoundError" in told[-1]
    assert provision("apply", str(file), "--sandbox", "--target", "dns_zone/contoso.com").code == 0
    told.append(everything_told(provision, *export, "-o", str(zone)))
    told.append(everything_told(provision, "zone", "export", str(file), "x.net"))
    told += [zone.read_text(), everything_told(provision, *export, "-o", str(tmp_path))]
    with provision.azure() as azure:
        faults.inject(azure, method="GET", path=".*/dnsZones/.*", status=500, count=100)
    told.append(everything_told(provision, *export))
    assert "InternalServerError" in told[-1]
    (tmp_path / "shop.pfx").write_bytes(pfx(key, certificate(key, "shop.contoso.com"), "else"))
    told.append(everything_told(provision, *export))
    assert "its password is wrong" in told[-1]
    for source in (zone, file, tmp_path / "shop.pfx"):
        told.append(everything_told(provision, "zone", "import", str(source), "--zone", "contoso.com"))

    lines = key_pem(key).decode().splitlines()[1:-2]
    canaries = [PASSWORD, SECOND, ACCOUNT, *(line[:40] for line in lines), *filter(None, tokens)]
    assert len(canaries) > 4
    assert not [(canary, text) for canary in canaries for text in told if canary in text]


def test_a_certificate_that_is_gone_changes_nothing_else(provision: CommandLine, tmp_path: Path) -> None:
    """What refers to it does so by its name in the vault, which is known before it is made."""
    arguments = profile(tmp_path, "dnsNames: [shop.contoso.com]")
    assert provision("apply", *arguments).code == 0
    with provision.azure() as azure:
        for kind in (CERTIFICATE, VERSION):
            for id_ in [id_ for found, id_ in azure.store.ids("") if found == kind]:
                azure.store.delete(kind, id_)
    planned = provision("plan", *arguments, "--format", "json")
    changes = {each["resource"]: each["action"] for each in planned.json()["changes"]}
    assert {name for name, action in changes.items() if action != "no-op"} == {KEPT["shop-tls"]}
