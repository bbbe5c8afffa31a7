"""Application Gateway for Containers: profile → resources.

The controller comes as an AKS add-on, which only preview versions of the API know, or as a Helm chart with
an identity of a fixed name. With deployment managed it makes the Azure resources itself, from an
ApplicationLoadBalancer object; with byo they are ours: traffic controller → association, and a frontend for
each namespace beside it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from provision.ingress import gateway_facts as facts
from provision.ingress.alb_hosts import AlbHosts
from provision.ingress.certificates import certificates
from provision.ingress.gateway_api import grants_by_scope
from provision.ingress.grants import Grantee, assignment, vault_grants
from provision.ingress.hosts import HostChain, certificate_accounts
from provision.ingress.identities import federated_credentials, ingress_identity
from provision.ingress.objects import Objects, addresses, cluster_id
from provision.ingress.roles import (
    CONTROLLER_READER,
    GATEWAY_CONFIGURATION_MANAGER,
    SUBNET_JOINER,
)
from provision.ingress.secret_sync import Sync
from provision.ingress.traffic_controllers import azure_gateway, gateway_id
from provision.ingress.vaults import vaults
from provision.ingress.zones import records, zones
from provision.profile.model import ApplicationGateway, Profile
from provision.resources.arm import resource_id
from provision.resources.graph import ResourceGraph
from provision.resources.helm_release import HelmRelease
from provision.resources.identity import FederatedCredential, UserAssignedIdentity
from provision.resources.managed_cluster import (
    GATEWAY_API,
    LOAD_BALANCER,
    OIDC_ISSUER,
    SECRET_ROTATION,
    SECRETS_PROVIDER,
    WORKLOAD_IDENTITY,
    ManagedCluster,
)
from provision.resources.network import ClusterSubnet, Subnet
from provision.resources.ref import Ref
from provision.resources.registration import PreviewFeature, ResourceProvider
from provision.resources.resource import Resource
from provision.resources.service_networking import (
    Association,
    Frontend,
    TrafficController,
)
from provision.resources.values import CaseInsensitive, Value
from provision.resources.waf_policy import WafPolicy


def graph(profile: Profile, ingress: ApplicationGateway) -> ResourceGraph:
    """Every resource that the gateway needs for this profile."""
    return ResourceGraph(_resources(profile, ingress)[0])


def chains(profile: Profile, ingress: ApplicationGateway) -> Mapping[str, HostChain]:
    """What each host's traffic depends on; empty with `cluster.access: none`."""
    resources, hosts = _resources(profile, ingress)
    return hosts.chains(ResourceGraph(resources)) if hosts else {}


def _resources(profile: Profile, ingress: ApplicationGateway) -> tuple[list[Resource], AlbHosts | None]:
    registered = list(_registrations(profile, ingress))
    cluster = _cluster(profile, ingress, addresses(registered))
    objects = Objects(profile, cluster)
    network = list(_network(profile, ingress, cluster))
    gateway = list(azure_gateway(profile, ingress, cluster, network, addresses(registered)))
    controller = list(_controller(profile, ingress, cluster))
    grantee = _grantee(ingress, cluster, controller)
    granted = list(_grants(profile, ingress, grantee, cluster, [*network, *gateway]))
    installed = list(_chart(profile, ingress, cluster, [*controller, *granted]))
    identity = ingress_identity(profile, cluster)
    readers = list(vault_grants(profile, Grantee(identity.name, Ref(identity.address, "principalId"))))
    credentials = federated_credentials(profile, certificate_accounts(profile), identity, cluster)
    read = [identity, *readers, *credentials.values()] if readers or credentials else []
    shared = [*zones(profile), *records(profile), *vaults(profile), *certificates(profile)]
    firewall = [WafPolicy.of(ingress.waf_policy)] if ingress.waf_policy else []
    resources = [*registered, *shared, cluster, *firewall, *network, *gateway, *controller, *granted, *read]
    if profile.cluster.access == "none":
        return resources, None
    sync = Sync(
        profile,
        objects,
        identity,
        grants_by_scope(readers),
        {account: (credential.address,) for account, credential in credentials.items()},
    )
    hosts = AlbHosts(
        profile,
        ingress,
        objects,
        sync,
        addresses([*granted, *installed, *(each for each in gateway if isinstance(each, Association))]),
        subnet=_subnet_id(ingress, network),
        gateway_id=str(gateway_id(profile, ingress)),
        frontends={each.name.rpartition("/")[2]: each for each in gateway if isinstance(each, Frontend)},
    )
    return [*resources, *installed, *hosts.resources()], hosts


def _registrations(profile: Profile, ingress: ApplicationGateway) -> Iterator[Resource]:
    """What the subscription must have switched on: for the add-on its preview features too."""
    subscription = profile.azure.subscription
    providers = [ResourceProvider(name=name, subscription=subscription) for name in facts.PROVIDERS]
    yield from providers
    if ingress.controller == "addon":
        for name in facts.ADDON.features:
            yield PreviewFeature(name=name, subscription=subscription, after=addresses(providers))


def _cluster(profile: Profile, ingress: ApplicationGateway, after: tuple[str, ...]) -> ManagedCluster:
    settings: dict[str, Value] = {GATEWAY_API: "Standard", OIDC_ISSUER: True, WORKLOAD_IDENTITY: True}
    if ingress.controller == "addon":
        settings[LOAD_BALANCER] = True
    if profile.vaults:
        settings |= {SECRETS_PROVIDER: True, SECRET_ROTATION: "true"}
    preview = facts.ADDON.api_version if ingress.controller == "addon" else ""
    return ManagedCluster(
        name=profile.cluster.name, id=cluster_id(profile), settings=settings, api_version=preview, after=after
    )


def _network(profile: Profile, ingress: ApplicationGateway, cluster: ManagedCluster) -> Iterator[Resource]:
    """The subnet: the one that the profile names, or that which AKS makes for the add-on."""
    if ingress.subnet:
        network, _, subnet = ingress.subnet.partition("/subnets/")
        yield Subnet(
            name=f"{network.rsplit('/', 1)[-1]}/{subnet}",
            id=CaseInsensitive(ingress.subnet),
            create=ingress.create_subnet,
            prefix=ingress.subnet_prefix or "",
        )
    elif ingress.controller == "addon":
        yield ClusterSubnet(
            name=cluster.name, group=Ref(cluster.address, "nodeGroup"), after=(cluster.address,)
        )


def _subnet_id(ingress: ApplicationGateway, network: list[Resource]) -> Value:
    if ingress.subnet or not network:
        return ingress.subnet or ""
    return Ref(network[0].address, "id")


def _controller(profile: Profile, ingress: ApplicationGateway, cluster: ManagedCluster) -> Iterator[Resource]:
    """With the chart: the identity that its pods take on. Its name and its credential's are fixed."""
    if ingress.controller == "addon":
        return
    group = profile.identity.resource_group or profile.cluster.resource_group
    kind = "Microsoft.ManagedIdentity/userAssignedIdentities"
    name = facts.CONTROLLER_IDENTITY
    identity = UserAssignedIdentity(
        name=name,
        id=resource_id(profile.azure.subscription, group, kind, name),
        location=Ref(cluster.address, "location"),
    )
    yield identity
    yield FederatedCredential(
        name=f"{name}/{name}",
        identity_id=CaseInsensitive(identity.id),
        credential_name=name,
        issuer=Ref(cluster.address, "oidcIssuerURL"),
        subject=f"system:serviceaccount:{facts.CONTROLLER_NAMESPACE}:{facts.CONTROLLER_ACCOUNT}",
        after=(identity.address,),
    )


def _grantee(ingress: ApplicationGateway, cluster: ManagedCluster, controller: list[Resource]) -> Grantee:
    if ingress.controller == "addon":
        return Grantee("applicationloadbalancer", Ref(cluster.address, "albObjectId"))
    return Grantee(facts.CONTROLLER_IDENTITY, Ref(controller[0].address, "principalId"))


def _grants(
    profile: Profile,
    ingress: ApplicationGateway,
    grantee: Grantee,
    cluster: ManagedCluster,
    made: list[Resource],
) -> Iterator[Resource]:
    """What the controller's identity must be allowed. AKS gives that of the add-on its roles in the cluster's
    own resource group. Source: as the add-on's quickstart."""
    if profile.roles == "off":
        return
    nodes = Ref(cluster.address, "nodeGroup")
    chart = ingress.controller == "helm"
    if chart:
        yield assignment(profile, grantee, CONTROLLER_READER, nodes, where="nodes")
    if ingress.deployment == "byo":
        gateway = next(each for each in made if isinstance(each, TrafficController))
        role, scope = GATEWAY_CONFIGURATION_MANAGER, gateway_id(profile, ingress)
        yield assignment(profile, grantee, role, scope, (gateway.address,))
    elif chart:
        yield assignment(profile, grantee, GATEWAY_CONFIGURATION_MANAGER, nodes, where="nodes")
    for subnet in made:
        if isinstance(subnet, Subnet):
            where = subnet.name.replace("/", ".")
            yield assignment(profile, grantee, SUBNET_JOINER, subnet.id, (subnet.address,), where)
    if ingress.waf_policy and ingress.deployment == "managed":
        policy = WafPolicy.of(ingress.waf_policy)
        yield assignment(profile, grantee, SUBNET_JOINER, policy.id, (policy.address,))


def _chart(
    profile: Profile, ingress: ApplicationGateway, cluster: ManagedCluster, needed: list[Resource]
) -> Iterator[Resource]:
    if ingress.controller == "addon":
        return
    identity = next(each for each in needed if isinstance(each, UserAssignedIdentity))
    values: dict[str, Value] = {
        "albController.namespace": facts.CONTROLLER_NAMESPACE,
        "albController.podIdentity.clientID": Ref(identity.address, "clientId"),
        # AKS brings the definitions, and keeps them in step with its Kubernetes version.
        "albController.installGatewayApiCRDs": "false",
    }
    yield HelmRelease(
        name=f"{facts.CONTROLLER_NAMESPACE}/alb-controller",
        cluster_id=cluster_id(profile),
        private=Ref(cluster.address, "private"),
        entra=Ref(cluster.address, "entra"),
        access=profile.cluster.access,
        chart=facts.CHART,
        version=ingress.chart_version,
        values=values,
        after=(cluster.address, *addresses(needed)),
    )
