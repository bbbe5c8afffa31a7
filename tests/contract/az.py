"""How the contract tests call az."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Mapping
from typing import Any

from provision.sandbox.azure import TENANT
from provision.sandbox.seed import CLIENTS

Az = Callable[..., Any]
"""Runs az with the arguments given: the JSON it prints, or `AzError`."""


class AzError(Exception):
    """az ended with an error; the message is what it wrote."""


def runner(executable: str, variables: Mapping[str, str]) -> Az:
    """az in an environment."""

    def run(*arguments: str) -> Any:
        command = [executable, *arguments, "--output", "json", "--only-show-errors"]
        done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
        if done.returncode:
            raise AzError(done.stderr)
        return json.loads(done.stdout) if done.stdout.strip() else None

    return run


def log_in(az: Az, client: str, secret: str = "") -> Any:
    known = CLIENTS[client]
    return az(
        *("login", "--service-principal", "-u", known.client_id, "-p", secret or known.secret),
        *("--tenant", TENANT),
    )
