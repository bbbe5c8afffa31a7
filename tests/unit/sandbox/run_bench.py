"""A cluster behind AKS's run command, on a clock that tests move by hand."""

from __future__ import annotations

import base64
import io
import zipfile
from typing import Any

from arm_bench import GROUP, ArmBench

from provision.sandbox import entra, managed_clusters, run_command
from provision.sandbox.azure import SUBSCRIPTION, Answer, Json
from provision.sandbox.cluster_document import KIND

CLUSTER = f"{GROUP}/providers/{KIND}/aks-test"
RUN = f"{CLUSTER}/runCommand"


class RunBench(ArmBench):
    """`aks-test`, whose cluster document takes `properties`."""

    def __init__(self, **properties: Any) -> None:
        super().__init__((*run_command.ROUTES, *entra.ROUTES), run_command.SETTLERS)
        managed_clusters.new_cluster(
            self.azure, SUBSCRIPTION, "rg-test", "aks-test", "westeurope", properties=properties
        )

    @property
    def document(self) -> Json:
        """The cluster's ARM document."""
        found = self.azure.store.get(KIND, CLUSTER)
        assert found is not None
        return found

    def post(self, command: str, *, files: dict[str, str] | None = None, token: str = "") -> Answer:
        """The answer to the POST."""
        body = {"command": command, "context": packed(files or {})}
        if token:
            body["clusterToken"] = token
        with self.azure.store.transaction():
            return self.send("POST", RUN, body)

    def result(self, accepted: Answer) -> Json:
        """`properties` of the result, once there is one."""
        assert accepted.status == 202, accepted.body
        self.pass_(60)
        answer = self.send("GET", accepted.headers["Location"])
        assert answer.status == 200, answer.body
        found: Json = answer.body["properties"]
        return found

    def run(self, command: str, *, token: str = "", **files: str) -> tuple[int, str]:
        """Exit code and logs of a command; the file `a_yaml` is `a.yaml`."""
        named = {name.replace("_", "."): text for name, text in files.items()}
        found = self.result(self.post(command, files=named, token=token))
        return found["exitCode"], found["logs"]


def packed(files: dict[str, str]) -> str:
    """Files as az sends them: a zip in base64 with line breaks; nothing for none."""
    if not files:
        return ""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return base64.encodebytes(content.getvalue()).decode()
