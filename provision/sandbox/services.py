"""The one table of the sandbox's services."""

from __future__ import annotations

from collections.abc import Mapping

from provision.sandbox import (
    addons,
    authorization,
    certificates,
    cluster_credentials,
    dns,
    entra,
    graph,
    identities,
    managed_clusters,
    metadata,
    private_dns,
    private_endpoints,
    registrations,
    resource_groups,
    role_definitions,
    run_command,
    service_networking,
    subscriptions,
    vaults,
    virtual_networks,
    waf_policies,
)
from provision.sandbox.azure import Settle
from provision.sandbox.http import Route

ROUTES: tuple[Route, ...] = (
    *entra.ROUTES,
    *metadata.ROUTES,
    *graph.ROUTES,
    *subscriptions.ROUTES,
    *resource_groups.ROUTES,
    *authorization.ROUTES,
    *role_definitions.ROUTES,
    *identities.ROUTES,
    *managed_clusters.ROUTES,
    *cluster_credentials.ROUTES,
    *run_command.ROUTES,
    *dns.ROUTES,
    *private_dns.ROUTES,
    *virtual_networks.ROUTES,
    *service_networking.ROUTES,
    *waf_policies.ROUTES,
    *private_endpoints.ROUTES,
    *vaults.ROUTES,
    *certificates.ROUTES,
)

SETTLERS: Mapping[str, Settle] = {
    **registrations.SETTLERS,
    **resource_groups.SETTLERS,
    **managed_clusters.SETTLERS,
    **run_command.SETTLERS,
    **dns.SETTLERS,
    **private_dns.SETTLERS,
    **virtual_networks.SETTLERS,
    **service_networking.SETTLERS,
    **waf_policies.SETTLERS,
    **private_endpoints.SETTLERS,
    **vaults.SETTLERS,
    **certificates.SETTLERS,
    **addons.SETTLERS,
}

after_write = addons.after_write
"""Called after each write: the clusters' controllers notice it a little later."""
