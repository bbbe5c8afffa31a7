"""The Secrets Store driver: what Deployments and pods mount, and the Secrets that come of it.

The app routing operator's placeholders mount what it makes itself; users' workloads mount their own
SecretProviderClasses, which is how certificates come to Application Gateway for Containers.
Rotation: with `enableSecretRotation: "true"` a later version replaces the Secret's content; otherwise the
content is that of the time of the mount, until the pod is replaced. A failure names its cause in an event on
the workload and on what owns the SecretProviderClass. The operator mirrors such events of pods to Ingresses
only (pkg/controller/keyvault/placeholderpod/event_mirror.go, June 2026); the sandbox does so for Gateways,
too, because it has no pods to look at.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from provision.sandbox.addons import events, secret_objects
from provision.sandbox.addons.certificates import DRIVER
from provision.sandbox.addons.secret_objects import Fetched
from provision.sandbox.addons.site import Site
from provision.sandbox.addons.workload_identity import AccessError, exchanged, federated, managed
from provision.sandbox.addons.writing import (
    MANAGED_BY_OPERATOR,
    OPERATOR,
    ensure,
    has_labels,
    is_owned_by,
    owned_by,
    run,
)
from provision.sandbox.azure import Json
from provision.sandbox.http import Principal
from provision.sandbox.kubernetes import crds, kinds
from provision.sandbox.kubernetes.objects import Kind

_MOUNT = "kubernetes:mount"
"""What a workload has mounted, by cluster, namespace, name and SecretProviderClass: `{pod, version}`."""

_OWNERS = {
    "Gateway": crds.GATEWAY,
    "Ingress": kinds.INGRESS,
    "NginxIngressController": crds.NGINX_INGRESS_CONTROLLER,
}


@dataclass(frozen=True, slots=True)
class _Mount:
    """One volume of a Deployment or pod; `provider` is its SecretProviderClass, if that is there."""

    kind: Kind
    workload: Json
    volume: str
    name: str
    provider: Json | None

    @property
    def namespace(self) -> str:
        return str(self.workload["metadata"]["namespace"])

    @property
    def pod(self) -> Json:
        """The pod's specification."""
        return _pod(self.kind, self.workload)

    @property
    def identity(self) -> str:
        """What makes a Deployment replace its pod: its template."""
        replaced = self.workload["spec"]["template"] if self.kind is kinds.DEPLOYMENT else self.pod
        return json.dumps(replaced, sort_keys=True)


def reconcile(site: Site) -> None:
    """Every volume of the driver that a Deployment or a pod mounts."""
    for kind in (kinds.DEPLOYMENT, kinds.POD):
        for workload in site.objects.list(kind):
            mounts = list(_mounts(site, kind, workload))
            if not mounts:
                continue
            failed = [each for each in mounts if not _mounted(site, each)]
            if kind is kinds.DEPLOYMENT:
                waits = ("MinimumReplicasUnavailable", "Deployment does not have minimum availability.")
                run(site, workload, waits if failed else None)


def _mounts(site: Site, kind: Kind, workload: Json) -> Iterator[_Mount]:
    spec = _pod(kind, workload)
    if workload["metadata"].get("deletionTimestamp") or (workload.get("spec") or {}).get("replicas", 1) == 0:
        return
    for volume in spec.get("volumes") or ():
        source = volume.get("csi") or {}
        if source.get("driver") != DRIVER:
            continue
        name = str((source.get("volumeAttributes") or {}).get("secretProviderClass") or "")
        place = (name, workload["metadata"]["namespace"])
        found = site.objects.get(crds.SECRET_PROVIDER_CLASS, *place) if name and _served(site) else None
        if found and has_labels(found, MANAGED_BY_OPERATOR) and not is_owned_by(workload, found):
            continue
        yield _Mount(kind, workload, volume["name"], name, found)


def _pod(kind: Kind, workload: Json) -> Json:
    """The pod's specification, empty in an object that has none."""
    spec: Json = workload.get("spec") or {}
    if kind is kinds.DEPLOYMENT:
        spec = (spec.get("template") or {}).get("spec") or {}
    return spec


def _served(site: Site) -> bool:
    return site.serves(crds.SECRET_PROVIDER_CLASS)


def _mounted(site: Site, mount: _Mount) -> bool:
    """Mount, or look for a later version; whether the pod runs."""
    before = site.azure.store.get(_MOUNT, _id(site, mount)) or {}
    wanted = (mount.provider or {"spec": {}})["spec"].get("secretObjects") or ()
    present = all(site.objects.get(kinds.SECRET, each["secretName"], mount.namespace) for each in wanted)
    running = present and before.get("pod") == mount.identity
    rotates = (site.secrets_store or {}).get("enableSecretRotation") == "true"
    if running and not rotates:
        return True
    try:
        _sync(site, mount, before if running else {})
    except AccessError as error:
        _tell(site, mount, str(error), rotating=running)
        return running
    return True


def _sync(site: Site, mount: _Mount, before: Json) -> None:
    """Fetch what the SecretProviderClass names; write the Secrets unless that version is mounted."""
    if site.secrets_store is None:
        raise AccessError(
            "kubernetes.io/csi: mounter.SetUpAt failed to get CSI client: driver name"
            f" {DRIVER} not found in the list of registered CSI drivers"
        )
    if mount.provider is None:
        raise AccessError(
            f"failed to get secretproviderclass {mount.namespace}/{mount.name}, error:"
            f' SecretProviderClass.secrets-store.csi.x-k8s.io "{mount.name}" not found'
        )
    parameters = mount.provider["spec"].get("parameters") or {}
    wanted = secret_objects.wanted(parameters)
    caller = _caller(site, mount, parameters)
    fetched = [secret_objects.fetch(site.azure, caller, each) for each in wanted]
    version = " ".join(each.version for each in fetched)
    if before.get("version") != version:
        for each in mount.provider["spec"].get("secretObjects") or ():
            _write(site, mount, each, fetched)
        record = {"pod": mount.identity, "version": version}
        site.azure.store.put(_MOUNT, _id(site, mount), record)


def _caller(site: Site, mount: _Mount, parameters: Json) -> Principal:
    if parameters.get("useVMManagedIdentity") == "true":
        return managed(site.azure, parameters.get("userAssignedIdentityID", ""))
    pod = mount.pod
    name = pod.get("serviceAccountName") or pod.get("serviceAccount") or "default"
    account = site.objects.get(kinds.SERVICE_ACCOUNT, name, mount.namespace)
    if account is None:
        raise AccessError(f'serviceaccounts "{name}" not found')
    if mount.provider and has_labels(mount.provider, MANAGED_BY_OPERATOR):
        return federated(site, account)
    client_id = str(parameters.get("clientID") or "")
    if not client_id:
        raise AccessError(
            "failed to acquire token: neither clientID nor useVMManagedIdentity is set and there is no"
            " nodePublishSecretRef"
        )
    return exchanged(site, account, client_id)


def _write(site: Site, mount: _Mount, wanted: Json, fetched: list[Fetched]) -> None:
    body: Json = {
        "metadata": {
            "name": wanted["secretName"],
            "namespace": mount.namespace,
            "labels": {f"{DRIVER}/managed": "true", **(wanted.get("labels") or {})},
            # a ReplicaSet of it in AKS; the sandbox has none
            "ownerReferences": owned_by(mount.workload, controller=False),
        },
        "type": wanted["type"],
        "data": {
            each["key"]: secret_objects.content(fetched, each["objectName"], wanted["type"], each["key"])
            for each in wanted["data"]
        },
    }
    ensure(site, kinds.SECRET, body, "secrets-store-csi-driver")


def _tell(site: Site, mount: _Mount, failure: str, *, rotating: bool) -> None:
    place = f"{mount.namespace}/{mount.workload['metadata']['name']}"
    if rotating:
        reason, component = "MountRotationFailed", "csi-secrets-store-rotation"
        message = (
            f"provider mount err: rpc error: code = Unknown desc = failed to mount objects, error: {failure}"
        )
    else:
        reason, component = "FailedMount", "kubelet"
        message = (
            f'MountVolume.SetUp failed for volume "{mount.volume}" : rpc error: code = Unknown desc ='
            f" failed to mount secrets store objects for pod {place}, err: rpc error: code = Unknown desc ="
            f" failed to mount objects, error: {failure}"
        )
    events.warn(site, mount.workload, reason, message, component)
    for reference in (mount.provider or {"metadata": {}})["metadata"].get("ownerReferences") or ():
        kind = _OWNERS.get(reference["kind"])
        namespace = mount.namespace if kind and kind.namespaced else ""
        owner = site.objects.get(kind, reference["name"], namespace) if kind else None
        if owner is not None:
            events.warn(site, owner, reason, message, OPERATOR)


def _id(site: Site, mount: _Mount) -> str:
    return f"{site.objects.uid}/{mount.namespace}/{mount.workload['metadata']['name']}/{mount.name}"
