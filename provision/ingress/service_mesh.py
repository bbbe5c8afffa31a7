"""The Istio service mesh add-on: profile → resources.

With `api: istio` hosts are behind the add-on's own ingress gateways, with `api: gateway-api` behind Gateways
of the class `istio`, whose pods Istio makes beside the hosts; then the add-on's own gateways are off.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from provision.ingress.certificates import certificates
from provision.ingress.gateway_api import GatewayHosts, grants_by_scope
from provision.ingress.gateway_settings import GatewaySettings
from provision.ingress.grants import Grantee, grants, vault_grants
from provision.ingress.hosts import HostChain, certificate_accounts, service_account, service_accounts
from provision.ingress.identities import federated_credentials, ingress_identity
from provision.ingress.istio_hosts import IstioHosts
from provision.ingress.objects import Objects, addresses, cluster_id, istio_traces
from provision.ingress.secret_sync import Sync
from provision.ingress.vaults import vault_id, vaults
from provision.ingress.zones import records, written_elsewhere, zones
from provision.profile.model import Istio, Profile
from provision.resources.graph import ResourceGraph
from provision.resources.managed_cluster import (
    APP_ROUTING,
    GATEWAY_API,
    MESH,
    MESH_AUTHORITY,
    MESH_EXTERNAL,
    MESH_INTERNAL,
    MESH_REDIRECTION,
    MESH_REVISIONS,
    NGINX_CONTROLLER,
    OIDC_ISSUER,
    SECRET_ROTATION,
    SECRETS_PROVIDER,
    WORKLOAD_IDENTITY,
    ManagedCluster,
)
from provision.resources.manifest import DEPLOYMENT, NAMESPACE, Manifest
from provision.resources.manifest import MESH as MADE_BY_MESH
from provision.resources.mesh import GATEWAY_NAMESPACE, OWN_NAMESPACE, MeshRevisions
from provision.resources.ref import Ref
from provision.resources.resource import Resource
from provision.resources.values import Value

GATEWAY_CLASS = "istio"
_REDIRECTIONS = {"cni": "CNIChaining", "init-containers": "InitContainers"}
_REVISION = "istio.io/rev"


def graph(profile: Profile, ingress: Istio) -> ResourceGraph:
    """Every resource that the mesh and its ingress gateways need for this profile."""
    return ResourceGraph(_resources(profile, ingress)[0])


def chains(profile: Profile, ingress: Istio) -> Mapping[str, HostChain]:
    """What each host's traffic depends on; empty with `cluster.access: none`."""
    resources, hosts = _resources(profile, ingress)
    return hosts.chains(ResourceGraph(resources)) if hosts else {}


def _resources(profile: Profile, ingress: Istio) -> tuple[list[Resource], GatewayHosts | IstioHosts | None]:
    canary = ingress.canary.revision if ingress.canary else ""
    revisions = MeshRevisions(
        name=profile.cluster.name, id=cluster_id(profile), wanted=ingress.revision, canary=canary
    )
    cluster = _cluster(profile, ingress, revisions)
    authority = _authority_grants(profile, ingress, cluster)
    planes = list(_control_planes(ingress, Objects(profile, cluster, addresses(authority)), revisions))
    objects = Objects(profile, cluster, addresses(planes))
    identity = ingress_identity(profile, cluster)
    grantee = Grantee(identity.name, Ref(identity.address, "principalId"))
    operator = ingress.operator == "app-routing"
    granted = grants(profile, grantee) if operator else list(vault_grants(profile, grantee))
    credentials = federated_credentials(profile, _accounts(profile, ingress), identity, cluster)
    read = [identity, *granted, *credentials.values()] if credentials or (operator and granted) else []
    shared = [*zones(profile), *records(profile), *vaults(profile), *certificates(profile)]
    resources = [*shared, revisions, cluster, *read, *authority]
    if profile.cluster.access == "none":
        return resources, None
    sync = Sync(
        profile,
        objects,
        identity,
        grants_by_scope(granted),
        {account: (credential.address,) for account, credential in credentials.items()},
    )
    hosts: GatewayHosts | IstioHosts
    if ingress.api == "istio":
        hosts = IstioHosts(profile, ingress, objects, sync, revisions.address)
    else:
        hosts = GatewayHosts(
            profile,
            GatewaySettings.of(ingress),
            objects,
            GATEWAY_CLASS,
            sync,
            operator,
            ingress.dns_namespace,
            _planes(profile, ingress, revisions),
        )
    made = [*hosts.resources()]
    return [
        *resources,
        istio_traces(profile, cluster),
        *planes,
        *_with_sidecars(ingress, objects, revisions, made),
    ], hosts


def _cluster(profile: Profile, ingress: Istio, revisions: MeshRevisions) -> ManagedCluster:
    own = ingress.api == "istio"
    wanted: list[Value] = [Ref(revisions.address, "revision")]
    if ingress.canary:
        wanted.append(ingress.canary.revision)
    settings: dict[str, Value] = {
        MESH: "Istio",
        MESH_REVISIONS: frozenset(wanted),
        MESH_EXTERNAL: own and "external" in ingress.modes(),
        MESH_INTERNAL: own and "internal" in ingress.modes(),
    }
    if ingress.proxy_redirection:
        settings[MESH_REDIRECTION] = _REDIRECTIONS[ingress.proxy_redirection]
    if ingress.api == "gateway-api":
        settings[GATEWAY_API] = "Standard"
    if ingress.operator == "app-routing":
        settings |= {APP_ROUTING: True, NGINX_CONTROLLER: "None"}
    if _accounts(profile, ingress):
        settings |= {OIDC_ISSUER: True, WORKLOAD_IDENTITY: True}
    if profile.vaults:
        settings |= {SECRETS_PROVIDER: True, SECRET_ROTATION: "true"}
    if authority := ingress.certificate_authority:
        settings[MESH_AUTHORITY] = {
            "keyVaultId": vault_id(profile, authority.vault, profile.vaults[authority.vault]),
            "rootCertObjectName": authority.root,
            "certObjectName": authority.certificate,
            "keyObjectName": authority.private_key,
            "certChainObjectName": authority.chain,
        }
    detached = written_elsewhere(profile) if ingress.operator == "app-routing" else frozenset()
    return ManagedCluster(
        name=profile.cluster.name, id=cluster_id(profile), settings=settings, detached=detached
    )


def _accounts(profile: Profile, ingress: Istio) -> list[tuple[str, str]]:
    """Every (namespace, service account) that takes on the identity: those of the gateways are theirs."""
    if ingress.operator == "app-routing":
        return service_accounts(profile, ingress.dns_namespace)
    if ingress.api == "gateway-api":
        return certificate_accounts(profile)
    with_one = [host for host in profile.hosts.values() if host.certificate]
    return sorted({(GATEWAY_NAMESPACE, service_account(profile, host)) for host in with_one})


def _authority_grants(profile: Profile, ingress: Istio, cluster: ManagedCluster) -> list[Resource]:
    """The Secrets Store add-on's own identity reads the authority's secrets. Source: "Plug-in CA certificates
    for Istio-based service mesh add-on", Microsoft Learn, 2025-03."""
    authority = ingress.certificate_authority
    if authority is None:
        return []
    grantee = Grantee("azurekeyvaultsecretsprovider", Ref(cluster.address, "secretsObjectId"))
    return [each for each in vault_grants(profile, grantee) if each.name.partition("/")[0] == authority.vault]


def _control_planes(ingress: Istio, objects: Objects, revisions: MeshRevisions) -> Iterator[Manifest]:
    """Waited for: while one does not run, its webhook refuses every object of Istio's."""
    for name, output in (("stable", "controlPlane"), ("canary", "canaryControlPlane")):
        if name == "stable" or ingress.canary:
            yield objects.make(
                DEPLOYMENT,
                f"istiod-{name}",
                OWN_NAMESPACE,
                used=True,
                made_by=MADE_BY_MESH,
                object_name=Ref(revisions.address, output),
            )


def _planes(profile: Profile, ingress: Istio, revisions: MeshRevisions) -> dict[str, Value]:
    """While there are two control planes: which of them a namespace's Gateway is for."""
    if ingress.canary is None:
        return {}
    return {host.namespace: _plane(ingress, revisions, host.namespace) for host in profile.hosts.values()}


def _plane(ingress: Istio, revisions: MeshRevisions, namespace: str) -> Value:
    canary = ingress.canary
    if canary and namespace in canary.namespaces:
        return canary.revision
    return Ref(revisions.address, "revision")


def _with_sidecars(
    ingress: Istio, objects: Objects, revisions: MeshRevisions, made: list[Resource]
) -> Iterator[Resource]:
    """The resources, where namespaces with sidecars carry the label of their control plane."""
    left = list(ingress.sidecars)
    for resource in made:
        if isinstance(resource, Manifest) and resource.api == NAMESPACE and resource.object_name in left:
            left.remove(str(resource.object_name))
            yield _labelled(ingress, objects, revisions, str(resource.object_name), ours=not resource.used)
        else:
            yield resource
    for namespace in left:
        yield _labelled(ingress, objects, revisions, namespace, ours=False)


def _labelled(
    ingress: Istio, objects: Objects, revisions: MeshRevisions, namespace: str, *, ours: bool
) -> Manifest:
    body: dict[str, Value] = {"metadata": {"labels": {_REVISION: _plane(ingress, revisions, namespace)}}}
    if ours:
        return objects.make(NAMESPACE, namespace, body=body)
    return objects.share(NAMESPACE, namespace, body=body)
