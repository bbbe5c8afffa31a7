"""What every ingress option needs from a profile: zones, records, vaults, certificates, grants."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from provision.ingress.roles import (
    DNS_ZONE_CONTRIBUTOR,
    KEY_VAULT_SECRETS_USER,
    PRIVATE_DNS_ZONE_CONTRIBUTOR,
    Role,
)
from provision.profile.model import Profile, Vault, Zone
from provision.resources.arm import resource_id
from provision.resources.dns import DnsZone, PrivateDnsZone, RecordSet, VirtualNetworkLink
from provision.resources.identity import RoleAssignment
from provision.resources.record_value import canonical
from provision.resources.ref import Ref
from provision.resources.resource import Condition, Resource
from provision.resources.values import CaseInsensitive
from provision.resources.vault import ACCESS_POLICY, RBAC, AccessPolicy, Certificate, KeyVault


@dataclass(frozen=True, slots=True)
class Grantee:
    """The identity behind the ingress: a name for addresses and where its object id comes from."""

    name: str
    principal_id: Ref


def cluster_id(profile: Profile) -> CaseInsensitive:
    """Resource id of the profile's cluster."""
    kind = "Microsoft.ContainerService/managedClusters"
    return resource_id(profile.azure.subscription, profile.cluster.resource_group, kind, profile.cluster.name)


def zone_ids(profile: Profile) -> dict[str, CaseInsensitive]:
    """Resource id of each zone of the profile."""
    return {name: _zone_id(profile, name, zone) for name, zone in profile.dns.zones.items()}


def _zone_id(profile: Profile, name: str, zone: Zone) -> CaseInsensitive:
    kind = "dnsZones" if zone.visibility == "public" else "privateDnsZones"
    subscription = zone.subscription or profile.azure.subscription
    return resource_id(subscription, zone.resource_group, f"Microsoft.Network/{kind}", name)


def zones(profile: Profile) -> Iterator[Resource]:
    """The zones, and the links of private ones."""
    ids = zone_ids(profile)
    for name, zone in profile.dns.zones.items():
        if zone.visibility == "public":
            yield DnsZone(name=name, id=ids[name], create=zone.create)
            continue
        private = PrivateDnsZone(name=name, id=ids[name], create=zone.create)
        yield private
        for link in zone.links:
            network = link.virtual_network.rsplit("/", 1)[-1]
            yield VirtualNetworkLink(
                name=f"{name}/{network}",
                id=f"{ids[name]}/virtualNetworkLinks/{network}",
                virtual_network=CaseInsensitive(link.virtual_network),
                registration=link.registration,
                after=(private.address,),
            )


def records(profile: Profile) -> Iterator[RecordSet]:
    """The record sets that the profile itself declares."""
    ids = zone_ids(profile)
    for record in profile.dns.records:
        zone = profile.dns.zones[record.zone]
        values = frozenset(canonical(record.type, value) for value in record.values)
        yield RecordSet(
            name=f"{record.zone}/{record.type}/{record.name}",
            zone_id=ids[record.zone],
            visibility=zone.visibility,
            record_type=record.type,
            record_name=record.name,
            ttl=record.ttl,
            values=values,
            after=(_zone_address(record.zone, zone),),
        )


def _zone_address(name: str, zone: Zone) -> str:
    kind = DnsZone if zone.visibility == "public" else PrivateDnsZone
    return f"{kind.KIND}/{name}"


def vaults(profile: Profile) -> Iterator[KeyVault]:
    """The vaults, which must exist."""
    for name, vault in profile.vaults.items():
        yield KeyVault(name=name, id=_vault_id(profile, name, vault))


def _vault_id(profile: Profile, name: str, vault: Vault) -> CaseInsensitive:
    subscription = vault.subscription or profile.azure.subscription
    return resource_id(subscription, vault.resource_group, "Microsoft.KeyVault/vaults", name)


def certificates(profile: Profile) -> Iterator[Certificate]:
    """The certificates that Key Vault makes by policy."""
    for name, certificate in profile.certificates.items():
        rsa = certificate.key_type == "RSA"
        yield Certificate(
            name=f"{certificate.vault}/{name}",
            vault=certificate.vault,
            vault_subscription=profile.vaults[certificate.vault].subscription or profile.azure.subscription,
            certificate_name=name,
            issuer=certificate.issuer,
            subject=f"CN={certificate.dns_names[0]}",
            dns_names=frozenset(CaseInsensitive(host) for host in certificate.dns_names),
            validity_months=certificate.validity_months,
            renew_before_days=certificate.renew_before_days,
            key_type=certificate.key_type,
            key_size=certificate.key_size if rsa else None,
            curve=None if rsa else certificate.curve,
            after=(f"{KeyVault.KIND}/{certificate.vault}",),
        )


def grants(profile: Profile, grantee: Grantee) -> list[Resource]:
    """What the ingress identity must be allowed: each zone, each vault. Empty with `roles: off`."""
    if profile.roles == "off":
        return []
    return [*_zone_grants(profile, grantee), *_vault_grants(profile, grantee)]


def _zone_grants(profile: Profile, grantee: Grantee) -> Iterator[Resource]:
    for name, zone in profile.dns.zones.items():
        role = DNS_ZONE_CONTRIBUTOR if zone.visibility == "public" else PRIVATE_DNS_ZONE_CONTRIBUTOR
        after = (_zone_address(name, zone),)
        yield _assignment(profile, grantee, role, _zone_id(profile, name, zone), after)


def _vault_grants(profile: Profile, grantee: Grantee) -> Iterator[Resource]:
    for name, vault in profile.vaults.items():
        address = f"{KeyVault.KIND}/{name}"
        scope = _vault_id(profile, name, vault)
        authorization = Ref(address, "authorization")
        role = _assignment(profile, grantee, KEY_VAULT_SECRETS_USER, scope, (address,))
        yield role.conditional(Condition(authorization, RBAC))
        # az attaches with secret Get and certificate Get. Source: az CLI 2.91, `aks approuting`.
        yield AccessPolicy(
            name=f"{name}/{grantee.name}",
            vault_id=scope,
            principal_id=grantee.principal_id,
            secrets=frozenset({CaseInsensitive("get")}),
            certificates=frozenset({CaseInsensitive("get")}),
            managed=profile.roles == "manage",
            after=(address,),
            when=Condition(authorization, ACCESS_POLICY),
        )


def _assignment(
    profile: Profile, grantee: Grantee, role: Role, scope: CaseInsensitive, after: tuple[str, ...]
) -> RoleAssignment:
    short = role.name.lower().replace(" ", "-")
    return RoleAssignment(
        name=f"{scope.rsplit('/', 1)[-1]}/{short}/{grantee.name}",
        scope=scope,
        role_id=role.id,
        role_name=role.name,
        principal_id=grantee.principal_id,
        managed=profile.roles == "manage",
        after=after,
    )
