"""The Secrets Store driver: what the operator's Deployments mount, and the Secrets that come of it.

Rotation: with `enableSecretRotation: "true"` a later version replaces the Secret's content; otherwise the
content is that of the time of the mount, until the pod is replaced. A failure names its cause in an event on
the Deployment and on what owns the SecretProviderClass. The operator mirrors such events of pods to Ingresses
only (pkg/controller/keyvault/placeholderpod/event_mirror.go, June 2026); the sandbox does so for Gateways,
too, because it has no pods to look at.
"""

from __future__ import annotations

import json

from provision.sandbox.addons import events, key_vault
from provision.sandbox.addons.certificates import DRIVER
from provision.sandbox.addons.site import Site
from provision.sandbox.addons.workload_identity import AccessError, federated, managed
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

_MOUNT = "kubernetes:mount"
"""What a Deployment has mounted, by cluster, namespace and name: `{pod, version}`."""

_OWNERS = {
    "Gateway": crds.GATEWAY,
    "Ingress": kinds.INGRESS,
    "NginxIngressController": crds.NGINX_INGRESS_CONTROLLER,
}


def reconcile(site: Site) -> None:
    """Every SecretProviderClass of the operator that its placeholder Deployment mounts."""
    for provider in site.named(crds.SECRET_PROVIDER_CLASS):
        metadata = provider["metadata"]
        deployment = site.objects.get(kinds.DEPLOYMENT, metadata["name"], metadata["namespace"])
        if deployment and has_labels(provider, MANAGED_BY_OPERATOR) and is_owned_by(deployment, provider):
            _mount(site, deployment, provider)


def _mount(site: Site, deployment: Json, provider: Json) -> None:
    namespace = deployment["metadata"]["namespace"]
    mounted = site.azure.store.get(_MOUNT, _id(site, deployment)) or {}
    secrets = [each["secretName"] for each in provider["spec"].get("secretObjects") or ()]
    present = all(site.objects.get(kinds.SECRET, each, namespace) for each in secrets)
    running = present and mounted.get("pod") == _pod(deployment)
    rotates = (site.secrets_store or {}).get("enableSecretRotation") == "true"
    failure = ""
    if not running or rotates:
        try:
            _sync(site, deployment, provider, mounted if running else {})
        except AccessError as error:
            failure = str(error)
    if failure:
        _tell(site, deployment, provider, failure, rotating=running)
    waits = ("MinimumReplicasUnavailable", "Deployment does not have minimum availability.")
    run(site, deployment, waits if failure and not running else None)


def _sync(site: Site, deployment: Json, provider: Json, mounted: Json) -> None:
    """Fetch what the SecretProviderClass names; write the Secrets unless that version is mounted."""
    if site.secrets_store is None:
        raise AccessError(
            "kubernetes.io/csi: mounter.SetUpAt failed to get CSI client: driver name"
            f" {DRIVER} not found in the list of registered CSI drivers"
        )
    try:
        parameters = provider["spec"]["parameters"]
        vault, name, version = _object(parameters)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise AccessError(f"failed to parse SecretProviderClass parameters: {error!r}") from error
    caller = _caller(site, deployment, parameters)
    try:
        bundle = key_vault.read(site.azure, caller, vault, name, version)
    except AccessError as error:
        where = f"objectType:secret, objectName:{name}, objectVersion:{version}"
        raise AccessError(f"failed to get {where}: {error}") from error
    found = key_vault.version_of(bundle)
    if mounted.get("version") != found:
        data = key_vault.tls_data(bundle)
        for each in provider["spec"].get("secretObjects") or ():
            _write(site, deployment, each, data)
        record = {"pod": _pod(deployment), "version": found}
        site.azure.store.put(_MOUNT, _id(site, deployment), record)


def _object(parameters: Json) -> tuple[str, str, str]:
    """Vault, name and version (empty for the current one) of what is fetched, as the operator writes it."""
    wanted = json.loads(json.loads(parameters["objects"])["array"][0])
    return parameters["keyvaultName"], wanted["objectName"], wanted.get("objectVersion", "")


def _caller(site: Site, deployment: Json, parameters: Json) -> Principal:
    if parameters.get("useVMManagedIdentity") == "true":
        return managed(site.azure, parameters.get("userAssignedIdentityID", ""))
    metadata = deployment["metadata"]
    name = deployment["spec"]["template"]["spec"].get("serviceAccountName", "default")
    account = site.objects.get(kinds.SERVICE_ACCOUNT, name, metadata["namespace"])
    if account is None:
        raise AccessError(f'serviceaccounts "{name}" not found')
    return federated(site, account)


def _write(site: Site, deployment: Json, wanted: Json, data: Json) -> None:
    body: Json = {
        "metadata": {
            "name": wanted["secretName"],
            "namespace": deployment["metadata"]["namespace"],
            "labels": {f"{DRIVER}/managed": "true"},
            # a ReplicaSet of it in AKS; the sandbox has none
            "ownerReferences": owned_by(deployment, controller=False),
        },
        "type": wanted["type"],
        "data": {each["key"]: data[each["key"]] for each in wanted["data"]},
    }
    ensure(site, kinds.SECRET, body, "secrets-store-csi-driver")


def _tell(site: Site, deployment: Json, provider: Json, failure: str, *, rotating: bool) -> None:
    place = f"{deployment['metadata']['namespace']}/{deployment['metadata']['name']}"
    if rotating:
        reason, component = "MountRotationFailed", "csi-secrets-store-rotation"
        message = (
            f"provider mount err: rpc error: code = Unknown desc = failed to mount objects, error: {failure}"
        )
    else:
        reason, component = "FailedMount", "kubelet"
        message = (
            f'MountVolume.SetUp failed for volume "secrets" : rpc error: code = Unknown desc = failed to'
            f" mount secrets store objects for pod {place}, err: rpc error: code = Unknown desc = failed to"
            f" mount objects, error: {failure}"
        )
    events.warn(site, deployment, reason, message, component)
    for reference in provider["metadata"].get("ownerReferences") or ():
        kind = _OWNERS.get(reference["kind"])
        namespace = provider["metadata"]["namespace"] if kind and kind.namespaced else ""
        owner = site.objects.get(kind, reference["name"], namespace) if kind else None
        if owner is not None:
            events.warn(site, owner, reason, message, OPERATOR)


def _pod(deployment: Json) -> str:
    """What makes a Deployment replace its pod: its template."""
    return json.dumps(deployment["spec"]["template"], sort_keys=True)


def _id(site: Site, deployment: Json) -> str:
    metadata = deployment["metadata"]
    return f"{site.objects.uid}/{metadata['namespace']}/{metadata['name']}"
