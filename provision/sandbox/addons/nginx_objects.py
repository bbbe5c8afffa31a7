"""What one NginxIngressController becomes. Pure.

Source: Azure/aks-app-routing-operator, pkg/manifests/nginx.go and pkg/controller/nginxingress (June 2026).
"""

from __future__ import annotations

from collections.abc import Iterator

from provision.sandbox.addons.site import ROUTING_NAMESPACE
from provision.sandbox.addons.writing import MANAGED_BY_OPERATOR
from provision.sandbox.azure import Json
from provision.sandbox.kubernetes import kinds
from provision.sandbox.kubernetes.objects import Kind

DEFAULT = "default"
DEFAULT_CLASS = "webapprouting.kubernetes.azure.com"
DEFAULT_RESOURCE = "nginx"
IMAGE = "mcr.microsoft.com/oss/kubernetes/ingress/nginx-ingress-controller:v1.13.7"

_THRESHOLDS = {"rapid": 55, "balanced": 70, "steady": 80}
_LABELS = {
    **MANAGED_BY_OPERATOR,
    "app.kubernetes.io/component": "ingress-controller",
    "app.kubernetes.io/name": "nginx",
}


def is_default(controller: Json) -> bool:
    """Whether it is the controller that comes with the add-on."""
    spec = controller["spec"]
    return bool(controller["metadata"]["name"] == DEFAULT and spec["ingressClassName"] == DEFAULT_CLASS)


def resource_name(controller: Json, collisions: int) -> str:
    """Name of everything namespaced that the controller becomes."""
    if is_default(controller):
        return DEFAULT_RESOURCE
    return f"{controller['spec']['controllerNamePrefix']}-{collisions}"


def objects(controller: Json, name: str) -> Iterator[tuple[Kind, Json]]:
    """Every object, by kind, without owner; `name` is the resource name."""
    spec = controller["spec"]
    yield kinds.INGRESS_CLASS, _ingress_class(controller)
    yield kinds.SERVICE_ACCOUNT, _placed(name)
    yield kinds.SERVICE, _service(spec, name)
    yield kinds.SERVICE, _metrics(name)
    yield kinds.DEPLOYMENT, _deployment(controller, name)
    yield kinds.CONFIG_MAP, {**_placed(name), "data": _settings(spec)}
    yield kinds.AUTOSCALER, _autoscaler(spec, name)
    selector = {"matchLabels": {"app": name}}
    yield kinds.DISRUPTION_BUDGET, {**_placed(name), "spec": {"maxUnavailable": 1, "selector": selector}}


def replicas(spec: Json) -> tuple[int, int]:
    """Fewest and most replicas; where only one is given, the other follows it."""
    scaling = spec.get("scaling") or {}
    least, most = scaling.get("minReplicas"), scaling.get("maxReplicas")
    low, high = 2 if least is None else least, 100 if most is None else most
    if low > high:
        return (high, high) if least is None else (low, low)
    return low, high


def _placed(name: str) -> Json:
    return {"metadata": {"name": name, "namespace": ROUTING_NAMESPACE, "labels": dict(_LABELS)}}


def _ingress_class(controller: Json) -> Json:
    labels = {**MANAGED_BY_OPERATOR, "app.kubernetes.io/name": "nginx"}
    name = controller["metadata"]["name"]
    responsible = (
        f"{DEFAULT_CLASS}/nginx"
        if is_default(controller)
        else f"approuting.kubernetes.azure.com/{name}"[:250]
    )
    return {
        "metadata": {"name": controller["spec"]["ingressClassName"], "labels": labels},
        "spec": {"controller": responsible},
    }


def _service(spec: Json, name: str) -> Json:
    body = _placed(name)
    body["metadata"]["annotations"] = dict(spec.get("loadBalancerAnnotations") or {})
    ports = [("https", 443)] if spec.get("httpDisabled") else [("http", 80), ("https", 443)]
    service: Json = {
        "type": "LoadBalancer",
        "externalTrafficPolicy": "Local",
        "selector": {"app": name},
        "ports": [
            {"name": label, "port": port, "protocol": "TCP", "targetPort": label} for label, port in ports
        ],
    }
    if ranges := spec.get("loadBalancerSourceRanges"):
        service["loadBalancerSourceRanges"] = list(ranges)
    return {**body, "spec": service}


def _metrics(name: str) -> Json:
    body = _placed(f"{name}-metrics")
    body["metadata"]["annotations"] = {"prometheus.io/scrape": "true", "prometheus.io/port": "10254"}
    port = {"name": "prometheus", "port": 10254, "protocol": "TCP", "targetPort": "prometheus"}
    return {**body, "spec": {"type": "ClusterIP", "selector": {"app": name}, "ports": [port]}}


def _settings(spec: Json) -> Json:
    certificate = spec.get("defaultSSLCertificate") or {}
    found = {
        "allow-snippet-annotations": "true",
        "annotations-risk-level": "Critical",
        "custom-http-errors": ",".join(str(code) for code in spec.get("customHTTPErrors") or ()),
        "force-ssl-redirect": "true" if certificate.get("forceSSLRedirect") else "",
        "log-format-upstream": spec.get("logFormat") or "",
    }
    return {key: value for key, value in found.items() if value}


def _deployment(controller: Json, name: str) -> Json:
    spec = controller["spec"]
    labels = {**MANAGED_BY_OPERATOR, "app.kubernetes.io/component": "ingress-controller", "app": name}
    container = {"name": "controller", "image": IMAGE, "args": list(_arguments(controller, name))}
    return {
        **_placed(name),
        "spec": {
            "replicas": replicas(spec)[0],
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"serviceAccountName": name, "containers": [container]},
            },
        },
    }


def _arguments(controller: Json, name: str) -> Iterator[str]:
    spec = controller["spec"]
    yield "/nginx-ingress-controller"
    yield f"--ingress-class={spec['ingressClassName']}"
    yield f"--controller-class={_ingress_class(controller)['spec']['controller']}"
    yield f"--election-id={name}"
    yield f"--publish-service=$(POD_NAMESPACE)/{name}"
    yield f"--configmap=$(POD_NAMESPACE)/{name}"
    certificate = spec.get("defaultSSLCertificate") or {}
    if secret := certificate.get("secret"):
        yield f"--default-ssl-certificate={secret['namespace']}/{secret['name']}"
    elif certificate.get("keyVaultURI"):
        secret_name = f"keyvault-nginx-{controller['metadata']['name']}"[:253]
        yield f"--default-ssl-certificate={ROUTING_NAMESPACE}/{secret_name}"
    if backend := spec.get("defaultBackendService"):
        yield f"--default-backend-service={backend['namespace']}/{backend['name']}"
    if spec.get("enableSSLPassthrough"):
        yield "--enable-ssl-passthrough=true"


def _autoscaler(spec: Json, name: str) -> Json:
    low, high = replicas(spec)
    threshold = _THRESHOLDS[(spec.get("scaling") or {}).get("threshold") or "balanced"]
    target = {"type": "Utilization", "averageUtilization": threshold}
    return {
        **_placed(name),
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
            "minReplicas": low,
            "maxReplicas": high,
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": target}}],
        },
    }
