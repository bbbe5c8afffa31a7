"""Through Azure: `runCommand` of AKS, which starts a pod with kubectl in the cluster.

Each command takes ten seconds and more, so all calls that come together go as one; each call's output
follows a line of its own, and is compressed where the image has gzip and base64, which is not documented.
Sources: "Access a private AKS cluster using the command invoke feature", Microsoft Learn, 2026-05 (output is
cut at 512 kB, the pod must be scheduled within 60 s, the image has kubectl); az CLI recording
test_aks_run_command, 2022; az CLI, `aks_runcommand` (when a cluster token is sent).
"""

from __future__ import annotations

import base64
import gzip
import io
import json
import re
import zipfile
import zlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from provision.errors import ServiceError
from provision.providers.azure.clients import Clients
from provision.providers.azure.errors import translating
from provision.providers.kubernetes.calls import Call, Reply, Tell
from provision.providers.kubernetes.collector import Collector
from provision.providers.kubernetes.kubeconfig import AKS_SERVER
from provision.providers.kubernetes.kubectl_output import UnreadableOutput, parse
from provision.resources.arm import ArmId
from provision.resources.manifest import FIELD_MANAGER

if TYPE_CHECKING:
    from azure.mgmt.containerservice.models import RunCommandResult

_BATCH = 100
"""Calls a command: its text stays far below the 128 KiB that Linux lets one argument have."""
_CUT = 500_000
"""Characters of output from which it may have been cut at 512 kB."""
_PACKED = "command -v gzip >/dev/null && command -v base64 >/dev/null && gzip -c | base64 -w0 || cat"
_GZIP = "H4sI"
"""How base64 of gzip begins."""
_HEADING = re.compile(r"^=== (\d+)$", re.MULTILINE)
_POLL_SECONDS = 5.0
"""Between polls. Source: az CLI, `aks_runcommand`."""
_ATTEMPTS = 5
_PAUSE = 30.0
"""Seconds before another try when the pod did not start, for an autoscaler to bring a node."""


class RunCommand:
    """A cluster behind AKS's run command."""

    wait = 15.0

    def __init__(self, clients: Clients, cluster_id: str, *, entra: bool, tell: Tell | None = None) -> None:
        self._clients = clients
        self._arm = ArmId.parse(cluster_id)
        self._entra = entra
        self._tell = tell
        self._collector = Collector(self._batches)
        self._doing = f"running a command in cluster {self._arm.name}"

    async def send(self, calls: Sequence[Call]) -> list[Reply]:
        """In order, in one command together with what others send at the same moment."""
        return await self._collector.send(calls)

    async def _batches(self, calls: Sequence[Call]) -> list[Reply]:
        replies: list[Reply] = []
        for at in range(0, len(calls), _BATCH):
            replies += await self._batch(calls[at : at + _BATCH])
        return replies

    async def _batch(self, calls: Sequence[Call]) -> list[Reply]:
        """One command, or when its output was cut, two with half of the calls each.

        A call that was carried out and is sent again changes nothing more: an apply is the same apply, and a
        deletion finds nothing to delete.
        """
        result = await self.execute(command(calls), context(calls))
        logs = result.logs or ""
        try:
            return replies(logs, len(calls))
        except (UnreadableOutput, ValueError, EOFError, gzip.BadGzipFile, zlib.error) as error:
            if len(logs) < _CUT:
                raise ServiceError(
                    self._doing,
                    f"the command ended with exit code {result.exit_code} and unexpected output:"
                    f" {_told(error, logs)}",
                    "The command runs kubectl in AKS's own image: see that the cluster's policies let pods"
                    " run in the namespace aks-command.",
                ) from None
        if len(calls) == 1:
            raise ServiceError(
                self._doing,
                f"output cut at 512 kB: the answer to {calls[0].verb} {calls[0].path} is larger than a"
                " command may print",
                "Reach the cluster from inside its network with cluster.access: direct.",
            )
        half = len(calls) // 2
        return [*await self._batch(calls[:half]), *await self._batch(calls[half:])]

    async def execute(self, text: str, files: str = "") -> RunCommandResult:
        """The result of a command whose pod started; tried again, but not for ever, when it did not.

        `files` is the base64 of a zip that is unpacked where the command runs.
        """
        reason = ""
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                with translating(self._doing):
                    result = await self._once(text, files)
            except ServiceError as error:
                if _is_disabled(error.why):
                    raise self._disabled(error) from error
                if not _did_not_start(error.why):
                    raise
                reason = error.why
            else:
                if result.provisioning_state != "Failed":
                    return result
                reason = result.reason or "no reason given"
                if not _did_not_start(reason):
                    raise ServiceError(self._doing, f"the command failed: {reason}")
            if attempt < _ATTEMPTS:
                if self._tell:
                    self._tell(f"{self._doing}: its pod was not started, trying again in {_PAUSE:.0f} s")
                await self._clients.sleep(_PAUSE)
        raise ServiceError(
            self._doing,
            f"its pod was not started, {_ATTEMPTS} times: {reason}",
            "The cluster needs a node with room for one more small pod, in the namespace aks-command.",
        )

    def _disabled(self, error: ServiceError) -> ServiceError:
        return ServiceError(
            self._doing,
            error.why,
            "Reach the cluster from inside its network with cluster.access: direct, or switch it on:",
            f"az aks update --resource-group {self._arm.group} --name {self._arm.name} --enable-run-command",
        )

    async def _once(self, text: str, files: str) -> RunCommandResult:
        from azure.mgmt.containerservice.models import RunCommandRequest

        token = None
        if self._entra:
            with translating(f"signing in to cluster {self._arm.name}"):
                token = await self._clients.token(f"{AKS_SERVER}/.default")
        request = RunCommandRequest(command=text, context=files, cluster_token=token)
        client = self._clients.containers(self._arm.subscription).managed_clusters
        poller = await client.begin_run_command(
            self._arm.group,
            self._arm.name,
            request,
            polling_interval=_POLL_SECONDS * self._clients.cloud.pace,
        )
        return await poller.result()


def command(calls: Sequence[Call]) -> str:
    """The command line: for each call a line with its number, then its text and exit code."""
    return "; ".join(
        f"echo '=== {number}'; ( {_kubectl(call, number)} ; echo \"exit $?\" ) 2>&1 | ( {_PACKED} ); echo"
        for number, call in enumerate(calls)
    )


def _kubectl(call: Call, number: int) -> str:
    match call.verb:
        case "get" if call.only:
            return _secret(call)
        case "get":
            return f"kubectl get --raw {_quoted(call.path)}"
        case "delete":
            return f"kubectl delete --raw {_quoted(call.path)}"
        case "strip":
            gone = " ".join(_quoted(f"{key}-") for key in call.without)
            return f"kubectl annotate {_named(call.path)} --field-manager={FIELD_MANAGER} -o json {gone}"
        case "apply":
            options = [f"--field-manager={FIELD_MANAGER}"]
            options += ["--force-conflicts"] if call.force else []
            options += ["--dry-run=server"] if call.dry_run else []
            return f"kubectl apply --server-side {' '.join(options)} -o json -f {_file(number)}"


def _secret(call: Call) -> str:
    """One key of a Secret, as JSON. Azure keeps what a command prints, so the rest must not be printed."""
    namespace, _, name = call.path.removeprefix("/api/v1/namespaces/").split("/")
    key = call.only.replace(".", "\\.")
    template = f'{{"{{"}}"data":{{"{{"}}"{call.only}":"{{.data.{key}}}"}}}}'
    return f"kubectl get secret {_quoted(name)} -n {_quoted(namespace)} -o jsonpath={_quoted(template)}"


def _named(path: str) -> str:
    """An object as kubectl's commands name it, such as `gateways.v1.gateway.networking.k8s.io x`."""
    *prefix, plural, name = path.strip("/").split("/")
    _, *group, version = prefix if "namespaces" not in prefix else prefix[: prefix.index("namespaces")]
    inside = f" -n {_quoted(prefix[-1])}" if "namespaces" in prefix else ""
    kind = ".".join((plural, version, *group)) if group else plural
    return f"{_quoted(kind)} {_quoted(name)}{inside}"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def _file(number: int) -> str:
    return f"{number}.json"


def context(calls: Sequence[Call]) -> str:
    """The manifests, as the base64 of a zip that is unpacked where the command runs; empty without any."""
    files = [(number, call) for number, call in enumerate(calls) if call.verb == "apply"]
    if not files:
        return ""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, call in files:
            archive.writestr(_file(number), json.dumps(call.body))
    return base64.b64encode(packed.getvalue()).decode("ascii")


def replies(logs: str, count: int) -> list[Reply]:
    _, *parts = _HEADING.split(logs)
    numbers, texts = parts[::2], parts[1::2]
    if numbers != [str(number) for number in range(count)]:
        raise UnreadableOutput(f"{len(numbers)} answers to {count} calls")
    return [parse(_unpacked(text.strip())) for text in texts]


def _unpacked(text: str) -> str:
    if not text.startswith(_GZIP):
        return text
    return gzip.decompress(base64.b64decode(text, validate=True)).decode("utf-8")


def _told(error: Exception, logs: str) -> str:
    text = str(error) if isinstance(error, UnreadableOutput) else logs
    return text.strip()[:200] or "none"


def _did_not_start(reason: str) -> bool:
    """Whether the command's pod was not scheduled or started in time.

    `KubernetesPerformanceError`, `KubernetesOperationError`: "container command-… in aks-command namespace
    did not start within 30s on your cluster". Source: Azure/azure-cli issues 24192 and 27776.
    """
    return "did not start within" in reason or "schedul" in reason.lower()


def _is_disabled(reason: str) -> bool:
    """Whether the cluster's owners switched it off (`apiServerAccessProfile.disableRunCommand`)."""
    return "run command is disabled" in reason.lower()
