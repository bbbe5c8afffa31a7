"""Looking for what is ours where nothing of its kind is declared any more."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
from azure.keyvault.certificates import CertificateProperties
from azure.mgmt.dns.models import Zone
from azure.mgmt.msi.v2024_11_30.models import FederatedIdentityCredential, Identity
from azure.mgmt.privatedns.models import PrivateZone
from azure.mgmt.privatedns.models import VirtualNetworkLink as Link

from providers.bench import GROUP, PREFIX, PROFILE, SUBSCRIPTION, TAGS, Bench, paged, refusal
from providers.test_certificates import bundle
from providers.test_record_sets import OURS, model
from providers.test_role_assignments import DESCRIPTION, assignment
from provision.apply.handler import Reading, Searching
from provision.errors import AccessDeniedError, CredentialError, ForeignError, ProvisionError, ServiceError
from provision.plan.change import digest
from provision.providers.azure.certificates import Certificates
from provision.providers.azure.handlers import azure_handlers
from provision.providers.azure.identities import FederatedCredentials, UserAssignedIdentities
from provision.providers.azure.record_sets import RecordSets
from provision.providers.azure.searching import Once
from provision.providers.azure.zones import DnsZones, PrivateDnsZones, VirtualNetworkLinks
from provision.resources.certificate import Certificate
from provision.resources.dns import DnsZone, PrivateDnsZone, RecordSet, VirtualNetworkLink
from provision.resources.identity import FederatedCredential, UserAssignedIdentity
from provision.resources.managed_cluster import ManagedCluster
from provision.resources.observed import Unread
from provision.resources.resource import Resource
from provision.resources.vault import KeyVault

CLUSTER = ManagedCluster(name="aks", id=f"{PREFIX}/Microsoft.ContainerService/managedClusters/aks")
ZONE = DnsZone(name="contoso.com", id=f"{PREFIX}/Microsoft.Network/dnszones/contoso.com")
PRIVATE = PrivateDnsZone(name="corp", id=f"{PREFIX}/Microsoft.Network/privateDnsZones/corp")
HUB = f"{PREFIX}/Microsoft.Network/virtualNetworks/hub"
LINK = VirtualNetworkLink(name="corp/hub", id=f"{PRIVATE.id}/virtualNetworkLinks/hub", virtual_network=HUB)
IDENTITY = UserAssignedIdentity(
    name="ingress",
    id=f"{PREFIX}/Microsoft.ManagedIdentity/userAssignedIdentities/ingress",
    location=None,
)
VAULT = KeyVault(name="kv", id=f"{PREFIX}/Microsoft.KeyVault/vaults/kv")
RECORD = RecordSet(
    name="contoso.com/A/www",
    zone_id=ZONE.id.upper(),
    visibility="public",
    record_type="A",
    record_name="www",
    ttl=300,
    values=frozenset({"10.0.0.1"}),
)
TYPES: Mapping[type[Resource], str] = {
    ManagedCluster: "Microsoft.ContainerService/managedClusters",
    DnsZone: "Microsoft.Network/dnszones",
    PrivateDnsZone: "Microsoft.Network/privateDnsZones",
    VirtualNetworkLink: "Microsoft.Network/privateDnsZones/virtualNetworkLinks",
    UserAssignedIdentity: "Microsoft.ManagedIdentity/userAssignedIdentities",
}


def own(resource: Resource) -> dict[str, str]:
    """The tags that were written on a resource."""
    return {**TAGS, "provision-digest": digest(resource)}


def tagged(bench: Bench, *resources: Resource) -> None:
    """What the subscription lists as carrying the profile's tag."""
    bench.tagged = [{"id": getattr(each, "id", ""), "type": TYPES[type(each)]} for each in resources]


def addresses(reading: Reading) -> list[str]:
    return [orphan.address for orphan, _ in reading.orphans]


def why(reading: Reading) -> Mapping[str, ProvisionError]:
    assert all(isinstance(each, Unread) for each in reading.objects.values())
    return {place: each.error for place, each in reading.objects.items() if isinstance(each, Unread)}


async def test_only_zones_without_declared_records_are_looked_into(bench: Bench) -> None:
    bench.private_records.list.return_value = paged(
        model("private", "A", metadata=OURS, aRecords=[{"ipv4Address": "10.0.0.1"}]),
        model("private", "TXT", "theirs", txtRecords=[{"value": ["x"]}]),
        model("private", "A", "another", metadata={"provision_profile": "production"}),
    )
    found = await RecordSets(bench.clients).search([ZONE, RECORD, PRIVATE], PROFILE)
    assert addresses(found) == ["record_set/corp/A/www"]
    bench.private_records.list.assert_called_once_with(GROUP, "corp")
    bench.public_records.list_all_by_dns_zone.assert_not_called()


async def test_a_zone_that_is_not_there_holds_nothing(bench: Bench) -> None:
    bench.public_records.list_all_by_dns_zone.return_value = paged(refusal(404, "ParentResourceNotFound"))
    assert await RecordSets(bench.clients).search([ZONE], PROFILE) == Reading({})


async def test_only_identities_without_declared_credentials_are_looked_at(bench: Bench) -> None:
    bench.credentials.list.return_value = paged(
        *(
            FederatedIdentityCredential.deserialize(
                {"name": name, "properties": {"issuer": "i", "subject": "s"}}
            )
            for name in (f"provision_{PROFILE}_shop_own", "by-hand")
        )
    )
    handler = FederatedCredentials(bench.clients)
    found = await handler.search([IDENTITY], PROFILE)
    assert addresses(found) == [f"federated_credential/ingress/provision_{PROFILE}_shop_own"]
    credential, _ = found.orphans[0]
    assert isinstance(credential, FederatedCredential)
    declared = replace(credential, identity_id=IDENTITY.id.upper())
    assert await handler.search([IDENTITY, declared], PROFILE) == Reading({})
    bench.credentials.list.assert_called_once_with(GROUP, "ingress")


def listed_certificate(name: str, profile: str | None = PROFILE) -> CertificateProperties:
    tags = {"provision-profile": profile} if profile else None
    properties = CertificateProperties(cert_id=f"https://kv.vault.azure.net/certificates/{name}/1")
    properties._tags = tags
    return properties


async def test_certificates_of_ours_in_the_profiles_vaults(bench: Bench) -> None:
    bench.certificates.list_properties_of_certificates.return_value = paged(
        listed_certificate("old"),
        listed_certificate("declared"),
        listed_certificate("theirs", None),
        listed_certificate("another", "production"),
    )
    bench.certificates.get_certificate.return_value = bundle(tags=TAGS)
    left = Certificate(
        name="kv/Declared",
        vault="kv",
        vault_subscription=SUBSCRIPTION,
        certificate_name="Declared",
        issuer="Self",
        subject="CN=x",
        dns_names=frozenset(),
        validity_months=12,
        renew_before_days=30,
        key_type="RSA",
        key_size=2048,
        curve=None,
    )
    found = await Certificates(bench.clients).search([VAULT, left], PROFILE)
    ((orphan, present),) = found.orphans
    assert isinstance(orphan, Certificate)
    assert (orphan.address, orphan.vault, orphan.certificate_name) == ("certificate/kv/old", "kv", "old")
    assert orphan.properties() == {**orphan.properties(), "subject": "CN=shop.contoso.com", "keySize": 2048}
    assert present.owner == PROFILE
    bench.certificates.get_certificate.assert_awaited_once_with("old")


async def test_a_vault_that_may_not_be_listed_hides_no_other(bench: Bench) -> None:
    closed = replace(VAULT, name="closed")
    listings = iter([paged(refusal(403, "Forbidden")), paged(listed_certificate("old"))])
    bench.certificates.list_properties_of_certificates.side_effect = lambda **_: next(listings)
    bench.certificates.get_certificate.return_value = bundle(tags=TAGS)
    found = await Certificates(bench.clients).search([closed, VAULT], PROFILE)
    assert addresses(found) == ["certificate/kv/old"]
    assert isinstance(why(found)["key_vault/closed"], AccessDeniedError)


async def test_without_credentials_of_our_own_the_search_ends(bench: Bench) -> None:
    bench.certificates.list_properties_of_certificates.return_value = paged(refusal(401, "Unauthorized"))
    with pytest.raises(CredentialError):
        await Certificates(bench.clients).search([VAULT], PROFILE)


async def test_a_zone_of_ours_and_what_of_ours_is_in_it(bench: Bench) -> None:
    tagged(bench, CLUSTER, ZONE, PRIVATE, LINK)
    bench.public_zones.get.return_value = Zone(location="global", tags=own(ZONE))
    bench.public_records.list_all_by_dns_zone.return_value = paged(
        model("public", "A", metadata=OURS, ARecords=[{"ipv4Address": "10.0.0.1"}]),
        model("public", "A", "theirs"),
    )
    found = await DnsZones(bench.clients).search([CLUSTER], PROFILE)
    assert addresses(found) == ["dns_zone/contoso.com", "record_set/contoso.com/A/www"]
    assert found.orphans[1][0].inside() == ZONE.id
    bench.public_zones.get.assert_awaited_once_with(GROUP, "contoso.com")


async def test_a_private_zone_of_ours_and_its_link(bench: Bench) -> None:
    tagged(bench, CLUSTER, ZONE, PRIVATE, LINK)
    bench.private_zones.get.return_value = PrivateZone(location="global", tags=own(PRIVATE))
    bench.private_records.list.return_value = paged()
    bench.links.get.return_value = link(HUB)
    zones = await PrivateDnsZones(bench.clients).search([CLUSTER], PROFILE)
    links = await VirtualNetworkLinks(bench.clients).search([CLUSTER], PROFILE)
    assert (addresses(zones), addresses(links)) == (["private_dns_zone/corp"], [LINK.address])
    assert links.orphans[0][0].inside() == PRIVATE.id


def link(network: str, tags: Mapping[str, str] = TAGS) -> Any:
    return Link({"tags": dict(tags), "properties": {"virtualNetwork": {"id": network}}})


async def test_an_identity_of_ours_and_the_roles_it_has_from_us(bench: Bench) -> None:
    tagged(bench, CLUSTER, IDENTITY)
    identity = Identity(location="westeurope", tags=own(IDENTITY))
    identity.principal_id = "p"
    bench.identities.get.return_value = identity
    bench.roles.list_for_scope.return_value = paged(assignment(description=DESCRIPTION), assignment("theirs"))
    found = await UserAssignedIdentities(bench.clients).search([CLUSTER], PROFILE)
    assert addresses(found) == [
        "user_assigned_identity/ingress",
        "role_assignment/contoso.com/dns-zone-contributor/ingress",
    ]


async def test_one_list_call_a_subscription_serves_every_kind(bench: Bench) -> None:
    far = replace(ZONE, id=ZONE.id.replace(SUBSCRIPTION, "another"))
    handlers = [each for each in azure_handlers(bench.clients).values() if isinstance(each, Searching)]
    bench.private_records.list.return_value = paged()
    bench.public_records.list_all_by_dns_zone.side_effect = lambda *_: paged()
    await asyncio.gather(*(handler.search([CLUSTER, ZONE, PRIVATE, far], PROFILE) for handler in handlers))
    assert sorted(request.url for request in bench.listings) == [
        f"/subscriptions/{subscription}/resources?api-version=2021-04-01"
        f"&$filter=tagName%20eq%20%27provision-profile%27%20and%20tagValue%20eq%20%27{PROFILE}%27"
        for subscription in (SUBSCRIPTION, "another")
    ]


async def test_a_list_goes_on_over_pages(bench: Bench) -> None:
    tagged(bench, ZONE, replace(ZONE, name="second", id=f"{ZONE.id}.second"))
    bench.page = 1
    bench.public_zones.get.return_value = Zone(location="global", tags=own(ZONE))
    bench.public_records.list_all_by_dns_zone.side_effect = lambda *_: paged()
    found = await DnsZones(bench.clients).search([CLUSTER], PROFILE)
    assert addresses(found) == ["dns_zone/contoso.com", "dns_zone/contoso.com.second"]


async def test_what_is_declared_is_no_orphan_however_it_is_spelled(bench: Bench) -> None:
    tagged(bench, CLUSTER, ZONE)
    declared = [replace(CLUSTER, id=CLUSTER.id.lower()), replace(ZONE, id=ZONE.id.upper())]
    assert await DnsZones(bench.clients).search(declared, PROFILE) == Reading({})
    bench.public_zones.get.assert_not_awaited()


@pytest.mark.parametrize(
    ("handler", "answer", "resource"),
    [
        (DnsZones, Zone(location="global", tags=TAGS), ZONE),
        (PrivateDnsZones, PrivateZone(location="global", tags=TAGS), PRIVATE),
        (UserAssignedIdentities, Identity(location="x", tags=TAGS), IDENTITY),
        (VirtualNetworkLinks, link(f"{HUB}-of-aks"), LINK),
    ],
    ids=["zone", "private zone", "identity", "link"],
)
async def test_tags_that_aks_copied_from_a_cluster_are_no_mark(
    bench: Bench, handler: Callable[..., Searching], answer: Any, resource: Resource
) -> None:
    """Their digest is the cluster's; a link that AKS made is not named after its network."""
    tagged(bench, CLUSTER, resource)
    for group in (bench.public_zones, bench.private_zones, bench.identities, bench.links):
        group.get.return_value = answer
    assert await handler(bench.clients).search([CLUSTER], PROFILE) == Reading({})


@pytest.mark.parametrize(
    "answer",
    [refusal(404, "ResourceNotFound"), Zone(location="global", tags={**own(ZONE), "provision-profile": "x"})],
    ids=["gone", "another profile's by now"],
)
async def test_the_list_is_not_believed(bench: Bench, answer: Any) -> None:
    tagged(bench, CLUSTER, ZONE)
    bench.public_zones.get.side_effect = [answer]
    assert await DnsZones(bench.clients).search([CLUSTER], PROFILE) == Reading({})


async def test_two_clusters_of_one_name_can_not_be_told_apart(bench: Bench) -> None:
    tagged(bench, CLUSTER, ZONE)
    mine = replace(CLUSTER, id=f"{CLUSTER.id}-2")
    found = await DnsZones(bench.clients).search([mine], PROFILE)
    assert found.orphans == ()
    error = why(found)[f"subscription/{SUBSCRIPTION}"]
    assert isinstance(error, ForeignError)
    assert error.why.startswith(f"{CLUSTER.id} carries the mark of a profile of this name too")


@pytest.mark.parametrize(
    ("status", "error"), [(403, AccessDeniedError), (500, ServiceError), (401, CredentialError)]
)
async def test_a_subscription_that_may_not_be_listed(
    bench: Bench, status: int, error: type[ProvisionError]
) -> None:
    bench.listing_status = status
    if error is CredentialError:
        with pytest.raises(CredentialError):
            await DnsZones(bench.clients).search([CLUSTER], PROFILE)
        return
    found = await DnsZones(bench.clients).search([CLUSTER], PROFILE)
    assert type(why(found)[f"subscription/{SUBSCRIPTION}"]) is error


async def test_one_answer_serves_all_who_ask_and_so_does_an_error() -> None:
    asked: list[str] = []

    async def call(key: str) -> str:
        asked.append(key)
        await asyncio.sleep(0)
        if key == "bad":
            raise ServiceError("asking", "no")
        return key.upper()

    once = Once(call)
    assert [*await asyncio.gather(once("a"), once("a"), once("b"))] == ["A", "A", "B"]
    for _ in range(2):
        with pytest.raises(ServiceError):
            await once("bad")
    assert asked == ["a", "b", "bad"]
    once.forget()
    assert await once("a") == "A"
    assert asked == ["a", "b", "bad", "a"]
