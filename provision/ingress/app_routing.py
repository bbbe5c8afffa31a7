"""The application routing add-on: profile → resources.

Both implementations share the cluster, the zones, the vaults and the certificates. They differ in the
identity that reads certificates and writes records: with NGINX it is the add-on's own, which exists
once the add-on is on; with Gateway API it is a user-assigned identity of ours that the cluster's
service accounts take on through federated credentials.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from provision.ingress.certificates import certificates
from provision.ingress.gateway_api import GatewayHosts, grants_by_scope
from provision.ingress.gateway_settings import GatewaySettings
from provision.ingress.grants import Grantee, grants
from provision.ingress.hosts import HostChain, service_accounts
from provision.ingress.identities import federated_credentials, ingress_identity
from provision.ingress.nginx import NginxHosts
from provision.ingress.objects import Objects, cluster_id, istio_traces
from provision.ingress.secret_sync import Sync
from provision.ingress.vaults import vaults
from provision.ingress.zones import records, written_elsewhere, zone_ids, zones
from provision.profile.model import AppRouting, Profile
from provision.resources.graph import ResourceGraph
from provision.resources.managed_cluster import (
    APP_ROUTING,
    APP_ROUTING_ISTIO,
    GATEWAY_API,
    NGINX_CONTROLLER,
    OIDC_ISSUER,
    SECRET_ROTATION,
    SECRETS_PROVIDER,
    WORKLOAD_IDENTITY,
    ZONES,
    ManagedCluster,
)
from provision.resources.ref import Ref
from provision.resources.resource import Condition, Resource
from provision.resources.values import Value

_CONTROLLER_TYPES = {
    "annotation-controlled": "AnnotationControlled",
    "external": "External",
    "internal": "Internal",
    "none": "None",
}


def graph(profile: Profile, ingress: AppRouting) -> ResourceGraph:
    """Every resource that app routing needs for this profile."""
    return ResourceGraph(_resources(profile, ingress)[0])


def chains(profile: Profile, ingress: AppRouting) -> Mapping[str, HostChain]:
    """What each host's traffic depends on; empty with `cluster.access: none`."""
    resources, hosts = _resources(profile, ingress)
    return hosts.chains(ResourceGraph(resources)) if hosts else {}


def _resources(
    profile: Profile, ingress: AppRouting
) -> tuple[list[Resource], GatewayHosts | NginxHosts | None]:
    shared = [*zones(profile), *records(profile), *vaults(profile), *certificates(profile)]
    if ingress.implementation == "nginx":
        cluster = _nginx_cluster(profile, ingress)
        granted = grants(profile, Grantee("webapprouting", Ref(cluster.address, "addonObjectId")))
        nginx = NginxHosts(profile, ingress, Objects(profile, cluster), grants_by_scope(granted))
        return _with_objects(profile, [*shared, cluster, *granted], nginx)
    cluster = _gateway_cluster(profile, ingress)
    identity = ingress_identity(profile, cluster)
    granted = grants(profile, Grantee(identity.name, Ref(identity.address, "principalId")))
    accounts = service_accounts(profile, ingress.dns_namespace)
    credentials = federated_credentials(profile, accounts, identity, cluster)
    objects = Objects(profile, cluster)
    gateways = GatewayHosts(
        profile,
        GatewaySettings.of(ingress),
        objects,
        "approuting-istio",
        Sync(
            profile,
            objects,
            identity,
            grants_by_scope(granted),
            {account: (credential.address,) for account, credential in credentials.items()},
        ),
        dns_namespace=ingress.dns_namespace,
    )
    needed = [*granted, *credentials.values()]
    found = [*shared, cluster, *([identity, *needed] if needed else [])]
    if profile.hosts and profile.cluster.access != "none":
        # Once it runs, nothing that the mesh left behind has kept it from starting.
        found.append(istio_traces(profile, cluster, Condition(Ref(cluster.address, "routingIstio"), False)))
    return _with_objects(profile, found, gateways)


_Hosts = TypeVar("_Hosts", GatewayHosts, NginxHosts)


def _with_objects(
    profile: Profile, resources: list[Resource], hosts: _Hosts
) -> tuple[list[Resource], _Hosts | None]:
    if profile.cluster.access == "none":
        return resources, None
    return [*resources, *hosts.resources()], hosts


def _nginx_cluster(profile: Profile, ingress: AppRouting) -> ManagedCluster:
    controller = ingress.default_controller or (
        "internal" if ingress.load_balancer == "internal" else "annotation-controlled"
    )
    settings: dict[str, Value] = {
        APP_ROUTING: True,
        NGINX_CONTROLLER: _CONTROLLER_TYPES[controller],
        ZONES: frozenset(zone_ids(profile).values()),
        **_vault_settings(profile),
    }
    return ManagedCluster(
        name=profile.cluster.name,
        id=cluster_id(profile),
        settings=settings,
        # AKS refuses to attach a zone that is not there yet.
        after=tuple(zone.address for zone in zones(profile) if zone.KIND != "virtual_network_link"),
    )


def _gateway_cluster(profile: Profile, ingress: AppRouting) -> ManagedCluster:
    # App routing itself must be on although no NGINX is wanted: it brings the operator that syncs
    # certificates and writes DNS records. Source: "Secure Gateway API traffic with the application
    # routing add-on", 2026-05.
    settings: dict[str, Value] = {
        APP_ROUTING: True,
        NGINX_CONTROLLER: _CONTROLLER_TYPES[ingress.default_controller or "none"],
        GATEWAY_API: "Standard",
        APP_ROUTING_ISTIO: "Enabled",
        OIDC_ISSUER: True,
        WORKLOAD_IDENTITY: True,
        **_vault_settings(profile),
    }
    return ManagedCluster(
        name=profile.cluster.name,
        id=cluster_id(profile),
        settings=settings,
        detached=written_elsewhere(profile),
    )


def _vault_settings(profile: Profile) -> dict[str, Value]:
    # Rotation is off where az enabled the add-on, and then a renewed certificate is never served.
    return {SECRETS_PROVIDER: True, SECRET_ROTATION: "true"} if profile.vaults else {}
