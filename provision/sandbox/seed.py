"""What the sandbox holds when it is new: Contoso's subscription with clusters, vaults and service principals.

The client ids and secrets below are public by design; they open nothing but a sandbox on loopback.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from provision.sandbox import (
    authorization,
    entra,
    identities,
    managed_clusters,
    rbac,
    resource_groups,
    roles,
    seed_networks,
    subscriptions,
)
from provision.sandbox import vaults as key_vaults
from provision.sandbox.azure import SUBSCRIPTION, TENANT, Azure, Json
from provision.sandbox.gateway import GROUP
from provision.sandbox.gateway import SUBSCRIPTION as SUBSCRIPTION_KIND
from provision.sandbox.seed_authorities import ensure_authority
from provision.sandbox.seed_once import first_time, is_new
from provision.sandbox.seed_workloads import CLUSTER, Workload, ensure_workloads

LOCATION = "westeurope"
_FOREVER = "2099-12-31T00:00:00Z"


@dataclass(frozen=True, slots=True)
class Client:
    """A seeded service principal: its credentials and its roles at the subscription."""

    name: str
    client_id: str
    object_id: str
    secret: str
    roles: tuple[str, ...] = ()
    expires: str = _FOREVER


_OBJECTS_READER = "00000000-0000-4000-8000-0000000d0001"
"""A custom role: AKS RBAC Reader does not cover custom resources such as Gateways."""


def _client(name: str, number: int, *assigned: str, expires: str = _FOREVER) -> Client:
    return Client(
        name,
        f"00000000-0000-4000-8000-0000000c000{number}",
        f"00000000-0000-4000-8000-0000000b000{number}",
        f"sandbox-{name}-secret",
        assigned,
        expires,
    )


CLIENTS: Mapping[str, Client] = {
    client.name: client
    for client in (
        _client("owner", 1, roles.OWNER, roles.KEY_VAULT_ADMINISTRATOR, roles.AKS_RBAC_CLUSTER_ADMIN),
        # may not write role assignments
        _client(
            "contributor",
            2,
            roles.CONTRIBUTOR,
            roles.KEY_VAULT_CERTIFICATES_OFFICER,
            roles.AKS_RBAC_CLUSTER_ADMIN,
        ),
        _client("reader", 3, roles.READER, roles.AKS_CLUSTER_USER, _OBJECTS_READER),
        _client("nobody", 4),
        _client("expired", 5, roles.READER, expires="2025-01-01T00:00:00Z"),
    )
}


_SECURITY = "rg-security"
_NEWEST = "1.36"
"""Kubernetes of clusters that nobody holds back."""
_ENTRA: Json = {
    "aadProfile": {"managed": True, "enableAzureRBAC": True, "tenantID": TENANT},
    "disableLocalAccounts": True,
}


def seed(azure: Azure) -> None:
    """Fill a new state; does nothing to one that was seeded before, whatever was deleted from it since."""
    if not first_time(azure, "seeded"):
        return
    for client in CLIENTS.values():
        principal = identities.new_principal(
            azure, client.name, "Application", client_id=client.client_id, object_id=client.object_id
        )
        azure.store.put(identities.PRINCIPAL, principal["id"], {**principal, "replicatedAt": 0.0})
        entra.register_client(
            azure, client.client_id, client.object_id, client.secret, expires=client.expires
        )
    _objects_reader(azure)
    _subscription(azure, SUBSCRIPTION, "Contoso")
    for group in ("rg-aks-dev", "rg-aks-prod", "rg-aks-legacy", "rg-aks-private", "rg-dns", _SECURITY):
        _group(azure, SUBSCRIPTION, group)
    _cluster(azure, SUBSCRIPTION, "rg-aks-dev", "aks-dev", version=_NEWEST)
    _cluster(azure, SUBSCRIPTION, "rg-aks-prod", "aks-prod", entra=True)
    _cluster(azure, SUBSCRIPTION, "rg-aks-private", "aks-private", entra=True, private=True)
    _cluster(azure, SUBSCRIPTION, "rg-aks-legacy", "aks-legacy", version="1.33", modern=False)
    _vault(azure, SUBSCRIPTION, _SECURITY, "kv-contoso-prod")
    _vault(azure, SUBSCRIPTION, _SECURITY, "kv-contoso-dev")
    _vault(azure, SUBSCRIPTION, _SECURITY, "kv-contoso-legacy", rbac=False)


def ensure(
    azure: Azure,
    subscription: str,
    *,
    cluster: tuple[str, str] | None = None,
    vaults: Mapping[str, str] | None = None,
    groups: Iterable[str] = (),
    workloads: Iterable[Workload] = (),
    networks: Iterable[str] = (),
    subnets: Iterable[str] = (),
    firewalls: Iterable[str] = (),
    authorities: Mapping[str, Mapping[str, str]] | None = None,
) -> list[str]:
    """Make what a profile names and has never existed, once: a thing deleted later stays deleted.

    `cluster` is (resource group, name), `vaults` maps names to resource groups, `workloads` are what other
    teams run in the cluster. `networks`, `subnets` and `firewalls` are ids: networks with room for subnets,
    subnets of a /24 that are delegated to Application Gateway for Containers, firewall policies with the
    rule set it takes. `authorities` maps ids of vaults to the names of secrets of a mesh's authority. An
    unknown subscription is registered, with the seeded clients' roles. Returns a line for people for each
    thing made. Runs in a transaction of its own.
    """
    made: list[str] = []
    wanted_groups = [*([cluster[0]] if cluster else []), *(vaults or {}).values(), *groups]
    with azure.store.transaction():
        if _subscription(azure, subscription, f"Sandbox {subscription[:8]}"):
            made.append(f"subscription {subscription} (owner, contributor and reader have their roles in it)")
        made += [
            f"resource group {group} in {LOCATION}"
            for group in dict.fromkeys(wanted_groups)
            if _group(azure, subscription, group)
        ]
        if cluster and _cluster(azure, subscription, *cluster, version=_NEWEST):
            made.append(f"AKS cluster {cluster[1]} in {cluster[0]}, OIDC issuer and workload identity on")
        made += [
            f"key vault {name} in {group}, with Azure RBAC"
            for name, group in (vaults or {}).items()
            if _vault(azure, subscription, group, name)
        ]
        for vault, names in (authorities or {}).items():
            made += ensure_authority(azure, vault, names)
        if cluster:
            made += ensure_workloads(azure, subscription, *cluster, workloads)
        made += _networks(azure, networks, subnets, firewalls)
    return made


def _subscription(azure: Azure, subscription: str, name: str) -> bool:
    if not is_new(azure, SUBSCRIPTION_KIND, f"/subscriptions/{subscription}"):
        return False
    document = subscriptions.new_subscription(azure, subscription, name)
    for client in CLIENTS.values():
        for role in client.roles:
            authorization.new_assignment(
                azure, document["id"], role, client.object_id, created=authorization.LONG_AGO
            )
    return True


def _objects_reader(azure: Azure) -> None:
    """What a drift check needs inside clusters: to read everything but Secrets."""
    clusters = f"{CLUSTER}/"
    permission = {
        "actions": [],
        "notActions": [],
        "dataActions": [f"{clusters}*/read"],
        "notDataActions": [f"{clusters}secrets/read"],
    }
    document = {
        "id": f"/providers/{rbac.DEFINITION}/{_OBJECTS_READER}",
        "type": rbac.DEFINITION,
        "name": _OBJECTS_READER,
        "properties": {
            "roleName": "Contoso Kubernetes Objects Reader",
            "type": "CustomRole",
            "description": "Read all objects of AKS clusters but Secrets.",
            "assignableScopes": [f"/subscriptions/{SUBSCRIPTION}"],
            "permissions": [permission],
            "createdOn": authorization.LONG_AGO,
            "updatedOn": authorization.LONG_AGO,
            "createdBy": None,
            "updatedBy": None,
        },
    }
    azure.store.put(rbac.DEFINITION, _OBJECTS_READER, document)


def _group(azure: Azure, subscription: str, group: str) -> bool:
    if not is_new(azure, GROUP, f"/subscriptions/{subscription}/resourceGroups/{group}"):
        return False
    resource_groups.new_group(azure, subscription, group, LOCATION, tags={})
    return True


def _cluster(
    azure: Azure,
    subscription: str,
    group: str,
    name: str,
    *,
    version: str = "1.34",
    modern: bool = True,
    entra: bool = False,
    private: bool = False,
) -> bool:
    """`modern` has the OIDC issuer and workload identity, which everything newer than NGINX needs; `entra`
    knows Entra's identities and Azure's roles instead of local accounts; `private` has an API server that
    only its network reaches."""
    prefix = f"/subscriptions/{subscription}/resourceGroups/{group}"
    if not is_new(azure, CLUSTER, f"{prefix}/providers/{CLUSTER}/{name}"):
        return False
    managed_clusters.new_cluster(
        azure,
        subscription,
        group,
        name,
        LOCATION,
        tags={"team": "platform"},
        properties={
            "kubernetesVersion": version,
            "networkProfile": {"networkPlugin": "azure", "networkPluginMode": "overlay"},
            "oidcIssuerProfile": {"enabled": modern},
            "securityProfile": {"workloadIdentity": {"enabled": modern}},
            **(_ENTRA if entra else {}),
            **({"apiServerAccessProfile": {"enablePrivateCluster": True}} if private else {}),
        },
    )
    return True


def _networks(
    azure: Azure, networks: Iterable[str], subnets: Iterable[str], firewalls: Iterable[str]
) -> Iterator[str]:
    for what, ids, make in (
        ("virtual network", networks, seed_networks.network),
        ("subnet", subnets, seed_networks.subnet),
        ("firewall policy", firewalls, seed_networks.firewall),
    ):
        for each in ids:
            subscription, group = each.split("/")[2], each.split("/")[4]
            if _group(azure, subscription, group):
                yield f"resource group {group} in {LOCATION}"
            if make(azure, each, LOCATION):
                yield f"{what} {each}"


def _vault(azure: Azure, subscription: str, group: str, name: str, *, rbac: bool = True) -> bool:
    if not is_new(azure, key_vaults.VAULT, key_vaults.vault_id(subscription, group, name)):
        return False
    policies = () if rbac else (CLIENTS["owner"].object_id,)
    key_vaults.new_vault(
        azure, subscription, group, name, rbac=rbac, location=LOCATION, administrators=policies
    )
    return True
