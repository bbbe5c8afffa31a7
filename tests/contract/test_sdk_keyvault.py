"""The real asynchronous SDKs against the sandbox's key vaults."""

from __future__ import annotations

import socket
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from azure.core.exceptions import HttpResponseError
from azure.core.pipeline.transport import AioHttpTransport
from azure.identity.aio import ClientSecretCredential
from azure.keyvault.certificates import CertificatePolicy, KeyVaultCertificate, WellKnownIssuerNames
from azure.keyvault.certificates.aio import CertificateClient
from azure.mgmt.keyvault.aio import KeyVaultManagementClient
from azure.mgmt.keyvault.models import Sku, VaultCreateOrUpdateParameters, VaultProperties

from provision.sandbox.azure import SUBSCRIPTION, TENANT
from provision.sandbox.seed import CLIENTS
from provision.sandbox.server import Sandbox

VAULT = "kv-contoso-prod"
SHOP = CertificatePolicy(
    issuer_name=WellKnownIssuerNames.self,
    subject="CN=shop.contoso.com",
    san_dns_names=["shop.contoso.com"],
    key_type="EC",
    key_curve_name="P-256",
)


class Loopback(AbstractResolver):
    """Every name is this machine."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [
            ResolveResult(hostname=host, host="127.0.0.1", port=port, family=socket.AF_INET, proto=0, flags=0)
        ]

    async def close(self) -> None:
        pass


@dataclass(frozen=True, slots=True)
class Clients:
    """SDK clients of one sandbox on one session."""

    sandbox: Sandbox
    session: aiohttp.ClientSession

    def credential(self, client: str) -> ClientSecretCredential:
        known = CLIENTS[client]
        return ClientSecretCredential(
            TENANT,
            known.client_id,
            known.secret,
            authority=self.sandbox.url,
            disable_instance_discovery=True,
            transport=self.transport(),
        )

    def transport(self) -> AioHttpTransport:
        return AioHttpTransport(session=self.session, session_owner=False)

    def certificates(self, client: str = "owner") -> CertificateClient:
        url = f"https://{VAULT}.vault.localhost:{self.sandbox.port}"
        return CertificateClient(url, self.credential(client), transport=self.transport())

    def management(self) -> KeyVaultManagementClient:
        return KeyVaultManagementClient(
            self.credential("owner"), SUBSCRIPTION, base_url=self.sandbox.url, transport=self.transport()
        )


@pytest.fixture
async def clients(tmp_path: Path) -> AsyncIterator[Clients]:
    async with Sandbox(tmp_path / "state.db", speed=100_000.0) as sandbox:
        context = ssl.create_default_context(cafile=str(sandbox.ca_path))
        connector = aiohttp.TCPConnector(ssl=context, resolver=Loopback())
        async with aiohttp.ClientSession(connector=connector) as session:
            yield Clients(sandbox, session)


async def test_life_of_a_certificate(clients: Clients) -> None:
    vault = clients.certificates()
    made = await vault.create_certificate("shop-tls", SHOP, tags={"provision-profile": "prod"})
    assert isinstance(made, KeyVaultCertificate)
    assert made.properties is not None
    assert made.properties.tags == {"provision-profile": "prod"}
    assert (await vault.get_certificate_policy("shop-tls")).san_dns_names == ["shop.contoso.com"]
    assert (await vault.get_certificate_operation("shop-tls")).status == "completed"
    assert [each.name async for each in vault.list_properties_of_certificates()] == ["shop-tls"]
    await vault.create_certificate("shop-tls", SHOP)
    versions = {each.version async for each in vault.list_properties_of_certificate_versions("shop-tls")}
    assert len(versions) == 2
    assert made.properties.version in versions
    await vault.delete_certificate("shop-tls")
    with pytest.raises(HttpResponseError) as refused:
        await vault.create_certificate("shop-tls", SHOP)
    assert refused.value.status_code == 409
    recovered = await vault.recover_deleted_certificate("shop-tls")
    assert recovered.name == "shop-tls"


async def test_a_reader_of_the_subscription_reads_no_certificate(clients: Clients) -> None:
    with pytest.raises(HttpResponseError) as refused:
        await clients.certificates("reader").get_certificate("shop-tls")
    assert refused.value.status_code == 403
    assert refused.value.error is not None
    assert refused.value.error.innererror == {"code": "ForbiddenByRbac"}


async def test_life_of_a_vault(clients: Clients) -> None:
    vaults = clients.management().vaults
    properties = VaultProperties(
        tenant_id=TENANT, sku=Sku(family="A", name="standard"), enable_rbac_authorization=True
    )
    sent = VaultCreateOrUpdateParameters(location="westeurope", properties=properties)
    made = await (await vaults.begin_create_or_update("rg-security", "kv-sdk", sent)).result()
    assert made.properties.vault_uri == f"https://kv-sdk.vault.localhost:{clients.sandbox.port}/"
    await vaults.delete("rg-security", "kv-sdk")
    assert [each.name async for each in vaults.list_deleted()] == ["kv-sdk"]
    await (await vaults.begin_purge_deleted("kv-sdk", "westeurope")).result()
    assert [each.name async for each in vaults.list_deleted()] == []
