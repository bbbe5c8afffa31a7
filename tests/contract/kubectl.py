"""How the contract tests call kubectl."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

INSTALL = (
    "no kubectl: set PROVISION_TEST_KUBECTL to the path of one, or put one on PATH"
    " (Debian: apt-get install kubernetes-client)"
)


class KubectlError(Exception):
    """kubectl ended with an error; the message is what it wrote."""


@dataclass(frozen=True)
class Kubectl:
    """kubectl with a kubeconfig; `home` is where it caches what it discovers."""

    executable: str
    home: Path
    kubeconfig: Path
    options: tuple[str, ...] = ()

    def __call__(self, *arguments: str, given: object = None) -> str:
        """What kubectl prints. `given` is its standard input: text, or an object sent as JSON."""
        text = given if isinstance(given, str) else json.dumps(given)
        done = subprocess.run(
            self._command(*arguments),
            env=self._variables(),
            input=text if given is not None else None,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise KubectlError(done.stderr)
        return done.stdout

    def read(self, *arguments: str) -> Any:
        """The JSON that kubectl prints."""
        return json.loads(self(*arguments, "-o", "json"))

    def apply(self, *objects: object, manager: str = "kubectl", options: tuple[str, ...] = ()) -> str:
        """Server-side apply."""
        return self(
            *("apply", "--server-side", "--field-manager", manager, *options, "-f", "-"),
            given={"apiVersion": "v1", "kind": "List", "items": list(objects)},
        )

    def with_options(self, *options: str) -> Kubectl:
        return Kubectl(self.executable, self.home, self.kubeconfig, (*self.options, *options))

    @contextmanager
    def running(self, *arguments: str) -> Iterator[subprocess.Popen[str]]:
        """kubectl at work; ended on the way out."""
        with subprocess.Popen(
            self._command(*arguments), env=self._variables(), stdout=subprocess.PIPE, text=True
        ) as process:
            try:
                yield process
            finally:
                process.terminate()

    def _command(self, *arguments: str) -> list[str]:
        return [self.executable, "--kubeconfig", str(self.kubeconfig), *self.options, *arguments]

    def _variables(self) -> Mapping[str, str]:
        return {"HOME": str(self.home), "PATH": "/usr/bin:/bin"}
