"""AKS run command: POST …/runCommand and GET …/commandResults/{id}.

AKS starts a pod in the cluster that runs the command; its image has kubectl and helm. The sandbox interprets
the command itself (`shell`, `kubectl`, `helm`) and never starts a program of the machine.
Source: az CLI recording test_aks_run_command (May 2022); Microsoft Learn, "access-private-cluster" and
"resolve-az-aks-command-invoke-failures" (2025); error bodies quoted in issues where a rule says so.
"""

from __future__ import annotations

import base64
import binascii
import io
import uuid
import zipfile
import zlib
from collections.abc import Mapping
from typing import Any

from provision.sandbox import faults, helm, kubectl, shell
from provision.sandbox.azure import Answer, Azure, Json, Request, Settle, not_found, signed
from provision.sandbox.cluster_credentials import PATH
from provision.sandbox.cluster_document import KIND
from provision.sandbox.cluster_rules import refusal
from provision.sandbox.gateway import body_of
from provision.sandbox.http import Route
from provision.sandbox.kubectl import CLIENT_VERSION
from provision.sandbox.kubernetes import access, api

SECONDS = 11.0
"""From the POST to the result, as recorded."""
POLL_SECONDS = 5.0
PATIENCE = 60
"""Seconds that AKS waits for the pod to start."""
MOST_OUTPUT = 512 * 1024
"""Bytes of output that AKS keeps; what is beyond is lost. Source: Microsoft Learn, limitations (2025)."""

RUN = "run_command.run"
_HELD = ("sandbox", "run-command-pods")


def hold_pods(azure: Azure, count: int = 1, *, refuse: bool = False) -> None:
    """Let the pods of the next `count` commands not start in time; the commands do not run.

    The result says so after `PATIENCE` seconds; with `refuse` the POST itself is refused, as reported from
    2022 on (Azure/azure-cli#27776).
    """
    azure.store.put(*_HELD, {"count": count, "refuse": refuse})


def post(request: Request, azure: Azure) -> Answer:
    """202 and Location, no body."""
    cluster = _required(request, azure)
    body = body_of(request)
    _check(cluster, body)
    files = _context(body.get("context") or "")
    command = uuid.uuid4()
    held = _held(azure, cluster)
    if held is not None:
        if held["refuse"]:
            # the status is inferred: the reports show code and message only
            raise refusal(400, "KubernetesPerformanceError", _late(command))
        properties: Json = {"provisioningState": "Failed", "reason": _late(command)}
    else:
        properties = _run(request, azure, cluster, body, files)
    seconds = SECONDS if held is None else float(PATIENCE)
    operation = azure.start_operation(RUN, seconds, cluster=cluster["id"].lower(), properties=properties)
    return Answer(202, None, _headers(request, azure, operation))


def get_result(request: Request, azure: Azure) -> Answer:
    """202 with the state while it runs, then 200 with `exitCode` and `logs`."""
    cluster = _required(request, azure)
    operation = _operation(azure, request.params["command"])
    if operation is None or operation.get("cluster") != cluster["id"].lower():
        raise refusal(404, "NotFound", f"Command {request.params['command']} was not found.")
    identifier = operation["name"].replace("-", "")
    if operation["status"] == "InProgress":
        body = {"id": identifier, "properties": {"provisioningState": "Running"}}
        return Answer(202, body, _headers(request, azure, operation))
    properties = operation["properties"]
    if properties["provisioningState"] == "Succeeded":
        moment = azure.clock.stamp(operation["due"]).partition(".")[0] + "Z"
        properties = {**properties, "startedAt": moment, "finishedAt": moment}
    return Answer(200, {"id": identifier, "properties": properties})


def _required(request: Request, azure: Azure) -> Json:
    params = request.params
    group = f"/subscriptions/{params['subscription']}/resourceGroups/{params['group']}"
    path = f"{group}/providers/{KIND}/{params['name']}"
    cluster = azure.store.get(KIND, path)
    if cluster is None:
        raise not_found(path)
    return cluster


def _operation(azure: Azure, identifier: str) -> Json | None:
    try:
        return azure.store.get_operation(str(uuid.UUID(hex=identifier)))
    except ValueError:
        return None


def _headers(request: Request, azure: Azure, operation: Json) -> dict[str, str]:
    params = request.params
    url = (
        f"{request.base_url}/subscriptions/{params['subscription']}/resourceGroups/{params['group']}"
        f"/providers/Microsoft.ContainerService/managedclusters/{params['name']}/commandResults"
        f"/{operation['name'].replace('-', '')}?api-version={request.query['api-version']}"
    )
    return {"Location": signed(url), **azure.clock.retry_headers(POLL_SECONDS)}


def _check(cluster: Json, body: Json) -> None:
    """Refuse what AKS refuses before a pod is made."""
    properties = cluster["properties"]
    power = (properties.get("powerState") or {}).get("code", "Running")
    if not body.get("command"):
        raise refusal(400, "InvalidParameter", "Required parameter command is missing.", "command")
    if properties["provisioningState"] in ("Creating", "Deleting"):
        # code and message: Azure/azure-cli#27440 (2023), of another call
        uid = properties["resourceUID"]
        raise refusal(404, "ControlPlaneNotFound", f"Could not find control plane with ID {uid}.")
    if power != "Running":
        # the wording follows AKS's refusal to stop a stopped cluster (MicrosoftDocs/azure-docs#85161, 2021)
        raise refusal(
            400,
            "OperationNotAllowed",
            f"managed cluster is in Provisioning State({properties['provisioningState']}) and Power"
            f" State({power}), running a command cannot be performed",
        )
    if (properties.get("apiServerAccessProfile") or {}).get("disableRunCommand"):
        # no published body: the generic code and a text of ours
        raise refusal(400, "BadRequest", "Run command is disabled on this managed cluster.")
    if properties.get("aadProfile") and not body.get("clusterToken"):
        # Azure/azure-rest-api-specs#22480 (2023)
        raise refusal(
            400,
            "MissingAADClusterToken",
            "This cluster have Azure Active Directory enabled, .clusterToken is required.",
        )


def _context(encoded: str) -> dict[str, bytes]:
    """The files of a base64 zip by their names in it."""
    try:
        packed = base64.b64decode("".join(encoded.split()), validate=True)
        if not packed:
            return {}
        with zipfile.ZipFile(io.BytesIO(packed)) as archive:
            return {name: archive.read(name) for name in archive.namelist() if not name.endswith("/")}
    except (binascii.Error, zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError) as error:
        raise refusal(
            400, "BadRequest", f"The context is not a base64 encoded zip file: {error}.", "context"
        ) from error


def _held(azure: Azure, cluster: Json) -> Json | None:
    """Why the pod does not start in time: on request, or because no node is there to run it."""
    held = azure.store.get(*_HELD)
    if held is not None:
        if held["count"] > 1:
            azure.store.put(*_HELD, {**held, "count": held["count"] - 1})
        else:
            azure.store.delete(*_HELD)
        return held
    nodes = sum(
        pool.get("count") or 0
        for pool in cluster["properties"].get("agentPoolProfiles") or ()
        if (pool.get("powerState") or {}).get("code", "Running") == "Running"
    )
    return None if nodes else {"refuse": False}


def _late(command: uuid.UUID) -> str:
    return (
        f"Failed to run command due to cluster perf issue, container command-{command.hex} in aks-command"
        f" namespace did not start within {PATIENCE}s on your cluster, retry may helps. If issue persist, you"
        " may need to tune your cluster with better performance (larger node/paid tier)."
    )


def _run(request: Request, azure: Azure, cluster: Json, body: Json, files: Mapping[str, bytes]) -> Json:
    """Run the command as the token's user; without Entra integration as cluster administrator."""
    call = _api(request, azure, cluster, body.get("clusterToken") or "")
    programs = {"kubectl": kubectl.program(call), "helm": helm.program(call, azure.clock.now)}
    status, logs = shell.run(body["command"], shell.Files(files), programs)
    text = logs[:MOST_OUTPUT].decode(errors="replace")
    return {"provisioningState": "Succeeded", "exitCode": status, "logs": text}


def _api(request: Request, azure: Azure, cluster: Json, token: str) -> kubectl.Call:
    """The cluster's API server, in this process. Faults set for its paths hold here too, delays aside."""
    root = f"{PATH}/{cluster['properties']['resourceUID']}"
    user = None if cluster["properties"].get("aadProfile") else access.ADMINISTRATOR
    credentials = {"authorization": f"Bearer {token}"} if user is None else {}

    def call(
        method: str, path: str, query: Mapping[str, str], body: Any, headers: Mapping[str, str]
    ) -> Answer:
        sent = Request(
            method=method,
            path=root + path,
            query={name.lower(): value for name, value in query.items()},
            headers={"user-agent": f"kubectl/{CLIENT_VERSION}", **headers, **credentials},
            body=body,
            base_url=request.base_url,
        )
        fault = faults.take(azure, method, sent.path)
        lost = fault is not None and fault["status"] is not None
        if fault is not None and lost and not fault["after"]:
            return Answer(fault["status"], fault["body"], fault["headers"])
        answer = api.handle(sent, azure, user)
        return Answer(fault["status"], fault["body"], fault["headers"]) if fault and lost else answer

    return call


def _settle(_azure: Azure, _operation: Json) -> Json | None:
    """The command has run when it was accepted; its result only comes to light now."""
    return None


_CLUSTER = f"/subscriptions/{{subscription}}/resourceGroups/{{group}}/providers/{KIND}/{{name}}"

ROUTES: tuple[Route, ...] = (
    Route("POST", f"{_CLUSTER}/runCommand", post, f"{KIND}/runcommand/action"),
    Route("GET", f"{_CLUSTER}/commandResults/{{command}}", get_result, f"{KIND}/commandResults/read"),
)

SETTLERS: Mapping[str, Settle] = {RUN: _settle}
