"""Long operations of AKS: one at a time on a cluster, polled with free text on the way.

Source: az CLI recordings of the acs module (February 2024 to April 2026).
"""

from __future__ import annotations

from provision.sandbox.azure import Answer, Azure, Json, Request, signed
from provision.sandbox.cluster_document import KIND
from provision.sandbox.cluster_rules import refusal

CREATE_SECONDS = 264.0
UPDATE_SECONDS = 150.0
TAGS_SECONDS = 30.0
DELETE_SECONDS = 240.0
"""The first two as seen in recordings of 2026 and 2025; the others are guesses of the right size."""
POLL_SECONDS = 30.0

CHANGE, TAGS, DELETE = "managed_clusters.change", "managed_clusters.tags", "managed_clusters.delete"
_COUNTER = "managed_clusters.operations"


def check_idle(azure: Azure, cluster: Json) -> None:
    """One operation at a time. Source: error body of an update of February 2026 quoted by a user."""
    resource = cluster["id"].lower()
    for running in azure.store.running_operations():
        if running.get("resource") == resource:
            started = azure.clock.stamp(running["start"]).split(".")[0]
            raise refusal(
                409,
                "OperationNotAllowed",
                f"Operation is not allowed because there's an in progress {running['kind']} managed"
                f" cluster operation (operation ID: {running['name']}) on the managed cluster"
                f" {cluster['name']} started on UTC {started}Z. Please wait for it to finish before"
                " starting a new operation. See https://aka.ms/aks-pending-operation for more details",
            )


def begin(request: Request, azure: Azure, cluster: Json, state: str, settler: str) -> dict[str, str]:
    """Start the operation and store the cluster as it looks meanwhile, still with its old entity tag.

    Returns the headers of the answer.
    """
    seconds = {TAGS: TAGS_SECONDS, DELETE: DELETE_SECONDS}.get(settler, UPDATE_SECONDS)
    if state == "Creating":
        seconds = CREATE_SECONDS
    count = (azure.store.get("counter", _COUNTER) or {"count": 0})["count"] + 1
    azure.store.put("counter", _COUNTER, {"count": count})
    kind = {"Creating": "create", "Updating": "update", "Deleting": "delete"}[state]
    pools = cluster["properties"]["agentPoolProfiles"]
    operation = azure.start_operation(
        settler,
        seconds,
        resource=cluster["id"].lower(),
        kind=kind,
        # every third update is answered with an error while it still runs, as in recordings of 2024
        preempted=kind == "update" and count % 3 == 0,
        nodes=sum(pool.get("count") or 0 for pool in pools),
    )
    for holder in (cluster["properties"], *pools):
        holder["provisioningState"] = state
    azure.store.put(KIND, cluster["id"], cluster)
    url = signed(
        f"{request.base_url}/subscriptions/{request.params['subscription']}/providers"
        f"/Microsoft.ContainerService/locations/{cluster['location']}/operations/{operation['name']}"
        "?api-version=2025-03-01"
    )
    return {"Azure-AsyncOperation": url, **azure.clock.retry_headers(POLL_SECONDS)}


def _progress(azure: Azure, operation: Json) -> str:
    """Free text on the way, as a running operation words it."""
    span = operation["due"] - operation["start"]
    done = (azure.clock.now() - operation["start"]) / span if span > 0 else 1.0
    if operation["kind"] == "create" and done > 0.2:
        nodes = operation["nodes"]
        if done < 0.8:
            ready = nodes if done > 0.6 else 0
            return f"CreatingAgentPools: {ready}/{nodes} nodes completed"
        return "ReconcilingAddons"
    return "ReconcilingAddons" if operation["kind"] == "update" and done > 0.4 else "InProgress"


def get_operation(request: Request, azure: Azure) -> Answer:
    """Poll: decide on `status` alone, an `error` may ride along with a running operation."""
    operation = azure.operation(request.params["operation"])
    body: Json = {
        "name": operation["name"],
        "status": operation["status"],
        "startTime": azure.clock.stamp(operation["start"]),
    }
    if operation["status"] != "InProgress":
        body["endTime"] = azure.clock.stamp(operation["end"])
        return Answer(200, {**body, "error": operation["error"]} if "error" in operation else body)
    body["status"] = _progress(azure, operation)
    if operation["preempted"] and body["status"] == "InProgress":
        body["error"] = {
            "code": "NotLatestOperation",
            "message": "The operation has been preempted by another one. Please wait for the other operation"
            " to complete and try again..",
        }
    return Answer(200, body, azure.clock.retry_headers(POLL_SECONDS))


def get_result(request: Request, azure: Azure) -> Answer:
    """The Location of a delete: 202 while it runs, then 204."""
    operation = azure.operation(request.params["operation"])
    if operation["status"] != "InProgress":
        return Answer(204)
    url = f"{request.base_url}{request.path}?api-version={request.query['api-version']}"
    headers = {"Location": signed(url), **azure.clock.retry_headers(POLL_SECONDS)}
    return Answer(202, None, headers)
