"""A cluster as AKS answers it: fields of everybody's, known to the SDK and not."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from azure.mgmt.containerservice.models import ManagedCluster as Model

from providers.bench import PREFIX
from provision.plan.change import FieldChange
from provision.plan.diff import diff
from provision.resources.managed_cluster import ManagedCluster
from provision.resources.values import Value

ID = f"{PREFIX}/Microsoft.ContainerService/managedClusters/aks-prod"
ZONE = f"{PREFIX}/Microsoft.Network/dnsZones/contoso.com"
OTHER_ZONE = f"{PREFIX}/Microsoft.Network/dnsZones/fabrikam.com"

# What a PUT may send. `future…` stands for a field of an API newer than the SDK.
WRITABLE: Mapping[str, Any] = {
    "location": "westeurope",
    "tags": {"team": "web"},
    "sku": {"name": "Base", "tier": "Free"},
    "identity": {"type": "UserAssigned", "userAssignedIdentities": {f"{PREFIX}/M/i/web": {}}},
    "futureRoot": {"nested": [1, {"x": None}]},
    "properties": {
        "kubernetesVersion": "1.35",
        "dnsPrefix": "aks-prod",
        "futureProperty": {"enabled": True},
        "networkProfile": {"networkPlugin": "azure", "networkPluginMode": "overlay"},
        "oidcIssuerProfile": {"enabled": True},
        "ingressProfile": {
            "applicationLoadBalancer": {"enabled": True},
            "webAppRouting": {"enabled": False, "nginx": {"defaultIngressControllerType": "None"}},
        },
        "addonProfiles": {"azurepolicy": {"enabled": True, "config": {"version": "v2"}}},
        "agentPoolProfiles": [{"name": "system", "count": 3, "mode": "System", "futurePool": ["a"]}],
    },
}


def body(etag: str | None = "etag-1", state: str = "Succeeded", **properties: Any) -> dict[str, Any]:
    """A whole answer: what is writable, with `properties` over it, and what only the service sets."""
    answer: dict[str, Any] = copy.deepcopy(dict(WRITABLE))
    answer |= {
        "id": ID.replace("resourceGroups", "resourcegroups"),
        "name": "aks-prod",
        "type": "Microsoft.ContainerService/ManagedClusters",
        "systemData": {
            "lastModifiedBy": "ops@contoso.com",
            "lastModifiedByType": "User",
            "lastModifiedAt": "2026-08-01T10:00:00.1234567Z",
        },
    }
    if etag:
        answer["eTag"] = etag
    answer["identity"]["userAssignedIdentities"] = {
        f"{PREFIX}/M/i/web": {"clientId": "c", "principalId": "p"}
    }
    inner = answer["properties"]
    inner |= {
        "provisioningState": state,
        "powerState": {"code": "Running"},
        "fqdn": "aks-prod.hcp.westeurope.azmk8s.io",
        "currentKubernetesVersion": "1.35.4",
        "oidcIssuerProfile": {"enabled": True, "issuerURL": "https://oidc/issuer/"},
    }
    inner["agentPoolProfiles"][0] |= {"provisioningState": "Succeeded", "eTag": "pool-1"}
    inner |= properties
    return answer


def model(etag: str | None = "etag-1", state: str = "Succeeded", **properties: Any) -> Model:
    """The SDK's model of `body`."""
    return Model(body(etag, state, **properties))


def routing(**fields: Any) -> dict[str, Any]:
    """An ingress profile with app routing."""
    return {"webAppRouting": fields}


def cluster(settings: Mapping[str, Value]) -> ManagedCluster:
    return ManagedCluster(name="aks-prod", id=ID, settings=settings)


def changes(resource: ManagedCluster, before: Mapping[str, Value]) -> Sequence[FieldChange]:
    """The fields that a plan would hold."""
    return diff(resource.properties(), before)
