"""The application routing add-on: profile → resources.

Both implementations share the cluster, the zones, the vaults and the certificates. They differ in the
identity that reads certificates and writes records: with NGINX it is the add-on's own, which exists
once the add-on is on; with Gateway API it is a user-assigned identity of ours that the cluster's
service accounts take on through federated credentials.
"""

from __future__ import annotations

from collections.abc import Iterator

from provision.ingress.common import (
    Grantee,
    certificates,
    cluster_id,
    grants,
    records,
    vaults,
    zone_ids,
    zones,
)
from provision.profile.model import AppRouting, Profile
from provision.resources.arm import resource_id
from provision.resources.graph import ResourceGraph
from provision.resources.identity import FederatedCredential, UserAssignedIdentity, owned_prefix
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
from provision.resources.resource import Resource
from provision.resources.values import CaseInsensitive, Value

_CONTROLLER_TYPES = {
    "annotation-controlled": "AnnotationControlled",
    "external": "External",
    "internal": "Internal",
    "none": "None",
}


def graph(profile: Profile, ingress: AppRouting) -> ResourceGraph:
    """Every resource that app routing needs for this profile."""
    shared = [*zones(profile), *records(profile), *vaults(profile), *certificates(profile)]
    if ingress.implementation == "nginx":
        cluster = _nginx_cluster(profile, ingress)
        grantee = Grantee("webapprouting", Ref(cluster.address, "addonObjectId"))
        return ResourceGraph([*shared, cluster, *grants(profile, grantee)])
    cluster = _gateway_cluster(profile, ingress)
    identity = _identity(profile, cluster)
    grantee = Grantee(identity.name, Ref(identity.address, "principalId"))
    needed = [*grants(profile, grantee), *_federated_credentials(profile, identity, cluster)]
    return ResourceGraph([*shared, cluster, *([identity, *needed] if needed else [])])


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
    return ManagedCluster(name=profile.cluster.name, id=cluster_id(profile), settings=settings)


def _vault_settings(profile: Profile) -> dict[str, Value]:
    # Rotation is off where az enabled the add-on, and then a renewed certificate is never served.
    return {SECRETS_PROVIDER: True, SECRET_ROTATION: "true"} if profile.vaults else {}


def _identity(profile: Profile, cluster: ManagedCluster) -> UserAssignedIdentity:
    name = profile.identity.name or f"id-ingress-{profile.name}"
    group = profile.identity.resource_group or profile.cluster.resource_group
    kind = "Microsoft.ManagedIdentity/userAssignedIdentities"
    return UserAssignedIdentity(
        name=name,
        id=resource_id(profile.azure.subscription, group, kind, name),
        location=Ref(cluster.address, "location"),
    )


def service_accounts(profile: Profile) -> list[tuple[str, str]]:
    """Every (namespace, service account) through which a host's certificate is read, sorted."""
    default = f"{profile.name}-ingress"
    return sorted({(host.namespace, host.service_account or default) for host in profile.hosts.values()})


def _federated_credentials(
    profile: Profile, identity: UserAssignedIdentity, cluster: ManagedCluster
) -> Iterator[Resource]:
    for namespace, account in service_accounts(profile):
        # A credential carries no tags: its name is our mark. Neither part can hold an underscore.
        credential = f"{owned_prefix(profile.name)}{namespace}_{account}"
        yield FederatedCredential(
            name=f"{identity.name}/{credential}",
            identity_id=CaseInsensitive(identity.id),
            credential_name=credential,
            issuer=Ref(cluster.address, "oidcIssuerURL"),
            subject=f"system:serviceaccount:{namespace}:{account}",
            after=(identity.address,),
        )
