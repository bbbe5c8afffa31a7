"""What is looked at, with what, and what is not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest

from provision.errors import CredentialError
from provision.ingress.hosts import HostChain
from provision.resources.certificate import Certificate
from provision.resources.dns import PrivateDnsZone
from provision.resources.manifest import Manifest
from provision.resources.observed import Present
from provision.resources.ref import Ref
from provision.resources.resource import Resource
from provision.verify.evidence import (
    AzureGateway,
    CertificateFacts,
    CertificateWanted,
    Delegation,
    Evidence,
    Handshake,
    HttpAnswer,
    Live,
    Records,
    Unknown,
    Unreached,
    VaultVersion,
)
from provision.verify.gather import gather
from provision.verify.needs import Planned
from provision.verify.probes import InCluster, SecretName

from . import world
from .world import (
    ADDRESS,
    CERTIFICATE,
    FRONT,
    HEALTHY,
    HOST,
    ROUTE,
    SERVERS,
    WRITER,
    ZONE,
    absent,
    planned,
    unread,
)

UNREAD = Unknown("reading it: no answer\nTry again.")
CORP = PrivateDnsZone(name="corp.contoso.com", id="/private")
LIVE = {FRONT.address: HEALTHY.front, ROUTE.address: HEALTHY.route, WRITER.address: HEALTHY.writer}
SECRET = world.CHAIN.secret


@dataclass
class Told:
    """Probes that say what they are told to, and remember what they were asked."""

    objects: dict[str, Live | Unknown | None] = field(default_factory=lambda: dict(LIVE))
    secret: CertificateFacts | None = None
    asked: list[str] = field(default_factory=list)
    mutual: bool = False

    async def in_cluster(self, manifests: Sequence[Manifest], secrets: Sequence[SecretName]) -> InCluster:
        self.asked += [manifest.address for manifest in manifests]
        self.asked += [f"Secret {'/'.join(secret)}" for secret in secrets]
        return InCluster(self.objects, dict.fromkeys(secrets, self.secret))

    async def vault_version(self, certificate: Certificate) -> VaultVersion | Unknown | None:
        self.asked.append(certificate.address)
        assert isinstance(HEALTHY.current, VaultVersion)
        return HEALTHY.current

    async def azure_gateway(self, id_: str, private: bool) -> AzureGateway | Unknown | None:
        self.asked.append(f"{id_}{' and its private endpoints' if private else ''}")
        return AzureGateway(id_, "Succeeded", {}, {})

    async def parent_servers(self, zone: str) -> frozenset[str] | Unknown:
        self.asked.append(f"parent of {zone}")
        return SERVERS

    async def linked_networks(self, zone: PrivateDnsZone) -> tuple[str, ...] | Unknown | None:
        self.asked.append(f"links of {zone.name}")
        return ("hub",)

    async def public_records(self, host: str, servers: frozenset[str]) -> Records | Unknown | None:
        self.asked.append(f"{host} at {', '.join(sorted(servers))}")
        return Records(frozenset({ADDRESS}))

    async def private_records(self, host: str, zone: PrivateDnsZone) -> Records | Unknown | None:
        self.asked.append(f"{host} in {zone.name}")
        return Records(frozenset({ADDRESS}))

    async def handshake(self, address: str, host: str) -> Handshake | Unreached | Unknown:
        self.asked.append(f"tls {address} {host}")
        assert isinstance(HEALTHY.wire, Handshake)
        return HEALTHY.wire

    async def request(
        self, address: str, host: str, secure: bool, known: bool = False
    ) -> HttpAnswer | CertificateWanted | Unreached | Unknown:
        self.asked.append(f"{'https' if secure else 'http'} {address} {host}{' known' * known}")
        if self.mutual and secure and not known:
            return CertificateWanted()
        return HttpAnswer(200) if secure else HttpAnswer(301, f"https://{host}/")


async def look(chain: HostChain, made: Planned, probes: Told) -> Evidence:
    return (await gather([chain], made, probes))[chain.host]


async def test_everything_is_looked_at() -> None:
    assert isinstance(HEALTHY.secret, CertificateFacts)
    probes = Told(secret=HEALTHY.secret)
    assert await look(world.CHAIN, planned(), probes) == HEALTHY
    assert SECRET is not None
    assert sorted(probes.asked) == sorted(
        [
            *(FRONT.address, ROUTE.address, WRITER.address, f"Secret {'/'.join(SECRET)}"),
            *(CERTIFICATE.address, "parent of contoso.com"),
            f"{HOST} at ns1-01.azure-dns.com, ns2-01.azure-dns.net",
            *(f"tls {ADDRESS} {HOST}", f"https {ADDRESS} {HOST}", f"http {ADDRESS} {HOST}"),
        ]
    )


async def test_what_hosts_share_is_looked_at_once() -> None:
    probes = Told()
    other = replace(world.CHAIN, host="www.contoso.com")
    seen = await gather([world.CHAIN, other], planned(), probes)
    assert list(seen) == [HOST, "www.contoso.com"]
    for shared in (FRONT.address, CERTIFICATE.address, "parent of contoso.com"):
        assert probes.asked.count(shared) == 1
    assert f"tls {ADDRESS} www.contoso.com" in probes.asked


async def test_mutual_tls_is_asked_for_with_and_without_a_certificate() -> None:
    probes = Told(mutual=True)
    seen = await look(replace(world.CHAIN, mutual=True), planned(), probes)
    assert (seen.answer, seen.anonymous) == (HttpAnswer(200), CertificateWanted())
    assert {f"https {ADDRESS} {HOST}", f"https {ADDRESS} {HOST} known"} <= {*probes.asked}


async def test_plain_http() -> None:
    probes = Told()
    seen = await look(world.PLAIN, planned(), probes)
    assert (seen.wire, seen.current, seen.secret, seen.redirect) == (None, None, None, None)
    assert seen.answer == HttpAnswer(301, f"https://{HOST}/")
    assert not [each for each in probes.asked if each.startswith(("tls", "https", "Secret", "certificate"))]


async def test_no_address_no_dialling() -> None:
    probes = Told({**LIVE, FRONT.address: Live(world.gateway(addresses=()))})
    seen = await look(world.CHAIN, planned(), probes)
    assert seen.wire == seen.answer == Unknown("the gateway has no address")
    assert not [each for each in probes.asked if ADDRESS in each]


async def test_a_gateway_that_could_not_be_read() -> None:
    probes = Told({**LIVE, FRONT.address: UNREAD})
    seen = await look(world.CHAIN, planned(), probes)
    assert seen.front == seen.wire == seen.answer == UNREAD


PENDING = replace(FRONT, private=Ref("managed_cluster/aks-prod", "private"))


async def test_a_cluster_that_could_not_be_read() -> None:
    """Whether it is private is not known then, and so no way into it."""
    objects = [FRONT, ROUTE, WRITER]
    waiting: list[Resource] = [replace(each, private=PENDING.private) for each in objects]
    resources = [*(each for each in world.RESOURCES if each not in objects), *waiting]
    probes = Told()
    made = planned(unread(world.CLUSTER, *objects), resources)
    seen = await look(world.CHAIN, made, probes)
    assert seen.front == seen.route == seen.secret == seen.wire == UNREAD
    assert FRONT.address not in probes.asked


async def test_a_zone_that_does_not_exist() -> None:
    probes = Told()
    seen = await look(world.CHAIN, planned(absent(ZONE)), probes)
    assert seen.delegation is None
    assert seen.records == Unknown("contoso.com does not exist")
    assert "parent of contoso.com" not in probes.asked


async def test_a_zone_that_could_not_be_read() -> None:
    seen = await look(world.CHAIN, planned(unread(ZONE)), Told())
    assert seen.delegation == seen.records == UNREAD


async def test_a_host_outside_of_all_zones() -> None:
    probes = Told()
    seen = await look(replace(world.CHAIN, zone=None), planned(), probes)
    assert seen.delegation is None
    assert f"{HOST} at " in probes.asked


async def test_a_private_zone() -> None:
    probes = Told()
    chain = replace(world.CHAIN, visibility="private", zone=CORP.name)
    seen = await look(chain, planned({CORP.address: Present()}, [*world.RESOURCES, CORP]), probes)
    assert (seen.networks, seen.delegation) == (("hub",), None)
    assert {f"links of {CORP.name}", f"{HOST} in {CORP.name}"} <= set(probes.asked)


@pytest.mark.parametrize(("observed", "expected"), [(absent, None), (unread, UNREAD)])
async def test_a_certificate_that_is_not_there(observed: object, expected: Unknown | None) -> None:
    assert callable(observed)
    probes = Told()
    seen = await look(world.CHAIN, planned(observed(CERTIFICATE)), probes)
    assert seen.current == expected
    assert CERTIFICATE.address not in probes.asked


async def test_delegation_is_told_without_case_and_dots() -> None:
    seen = await look(world.CHAIN, planned(), Told())
    assert seen.delegation == Delegation(SERVERS, SERVERS)


async def test_missing_credentials_end_it() -> None:
    class Refused(Told):
        async def parent_servers(self, zone: str) -> frozenset[str] | Unknown:
            raise CredentialError("signing in", "no credentials")

    with pytest.raises(CredentialError):
        await look(world.CHAIN, planned(), Refused())
