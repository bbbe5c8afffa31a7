"""Azure's built-in roles for what is inside AKS clusters, and for their credentials.

Source: "Azure built-in roles for Containers" on Microsoft Learn (read in 2025). Only the two administrators'
roles cover custom resources, so a Gateway can't even be read with RBAC Reader.
"""

from __future__ import annotations

from collections.abc import Iterable

from provision.sandbox.roles import (
    AKS_CLUSTER_ADMIN,
    AKS_CLUSTER_USER,
    AKS_RBAC_ADMIN,
    AKS_RBAC_CLUSTER_ADMIN,
    AKS_RBAC_READER,
    AKS_RBAC_WRITER,
    Role,
)

_CLUSTERS = "Microsoft.ContainerService/managedClusters"
_READ = (
    "Microsoft.Authorization/*/read",
    "Microsoft.Resources/subscriptions/operationresults/read",
    "Microsoft.Resources/subscriptions/read",
    "Microsoft.Resources/subscriptions/resourceGroups/read",
)
_ADMINISTER = (*_READ, f"{_CLUSTERS}/listClusterUserCredential/action")

_WRITABLE = (
    "apps/daemonsets",
    "apps/deployments",
    "apps/replicasets",
    "apps/statefulsets",
    "autoscaling/horizontalpodautoscalers",
    "batch/cronjobs",
    "batch/jobs",
    "configmaps",
    "endpoints",
    "extensions/daemonsets",
    "extensions/deployments",
    "extensions/ingresses",
    "extensions/networkpolicies",
    "extensions/replicasets",
    "networking.k8s.io/ingresses",
    "networking.k8s.io/networkpolicies",
    "persistentvolumeclaims",
    "pods",
    "policy/poddisruptionbudgets",
    "replicationcontrollers",
    "serviceaccounts",
    "services",
)
_READABLE = (
    "apps/controllerrevisions",
    "discovery.k8s.io/endpointslices",
    "events.k8s.io/events",
    "limitranges",
    "metrics.k8s.io/nodes",
    "metrics.k8s.io/pods",
    "namespaces",
    "resourcequotas",
)


def _on(kinds: Iterable[str], verb: str) -> tuple[str, ...]:
    return tuple(f"{_CLUSTERS}/{kind}/{verb}" for kind in kinds)


BUILT_IN: tuple[Role, ...] = (
    Role(
        AKS_CLUSTER_ADMIN,
        "Azure Kubernetes Service Cluster Admin Role",
        "List cluster admin credential action.",
        (
            f"{_CLUSTERS}/listClusterAdminCredential/action",
            f"{_CLUSTERS}/accessProfiles/listCredential/action",
            f"{_CLUSTERS}/read",
            f"{_CLUSTERS}/runcommand/action",
        ),
    ),
    Role(
        AKS_CLUSTER_USER,
        "Azure Kubernetes Service Cluster User Role",
        "List cluster user credential action.",
        (f"{_CLUSTERS}/listClusterUserCredential/action", f"{_CLUSTERS}/read"),
    ),
    Role(
        AKS_RBAC_ADMIN,
        "Azure Kubernetes Service RBAC Admin",
        "Lets you manage all resources under cluster/namespace, except update or delete resource quotas and"
        " namespaces.",
        _ADMINISTER,
        (),
        (f"{_CLUSTERS}/*",),
        tuple(
            f"{_CLUSTERS}/{kind}/{verb}"
            for kind in ("resourcequotas", "namespaces")
            for verb in ("write", "delete")
        ),
    ),
    Role(
        AKS_RBAC_CLUSTER_ADMIN,
        "Azure Kubernetes Service RBAC Cluster Admin",
        "Lets you manage all resources in the cluster.",
        _ADMINISTER,
        (),
        (f"{_CLUSTERS}/*",),
    ),
    Role(
        AKS_RBAC_READER,
        "Azure Kubernetes Service RBAC Reader",
        "Allows read-only access to see most objects in a namespace. It does not allow viewing roles or role"
        " bindings. This role does not allow viewing Secrets, since reading the contents of Secrets enables"
        " access to ServiceAccount credentials in the namespace, which would allow API access as any"
        " ServiceAccount in the namespace (a form of privilege escalation). Applying this role at cluster"
        " scope will give access across all namespaces.",
        _READ,
        (),
        (*_on(_READABLE, "read"), *_on((*_WRITABLE, "events"), "read")),
    ),
    Role(
        AKS_RBAC_WRITER,
        "Azure Kubernetes Service RBAC Writer",
        "Allows read/write access to most objects in a namespace. This role does not allow viewing or"
        " modifying roles or role bindings. However, this role allows accessing Secrets and running Pods as"
        " any ServiceAccount in the namespace, so it can be used to gain the API access levels of any"
        " ServiceAccount in the namespace. Applying this role at cluster scope will give access across all"
        " namespaces.",
        _READ,
        (),
        (
            *_on(_READABLE, "read"),
            *_on((*_WRITABLE, "events", "secrets"), "*"),
            *(f"{_CLUSTERS}/coordination.k8s.io/leases/{verb}" for verb in ("read", "write", "delete")),
        ),
    ),
)
