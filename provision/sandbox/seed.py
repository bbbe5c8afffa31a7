"""What the sandbox holds when it is new: Contoso's subscription with clusters, vaults and service principals.

The client ids and secrets below are public by design; they open nothing but a sandbox on loopback.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from provision.sandbox import (
    authorization,
    cluster_authority,
    entra,
    identities,
    managed_clusters,
    rbac,
    resource_groups,
    roles,
    subscriptions,
    virtual_networks,
)
from provision.sandbox import vaults as key_vaults
from provision.sandbox.azure import SUBSCRIPTION, TENANT, Azure, Json
from provision.sandbox.gateway import GROUP
from provision.sandbox.gateway import SUBSCRIPTION as SUBSCRIPTION_KIND
from provision.sandbox.kubernetes import base, kinds
from provision.sandbox.kubernetes.objects import Cluster
from provision.sandbox.service_networking_kinds import CONTROLLER as TRAFFIC_CONTROLLER

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


@dataclass(frozen=True, slots=True)
class Workload:
    """A Service of another team that hosts lead to, and whether its namespace is the profile's to make."""

    namespace: str
    service: str
    ports: tuple[int, ...]
    creates_namespace: bool = False
    authorities: tuple[str, ...] = ()
    """Secrets of its namespace that hold the authorities of other certificates in `ca.crt`."""
    certificates: tuple[str, ...] = ()
    """Secrets of its namespace that hold a certificate and its key."""


_SECURITY = "rg-security"
_NEWEST = "1.36"
"""Kubernetes of clusters that nobody holds back."""
_CLUSTER = "Microsoft.ContainerService/managedClusters"
_ENTRA: Json = {
    "aadProfile": {"managed": True, "enableAzureRBAC": True, "tenantID": TENANT},
    "disableLocalAccounts": True,
}


def seed(azure: Azure) -> None:
    """Fill a new state; does nothing to one that was seeded before, whatever was deleted from it since."""
    if not _first_time(azure, "seeded"):
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
    networks: Mapping[str, Mapping[str, str]] | None = None,
) -> list[str]:
    """Make what a profile names and has never existed, once: a thing deleted later stays deleted.

    `cluster` is (resource group, name), `vaults` maps names to resource groups, `workloads` are what other
    teams run in the cluster, `networks` are ids of virtual networks with prefixes by name of their subnets.
    An unknown subscription is registered, with the seeded clients' roles. Returns a line for people for
    each thing made. Runs in a transaction of its own.
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
        made += [
            f"virtual network {id_.rsplit('/', 1)[-1]}"
            + (f" with subnet {', '.join(subnets)}" if subnets else "")
            for id_, subnets in (networks or {}).items()
            if _network(azure, id_, subnets)
        ]
        if cluster:
            made += _workloads(azure, subscription, *cluster, workloads)
    return made


def _subscription(azure: Azure, subscription: str, name: str) -> bool:
    if not _new(azure, SUBSCRIPTION_KIND, f"/subscriptions/{subscription}"):
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
    clusters = f"{_CLUSTER}/"
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
    if not _new(azure, GROUP, f"/subscriptions/{subscription}/resourceGroups/{group}"):
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
    if not _new(azure, _CLUSTER, f"{prefix}/providers/{_CLUSTER}/{name}"):
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


def _workloads(
    azure: Azure, subscription: str, group: str, name: str, workloads: Iterable[Workload]
) -> Iterator[str]:
    """Namespaces and Services that a profile's hosts lead to, which are other teams' to run."""
    path = f"/subscriptions/{subscription}/resourceGroups/{group}/providers/{_CLUSTER}/{name}"
    document = azure.store.get(_CLUSTER, path)
    if document is None:
        return
    cluster = Cluster(azure, document["properties"]["resourceUID"])
    base.ensure_base(cluster, document)
    for workload in workloads:
        namespace = workload.namespace
        if not workload.creates_namespace and _first_time(azure, f"seen:{cluster.uid}/{namespace}"):
            cluster.put(kinds.NAMESPACE, base.namespace(namespace))
            base.furnish(cluster, namespace)
            yield f"namespace {namespace} in {name}"
        there = cluster.get(kinds.NAMESPACE, namespace) is not None
        if there and _first_time(azure, f"seen:{cluster.uid}/{namespace}/{workload.service}"):
            cluster.put(kinds.SERVICE, _service(workload))
            yield f"service {workload.service} in namespace {namespace} of {name}"
        for secret in (*workload.authorities, *workload.certificates) if there else ():
            if _first_time(azure, f"seen:{cluster.uid}/{namespace}/secret/{secret}"):
                cluster.put(kinds.SECRET, _secret(azure, workload, secret))
                yield f"secret {secret} in namespace {namespace} of {name}"


def _service(workload: Workload) -> Json:
    selector = {"app": workload.service}
    return {
        "metadata": {"name": workload.service, "namespace": workload.namespace, "labels": selector},
        "spec": {
            "type": "ClusterIP",
            "selector": selector,
            "ports": [{"port": port, "targetPort": port, "protocol": "TCP"} for port in workload.ports],
        },
    }


def _secret(azure: Azure, workload: Workload, name: str) -> Json:
    """All of them are of one authority: what one shows the other accepts."""
    metadata = {"name": name, "namespace": workload.namespace}
    if name in workload.authorities:
        texts = {"ca.crt": cluster_authority.authority(azure)}
    else:
        issued = cluster_authority.issue(azure, name, workload.namespace)
        texts = {"tls.crt": issued["certificate"], "tls.key": issued["key"]}
    data = {key: base64.b64encode(text.encode()).decode() for key, text in texts.items()}
    kind = "Opaque" if name in workload.authorities else "kubernetes.io/tls"
    return {"metadata": metadata, "type": kind, "data": data}


def _network(azure: Azure, id_: str, subnets: Mapping[str, str]) -> bool:
    """A network of a platform team, with room for more subnets; those that are given are delegated."""
    if not _new(azure, virtual_networks.NETWORK, id_):
        return False
    virtual_networks.new_network(azure, id_, LOCATION, ["10.224.0.0/12"], subnets, TRAFFIC_CONTROLLER)
    return True


def _vault(azure: Azure, subscription: str, group: str, name: str, *, rbac: bool = True) -> bool:
    if not _new(azure, key_vaults.VAULT, key_vaults.vault_id(subscription, group, name)):
        return False
    policies = () if rbac else (CLIENTS["owner"].object_id,)
    key_vaults.new_vault(
        azure, subscription, group, name, rbac=rbac, location=LOCATION, administrators=policies
    )
    return True


def _new(azure: Azure, kind: str, id_: str) -> bool:
    """Whether nothing of that id is there nor ever was, as far as the seed has seen."""
    never_seen = _first_time(azure, f"seen:{id_}")
    return never_seen and azure.store.get(kind, id_) is None


def _first_time(azure: Azure, what: str) -> bool:
    if azure.store.get("sandbox", what) is not None:
        return False
    azure.store.put("sandbox", what, {})
    return True
