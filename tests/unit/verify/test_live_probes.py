"""The certificate in the vault, and private zones as Azure has them."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
from azure.keyvault.certificates import KeyVaultCertificate
from azure.keyvault.certificates._generated.models import CertificateBundle
from azure.mgmt.privatedns import models
from providers.bench import PREFIX, Bench, paged, raised, refusal

from provision.providers.network import private_zones
from provision.providers.network.probes import LiveProbes
from provision.providers.network.reach import Reach
from provision.resources.dns import PrivateDnsZone
from provision.verify.evidence import Records, Unknown, VaultVersion

from .servers import Keys
from .world import CERTIFICATE

ZONE = PrivateDnsZone(
    name="corp.contoso.com", id=f"{PREFIX}/Microsoft.Network/privateDnsZones/corp.contoso.com"
)
HOST = "shop.corp.contoso.com"


@pytest.fixture
def bench() -> Bench:
    return Bench()


def version(der: bytes, enabled: bool) -> KeyVaultCertificate:
    """A certificate as the data plane answers it."""
    body: dict[str, Any] = {
        "id": "https://kv-prod.vault.azure.net/certificates/shop-tls/0123",
        "cer": base64.b64encode(der).decode(),
        "attributes": {"enabled": enabled},
    }
    return KeyVaultCertificate._from_certificate_bundle(CertificateBundle(body))


@pytest.mark.parametrize("enabled", [True, False])
async def test_the_current_version(bench: Bench, tmp_path: Path, enabled: bool) -> None:
    keys = Keys(tmp_path, "shop.contoso.com")
    bench.certificates.get_certificate.return_value = version(keys.der, enabled)
    found = await LiveProbes(bench.clients, Reach()).vault_version(CERTIFICATE)
    assert isinstance(found, VaultVersion)
    assert (found.enabled, found.certificate.sha1) == (enabled, keys.sha1)
    bench.certificates.get_certificate.assert_awaited_once_with("shop-tls")


async def test_no_version(bench: Bench) -> None:
    probes = LiveProbes(bench.clients, Reach())
    bench.certificates.get_certificate.side_effect = [
        raised(404, '{"error": {"code": "CertificateNotFound", "message": "no"}}'),
        KeyVaultCertificate(),
        raised(403, '{"error": {"code": "Forbidden", "message": "no"}}'),
    ]
    assert await probes.vault_version(CERTIFICATE) is None
    unfinished, refused = await probes.vault_version(CERTIFICATE), await probes.vault_version(CERTIFICATE)
    assert unfinished == Unknown("reading certificate/kv-prod/shop-tls: no version is finished yet")
    assert isinstance(refused, Unknown)
    assert refused.why.startswith("reading certificate/kv-prod/shop-tls: ")


def link(network: str) -> models.VirtualNetworkLink:
    id_ = f"{PREFIX}/Microsoft.Network/virtualNetworks/{network}"
    properties = models.VirtualNetworkLinkProperties(virtual_network=models.SubResource(id=id_))
    return models.VirtualNetworkLink(properties=properties)


async def test_linked_networks(bench: Bench) -> None:
    bench.links.list.return_value = paged(link("hub"), link("aks"))
    assert await private_zones.linked_networks(bench.clients, ZONE) == ("hub", "aks")
    bench.links.list.return_value = paged()
    assert await private_zones.linked_networks(bench.clients, ZONE) == ()
    bench.links.list.return_value = paged(refusal(403, "AuthorizationFailed"))
    assert isinstance(await private_zones.linked_networks(bench.clients, ZONE), Unknown)


def addresses(*values: str) -> models.RecordSet:
    records = [models.ARecord(ipv4_address=value) for value in values]
    return models.RecordSet(properties=models.RecordSetProperties(a_records=records))


def six(value: str) -> models.RecordSet:
    record = models.AaaaRecord(ipv6_address=value)
    return models.RecordSet(properties=models.RecordSetProperties(aaaa_records=[record]))


def alias(target: str) -> models.RecordSet:
    record = models.CnameRecord(cname=target)
    return models.RecordSet(properties=models.RecordSetProperties(cname_record=record))


Sets = dict[tuple[str, str], models.RecordSet]

RECORDS: dict[str, tuple[str, Sets, Records | Unknown | None]] = {
    "none": (HOST, {}, None),
    "both kinds": (
        HOST,
        {("A", "shop"): addresses("10.1.1.1", "10.1.1.2"), ("AAAA", "shop"): six("fd00::1")},
        Records(frozenset({"10.1.1.1", "10.1.1.2", "fd00::1"})),
    ),
    "the zone itself": (ZONE.name, {("A", "@"): addresses("10.1.1.1")}, Records(frozenset({"10.1.1.1"}))),
    "a wildcard": (
        f"x.{HOST}",
        {("A", "*.shop"): addresses("10.1.1.1"), ("A", "*"): addresses("10.9.9.9")},
        Records(frozenset({"10.1.1.1"})),
    ),
    "a wildcard host": (
        f"*.{ZONE.name}",
        {("A", "*"): addresses("10.1.1.1")},
        Records(frozenset({"10.1.1.1"})),
    ),
    "an alias": (
        HOST,
        {("CNAME", "shop"): alias("edge.corp.contoso.com."), ("A", "edge"): addresses("10.1.1.1")},
        Records(frozenset({"10.1.1.1"}), ("edge.corp.contoso.com",)),
    ),
    "an alias to nothing": (
        HOST,
        {("CNAME", "shop"): alias("gone.corp.contoso.com")},
        Records(frozenset(), ("gone.corp.contoso.com",)),
    ),
    "an alias in a circle": (
        HOST,
        {("CNAME", "shop"): alias(HOST)},
        Records(frozenset(), (HOST,) * 8),
    ),
    "an alias out of the zone": (
        HOST,
        {("CNAME", "shop"): alias("x.net")},
        Records(frozenset(), ("x.net",), outside=True),
    ),
}


@pytest.mark.parametrize("case", RECORDS)
async def test_records(bench: Bench, case: str) -> None:
    host, sets, expected = RECORDS[case]

    async def get(group: str, zone: str, kind: str, name: str) -> models.RecordSet:
        assert (group, zone) == ("rg-web", ZONE.name)
        if (kind, name) not in sets:
            raise refusal(404, "NotFound")
        return sets[kind, name]

    bench.private_records.get.side_effect = get
    assert await private_zones.records(bench.clients, host, ZONE) == expected


async def test_records_that_may_not_be_read(bench: Bench) -> None:
    bench.private_records.get.side_effect = refusal(403, "AuthorizationFailed")
    assert isinstance(await private_zones.records(bench.clients, HOST, ZONE), Unknown)
