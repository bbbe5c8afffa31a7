"""The identity of ours that workloads in the cluster take on: profile → resources."""

from __future__ import annotations

from collections.abc import Iterable

from provision.profile.model import Profile
from provision.resources.arm import resource_id
from provision.resources.identity import FederatedCredential, UserAssignedIdentity, owned_prefix
from provision.resources.managed_cluster import ManagedCluster
from provision.resources.ref import Ref
from provision.resources.values import CaseInsensitive


def ingress_identity(profile: Profile, cluster: ManagedCluster) -> UserAssignedIdentity:
    """The identity that reads certificates and writes records."""
    name = profile.identity.name or f"id-ingress-{profile.name}"
    group = profile.identity.resource_group or profile.cluster.resource_group
    kind = "Microsoft.ManagedIdentity/userAssignedIdentities"
    return UserAssignedIdentity(
        name=name,
        id=resource_id(profile.azure.subscription, group, kind, name),
        location=Ref(cluster.address, "location"),
    )


def federated_credentials(
    profile: Profile,
    accounts: Iterable[tuple[str, str]],
    identity: UserAssignedIdentity,
    cluster: ManagedCluster,
) -> dict[tuple[str, str], FederatedCredential]:
    """One for each (namespace, service account) that takes on the identity."""
    found = {}
    for namespace, account in accounts:
        # A credential carries no tags: its name is our mark. Neither part can hold an underscore.
        credential = f"{owned_prefix(profile.name)}{namespace}_{account}"
        found[namespace, account] = FederatedCredential(
            name=f"{identity.name}/{credential}",
            identity_id=CaseInsensitive(identity.id),
            credential_name=credential,
            issuer=Ref(cluster.address, "oidcIssuerURL"),
            subject=f"system:serviceaccount:{namespace}:{account}",
            after=(identity.address,),
        )
    return found
