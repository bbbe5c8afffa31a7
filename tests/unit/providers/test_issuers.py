"""Certificate issuers and contacts of a vault."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from azure.keyvault.certificates import (
    AdministratorContact,
    CertificateContact,
    CertificatePolicy,
    CertificateProperties,
)
from azure.keyvault.certificates import (
    CertificateIssuer as Account,
)

from providers.bench import PROFILE, TAGS, Bench, paged, refusal
from provision.errors import ForeignError, ServiceError, UsageError
from provision.plan.diff import diff
from provision.providers.azure.issuers import Contacts, Issuers
from provision.resources.issuer import CertificateContacts, CertificateIssuer, person
from provision.resources.observed import Absent, Present, Unread

PEOPLE = (person("ca@contoso.com", firstName="Ca", lastName="Admin", phone="+49"),)
ISSUER = CertificateIssuer(
    name="kv/digicert",
    vault="kv",
    vault_owner="",
    issuer_name="digicert",
    provider="DigiCert",
    account_id="123",
    password="env:TEST_CA_KEY",
    organization_id="456",
    administrators=PEOPLE,
)
CONTACTS = CertificateContacts(
    name="kv",
    vault="kv",
    vault_owner="",
    contacts=(person("a@contoso.com", name="A"), person("b@contoso.com", phone="+49")),
)
PASSWORD = "canary-6e1d"


def account(**changed: Any) -> Account:
    admin = AdministratorContact(first_name="Ca", last_name="Admin", email="ca@contoso.com", phone="+49")
    known = {
        "provider": "DigiCert",
        "account_id": "123",
        "organization_id": "456",
        "admin_contacts": [admin],
        "issuer_id": "https://kv.vault.azure.net/certificates/issuers/digicert",
    }
    return Account(**{**known, **changed})


@pytest.fixture(autouse=True)
def password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_CA_KEY", PASSWORD)


async def read(bench: Bench, answer: Account, resource: CertificateIssuer = ISSUER) -> Present:
    bench.certificates.get_issuer.return_value = answer
    observed = (await Issuers(bench.clients).read([resource], PROFILE)).objects[resource.address]
    assert isinstance(observed, Present)
    return observed


async def test_an_issuer_as_declared_is_ours(bench: Bench) -> None:
    observed = await read(bench, account())
    assert diff(ISSUER.properties(), observed.properties) == ()
    assert observed.owner == PROFILE


@pytest.mark.parametrize(("vault_owner", "owner"), [("", None), ("other", None), (PROFILE, PROFILE)])
async def test_one_that_differs_is_ours_only_in_a_vault_of_ours(
    bench: Bench, vault_owner: str, owner: str | None
) -> None:
    observed = await read(bench, account(account_id="9"), replace(ISSUER, vault_owner=vault_owner))
    assert [field.path for field in diff(ISSUER.properties(), observed.properties)] == ["accountId"]
    assert observed.owner == owner


async def test_what_is_not_declared_is_not_compared(bench: Bench) -> None:
    less = replace(ISSUER, organization_id=None, administrators=())
    assert diff(less.properties(), (await read(bench, account(), less)).properties) == ()


async def test_an_issuer_that_is_absent_or_unread(bench: Bench) -> None:
    bench.certificates.get_issuer.side_effect = refusal(404, "CertificateIssuerNotFound")
    assert (await Issuers(bench.clients).read([ISSUER], PROFILE)).objects == {ISSUER.address: Absent()}
    bench.certificates.get_issuer.side_effect = refusal(500, "InternalError")
    (observed,) = (await Issuers(bench.clients).read([ISSUER], PROFILE)).objects.values()
    assert isinstance(observed, Unread)


@pytest.mark.parametrize("verb", ["create", "update"])
async def test_a_write_sends_the_whole_issuer_with_its_password(bench: Bench, verb: str) -> None:
    bench.certificates.create_issuer.return_value = account()
    handler = Issuers(bench.clients)
    if verb == "create":
        written = await handler.create(ISSUER, bench.work())
    else:
        written = await handler.update(ISSUER, Present(), [], bench.work())
    assert diff(ISSUER.properties(), written.properties) == ()
    call = bench.certificates.create_issuer.await_args
    (admin,) = call.kwargs.pop("admin_contacts")
    assert (admin.first_name, admin.last_name, admin.email, admin.phone) == (
        "Ca", "Admin", "ca@contoso.com", "+49",
    )  # fmt: skip
    assert call.args == ("digicert", "DigiCert")
    assert call.kwargs == {
        "enabled": True, "account_id": "123", "password": PASSWORD, "organization_id": "456",
    }  # fmt: skip
    assert PASSWORD not in repr((written, ISSUER, bench.told))


async def test_a_write_keeps_what_is_not_declared(bench: Bench) -> None:
    bench.certificates.get_issuer.return_value = account()
    bench.certificates.create_issuer.return_value = account()
    less = replace(ISSUER, organization_id=None, administrators=())
    await Issuers(bench.clients).update(less, Present(), [], bench.work())
    sent = bench.certificates.create_issuer.await_args.kwargs
    assert sent["organization_id"] == "456"
    assert [each.email for each in sent["admin_contacts"]] == ["ca@contoso.com"]


async def test_a_refusal_does_not_repeat_the_password(bench: Bench) -> None:
    bench.certificates.create_issuer.side_effect = refusal(400, "BadParameter", "Credentials are wrong.")
    with pytest.raises(ServiceError, match="creating certificate_issuer/kv/digicert") as caught:
        await Issuers(bench.clients).create(ISSUER, bench.work())
    assert PASSWORD not in str(caught.value) + repr(caught.value)


async def test_without_its_password_nothing_is_sent(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TEST_CA_KEY")
    with pytest.raises(UsageError, match="the variable TEST_CA_KEY is not set"):
        await Issuers(bench.clients).create(ISSUER, bench.work())
    bench.certificates.create_issuer.assert_not_awaited()


def certificates(bench: Bench, issuers: Sequence[str], tags: dict[str, str] | None) -> None:
    base = "https://kv.vault.azure.net/certificates"
    bench.certificates.list_properties_of_certificates.return_value = paged(
        *(CertificateProperties(cert_id=f"{base}/c{index}", tags=tags) for index in range(len(issuers)))
    )
    bench.certificates.get_certificate_policy.side_effect = [
        CertificatePolicy(issuer_name=name, subject="CN=x") for name in issuers
    ]


async def test_an_issuer_that_others_use_stays(bench: Bench) -> None:
    certificates(bench, ["Self", "DigiCert"], None)
    with pytest.raises(ForeignError, match=r"are renewed through it \(c1\)"):
        await Issuers(bench.clients).delete(ISSUER, Present(), bench.work())
    bench.certificates.delete_issuer.assert_not_awaited()


@pytest.mark.parametrize(("issuers", "tags"), [(["Self"], None), (["digicert"], TAGS), ([], None)])
async def test_an_issuer_that_nobody_else_uses_goes(
    bench: Bench, issuers: Sequence[str], tags: dict[str, str] | None
) -> None:
    certificates(bench, issuers, tags)
    await Issuers(bench.clients).delete(ISSUER, Present(), bench.work())
    bench.certificates.delete_issuer.assert_awaited_once_with("digicert")


A, B = CertificateContact("a@contoso.com", "A"), CertificateContact("B@contoso.com", None, "+49")
STRANGER = CertificateContact("c@contoso.com")


async def contacts(
    bench: Bench, there: Sequence[CertificateContact], resource: CertificateContacts = CONTACTS
) -> Present:
    bench.certificates.get_contacts.return_value = list(there)
    observed = (await Contacts(bench.clients).read([resource], PROFILE)).objects[resource.address]
    assert isinstance(observed, Present)
    return observed


async def test_the_order_of_contacts_means_nothing(bench: Bench) -> None:
    same = CertificateContact("b@contoso.com", None, "+49")
    assert diff(CONTACTS.properties(), (await contacts(bench, [same, A])).properties) == ()


@pytest.mark.parametrize(
    ("there", "vault_owner", "owner"),
    [
        ([A, B], "", PROFILE),
        ([A], "", PROFILE),
        ([A, STRANGER], "", None),
        ([A, STRANGER], PROFILE, PROFILE),
    ],
    ids=["all of them", "some of them", "somebody else", "somebody else in our vault"],
)
async def test_a_list_without_strangers_is_ours(
    bench: Bench, there: Sequence[CertificateContact], vault_owner: str, owner: str | None
) -> None:
    assert (await contacts(bench, there, replace(CONTACTS, vault_owner=vault_owner))).owner == owner


async def test_no_contacts(bench: Bench) -> None:
    bench.certificates.get_contacts.side_effect = refusal(404, "ContactsNotFound")
    assert (await Contacts(bench.clients).read([CONTACTS], PROFILE)).objects == {CONTACTS.address: Absent()}


async def test_the_whole_list_is_written_and_deleted(bench: Bench) -> None:
    bench.certificates.set_contacts.return_value = [A, CertificateContact("b@contoso.com", None, "+49")]
    handler = Contacts(bench.clients)
    written = await handler.update(CONTACTS, Present(), [], bench.work())
    assert diff(CONTACTS.properties(), written.properties) == ()
    (sent,) = bench.certificates.set_contacts.await_args.args
    assert [(each.email, each.name, each.phone) for each in sent] == [
        ("a@contoso.com", "A", None),
        ("b@contoso.com", None, "+49"),
    ]
    await handler.delete(CONTACTS, written, bench.work())
    bench.certificates.delete_contacts.assert_awaited_once_with()
