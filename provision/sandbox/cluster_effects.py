"""What AKS does while an operation runs: identities, the node resource group, filled-in fields.

Source: az CLI recordings of the acs module (February 2024 to April 2026).
"""

from __future__ import annotations

import uuid

from provision.sandbox import (
    authorization,
    cluster_network,
    cluster_versions,
    identities,
    rbac,
    roles,
)
from provision.sandbox.azure import TENANT, Azure, Json
from provision.sandbox.cluster_document import KIND
from provision.sandbox.gateway import GROUP
from provision.sandbox.kubernetes import base


def settle_change(azure: Azure, operation: Json) -> Json | None:
    """The end of a PUT: effects, new entity tags, Succeeded."""
    cluster = azure.store.get(KIND, operation["resource"])
    if cluster is not None:
        finish(azure, cluster)
    return None


def settle_tags(azure: Azure, operation: Json) -> Json | None:
    """The end of a PATCH."""
    cluster = azure.store.get(KIND, operation["resource"])
    if cluster is not None:
        _succeed(azure, cluster)
    return None


def settle_delete(azure: Azure, operation: Json) -> Json | None:
    """The end of a DELETE: the cluster, its node resource group and all that is in it are gone."""
    cluster = azure.store.get(KIND, operation["resource"])
    if cluster is None:
        return None
    group = _node_group(cluster)
    for identity in azure.store.list(identities.IDENTITY, f"{group}/"):
        identities.forget(azure, identity)
    for kind, id_ in azure.store.ids(f"{group}/"):
        azure.store.delete(kind, id_)
    azure.store.delete(GROUP, group)
    if principal := (cluster.get("identity") or {}).get("principalId"):
        azure.store.delete(identities.PRINCIPAL, principal)
    azure.store.delete(KIND, cluster["id"])
    base.forget(azure, cluster["properties"]["resourceUID"])
    return None


def finish(azure: Azure, cluster: Json) -> None:
    """Carry out what the cluster's document asks for, and store it settled."""
    properties = cluster["properties"]
    _ensure_node_group(azure, cluster)
    cluster_network.ensure(azure, cluster, _node_group(cluster))
    _control_plane_identity(azure, cluster)
    if not properties.get("identityProfile"):
        kubelet = _identity(azure, cluster, f"{cluster['name']}-agentpool")
        properties["identityProfile"] = {"kubeletidentity": kubelet}
    properties["currentKubernetesVersion"] = cluster_versions.patch_of(properties["kubernetesVersion"])
    _outbound_address(cluster)
    for name, addon in properties["addonProfiles"].items():
        _settle_addon(azure, cluster, name, addon)
    ingress = properties.get("ingressProfile") or {}
    _settle_routing(azure, cluster, ingress.get("webAppRouting"))
    _settle_load_balancer(azure, cluster, ingress.get("applicationLoadBalancer"))
    for pool in properties["agentPoolProfiles"]:
        pool.setdefault("nodeImageVersion", "AKSUbuntu-2204gen2containerd-202608.12.0")
        pool["currentOrchestratorVersion"] = cluster_versions.patch_of(pool["orchestratorVersion"])
        pool["powerState"] = {"code": "Running"}
    _succeed(azure, cluster)


def _succeed(azure: Azure, cluster: Json) -> None:
    cluster["eTag"] = azure.guid()
    cluster["properties"]["provisioningState"] = "Succeeded"
    cluster["systemData"]["lastModifiedAt"] = azure.clock.stamp()
    for pool in cluster["properties"]["agentPoolProfiles"]:
        pool["eTag"] = (
            azure.guid()
        )  # an operation on the cluster renews the pools' tags too (Microsoft Learn)
        pool["provisioningState"] = "Succeeded"
    azure.store.put(KIND, cluster["id"], cluster)


def _subscription(cluster: Json) -> str:
    return str(cluster["id"].split("/")[2])


def _node_group(cluster: Json) -> str:
    group = cluster["properties"]["nodeResourceGroup"]
    return f"/subscriptions/{_subscription(cluster)}/resourceGroups/{group}"


def _ensure_node_group(azure: Azure, cluster: Json) -> None:
    group = _node_group(cluster)
    if azure.store.get(GROUP, group) is None:
        document = {
            "id": group,
            "name": cluster["properties"]["nodeResourceGroup"],
            "type": GROUP,
            "location": cluster["location"],
            "managedBy": cluster["id"],
            "tags": {"aks-managed-cluster-name": cluster["name"], "aks-managed-cluster-rg": _group(cluster)},
            "properties": {"provisioningState": "Succeeded"},
        }
        azure.store.put(GROUP, group, document)


def _group(cluster: Json) -> str:
    return str(cluster["id"].split("/")[4])


def _control_plane_identity(azure: Azure, cluster: Json) -> None:
    identity = cluster["identity"]
    if identity["type"] == "SystemAssigned" and "principalId" not in identity:
        principal = identities.new_principal(azure, cluster["name"])
        identity |= {"principalId": principal["id"], "tenantId": TENANT}
    for resource_id, value in (identity.get("userAssignedIdentities") or {}).items():
        known = azure.store.get(identities.IDENTITY, resource_id)
        if known:
            value |= {key: known["properties"][key] for key in ("clientId", "principalId")}


def _identity(azure: Azure, cluster: Json, name: str) -> Json:
    """An identity of the node resource group, made if need be, as `{resourceId, clientId, objectId}`."""
    group = cluster["properties"]["nodeResourceGroup"]
    wanted = f"{_node_group(cluster)}/providers/{identities.IDENTITY}/{name}"
    made = azure.store.get(identities.IDENTITY, wanted) or identities.new_identity(
        azure, _subscription(cluster), group, name, cluster["location"]
    )
    properties = made["properties"]
    return {
        "resourceId": made["id"],
        "clientId": properties["clientId"],
        "objectId": properties["principalId"],
    }


def _drop_identity(azure: Azure, cluster: Json, name: str) -> None:
    wanted = f"{_node_group(cluster)}/providers/{identities.IDENTITY}/{name}"
    identity = azure.store.get(identities.IDENTITY, wanted)
    if identity is not None:
        identities.forget(azure, identity)


def _outbound_address(cluster: Json) -> None:
    balancer = cluster["properties"]["networkProfile"]["loadBalancerProfile"]
    if "effectiveOutboundIPs" not in balancer:
        group = cluster["properties"]["nodeResourceGroup"]
        address = (
            f"/subscriptions/{_subscription(cluster)}/resourceGroups/{group}/providers/Microsoft.Network"
            f"/publicIPAddresses/{uuid.uuid4()}"
        )
        balancer["effectiveOutboundIPs"] = [{"id": address}]


def _settle_addon(azure: Azure, cluster: Json, name: str, addon: Json) -> None:
    identity = f"{name.lower()}-{cluster['name']}"
    if addon.get("enabled"):
        addon["identity"] = _identity(azure, cluster, identity)
    else:
        _drop_identity(azure, cluster, identity)
        addon.pop("identity", None)
        addon["config"] = None


def _settle_routing(azure: Azure, cluster: Json, routing: Json | None) -> None:
    name = f"webapprouting-{cluster['name']}"
    if routing is None or not routing.get("enabled"):
        _drop_identity(azure, cluster, name)
    if routing is None:
        return
    if routing.setdefault("enabled", False):
        routing["identity"] = _identity(azure, cluster, name)
        routing.setdefault("nginx", {}).setdefault("defaultIngressControllerType", "AnnotationControlled")
    else:
        routing |= {"dnsZoneResourceIds": None, "identity": None}
    implementations = routing.setdefault("gatewayAPIImplementations", {})
    implementations.setdefault("appRoutingIstio", {}).setdefault("mode", "Disabled")
    domain = routing.get("defaultDomain") or {}
    if domain.get("enabled") and "domainName" not in domain:
        domain["domainName"] = f"{uuid.uuid4().hex[:24]}.{cluster['location']}.aksapp.io"


_BALANCER_ROLES = (roles.NETWORK_CONTRIBUTOR, roles.AGC_CONFIGURATION_MANAGER, roles.READER)


def _settle_load_balancer(azure: Azure, cluster: Json, balancer: Json | None) -> None:
    """The add-on's identity with its roles, its federated credential, and its subnet.

    Source: "Deploy Application Gateway for Containers ALB Controller using AKS Add-on", Microsoft Learn,
    2026-08.
    """
    name = f"applicationloadbalancer-{cluster['name']}"
    if not (balancer and balancer.get("enabled")):
        _drop_identity(azure, cluster, name)
        if balancer:
            balancer.pop("identity", None)
        return
    identity = balancer["identity"] = _identity(azure, cluster, name)
    group = _node_group(cluster)
    held = {
        each["properties"]["roleDefinitionId"].rsplit("/", 1)[-1]
        for each in azure.store.list(rbac.ASSIGNMENT, f"{group}/providers/{rbac.ASSIGNMENT}/")
        if each["properties"]["principalId"] == identity["objectId"]
    }
    # made early in the operation, so that they are effective when it ends
    created = azure.clock.stamp(azure.clock.now() - rbac.PROPAGATION / azure.clock.speed)
    for role in _BALANCER_ROLES:
        if role not in held:
            authorization.new_assignment(azure, group, role, identity["objectId"], created=created)
    credential = {
        "id": f"{identity['resourceId']}/federatedIdentityCredentials/aksfic",
        "name": "aksfic",
        "type": identities.CREDENTIAL,
        "properties": {
            "issuer": cluster["properties"]["oidcIssuerProfile"].get("issuerURL", ""),
            "subject": "system:serviceaccount:kube-system:alb-controller-sa",
            "audiences": ["api://AzureADTokenExchange"],
        },
    }
    azure.store.put(identities.CREDENTIAL, str(credential["id"]), credential)
    cluster_network.ensure_gateway_subnet(azure, cluster, group)
