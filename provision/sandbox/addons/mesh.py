"""The service mesh add-on in a cluster: a control plane for each revision, and the ingress gateways.

Sources, all Microsoft Learn: "Deploy Istio-based service mesh add-on" (2026), "Upgrade Istio-based service
mesh add-on" (2026-08), "Istio service mesh add-on performance and scaling" (2026), "Plug-in CA certificates"
(2025-03), "Enable Istio CNI" (2026-05).
What stays when the add-on goes: "Uninstall Istio-based service mesh add-on" (2024-03) says that nothing does,
"Application routing Gateway API implementation" (2026-06) that CRDs of istio.io and the class `istio` do. The
younger page is followed for these, the older one for the namespaces.
"""

from __future__ import annotations

from provision.sandbox.addons import mesh_gateways
from provision.sandbox.addons.istio_objects import (
    MANAGED,
    autoscaler,
    deployment,
    disruption_budget,
    ensure_autoscaler,
    remove,
)
from provision.sandbox.addons.site import ISTIO_NAMESPACE, MESH_GATEWAY_NAMESPACE, Site
from provision.sandbox.addons.writing import ADDON_MANAGER, ensure, ensure_namespace, has_labels, run
from provision.sandbox.azure import TENANT, Json
from provision.sandbox.kubernetes import crds, deleting, kinds

_REDIRECTION = "azure-service-mesh-istio-cni-addon-node"
_AUTHORITY_FILES = {
    "rootCertObjectName": "root-cert.pem",
    "certObjectName": "ca-cert.pem",
    "keyObjectName": "ca-key.pem",
    "certChainObjectName": "cert-chain.pem",
}


def reconcile(site: Site) -> None:
    """Control planes and gateways of the revisions that are on, oldest first, and of no others."""
    revisions = site.mesh_revisions
    if not revisions and not _was_on(site):
        return
    wanted = {f"istiod-{revision}" for revision in revisions}
    for live in site.objects.list(kinds.DEPLOYMENT, ISTIO_NAMESPACE):
        name = live["metadata"]["name"]
        if name.startswith("istiod-asm-") and name not in wanted:
            remove(site, name, ISTIO_NAMESPACE)
            site.objects.delete(crds.SECRET_PROVIDER_CLASS, _provider(name), ISTIO_NAMESPACE)
    if revisions:
        ensure_namespace(site, ISTIO_NAMESPACE, MANAGED)
    for revision in revisions:
        _control_plane(site, revision, stable=revisions[0])
    _redirection(site)
    mesh_gateways.reconcile(site, revisions)
    if not revisions:
        _remove_namespaces(site)


def _was_on(site: Site) -> bool:
    """Whether a control plane of the add-on is still there."""
    return any(
        each["metadata"]["name"].startswith("istiod-asm-")
        for each in site.objects.list(kinds.DEPLOYMENT, ISTIO_NAMESPACE)
    )


def _control_plane(site: Site, revision: str, *, stable: str) -> None:
    name = f"istiod-{revision}"
    labels = {**MANAGED, "app": "istiod", "istio.io/rev": revision}
    selector = {"app": "istiod", "istio.io/rev": revision}
    scaling = ensure_autoscaler(
        site,
        autoscaler(name, ISTIO_NAMESPACE, labels),
        follows=f"istiod-{stable}" if stable != revision else "",
    )
    replicas = scaling["spec"]["minReplicas"]
    body = deployment(name, ISTIO_NAMESPACE, selector, "discovery", "pilot", labels, replicas=replicas)
    authority = _authority(site, name)
    if authority:
        body["spec"]["template"]["spec"] |= authority
    live = ensure(site, kinds.DEPLOYMENT, body, ADDON_MANAGER)
    if not authority:  # otherwise the Secrets Store driver says whether it runs
        run(site, live)
    ensure(
        site,
        kinds.DISRUPTION_BUDGET,
        disruption_budget(name, ISTIO_NAMESPACE, labels, selector),
        ADDON_MANAGER,
    )
    service: Json = {
        "metadata": {"name": name, "namespace": ISTIO_NAMESPACE, "labels": labels},
        "spec": {
            "type": "ClusterIP",
            "selector": selector,
            "ports": [{"name": "https-dns", "port": 15012, "protocol": "TCP", "targetPort": 15012}],
        },
    }
    ensure(site, kinds.SERVICE, service, ADDON_MANAGER)


def _authority(site: Site, name: str) -> Json:
    """The volume by which a control plane gets a certificate authority from Key Vault, empty without one.

    The identity of the Key Vault add-on reads the secrets. The name of the SecretProviderClass is ours.
    """
    plugin = _istio(site, "certificateAuthority").get("plugin")
    addon = site.addon("azureKeyvaultSecretsProvider")
    if not plugin or not addon or not site.serves(crds.SECRET_PROVIDER_CLASS):
        return {}
    objects = "".join(
        f"  - |\n    objectName: {plugin[field]}\n    objectType: secret\n    objectAlias: {file}\n"
        for field, file in _AUTHORITY_FILES.items()
    )
    provider: Json = {
        "metadata": {"name": _provider(name), "namespace": ISTIO_NAMESPACE, "labels": MANAGED},
        "spec": {
            "provider": "azure",
            "parameters": {
                "useVMManagedIdentity": "true",
                "userAssignedIdentityID": addon["identity"]["clientId"],
                "keyvaultName": plugin["keyVaultId"].rsplit("/", 1)[-1],
                "tenantId": TENANT,
                "objects": f"array:\n{objects}",
            },
        },
    }
    ensure(site, crds.SECRET_PROVIDER_CLASS, provider, ADDON_MANAGER)
    attributes = {"secretProviderClass": _provider(name)}
    csi = {"driver": "secrets-store.csi.k8s.io", "readOnly": True, "volumeAttributes": attributes}
    return {"volumes": [{"name": "cacerts", "csi": csi}]}


def _provider(name: str) -> str:
    return f"{name}-cacerts"


def _istio(site: Site, field: str) -> Json:
    profile = site.properties.get("serviceMeshProfile") or {}
    return (profile.get("istio") or {}).get(field) or {}


def _redirection(site: Site) -> None:
    """The DaemonSet of Istio CNI, where that redirects traffic rather than init containers."""
    chained = _istio(site, "components").get("proxyRedirectionMechanism") == "CNIChaining"
    if not (site.mesh_revisions and chained):
        site.objects.delete(kinds.DAEMON_SET, _REDIRECTION, ISTIO_NAMESPACE)
        return
    labels = {**MANAGED, "k8s-app": "istio-cni-node"}
    body = deployment(_REDIRECTION, ISTIO_NAMESPACE, labels, "install-cni", "install-cni", labels)
    del body["spec"]["replicas"]
    body["spec"]["template"]["spec"]["nodeSelector"] = {"kubernetes.io/os": "linux"}
    live = ensure(site, kinds.DAEMON_SET, body, ADDON_MANAGER)
    mesh_gateways.run_everywhere(site, live)


def _remove_namespaces(site: Site) -> None:
    """With all that is in them; app routing's own Istio keeps its namespace."""
    names = [MESH_GATEWAY_NAMESPACE] + ([] if site.routing_istio else [ISTIO_NAMESPACE])
    for name in names:
        found = site.objects.get(kinds.NAMESPACE, name)
        if found and has_labels(found, MANAGED):
            deleting.let_go(site.objects, kinds.NAMESPACE, found)
