"""The DNS controllers of app routing: of ClusterExternalDNS and ExternalDNS objects, and of the NGINX path.

Source: Azure/aks-app-routing-operator, pkg/controller/dns and pkg/manifests/external_dns.go (June 2026):
names, events and their texts; owner id is the cluster's (`properties.resourceUID`, the id of its control
plane), for ExternalDNS with the object's uid behind it. All controllers of a cluster share the former, so
that two on one zone remove each other's records. What Azure refuses external-dns only logs; the sandbox has
no pods with logs, so the line becomes an event of the Deployment, with reason Failed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from provision.sandbox.addons import dns_endpoints, dns_plan, dns_zones, events, gateways
from provision.sandbox.addons.dns_endpoints import Endpoint, Filters
from provision.sandbox.addons.site import ROUTING_NAMESPACE, Site
from provision.sandbox.addons.workload_identity import AccessError, client_id_of, federated, managed
from provision.sandbox.addons.writing import (
    MANAGED_BY_OPERATOR,
    OPERATOR,
    ensure,
    ensure_namespace,
    owned_by,
    run,
)
from provision.sandbox.azure import TENANT, Json
from provision.sandbox.http import Principal
from provision.sandbox.kubernetes import crds, kinds

_FAILED = "FailedUpdateOrCreateExternalDNSResources"
_IMAGE = "mcr.microsoft.com/oss/v2/kubernetes/external-dns:v0.21.0"
_SOURCES = {"gateway": ("gateway-grpcroute", "gateway-httproute"), "ingress": ("ingress",)}


@dataclass(frozen=True, slots=True)
class Controller:
    """One external-dns: `owner` is the object it comes from, None for the add-on's own; `account` the
    service account it runs as; `client_id` that of an identity of the nodes, empty with workload identity."""

    name: str
    namespace: str
    zone_ids: list[str]
    types: tuple[str, ...]
    filters: Filters
    owner_id: str
    account: str
    client_id: str = ""
    owner: Json | None = None


def reconcile(site: Site) -> None:
    """Every controller, one after the other; they know nothing of each other."""
    for controller in _controllers(site):
        deployment = _deploy(site, controller)
        try:
            caller = _caller(site, controller)
            zones, problems = dns_zones.visible(site.azure, caller, controller.zone_ids)
        except AccessError as error:
            problems = [f"Failed to do run once: {error}"]
        else:
            filters = [zone_id.rsplit("/", 1)[-1].lower() for zone_id in controller.zone_ids]
            wanted = _endpoints(site, controller)
            plan = dns_plan.plan(controller.owner_id, wanted, zones.records(), filters)
            problems += zones.apply(plan)
        for problem in problems:
            events.warn(site, deployment, "Failed", problem, "external-dns")


def _controllers(site: Site) -> Iterator[Controller]:
    routing = site.routing
    if not routing:
        return
    zone_ids = [str(each).lower() for each in routing.get("dnsZoneResourceIds") or ()]
    identity = (routing.get("identity") or {}).get("clientId", "")
    for suffix, private in (("", False), ("-private", True)):
        own = [each for each in zone_ids if ("/privatednszones/" in each) == private]
        if own:
            name = f"external-dns{suffix}"
            yield Controller(
                name, ROUTING_NAMESPACE, own, ("ingress",), Filters(), site.objects.uid, name, identity
            )
    if site.workload_identity:
        for kind in (crds.CLUSTER_EXTERNAL_DNS, crds.EXTERNAL_DNS):
            for declared in site.named(kind):
                problem = _problem(site, declared)
                if problem:
                    events.warn(site, declared, _FAILED, problem, OPERATOR)
                else:
                    yield _declared(site, declared)


def _declared(site: Site, declared: Json) -> Controller:
    spec, metadata = declared["spec"], declared["metadata"]
    namespaced = declared["kind"] == "ExternalDNS"
    chosen = spec.get("filters") or {}
    namespace = metadata["namespace"] if namespaced else spec["resourceNamespace"]
    uid = metadata["uid"].replace("-", "")[:16]
    name = f"{spec['resourceName']}-external-dns"
    identity = spec["identity"]
    by_nodes = identity.get("type") == "managedIdentity"
    return Controller(
        name=name,
        namespace=namespace,
        zone_ids=list(spec["dnsZoneResourceIDs"]),
        types=tuple(sorted({each.lower() for each in spec["resourceTypes"]})),
        filters=Filters(
            namespace if namespaced else "",
            chosen.get("gatewayLabels"),
            chosen.get("routeAndIngressLabels"),
        ),
        owner_id=f"{site.objects.uid}-{uid}" if namespaced else site.objects.uid,
        account=name if by_nodes else identity["serviceAccount"],
        client_id=identity.get("clientID", "") if by_nodes else "",
        owner=declared,
    )


def _problem(site: Site, declared: Json) -> str:
    """Why the operator does not deploy a controller, empty when it does."""
    spec = declared["spec"]
    identity = spec["identity"]
    if identity.get("type") != "managedIdentity":
        name = identity.get("serviceAccount", "")
        namespace = declared["metadata"].get("namespace") or spec.get("resourceNamespace", "")
        account = site.objects.get(kinds.SERVICE_ACCOUNT, name, namespace)
        failed = "failed identity verification: serviceAccount"
        if account is None:
            return f"{failed} {name} does not exist in namespace {namespace}"
        if not client_id_of(account):
            missing = "does not include necessary annotation for workload identity"
            return f"{failed} {name} was specified but {missing}"
    problem = _zones_problem(spec["dnsZoneResourceIDs"])
    return f"failed to generate ExternalDNS resources: {problem}" if problem else ""


def _zones_problem(zone_ids: list[str]) -> str:
    """Why zones can't be served together: one type, one subscription, one resource group."""
    for zone_id in zone_ids:
        if len(zone_id.split("/")) != 9:
            return f"invalid dns zone resource id: {zone_id}"
    first = zone_ids[0].split("/")
    for zone_id in zone_ids[1:]:
        parts = zone_id.split("/")
        if parts[7].lower() != first[7].lower():
            return (
                "all DNS zones must be of the same type, found zones with resourcetypes"
                f" {first[7]} and {parts[7]}"
            )
        for index, word in ((2, "subscriptions"), (4, "resource groups")):
            if parts[index].lower() != first[index].lower():
                return (
                    f"while parsing resource IDs for {parts[7]}: detected multiple {word} {parts[index]} and"
                    f" {first[index]}"
                )
    return ""


def _caller(site: Site, controller: Controller) -> Principal:
    if controller.client_id or controller.owner is None:
        return managed(site.azure, controller.client_id)
    account = site.objects.get(kinds.SERVICE_ACCOUNT, controller.account, controller.namespace)
    if account is None:
        raise AccessError(f'serviceaccounts "{controller.account}" not found')
    return federated(site, account)


def _endpoints(site: Site, controller: Controller) -> list[Endpoint]:
    found: list[Endpoint] = []
    if "gateway" in controller.types and site.serves(crds.GATEWAY):
        labels = {
            each["metadata"]["name"]: each["metadata"].get("labels") or {}
            for each in site.objects.list(kinds.NAMESPACE)
        }
        known = [kind for kind in gateways.route_kinds(site) if kind.kind in dns_endpoints.ROUTES]
        seen = [route for kind in known for route in site.objects.list(kind)]
        fronts = site.objects.list(crds.GATEWAY)
        found += dns_endpoints.of_routes(seen, fronts, labels, controller.filters)
    if "ingress" in controller.types:
        found += dns_endpoints.of_ingresses(site.objects.list(kinds.INGRESS), controller.filters)
    return dns_endpoints.merged(found)


def _deploy(site: Site, controller: Controller) -> Json:
    """The ConfigMap, the service account of an identity of the nodes, and the Deployment."""
    ensure_namespace(site, controller.namespace)
    labels = {**MANAGED_BY_OPERATOR, "app.kubernetes.io/name": controller.name}
    place: Json = {"name": controller.name, "namespace": controller.namespace, "labels": labels}
    if controller.owner is not None:
        place["ownerReferences"] = owned_by(controller.owner)
    if controller.client_id:
        ensure(site, kinds.SERVICE_ACCOUNT, {"metadata": place})
    settings = json.dumps(_settings(site, controller), separators=(",", ":"), sort_keys=True)
    ensure(site, kinds.CONFIG_MAP, {"metadata": place, "data": {"azure.json": settings}})
    pod_labels = {
        **MANAGED_BY_OPERATOR,
        "app": controller.name,
        "checksum/configmap": hashlib.sha256(settings.encode()).hexdigest()[:16],
    }
    pod_labels |= {} if controller.client_id else {"azure.workload.identity/use": "true"}
    container = {"name": "controller", "image": _IMAGE, "args": list(_arguments(controller))}
    template = {
        "metadata": {"labels": pod_labels},
        "spec": {"serviceAccountName": controller.account, "containers": [container]},
    }
    selector = {"matchLabels": {"app": controller.name}}
    body: Json = {"metadata": place, "spec": {"replicas": 1, "selector": selector, "template": template}}
    return run(site, ensure(site, kinds.DEPLOYMENT, body))


def _settings(site: Site, controller: Controller) -> Json:
    """`azure.json`, which tells external-dns where its zones are and as whom it comes."""
    parts = controller.zone_ids[0].split("/")
    found: Json = {
        "cloud": "AzurePublicCloud",
        "location": site.document["location"],
        "resourceGroup": parts[4],
        "subscriptionId": parts[2],
        "tenantId": TENANT,
    }
    if controller.client_id:
        return found | {
            "useManagedIdentityExtension": True,
            "userAssignedIdentityID": controller.client_id,
        }
    return found | {"useWorkloadIdentityExtension": True}


def _arguments(controller: Controller) -> Iterator[str]:
    private = not dns_zones.flavour_of(controller.zone_ids[0]).public
    yield f"--provider={'azure-private-dns' if private else 'azure'}"
    yield "--interval=3m0s"
    yield f"--txt-owner-id={controller.owner_id}"
    yield "--txt-wildcard-replacement=approutingwildcard"
    filters = controller.filters
    if filters.gateways:
        yield f"--gateway-label-filter={filters.gateways.replace('=', '==')}"
    if filters.routes:
        yield f"--label-filter={filters.routes.replace('=', '==')}"
    yield from (f"--source={source}" for source in _sources(controller.types))
    yield from (f"--domain-filter={zone_id.rsplit('/', 1)[-1]}" for zone_id in controller.zone_ids)
    if filters.namespace:
        yield f"--namespace={filters.namespace}"
        if "gateway" in controller.types:
            yield f"--gateway-namespace={filters.namespace}"


def _sources(types: Iterable[str]) -> list[str]:
    return sorted(source for each in types for source in _SOURCES.get(each, ()))
