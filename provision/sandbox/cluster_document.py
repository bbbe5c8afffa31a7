"""A managed cluster as AKS writes it: what a PUT body becomes, with defaults and read-only fields.

AKS replaces the whole cluster by the body. A field that is absent goes back to its default; what the service
alone writes is ignored in the body and refilled. Unknown fields are kept as sent.
Source: az CLI recordings of the acs module (February 2024 to April 2026). Which absent fields are kept rather
than reset is inferred from what az and the SDKs leave out.
"""

from __future__ import annotations

import uuid

from provision.sandbox import cluster_versions
from provision.sandbox.azure import TENANT, Azure, Json
from provision.sandbox.documents import copied

KIND = "Microsoft.ContainerService/managedClusters"

_READ_ONLY = (
    "provisioningState",
    "powerState",
    "maxAgentPools",
    "currentKubernetesVersion",
    "fqdn",
    "azurePortalFQDN",
    "resourceUID",
)
_KEPT = (
    "kubernetesVersion",
    "dnsPrefix",
    "nodeResourceGroup",
    "identityProfile",
    "servicePrincipalProfile",
    "linuxProfile",
    "windowsProfile",
)
_DEFAULTS: Json = {
    "enableRBAC": True,
    "disableLocalAccounts": False,
    "supportPlan": "KubernetesOfficial",
    "securityProfile": {},
    "autoUpgradeProfile": {"nodeOSUpgradeChannel": "NodeImage"},
    "workloadAutoScalerProfile": {},
    "metricsProfile": {"costAnalysis": {"enabled": False}},
    "bootstrapProfile": {"artifactSource": "Direct"},
    "nodeProvisioningProfile": {"mode": "Manual", "defaultNodePools": "Auto"},
}
_STORAGE = {
    "diskCSIDriver": {"enabled": True},
    "fileCSIDriver": {"enabled": True},
    "snapshotController": {"enabled": True},
}
_NETWORK: Json = {
    "networkPlugin": "azure",
    "networkPluginMode": "overlay",
    "networkPolicy": "none",
    "networkDataplane": "azure",
    "loadBalancerSku": "standard",
    "outboundType": "loadBalancer",
    "podCidr": "10.244.0.0/16",
    "serviceCidr": "10.0.0.0/16",
    "dnsServiceIP": "10.0.0.10",
    "ipFamilies": ["IPv4"],
    "podLinkLocalAccess": "IMDS",
}
_POOL: Json = {
    "count": 3,
    "vmSize": "Standard_D4ds_v5",
    "osDiskSizeGB": 128,
    "osDiskType": "Ephemeral",
    "kubeletDiskType": "OS",
    "maxPods": 250,
    "type": "VirtualMachineScaleSets",
    "scaleDownMode": "Delete",
    "mode": "System",
    "osType": "Linux",
    "osSKU": "Ubuntu",
    "enableAutoScaling": False,
    "enableEncryptionAtHost": False,
    "enableUltraSSD": False,
    "enableFIPS": False,
    "enableNodePublicIP": False,
    "upgradeSettings": {"maxSurge": "10%", "maxUnavailable": "0"},
    "securityProfile": {"enableVTPM": False, "enableSecureBoot": False},
}
_POOL_READ_ONLY = (
    "eTag",
    "provisioningState",
    "currentOrchestratorVersion",
    "nodeImageVersion",
    "powerState",
)


def blank(azure: Azure, subscription: str, group: str, name: str, location: str, body: Json) -> Json:
    """What AKS decides for itself when a cluster is created: names, ids, addresses."""
    sent = body.get("properties") or {}
    region = location.replace(" ", "").lower()
    asked = sent.get("kubernetesVersion") or cluster_versions.DEFAULT_VERSION
    prefix = sent.get("dnsPrefix") or f"{name[:20]}-dns"
    stem = f"{prefix}-{uuid.uuid4().hex[:8]}"
    now = azure.clock.stamp()
    return {
        "id": f"/subscriptions/{subscription}/resourcegroups/{group}/providers/{KIND}/{name}",
        "location": region,
        "name": name,
        "type": "Microsoft.ContainerService/ManagedClusters",
        "eTag": azure.guid(),
        "systemData": {"createdByType": "Application", "createdAt": now, "lastModifiedAt": now},
        "properties": {
            "provisioningState": "Creating",
            "powerState": {"code": "Running"},
            "maxAgentPools": 100,
            "kubernetesVersion": asked,
            "currentKubernetesVersion": cluster_versions.patch_of(asked),
            "dnsPrefix": prefix,
            "fqdn": f"{stem}.hcp.{region}.azmk8s.io",
            "azurePortalFQDN": f"{stem}.portal.hcp.{region}.azmk8s.io",
            "nodeResourceGroup": f"MC_{group}_{name}_{region}",
            "resourceUID": uuid.uuid4().hex[:24],
            "servicePrincipalProfile": {"clientId": "msi"},
            "windowsProfile": {"adminUsername": "azureuser", "enableCSIProxy": True},
        },
    }


def replaced(body: Json, old: Json, *, preview: bool) -> Json:
    """The cluster right after a PUT of `body` over `old` was accepted, before the work is done.

    `preview` says whether the api-version of the request is a preview: stable ones neither show nor change
    `ingressProfile.applicationLoadBalancer`.
    """
    body = copied(body)
    document = {
        **{key: value for key, value in body.items() if value is not None},
        **{key: old[key] for key in ("id", "location", "name", "type", "eTag", "systemData")},
    }
    document["sku"] = {"name": "Base", "tier": "Free", **(body.get("sku") or {})}
    document["kind"] = body.get("kind") or "Base"
    document["identity"] = _identity(body.get("identity"), old.get("identity"))
    document["properties"] = _properties(body.get("properties") or {}, old, preview=preview)
    return document


def _identity(sent: Json | None, old: Json | None) -> Json:
    sent = sent or old or {"type": "SystemAssigned"}
    if old and old.get("type") == sent.get("type"):
        return {**sent, **{key: old[key] for key in ("principalId", "tenantId") if key in old}}
    return {key: value for key, value in sent.items() if key not in ("principalId", "tenantId")}


def _properties(sent: Json, old: Json, *, preview: bool) -> Json:
    was = old["properties"]
    new = {key: value for key, value in sent.items() if value is not None and key not in _READ_ONLY}
    new.update({key: was[key] for key in _READ_ONLY if key in was})
    for key in _KEPT:
        if not new.get(key) and key in was:
            new[key] = was[key]
    for key, default in _DEFAULTS.items():
        new.setdefault(key, copied(default))
    new["storageProfile"] = {**copied(_STORAGE), **(new.get("storageProfile") or {})}
    new["networkProfile"] = _network(new.get("networkProfile") or {}, was.get("networkProfile") or {})
    new["agentPoolProfiles"] = _pools(new, was)
    new["oidcIssuerProfile"] = _issuer(new, was, old["location"])
    new["addonProfiles"] = _addons(new.get("addonProfiles") or {}, was.get("addonProfiles") or {})
    ingress = _ingress(
        new.pop("ingressProfile", None) or {}, was.get("ingressProfile") or {}, preview=preview
    )
    if ingress:
        new["ingressProfile"] = ingress
    mesh = _mesh(new.pop("serviceMeshProfile", None), was.get("serviceMeshProfile"), ingress)
    if mesh:
        new["serviceMeshProfile"] = mesh
    return new


def _network(sent: Json, was: Json) -> Json:
    given = {key: value for key, value in sent.items() if value is not None}
    network = {**copied(_NETWORK), **was, **given}
    network["podCidrs"], network["serviceCidrs"] = [network["podCidr"]], [network["serviceCidr"]]
    balancer = {"managedOutboundIPs": {"count": 1}, "backendPoolType": "nodeIPConfiguration"}
    balancer |= given.get("loadBalancerProfile") or {}
    if addresses := (was.get("loadBalancerProfile") or {}).get("effectiveOutboundIPs"):
        balancer["effectiveOutboundIPs"] = addresses
    network["loadBalancerProfile"] = balancer
    return network


def _pools(new: Json, was: Json) -> list[Json]:
    """Agent pools of the body, filled; pools that the body leaves out stay, since a PUT can't delete one."""
    current: dict[str, Json] = {pool["name"]: pool for pool in was.get("agentPoolProfiles") or []}
    given: dict[str, Json] = {pool["name"]: pool for pool in new.get("agentPoolProfiles") or []}
    pools: list[Json] = []
    for name in [*current, *(name for name in given if name not in current)]:
        old = current.get(name, {})
        sent = {key: value for key, value in given.get(name, old).items() if value not in (None, "")}
        pool = {**copied(_POOL), **sent, "name": name}
        pool.update({key: old[key] for key in _POOL_READ_ONLY if key in old})
        pool.setdefault("orchestratorVersion", old.get("orchestratorVersion") or new["kubernetesVersion"])
        pool["upgradeSettings"] = {**_POOL["upgradeSettings"], **(pool.get("upgradeSettings") or {})}
        pools.append(pool)
    return pools


def _issuer(new: Json, was: Json, region: str) -> Json:
    """On by default for new clusters from 1.34 (Microsoft Learn, use-oidc-issuer, 2026)."""
    old = was.get("oidcIssuerProfile")
    recent = cluster_versions.ordered(new["kubernetesVersion"])[:2] >= (1, 34)
    sent = new.get("oidcIssuerProfile") or old or {"enabled": recent}
    if not sent.get("enabled"):
        return {"enabled": False}
    url = (old or {}).get("issuerURL")
    made = f"https://{region}.oic.prod-aks.azure.com/{TENANT}/{uuid.uuid4()}/"
    return {**sent, "enabled": True, "issuerURL": url or made}


def _addons(sent: Json, was: Json) -> Json:
    """Add-ons of the body with the identity they have; those left out are switched off."""
    addons: Json = {name: {"enabled": False, "config": None} for name in was}
    for name, addon in sent.items():
        filled = {"config": None, **{key: value for key, value in addon.items() if key != "identity"}}
        if identity := was.get(name, {}).get("identity"):
            filled["identity"] = identity
        addons[name] = filled
    return addons


def _ingress(sent: Json, was: Json, *, preview: bool) -> Json:
    """The ingress profile while the operation runs: no identity yet, or the old one until it is gone."""
    new = {key: value for key, value in sent.items() if value is not None}
    if not preview:
        new.pop("applicationLoadBalancer", None)
        if "applicationLoadBalancer" in was:
            new["applicationLoadBalancer"] = was["applicationLoadBalancer"]
    elif "applicationLoadBalancer" in new:
        balancer = {key: value for key, value in new["applicationLoadBalancer"].items() if key != "identity"}
        if identity := was.get("applicationLoadBalancer", {}).get("identity"):
            balancer["identity"] = identity
        new["applicationLoadBalancer"] = balancer
    if "webAppRouting" in new:
        old = was.get("webAppRouting") or {}
        routing = {"dnsZoneResourceIds": None, **new["webAppRouting"], "identity": old.get("identity")}
        if domain := (old.get("defaultDomain") or {}).get("domainName"):
            routing["defaultDomain"] = {**(routing.get("defaultDomain") or {}), "domainName": domain}
        new["webAppRouting"] = routing
    return new


def _mesh(sent: Json | None, was: Json | None, ingress: Json) -> Json | None:
    if sent and sent.get("mode") == "Istio":
        given = {key: value for key, value in (sent.get("istio") or {}).items() if value is not None}
        istio: Json = {"components": {}, **given}
        running = ((was or {}).get("istio") or {}).get("revisions")
        if not istio.get("revisions"):
            istio["revisions"] = running or [cluster_versions.DEFAULT_REVISION]
        newest = max(map(cluster_versions.revision_order, istio["revisions"]))
        if not running and newest >= cluster_versions.CHAINS_BY_DEFAULT:
            istio["components"] = {"proxyRedirectionMechanism": "CNIChaining", **istio["components"]}
        return {**sent, "istio": istio}
    return {"mode": "Disabled"} if sent or was or istio_gateway(ingress) else None


def istio_gateway(ingress: Json) -> bool:
    """Whether an ingress profile asks for app routing's own Istio (class `approuting-istio`)."""
    routing = ingress.get("webAppRouting") or {}
    implementations = routing.get("gatewayAPIImplementations") or {}
    return bool((implementations.get("appRoutingIstio") or {}).get("mode") == "Enabled")
