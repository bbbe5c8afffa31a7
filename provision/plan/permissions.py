"""Which Azure permissions each kind of resource costs whoever runs `provision`: one table.

A permission is an action at a scope. Reads are what a plan makes, the others what its changes make. The
actions stand as Azure publishes them; ARM compares them without regard to case. Sources: "Azure permissions
for Containers", "… for Networking", "… for Security", "… for Identity" and "… for Management and
governance", Microsoft Learn, 2024 to 2026; for custom resources "Use Microsoft Entra ID authorization for the
Kubernetes API in AKS", 2026-04.

Following a long operation of AKS costs nothing: its address lies in the subscription, and who may start the
operation in a resource group may follow it. Those of DNS lie in the resource group and have actions of their
own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from provision.plan import permissions_networking
from provision.plan.permission import (
    Costs,
    Operation,
    Permission,
    World,
    at,
    data,
    group_of,
    subscription_of,
    tagged,
)
from provision.plan.permissions_kubernetes import helm_release, istio_traces, manifest
from provision.resources.certificate import Certificate
from provision.resources.dns import DnsZone, HostRecord, PrivateDnsZone, RecordSet, VirtualNetworkLink
from provision.resources.helm_release import HelmRelease
from provision.resources.identity import FederatedCredential, RoleAssignment, UserAssignedIdentity
from provision.resources.issuer import CertificateContacts, CertificateIssuer
from provision.resources.managed_cluster import ManagedCluster
from provision.resources.manifest import Manifest
from provision.resources.mesh import IstioTraces, MeshRevisions
from provision.resources.ref import Ref
from provision.resources.resource import Resource
from provision.resources.vault import ACCESS_POLICY, AccessPolicy, KeyVault

_CLUSTERS = "Microsoft.ContainerService/managedClusters"
_VAULTS = "Microsoft.KeyVault/vaults"
_ASSIGNMENTS = "Microsoft.Authorization/roleAssignments"
_IDENTITIES = "Microsoft.ManagedIdentity/userAssignedIdentities"
_PUBLIC = "Microsoft.Network/dnsZones"
_PRIVATE = "Microsoft.Network/privateDnsZones"
_NETWORKS = "Microsoft.Network/virtualNetworks"


def costs(resource: Resource, world: World) -> Costs:
    """What each operation on a resource needs. Refs of the resource may be resolved or not."""
    return TABLE[resource.KIND](resource, world)


def _cluster(resource: ManagedCluster, world: World) -> Costs:
    return {
        Operation.READ: (*at(resource.id, f"{_CLUSTERS}/read"), *tagged(resource.id)),
        Operation.UPDATE: at(resource.id, f"{_CLUSTERS}/write"),
    }


def _mesh_revisions(resource: MeshRevisions, world: World) -> Costs:
    """What a region offers is read at the subscription."""
    offered = "Microsoft.ContainerService/locations/meshRevisionProfiles/read"
    return {
        Operation.READ: (
            *at(resource.id, f"{_CLUSTERS}/read"),
            *at(subscription_of(resource.id), offered),
        )
    }


def _vault(resource: KeyVault, world: World) -> Costs:
    """One that is made gets the tenant of its subscription and may take its name back from a deleted one; one
    that is deleted is looked through for what is not ours."""
    write = at(resource.id, f"{_VAULTS}/write")
    inside = (
        f"{_VAULTS}/certificates/read",
        f"{_VAULTS}/secrets/readMetadata/action",
        f"{_VAULTS}/keys/read",
    )
    beside = ("Microsoft.Resources/subscriptions/read", "Microsoft.KeyVault/deletedVaults/read")
    return {
        Operation.READ: (*at(resource.id, f"{_VAULTS}/read"), *tagged(resource.id)),
        Operation.CREATE: (*write, *at(subscription_of(resource.id), *beside)),
        Operation.UPDATE: write,
        Operation.DELETE: (*at(resource.id, f"{_VAULTS}/delete"), *data(resource.id, *inside)),
    }


def _issuer(resource: CertificateIssuer, world: World) -> Costs:
    """One goes only while no certificate of others is renewed through it."""
    issuers = f"{_VAULTS}/certificatecas"
    read, write, delete, look = _in_vault(
        resource.vault,
        world,
        f"{issuers}/read",
        f"{issuers}/write",
        f"{issuers}/delete",
        f"{_VAULTS}/certificates/read",
    )
    return {
        Operation.READ: read,
        Operation.CREATE: write,
        Operation.UPDATE: write,
        Operation.DELETE: (*delete, *look),
    }


def _contacts(resource: CertificateContacts, world: World) -> Costs:
    """Key Vault has one right for reading and writing them."""
    [manage] = _in_vault(resource.vault, world, f"{_VAULTS}/certificatecontacts/write")
    return dict.fromkeys((Operation.READ, Operation.CREATE, Operation.UPDATE, Operation.DELETE), manage)


def _certificate(resource: Certificate, world: World) -> Costs:
    """A name that a deleted certificate of ours holds is taken back."""
    make = "import/action" if resource.source else "create/action"
    verbs = ("read", make, "recover/action", "update/action", "delete")
    read, create, recover, update, delete = _in_vault(
        resource.vault, world, *(f"{_VAULTS}/certificates/{verb}" for verb in verbs)
    )
    return {
        Operation.READ: read,
        Operation.CREATE: (*create, *recover, *update),
        Operation.UPDATE: (*create, *update),
        Operation.DELETE: delete,
    }


def _in_vault(vault: str, world: World, *actions: str) -> list[tuple[Permission, ...]]:
    """What each data action costs: nothing where access policies decide, since they are no roles."""
    address = f"{KeyVault.KIND}/{vault}"
    if world.lookup(Ref(address, "authorization")) == ACCESS_POLICY:
        return [() for _ in actions]
    return [data(str(getattr(world.graph[address], "id", "")), action) for action in actions]


def _access_policy(resource: AccessPolicy, world: World) -> Costs:
    write = at(resource.vault_id, f"{_VAULTS}/accessPolicies/write")
    return {
        Operation.READ: at(resource.vault_id, f"{_VAULTS}/read"),
        Operation.CREATE: write,
        Operation.UPDATE: write,
        Operation.DELETE: write,
    }


def _identity(resource: UserAssignedIdentity, world: World) -> Costs:
    return {
        Operation.READ: (*at(resource.id, f"{_IDENTITIES}/read"), *tagged(resource.id)),
        Operation.CREATE: at(resource.id, f"{_IDENTITIES}/write"),
        Operation.DELETE: at(resource.id, f"{_IDENTITIES}/delete"),
    }


def _credential(resource: FederatedCredential, world: World) -> Costs:
    credentials = f"{_IDENTITIES}/federatedIdentityCredentials"
    write = at(resource.identity_id, f"{credentials}/write")
    return {
        Operation.READ: at(resource.identity_id, f"{credentials}/read"),
        Operation.CREATE: write,
        Operation.UPDATE: write,
        Operation.DELETE: at(resource.identity_id, f"{credentials}/delete"),
    }


def _assignment(resource: RoleAssignment, world: World) -> Costs:
    """One call reads what a principal has in the whole subscription. A scope that is not known yet is in the
    subscription of what will name it."""
    scope = resource.scope
    if isinstance(scope, Ref):
        scope = subscription_of(str(getattr(world.graph[scope.address], "id", "")))
    return {
        Operation.READ: at(subscription_of(str(scope)), f"{_ASSIGNMENTS}/read"),
        Operation.CREATE: at(str(scope), f"{_ASSIGNMENTS}/write"),
        Operation.DELETE: at(str(scope), f"{_ASSIGNMENTS}/delete"),
    }


def _zone(resource: DnsZone, world: World) -> Costs:
    return {
        Operation.READ: (
            *at(resource.id, f"{_PUBLIC}/read", f"{_PUBLIC}/all/read"),
            *tagged(resource.id),
        ),
        Operation.CREATE: at(resource.id, f"{_PUBLIC}/write"),
        Operation.DELETE: (
            *at(resource.id, f"{_PUBLIC}/delete"),
            *at(group_of(resource.id), "Microsoft.Network/dnsOperationStatuses/read"),
        ),
    }


def _private_zone(resource: PrivateDnsZone, world: World) -> Costs:
    follow = _private_operations(resource.id)
    return {
        Operation.READ: (
            *at(resource.id, f"{_PRIVATE}/read", f"{_PRIVATE}/all/read"),
            *tagged(resource.id),
        ),
        Operation.CREATE: (*at(resource.id, f"{_PRIVATE}/write"), *follow),
        Operation.DELETE: (*at(resource.id, f"{_PRIVATE}/delete"), *follow),
    }


def _link(resource: VirtualNetworkLink, world: World) -> Costs:
    """The network belongs to somebody else, in a resource group and perhaps a subscription of its own."""
    links = f"{_PRIVATE}/virtualNetworkLinks"
    follow = _private_operations(resource.id)
    write = (
        *at(resource.id, f"{links}/write"),
        *follow,
        *at(str(resource.virtual_network), f"{_NETWORKS}/join/action"),
    )
    return {
        Operation.READ: (*at(resource.id, f"{links}/read"), *tagged(resource.id)),
        Operation.CREATE: write,
        Operation.UPDATE: write,
        Operation.DELETE: (*at(resource.id, f"{links}/delete"), *follow),
    }


def _record_set(resource: RecordSet, world: World) -> Costs:
    kind = f"{_zones(resource.visibility)}/{resource.record_type}"
    write = at(resource.zone_id, f"{kind}/write")
    return {
        Operation.READ: at(resource.zone_id, f"{_zones(resource.visibility)}/all/read"),
        Operation.CREATE: write,
        Operation.UPDATE: write,
        Operation.DELETE: at(resource.zone_id, f"{kind}/delete"),
    }


def _host_record(resource: HostRecord, world: World) -> Costs:
    """The cluster writes it and takes it away again, but for a zone's apex."""
    kind = _zones(resource.visibility)
    apex = at(resource.zone_id, f"{kind}/A/delete") if resource.record_name == "@" else ()
    # A private zone is not asked over DNS: nobody outside its networks can.
    asked = ("CNAME", "AAAA") if resource.visibility == "private" else ()
    return {
        Operation.READ: at(resource.zone_id, f"{kind}/A/read"),
        Operation.DELETE: apex,
        Operation.VERIFY: at(resource.zone_id, *(f"{kind}/{each}/read" for each in asked)),
    }


def _zones(visibility: str) -> str:
    return _PUBLIC if visibility == "public" else _PRIVATE


def _private_operations(id_: str) -> tuple[Permission, ...]:
    return at(group_of(id_), "Microsoft.Network/privateDnsOperationStatuses/read")


TABLE: Mapping[str, Callable[[Any, World], Costs]] = {
    ManagedCluster.KIND: _cluster,
    KeyVault.KIND: _vault,
    CertificateIssuer.KIND: _issuer,
    CertificateContacts.KIND: _contacts,
    AccessPolicy.KIND: _access_policy,
    Certificate.KIND: _certificate,
    UserAssignedIdentity.KIND: _identity,
    FederatedCredential.KIND: _credential,
    RoleAssignment.KIND: _assignment,
    **permissions_networking.TABLE,
    DnsZone.KIND: _zone,
    PrivateDnsZone.KIND: _private_zone,
    VirtualNetworkLink.KIND: _link,
    RecordSet.KIND: _record_set,
    HostRecord.KIND: _host_record,
    Manifest.KIND: manifest,
    HelmRelease.KIND: helm_release,
    MeshRevisions.KIND: _mesh_revisions,
    IstioTraces.KIND: istio_traces,
}
"""Every kind that has a handler."""
