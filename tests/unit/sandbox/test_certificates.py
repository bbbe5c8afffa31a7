"""The data plane of key vaults: certificates and what belongs to them."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    pkcs12,
)
from cryptography.x509.oid import NameOID
from vault_bench import OFFICER, STRANGER, Bench, refused, vault_path

from provision.sandbox.azure import Json

EC = {"kty": "EC", "crv": "P-256"}
SHOP = "/certificates/shop"


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    made = Bench(tmp_path / "state.db")
    made.new_vault("kv-test")
    return made


def policy(**sections: Any) -> Json:
    return {
        "policy": {
            "key_props": EC,
            "x509_props": {"subject": "CN=shop.contoso.com", "sans": {"dns_names": ["shop.contoso.com"]}},
            "issuer": {"name": "Self"},
            **sections,
        }
    }


def create(bench: Bench, path: str = SHOP, **sections: Any) -> Json:
    """A complete certificate."""
    bench.vault("POST", f"{path}/create", policy(**sections))
    bench.clock.pass_(13)
    return dict(bench.vault("GET", f"{path}/").body)


def certificate_of(bundle: Json) -> x509.Certificate:
    return x509.load_der_x509_certificate(base64.b64decode(bundle["cer"]))


def test_without_a_token_the_vault_says_where_to_get_one(bench: Bench) -> None:
    refusal = refused(bench.vault, "POST", f"{SHOP}/create", None, caller=None)
    assert refusal.answer().body == {
        "error": {"code": "Unauthorized", "message": "AKV10000: Request is missing a Bearer or PoP token."}
    }
    challenge = refusal.headers["WWW-Authenticate"]
    assert 'Bearer authorization="https://localhost:8443/00000000-' in challenge
    assert challenge.endswith('resource="https://vault.localhost:8443"')


def test_without_a_role_the_answer_names_action_and_resource(bench: Bench) -> None:
    refusal = refused(bench.vault, "GET", f"{SHOP}/", caller=STRANGER)
    assert (refusal.status, refusal.code) == (403, "Forbidden")
    assert refusal.extra == {"innererror": {"code": "ForbiddenByRbac"}}
    assert "Action: 'Microsoft.KeyVault/vaults/certificates/read'\r\n" in refusal.message
    assert "/providers/microsoft.keyvault/vaults/kv-test/certificates/shop'" in refusal.message


def test_a_role_at_one_certificate_opens_only_that(bench: Bench) -> None:
    create(bench)
    create(bench, "/certificates/other")
    officer = "a4417e6f-fecd-4de8-b567-7b0420556985"
    bench.assign(officer, STRANGER, vault_path(tail=SHOP))
    assert bench.vault("GET", f"{SHOP}/", caller=STRANGER).status == 200
    assert refused(bench.vault, "GET", "/certificates/other/", caller=STRANGER).status == 403


def test_access_policies_instead_of_roles(bench: Bench) -> None:
    bench.new_vault("kv-old", rbac_model=False)
    refusal = refused(bench.vault, "GET", f"{SHOP}/", name="kv-old")
    assert refusal.extra == {"innererror": {"code": "AccessDenied"}}
    assert (
        "does not have certificates get permission on key vault 'kv-old;location=westeurope'"
        in refusal.message
    )

    granted = {"objectId": OFFICER.object_id, "permissions": {"certificates": ["Create", "Get"]}}
    body = {"properties": {"accessPolicies": [granted]}}
    bench.arm("PUT", vault_path("kv-old", "/accessPolicies/add"), body)
    assert bench.vault("POST", f"{SHOP}/create", policy(), name="kv-old").status == 202
    assert bench.vault("GET", f"{SHOP}/", name="kv-old").status == 200
    assert refused(bench.vault, "DELETE", SHOP, name="kv-old").status == 403


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"publicNetworkAccess": "Disabled"}, "ForbiddenByConnection"),
        ({"networkAcls": {"defaultAction": "Deny"}}, "ForbiddenByFirewall"),
        (
            {"networkAcls": {"defaultAction": "Deny", "ipRules": [{"value": "10.0.0.0/8"}]}},
            "ForbiddenByFirewall",
        ),
        ({"networkAcls": {"defaultAction": "Deny", "ipRules": [{"value": "127.0.0.0/8"}]}}, None),
    ],
)
def test_the_firewall_comes_before_permissions(bench: Bench, change: Json, code: str | None) -> None:
    bench.arm("PATCH", vault_path(), {"properties": change})
    if code is None:
        assert bench.vault("GET", "/certificates").status == 200
    else:
        assert refused(bench.vault, "GET", "/certificates").extra == {"innererror": {"code": code}}


@pytest.mark.parametrize("version", ["", "2099-01-01", "7.9", "1.0"])
def test_an_unknown_api_version_is_refused(bench: Bench, version: str) -> None:
    url = "https://kv-test.vault.localhost:8443/certificates"
    refusal = refused(bench.send, "GET", url, None, OFFICER, version)
    assert (refusal.status, refusal.code) == (400, "BadParameter")


def test_create_is_pending_and_then_completed(bench: Bench) -> None:
    accepted = bench.vault("POST", f"{SHOP}/create", policy())
    assert accepted.status == 202
    assert accepted.body["status"] == "inProgress"
    assert accepted.body["status_details"].startswith("Pending certificate created.")
    request_id = accepted.body["request_id"]
    assert accepted.headers["Location"] == (
        "https://kv-test.vault.localhost:8443/certificates/shop/pending?api-version=7.6&request_id="
        + request_id
    )
    request = x509.load_der_x509_csr(base64.b64decode(accepted.body["csr"]))
    assert request.is_signature_valid

    bench.clock.pass_(11)
    running = bench.vault("GET", f"{SHOP}/pending")
    assert running.body["status"] == "inProgress"
    assert "Retry-After" in running.headers

    bench.clock.pass_(2)
    done = bench.vault("GET", f"{SHOP}/pending?request_id={request_id}")
    assert done.body["status"] == "completed"
    assert done.body["target"] == "https://kv-test.vault.localhost:8443/certificates/shop"
    assert "status_details" not in done.body
    assert refused(bench.vault, "GET", f"{SHOP}/pending?request_id=x").code == "PendingCertificateNotFound"


def test_a_pending_certificate_is_disabled_and_hidden_from_lists(bench: Bench) -> None:
    bench.vault("POST", f"{SHOP}/create", policy())
    shown = bench.vault("GET", f"{SHOP}/").body
    assert shown["attributes"]["enabled"] is False
    assert not {"kid", "sid", "x5t", "cer"} & set(shown)
    assert shown["pending"]["id"].endswith("/certificates/shop/pending")
    assert bench.vault("GET", "/certificates").body == {"value": [], "nextLink": None}
    listed = bench.vault("GET", "/certificates?includePending=true").body["value"]
    assert [each["subject"] for each in listed] == [""]


def test_the_self_signed_certificate_is_what_the_policy_says(bench: Bench) -> None:
    props = {
        "subject": "C=US, ST=WA, L=Redmond, O=Contoso, CN=shop.contoso.com",
        "sans": {"dns_names": ["shop.contoso.com", "*.shop.contoso.com"]},
        "key_usage": ["keyEncipherment", "digitalSignature"],
        "validity_months": 6,
    }
    bundle = create(bench, x509_props=props)
    certificate = certificate_of(bundle)
    issued = int(bench.clock.now()) - 1
    assert certificate.subject == certificate.issuer
    assert certificate.subject.rfc4514_string() == "C=US,ST=WA,L=Redmond,O=Contoso,CN=shop.contoso.com"
    certificate.verify_directly_issued_by(certificate)
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["shop.contoso.com", "*.shop.contoso.com"]
    usage = certificate.extensions.get_extension_for_class(x509.KeyUsage)
    assert usage.critical
    assert usage.value.key_encipherment
    assert not usage.value.key_cert_sign
    ekus = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert [eku.dotted_string for eku in ekus] == ["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"]

    attributes = bundle["attributes"]
    assert attributes["nbf"] == issued - 600
    assert attributes["created"] == issued
    assert attributes["exp"] == int(certificate.not_valid_after_utc.timestamp())
    start = datetime.fromtimestamp(issued, UTC)
    assert certificate.not_valid_after_utc.month == (start.month - 1 + 6) % 12 + 1
    assert certificate.not_valid_after_utc.day == start.day
    digest = base64.urlsafe_b64decode(bundle["x5t"] + "=")
    assert digest == certificate.fingerprint(hashes.SHA1())  # noqa: S303 - the name Key Vault gives it
    assert bundle["policy"]["x509_props"]["key_usage"] == ["digitalSignature", "keyEncipherment"]
    assert attributes["recoveryLevel"] == "Recoverable+Purgeable"


@pytest.mark.parametrize(
    ("key_props", "shown"),
    [
        ({}, {"kty": "RSA", "key_size": 2048}),
        ({"kty": "RSA", "key_size": 3072}, {"kty": "RSA", "key_size": 3072}),
        ({"kty": "EC"}, {"kty": "EC", "key_size": 256, "crv": "P-256"}),
        ({"kty": "EC", "key_size": 384}, {"kty": "EC", "key_size": 384, "crv": "P-384"}),
        ({"kty": "EC", "crv": "P-521"}, {"kty": "EC", "key_size": 521, "crv": "P-521"}),
    ],
)
def test_key_types(bench: Bench, key_props: Json, shown: Json) -> None:
    bundle = create(bench, key_props=key_props)
    assert bundle["policy"]["key_props"] == {"exportable": True, "reuse_key": False, **shown}
    key = certificate_of(bundle).public_key()
    assert isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey)
    assert key.key_size == shown["key_size"]


def action(kind: str = "AutoRenew", **trigger: int) -> Json:
    return {"trigger": trigger, "action": {"action_type": kind}}


@pytest.mark.parametrize(
    "sent",
    [
        action(lifetime_percentage=1),
        action(lifetime_percentage=99),
        action("EmailContacts", lifetime_percentage=50),
        action(days_before_expiry=324),
        action("EmailContacts", days_before_expiry=1),
    ],
)
def test_a_lifetime_action_that_can_be(bench: Bench, sent: Json) -> None:
    create(bench, lifetime_actions=[sent])
    assert bench.vault("GET", f"{SHOP}/policy").body["lifetime_actions"] == [sent]


@pytest.mark.parametrize(
    "sections",
    [
        {"key_props": {"kty": "RSA", "key_size": 1024}},
        {"key_props": {"kty": "EC", "crv": "P-999"}},
        {"key_props": {"kty": "oct"}},
        {"x509_props": {"subject": "shop.contoso.com"}},
        {"x509_props": {"subject": ""}},
        {"x509_props": {"subject": "CN=shop", "ekus": ["serverAuth"]}},
        {"x509_props": {"subject": "CN=shop", "key_usage": ["nonsense"]}},
        {"secret_props": {"contentType": "text/plain"}},
        {"lifetime_actions": [{"trigger": {}, "action": {"action_type": "AutoRenew"}}]},
        {"lifetime_actions": [action(lifetime_percentage=100)]},
        {"lifetime_actions": [action(lifetime_percentage=0)]},
        {"lifetime_actions": [action(days_before_expiry=0)]},
        {"lifetime_actions": [action(days_before_expiry=325)]},
        {"lifetime_actions": [action(lifetime_percentage=80, days_before_expiry=30)]},
        {"lifetime_actions": [action("Remind", lifetime_percentage=80)]},
        {"lifetime_actions": [action(lifetime_percentage=80), action("EmailContacts", days_before_expiry=9)]},
        {"issuer": {"name": "Unknown"}, "lifetime_actions": [action(lifetime_percentage=80)]},
    ],
)
def test_a_policy_that_cannot_be_is_refused(bench: Bench, sections: Json) -> None:
    refusal = refused(bench.vault, "POST", f"{SHOP}/create", policy(**sections))
    assert (refusal.status, refusal.code) == (400, "BadParameter")


def test_tags_have_a_limit(bench: Bench) -> None:
    many = {f"t{number}": "x" for number in range(16)}
    for tags in (many, {"t": "x" * 257}, {"t" * 257: "x"}):
        refusal = refused(bench.vault, "POST", f"{SHOP}/create", {**policy(), "tags": tags})
        assert (refusal.status, refusal.code) == (400, "BadParameter")
    most = dict(list(many.items())[:15])
    create(bench)
    bench.vault("PATCH", f"{SHOP}/", {"tags": most})
    assert refused(bench.vault, "PATCH", f"{SHOP}/", {"tags": many}).code == "BadParameter"


def test_names_have_rules(bench: Bench) -> None:
    assert refused(bench.vault, "POST", "/certificates/shop_1/create", policy()).status == 400


def test_defaults_of_a_policy(bench: Bench) -> None:
    create(bench, issuer={"name": "Self"}, key_props=EC, x509_props={"subject": "cn=MyCert"})
    shown = bench.vault("GET", f"{SHOP}/policy").body
    assert shown["id"] == "https://kv-test.vault.localhost:8443/certificates/shop/policy"
    assert shown["secret_props"] == {"contentType": "application/x-pkcs12"}
    assert shown["x509_props"] == {
        "subject": "cn=MyCert",
        "ekus": ["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"],
        "key_usage": ["digitalSignature", "keyEncipherment"],
        "validity_months": 12,
        "basic_constraints": {"ca": False},
    }
    renew = {"trigger": {"lifetime_percentage": 80}, "action": {"action_type": "AutoRenew"}}
    assert shown["lifetime_actions"] == [renew]


def test_a_changed_policy_is_used_by_the_next_version(bench: Bench) -> None:
    first = create(bench)
    changed = {"x509_props": {"validity_months": 24}}
    shown = bench.vault("PATCH", f"{SHOP}/policy", changed).body
    assert shown["x509_props"]["validity_months"] == 24
    assert shown["x509_props"]["subject"] == "CN=shop.contoso.com"
    assert shown["key_props"]["kty"] == "EC"
    bench.vault("POST", f"{SHOP}/create", {})
    bench.clock.pass_(13)
    second = bench.vault("GET", f"{SHOP}/").body
    assert second["attributes"]["exp"] - first["attributes"]["exp"] > 360 * 86_400


def test_a_changed_policy_keeps_the_rest(bench: Bench) -> None:
    create(bench)
    mail = [{"trigger": {"days_before_expiry": 30}, "action": {"action_type": "EmailContacts"}}]
    before = bench.vault("GET", f"{SHOP}/policy").body
    bench.clock.pass_(60)
    after = bench.vault("PATCH", f"{SHOP}/policy", {"lifetime_actions": mail}).body
    assert after["lifetime_actions"] == mail
    assert after["attributes"]["created"] == before["attributes"]["created"]
    assert {**after, "lifetime_actions": 0, "attributes": 0} == {
        **before,
        "lifetime_actions": 0,
        "attributes": 0,
    }
    rsa_key = bench.vault("PATCH", f"{SHOP}/policy", {"key_props": {"kty": "RSA"}}).body["key_props"]
    assert rsa_key == {"exportable": True, "kty": "RSA", "key_size": 2048, "reuse_key": False}


def test_a_second_create_conflicts_while_the_first_is_pending(bench: Bench) -> None:
    bench.vault("POST", f"{SHOP}/create", policy())
    refusal = refused(bench.vault, "POST", f"{SHOP}/create", policy())
    assert (refusal.status, refusal.code) == (409, "Conflict")
    assert "while a pending key vault certificate's status is inProgress" in refusal.message


def test_the_old_version_stays_current_until_the_new_one_is_complete(bench: Bench) -> None:
    first = create(bench)
    bench.vault("POST", f"{SHOP}/create", policy())
    assert bench.vault("GET", SHOP).body["id"] == first["id"]
    bench.clock.pass_(13)
    second = bench.vault("GET", SHOP).body
    assert second["id"] != first["id"]
    old = first["id"].removeprefix("https://kv-test.vault.localhost:8443")
    assert bench.vault("GET", old).body["cer"] == first["cer"]


@pytest.mark.parametrize(("reuse", "same"), [(True, True), (False, False)])
def test_reuse_of_the_key(bench: Bench, reuse: bool, same: bool) -> None:
    sections: dict[str, Any] = {"key_props": {**EC, "reuse_key": reuse}}
    first = certificate_of(create(bench, **sections)).public_key()
    second = certificate_of(create(bench, **sections)).public_key()
    assert (first == second) is same


def test_versions_come_in_pages(bench: Bench) -> None:
    ids = {create(bench)["id"] for _ in range(3)}
    seen = []
    link = f"{SHOP}/versions?maxresults=2"
    for _ in range(2):
        body = bench.vault("GET", link).body
        seen += [each["id"] for each in body["value"]]
        link = (body["nextLink"] or "").removeprefix("https://kv-test.vault.localhost:8443")
    assert not link
    assert set(seen) == ids
    assert len(seen) == 3


def test_attributes_and_tags(bench: Bench) -> None:
    bundle = create(bench)
    bench.clock.pass_(100)
    version = bundle["id"].rsplit("/", 1)[1]
    change = {"attributes": {"enabled": False}, "tags": {"provision-profile": "prod"}}
    changed = bench.vault("PATCH", f"{SHOP}/{version}", change).body
    assert changed["attributes"]["enabled"] is False
    assert changed["attributes"]["updated"] == bundle["attributes"]["updated"] + 101
    assert bench.vault("GET", "/certificates").body["value"][0]["tags"] == {"provision-profile": "prod"}


def test_cancellation_is_asked_for_and_happens_later(bench: Bench) -> None:
    bench.vault("POST", f"{SHOP}/create", policy())
    asked = bench.vault("PATCH", f"{SHOP}/pending", {"cancellation_requested": True}).body
    assert (asked["status"], asked["cancellation_requested"]) == ("inProgress", True)
    bench.clock.pass_(13)
    assert bench.vault("GET", f"{SHOP}/pending").body["status"] == "cancelled"
    refusal = refused(bench.vault, "PATCH", f"{SHOP}/pending", {"cancellation_requested": True})
    assert refusal.status == 400
    assert "cer" not in bench.vault("GET", SHOP).body


def test_a_deleted_operation_never_completes(bench: Bench) -> None:
    bench.vault("POST", f"{SHOP}/create", policy())
    assert bench.vault("DELETE", f"{SHOP}/pending").body["status"] == "inProgress"
    bench.clock.pass_(13)
    refusal = refused(bench.vault, "GET", f"{SHOP}/pending")
    assert (refusal.status, refusal.message) == (404, "Pending certificate not found: shop")
    shown = bench.vault("GET", SHOP).body
    assert "pending" not in shown
    assert "cer" not in shown


def test_a_request_of_issuer_unknown_waits_for_its_merge(bench: Bench) -> None:
    pending = bench.vault("POST", f"{SHOP}/create", policy(issuer={"name": "Unknown"})).body
    assert pending["status_details"].endswith("Please Perform Merge to complete the request.")
    bench.clock.pass_(86_400)
    assert bench.vault("GET", f"{SHOP}/pending").body["status"] == "inProgress"

    authority = ec.generate_private_key(ec.SECP256R1())
    request = x509.load_der_x509_csr(base64.b64decode(pending["csr"]))
    signed = sign(request.subject, request.public_key(), authority)
    foreign = sign(request.subject, authority.public_key(), authority)
    mismatch = refused(bench.vault, "POST", f"{SHOP}/pending/merge", {"x5c": [encoded(foreign)]})
    assert (mismatch.status, mismatch.code) == (400, "BadParameter")

    merged = bench.vault("POST", f"{SHOP}/pending/merge", {"x5c": [encoded(signed)]})
    assert merged.status == 201
    assert (
        merged.headers["Location"] == "https://kv-test.vault.localhost:8443/certificates/shop?api-version=7.6"
    )
    assert certificate_of(merged.body) == signed
    assert bench.vault("GET", f"{SHOP}/pending").body["status"] == "completed"


def sign(
    subject: x509.Name, key: Any, authority: ec.EllipticCurvePrivateKey, days: int = 90
) -> x509.Certificate:
    start = datetime.fromtimestamp(1_800_000_000, UTC)
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Contoso CA")])
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key)
    builder = builder.serial_number(7).not_valid_before(start - timedelta(days=days * 2))
    return builder.not_valid_after(start + timedelta(days=days)).sign(authority, hashes.SHA256())


def encoded(certificate: x509.Certificate) -> str:
    return base64.b64encode(certificate.public_bytes(Encoding.DER)).decode()


def test_an_integrated_issuer_signs_with_its_authority(bench: Bench) -> None:
    unknown = refused(bench.vault, "POST", f"{SHOP}/create", policy(issuer={"name": "digicert"}))
    assert (unknown.status, unknown.code) == (404, "CertificateIssuerNotFound")
    issuer = {"provider": "DigiCert", "credentials": {"account_id": "contoso", "pwd": "secret"}}
    made = bench.vault("PUT", "/certificates/issuers/digicert", issuer).body
    assert made["credentials"] == {"account_id": "contoso"}

    bundle = create(
        bench, issuer={"name": "digicert"}, secret_props={"contentType": "application/x-pem-file"}
    )
    secret = bench.vault("GET", "/secrets/shop").body["value"]
    leaf, authority = x509.load_pem_x509_certificates(secret.encode())
    assert leaf == certificate_of(bundle)
    assert leaf.issuer == authority.subject
    leaf.verify_directly_issued_by(authority)
    forbidden = refused(bench.vault, "POST", f"{SHOP}/create", policy(issuer={"name": "gone"}))
    assert forbidden.status == 404


def test_issuers_and_contacts(bench: Bench) -> None:
    bench.vault("PUT", "/certificates/issuers/b", {"provider": "GlobalSign"})
    bench.vault("PUT", "/certificates/issuers/a", {"provider": "DigiCert", "org_details": {"id": "1"}})
    listed = bench.vault("GET", "/certificates/issuers").body["value"]
    assert [(each["id"].rsplit("/", 1)[1], each["provider"]) for each in listed] == [
        ("a", "DigiCert"),
        ("b", "GlobalSign"),
    ]
    assert bench.vault("GET", "/certificates/issuers/a").body["org_details"] == {"zip": 0, "id": "1"}
    patched = bench.vault("PATCH", "/certificates/issuers/a", {"attributes": {"enabled": False}}).body
    assert patched["attributes"]["enabled"] is False
    bench.vault("DELETE", "/certificates/issuers/a")
    assert refused(bench.vault, "GET", "/certificates/issuers/a").message == "Issuer not found"

    assert refused(bench.vault, "GET", "/certificates/contacts").code == "ContactsNotFound"
    contacts = {"contacts": [{"email": "ops@contoso.com"}]}
    assert bench.vault("PUT", "/certificates/contacts", contacts).body["contacts"] == contacts["contacts"]
    bench.vault("DELETE", "/certificates/contacts")
    assert refused(bench.vault, "GET", "/certificates/contacts").status == 404


def test_deletion_recovery_and_purge(bench: Bench) -> None:
    create(bench)
    deleted = bench.vault("DELETE", SHOP).body
    assert deleted["recoveryId"] == "https://kv-test.vault.localhost:8443/deletedcertificates/shop"
    assert deleted["scheduledPurgeDate"] - deleted["deletedDate"] == 90 * 86_400
    assert refused(bench.vault, "GET", SHOP).code == "CertificateNotFound"
    assert refused(bench.vault, "GET", "/secrets/shop").code == "SecretNotFound"
    early = refused(bench.vault, "GET", "/deletedcertificates/shop")
    assert early.message == "Deleted Certificate not found: shop"
    busy = refused(bench.vault, "POST", "/deletedcertificates/shop/recover")
    assert busy.extra == {"innererror": {"code": "ObjectIsBeingDeleted"}}

    bench.clock.pass_(8)
    assert bench.vault("GET", "/deletedcertificates/shop").body["id"] == deleted["id"]
    (listed,) = bench.vault("GET", "/deletedcertificates").body["value"]
    assert listed["attributes"]["recoverableDays"] == 90
    assert listed["id"] == "https://kv-test.vault.localhost:8443/certificates/shop"
    taken = refused(bench.vault, "POST", f"{SHOP}/create", policy())
    assert (taken.status, taken.extra) == (409, {"innererror": {"code": "ObjectIsDeletedButRecoverable"}})

    assert bench.vault("POST", "/deletedcertificates/shop/recover").status == 200
    assert refused(bench.vault, "GET", SHOP).status == 404
    bench.clock.pass_(8)
    assert bench.vault("GET", SHOP).body["id"] == deleted["id"]

    bench.vault("DELETE", SHOP)
    bench.clock.pass_(8)
    assert bench.vault("DELETE", "/deletedcertificates/shop").status == 204
    assert refused(bench.vault, "GET", "/deletedcertificates/shop").status == 404
    assert refused(bench.vault, "POST", f"{SHOP}/create", policy()).status == 409
    bench.clock.pass_(16)
    assert bench.vault("POST", f"{SHOP}/create", policy()).status == 202
    assert len(bench.vault("GET", f"{SHOP}/versions").body["value"]) == 1


def test_purge_protection(bench: Bench) -> None:
    bench.arm("PATCH", vault_path(), {"properties": {"enablePurgeProtection": True}})
    bundle = create(bench)
    assert bundle["attributes"]["recoveryLevel"] == "Recoverable"
    bench.vault("DELETE", SHOP)
    bench.clock.pass_(8)
    assert refused(bench.vault, "DELETE", "/deletedcertificates/shop").status == 403


def test_the_secret_holds_certificate_and_key(bench: Bench) -> None:
    bundle = create(bench)
    secret = bench.vault("GET", "/secrets/shop/").body
    key, certificate, _ = pkcs12.load_key_and_certificates(base64.b64decode(secret["value"]), None)
    assert certificate == certificate_of(bundle)
    assert key is not None
    assert key.public_key() == certificate_of(bundle).public_key()
    assert (secret["contentType"], secret["managed"]) == ("application/x-pkcs12", True)
    assert secret["id"] == bundle["sid"]
    assert bench.vault("GET", "/secrets/shop").body["value"] == secret["value"]


def test_a_key_that_may_not_leave_is_not_in_the_secret(bench: Bench) -> None:
    create(
        bench,
        key_props={**EC, "exportable": False},
        secret_props={"contentType": "application/x-pem-file"},
    )
    secret = bench.vault("GET", "/secrets/shop").body["value"]
    assert "PRIVATE KEY" not in secret
    assert x509.load_pem_x509_certificates(secret.encode())


def test_the_list_of_secrets_shows_complete_certificates(bench: Bench) -> None:
    create(bench)
    bench.vault("POST", "/certificates/other/create", policy())
    (entry,) = bench.vault("GET", "/secrets").body["value"]
    assert entry["id"] == "https://kv-test.vault.localhost:8443/secrets/shop"
    assert "value" not in entry


def test_the_list_of_keys_shows_complete_certificates(bench: Bench) -> None:
    create(bench)
    bench.vault("POST", "/certificates/other/create", policy())
    (entry,) = bench.vault("GET", "/keys").body["value"]
    assert entry["kid"] == "https://kv-test.vault.localhost:8443/keys/shop"
    assert entry["managed"] is True


def test_a_disabled_version_keeps_its_secret(bench: Bench) -> None:
    create(bench)
    bench.vault("PATCH", SHOP, {"attributes": {"enabled": False}})
    refusal = refused(bench.vault, "GET", "/secrets/shop")
    assert refusal.extra == {"innererror": {"code": "SecretDisabled"}}


def test_private_keys_are_in_no_answer_but_the_secret(bench: Bench) -> None:
    accepted = bench.vault("POST", f"{SHOP}/create", policy())
    bench.clock.pass_(13)
    paths = ("", "/policy", "/pending", "/versions")
    answers = [accepted, *(bench.vault("GET", f"{SHOP}{tail}") for tail in paths)]
    answers += [bench.vault("GET", "/certificates"), bench.vault("DELETE", SHOP)]
    assert not any("PRIVATE" in str(each.body) or "'key'" in str(each.body) for each in answers)


# imports


def files(days: int = 90) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    key = ec.generate_private_key(ec.SECP384R1())
    name = [
        x509.NameAttribute(NameOID.COUNTRY_NAME, "AU"),
        x509.NameAttribute(NameOID.STATE_OR_PROVINCE_NAME, "Some-State"),
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Contoso, Ltd"),
    ]
    return key, sign(x509.Name(name), key.public_key(), key, days)


def pem(key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> str:
    text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return (text + certificate.public_bytes(Encoding.PEM)).decode()


def pem_import(value: str) -> Json:
    return {"value": value, "policy": {"secret_props": {"contentType": "application/x-pem-file"}}}


def test_import_of_pem(bench: Bench) -> None:
    key, certificate = files()
    bundle = bench.vault("POST", f"{SHOP}/import", pem_import(pem(key, certificate))).body
    assert certificate_of(bundle) == certificate
    assert "pending" not in bundle
    props = bundle["policy"]["x509_props"]
    assert props["subject"] == 'O="Contoso, Ltd", S=Some-State, C=AU'
    assert props["validity_months"] == 9
    assert (props["ekus"], props["key_usage"]) == ([], [])
    assert bundle["policy"]["key_props"]["crv"] == "P-384"
    assert bundle["policy"]["lifetime_actions"][0]["trigger"] == {"lifetime_percentage": 80}
    assert bundle["attributes"]["nbf"] == int(certificate.not_valid_before_utc.timestamp())
    secret = bench.vault("GET", "/secrets/shop").body["value"]
    assert load_pem_private_key(secret.encode(), None).public_key() == key.public_key()


def test_import_of_pkcs12_with_a_password(bench: Bench) -> None:
    key, certificate = files()
    packed = pkcs12.serialize_key_and_certificates(
        b"shop", key, certificate, None, BestAvailableEncryption(b"open sesame")
    )
    value = base64.b64encode(packed).decode()
    wrong = refused(bench.vault, "POST", f"{SHOP}/import", {"value": value, "pwd": "guess"})
    assert (wrong.code, wrong.message) == (
        "BadParameter",
        "The specified network password is not correct.\r\n",
    )
    bundle = bench.vault("POST", f"{SHOP}/import", {"value": value, "pwd": "open sesame"}).body
    assert certificate_of(bundle) == certificate
    assert bench.vault("GET", "/secrets/shop").body["contentType"] == "application/x-pkcs12"


def broken_imports() -> dict[str, tuple[Json, str]]:
    key, certificate = files()
    other, _ = files()
    good = pem(key, certificate)
    old_key = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()
    public = certificate.public_bytes(Encoding.PEM).decode()
    return {
        "garbage": ({"value": base64.b64encode(b"garbage").decode()}, "PKCS#12 X.509 certificate content"),
        "no base64": ({"value": "?"}, "PKCS#12 X.509 certificate content"),
        "PEM without saying so": ({"value": good}, "PKCS#12 X.509 certificate content"),
        "no key": (pem_import(public), "Private key is not specified"),
        "old key format": (pem_import(old_key + public), "unexpected format"),
        "Windows lines": (pem_import(good.replace("\n", "\r\n")), "unexpected format"),
        "another's key": (pem_import(pem(other, certificate)), "does not match the public part"),
        "lifetime actions without type": (
            {"value": "", "policy": {"lifetime_actions": [{}]}},
            "Property policy",
        ),
    }


@pytest.mark.parametrize("case", sorted(broken_imports()))
def test_imports_that_cannot_be_read(bench: Bench, case: str) -> None:
    body, words = broken_imports()[case]
    refusal = refused(bench.vault, "POST", f"{SHOP}/import", body)
    assert (refusal.status, refusal.code) == (400, "BadParameter")
    assert words in refusal.message


def test_an_expired_certificate_cannot_be_imported(bench: Bench) -> None:
    key, certificate = files()
    bench.clock.pass_(91 * 86_400)
    refusal = refused(bench.vault, "POST", f"{SHOP}/import", pem_import(pem(key, certificate)))
    assert "expired" in refusal.message
