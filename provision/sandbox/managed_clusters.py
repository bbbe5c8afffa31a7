"""Microsoft.ContainerService/managedClusters: AKS clusters and their long operations.

Source: az CLI recordings of the acs module (February 2024 to April 2026); entity tags: Microsoft Learn
"use-etags" (2026).
"""

from __future__ import annotations

from collections.abc import Mapping

from provision.sandbox import (
    cluster_effects,
    cluster_mesh,
    cluster_operations,
    cluster_rules,
    cluster_versions,
)
from provision.sandbox.azure import Answer, Azure, Json, Refusal, Request, Settle, not_found
from provision.sandbox.cluster_document import KIND, blank, replaced
from provision.sandbox.cluster_operations import CHANGE, DELETE, TAGS, begin, check_idle
from provision.sandbox.cluster_rules import refusal
from provision.sandbox.documents import copied
from provision.sandbox.http import Route

_DEFAULT_POOL: Json = {"name": "nodepool1", "mode": "System"}
_UNKNOWN_TO_SDK: Json = {
    "managedBy": "",
    "properties": {
        "controlPlaneScalingProfile": {"scalingSize": "H2"},
        "enableNamespaceResources": False,
    },
}
"""Fields that azure-mgmt-containerservice 41.8.0 does not know, so that clients are seen to keep them."""


def new_cluster(
    azure: Azure, subscription: str, group: str, name: str, location: str, **overrides: object
) -> Json:
    """Write a settled cluster as AKS shows one in 2026, with its node resource group and identities.

    `overrides` are top-level fields of a PUT body (`properties`, `tags`, `sku`, `identity`); objects are
    merged, so `properties={"ingressProfile": {…}}` keeps the rest. Any Kubernetes version is accepted.
    """
    pool = {
        **_DEFAULT_POOL,
        "upgradeStrategy": "Rolling",
        "nodeInitializationTaints": ["startup=true:NoSchedule"],
    }
    body: Json = {
        "location": location,
        "tags": {},
        "properties": {
            "agentPoolProfiles": [pool],
            "oidcIssuerProfile": {"enabled": True},
            "securityProfile": {"workloadIdentity": {"enabled": True}},
        },
    }
    body = _merged(_merged(body, _UNKNOWN_TO_SDK), overrides)
    skeleton = blank(azure, subscription, group, name, location, body)
    cluster = replaced(body, skeleton, preview=True)
    cluster_effects.finish(azure, cluster)
    return cluster


def _merged(base: Json, over: Mapping[str, object]) -> Json:
    merged = copied(base)
    for key, value in over.items():
        below = merged.get(key)
        merged[key] = (
            _merged(below, value) if isinstance(below, dict) and isinstance(value, Mapping) else copied(value)
        )
    return merged


def _balances(request: Request) -> bool:
    """Whether the request's api-version knows `ingressProfile.applicationLoadBalancer`: previews since that
    of 2025-09-02 do, stable versions don't."""
    version = request.query.get("api-version", "")
    return version.endswith("-preview") and version >= "2025-09-02-preview"


def _shown(request: Request, cluster: Json) -> Json:
    """The cluster as the request's api-version knows it."""
    ingress = cluster["properties"].get("ingressProfile") or {}
    if _balances(request) or "applicationLoadBalancer" not in ingress:
        return cluster
    visible = {key: value for key, value in ingress.items() if key != "applicationLoadBalancer"}
    properties = {key: value for key, value in cluster["properties"].items() if key != "ingressProfile"}
    return {**cluster, "properties": {**properties, **({"ingressProfile": visible} if visible else {})}}


def _find(request: Request, azure: Azure) -> Json | None:
    params = request.params
    group = f"/subscriptions/{params['subscription']}/resourceGroups/{params['group']}"
    return azure.store.get(KIND, f"{group}/providers/{KIND}/{params['name']}")


def _required(request: Request, azure: Azure) -> Json:
    cluster = _find(request, azure)
    if cluster is None:
        raise not_found(request.path)
    return cluster


def get(request: Request, azure: Azure) -> Answer:
    return Answer(200, _shown(request, _required(request, azure)))


def list_all(request: Request, azure: Azure) -> Answer:
    """Clusters of a resource group, or of the subscription."""
    prefix = f"/subscriptions/{request.params['subscription']}/resourceGroups/"
    if "group" in request.params:
        prefix += f"{request.params['group']}/"
    return Answer(200, {"value": [_shown(request, cluster) for cluster in azure.store.list(KIND, prefix)]})


def put(request: Request, azure: Azure) -> Answer:
    body: Json = request.body or {}
    name = request.params["name"]
    old = _find(request, azure)
    _check_tags(request, old)
    cluster_rules.check_body(name, body)
    if not _balances(request):
        cluster_rules.check_unknown(request.query.get("api-version", ""), body)
    if not body.get("location"):
        raise Refusal(400, "LocationRequired", "The location property is required for this definition.")
    if old is not None:
        _check_location(old, body["location"])
        check_idle(azure, old)
    params = request.params
    base = old or blank(azure, params["subscription"], params["group"], name, body["location"], body)
    cluster = replaced(body, base, preview=_balances(request))
    cluster_rules.check(cluster, old, body)
    cluster_mesh.check(cluster, old)
    if _balances(request):
        cluster_rules.check_features(azure, params["subscription"], body)
    state = "Updating" if old else "Creating"
    accepted = begin(request, azure, cluster, state, CHANGE)
    return Answer(200 if old else 201, _shown(request, cluster), accepted)


def patch(request: Request, azure: Azure) -> Answer:
    """Tags only: `updateTags` replaces them all."""
    cluster = _required(request, azure)
    _check_tags(request, cluster)
    check_idle(azure, cluster)
    cluster["tags"] = (request.body or {}).get("tags") or {}
    accepted = begin(request, azure, cluster, "Updating", TAGS)
    return Answer(200, _shown(request, cluster), accepted)


def delete(request: Request, azure: Azure) -> Answer:
    cluster = _find(request, azure)
    if cluster is None:
        return Answer(204)
    _check_tags(request, cluster)
    check_idle(azure, cluster)
    accepted = begin(request, azure, cluster, "Deleting", DELETE)
    result = accepted["Azure-AsyncOperation"].replace("/operations/", "/operationresults/", 1)
    return Answer(202, None, {**accepted, "Location": result})


def _check_tags(request: Request, cluster: Json | None) -> None:
    """If-Match and If-None-Match by the table of "use-etags"."""
    wanted = request.headers.get("if-match", "")
    forbidden = request.headers.get("if-none-match", "")
    if forbidden not in ("", "*"):
        raise refusal(
            400,
            "BadRequest",
            f"The value '{forbidden}' of header If-None-Match is invalid: only '*' is allowed.",
        )
    failed = "The condition '{}' in the {} header was not satisfied. The current etag is '{}'."
    current = cluster["eTag"] if cluster else ""
    if forbidden == "*" and cluster is not None:
        raise refusal(412, "PreconditionFailed", failed.format("*", "If-None-Match", current))
    if wanted and (cluster is None or (wanted != "*" and wanted.strip('"') != current)):
        raise refusal(412, "PreconditionFailed", failed.format(wanted, "If-Match", current))


def _check_location(old: Json, location: str) -> None:
    asked = location.replace(" ", "").lower()
    if asked != old["location"]:
        raise Refusal(
            409,
            "InvalidResourceLocation",
            f"The resource '{old['name']}' already exists in location '{old['location']}' in resource group"
            f" '{old['id'].split('/')[4]}'. A resource with the same name cannot be created in location"
            f" '{asked}'. Please select a new resource name.",
        )


_SUBSCRIPTION = "/subscriptions/{subscription}"
_GROUP = f"{_SUBSCRIPTION}/resourceGroups/{{group}}/providers/{KIND}"
_CLUSTER = f"{_GROUP}/{{name}}"
_LOCATION = f"{_SUBSCRIPTION}/providers/Microsoft.ContainerService/locations/{{location}}"

ROUTES: tuple[Route, ...] = (
    Route("GET", _CLUSTER, get, f"{KIND}/read"),
    Route("PUT", _CLUSTER, put, f"{KIND}/write"),
    Route("PATCH", _CLUSTER, patch, f"{KIND}/write"),
    Route("DELETE", _CLUSTER, delete, f"{KIND}/delete"),
    Route("GET", _GROUP, list_all, f"{KIND}/read"),
    Route("GET", f"{_SUBSCRIPTION}/providers/{KIND}", list_all, f"{KIND}/read"),
    # the signature in the URL is what lets a caller of any scope poll
    Route("GET", f"{_LOCATION}/operations/{{operation}}", cluster_operations.get_operation),
    Route("GET", f"{_LOCATION}/operationresults/{{operation}}", cluster_operations.get_result),
    *cluster_versions.ROUTES,
    *cluster_mesh.ROUTES,
)

SETTLERS: Mapping[str, Settle] = {
    CHANGE: cluster_effects.settle_change,
    TAGS: cluster_effects.settle_tags,
    DELETE: cluster_effects.settle_delete,
}
