"""The table of handlers: which code reads and writes which kind."""

from __future__ import annotations

from collections.abc import Callable

from provision.apply.handler import Handlers
from provision.providers.azure.certificates import Certificates
from provision.providers.azure.clients import Clients
from provision.providers.azure.identities import (
    FederatedCredentials,
    RoleAssignments,
    UserAssignedIdentities,
)
from provision.providers.azure.managed_clusters import ManagedClusters
from provision.providers.azure.record_sets import RecordSets
from provision.providers.azure.vaults import AccessPolicies, KeyVaults
from provision.providers.azure.zones import DnsZones, PrivateDnsZones, VirtualNetworkLinks
from provision.resources.dns import DnsZone, PrivateDnsZone, RecordSet, VirtualNetworkLink
from provision.resources.identity import FederatedCredential, RoleAssignment, UserAssignedIdentity
from provision.resources.managed_cluster import ManagedCluster
from provision.resources.vault import AccessPolicy, Certificate, KeyVault


def azure_handlers(clients: Clients, on_wait: Callable[[str], None] | None = None) -> Handlers:
    """One handler a kind. The SDK of a kind is imported when its handler first needs it."""
    return {
        ManagedCluster.KIND: ManagedClusters(clients, on_wait),
        DnsZone.KIND: DnsZones(clients),
        PrivateDnsZone.KIND: PrivateDnsZones(clients),
        VirtualNetworkLink.KIND: VirtualNetworkLinks(clients),
        RecordSet.KIND: RecordSets(clients),
        KeyVault.KIND: KeyVaults(clients),
        AccessPolicy.KIND: AccessPolicies(clients),
        Certificate.KIND: Certificates(clients),
        UserAssignedIdentity.KIND: UserAssignedIdentities(clients),
        FederatedCredential.KIND: FederatedCredentials(clients),
        RoleAssignment.KIND: RoleAssignments(clients),
    }
