"""Certificates from Key Vault as Secrets, where no operator of AKS does it: SecretProviderClass and
Deployment.

The driver reads a certificate only while a pod mounts it, and keeps the Secret no longer than that pod, so
that a pod which does nothing holds it. Source: "Set up Secrets Store CSI Driver to enable NGINX Ingress
Controller with TLS" and "Connect your Azure identity provider to the Azure Key Vault Secrets Store CSI
Driver", Microsoft Learn, 2026.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from provision.ingress.hosts import service_account
from provision.ingress.objects import Objects, address
from provision.profile.model import Host, Profile
from provision.resources.certificate import Certificate
from provision.resources.identity import UserAssignedIdentity
from provision.resources.manifest import DEPLOYMENT, SECRET_PROVIDER_CLASS, SERVICE_ACCOUNT, Manifest
from provision.resources.ref import Ref
from provision.resources.values import Value

IMAGE = "mcr.microsoft.com/oss/kubernetes/pause:3.9"
"""Of Microsoft's own registry, which clusters without a way out reach too."""

WORKLOAD_LABEL = "azure.workload.identity/use"

_CLOUDS = {"china": "AzureChinaCloud", "usgovernment": "AzureUSGovernmentCloud"}


@dataclass(frozen=True, slots=True)
class Sync:
    """How certificates come into namespaces: through which identity, and what lets it read them.

    `grants` are addresses by vault, `credentials` by (namespace, service account).
    """

    profile: Profile
    objects: Objects
    identity: UserAssignedIdentity
    grants: Mapping[str, tuple[str, ...]]
    credentials: Mapping[tuple[str, str], tuple[str, ...]]

    def account(self, namespace: str, name: str) -> Manifest:
        """The service account that takes on the identity."""
        metadata: dict[str, Value] = {
            # Without the label the token exchange fails with AADSTS700211. Source: as the module's.
            "labels": {WORKLOAD_LABEL: "true"},
            "annotations": {"azure.workload.identity/client-id": Ref(self.identity.address, "clientId")},
        }
        after = self.credentials.get((namespace, name), ())
        return self.objects.make(SERVICE_ACCOUNT, name, namespace, {"metadata": metadata}, after)

    def secrets(self, namespace: str, hosts: Iterable[Host]) -> Iterator[Manifest]:
        """What brings the certificates of hosts into a namespace, each through its host's service account."""
        accounts = {
            host.certificate: service_account(self.profile, host) for host in hosts if host.certificate
        }
        for certificate, account in accounts.items():
            yield from self.secret(certificate, namespace, account)

    def secret(self, certificate: str, namespace: str, account: str) -> Iterator[Manifest]:
        """What brings one certificate into a namespace."""
        vault = self.profile.certificates[certificate].vault
        made = f"{Certificate.KIND}/{vault}/{certificate}"
        name = secret_name(certificate)
        provider = self.objects.make(
            SECRET_PROVIDER_CLASS, name, namespace, {"spec": self._provider(certificate, vault)}
        )
        yield provider
        after = [
            made,
            provider.address,
            address(SERVICE_ACCOUNT, account, namespace),
            *self.grants.get(vault, ()),
            *self.credentials.get((namespace, account), ()),
        ]
        yield self.objects.make(DEPLOYMENT, name, namespace, {"spec": _holder(name, account)}, after)

    def _provider(self, certificate: str, vault: str) -> dict[str, Value]:
        parameters: dict[str, Value] = {
            "usePodIdentity": "false",
            "clientID": Ref(self.identity.address, "clientId"),
            "keyvaultName": vault,
            "tenantId": self.profile.azure.tenant or Ref(self.identity.address, "tenantId"),
            # No version: the driver then follows a renewal.
            "objects": f"array:\n- |\n  objectName: {certificate}\n  objectType: secret\n",
        }
        if self.profile.azure.cloud in _CLOUDS:
            parameters["cloudName"] = _CLOUDS[self.profile.azure.cloud]
        data: Value = tuple({"objectName": certificate, "key": key} for key in ("tls.key", "tls.crt"))
        secret: Value = {"secretName": secret_name(certificate), "type": "kubernetes.io/tls", "data": data}
        return {"provider": "azure", "parameters": parameters, "secretObjects": (secret,)}


def secret_name(certificate: str) -> str:
    """Name of a certificate's Secret, SecretProviderClass and Deployment: Key Vault ignores case, Kubernetes
    wants lower."""
    return f"kv-{certificate.lower()}"


def holders(certificates: Iterable[str], namespace: str) -> tuple[str, ...]:
    """Addresses of the Deployments that hold certificates."""
    return tuple(address(DEPLOYMENT, secret_name(each), namespace) for each in certificates)


def _holder(name: str, account: str) -> dict[str, Value]:
    labels: dict[str, Value] = {"provision/certificate": name}
    mount: Value = {"name": "certificate", "mountPath": "/mnt/certificate", "readOnly": True}
    container: Value = {
        "name": "hold",
        "image": IMAGE,
        "resources": {
            "requests": {"cpu": "1m", "memory": "8Mi"},
            "limits": {"cpu": "10m", "memory": "16Mi"},
        },
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "runAsNonRoot": True,
            "runAsUser": 65535,
            "capabilities": {"drop": ("ALL",)},
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "volumeMounts": (mount,),
    }
    volume: Value = {
        "name": "certificate",
        "csi": {
            "driver": "secrets-store.csi.k8s.io",
            "readOnly": True,
            "volumeAttributes": {"secretProviderClass": name},
        },
    }
    pod: Value = {
        "metadata": {"labels": {**labels, WORKLOAD_LABEL: "true"}},
        "spec": {
            "serviceAccountName": account,
            "automountServiceAccountToken": False,
            "containers": (container,),
            "volumes": (volume,),
        },
    }
    return {"replicas": 1, "selector": {"matchLabels": labels}, "template": pod}
