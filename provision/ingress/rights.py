"""Who needs which rights for a profile, and why: the identity that runs `provision`, and those it serves."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from provision.ingress.roles import INGRESS_ROLES, Role
from provision.plan.custom_roles import CustomRole, Need, custom_roles, needs
from provision.plan.permission import World
from provision.plan.plan import wanted
from provision.profile.model import Profile
from provision.resources.certificate import Certificate
from provision.resources.helm_release import HelmRelease
from provision.resources.identity import RoleAssignment
from provision.resources.manifest import Manifest
from provision.resources.ref import Ref
from provision.resources.values import Value
from provision.resources.vault import ACCESS_POLICY, RBAC, KeyVault

_ASSIGNMENTS = "Microsoft.Authorization/roleAssignments"
_POLICY: Mapping[str, tuple[str, ...]] = {
    "certificates/read": ("get", "list"),
    "certificates/create/action": ("create",),
    "certificates/import/action": ("import",),
    "certificates/update/action": ("update",),
    "certificates/recover/action": ("recover",),
    "certificates/delete": ("delete",),
    "certificatecas/read": ("getissuers",),
    "certificatecas/write": ("setissuers",),
    "certificatecas/delete": ("deleteissuers",),
    "certificatecontacts/write": ("managecontacts",),
}
"""Data actions below a vault → what an access policy calls them. Source: "Migrate from vault access policy to
an Azure role-based access control permission model", Microsoft Learn, 2026-03."""


@dataclass(frozen=True, slots=True)
class Granted:
    """A built-in role that an identity other than our own needs. `who` is its name in addresses."""

    who: str
    role: Role
    scope: str
    managed: bool


@dataclass(frozen=True, slots=True)
class Rights:
    """What a profile asks for. `condition` narrows the right to assign roles, empty when there is none."""

    profile: str
    roles: tuple[CustomRole, ...]
    needs: tuple[Need, ...]
    granted: tuple[Granted, ...]
    condition: str
    notes: tuple[str, ...]


def rights(profile: Profile, world: World, purposes: Collection[str], name: str) -> Rights:
    """Everything about rights. `name` begins the names of the custom roles."""
    found = needs(world, purposes)
    return Rights(
        profile.name,
        tuple(custom_roles(name, profile.name, found)),
        tuple(found),
        tuple(_granted(world)),
        _condition(found, world),
        tuple(_notes(world, purposes)),
    )


def assigns_roles(role: CustomRole) -> bool:
    """Whether a custom role lets its holder assign roles, which the condition then narrows."""
    return any(f"{_ASSIGNMENTS}/{verb}" in role.actions for verb in ("write", "delete"))


def _granted(world: World) -> Iterator[Granted]:
    for resource in world.graph:
        if isinstance(resource, RoleAssignment) and wanted(resource, world.lookup):
            who = resource.name.rsplit("/", 1)[-1]
            yield Granted(who, INGRESS_ROLES[resource.role_id], str(resource.scope), resource.managed)


def _condition(found: Sequence[Need], world: World) -> str:
    """Whoever may assign any role may make itself owner: this lets it assign those of the table only.

    Source: "Examples to delegate Azure role assignment management with conditions", Microsoft Learn, 2026-02.
    """
    verbs = {
        verb
        for verb in ("write", "delete")
        if any(need.permission.action == f"{_ASSIGNMENTS}/{verb}" for need in found)
    }
    ids = ", ".join(sorted({each.role.id for each in _granted(world)}))
    parts = [
        f"((!(ActionMatches{{'{_ASSIGNMENTS}/{verb}'}})) OR (@{source}[{_ASSIGNMENTS}:RoleDefinitionId]"
        f" ForAnyOfAnyValues:GuidEquals {{{ids}}}))"
        for verb, source in (("write", "Request"), ("delete", "Resource"))
        if verb in verbs
    ]
    return " AND ".join(parts)


def _notes(world: World, purposes: Collection[str]) -> Iterator[str]:
    yield from _cluster_notes(world)
    yield from _vault_notes(world, purposes)
    if any(isinstance(each, Certificate) for each in world.graph) and "destroy" in purposes:
        yield (
            "Deleted certificates stay recoverable. What purges them, provision certificate purge, needs"
            " Microsoft.KeyVault/vaults/certificates/purge/action too, which is left out on purpose."
        )
    if "apply" in purposes and "destroy" not in purposes:
        yield "An apply that removes what the profile no longer declares needs the rights of destroy too."
    if {"apply", "destroy"} & set(purposes):
        yield (
            "Where the cluster's nodes are in a network of your own, ARM also checks"
            " Microsoft.Network/virtualNetworks/subnets/join/action at its subnets when the cluster is"
            " written, and Microsoft.ManagedIdentity/userAssignedIdentities/assign/action at its identities."
        )
        yield from _chart_notes(world)


def _chart_notes(world: World) -> Iterator[str]:
    charts = [each.resolved(world.lookup) for each in world.graph if isinstance(each, HelmRelease)]
    if any(each.entra is not False for each in charts):
        yield (
            "Microsoft.ContainerService/managedClusters/* is for the controller's chart, which makes cluster"
            " roles of its own, and Kubernetes lets nobody give out more than they have. With controller:"
            " addon AKS installs the controller, and the role does without it."
        )


def _cluster_notes(world: World) -> Iterator[str]:
    manifests = [each.resolved(world.lookup) for each in world.graph if isinstance(each, Manifest)]
    if not world.access and any(
        each.access == "auto" and isinstance(each.private, Ref) for each in manifests
    ):
        yield (
            "Whether the cluster is private is not known here, so that both ways into it are in: its user"
            " credentials and the run command. --read or --access leaves out the one it does not need."
        )
    if any(each.entra is not False for each in manifests):
        yield (
            "The data actions on managedClusters count where the cluster uses Entra ID with Azure RBAC. With"
            " Entra ID and Kubernetes RBAC the identity needs a ClusterRoleBinding instead; with local"
            " accounts the user credentials are enough."
        )


def _vault_notes(world: World, purposes: Collection[str]) -> Iterator[str]:
    """What a role can't give: in a vault with access policies its certificates are opened by one of those."""
    for vault in world.graph:
        if isinstance(vault, KeyVault):
            authorization = world.lookup(Ref(vault.address, "authorization"))
            permissions = _policy(vault, world, purposes)
            opened = (
                f"az keyvault set-policy --name {vault.name} --object-id OBJECT_ID"
                f" --certificate-permissions {' '.join(permissions)}"
            )
            if not permissions or vault.create or authorization == RBAC:
                continue
            if authorization == ACCESS_POLICY:
                yield f"{vault.address} works with access policies, which are no roles: {opened}"
            else:
                yield f"If {vault.address} works with access policies, they are no roles: {opened}"


def _policy(vault: KeyVault, world: World, purposes: Collection[str]) -> list[str]:
    """The permissions of an access policy that amount to the data actions which a vault with roles costs."""

    def with_roles(ref: Ref) -> Value:
        return RBAC if ref == Ref(vault.address, "authorization") else world.lookup(ref)

    found = needs(replace(world, lookup=with_roles), purposes)
    inside = [
        each.permission.action.removeprefix("Microsoft.KeyVault/vaults/")
        for each in found
        if each.permission.data and each.permission.scope == str(vault.id)
    ]
    return sorted({name for action in inside for name in _POLICY.get(action, ())})
