"""Certificates: a policy out, a policy back in, and a new version only where one is needed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from azure.keyvault.certificates import CertificateOperation, DeletedCertificate, KeyVaultCertificate
from azure.keyvault.certificates._generated.models import CertificateBundle, DeletedCertificateBundle
from azure.keyvault.certificates._generated.models import CertificateOperation as OperationBundle
from certificate_material import certificate, key_pem, new_key, pem, thumbprint

from providers.bench import PREFIX, PROFILE, TAGS, Bench, raised, refusal
from provision.errors import AccessDeniedError, ConflictError, ForeignError, ServiceError
from provision.plan.diff import diff
from provision.providers.azure.certificates import Certificates
from provision.providers.azure.cloud import Cloud
from provision.resources.certificate import BundleFile, Certificate
from provision.resources.observed import Absent, Present, Unread
from provision.resources.values import CaseInsensitive
from provision.resources.vault import KeyVault

VAULT = "https://kv-prod.vault.azure.net"
VERSION = "0123456789abcdef0123456789abcdef"
RSA = Certificate(
    name="kv-prod/shop-tls",
    vault="kv-prod",
    vault_subscription="sub",
    certificate_name="shop-tls",
    issuer="Self",
    subject="CN=shop.contoso.com",
    dns_names=frozenset({CaseInsensitive("shop.contoso.com"), CaseInsensitive("api.contoso.com")}),
    validity_months=12,
    renew_before_days=30,
    key_type="RSA",
    key_size=2048,
    curve=None,
)
EC = replace(RSA, key_type="EC", key_size=None, curve="P-256")


def bundle(
    *,
    enabled: bool = True,
    tags: Mapping[str, str] | None = None,
    x509: Mapping[str, Any] | None = None,
    key: Mapping[str, Any] | None = None,
    trigger: Mapping[str, int] | None = None,
    action: str = "AutoRenew",
    expires: int = 1886479269,
) -> KeyVaultCertificate:
    """A certificate as the data plane answers it (recording test_keyvault_certificate_import, 2020)."""
    properties: dict[str, Any] = {
        "subject": "CN=shop.contoso.com",
        "ekus": ["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"],
        "key_usage": ["digitalSignature", "keyEncipherment"],
        "sans": {"dns_names": ["API.contoso.com", "shop.contoso.com"]},
        "validity_months": 12,
    }
    answer: dict[str, Any] = {
        "id": f"{VAULT}/certificates/shop-tls/{VERSION}",
        "kid": f"{VAULT}/keys/shop-tls/{VERSION}",
        "sid": f"{VAULT}/secrets/shop-tls/{VERSION}",
        "x5t": "XLACe2aagyq0ncVXgsRP3-dgFks",
        "attributes": {
            "enabled": enabled,
            "nbf": 1571119269,
            "exp": expires,
            "created": 1597982150,
            "updated": 1597982150,
        },
        "tags": tags,
        "policy": {
            "id": f"{VAULT}/certificates/shop-tls/policy",
            "key_props": key or {"exportable": True, "kty": "RSA", "key_size": 2048, "reuse_key": False},
            "secret_props": {"contentType": "application/x-pkcs12"},
            "x509_props": {**properties, **(x509 or {})},
            "lifetime_actions": [
                {"trigger": trigger or {"days_before_expiry": 30}, "action": {"action_type": action}}
            ],
            "issuer": {"name": "Self"},
            "attributes": {"enabled": True, "created": 1597982150, "updated": 1597982150},
        },
    }
    # The way the SDK itself makes one of an answer; it has no public way from JSON.
    return KeyVaultCertificate._from_certificate_bundle(CertificateBundle(answer))


def ended(**fields: Any) -> CertificateOperation:
    """A pending operation that ended without a certificate."""
    answer: dict[str, Any] = {"id": f"{VAULT}/certificates/shop-tls/pending", "issuer": {"name": "DigiCert"}}
    answer.update(fields)
    return CertificateOperation._from_certificate_operation_bundle(OperationBundle(answer))


async def read(bench: Bench, answer: KeyVaultCertificate, resource: Certificate = RSA) -> Present:
    bench.certificates.get_certificate.return_value = answer
    observed = (await Certificates(bench.clients).read([resource], PROFILE)).objects[resource.address]
    assert isinstance(observed, Present)
    return observed


def policy_sent(call: Any) -> dict[str, Any]:
    """The policy of a call as it goes over the wire."""
    return dict(call.args[1]._to_certificate_policy_bundle().as_dict())


async def test_a_certificate_as_declared_is_no_difference(bench: Bench) -> None:
    """What the vault fills in by itself (key usage, extended key usage) is not declared."""
    observed = await read(bench, bundle())
    assert diff(RSA.properties(), observed.properties) == ()
    bench.clients.certificates.assert_called_with("kv-prod")
    bench.certificates.get_certificate.assert_awaited_once_with("shop-tls")


async def test_a_curve_is_read_where_the_key_has_one(bench: Bench) -> None:
    observed = await read(bench, bundle(key={"exportable": True, "kty": "EC", "crv": "P-256"}), EC)
    assert diff(EC.properties(), observed.properties) == ()


async def test_outputs_and_marks(bench: Bench) -> None:
    observed = await read(bench, bundle(tags=TAGS))
    assert observed.outputs == {
        "uri": f"{VAULT}/secrets/shop-tls",
        "thumbprint": "5CB0027B669A832AB49DC55782C44FDFE760164B",
        "expires": "2029-10-12",
        "names": (),
        "selfSigned": None,
        "lifetime": None,
        "tags": TAGS,
    }
    assert (observed.owner, observed.digest) == (PROFILE, TAGS["provision-digest"])
    assert observed.changed_at == "2020-08-21T03:55:50+00:00"


@pytest.mark.parametrize(
    ("answer", "path"),
    [
        (bundle(enabled=False), "enabled"),
        (bundle(x509={"subject": "CN=other"}), "subject"),
        (bundle(x509={"sans": {"dns_names": ["shop.contoso.com"]}}), "dnsNames"),
        (bundle(x509={"sans": None}), "dnsNames"),
        (bundle(x509={"validity_months": 24}), "validityMonths"),
        (bundle(trigger={"days_before_expiry": 10}), "renewBeforeDays"),
        (bundle(trigger={"lifetime_percentage": 80}), "renewBeforeDays"),
        (bundle(action="EmailContacts"), "renewal"),
        (bundle(key={"exportable": True, "kty": "RSA", "key_size": 4096}), "keySize"),
        (bundle(key={"exportable": False, "kty": "RSA", "key_size": 2048}), "exportable"),
    ],
)
async def test_what_differs_is_named(bench: Bench, answer: KeyVaultCertificate, path: str) -> None:
    observed = await read(bench, answer)
    assert [change.path for change in diff(RSA.properties(), observed.properties)] == [path]


@pytest.mark.parametrize(
    ("trigger", "differing"),
    [
        ({"lifetime_percentage": 80}, []),
        ({"lifetime_percentage": 90}, [("renewAtPercent", 90, 80)]),
        ({"days_before_expiry": 30}, [("renewAtPercent", None, 80)]),
    ],
)
async def test_renewal_by_percentage(
    bench: Bench, trigger: Mapping[str, int], differing: list[tuple[str, int | None, int]]
) -> None:
    """Of the two forms only the declared one is compared."""
    observed = await read(bench, bundle(trigger=trigger))
    found = diff(replace(RSA, renew_at_percent=80).properties(), observed.properties)
    assert [(change.path, change.before, change.after) for change in found] == differing


async def test_a_certificate_that_is_not_there_is_absent(bench: Bench) -> None:
    bench.certificates.get_certificate.side_effect = refusal(404, "CertificateNotFound")
    reading = await Certificates(bench.clients).read([RSA], PROFILE)
    absent = reading.objects[RSA.address]
    assert absent == Absent(outputs={"uri": f"{bench.clients.cloud.vault_url('kv-prod')}/secrets/shop-tls"})


async def test_a_vault_that_is_not_there_yet_is_not_asked(bench: Bench) -> None:
    """Its name would be remembered as one that does not exist."""
    id_ = f"{PREFIX}/Microsoft.KeyVault/vaults/kv-prod"
    bench.vaults.get.side_effect = refusal(404, "ResourceNotFound")
    made = [replace(RSA, made_vault=id_), replace(RSA, name="kv-prod/b", made_vault=id_)]
    handler = Certificates(bench.clients)
    objects = (await handler.read(made, PROFILE)).objects
    assert {type(each) for each in objects.values()} == {Absent}
    assert all(isinstance(each, Absent) and each.outputs["uri"] for each in objects.values())
    found = await handler.search([KeyVault(name="kv-prod", id=id_, create=True)], PROFILE)
    assert (found.orphans, found.objects) == ((), {})
    assert bench.certificates.method_calls == []
    assert bench.vaults.get.await_count == 2


async def test_one_that_was_asked_for_and_never_made_is_absent(bench: Bench) -> None:
    bench.certificates.get_certificate.return_value = KeyVaultCertificate._from_certificate_bundle(
        CertificateBundle(
            {"id": f"{VAULT}/certificates/shop-tls/{VERSION}", "attributes": {"enabled": False}}
        )
    )
    bench.certificates.get_certificate_operation.side_effect = [
        ended(status="inProgress"),
        refusal(404, "PendingCertificateNotFound"),
    ]
    for note in ("a request to DigiCert is under way", "it was asked for and never made"):
        reading = await Certificates(bench.clients).read([RSA], PROFILE)
        absent = reading.objects[RSA.address]
        assert isinstance(absent, Absent)
        assert absent.note == note


async def test_an_answer_without_a_policy_is_unread(bench: Bench) -> None:
    bench.certificates.get_certificate.return_value = KeyVaultCertificate()
    unread = (await Certificates(bench.clients).read([RSA], PROFILE)).objects[RSA.address]
    assert isinstance(unread, Unread)
    assert "holds no policy" in unread.error.why


@pytest.mark.parametrize(
    ("resource", "key"),
    [
        (RSA, {"exportable": True, "kty": "RSA", "key_size": 2048, "reuse_key": False}),
        (EC, {"exportable": True, "kty": "EC", "crv": "P-256", "reuse_key": False}),
    ],
    ids=["rsa", "ec"],
)
async def test_creating_sends_the_whole_policy_and_our_tags(
    bench: Bench, resource: Certificate, key: Mapping[str, Any]
) -> None:
    bench.certificates.create_certificate.return_value = bundle(tags=TAGS)
    made = await Certificates(bench.clients).create(resource, bench.work())
    call = bench.certificates.create_certificate.await_args
    assert call.args[0] == "shop-tls"
    sent = policy_sent(call)
    assert {name: value for name, value in sent.pop("key_props").items() if value is not None} == key
    names = sent["x509_props"].pop("sans")
    assert names["dns_names"] == ["api.contoso.com", "shop.contoso.com"]
    assert not any(value for name, value in names.items() if name != "dns_names")
    assert _without_none(sent) == {
        "secret_props": {"contentType": "application/x-pkcs12"},
        "x509_props": {"subject": "CN=shop.contoso.com", "validity_months": 12},
        "lifetime_actions": [{"trigger": {"days_before_expiry": 30}, "action": {"action_type": "AutoRenew"}}],
        "issuer": {"name": "Self"},
    }
    assert call.kwargs == {"enabled": True, "tags": TAGS, "_polling_interval": 5.0}
    assert made.owner == PROFILE


def _without_none(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _without_none(member) for name, member in value.items() if member is not None}
    if isinstance(value, list):
        return [_without_none(member) for member in value]
    return value


async def test_polling_keeps_the_pace_of_the_cloud(bench: Bench) -> None:
    bench.clients.cloud = Cloud("x", "https://arm", "https://entra", "vault.localhost:1", pace=0.01)
    bench.certificates.create_certificate.return_value = bundle()
    handler = Certificates(bench.clients)
    await handler.create(RSA, bench.work())
    await handler.delete(RSA, Present(), bench.work())
    assert bench.certificates.create_certificate.await_args.kwargs["_polling_interval"] == 0.05
    assert bench.certificates.delete_certificate.await_args.kwargs["_polling_interval"] == 0.02


@pytest.mark.parametrize(
    ("operation", "why"),
    [
        (
            ended(status="failed", error={"code": "IssuerRefused", "message": "Domain not validated."}),
            "Key Vault ended the request as failed: IssuerRefused: Domain not validated.",
        ),
        (
            ended(status="cancelled", status_details="The operation was cancelled."),
            "Key Vault ended the request as cancelled: The operation was cancelled.",
        ),
        (ended(status="cancelled"), "Key Vault ended the request as cancelled"),
    ],
    ids=["failed", "cancelled", "without-a-word"],
)
async def test_a_request_that_ends_without_a_certificate_says_why(
    bench: Bench, operation: CertificateOperation, why: str
) -> None:
    bench.certificates.create_certificate.return_value = operation
    with pytest.raises(ServiceError) as caught:
        await Certificates(bench.clients).create(RSA, bench.work())
    assert caught.value.doing == "creating certificate/kv-prod/shop-tls"
    assert caught.value.why == why
    assert caught.value.command == "provision certificate cancel PROFILE shop-tls"


def conflict(inner: str, message: str = "No.") -> Exception:
    error = {"code": "Conflict", "message": message, "innererror": {"code": inner}}
    return raised(409, json.dumps({"error": error}))


HELD = conflict(
    "ObjectIsDeletedButRecoverable",
    "Certificate shop-tls is currently in a deleted but recoverable state.",
)


def deleted(tags: Mapping[str, str] | None) -> DeletedCertificate:
    answer = {
        "id": f"{VAULT}/certificates/shop-tls",
        "attributes": {"enabled": True},
        "tags": tags,
        "policy": {},
    }
    return DeletedCertificate._from_deleted_certificate_bundle(DeletedCertificateBundle(answer))


RECOVERY = ["create_certificate", "get_deleted_certificate", "recover_deleted_certificate", "get_certificate"]
IN_PLACE = ["update_certificate_properties", "get_certificate"]


@pytest.mark.parametrize(
    ("recovered", "calls"),
    [
        (bundle(tags=TAGS), IN_PLACE),
        (bundle(tags=TAGS, enabled=False), IN_PLACE),
        (bundle(tags=TAGS, trigger={"days_before_expiry": 10}), ["update_certificate_policy", *IN_PLACE]),
        (bundle(tags=TAGS, x509={"validity_months": 24}), ["create_certificate"]),
        (bundle(tags=TAGS, expires=1571119270), ["create_certificate"]),
    ],
    ids=["as declared", "disabled", "renewed later", "of another policy", "expired"],
)
async def test_a_deleted_one_of_ours_is_recovered_and_made_again_only_where_it_must(
    bench: Bench, recovered: KeyVaultCertificate, calls: list[str]
) -> None:
    bench.certificates.create_certificate.side_effect = [HELD, bundle(tags=TAGS)]
    bench.certificates.get_deleted_certificate.return_value = deleted(TAGS)
    bench.certificates.get_certificate.side_effect = [recovered, bundle(tags=TAGS)]
    made = await Certificates(bench.clients).create(RSA, bench.work())
    assert [call[0] for call in bench.certificates.method_calls] == [*RECOVERY, *calls]
    bench.certificates.recover_deleted_certificate.assert_awaited_once_with("shop-tls", _polling_interval=2.0)
    assert bench.told == ["a deleted certificate holds the name, recovering it"]
    assert made.owner == PROFILE
    assert diff(RSA.properties(), made.properties) == ()


@pytest.mark.parametrize("tags", [None, {}, {"provision-profile": "test"}], ids=["null", "none", "another"])
async def test_a_deleted_one_of_others_is_left_where_it_is(
    bench: Bench, tags: Mapping[str, str] | None
) -> None:
    bench.certificates.create_certificate.side_effect = [HELD]
    bench.certificates.get_deleted_certificate.return_value = deleted(tags)
    with pytest.raises(ForeignError) as caught:
        await Certificates(bench.clients).create(RSA, bench.work())
    assert caught.value.doing == "creating certificate/kv-prod/shop-tls"
    assert caught.value.command == "az keyvault certificate recover --vault-name kv-prod --name shop-tls"
    bench.certificates.recover_deleted_certificate.assert_not_awaited()


async def test_a_name_that_is_being_freed_is_waited_for(bench: Bench) -> None:
    """After a purge or a recovery, which go on when they are answered."""
    bench.certificates.create_certificate.side_effect = [
        conflict("ObjectIsBeingDeleted"),
        conflict("ObjectIsBeingRecovered"),
        bundle(tags=TAGS),
    ]
    made = await Certificates(bench.clients).create(RSA, bench.work())
    assert made.owner == PROFILE
    assert bench.waits() == [2.0, 4.0]
    assert bench.told == [
        "the certificate that had the name is still being removed, trying again in 2 s",
        "the certificate of that name is still being recovered, trying again in 4 s",
    ]


async def test_but_not_without_end(bench: Bench) -> None:
    bench.certificates.create_certificate.side_effect = conflict("ObjectIsBeingDeleted")
    with pytest.raises(ConflictError, match="creating certificate/kv-prod/shop-tls: Conflict: No"):
        await Certificates(bench.clients).create(RSA, bench.work())
    assert sum(bench.waits()) == 299


async def test_a_request_of_an_earlier_profile_is_followed_by_one_of_this(bench: Bench) -> None:
    """It was under way when apply was interrupted; then the profile was edited."""
    bench.certificates.create_certificate.side_effect = [
        refusal(409, "Conflict", "A new key vault certificate can not be created while …"),
        bundle(tags=TAGS),
    ]
    bench.certificates.get_certificate_operation.side_effect = [
        ended(status="inProgress", issuer={"name": "Self"}),
        ended(status="completed", issuer={"name": "Self"}),
    ]
    bench.certificates.get_certificate.return_value = bundle(tags=TAGS, x509={"validity_months": 24})
    made = await Certificates(bench.clients).create(RSA, bench.work())
    assert diff(RSA.properties(), made.properties) == ()
    assert bench.certificates.create_certificate.await_count == 2


async def test_nothing_is_imported_while_a_request_is_under_way(bench: Bench, tmp_path: Path) -> None:
    key = new_key()
    held = certificate(key, "shop.contoso.com")
    (tmp_path / "shop.pem").write_bytes(key_pem(key) + pem(held))
    source = BundleFile(file=str(tmp_path / "shop.pem"), password="", thumbprint=thumbprint(held))
    bench.certificates.import_certificate.side_effect = refusal(409, "Conflict", "A new key vault …")
    bench.certificates.get_certificate_operation.return_value = ended(status="inProgress")
    with pytest.raises(ConflictError, match=r"importing .*: a request to DigiCert is under way") as caught:
        await Certificates(bench.clients).create(replace(RSA, source=source), bench.work())
    assert caught.value.command == "provision certificate cancel PROFILE shop-tls"


async def update(bench: Bench, answer: KeyVaultCertificate, resource: Certificate = RSA) -> Sequence[str]:
    """Update what differs; the names of the calls that were made."""
    observed = await read(bench, answer)
    bench.certificates.reset_mock()
    bench.certificates.create_certificate.return_value = bundle()
    fields = diff(resource.properties(), observed.properties)
    await Certificates(bench.clients).update(resource, observed, fields, bench.work())
    return [call[0] for call in bench.certificates.method_calls]


async def test_enabling_again_needs_no_new_version_and_no_policy(bench: Bench) -> None:
    assert await update(bench, bundle(enabled=False)) == ["update_certificate_properties", "get_certificate"]
    bench.certificates.update_certificate_properties.assert_awaited_once_with(
        "shop-tls", enabled=True, tags=TAGS
    )


@pytest.mark.parametrize("enabled", [True, False])
async def test_another_renewal_needs_no_new_version(bench: Bench, enabled: bool) -> None:
    assert await update(bench, bundle(enabled=enabled, trigger={"days_before_expiry": 10})) == [
        "update_certificate_policy",
        "update_certificate_properties",
        "get_certificate",
    ]
    call = bench.certificates.update_certificate_policy.await_args
    assert call.args[0] == "shop-tls"
    assert policy_sent(call)["lifetime_actions"] == [
        {"trigger": {"days_before_expiry": 30}, "action": {"action_type": "AutoRenew"}}
    ]
    assert bench.certificates.update_certificate_properties.await_args.kwargs["tags"] == TAGS


async def test_a_percentage_takes_the_place_of_days(bench: Bench) -> None:
    resource = replace(RSA, renew_at_percent=75, renewal="EmailContacts")
    observed = await read(bench, bundle(), resource)
    bench.certificates.reset_mock()
    bench.certificates.get_certificate.return_value = bundle()
    fields = diff(resource.properties(), observed.properties)
    await Certificates(bench.clients).update(resource, observed, fields, bench.work())
    call = bench.certificates.update_certificate_policy.await_args
    assert policy_sent(call)["lifetime_actions"] == [
        {"trigger": {"lifetime_percentage": 75}, "action": {"action_type": "EmailContacts"}}
    ]
    bench.certificates.create_certificate.assert_not_called()


@pytest.mark.parametrize(
    "answer",
    [
        bundle(x509={"subject": "CN=other"}),
        bundle(x509={"validity_months": 24}),
        bundle(key={"exportable": True, "kty": "RSA", "key_size": 4096}),
        bundle(enabled=False, x509={"sans": {"dns_names": ["shop.contoso.com"]}}),
    ],
    ids=["subject", "validity", "key", "names-and-enabled"],
)
async def test_key_names_and_validity_need_a_new_version(bench: Bench, answer: KeyVaultCertificate) -> None:
    assert await update(bench, answer) == ["create_certificate"]


async def test_deleting_waits_until_it_is_in_the_bin(bench: Bench) -> None:
    await Certificates(bench.clients).delete(RSA, Present(), bench.work())
    bench.certificates.delete_certificate.assert_awaited_once_with("shop-tls", _polling_interval=2.0)


async def test_refusals_name_the_certificate(bench: Bench) -> None:
    forbidden = refusal(403, "Forbidden", "Caller is not authorized.")
    bench.certificates.create_certificate.side_effect = refusal(409, "Conflict", "It is being recovered.")
    bench.certificates.update_certificate_properties.side_effect = forbidden
    bench.certificates.delete_certificate.side_effect = forbidden
    handler = Certificates(bench.clients)
    with pytest.raises(ConflictError, match="creating certificate/kv-prod/shop-tls: Conflict: It is being"):
        await handler.create(RSA, bench.work())
    with pytest.raises(AccessDeniedError, match="updating certificate/kv-prod/shop-tls"):
        await handler.update(RSA, Present(), [], bench.work())
    with pytest.raises(AccessDeniedError, match="deleting certificate/kv-prod/shop-tls"):
        await handler.delete(RSA, Present(), bench.work())
