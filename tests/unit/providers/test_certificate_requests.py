"""Requests that take their time: begun, found again, given up waiting for, ended otherwise."""

from __future__ import annotations

import asyncio
import base64
import json
from dataclasses import replace
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.keyvault.certificates import CertificateOperation, KeyVaultCertificate
from azure.keyvault.certificates._generated.models import CertificateOperation as OperationBundle
from certificate_material import signing_request

from provision.errors import ConflictError, ServiceError
from provision.providers.azure import certificate_requests
from provision.providers.azure.certificate_requests import request
from provision.providers.azure.cloud import Cloud
from provision.resources.certificate import Certificate
from provision.resources.values import CaseInsensitive

from .bench import Bench, raised, refusal

RESOURCE = Certificate(
    name="kv/shop-tls",
    vault="kv",
    vault_subscription="s",
    certificate_name="shop-tls",
    issuer="digicert",
    subject="CN=shop.contoso.com",
    key_size=2048,
)
OUTSIDE = replace(RESOURCE, issuer="Unknown")
MADE = KeyVaultCertificate()


def operation(status: str, issuer: str = "digicert", **fields: Any) -> CertificateOperation:
    answer = {"id": "https://kv/certificates/shop-tls/pending", "issuer": {"name": issuer}, "status": status}
    return CertificateOperation._from_certificate_operation_bundle(OperationBundle({**answer, **fields}))


def inner(code: str) -> str:
    return json.dumps({"error": {"code": "Conflict", "message": "No.", "innererror": {"code": code}}})


async def asked(bench: Bench, resource: Certificate = RESOURCE) -> tuple[KeyVaultCertificate, bool]:
    return await request(bench.clients, resource, {"a": "b"}, bench.told.append)


async def test_a_request_is_begun_where_none_is_under_way(bench: Bench) -> None:
    bench.certificates.get_certificate_operation.side_effect = ResourceNotFoundError()
    bench.certificates.create_certificate.return_value = MADE
    assert await asked(bench) == (MADE, True)
    assert bench.certificates.create_certificate.await_args.kwargs["tags"] == {"a": "b"}


async def test_one_that_ended_before_does_not_count(bench: Bench) -> None:
    bench.certificates.get_certificate_operation.return_value = operation("completed")
    bench.certificates.create_certificate.return_value = MADE
    assert await asked(bench) == (MADE, True)


async def test_one_that_is_under_way_is_gone_on_with(bench: Bench) -> None:
    under_way = operation("inProgress")
    bench.certificates.get_certificate_operation.side_effect = [under_way, under_way, operation("completed")]
    bench.certificates.get_certificate.return_value = MADE
    assert await asked(bench) == (MADE, False)
    bench.certificates.create_certificate.assert_not_awaited()
    assert bench.told == ["going on with the request that is under way", "waiting for digicert, 0 s"]
    assert bench.waits() == [5.0]


SELF = replace(RESOURCE, issuer="Self")


@pytest.mark.parametrize("seen", [["inProgress", "completed"], ["completed", "completed"]])
async def test_one_of_the_vault_itself_is_found_when_it_is_in_the_way(bench: Bench, seen: list[str]) -> None:
    """An apply that was interrupted left it: the vault refuses another one while it runs."""
    bench.certificates.create_certificate.side_effect = refusal(409, "Conflict", "A new key vault …")
    bench.certificates.get_certificate_operation.side_effect = [operation(each, "Self") for each in seen]
    bench.certificates.get_certificate.return_value = MADE
    assert await asked(bench, SELF) == (MADE, False)


@pytest.mark.parametrize(
    ("refused", "there"),
    [
        (refusal(409, "Conflict", "Another one."), ResourceNotFoundError()),
        (refusal(409, "Conflict", "Another one."), operation("failed", "Self")),
        (refusal(429, "Throttled", "Slow down."), operation("inProgress", "Self")),
        (raised(409, inner("ObjectIsBeingDeleted")), operation("inProgress", "Self")),
    ],
    ids=["nothing under way", "one that failed", "too many requests", "the name in work"],
)
async def test_other_refusals_are_what_they_are(bench: Bench, refused: Exception, there: Any) -> None:
    bench.certificates.create_certificate.side_effect = refused
    bench.certificates.get_certificate_operation.side_effect = [there]
    with pytest.raises(HttpResponseError) as caught:
        await asked(bench, SELF)
    assert caught.value is refused


@pytest.mark.parametrize(
    ("names", "why"),
    [
        (["shop.contoso.com"], "its request waits in the vault"),
        (["SHOP.contoso.com"], "its request waits in the vault"),
        (["old.contoso.com"], "is for old.contoso.com, and the profile says shop.contoso.com"),
        ([], "its request waits in the vault"),
    ],
)
async def test_a_request_for_other_names_is_not_to_be_signed(
    bench: Bench, names: list[str], why: str
) -> None:
    """The profile changed while it waited for its authority."""
    asked_for = {"csr": base64.b64encode(signing_request(*names)).decode()}
    bench.certificates.get_certificate_operation.return_value = operation(
        "inProgress", "Unknown", **asked_for
    )
    with pytest.raises(ConflictError, match=why):
        await asked(bench, replace(OUTSIDE, dns_names=frozenset({CaseInsensitive("shop.contoso.com")})))


async def test_an_authority_is_not_waited_for_without_end(bench: Bench) -> None:
    bench.certificates.get_certificate_operation.return_value = operation(
        "inProgress", status_details="Organization validation."
    )
    with pytest.raises(
        ConflictError, match="has not issued it after 10 minutes: Organization validation"
    ) as e:
        await asked(bench)
    assert e.value.command == "provision certificate cancel PROFILE shop-tls"
    assert sum(bench.waits()) == 600


async def test_nor_is_one_that_was_just_asked(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certificate_requests, "_LEAST_PATIENCE", 0.001)
    bench.clients.cloud = Cloud("x", "https://arm", "https://entra", "vault.localhost:1", pace=0.00001)
    bench.certificates.get_certificate_operation.side_effect = ResourceNotFoundError()

    async def never(*_: Any, **__: Any) -> None:
        await asyncio.Event().wait()

    bench.certificates.create_certificate.side_effect = never
    with pytest.raises(ConflictError, match="digicert has not issued it after 10 minutes"):
        await asked(bench)


@pytest.mark.parametrize("begun", [True, False])
async def test_outside_of_the_vault_somebody_has_to_bring_it(bench: Bench, begun: bool) -> None:
    under_way = operation("inProgress", "Unknown")
    bench.certificates.get_certificate_operation.side_effect = [
        under_way if begun else ResourceNotFoundError()
    ]
    bench.certificates.create_certificate.return_value = under_way
    with pytest.raises(ConflictError, match="waits in the vault for a certification authority") as caught:
        await asked(bench, OUTSIDE)
    assert "provision certificate merge PROFILE shop-tls CHAIN.pem" in caught.value.command
    assert bench.certificates.create_certificate.await_count == (not begun)


async def test_a_request_to_another_issuer_is_in_the_way(bench: Bench) -> None:
    bench.certificates.get_certificate_operation.return_value = operation("inProgress", "globalsign")
    with pytest.raises(ConflictError, match="a request to globalsign is under way for it, and the profile"):
        await asked(bench)


async def test_a_request_that_fails_while_it_is_waited_for(bench: Bench) -> None:
    failed = operation("failed", error={"code": "IssuerRefused", "message": "Domain not validated."})
    bench.certificates.get_certificate_operation.side_effect = [operation("inProgress"), failed]
    with pytest.raises(ServiceError, match="as failed: IssuerRefused: Domain not validated"):
        await asked(bench)
