"""The table of handlers: which code reads and writes which kind."""

from __future__ import annotations

from collections.abc import Callable

from provision.apply.handler import Handlers
from provision.providers.azure.access_policies import AccessPolicies
from provision.providers.azure.certificates import Certificates
from provision.providers.azure.clients import Clients
from provision.providers.azure.endpoint_connections import PrivateEndpointConnections
from provision.providers.azure.host_records import HostRecords
from provision.providers.azure.identities import FederatedCredentials, UserAssignedIdentities
from provision.providers.azure.issuers import Contacts, Issuers
from provision.providers.azure.managed_clusters import ManagedClusters
from provision.providers.azure.mesh_revisions import MeshRevisions
from provision.providers.azure.record_sets import RecordSets
from provision.providers.azure.registrations import PreviewFeatures, ResourceProviders
from provision.providers.azure.role_assignments import RoleAssignments
from provision.providers.azure.searching import Tagged
from provision.providers.azure.service_networking import service_networking
from provision.providers.azure.subnets import ClusterSubnets, Subnets
from provision.providers.azure.vaults import KeyVaults
from provision.providers.azure.waf_policies import WafPolicies
from provision.providers.azure.zones import DnsZones, PrivateDnsZones, VirtualNetworkLinks
from provision.resources.certificate import Certificate
from provision.resources.dns import DnsZone, HostRecord, PrivateDnsZone, RecordSet, VirtualNetworkLink
from provision.resources.identity import FederatedCredential, RoleAssignment, UserAssignedIdentity
from provision.resources.issuer import CertificateContacts, CertificateIssuer
from provision.resources.managed_cluster import ManagedCluster
from provision.resources.mesh import MeshRevisions as Revisions
from provision.resources.network import ClusterSubnet, Subnet
from provision.resources.registration import PreviewFeature, ResourceProvider
from provision.resources.service_networking import PrivateEndpointConnection
from provision.resources.vault import AccessPolicy, KeyVault
from provision.resources.waf_policy import WafPolicy


def azure_handlers(clients: Clients, on_wait: Callable[[str], None] | None = None) -> Handlers:
    """One handler a kind. The SDK of a kind is imported when its handler first needs it."""
    tagged = Tagged(clients)
    return {
        ManagedCluster.KIND: ManagedClusters(clients, on_wait),
        Revisions.KIND: MeshRevisions(clients),
        DnsZone.KIND: DnsZones(clients, tagged),
        PrivateDnsZone.KIND: PrivateDnsZones(clients, tagged),
        VirtualNetworkLink.KIND: VirtualNetworkLinks(clients, tagged),
        HostRecord.KIND: HostRecords(clients),
        RecordSet.KIND: RecordSets(clients),
        KeyVault.KIND: KeyVaults(clients, tagged),
        CertificateIssuer.KIND: Issuers(clients),
        CertificateContacts.KIND: Contacts(clients),
        AccessPolicy.KIND: AccessPolicies(clients),
        Certificate.KIND: Certificates(clients),
        UserAssignedIdentity.KIND: UserAssignedIdentities(clients, tagged),
        FederatedCredential.KIND: FederatedCredentials(clients),
        RoleAssignment.KIND: RoleAssignments(clients),
        ResourceProvider.KIND: ResourceProviders(clients),
        PreviewFeature.KIND: PreviewFeatures(clients),
        Subnet.KIND: Subnets(clients),
        ClusterSubnet.KIND: ClusterSubnets(clients),
        WafPolicy.KIND: WafPolicies(clients),
        **service_networking(clients, tagged),
        PrivateEndpointConnection.KIND: PrivateEndpointConnections(clients),
    }
