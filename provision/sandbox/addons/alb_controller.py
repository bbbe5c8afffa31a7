"""The ALB controller of Application Gateway for Containers: whether it runs, as whom, and its classes.

It comes as AKS's add-on (in kube-system, with an identity that AKS makes) or by its Helm chart, which leaves
a Deployment and a service account behind; then the identity is the user's.
Sources: "Deploy Application Gateway for Containers ALB Controller", add-on (2026-08) and Helm (2026-02),
Microsoft Learn.
"""

from __future__ import annotations

from dataclasses import dataclass

from provision.sandbox import identities
from provision.sandbox.addons.site import Site
from provision.sandbox.addons.workload_identity import AccessError, by_client_id, client_id_of, federated
from provision.sandbox.addons.writing import ADDON_MANAGER, conditions, ensure, has_labels, run, set_status
from provision.sandbox.azure import Json
from provision.sandbox.http import Principal
from provision.sandbox.kubernetes import crds, kinds

CONTROLLER = "alb.networking.azure.io/alb-controller"
CLASS = "azure-alb-external"
MANAGER = "alb-controller"
"""The field manager, and the name of the Deployment."""
ACCOUNT = "alb-controller-sa"
IDENTITY = "azure-alb-identity"
"""The only name of a federated credential that the chart's controller supports (Microsoft Learn, 2026)."""

ALB_ID = "alb.networking.azure.io/alb-id"
ALB_NAME = "alb.networking.azure.io/alb-name"
ALB_NAMESPACE = "alb.networking.azure.io/alb-namespace"
ALB_FRONTEND = "alb.networking.azure.io/alb-frontend"
"""An annotation of Ingresses, and the type of a Gateway's address."""

ADDON_VERSION = "1.10.28"
ADDON_NAMESPACE = "kube-system"
_BY_AKS = {"kubernetes.azure.com/managedby": "aks"}
_BY_HELM = {"app.kubernetes.io/managed-by": "Helm", "app": MANAGER}
_SERVING = (crds.GATEWAY_CLASS, kinds.INGRESS_CLASS)


@dataclass(frozen=True, slots=True)
class Controller:
    """`namespace` is where it runs; `addon` says whether AKS looks after it."""

    namespace: str
    addon: bool
    installs_gateway_api: bool = False


def find(site: Site) -> Controller | None:
    """The controller of a cluster; the add-on's if someone has installed the chart beside it."""
    if site.load_balancer is not None:
        return Controller(ADDON_NAMESPACE, addon=True)
    for deployment in site.objects.list(kinds.DEPLOYMENT):
        metadata = deployment["metadata"]
        if metadata["name"] == MANAGER and has_labels(deployment, _BY_HELM):
            pod = ((deployment.get("spec") or {}).get("template") or {}).get("spec") or {}
            arguments = [text for each in pod.get("containers") or () for text in each.get("args") or ()]
            return Controller(metadata["namespace"], False, "--install-gateway-api-crds=true" in arguments)
    return None


def reconcile(site: Site) -> None:
    """The add-on's objects, the classes, and the state of the Deployment."""
    controller = find(site)
    if controller is None or not controller.addon:
        _stop_addon(site)
    if controller is None:
        return
    if controller.addon:
        _addon(site)
    deployment = site.objects.get(kinds.DEPLOYMENT, MANAGER, controller.namespace)
    if deployment:
        run(site, deployment)
    _classes(site, controller)


def identity(site: Site, controller: Controller) -> Principal:
    """Who the controller is in Azure. Raises AccessError with what its log says."""
    account = site.objects.get(kinds.SERVICE_ACCOUNT, ACCOUNT, controller.namespace)
    if account is None:
        raise AccessError(f'serviceaccounts "{ACCOUNT}" not found')
    caller = federated(site, account)
    if not controller.addon:
        _check_name(site, client_id_of(account))
    return caller


def _check_name(site: Site, client_id: str) -> None:
    found = by_client_id(site.azure, client_id) or {"id": ""}
    credentials = site.azure.store.list(identities.CREDENTIAL, f"{found['id']}/")
    if not any(
        each["name"] == IDENTITY and each["properties"]["issuer"] == site.token_issuer for each in credentials
    ):
        raise AccessError(f"no federated credential named {IDENTITY}: another name is not supported")


def _addon(site: Site) -> None:
    client = ((site.load_balancer or {}).get("identity") or {}).get("clientId", "")
    account: Json = {
        "metadata": {
            "name": ACCOUNT,
            "namespace": ADDON_NAMESPACE,
            "labels": {**_BY_AKS, "azure.workload.identity/use": "true"},
            "annotations": {"azure.workload.identity/client-id": client},
        }
    }
    ensure(site, kinds.SERVICE_ACCOUNT, account, ADDON_MANAGER)
    ensure(site, kinds.DEPLOYMENT, deployment(ADDON_NAMESPACE, ADDON_VERSION, _BY_AKS), ADDON_MANAGER)


def deployment(namespace: str, version: str, labels: Json, *arguments: str, replicas: int = 2) -> Json:
    """The controller's Deployment."""
    container: Json = {
        "name": MANAGER,
        "image": f"mcr.microsoft.com/application-lb/images/alb-controller:{version}",
    }
    if arguments:
        container["args"] = list(arguments)
    pod = {"serviceAccountName": ACCOUNT, "containers": [container]}
    return {
        "metadata": {"name": MANAGER, "namespace": namespace, "labels": {**labels, "app": MANAGER}},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": MANAGER}},
            "template": {
                "metadata": {"labels": {"app": MANAGER, "azure.workload.identity/use": "true"}},
                "spec": pod,
            },
        },
    }


def _classes(site: Site, controller: Controller) -> None:
    labels = _BY_AKS if controller.addon else {}
    metadata = {"name": CLASS, **({"labels": labels} if labels else {})}
    if site.serves(crds.GATEWAY_CLASS):
        body: Json = {"metadata": metadata, "spec": {"controllerName": CONTROLLER}}
        live = ensure(site, crds.GATEWAY_CLASS, body, MANAGER)
        valid = ("Accepted", "True", "Accepted", "Valid GatewayClass")
        status = {"conditions": conditions(live, [valid], site.objects.now())}
        set_status(site, crds.GATEWAY_CLASS, live, status, MANAGER)
    ensure(site, kinds.INGRESS_CLASS, {"metadata": metadata, "spec": {"controller": CONTROLLER}}, MANAGER)


def _stop_addon(site: Site) -> None:
    """The add-on takes its Deployment and its classes along; definitions and their objects stay.

    Uninstalling the chart leaves the classes, which are to be deleted by hand (Microsoft Learn, 2026).
    """
    for kind, name in ((kinds.DEPLOYMENT, MANAGER), (kinds.SERVICE_ACCOUNT, ACCOUNT)):
        live = site.objects.get(kind, name, ADDON_NAMESPACE)
        if live and has_labels(live, _BY_AKS):
            site.objects.delete(kind, name, ADDON_NAMESPACE)
    for kind in _SERVING:
        live = site.objects.get(kind, CLASS)
        if live and has_labels(live, _BY_AKS):
            site.objects.delete(kind, CLASS)
