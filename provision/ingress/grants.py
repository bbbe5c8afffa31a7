"""What the identity behind the ingress must be allowed: profile → resources."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from provision.ingress.roles import (
    DNS_ZONE_CONTRIBUTOR,
    KEY_VAULT_SECRETS_USER,
    PRIVATE_DNS_ZONE_CONTRIBUTOR,
    Role,
)
from provision.ingress.vaults import vault_id
from provision.ingress.zones import zone_address, zone_id
from provision.profile.model import Profile
from provision.resources.identity import RoleAssignment
from provision.resources.ref import Ref
from provision.resources.resource import Condition, Resource
from provision.resources.values import CaseInsensitive, Value
from provision.resources.vault import ACCESS_POLICY, RBAC, AccessPolicy, KeyVault


@dataclass(frozen=True, slots=True)
class Grantee:
    """The identity behind the ingress: a name for addresses and where its object id comes from."""

    name: str
    principal_id: Ref


def grants(profile: Profile, grantee: Grantee) -> list[Resource]:
    """What the ingress identity must be allowed: each zone, each vault. Empty with `roles: off`."""
    if profile.roles == "off":
        return []
    return [*_zone_grants(profile, grantee), *vault_grants(profile, grantee)]


def _zone_grants(profile: Profile, grantee: Grantee) -> Iterator[Resource]:
    for name, zone in profile.dns.zones.items():
        role = DNS_ZONE_CONTRIBUTOR if zone.visibility == "public" else PRIVATE_DNS_ZONE_CONTRIBUTOR
        after = (zone_address(name, zone),)
        yield assignment(profile, grantee, role, zone_id(profile, name, zone), after)


def vault_grants(profile: Profile, grantee: Grantee) -> Iterator[Resource]:
    """Reading certificates; nothing with `roles: off`."""
    if profile.roles == "off":
        return
    for name, vault in profile.vaults.items():
        address = f"{KeyVault.KIND}/{name}"
        scope = vault_id(profile, name, vault)
        authorization = Ref(address, "authorization")
        role = assignment(profile, grantee, KEY_VAULT_SECRETS_USER, scope, (address,))
        if vault.create:  # with RBAC: its roles are planned with it, before it can be asked
            yield role
            continue
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


def assignment(
    profile: Profile, grantee: Grantee, role: Role, scope: Value, after: tuple[str, ...] = (), where: str = ""
) -> RoleAssignment:
    """A role at a scope, a resource id or a ref to one; then `where` stands for it in addresses."""
    short = role.name.lower().replace(" ", "-")
    return RoleAssignment(
        name=f"{where or str(scope).rsplit('/', 1)[-1]}/{short}/{grantee.name}",
        scope=scope,
        role_id=role.id,
        role_name=role.name,
        principal_id=grantee.principal_id,
        managed=profile.roles == "manage",
        after=after,
    )
