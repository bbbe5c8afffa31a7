"""Kubernetes objects, any kind: what we declare of them, and how a nested object becomes property paths."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from provision.resources.ref import Ref
from provision.resources.resource import Resource
from provision.resources.values import CaseInsensitive, Value

FIELD_MANAGER = "provision"
PROFILE_LABEL = "provision/profile"
DIGEST_ANNOTATION = "provision/digest"
CERTIFICATE_OPTION = "kubernetes.azure.com/tls-cert-keyvault-uri"
"""Annotation of an Ingress and TLS option of a listener: the certificate that app routing syncs for it."""

BALANCER = "service.beta.kubernetes.io/azure-load-balancer"
PINNED = f"{BALANCER}-ipv4"
"""Annotation of a Service: the address that its load balancer must use."""
INTERNAL = f"{BALANCER}-internal"
"""Annotation of a Service: its load balancer is inside the network."""

RIVALS = "rivals"
"""Output of a DNS controller: zones that another, which is not the profile's, writes too, by its name."""


@dataclass(frozen=True, slots=True)
class Api:
    """Where a kind of object is served. `provided_by` says what brings its CRD, empty for built-in kinds.
    `full_name` tells it from a kind of the same name in another group."""

    api_version: str
    kind: str
    plural: str
    namespaced: bool = True
    provided_by: str = ""
    full_name: bool = False

    @property
    def name(self) -> str:
        """What the kind is called in addresses, as kubectl takes it."""
        return f"{self.kind}.{self.api_version.partition('/')[0]}" if self.full_name else self.kind

    def path(self, namespace: str = "", name: str = "") -> str:
        """Path of an object, or of the list of its kind, below the API server's URL."""
        root = f"/apis/{self.api_version}" if "/" in self.api_version else f"/api/{self.api_version}"
        inside = f"/namespaces/{namespace}" if namespace and self.namespaced else ""
        return f"{root}{inside}/{self.plural}" + (f"/{name}" if name else "")


_GATEWAY_API = "the managed Gateway API of the cluster"
_APP_ROUTING = "the application routing add-on"

NAMESPACE = Api("v1", "Namespace", "namespaces", namespaced=False)
SERVICE_ACCOUNT = Api("v1", "ServiceAccount", "serviceaccounts")
CONFIG_MAP = Api("v1", "ConfigMap", "configmaps")
SECRET = Api("v1", "Secret", "secrets")
EVENT = Api("v1", "Event", "events")
SERVICE = Api("v1", "Service", "services")
INGRESS = Api("networking.k8s.io/v1", "Ingress", "ingresses")
GATEWAY = Api("gateway.networking.k8s.io/v1", "Gateway", "gateways", provided_by=_GATEWAY_API)
HTTP_ROUTE = Api("gateway.networking.k8s.io/v1", "HTTPRoute", "httproutes", provided_by=_GATEWAY_API)
TLS_ROUTE = Api("gateway.networking.k8s.io/v1", "TLSRoute", "tlsroutes", provided_by=_GATEWAY_API)
NGINX_INGRESS_CONTROLLER = Api(
    "approuting.kubernetes.azure.com/v1alpha1",
    "NginxIngressController",
    "nginxingresscontrollers",
    namespaced=False,
    provided_by=_APP_ROUTING,
)
CLUSTER_EXTERNAL_DNS = Api(
    "approuting.kubernetes.azure.com/v1alpha1",
    "ClusterExternalDNS",
    "clusterexternaldnses",
    namespaced=False,
    provided_by=_APP_ROUTING,
)
DEPLOYMENT = Api("apps/v1", "Deployment", "deployments")
AUTOSCALER = Api("autoscaling/v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers")
DEFINITION = Api(
    "apiextensions.k8s.io/v1", "CustomResourceDefinition", "customresourcedefinitions", namespaced=False
)
SECRET_PROVIDER_CLASS = Api(
    "secrets-store.csi.x-k8s.io/v1",
    "SecretProviderClass",
    "secretproviderclasses",
    provided_by="the Secrets Store add-on",
)


MESH = "the service mesh add-on"
ISTIO_GATEWAY = Api("networking.istio.io/v1", "Gateway", "gateways", provided_by=MESH, full_name=True)
VIRTUAL_SERVICE = Api("networking.istio.io/v1", "VirtualService", "virtualservices", provided_by=MESH)


def _alb(kind: str, plural: str) -> Api:
    return Api("alb.networking.azure.io/v1", kind, plural, provided_by="the ALB controller")


# Some of these plurals are singular words. Source: the definitions that the ALB controller installs, 1.9.
APPLICATION_LOAD_BALANCER = _alb("ApplicationLoadBalancer", "applicationloadbalancer")
FRONTEND_TLS_POLICY = _alb("FrontendTLSPolicy", "frontendtlspolicies")
BACKEND_TLS_POLICY = _alb("BackendTLSPolicy", "backendtlspolicies")
HEALTH_CHECK_POLICY = _alb("HealthCheckPolicy", "healthcheckpolicy")
ROUTE_POLICY = _alb("RoutePolicy", "routepolicies")
FIREWALL_POLICY = _alb("WebApplicationFirewallPolicy", "webapplicationfirewallpolicy")
INGRESS_EXTENSION = _alb("IngressExtension", "ingressextension")
ALB_POLICIES = (
    FRONTEND_TLS_POLICY,
    BACKEND_TLS_POLICY,
    HEALTH_CHECK_POLICY,
    ROUTE_POLICY,
    FIREWALL_POLICY,
    INGRESS_EXTENSION,
)

OWNED: tuple[Api, ...] = (
    SERVICE_ACCOUNT,
    CONFIG_MAP,
    DEPLOYMENT,
    SECRET_PROVIDER_CLASS,
    INGRESS,
    GATEWAY,
    HTTP_ROUTE,
    TLS_ROUTE,
    NGINX_INGRESS_CONTROLLER,
    CLUSTER_EXTERNAL_DNS,
    APPLICATION_LOAD_BALANCER,
    *ALB_POLICIES,
    ISTIO_GATEWAY,
    VIRTUAL_SERVICE,
)
"""Kinds of which a profile may own objects that go with it: where orphans are looked for."""

ROUTES = (HTTP_ROUTE, TLS_ROUTE, INGRESS)
"""Kinds that name hosts, and so ask for their DNS records."""

ADDRESSED = (GATEWAY, INGRESS, SERVICE)
"""Kinds of which some have an address."""
_ADDRESSING = (f"[{BALANCER}-", "ClassName", "alb.networking.azure.io/", "spec.addresses")
"""Parts of paths that decide which address such an object gets: settings of its load balancer, who serves it,
and behind Application Gateway for Containers which gateway and frontend."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest(Resource):
    """One Kubernetes object. Its name is `Kind/namespace/name`, or `Kind/name` for cluster-wide kinds.

    `body` is the object as it is to be applied, without apiVersion, kind and its name and namespace;
    leaves may be refs. `used` objects are only looked at (a namespace that must exist); with `made_by` they
    are waited for, since that add-on makes them. `private` and `entra` tell how the cluster is reached,
    `access` what the profile says about that. `without` are annotations that nobody may have put on it.
    Its deletion waits for `linger` seconds, in which it is still of use, once what comes before is done.
    """

    KIND: ClassVar[str] = "kubernetes"
    LOOKUP: ClassVar[frozenset[str]] = frozenset({"private", "entra", "object_name"})
    TRIED: ClassVar[bool] = True
    TOLD: ClassVar[tuple[str, ...]] = ("gateway", "address")

    api: Api
    cluster_id: CaseInsensitive
    private: bool | Ref
    entra: bool | Ref
    access: str
    object_name: str | Ref
    namespace: str = ""
    body: Mapping[str, Value] = field(default_factory=dict)
    used: bool = False
    made_by: str = ""
    without: tuple[str, ...] = ()
    linger: float = 0.0

    @property
    def path(self) -> str:
        """Path of the object below the API server's URL."""
        return self.api.path(self.namespace, str(self.object_name))

    def noun(self) -> str:
        return self.api.kind

    def properties(self) -> Mapping[str, Value]:
        return {**dict(leaves(self.body)), **dict.fromkeys(map(annotation, self.without))}

    def must_exist(self) -> bool:
        return self.used and not self.made_by

    def remedy(self) -> str:
        if self.api is NAMESPACE:
            return f"kubectl create namespace {self.object_name}"
        return ""

    def stays(self) -> str:
        if self.api is NAMESPACE:
            return "kept: a namespace may hold what others put into it"
        return ""

    def unsettled(self, changed: Iterable[str]) -> frozenset[str]:
        moves = any(mark in path for path in changed for mark in _ADDRESSING)
        return frozenset({"address"}) if moves and self.api in ADDRESSED else frozenset()

    def document(self, body: Mapping[str, Value] | None = None) -> dict[str, Any]:
        """The whole object, as JSON; refs must be resolved. `body` replaces the resource's own."""
        content = _plain(self.body if body is None else body)
        metadata = {**content.pop("metadata", {}), "name": str(self.object_name)}
        if self.namespace:
            metadata["namespace"] = self.namespace
        return {"apiVersion": self.api.api_version, "kind": self.api.kind, "metadata": metadata, **content}


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedManifest(Manifest):
    """Fields of ours in an object of others: an add-on's, which `made_by` names, or another team's.

    A destroy gives the fields back, and never takes the object away.
    """

    SHARED: ClassVar[bool] = True

    def must_exist(self) -> bool:
        return not self.made_by

    def stays(self) -> str:
        return ""


def hosts_of(api: Api, body: Mapping[str, Any]) -> tuple[str, ...]:
    """The hosts that a route is for, of whatever kind, declared or live."""
    spec = body.get("spec") or {}
    if api == INGRESS:
        return tuple(each["host"] for each in spec.get("rules") or () if each.get("host"))
    key = {HTTP_ROUTE: "hostnames", TLS_ROUTE: "hostnames", VIRTUAL_SERVICE: "hosts"}.get(api)
    return tuple(spec.get(key) or ()) if key else ()


def annotation(key: str) -> str:
    """Property path of an annotation."""
    return _joined("metadata.annotations", key)


def leaves(value: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Value]]:
    """Property paths and values of a nested object, in its own order.

    Members of a list that all have a name of their own are told apart by it
    (`spec.listeners[https].port`); any other list is one value. Keys with dots are bracketed.
    """
    for key, member in value.items():
        path = _joined(above, key)
        names = _names(member)
        if isinstance(member, Mapping) and member:
            yield from leaves(member, path)
        elif names:
            for name, each in zip(names, member, strict=True):
                rest = {inner: deeper for inner, deeper in each.items() if inner != "name"}
                yield from leaves(rest, f"{path}[{name}]")
        else:
            yield path, _value(member)


def _joined(above: str, key: str) -> str:
    if "." in key or "/" in key:
        return f"{above}[{key}]"
    return f"{above}.{key}" if above else key


def _names(value: Any) -> list[str]:
    if not isinstance(value, list | tuple) or not all(isinstance(each, Mapping) for each in value):
        return []
    names = [each.get("name") for each in value if len(each) > 1]
    return [str(name) for name in names] if all(names) and len(set(names)) == len(value) else []


def _value(value: Any) -> Value:
    """A leaf as a property value: lists as tuples, all the way down."""
    if isinstance(value, Mapping):
        return {key: _value(member) for key, member in value.items()}
    if isinstance(value, list | tuple):
        return tuple(_value(member) for member in value)
    found: Value = value
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(member) for key, member in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(member) for member in value]
    return str(value) if isinstance(value, str) else value
