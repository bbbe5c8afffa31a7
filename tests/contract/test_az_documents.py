"""The az commands that README and the runbooks tell people to type, typed."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from contract.az import log_in, runner
from provision.sandbox.home import Home, environment

ROOT = Path(__file__).parents[2]


def variables(executable: str, home: Home) -> dict[str, str]:
    server = home.running()
    assert server is not None
    path = f"{Path(executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, **environment(home, server), "PATH": path}


def typed(script: str, known: dict[str, str]) -> str:
    done = subprocess.run(
        ["bash", "-euc", script],
        env=known,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_readme_reaches_the_sandbox_with_az(executable: str, home: Home) -> None:
    readme = (ROOT / "README.md").read_text()
    lines = re.findall(r"^\$ (az .+)$", readme, re.MULTILINE)
    assert [line.split()[1] for line in lines] == ["login", "network"]
    known = variables(executable, home)
    created = runner(executable, known)
    log_in(created, "owner")
    created("network", "dns", "zone", "create", "--resource-group", "rg-dns", "--name", "read.me.example")
    assert "read.me.example" in typed("\n".join(lines), known)
