"""What the app routing operator does for certificates: SecretProviderClasses and pods that mount them.

Source: Azure/aks-app-routing-operator, pkg/controller/keyvault (June 2026), for names, events and their
texts. Like the operator, one faulty listener keeps the whole Gateway from getting its `certificateRefs`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from provision.sandbox.addons import events, istio, nginx_objects
from provision.sandbox.addons.site import ROUTING_NAMESPACE, Site
from provision.sandbox.addons.workload_identity import client_id_of
from provision.sandbox.addons.writing import (
    MANAGED_BY_OPERATOR,
    OPERATOR,
    change,
    ensure,
    has_labels,
    is_owned_by,
    owned_by,
)
from provision.sandbox.azure import TENANT, Json
from provision.sandbox.documents import copied
from provision.sandbox.kubernetes import crds, kinds
from provision.sandbox.kubernetes.objects import Kind

URI = "kubernetes.azure.com/tls-cert-keyvault-uri"
ACCOUNT = "kubernetes.azure.com/tls-cert-service-account"
MANAGED = "kubernetes.azure.com/tls-cert-keyvault-managed"
DRIVER = "secrets-store.csi.k8s.io"

_CLASSES = (istio.ROUTING_CLASS, istio.MESH_CLASS)
_OWNER_ANNOTATIONS = {
    "Gateway": "kubernetes.azure.com/gateway-owner",
    "Ingress": "kubernetes.azure.com/ingress-owner",
    "NginxIngressController": "kubernetes.azure.com/nginx-ingress-controller-owner",
}


class InputError(Exception):
    """What a user asked for can't be; the text is that of the event."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One certificate that an object wants as a Secret; `name` is also that of the SecretProviderClass.

    `account` is the service account that reads it, empty for the add-on's own identity.
    """

    owner: Json
    name: str
    namespace: str
    uri: str
    account: str = ""


def reconcile(site: Site) -> None:
    """Every Gateway, Ingress and NginxIngressController that names a certificate, while the operator runs."""
    if not site.routing:
        return
    for gateway in site.named(crds.GATEWAY):
        if gateway["spec"]["gatewayClassName"] in _CLASSES:
            _gateway(site, gateway)
    controllers = site.named(crds.NGINX_INGRESS_CONTROLLER)
    classes = {each["spec"]["ingressClassName"] for each in controllers} | {nginx_objects.DEFAULT_CLASS}
    for ingress in site.objects.list(kinds.INGRESS):
        managed = ingress["spec"].get("ingressClassName") in classes
        _object(site, kinds.INGRESS, ingress, _of_ingress(ingress) if managed else None)
    for controller in controllers:
        _object(site, crds.NGINX_INGRESS_CONTROLLER, controller, _of_controller(controller))


def parse(uri: str) -> tuple[str, str, str]:
    """Vault, name and version (empty for the current one) of a certificate's address. Raises InputError."""
    parts = urlsplit(uri)
    vault, segments = (parts.hostname or "").split(".")[0], parts.path.split("/")
    if len(segments) < 3:
        raise InputError(f"invalid secret uri: {uri}")
    if not vault or not segments[2]:
        raise InputError(f"invalid certificate uri: {uri}")
    return vault, segments[2], segments[3] if len(segments) > 3 else ""


def _gateway(site: Site, gateway: Json) -> None:
    metadata = gateway["metadata"]
    changed = copied(gateway)
    names = []
    for listener in changed["spec"]["listeners"]:
        options = (listener.get("tls") or {}).get("options") or {}
        name = f"kv-gw-cert-{metadata['name']}-{listener['name']}"[:253]
        if not options.get(URI):
            _clean_up(site, name, metadata["namespace"])
            continue
        names.append(name)
        wanted = Wanted(gateway, name, metadata["namespace"], options[URI], options.get(ACCOUNT, ""))
        try:
            _check_listener(site, wanted)
            _provide(site, wanted)
        except InputError as error:
            _tell(site, gateway, error)
            return
        if not site.serves(crds.SECRET_PROVIDER_CLASS):
            return
        reference = {"group": "", "kind": "Secret", "name": name, "namespace": metadata["namespace"]}
        listener["tls"]["certificateRefs"] = [reference]
    change(site, crds.GATEWAY, gateway, changed, OPERATOR)
    _drop_mounts(site, gateway, names)


def _check_listener(site: Site, wanted: Wanted) -> None:
    if not wanted.account:
        raise InputError(
            "KeyVault Cert URI provided, but the required ServiceAccount option was not. Please provide a"
            f" ServiceAccount via the TLS option {ACCOUNT}"
        )
    if not site.workload_identity:  # the operator is not told to look at listeners then; words of ours
        raise InputError("workload identity is not enabled on the cluster")


def _object(site: Site, kind: Kind, owner: Json, wanted: Wanted | None) -> None:
    name, namespace = _names(owner)
    if wanted is None:
        _clean_up(site, name, namespace)
        return
    try:
        _provide(site, wanted)
    except InputError as error:
        _tell(site, owner, error)
        return
    annotations = owner["metadata"].get("annotations") or {}
    if kind is kinds.INGRESS and annotations.get(MANAGED, "").lower() == "true":
        changed = copied(owner)
        hosts = [rule["host"] for rule in owner["spec"].get("rules") or () if rule.get("host")]
        changed["spec"]["tls"] = [{"secretName": name, "hosts": hosts}]
        change(site, kind, owner, changed, OPERATOR)


def _names(owner: Json) -> tuple[str, str]:
    """Name and namespace of what an Ingress or an NginxIngressController's certificate becomes."""
    metadata = owner["metadata"]
    if owner["kind"] == "Ingress":
        return f"keyvault-{metadata['name']}"[:253], metadata["namespace"]
    return f"keyvault-nginx-{metadata['name']}"[:253], ROUTING_NAMESPACE


def _of_ingress(ingress: Json) -> Wanted | None:
    annotations = ingress["metadata"].get("annotations") or {}
    if URI not in annotations:
        return None
    return Wanted(ingress, *_names(ingress), annotations[URI], annotations.get(ACCOUNT, ""))


def _of_controller(controller: Json) -> Wanted | None:
    uri = (controller["spec"].get("defaultSSLCertificate") or {}).get("keyVaultURI")
    return Wanted(controller, *_names(controller), uri) if uri else None


def _provide(site: Site, wanted: Wanted) -> None:
    """The SecretProviderClass and the Deployment whose only work is to mount it."""
    vault, certificate, version = parse(wanted.uri)
    client = _client(site, wanted)
    if not site.serves(crds.SECRET_PROVIDER_CLASS):
        message = (
            "error while creating or updating SecretProviderClass needed to pull Keyvault reference: failed"
            f" to reconcile SecretProviderClass {wanted.name}: no matches for kind"
            f' "SecretProviderClass" in version "{crds.SECRET_PROVIDER_CLASS.api_version}"'
        )
        events.warn(site, wanted.owner, "FailedUpdateOrCreateSPC", message, OPERATOR)
        return
    chosen = {"objectName": certificate, "objectType": "secret"}
    chosen |= {"objectVersion": version} if version else {}
    parameters = {
        "keyvaultName": vault,
        "tenantId": TENANT,
        "objects": _compact({"array": [_compact(chosen)]}),
        "cloudName": "AzurePublicCloud",
        **client,
    }
    data = [{"objectName": certificate, "key": key} for key in ("tls.key", "tls.crt")]
    secret = {"secretName": wanted.name, "type": "kubernetes.io/tls", "data": data}
    place = {"name": wanted.name, "namespace": wanted.namespace, "labels": dict(MANAGED_BY_OPERATOR)}
    body: Json = {
        "metadata": {**place, "ownerReferences": owned_by(wanted.owner)},
        "spec": {"provider": "azure", "secretObjects": [secret], "parameters": parameters},
    }
    provider = ensure(site, crds.SECRET_PROVIDER_CLASS, body)
    ensure(site, kinds.DEPLOYMENT, _placeholder(provider, wanted))


def _client(site: Site, wanted: Wanted) -> Json:
    if not wanted.account:
        identity = (site.routing or {}).get("identity") or {}
        return {"userAssignedIdentityID": identity.get("clientId", ""), "useVMManagedIdentity": "true"}
    word = "service account" if wanted.owner["kind"] == "Gateway" else "serviceAccount"
    account = site.objects.get(kinds.SERVICE_ACCOUNT, wanted.account, wanted.namespace)
    if account is None:
        raise InputError(f"{word} {wanted.account} does not exist in namespace {wanted.namespace}")
    client_id = client_id_of(account)
    if not client_id:
        raise InputError(
            f"{word} {wanted.account} was specified but does not include necessary annotation for workload"
            " identity"
        )
    return {"clientID": client_id}


def _placeholder(provider: Json, wanted: Wanted) -> Json:
    metadata = provider["metadata"]
    labels = {"app": metadata["name"]}
    source = {
        "driver": DRIVER,
        "readOnly": True,
        "volumeAttributes": {"secretProviderClass": metadata["name"]},
    }
    pod: Json = {
        "automountServiceAccountToken": bool(wanted.account),
        "containers": [
            {
                "name": "placeholder",
                "image": "mcr.microsoft.com/oss/kubernetes/pause:3.10",
                "volumeMounts": [{"name": "secrets", "mountPath": "/mnt/secrets", "readOnly": True}],
            }
        ],
        "volumes": [{"name": "secrets", "csi": source}],
    }
    if wanted.account:
        pod["serviceAccountName"] = wanted.account
    annotations = {
        "kubernetes.azure.com/observed-generation": str(metadata["generation"]),
        "kubernetes.azure.com/purpose": "hold CSI mount to enable keyvault-to-k8s secret mirroring",
        _OWNER_ANNOTATIONS[wanted.owner["kind"]]: wanted.owner["metadata"]["name"],
    }
    place = {key: metadata[key] for key in ("name", "namespace", "labels")}
    template = {
        "metadata": {"labels": {**MANAGED_BY_OPERATOR, **labels}, "annotations": annotations},
        "spec": pod,
    }
    return {
        "metadata": {**place, "ownerReferences": owned_by(provider)},
        "spec": {"replicas": 1, "selector": {"matchLabels": labels}, "template": template},
    }


def _compact(value: Json) -> str:
    return json.dumps(value, separators=(",", ":"))


def _clean_up(site: Site, name: str, namespace: str) -> None:
    """Remove the SecretProviderClass of a certificate that is no longer wanted, and what hangs on it."""
    if not site.serves(crds.SECRET_PROVIDER_CLASS):
        return
    provider = site.objects.get(crds.SECRET_PROVIDER_CLASS, name, namespace)
    if provider and has_labels(provider, MANAGED_BY_OPERATOR):
        site.objects.delete(crds.SECRET_PROVIDER_CLASS, name, namespace)
        unmount(site, name, namespace)


def unmount(site: Site, name: str, namespace: str) -> None:
    """Remove a placeholder Deployment; the Secret goes with the last mount."""
    for kind in (kinds.DEPLOYMENT, kinds.SECRET):
        site.objects.delete(kind, name, namespace)


def _drop_mounts(site: Site, gateway: Json, names: Sequence[str]) -> None:
    """A listener that is gone leaves its SecretProviderClass behind, but nothing mounts it any more."""
    if not site.serves(crds.SECRET_PROVIDER_CLASS):
        return
    namespace = gateway["metadata"]["namespace"]
    for provider in _owned(site.objects.list(crds.SECRET_PROVIDER_CLASS, namespace), gateway):
        name = provider["metadata"]["name"]
        if name not in names:
            unmount(site, name, namespace)


def _owned(bodies: Iterable[Json], owner: Json) -> Iterator[Json]:
    return (body for body in bodies if is_owned_by(body, owner))


def _tell(site: Site, owner: Json, error: InputError) -> None:
    events.warn(site, owner, "InvalidInput", f"error while processing Keyvault reference: {error}", OPERATOR)
